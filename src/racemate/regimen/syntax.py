"""What a dosing text says, as plain values: amounts, spans of time, steps, rules and items.

These are the words, not yet the doses: `resolve.py` turns the words of time into `Dose` records. Every
value prints as the canonical text that parses back to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from racemate.errors import RacemateError, unknown
from racemate.units import ALIASES, parse_unit

Mode = Literal["bolus", "infusion", "patch", "modelled-rate", "modelled-duration", "constant"]

ROUTES: Mapping[str, str] = {
    alias: canonical
    for canonical, aliases in {
        "iv": "iv, i.v., intravenous, intravenously, iv bolus, iv infusion, iv push, intravenous bolus, "
        "intravenous infusion, vein",
        "im": "im, i.m., intramuscular, intramuscularly",
        "sc": "sc, s.c., subcut, subcutaneous, subcutaneously, subq, sq",
        "intranasal": "intranasal, intranasally, nasal, nasally, in, i.n., nasal spray",
        "oral": "oral, orally, po, p.o., per os, by mouth, mouth",
        "sublingual": "sublingual, sublingually, sl, s.l., under the tongue",
        "buccal": "buccal, buccally, transmucosal",
        "transdermal": "transdermal, transdermally, td, patch, skin patch",
        "inhaled": "inhaled, inhalation, inhalational, nebulised, nebulized, smoked",
        "rectal": "rectal, rectally, pr, p.r.",
    }.items()
    for alias in aliases.split(", ")
}
"""Every way to write a route -> its canonical name."""


def number(value: float) -> str:
    """The shortest text that reads back as the same number.

    Examples
    --------
    >>> number(40.0), number(0.1)
    ('40', '0.1')
    """
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


@dataclass(frozen=True)
class Catalogue:
    """The names a dosing text may use, and what each stands for.

    Parameters
    ----------
    products : mapping, optional
        Every name and alias of a product -> its canonical name. None accepts any product.
    routes : mapping, optional
        Every way to write a route -> its canonical name.

    Examples
    --------
    >>> names = Catalogue({"morphine": "morphine", "diacetylmorphine": "diamorphine"})
    >>> names.product("Diacetylmorphine")
    'diamorphine'
    """

    products: Mapping[str, str] | None = None
    routes: Mapping[str, str] = field(default_factory=lambda: ROUTES)

    def product(self, name: str) -> str:
        """The canonical name of a product, whatever its case and spacing."""
        key = " ".join(name.lower().split())
        if self.products is None:
            return key
        known = {k.lower(): v for k, v in self.products.items()}
        if key not in known:
            raise unknown("drug", name, self.products)
        return known[key]

    def route(self, name: str) -> str:
        """The canonical name of a route."""
        key = " ".join(name.lower().split())
        if key not in self.routes:
            raise unknown("route", name, self.routes)
        return self.routes[key]


@dataclass(frozen=True)
class Amount:
    """An amount of drug, or a rate of it, as written: ``0.5 mg/kg`` is value 0.5, unit mg, per kg.

    Examples
    --------
    >>> Amount.parse(0.1, "mcg/kg/min")
    Amount(value=0.1, unit='ug/min', per='kg')
    >>> str(Amount(0.1, "ug/min", "kg"))
    '0.1 ug/kg/min'
    """

    value: float
    unit: str
    per: str | None = None

    @classmethod
    def parse(cls, value: float, unit: str) -> Amount:
        """Read a unit of dose (``mg``, ``ug/kg``) or of rate (``mg/h``, ``ug/kg/min``)."""
        parts = [ALIASES.get(p, p) for p in unit.replace(" per ", "/").replace(" ", "").split("/")]
        dimensions = [parse_unit(p).dimension for p in parts]
        mass, substance, time, weight = (parse_unit(u).dimension for u in ("mg", "nmol", "min", "kg"))
        over = dimensions[1:]
        wrong = dimensions[0] not in (mass, substance) or any(d not in (time, weight) for d in over)
        if wrong or over.count(time) > 1 or over.count(weight) > 1:
            raise RacemateError(
                f"'{unit}' is not a unit of dose or rate",
                fix="write an amount (mg, ug, nmol), an amount per kg (mg/kg) or a rate (mg/h, ug/kg/min)",
            )
        if weight in over and parts[1 + over.index(weight)] != "kg":
            raise RacemateError(f"'{unit}' is not a unit of dose or rate", fix="body weight is counted in kg: 'mg/kg'")
        per_time = [p for p, d in zip(parts[1:], over, strict=True) if d == time]
        return cls(value, "/".join([parts[0], *per_time]), "kg" if weight in over else None)

    @property
    def is_rate(self) -> bool:
        """Whether this is an amount per time."""
        return "/" in self.unit

    def times(self, minutes: float) -> Amount:
        """The amount that a rate gives in a time.

        Examples
        --------
        >>> str(Amount(0.2, "mg/h", "kg").times(480.0))
        '1.6 mg/kg'
        """
        unit, _, time = self.unit.partition("/")
        return Amount(tidy(self.value * minutes / in_minutes(1.0, time)), unit, self.per)

    def __str__(self) -> str:
        unit, _, time = self.unit.partition("/")
        return f"{number(self.value)} {'/'.join(p for p in (unit, self.per, time) if p)}"


def tidy(value: float) -> float:
    """A computed number, or the short decimal it would be without rounding errors.

    Examples
    --------
    >>> 0.1 * 3, tidy(0.1 * 3), tidy(1 / 3) == 1 / 3
    (0.30000000000000004, 0.3, True)
    """
    short = float(f"{value:.14g}")
    return short if abs(short - value) <= 8 * math.ulp(value) else value


def in_minutes(value: float, unit: str) -> float:
    """A time in minutes; seconds are divided, so that 20 s is the closest number to a third."""
    return value / 60.0 if unit == "s" else value * parse_unit(unit).factor


@dataclass(frozen=True)
class Span:
    """A length of time, or a moment counted from time zero, as written.

    Parameters
    ----------
    terms : tuple of (value, unit)
        ``1 h 30 min`` is two terms.
    day : float, optional
        ``day 3`` is 72 h after time zero; terms count from there.
    negative : bool
        Whether the whole lies before time zero.

    Examples
    --------
    >>> Span(((1.0, "h"), (30.0, "min"))).minutes
    90.0
    >>> str(Span((), day=3.0)), Span((), day=3.0).minutes
    ('day 3', 4320.0)
    """

    terms: tuple[tuple[float, str], ...]
    day: float | None = None
    negative: bool = False

    @property
    def minutes(self) -> float:
        """The time in minutes."""
        total = tidy((self.day or 0.0) * 1440.0 + math.fsum(in_minutes(v, u) for v, u in self.terms))
        return -total if self.negative else total

    def __str__(self) -> str:
        words = [f"day {number(self.day)}"] if self.day is not None else []
        words += [f"{number(v)} {_plural(v, u)}" for v, u in self.terms]
        return ("-" if self.negative else "") + " ".join(words)


def _plural(value: float, unit: str) -> str:
    return unit + "s" if unit in ("day", "week") and value != 1 else unit


def _often(every: Span) -> str:
    word = {"h": "hourly", "day": "daily", "week": "weekly"}.get(every.terms[0][1]) if len(every.terms) == 1 else None
    return word if word and every.terms[0][0] == 1 else f"every {every}"


def minutes(value: float) -> Span:
    """A span of so many minutes, written in the unit that reads best.

    Examples
    --------
    >>> str(minutes(480.0)), str(minutes(0.5)), str(minutes(-30.0)), str(minutes(20160.0))
    ('8 h', '30 s', '-30 min', '14 days')
    """
    size = abs(value)
    for unit, factor in (("day", 1440.0), ("h", 60.0), ("min", 1.0), ("s", 1 / 60)):
        count = size / factor
        if count.is_integer() and count >= 1 and in_minutes(count, unit) == size:
            return Span(((count, unit),), negative=value < 0)
    return Span(((size, "min"),), negative=value < 0)


@dataclass(frozen=True)
class Condition:
    """When a rescue rule fires: ``ventilation < 40 % for the first time``."""

    output: str
    comparison: Literal["<", ">", "<=", ">="]
    threshold: float
    unit: str = "1"
    first_time: bool = False

    def __str__(self) -> str:
        unit = "" if self.unit == "1" else f" {self.unit}"
        once = " for the first time" if self.first_time else ""
        return f"when {self.output} {self.comparison} {number(self.threshold)}{unit}{once}"


@dataclass(frozen=True)
class Step:
    """One dose and its repeats, in words. `amount` holds a rate where a rate was written."""

    product: str
    route: str
    amount: Amount | None  # None only for a pure reset
    then: bool = False
    over: Span | None = None
    lasting: Span | None = None  # `for` of a rate or a patch
    at: Span | None = None
    after: Span | None = None
    every: Span | None = None
    count: int | None = None
    until: Span | None = None
    during: Span | None = None  # `for` of a repeat
    steady_state: Literal[0, 1, 2] = 0
    reset: bool = False
    modelled: Literal["", "rate", "duration"] = ""
    compartment: str | int | None = None
    when: Condition | None = None

    def text(self, *, product: bool = True) -> str:
        """The canonical text of this step, with or without the name of the drug."""
        if self.amount is None:
            return f"reset at {self.at}"
        words = [self.product] if product else []
        words += [str(self.amount), self.route, *self._course()]
        if self.when is not None:
            after = f", after {self.after}" if self.after else ""
            again = f", then every {self.every} x {self.count}" if self.every else ""
            return " ".join([*words, str(self.when)]) + after + again
        return " ".join(words + self._times())

    def _course(self) -> list[str]:
        """How one dose goes in."""
        words = [f"over {self.over}"] if self.over else []
        words += [f"for {self.lasting}"] if self.lasting else []
        words += {"rate": ["at modelled rate"], "duration": ["over modelled duration"], "": []}[self.modelled]
        if self.compartment is not None:
            name = str(self.compartment) if isinstance(self.compartment, int) else f'"{self.compartment}"'
            words.append(f"into compartment {name}")
        return words

    def _times(self) -> list[str]:
        """When doses are given."""
        words = [f"{word} {span}" for word, span in (("at", self.at), ("after", self.after)) if span]
        words += [_often(self.every)] if self.every else []
        words += [f"x {self.count}"] if self.count is not None else []
        words += [f"{word} {span}" for word, span in (("until", self.until), ("for", self.during)) if span]
        words += [["at steady state"], ["plus steady state"]][self.steady_state - 1] if self.steady_state else []
        return words + (["after reset"] if self.reset else [])

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True)
class Item:
    """Steps that belong together: ``morphine 5 mg iv, then 2 mg iv every 10 min x 6``."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        words: list[str] = []
        for before, step in zip((None, *self.steps), self.steps, strict=False):
            same = before is not None and before.product == step.product
            words.append(("then " if step.then else "") + step.text(product=not same))
        return ", ".join(words)


