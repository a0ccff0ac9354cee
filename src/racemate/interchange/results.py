"""Results as files: CSV, Parquet, NetCDF, Zarr and JSON, each whole or not there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from racemate.errors import RacemateError, unknown
from racemate.interchange.citations import NOTICE, citations
from racemate.interchange.files import PathLike, replacing, replacing_folder

if TYPE_CHECKING:
    from racemate.result import Result

COLUMNS = ("id", "time", "name", "value", "unit")
NEEDS = {"parquet": ("pyarrow",), "netcdf": ("h5netcdf", "h5py"), "zarr": ("zarr",)}
_ROWS = 1 << 20  # of the long table that are in memory at a time


def check_form(form: str) -> None:
    """Refuse a form of file that this installation cannot write, before anything is computed."""
    if form not in WRITERS:
        raise unknown("form of file", form, WRITERS)
    package = next((p for p in NEEDS.get(form, ()) if find_spec(p) is None), None)
    if package is not None:
        fix = "pip install 'racemate[scale]'"
        raise RacemateError(f"writing {form} needs the package '{package}', which is not installed", fix=fix)


def write(result: Result, form: str, path: PathLike) -> Path:
    """Write a result in one form; nothing half-written is ever seen under ``path``."""
    check_form(form)
    with (replacing_folder if form == "zarr" else replacing)(path) as place:
        WRITERS[form](result, place)
    return Path(path)


# -- JSON -------------------------------------------------------------------------------------------
def to_dict(result: Result) -> dict[str, Any]:
    """The stable, documented form of a result (docs/result-json.md)."""
    keys = result.references
    return {
        "scenario": result.scenario.to_dict(),
        "units": {"time": "min", **result.units},
        "time": result.time.tolist(),
        "outputs": {name: _numbers(result.values[name], result.n) for name in result.values},
        "summary": _finite(result.summary().to_dict()),
        "sources": {
            "references": citations(keys),
            "outputs": {name: list(result.sources.get(name, ())) for name in result.values},
            "numbers": result.kinds(),
            "models": dict(result.models),
        },
        "warnings": list(result.warnings),
        "failed": {str(result.ids[patient]): text for patient, text in result.messages.items()},
        "version": result.version,
        "notice": NOTICE,
    }


def to_json(result: Result) -> str:
    """The JSON text of a result; a value that is not a number is null."""
    return json.dumps(to_dict(result), ensure_ascii=False, allow_nan=False)


def _numbers(values: np.ndarray[Any, Any], n: int) -> list[Any]:
    """A list over time for one patient, else a list over patients of those."""
    plain: list[Any] = values.tolist()
    if not np.isfinite(values).all():
        plain = _finite(plain)
    return plain[0] if n == 1 else plain


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


# -- the long table ---------------------------------------------------------------------------------
def write_csv(result: Result, file: TextIO) -> None:
    """Write the long table to an open file, some patients at a time."""
    file.write(",".join(COLUMNS) + "\n")
    times, ids = [repr(t) for t in result.time.tolist()], result.ids.tolist()
    for name, values in result.values.items():
        tail = f",{_quoted(result.units[name])}\n"
        for patient in range(result.n):
            head = f"{ids[patient]},"
            body = values[patient].tolist()
            file.writelines(
                f"{head}{t},{name},{'' if v != v else repr(v)}{tail}" for t, v in zip(times, body, strict=True)
            )


def _quoted(text: str) -> str:
    return f'"{text}"' if "," in text else text


def _csv(result: Result, place: Path) -> None:
    with place.open("w", encoding="utf-8", newline="") as file:
        write_csv(result, file)


def _parquet(result: Result, place: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from racemate.interchange.tables import attributes

    word = pa.dictionary(pa.int32(), pa.string())
    metadata = {key: str(text) for key, text in attributes(result).items()}
    types = (pa.int64(), pa.float64(), word, pa.float64(), word)
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)), metadata=metadata)
    with pq.ParquetWriter(place, schema) as writer:
        for name, first, last in _blocks(result):
            count = (last - first) * result.time.size
            columns = [
                np.repeat(result.ids[first:last], result.time.size),
                np.tile(result.time, last - first),
                pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), [name]),
                result.values[name][first:last].ravel(),
                pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), [result.units[name]]),
            ]
            writer.write_table(pa.table([pa.array(c) for c in columns], schema=schema))


def _blocks(result: Result) -> Iterator[tuple[str, int, int]]:
    """The long table in pieces: an output and a span of patients."""
    step = max(1, _ROWS // max(1, result.time.size))
    for name in result.values:
        for first in range(0, result.n, step):
            yield name, first, min(first + step, result.n)


# -- arrays -----------------------------------------------------------------------------------------
def _netcdf(result: Result, place: Path) -> None:
    result.dataset.to_netcdf(place, engine="h5netcdf", format="NETCDF4")


def _zarr(result: Result, place: Path) -> None:
    result.dataset.to_zarr(place, mode="w")


def _json(result: Result, place: Path) -> None:
    place.write_text(to_json(result) + "\n", encoding="utf-8")


WRITERS: dict[str, Callable[[Result, Path], None]] = {
    "csv": _csv, "parquet": _parquet, "netcdf": _netcdf, "zarr": _zarr, "json": _json,
}  # fmt: skip
