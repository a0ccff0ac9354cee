"""The checks of `racemate doctor`."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

PACKAGES = "numpy scipy llvmlite pydantic typer rich matplotlib xarray pandas pyarrow h5netcdf zarr".split()
OPTIONAL = {"pyarrow", "h5netcdf", "zarr"}


def checkup() -> list[list[str]]:
    """One row a check: what, ok or not, what was found."""
    from racemate import __version__

    rows = [["racemate", "ok", __version__]]
    rows.append(["python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"])
    rows += [_package(name) for name in PACKAGES]
    rows += [_timed("library", _library), _timed("cache folder", _cache), _timed("compiled kernel", _kernel)]
    return rows


def _package(name: str) -> list[str]:
    try:
        return [name, "ok", version(name)]
    except PackageNotFoundError:
        return [name, "-" if name in OPTIONAL else "missing", "optional" if name in OPTIONAL else "pip install " + name]


def _timed(name: str, check: Callable[[], str]) -> list[str]:
    """A check must report whatever goes wrong, so that the others still run."""
    start = time.perf_counter()
    try:
        found = check()
    except Exception as error:
        return [name, "failed", f"{type(error).__name__}: {error}".splitlines()[0]]
    return [name, "ok", f"{found} ({time.perf_counter() - start:.2f} s)"]


def _library() -> str:
    from racemate.library import load

    library = load()
    assumed = library.counts_by_kind()["assumed"]
    total = sum(library.counts_by_kind().values())
    return f"{len(library.drugs)} drugs, {len(library.references)} references, {total} numbers, {assumed} assumed"


def _cache() -> str:
    from racemate.library.cache import cache_root, private_folder

    if private_folder("doctor") is None:
        raise RuntimeError(f"{cache_root()} is not ours to write: set RACEMATE_CACHE")
    return str(cache_root())


def _kernel() -> str:
    """No C compiler is needed: LLVM comes as a wheel."""
    from racemate.scenario import Scenario
    from racemate.simulate import simulate

    result = simulate(Scenario.of("morphine 5 mg iv", until="1 h", outputs="arterial.morphine"))
    if result.messages:
        raise RuntimeError(next(iter(result.messages.values())))
    return "one drug, one hour, no C compiler needed"
