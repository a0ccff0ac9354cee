"""Reference people: the typical adult of each sex, and tables that adults are drawn from.

Read straight from their two small TOML files, so that a person does not wait for the drugs to be validated.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast, get_args

from racemate.errors import RacemateError, unknown
from racemate.provenance import KINDS, Kind, Number
from racemate.units import parse_unit

Sex = Literal["female", "male"]
SEXES: tuple[Sex, ...] = get_args(Sex)
FOLDER = Path(__file__).parent / "people"

_TYPICAL = {"age": "year", "weight": "kg", "height": "cm", "egfr": "mL/min"}
_COLUMNS = {
    "share": "1",
    "height_mean": "cm",
    "height_sd": "cm",
    "ln_weight_mean": "1",
    "ln_weight_sd": "1",
    "correlation": "1",
}


@dataclass(frozen=True, slots=True)
class BodyRow:
    """Adults of one sex and one span of ages: how many, how tall and how heavy.

    ``share`` is their part of all adults; the logarithm of weight (kg) and height (cm) have the given means,
    standard deviations between persons and correlation.
    """

    sex: Sex
    youngest: float
    oldest: float
    share: float
    height_mean: float
    height_sd: float
    ln_weight_mean: float
    ln_weight_sd: float
    correlation: float


@dataclass(frozen=True, slots=True)
class BodyGroup:
    """Adults of one sex and one self-reported group, of all ages; the symbols are those of :class:`BodyRow`."""

    sex: Sex
    group: str
    height_mean: float
    height_sd: float
    ln_weight_mean: float
    ln_weight_sd: float
    correlation: float


@dataclass(frozen=True, slots=True)
class BodyTable:
    """A population to draw adults from."""

    id: str
    label: str
    aliases: tuple[str, ...]
    population: str
    rows: tuple[BodyRow, ...]
    columns: Mapping[str, Number]
    residual_skew: Mapping[Sex, Number]
    weight_limits: Mapping[str, Number]
    check: Mapping[str, Any]
    groups: tuple[BodyGroup, ...] = ()
    note: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of ``references.bib``, sorted."""
        return tuple(
            sorted(
                {n.source for n in (*self.columns.values(), *self.residual_skew.values(), *self.weight_limits.values())}
            )
        )

    def of_group(self, row: BodyRow, group: str) -> BodyRow:
        """A row moved by the difference between a self-reported group and all adults of that sex.

        Examples
        --------
        >>> table = body_table()
        >>> moved = table.of_group(table.rows[0], "Other")
        >>> round(moved.height_mean - table.rows[0].height_mean, 1)
        -3.7
        """
        found = {g.group: g for g in self.groups if g.sex == row.sex}
        if group not in found:
            raise unknown("group of the table", group, found)
        own, all_ = found[group], found["all"]
        return replace(
            row,
            height_mean=row.height_mean + own.height_mean - all_.height_mean,
            height_sd=row.height_sd * own.height_sd / all_.height_sd,
            ln_weight_mean=row.ln_weight_mean + own.ln_weight_mean - all_.ln_weight_mean,
            ln_weight_sd=row.ln_weight_sd * own.ln_weight_sd / all_.ln_weight_sd,
        )

    @property
    def youngest(self) -> float:
        """Age (years) at which the table begins."""
        return min(row.youngest for row in self.rows)

    @property
    def oldest(self) -> float:
        """Age (years) at which the table ends."""
        return max(row.oldest for row in self.rows)


@lru_cache(maxsize=1)
def typical_adults(folder: Path = FOLDER) -> Mapping[Sex, Mapping[str, Number]]:
    """Age, weight, height and eGFR of the typical adult of each sex.

    Examples
    --------
    >>> typical_adults()["male"]["weight"].value
    70.0
    """
    where, data = read_toml(folder / "reference.toml")
    return {
        sex: _numbers(required_table(data, sex, where), _TYPICAL, f"{where}, {sex}", f"people.reference.{sex}")
        for sex in SEXES
    }


@lru_cache(maxsize=8)
def body_table(name: str = "adults", folder: Path = FOLDER) -> BodyTable:
    """A table of adults by its id or alias.

    Examples
    --------
    >>> table = body_table("adults")
    >>> table.label, len(table.rows), table.sources
    ('US adults, 2009-2012', 14, ('nhanes2012',))
    """
    tables = [_body_table(path) for path in sorted(folder.glob("*.toml")) if path.stem != "reference"]
    for table in tables:
        if name in (table.id, *table.aliases):
            return table
    raise unknown("population", name, [n for t in tables for n in (t.id, *t.aliases)])


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    where = f"people/{path.name}"
    try:
        return where, tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RacemateError(f"cannot read {path.name}: {error}", where=where) from error


