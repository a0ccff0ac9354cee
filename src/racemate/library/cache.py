"""A private folder for what can be rebuilt: the validated library, compiled kernels.

Entries are bytes behind a checksum. Whatever is missing, damaged, or not surely ours is treated as absent, so a
cache can slow a run down but never change or break it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
from pathlib import Path

_MAGIC = b"racemate-cache-1\n"
_KEEP = 8


def cache_root() -> Path:
    """The user's cache folder: ``RACEMATE_CACHE``, else the platform's own place (``XDG_CACHE_HOME/racemate``)."""
    if chosen := os.environ.get("RACEMATE_CACHE"):
        return Path(chosen)
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "racemate" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "racemate"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "racemate"


def private_folder(name: str) -> Path | None:
    """A folder below the cache root that only this user can enter, or None when there can be none."""
    try:
        folder = cache_root() / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or not _ours(about):
            return None
        if hasattr(os, "getuid") and stat.S_IMODE(about.st_mode) != 0o700:
            folder.chmod(0o700)
    except (OSError, RuntimeError):  # RuntimeError: no home folder can be found
        return None
    return folder


def read(folder: Path | None, name: str) -> bytes | None:
    """The content of an entry, or None when it is absent, damaged, or another user's."""
    if folder is None:
        return None
    try:
        handle = os.open(folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or not _ours(about) or _open_to_others(about):
                return None
            data = file.read()
    except OSError:
        return None
    head = len(_MAGIC) + 32
    content = data[head:]
    if data[: len(_MAGIC)] != _MAGIC or hashlib.sha256(content).digest() != data[len(_MAGIC) : head]:
        return None
    return content


def write(folder: Path | None, name: str, content: bytes) -> bool:
    """Store an entry atomically; False (and nothing half-written) when that is not possible."""
    if folder is None:
        return False
    import tempfile

    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".new-", dir=folder)  # created 0600
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + hashlib.sha256(content).digest() + content)
        os.replace(temporary, folder / name)
    except OSError:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        return False
    return True


def prune(folder: Path | None, pattern: str, keep: int = _KEEP) -> None:
    """Delete all but the newest entries that match a pattern."""
    if folder is None:
        return
    with contextlib.suppress(OSError):
        for old in sorted(folder.glob(pattern), key=lambda p: p.stat().st_mtime, reverse=True)[keep:]:
            old.unlink()


def _open_to_others(about: os.stat_result) -> bool:
    return hasattr(os, "getuid") and bool(about.st_mode & 0o022)


def _ours(about: os.stat_result) -> bool:
    return not hasattr(os, "getuid") or about.st_uid == os.getuid()