@dataclass(frozen=True)
class Dose:
    """One dosing record after the words of time are resolved; times in min.

    Parameters
    ----------
    product, route : str
        What was given, and how; both empty for a pure reset.
    amount : Amount or None
        The amount of one dose (absolute or per kg). For a rate it is rate x duration; None for a
        constant infusion at steady state and for a reset.
    rate : Amount or None
        The rate, where the user gave a rate instead of an amount.
    time, duration : float
        Start of the first dose and length of each, in min; a bolus has duration 0.
    mode : str
        ``bolus``, ``infusion``, ``patch``, ``modelled-rate``, ``modelled-duration`` or ``constant``.
    interval, count : float, int
        Repeats: `count` counts every dose, the first included.
    steady_state : int
        0, 1 (reset, then at steady state) or 2 (steady state added to what is there).
    reset : bool
        Whether everything is emptied before this dose.
    compartment : str or int, optional
        Where the dose goes, when dosing records name it.
    label : str
        The words this dose came from; not part of comparisons.
    """

    product: str
    route: str
    amount: Amount | None
    rate: Amount | None
    time: float
    duration: float
    mode: Mode
    interval: float = 0.0
    count: int = 1
    steady_state: Literal[0, 1, 2] = 0
    reset: bool = False
    compartment: str | int | None = None
    label: str = field(default="", compare=False)

    @property
    def end(self) -> float:
        """When the last of its doses has ended, in min."""
        return self.time + self.interval * (self.count - 1) + self.duration

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True)
class Rule:
    """A dose given when something happens; times in min.

    `output` `comparison` `threshold` says when; the dose follows after `delay` and is repeated
    `repeats` times more, every `interval`.
    """

    product: str
    route: str
    amount: Amount | None
    rate: Amount | None
    duration: float
    mode: Mode
    output: str
    comparison: Literal["<", ">", "<=", ">="]
    threshold: float
    unit: str
    first_time: bool
    delay: float = 0.0
    interval: float = 0.0
    repeats: int = 0
    label: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.label