def required_table(data: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    table = data.get(key)
    if not isinstance(table, Mapping):
        raise RacemateError(f"there is no table [{key}]", where=where)
    return table


def _numbers(table: Mapping[str, Any], units: Mapping[str, str], where: str, address: str) -> dict[str, Number]:
    for key in table:
        if key not in units:
            raise unknown("key", key, units, where=where)
    for key in units:
        if key not in table:
            raise RacemateError(f"'{key}' is missing", where=where)
    return {key: read_number(table[key], unit, f"{where}, {key}", f"{address}.{key}") for key, unit in units.items()}


def read_number(entry: Any, unit: str, where: str, address: str, *, value: float | None = None) -> Number:
    known = ("value", "unit", "kind", "source", "where", "note")
    if not isinstance(entry, Mapping):
        raise RacemateError(
            "a number needs its provenance", where=where, fix="{ value = , unit = , kind = , source = }"
        )
    for key in entry:
        if key not in known:
            raise unknown("key", key, known, where=where)
    if entry.get("kind") not in KINDS:
        raise unknown("kind", str(entry.get("kind")), KINDS, where=where)
    if not entry.get("source"):
        raise RacemateError("the source is missing", where=where, fix="a key of references.bib")
    if parse_unit(str(entry.get("unit"))) != parse_unit(unit):
        raise RacemateError(f"the unit is '{entry.get('unit')}'", where=where, fix=f"write it in {unit}")
    number = _finite(entry.get("value") if value is None else value, where)
    source, place, note = (str(entry.get(key, "")) for key in ("source", "where", "note"))
    return Number(number, unit, cast(Kind, entry["kind"]), source, where=place, note=note, key=address)


def _finite(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RacemateError(f"'{value}' is not a number", where=where)
    return float(value)


def _body_table(path: Path) -> BodyTable:
    where, data = read_toml(path)
    columns = required_table(data, "columns", where)
    for key in _COLUMNS:
        if key not in columns:
            raise RacemateError(f"column '{key}' has no provenance", where=f"{where}, columns")
    provenance = {
        key: read_number(columns[key], unit, f"{where}, columns.{key}", f"people.{path.stem}.{key}", value=0.0)
        for key, unit in _COLUMNS.items()
    }
    skew = _numbers(
        required_table(data, "residual_skew", where), dict.fromkeys(SEXES, "1"), where, f"people.{path.stem}.skew"
    )
    limits = _numbers(
        required_table(data, "weight_limits", where), {"low": "kg", "high": "kg"}, where, f"people.{path.stem}"
    )
    rows = tuple(_row(row, f"{where}, row {i + 1}") for i, row in enumerate(data.get("rows", ())))
    if not rows or abs(sum(row.share for row in rows) - 1.0) > 1e-3:
        raise RacemateError("the shares of the rows do not add up to 1", where=where)
    groups = tuple(_group(group, f"{where}, group {i + 1}") for i, group in enumerate(data.get("groups", ())))
    return BodyTable(
        str(data.get("id", path.stem)), str(data.get("label", path.stem)), tuple(data.get("aliases", ())),
        str(data.get("population", "")), rows, provenance, cast(Mapping[Sex, Number], skew), limits,
        data.get("check", {}), groups,
        str(data.get("note", "")),
    )  # fmt: skip


def _row(row: Mapping[str, Any], where: str) -> BodyRow:
    known = ("sex", "ages", "n", *_COLUMNS)
    for key in row:
        if key not in known:
            raise unknown("key", key, known, where=where)
    if row.get("sex") not in SEXES:
        raise unknown("sex", str(row.get("sex")), SEXES, where=where)
    ages = row.get("ages")
    if not isinstance(ages, list) or len(ages) != 2:
        raise RacemateError("'ages' is not a span", where=where, fix="ages = [20, 30]")
    youngest, oldest = (_finite(age, f"{where}, ages") for age in ages)
    values = {key: _finite(row.get(key), f"{where}, {key}") for key in _COLUMNS}
    if not (youngest < oldest and _possible(values)):
        raise RacemateError("ages must rise, spreads be positive and the correlation lie within -1 and 1", where=where)
    return BodyRow(cast(Sex, row["sex"]), youngest, oldest, **values)


def _group(entry: Mapping[str, Any], where: str) -> BodyGroup:
    columns = [key for key in _COLUMNS if key != "share"]
    for key in entry:
        if key not in ("sex", "group", "n", *columns):
            raise unknown("key", key, ("sex", "group", "n", *columns), where=where)
    if entry.get("sex") not in SEXES:
        raise unknown("sex", str(entry.get("sex")), SEXES, where=where)
    values = {key: _finite(entry.get(key), f"{where}, {key}") for key in columns}
    if not _possible(values):
        raise RacemateError("spreads must be positive and the correlation lie within -1 and 1", where=where)
    return BodyGroup(cast(Sex, entry["sex"]), str(entry.get("group")), **values)


def _possible(values: Mapping[str, float]) -> bool:
    return values["height_sd"] > 0 and values["ln_weight_sd"] > 0 and abs(values["correlation"]) < 1
