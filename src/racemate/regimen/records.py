"""NONMEM-style dosing records in and out: another way to write the same regimen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from racemate.errors import RacemateError, nearest, unknown
from racemate.regimen.resolve import WrongStep
from racemate.regimen.syntax import Amount, Catalogue, Dose, Item, Span, Step, in_minutes, minutes, tidy
from racemate.units import ALIASES, convert, parse_unit

if TYPE_CHECKING:
    from racemate.regimen.regimen import Regimen

Dialect = Literal["nonmem", "mrgsolve", "rxode2"]
COLUMNS = (
    "ID", "TIME", "AMT", "RATE", "DUR", "II", "ADDL", "SS", "EVID", "CMT", "DV", "MDV", "PRODUCT", "ROUTE", "UNIT",
)  # fmt: skip
DOSE_COLUMNS = ("RATE", "DUR", "ADDL", "EVID", "CMT", "ROUTE", "PRODUCT", "UNIT")  # their absence is no error by itself
_EVENTS: dict[str, dict[int, str]] = {
    "nonmem": {},
    "mrgsolve": {8: "replaces the amount in a compartment"},
    "rxode2": {5: "replaces the amount in a compartment", 6: "multiplies the amount in a compartment"},
}
_MODELLED: dict[float, Literal["rate", "duration"]] = {-1.0: "rate", -2.0: "duration"}


def from_records(
    table: Any,
    dialect: Dialect = "nonmem",
    *,
    product: str | None = None,
    route: str | None = None,
    time_unit: str = "h",
    amount_unit: str = "mg",
    catalogue: Catalogue,
) -> Regimen:
    """Read dosing records of one person.

    Parameters
    ----------
    table : DataFrame, list of dict, or dict of columns
        Columns ``TIME AMT RATE DUR II ADDL SS EVID CMT``, all upper or all lower case; also ``PRODUCT``,
        ``ROUTE`` and ``UNIT`` where drugs differ. Other columns (covariates, ``DV``, ``MDV``) say nothing of doses.
    dialect : {"nonmem", "mrgsolve", "rxode2"}
        Whose event numbers these are.
    product, route : str, optional
        The drug and its route, where the table has no such column.
    time_unit, amount_unit : str
        The units of the numbers; an amount may be per kg.

    Raises
    ------
    RacemateError
        For a record that makes no sense; its number is told.

    Examples
    --------
    >>> from racemate.regimen import Regimen
    >>> rows = [{"time": 0, "amt": 10, "ii": 4, "addl": 5, "evid": 1}]
    >>> print(Regimen.from_records(rows, product="morphine", route="oral"))
    morphine 10 mg oral every 4 h x 6
    """
    from racemate.regimen.regimen import Regimen

    if dialect not in _EVENTS:
        raise unknown("dialect", str(dialect), _EVENTS)
    reader = _Records(dialect, product, route, _time_unit(time_unit), amount_unit, catalogue)
    rows = [(i, row) for i, row in enumerate(_rows(table), 1)]
    _one_person(rows)
    _in_order(rows)
    steps = [(i, step) for i, row in rows if (step := reader.step(i, row)) is not None]
    regimen = Regimen(tuple(Item((step,)) for _, step in steps))
    try:
        _ = regimen.doses
    except WrongStep as error:
        raise RacemateError(error.what, where=f"record {steps[error.place[0]][0]}", fix=error.fix) from None
    return regimen


def _rows(table: Any) -> list[dict[str, Any]]:
    """The records with upper-case names of columns."""
    if hasattr(table, "to_dicts"):  # polars
        rows = table.to_dicts()
    elif hasattr(table, "to_pylist"):  # pyarrow
        rows = table.to_pylist()
    elif hasattr(table, "columns") and hasattr(table, "to_dict"):  # pandas
        rows = table.to_dict("records")
    elif isinstance(table, Mapping):
        if len({len(column) for column in table.values()}) > 1:
            raise RacemateError("the columns differ in length")
        rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    elif isinstance(table, Sequence) and not isinstance(table, str) and all(isinstance(r, Mapping) for r in table):
        rows = [dict(row) for row in table]
    else:
        raise RacemateError("these are not records", fix="give a DataFrame, a list of dict, or a dict of columns")
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    upper = _upper(names, empty=not rows)
    return [{upper[str(k)]: v for k, v in row.items() if str(k) in upper} for row in rows]


def _upper(names: list[str], *, empty: bool) -> dict[str, str]:
    """The columns that are known -> their upper-case names; a mixture of cases is refused."""
    known = {n: n.upper() for n in names if n.upper() in COLUMNS}
    if not (all(n.isupper() for n in known) or all(n.islower() for n in known)):
        raise RacemateError(
            "column names are partly upper and partly lower case",
            where=", ".join(known),
            fix="write them all upper (TIME AMT EVID) or all lower (time amt evid)",
        )
    for needed in ("TIME", "AMT"):
        if needed not in known.values() and not empty:
            close = nearest(needed, [n for n in names if n not in known])
            fix = f"is it '{close}'? then rename it" if close else f"columns: {', '.join(names)}"
            raise RacemateError(f"the records have no column {needed}", fix=fix)
    for name in (n for n in names if n not in known):
        if column := _slip_of(name.upper(), set(known.values())):
            fix = f"rename it to {column}, or to something unlike it"
            raise RacemateError(
                f"the column '{name}' looks like a slip of {column}, which would change the doses", fix=fix
            )
    return known


def _slip_of(name: str, present: set[str]) -> str | None:
    """The absent column of doses that a name is a slip of: a letter too many or too few, or two swapped.

    A wrong letter is no slip (``RACE`` and ``DATE`` are not ``RATE``), nor is anything beside the column itself.
    """
    for column in DOSE_COLUMNS:
        if column not in present and (_drops_one(name, column) or _drops_one(column, name) or _swaps(name, column)):
            return column
    return None


def _drops_one(longer: str, shorter: str) -> bool:
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))


def _swaps(a: str, b: str) -> bool:
    return any(a[:i] + a[i + 1 : i + 2] + a[i : i + 1] + a[i + 2 :] == b for i in range(len(a) - 1))


def _one_person(rows: list[tuple[int, dict[str, Any]]]) -> None:
    people = list(dict.fromkeys(row["ID"] for _, row in rows if not _empty(row.get("ID"))))
    if len(people) > 1:
        shown = ", ".join(map(str, people[:5])) + (", ..." if len(people) > 5 else "")
        raise RacemateError(f"these are records of {len(people)} people", where=f"ID {shown}", fix="choose one ID")


def _in_order(rows: list[tuple[int, dict[str, Any]]]) -> None:
    last = -math.inf
    for i, row in rows:
        if _empty(row.get("TIME")):
            raise RacemateError("this record has no TIME", where=f"record {i}")
        time = _value(row, "TIME", i)
        if time < last:
            fix = "sort the records by TIME; after a reset, let time go on"
            raise RacemateError("time goes back", where=f"record {i}: TIME {time:g} after {last:g}", fix=fix)
        last = time


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == "." or (isinstance(value, float) and math.isnan(value))


def _value(row: Mapping[str, Any], name: str, record: int) -> float:
    """A number of a record; an empty field or a lone point is 0, as in NONMEM."""
    value = row.get(name)
    if _empty(value):
        return 0.0
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        fix = "clock times are not read: count from time zero" if name == "TIME" else None
        raise RacemateError(f"{name} is not a number: '{value}'", where=f"record {record}", fix=fix) from None
    if not math.isfinite(result):
        raise RacemateError(f"{name} is not finite", where=f"record {record}")
    return result


def _whole(row: Mapping[str, Any], name: str, record: int) -> int:
    value = _value(row, name, record)
    if not value.is_integer():
        raise RacemateError(f"{name} is not a whole number: {value:g}", where=f"record {record}")
    return int(value)


def _time_unit(unit: str) -> str:
    unit = ALIASES.get(unit, unit)
    if parse_unit(unit).dimension != parse_unit("min").dimension:
        raise RacemateError(f"'{unit}' is not a unit of time", fix="known: s, min, h, day, week")
    return unit


class _Records:
    """Reads one record at a time into a step of the dosing language."""

    def __init__(
        self,
        dialect: Dialect,
        product: str | None,
        route: str | None,
        time_unit: str,
        amount_unit: str,
        catalogue: Catalogue,
    ) -> None:
        self.dialect, self.time_unit, self.amount_unit = dialect, time_unit, amount_unit
        self.given, self.catalogue = {"PRODUCT": product, "ROUTE": route}, catalogue

    def step(self, i: int, row: dict[str, Any]) -> Step | None:
        """The step a record says, or None where it gives no dose."""
        where = f"record {i}"
        at = self.span(_value(row, "TIME", i))
        event = self.event(i, row)
        if event in (0, 2):
            return None
        if event == 3:
            return Step("", "", None, at=at, reset=True)
        amount, rate, dur = (_value(row, name, i) for name in ("AMT", "RATE", "DUR"))
        every, count, steady_state = self.repeats(i, row, constant=amount == 0 and rate > 0)
        course = self.course(where, row, amount, rate, dur, constant=steady_state > 0 and count is None and not every)
        compartment = self.compartment(where, row)
        return Step(
            self.name(where, row, "PRODUCT"), self.name(where, row, "ROUTE"), at=at if at.minutes else None,
            every=every, count=count, steady_state=steady_state, reset=event == 4, compartment=compartment, **course,
        )  # fmt: skip

    def event(self, i: int, row: dict[str, Any]) -> int:
        """EVID, or what NONMEM takes it for where the column is missing."""
        if _empty(row.get("EVID")):
            return 1 if _value(row, "AMT", i) != 0 or _value(row, "RATE", i) != 0 else 0
        event = _whole(row, "EVID", i)
        if event in (0, 1, 2, 3, 4):
            return event
        meaning = _EVENTS[self.dialect].get(event)
        others = [f"in {d} it {codes[event]}" for d, codes in _EVENTS.items() if event in codes and d != self.dialect]
        what = f"EVID {event} ({meaning}) is not supported" if meaning else f"unknown EVID {event} in {self.dialect}"
        fix = "; ".join(others) or "0 observe, 1 dose, 2 other, 3 reset, 4 reset and dose"
        if meaning:
            fix = "write a reset (EVID 3) and the doses that lead to the amount you want"
        raise RacemateError(what, where=f"record {i}", fix=fix)

    def repeats(self, i: int, row: dict[str, Any], *, constant: bool) -> tuple[Span | None, int | None, Any]:
        """II, ADDL and SS: the interval, the number of doses and the kind of steady state."""
        interval, more, steady = _value(row, "II", i), _whole(row, "ADDL", i), _whole(row, "SS", i)
        where = f"record {i}"
        if steady not in (0, 1, 2):
            raise RacemateError(f"SS is {steady}", where=where, fix="0 no, 1 at steady state, 2 added to what is there")
        if more < 0 or interval < 0:
            name = "ADDL" if more < 0 else "II"
            raise RacemateError(f"{name} is negative", where=where, fix="ADDL counts the doses after the first")
        if constant and steady and not interval and not more:
            return None, None, steady
        if (more or steady) and not interval:
            raise RacemateError(f"{'ADDL' if more else 'SS'} needs an interval", where=where, fix="give II")
        every = self.span(interval) if more or steady else None
        return every, (more + 1 if more else None), steady

    def course(
        self, where: str, row: dict[str, Any], amount: float, rate: float, dur: float, *, constant: bool
    ) -> dict[str, Any]:
        """AMT, RATE and DUR: what one dose is and how it goes in, as fields of a step."""
        unit = str(row["UNIT"]) if not _empty(row.get("UNIT")) else self.amount_unit
        dose = Amount.parse(amount, unit)
        if dose.is_rate:
            raise RacemateError(f"AMT is an amount, not a rate: '{unit}'", where=where, fix="rates go into RATE")
        if rate < 0 and rate not in _MODELLED:
            raise RacemateError(f"RATE is {rate:g}", where=where, fix="-1 is a modelled rate, -2 a modelled duration")
        if dur < 0:
            raise RacemateError("DUR is negative", where=where)
        if rate and dur:
            raise RacemateError("RATE and DUR both say how fast", where=where, fix="set one of them to 0")
        speed = Amount(rate, f"{dose.unit}/{self.time_unit}", dose.per)
        if constant and amount == 0 and rate > 0:
            return {"amount": speed}
        if amount <= 0:
            what = "a dose must be more than zero" if amount == 0 else "a dose cannot be negative"
            fix = "RATE > 0 with AMT 0 is a constant infusion: it needs SS 1 and II 0" if rate > 0 else None
            raise RacemateError(what, where=f"{where}: AMT {amount:g}", fix=fix)
        if rate in _MODELLED:
            return {"amount": dose, "modelled": _MODELLED[rate]}
        if rate > 0:
            return {"amount": speed, "lasting": minutes(tidy(in_minutes(amount / rate, self.time_unit)))}
        if dur > 0:
            patch = self.name(where, row, "ROUTE") == "transdermal"
            return {"amount": dose, "lasting" if patch else "over": self.span(dur)}
        return {"amount": dose}

    def compartment(self, where: str, row: dict[str, Any]) -> str | int | None:
        value = row.get("CMT")
        if _empty(value) or value == 0:
            return None
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return str(value)
        if number < 0 or not number.is_integer():
            raise RacemateError(f"CMT is {value}", where=where, fix="compartments are numbered from 1, or named")
        return int(number)

    def name(self, where: str, row: dict[str, Any], column: str) -> str:
        value = row[column] if not _empty(row.get(column)) else self.given[column]
        if value is None:
            kind = column.lower()
            raise RacemateError(f"no {kind} is given", where=where, fix=f"say {kind}=... or add a column {column}")
        try:
            return self.catalogue.product(str(value)) if column == "PRODUCT" else self.catalogue.route(str(value))
        except RacemateError as error:
            raise RacemateError(error.what, where=where, fix=error.fix) from None

    def span(self, value: float) -> Span:
        return Span(((abs(value), self.time_unit),), negative=value < 0)


def to_records(
    regimen: Regimen, *, time_unit: str = "h", amount_unit: str | None = None, weight: float | None = None
) -> list[dict[str, Any]]:
    """Write a regimen as dosing records, one a dose, in order of time.

    Parameters
    ----------
    time_unit : str
        The unit of TIME, II and DUR, and of the time in RATE.
    amount_unit : str, optional
        The unit of AMT and RATE; by default each dose keeps its own, named in the column UNIT.
    weight : float, optional
        Body weight (kg), which turns amounts per kg into amounts.

    Examples
    --------
    >>> from racemate.regimen import parse
    >>> row, = parse("morphine 10 mg oral every 4 h x 6").to_records()
    >>> row["AMT"], row["II"], row["ADDL"], row["EVID"]
    (10.0, 4.0, 5, 1)
    """
    if regimen.rules:
        raise RacemateError("a rule ('when ...') cannot be written as dosing records", where=regimen.rules[0].label)
    time_unit = _time_unit(time_unit)
    rows = [_row(dose, time_unit, amount_unit, weight) for dose in regimen.doses]
    if not any(row["CMT"] for row in rows):
        rows = [{k: v for k, v in row.items() if k != "CMT"} for row in rows]
    return rows


def _row(dose: Dose, time_unit: str, amount_unit: str | None, weight: float | None) -> dict[str, Any]:
    factor = in_minutes(1.0, time_unit)
    amount, rate, unit = _numbers(dose, time_unit, amount_unit, weight)
    return {
        "TIME": tidy(dose.time / factor),
        "EVID": (4 if dose.amount or dose.rate else 3) if dose.reset else 1,
        "AMT": amount,
        "RATE": {"modelled-rate": -1.0, "modelled-duration": -2.0}.get(dose.mode, rate),
        "DUR": tidy(dose.duration / factor) if dose.rate is None else 0.0,
        "II": tidy(dose.interval / factor),
        "ADDL": dose.count - 1,
        "SS": dose.steady_state,
        "CMT": dose.compartment or 0,
        "PRODUCT": dose.product,
        "ROUTE": dose.route,
        "UNIT": unit,
    }


def _numbers(dose: Dose, time_unit: str, amount_unit: str | None, weight: float | None) -> tuple[float, float, str]:
    """AMT, RATE and their unit."""
    given = dose.amount or dose.rate
    if given is None:
        return 0.0, 0.0, amount_unit or ""
    unit, _, _ = given.unit.partition("/")
    target = Amount.parse(1.0, amount_unit) if amount_unit else Amount(1.0, unit, None if weight else given.per)
    if (given.per, target.per) == ("kg", None):
        if weight is None:
            raise RacemateError("an amount per kg needs a body weight", where=dose.label, fix="give weight=70")
        scale = weight
    elif given.per == target.per:
        scale = 1.0
    else:
        raise RacemateError(f"'{dose.label}' is not per kg", fix="write amounts in mg")
    scale *= convert(1.0, unit, target.unit)
    name = str(target).partition(" ")[2]
    amount = tidy(dose.amount.value * scale) if dose.amount else 0.0
    if dose.rate is None:
        return amount, 0.0, name
    per_time = in_minutes(1.0, time_unit) / in_minutes(1.0, dose.rate.unit.partition("/")[2])
    return amount, tidy(dose.rate.value * scale * per_time), name
