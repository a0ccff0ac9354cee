"""Doses against the doses that were studied: outside them a run warns, absurdly far outside it is refused."""

from __future__ import annotations

import numpy as np

from racemate.errors import RacemateError
from racemate.library.entries import DoseRange
from racemate.regimen import Dose
from racemate.scenario import Scenario
from racemate.simulation.assemble import Assembly
from racemate.simulation.dosing import dose_amount
from racemate.units import convert, parse_unit

HEAVIEST = 100.0  # g: no single dose of any drug weighs more, whatever was studied
ABSURD = 100.0  # times the highest dose studied: a slip of the unit, not an overdose


def range_warnings(scenario: Scenario, assembly: Assembly) -> tuple[str, ...]:
    """What to say of doses outside the studied range.

    Raises
    ------
    RacemateError
        For a dose more than a hundred times the highest that was studied, or heavier than any dose.
    """
    weight = float(np.mean(np.asarray(scenario.people.covariates["weight"], float)))
    found = []
    for dose in scenario.regimen.doses:
        product = assembly.products.get(dose.product)
        if product:
            _check_mass(dose, weight)
        limits = product.ranges.get(dose.route) if product else None
        value = None if limits is None else _in_unit_of(dose, limits, weight)
        if limits is None or value is None:
            continue
        unit = f"{limits.unit}/{limits.per}" if limits.per else limits.unit
        if value > ABSURD * limits.high:
            what = f"{dose.label}: {value:.3g} {unit} is more than {ABSURD:g} times the most that was studied"
            raise RacemateError(what, fix=f"a dose within {limits.low:g}-{limits.high:g} {unit}; check mg against ug")
        if not limits.low <= value <= limits.high * (1 + 1e-9):
            text = f"{dose.label}: {value:.3g} {unit} is outside {limits.low:g}-{limits.high:g} {unit}, "
            found.append(text + f"the doses studied ({limits.source})")
    return tuple(dict.fromkeys(found))


def _check_mass(dose: Dose, weight: float) -> None:
    amount = dose_amount(dose)
    if parse_unit(amount.unit).dimension != parse_unit("g").dimension:
        return
    grams = convert(amount.value, amount.unit, "g") * (weight if amount.per else 1.0)
    if grams > HEAVIEST:
        raise RacemateError(f"{dose.label}: {grams:.3g} g is heavier than any dose", fix="check the unit: mg, ug or g")


def _in_unit_of(dose: Dose, limits: DoseRange, weight: float) -> float | None:
    """A dose (or its rate, where the range is one) in the unit of a range; None where they do not compare."""
    by_rate = parse_unit(limits.unit).dimension == parse_unit("mg/h").dimension
    amount = dose.rate if by_rate else dose_amount(dose)
    if amount is None or parse_unit(amount.unit).dimension != parse_unit(limits.unit).dimension:
        return None
    value = convert(amount.value, amount.unit, limits.unit) * (weight if amount.per else 1.0)
    return value / weight if limits.per else value
