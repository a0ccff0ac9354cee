"""Object code kept between runs: private to the user, written in one move, checked before it is used."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def folder() -> Path:
    """Where kernels are kept."""
    own = os.environ.get("RACEMATE_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return (Path(own) if own else Path(base) / "racemate") / "kernels"


def kept(key: str, build: Callable[[], bytes]) -> bytes:
    """The object code of a key: from the cache if it is whole, else built and kept."""
    code = found(key)
    if code is None:
        code = build()
        if _usable():
            with suppress(OSError):
                _write(folder() / f"{key}.o", hashlib.sha256(code).digest() + code)
    return code


def found(key: str) -> bytes | None:
    """The object code of a key, if the cache holds it whole."""
    if _usable():
        with suppress(OSError):
            data = (folder() / f"{key}.o").read_bytes()
            if hashlib.sha256(data[32:]).digest() == data[:32]:
                return data[32:]
    return None


def _usable() -> bool:
    try:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        return _private(folder())
    except OSError:
        return False


def _private(path: Path) -> bool:
    """Code is only loaded from a folder that nobody else may write to."""
    if not hasattr(os, "getuid"):
        return True
    found = path.stat()
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _write(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).replace(path)
