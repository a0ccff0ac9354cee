"""What was given of the substance behind an output: the dose that clearance is computed with."""

from __future__ import annotations

import numpy as np

from racemate.library import load
from racemate.library.library import Library
from racemate.regimen import Dose
from racemate.result.nca import Given
from racemate.scenario import Scenario
from racemate.simulation.dosing import dose_amount, nmol
from racemate.units import parse_unit

SITES = ("arterial", "venous")


def given(scenario: Scenario, output: str, unit: str) -> Given | None:
    """The doses of an output's own substance; None for what is not given itself, or without an end.

    Parameters
    ----------
    output : str
        Such as ``arterial.s-ketamine``, or a racemic total such as ``arterial.ketamine``.
    unit : str
        The unit of its concentration.
    """
    library = load()
    site, _, substance = output.partition(".")
    members = {substance} & set(library.substances) or {"s-" + substance, "r-" + substance} & set(library.substances)
    if site not in SITES or not members:
        return None
    doses = [d for d in scenario.regimen.doses if d.product and _share(library, d, members)]
    if not doses or any(d.steady_state or d.mode == "constant" or d.reset for d in scenario.regimen.doses):
        return None
    weight = np.broadcast_to(np.asarray(scenario.people.covariates["weight"], float), (scenario.n,))
    amount = np.zeros(scenario.n)
    for dose in doses:
        whole = nmol(library, library.product(dose.product), dose_amount(dose), weight)
        amount = amount + whole * _share(library, dose, members) * _within(scenario, dose)
    shown = parse_unit(unit)
    if shown.dimension != parse_unit("nmol/L").dimension:
        amount = amount * library.substances[sorted(members)[0]].molar_mass.value * parse_unit("ng").factor
    single = len(doses) == 1 and doses[0].count == 1
    ends = [d.time + (_within(scenario, d) - 1) * d.interval + d.duration for d in doses]
    return Given(
        amount / shown.factor, min(d.time for d in doses), max(ends), all(d.route == "iv" for d in doses),
        doses[0].duration if single else np.nan,
        tuple(d.time + k * d.interval for d in doses for k in range(_within(scenario, d)) if _jumps(d)),
    )  # fmt: skip


def _share(library: Library, dose: Dose, members: set[str]) -> float:
    return sum(c.fraction for c in library.product(dose.product).composition if c.substance in members)


def _jumps(dose: Dose) -> bool:
    return dose.route == "iv" and dose.duration == 0


def _within(scenario: Scenario, dose: Dose) -> int:
    """How many repeats of a dose start before the end of the scenario."""
    if dose.count == 1 or dose.interval <= 0:
        return dose.count
    return min(dose.count, int((scenario.end - dose.time) / dose.interval) + 1)
