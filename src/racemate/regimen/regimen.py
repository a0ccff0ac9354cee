"""A regimen: what was given, in words and as dosing records, one object for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from racemate.errors import RacemateError
from racemate.regimen.parser import error_at
from racemate.regimen.reader import read
from racemate.regimen.resolve import WrongStep, resolve
from racemate.regimen.syntax import Catalogue, Dose, Item, Rule

if TYPE_CHECKING:
    from racemate.regimen.records import Dialect

_ANYTHING = Catalogue()


@dataclass(frozen=True)
class Regimen:
    """What was given: items of the dosing language and the models chosen for a drug.

    Examples
    --------
    >>> r = parse("morphine 0.1 mg/kg iv at 30 min, then 2 mg iv every 10 min x 6")
    >>> [(str(d.amount), d.time, d.interval, d.count) for d in r.doses]
    [('0.1 mg/kg', 30.0, 0.0, 1), ('2 mg', 40.0, 10.0, 6)]
    >>> r.products, r.end
    (('morphine',), 90.0)
    """

    items: tuple[Item, ...]
    choices: tuple[tuple[str, str], ...] = ()

    @cached_property
    def _resolved(self) -> tuple[tuple[Dose, ...], tuple[Rule, ...]]:
        return resolve(self.items)

    @property
    def doses(self) -> tuple[Dose, ...]:
        """The dosing records in order of time; ties in the order written."""
        return self._resolved[0]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The doses that are given when something happens."""
        return self._resolved[1]

    @property
    def models(self) -> dict[str, str]:
        """The model chosen for a product by ``ketamine: model = "otto-2021"``."""
        return dict(self.choices)

    @property
    def products(self) -> tuple[str, ...]:
        """The names of what is given, in the order they are first named."""
        return tuple(dict.fromkeys(s.product for item in self.items for s in item.steps if s.product))

    def routes(self) -> dict[str, tuple[str, ...]]:
        """The routes by which each product is given."""
        steps = [s for item in self.items for s in item.steps]
        return {p: tuple(dict.fromkeys(s.route for s in steps if s.product == p)) for p in self.products}

    @property
    def end(self) -> float:
        """When the last dose has ended, in min."""
        return max((dose.end for dose in self.doses), default=0.0)

    @property
    def text(self) -> str:
        """The canonical text, which parses back to this regimen."""
        choices = [f'{product}: model = "{model}"' for product, model in self.choices]
        return "; ".join([*map(str, self.items), *choices])

    def __str__(self) -> str:
        return self.text

    @classmethod
    def from_records(
        cls,
        table: Any,
        dialect: Dialect = "nonmem",
        *,
        product: str | None = None,
        route: str | None = None,
        time_unit: str = "h",
        amount_unit: str = "mg",
        catalogue: Catalogue | None = None,
    ) -> Regimen:
        """Read NONMEM-style dosing records; see `racemate.regimen.records.from_records`."""
        from racemate.regimen.records import from_records

        return from_records(
            table, dialect, product=product, route=route, time_unit=time_unit, amount_unit=amount_unit,
            catalogue=catalogue or _ANYTHING,
        )  # fmt: skip

    def to_records(
        self, *, time_unit: str = "h", amount_unit: str | None = None, weight: float | None = None
    ) -> list[dict[str, Any]]:
        """Write NONMEM-style dosing records; see `racemate.regimen.records.to_records`."""
        from racemate.regimen.records import to_records

        return to_records(self, time_unit=time_unit, amount_unit=amount_unit, weight=weight)

    def to_dict(self) -> dict[str, Any]:
        """The regimen as JSON-ready values: its text, its models, and its doses for reading."""
        return {"text": self.text, "models": self.models, "doses": [_plain(dose) for dose in self.doses]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], catalogue: Catalogue | None = None) -> Regimen:
        """Read back what `to_dict` wrote.

        Examples
        --------
        >>> r = parse("naloxone 4 mg intranasal at 2 h")
        >>> Regimen.from_dict(r.to_dict()) == r
        True
        """
        if not isinstance(data.get("text"), str):
            raise RacemateError("a regimen needs its 'text'", fix="write {'text': 'morphine 10 mg iv'}")
        return parse(data["text"], catalogue)


def _plain(dose: Dose) -> dict[str, Any]:
    return {
        "product": dose.product, "route": dose.route,
        "amount": str(dose.amount) if dose.amount else None, "rate": str(dose.rate) if dose.rate else None,
        "time": dose.time, "duration": dose.duration, "mode": dose.mode, "interval": dose.interval, "count": dose.count,
        "steady_state": dose.steady_state, "reset": dose.reset, "compartment": dose.compartment, "label": dose.label,
    }  # fmt: skip


def parse(text: str, catalogue: Catalogue | None = None) -> Regimen:
    """Read a text of the dosing language.

    Parameters
    ----------
    text : str
        For example ``ketamine 0.5 mg/kg iv over 40 min``; `docs/dosing-language.md` describes it all.
    catalogue : Catalogue, optional
        The names of drugs and routes that are known; without it every drug is accepted.

    Raises
    ------
    RacemateError
        At the first word that is wrong, with a caret under it and the closest known name.

    Examples
    --------
    >>> print(parse("Ketamine 0.5mg/kg intravenous over 40 minutes; naloxone 4 mg nasal at 2 h"))
    ketamine 0.5 mg/kg iv over 40 min; naloxone 4 mg intranasal at 2 h
    >>> parse("morphine 5 mg iv evry 10 min x 6")
    Traceback (most recent call last):
        ...
    racemate.errors.RacemateError: did not expect 'evry' here
      where: morphine 5 mg iv evry 10 min x 6
                              ^^^^
      fix:   did you mean 'every'?
    """
    reading = read(text, catalogue or _ANYTHING)
    regimen = Regimen(tuple(reading.items), tuple(sorted(reading.models.items())))
    try:
        _ = regimen.doses
    except WrongStep as error:
        places = reading.places[error.place]
        start, end = places.get(error.clause, places[""])
        raise error_at(error.what, text, start, end, fix=error.fix) from None
    return regimen


def format(regimen: Regimen) -> str:
    """The canonical text of a regimen; ``parse(format(r)) == r``.

    Examples
    --------
    >>> format(parse("buprenorphine 8 mg SL once daily x14"))
    'buprenorphine 8 mg sublingual daily x 14'
    """
    return regimen.text
