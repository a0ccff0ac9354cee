"""What a picture shows, before anyone draws it: panels of curves, grouped by what they are and their unit.

One specification behind the terminal, the figure and the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racemate.result import Result
from racemate.result.summary import is_concentration
from racemate.units import parse_unit

Floats = NDArray[np.float64]

#: Okabe and Ito's colours, which people with any colour vision tell apart, darkest first on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#555555", "#8C6D31")
SITES = ("arterial", "venous", "effect-site")
_DASHES = {"arterial": "", "venous": "6 3", "effect-site": "2 2"}
_TITLES = {"concentration": "Concentration", "target": "Targets", "effect": "Effects", "amount": "Amount"}
_TARGET_WORDS = ("occupancy", "activation", "block")
MOST_CURVES = 6


@dataclass(frozen=True)
class Curve:
    """One output of one result: (patients, T) values at ``time`` (min), in the unit of its panel."""

    name: str
    label: str
    time: Floats
    values: Floats
    color: str
    dash: str = ""

    @property
    def fan(self) -> bool:
        """Whether there are patients to spread over."""
        return len(self.values) > 1

    def quantiles(self, *levels: float) -> list[Floats]:
        """Percentiles over the patients at every time."""
        if not self.fan:
            return [self.values[0]] * len(levels)
        return [np.asarray(q) for q in np.percentile(self.values, levels, axis=0)]


@dataclass(frozen=True)
class Panel:
    """Curves that share an axis."""

    title: str
    family: str
    unit: str
    curves: tuple[Curve, ...]

    @property
    def logarithmic(self) -> bool:
        """Whether a logarithmic axis says more: concentrations do."""
        return self.family == "concentration"

    def highest(self) -> float:
        """The largest value shown (95th percentile of a population)."""
        return max(float(np.max(c.quantiles(95)[0])) for c in self.curves)

    def lowest(self) -> float:
        """The smallest value shown."""
        return min(float(np.min(c.quantiles(5)[0])) for c in self.curves)


def family(name: str, unit: str) -> str:
    """What an output is, by its name and unit: ``concentration``, ``target``, ``amount`` or ``effect``.

    Examples
    --------
    >>> family("arterial.ketamine", "ng/mL"), family("occupancy.mu", "%"), family("ventilation", "%")
    ('concentration', 'target', 'effect')
    """
    if is_concentration(unit):
        return "concentration"
    if name.split(".")[0] in _TARGET_WORDS:
        return "target"
    return "amount" if name.startswith("amount.") else "effect"


def percent(unit: str) -> float:
    """What a value is multiplied with to be shown: pure numbers are shown in per cent."""
    return 100.0 if unit == "1" else 1.0


def shown_unit(unit: str) -> str:
    """The unit a reader sees.

    Examples
    --------
    >>> shown_unit("1"), shown_unit("ng/mL")
    ('%', 'ng/mL')
    """
    return "%" if unit == "1" else unit


def panels(results: Sequence[Result], labels: Sequence[str] = ()) -> list[Panel]:
    """The panels of one result, or of several laid over each other (then one panel an output)."""
    return _of_one(results[0]) if len(results) == 1 else _laid_over(results, labels)


def _of_one(result: Result) -> list[Panel]:
    groups: dict[tuple[str, str], list[str]] = {}
    for name in result.values:
        unit = shown_unit(result.units[name])
        groups.setdefault((family(name, result.units[name]), unit), []).append(name)
    found = []
    for (kind, unit), names in groups.items():
        for title, members in _split(kind, names, fan=result.n > 1):
            curves = tuple(_curve(result, n, PALETTE[i % len(PALETTE)]) for i, n in enumerate(members))
            alone = curves[0].label if len(curves) == 1 else title
            found.append(Panel(_capital(alone), kind, unit, curves))
    order = list(_TITLES)
    return sorted(found, key=lambda p: order.index(p.family))


def _split(kind: str, names: list[str], *, fan: bool) -> list[tuple[str, list[str]]]:
    """Too many curves for one axis are parted: by site, then by number; fans more than two together."""
    most = 2 if fan else MOST_CURVES
    if len(names) <= most:
        return [(_TITLES[kind], names)]
    if kind == "concentration" and not fan:
        by_site = [(f"{site} concentration", [n for n in names if n.startswith(site + ".")]) for site in SITES]
        rest = [n for n in names if n.split(".")[0] not in SITES]
        parts = [(t, m) for t, m in [*by_site, ("Concentration", rest)] if m]
    else:
        parts = [(_TITLES[kind], names)]
    return [(title, members[i : i + most]) for title, members in parts for i in range(0, len(members), most)]


def _laid_over(results: Sequence[Result], labels: Sequence[str]) -> list[Panel]:
    names = [n for n in results[0].values if any(n in r.values for r in results[1:])]
    names += [n for r in results for n in r.values if n not in names]
    names = list(dict.fromkeys(names))
    found = []
    for name in names:
        holders = [(i, r) for i, r in enumerate(results) if name in r.values]
        unit = holders[0][1].units[name]
        curves = tuple(
            _curve(r, name, PALETTE[i % len(PALETTE)], labels[i] if labels else f"{i + 1}", plain=True)
            for i, r in holders
            if parse_unit(r.units[name]).dimension == parse_unit(unit).dimension
        )
        title = _capital(holders[0][1].label(name))
        found.append(Panel(title, family(name, unit), shown_unit(unit), curves))
    return sorted(found, key=lambda p: list(_TITLES).index(p.family))


def _curve(result: Result, name: str, color: str, label: str = "", *, plain: bool = False) -> Curve:
    values = result.completed(name) * percent(result.units[name])
    dash = "" if plain else _DASHES.get(name.split(".")[0], "")
    return Curve(name, label or result.label(name), result.time, values, color, dash)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def time_span(results: Sequence[Result]) -> tuple[float, float]:
    """First and last time of any of the results, min."""
    return min(float(r.time[0]) for r in results), max(float(r.time[-1]) for r in results)


def dose_lanes(result: Result) -> dict[str, list[Any]]:
    """The dose marks by what is given and how, one lane each, in order of first dose."""
    lanes: dict[str, list[Any]] = {}
    for mark in result.events:
        lanes.setdefault(mark.label, []).append(mark)
    return lanes
