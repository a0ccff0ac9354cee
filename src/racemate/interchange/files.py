"""Files that are whole or not there: checked before the work, written beside their place and moved into it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from racemate.errors import RacemateError

PathLike = str | Path
LARGEST_TEXT = 4_000_000


def check_writable(path: PathLike) -> Path:
    """The path, if a file can be written there; asked before a long computation.

    Raises
    ------
    RacemateError
        If it is a folder, its folder does not exist, or the system refuses a new file there.
    """
    target = Path(path).expanduser()
    try:
        if target.is_dir():
            fix = f"name a file in it, such as {target / 'result'}"
            raise RacemateError("cannot write a file: this is a folder", where=str(path), fix=fix)
        if not _special(target):
            handle, name = _beside(target)
            os.close(handle)
            os.unlink(name)
        if target.exists() and not os.access(target, os.W_OK):
            raise RacemateError("cannot write to this file: it is read-only", where=str(path))
    except (OSError, ValueError) as error:
        raise _refused("write", path, error) from None
    return target


@contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """A temporary file that takes the place of ``path`` when all went well, and vanishes when not.

    Devices and pipes are written to directly.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/note.txt") as file:
    ...         _ = file.write_text("all or nothing")
    ...     print(*(found.name for found in Path(folder).iterdir()))
    note.txt
    """
    target = Path(path).expanduser()
    if _special(target):
        try:
            yield target
        except OSError as error:
            raise _refused("write", path, error) from None
        return
    target = target.resolve()
    try:
        handle, name = _beside(target)
        os.close(handle)
    except OSError as error:
        raise _refused("write", path, error) from None
    try:
        yield Path(name)
        os.chmod(name, target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask())
        os.replace(name, target)
    except OSError as error:
        raise _refused("write", path, error) from None
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: PathLike) -> Iterator[Path]:
    """As ``replacing``, for a folder; an existing one is replaced only if it is a Zarr store."""
    target = Path(path).expanduser().resolve()
    if target.exists() and not _is_store(target):
        raise RacemateError("this exists and is not a Zarr store", where=str(path), fix="name a new folder")
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    except OSError as error:
        raise _refused("write", path, error) from None
    try:
        yield temporary
        if target.exists():
            shutil.rmtree(target)
        os.chmod(temporary, 0o777 & ~_umask())
        os.replace(temporary, target)
    except OSError as error:
        raise _refused("write", path, error) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_text(path: PathLike) -> str:
    """The text of a file that a user names.

    Raises
    ------
    RacemateError
        If it is not there, a folder, not readable, not text, or far larger than such a file can be.
    """
    source = Path(path).expanduser()
    try:
        if source.is_dir():
            raise RacemateError("cannot read a file: this is a folder", where=str(path), fix="name a file in it")
        if source.stat().st_size > LARGEST_TEXT:
            raise RacemateError(f"the file is larger than {LARGEST_TEXT // 1_000_000} MB", where=str(path))
        return source.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RacemateError(f"the file is not UTF-8 text (byte {error.start})", where=str(path)) from None
    except (OSError, ValueError) as error:
        raise _refused("read", path, error) from None


def _beside(target: Path) -> tuple[int, str]:
    """A new empty file in the folder of the target (a rename is atomic within one file system only)."""
    target = target.resolve()
    return tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent)


def _special(target: Path) -> bool:
    return target.exists() and not target.is_file() and not target.is_dir()


def _is_store(target: Path) -> bool:
    return target.is_dir() and any((target / name).exists() for name in ("zarr.json", ".zgroup"))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _refused(verb: str, path: PathLike, error: OSError | ValueError) -> RacemateError:
    reason = getattr(error, "strerror", None) or str(error)
    if isinstance(error, FileNotFoundError):
        parent = Path(path).expanduser().parent
        fix = f"create the folder {parent}" if verb == "write" else "check the name"
        return RacemateError(f"cannot {verb} the file: {reason.lower()}", where=str(path), fix=fix)
    if isinstance(error, PermissionError):
        fix = "choose a place where you may write" if verb == "write" else "ask for the right to read it"
        return RacemateError(f"no permission to {verb} the file", where=str(path), fix=fix)
    return RacemateError(f"cannot {verb} the file: {reason}", where=str(path))
