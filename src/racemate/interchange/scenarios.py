"""Scenario files: TOML that holds what `Scenario.of` takes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from racemate.errors import RacemateError, unknown
from racemate.interchange.files import PathLike, read_text
from racemate.scenario import Scenario

_TEXTS = ("regimen", "patient", "until", "every")
KEYS = {
    **dict.fromkeys(_TEXTS, (str, int, float)), "outputs": (list, str), "population": (int, str), "seed": (int,),
    "set": (dict,), "model": (dict,), "molar": (bool,), "variability": (bool,), "uncertainty": (bool,),
    "rtol": (float,), "jobs": (int,), "reference": (bool,), "before_doses": (bool,),
}  # fmt: skip


def read_scenario(path: PathLike) -> Scenario:
    """The scenario a file describes.

    Raises
    ------
    RacemateError
        With the file and the key, for anything that cannot be read or makes no sense.
    """
    try:
        plain = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        fix = 'such as: regimen = "ketamine 0.5 mg/kg iv over 40 min"'
        raise RacemateError(f"not a TOML file: {error}", where=str(path), fix=fix) from None
    for key, value in plain.items():
        _check(key, value, f"{path}, {key}")
    for key in ("set", "model"):
        if key in plain:
            plain[key] = dict(_flat(plain[key]))
    if not isinstance(plain.get("regimen"), str):
        raise RacemateError("the scenario has no regimen", where=str(path), fix='regimen = "morphine 5 mg iv"')
    try:
        return Scenario.of(plain.pop("regimen"), **plain)
    except RacemateError as error:
        where = f"{path}" + (f": {error.where}" if error.where else "")
        raise RacemateError(error.what, where=where, fix=error.fix) from None


def _check(key: str, value: Any, where: str) -> None:
    if key not in KEYS:
        raise unknown("key", key, KEYS, where=where)
    kinds = KEYS[key]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise RacemateError(f"'{key}' cannot be {value!r}", where=where, fix=f"a {kinds[0].__name__}")


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names again, where TOML has read ``esketamine.CL = ...`` as a table in a table."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
