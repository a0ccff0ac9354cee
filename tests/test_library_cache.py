"""The cache makes a start fast and never makes it wrong: private, checked, rebuilt when in doubt."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from racemate.library import cache, loader
from racemate.library.loader import load


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a process that has loaded nothing yet."""
    monkeypatch.setenv("RACEMATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(loader, "_loaded", {})
    return tmp_path / "cache" / "library"


def entry(folder: Path) -> Path:
    (found,) = folder.glob("library-*.pickle")
    return found


def again(monkeypatch: pytest.MonkeyPatch) -> loader.Library:
    monkeypatch.setattr(loader, "_loaded", {})
    return load()


def test_the_second_start_reads_what_the_first_one_stored(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load()
    stored = entry(fresh).stat().st_mtime_ns
    assert again(monkeypatch) == first
    assert entry(fresh).stat().st_mtime_ns == stored


def test_the_cache_is_private(fresh: Path) -> None:
    load()
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry(fresh).stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", ["cut", "empty", "bit", "noise", "wrong pickle", "not a library"])
def test_a_damaged_entry_is_built_again(fresh: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    first = load()
    path = entry(fresh)
    data = bytearray(path.read_bytes())
    if damage == "bit":
        data[len(data) // 2] ^= 1
    if damage in ("wrong pickle", "not a library"):  # whole by its checksum, yet not what it should be
        cache.write(fresh, path.name, b"\x80no" if damage == "wrong pickle" else pickle.dumps({"drugs": 1}))
    else:
        path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "bit": data, "noise": os.urandom(999)}[damage])
    assert again(monkeypatch) == first
    content = cache.read(fresh, path.name)
    assert content is not None
    assert pickle.loads(content) == first


class Trap:
    """Unpickling it runs code."""

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.mkdir, (os.environ["TRAP"],)


def test_a_file_of_another_user_is_never_unpickled(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    path = entry(fresh)
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    cache.write(fresh, path.name, pickle.dumps(Trap()))
    another = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: another)
    again(monkeypatch)
    assert not (tmp_path / "sprung").exists()


def test_a_file_others_could_have_written_is_not_read(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    name = entry(fresh).name
    (fresh / name).chmod(0o666)
    assert cache.read(fresh, name) is None
    again(monkeypatch)
    assert stat.S_IMODE((fresh / name).stat().st_mode) == 0o600


def test_a_link_is_not_followed(fresh: Path, tmp_path: Path) -> None:
    load()
    name = entry(fresh).name
    (fresh / name).rename(tmp_path / "elsewhere")
    (fresh / name).symlink_to(tmp_path / "elsewhere")
    assert cache.read(fresh, name) is None


def test_without_a_place_for_a_cache_the_library_loads_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("a file where a folder should be")
    monkeypatch.setenv("RACEMATE_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(loader, "_loaded", {})
    assert load().drugs
    assert (tmp_path / "file").read_text() == "a file where a folder should be"


def test_a_cache_that_cannot_be_written_leaves_nothing_behind(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert load().drugs
    assert list(fresh.iterdir()) == []


def test_old_entries_do_not_pile_up(fresh: Path) -> None:
    fresh.mkdir(parents=True)
    for i in range(20):
        (fresh / f"library-{i}.pickle").write_bytes(b"")
        os.utime(fresh / f"library-{i}.pickle", (i, i))
    load()
    assert len(list(fresh.iterdir())) == 8


def test_the_xdg_folder_is_used_where_nothing_else_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RACEMATE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    if sys.platform not in ("win32", "darwin"):
        assert cache.cache_root() == Path("/somewhere/racemate")


@pytest.mark.usefixtures("fresh")
def test_a_warm_start_never_imports_pydantic_and_is_quick() -> None:
    code = """
import sys, time
from racemate.library import load
begin = time.perf_counter()
load()
print(time.perf_counter() - begin, "pydantic" in sys.modules, "tomllib" in sys.modules)
"""
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(4)]
    cold, *warm = [run.stdout.split() for run in runs]
    assert cold[1:] == ["True", "True"]
    assert all(w[1:] == ["False", "False"] for w in warm)
    assert min(float(w[0]) for w in warm) < 0.03
