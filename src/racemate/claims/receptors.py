"""How much of each receptor a dose takes, with the spread of the published constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from racemate.library import load
from racemate.library.entries import Binding
from racemate.people import random as keyed
from racemate.provenance import Derived, Number
from racemate.scenario import Scenario
from racemate.simulate import assembly_of, simulate
from racemate.simulation.draws import draw_number

Array = npt.NDArray[np.float64]
NMDA_WITHOUT_MG, NMDA_WITH_MG = "NMDA, no Mg", "NMDA, 1 mM Mg"
SITES = {NMDA_WITHOUT_MG: "nmda", NMDA_WITH_MG: "nmda", "mu": "mu", "kappa": "kappa", "delta": "delta"}


@dataclass(frozen=True)
class Estimate:
    """A value with its 5-95 % range over draws of the constants."""

    central: float
    low: float
    high: float

    @classmethod
    def of(cls, central: float, draws: Array) -> Estimate:
        """The value with the constants as published, and the range over draws of them and it.

        A preferred constant may lie at the edge of its published range, outside the middle of the draws.
        """
        low, high = np.quantile(draws, [0.05, 0.95])
        return cls(central, min(float(low), central), max(float(high), central))


@dataclass(frozen=True)
class Occupancy:
    """What one dose does at one target at the peak of its biophase concentration."""

    dose: str
    target: str
    over_ki: Estimate
    occupancy: Estimate
    activation: Estimate | None


@dataclass(frozen=True)
class Exposure:
    """The total concentrations (nmol/L) of every ligand in the biophase at the peak of what was given."""

    label: str
    total: Mapping[str, float]
    time: float | None = None
    sources: tuple[str, ...] = ()


def exposure(label: str, regimen: str, patient: str = "male, 70 kg") -> Exposure:
    """Simulate a dose in a typical person and read the biophase at its peak."""
    plain = Scenario.of(regimen, patient=patient, until="6 h", every="0.5 min", molar=True)
    assembly = assembly_of(plain)
    names = [s for k in assembly.kinetics.values() for s in k.disposition]
    outputs = {s: f"effect-site.{s}" for s in names if f"effect-site.{s}" in assembly.model.offers}
    result = simulate(plain.with_(outputs=tuple(outputs.values())))
    given = np.sum([result.values[outputs[s]][0] for s in assembly.given], axis=0)
    peak = int(given.argmax())
    total = {s: float(result.values[o][0, peak]) for s, o in outputs.items()}
    sources = dict.fromkeys(key for o in outputs.values() for key in result.sources[o])
    return Exposure(label, total, float(result.time[peak]), tuple(sources))


def occupancies(exposure: Exposure, draws: int, seed: int) -> list[Occupancy]:
    """Every target of interest at one exposure: equilibrium competition of all ligands present."""
    return [found for target in SITES if (found := _occupancy(exposure, target, draws, seed)) is not None]


def _occupancy(exposure: Exposure, target: str, draws: int, seed: int) -> Occupancy | None:
    library = load()
    ligands = {s: b for s, b in library.ligands(SITES[target]).items() if s in exposure.total}
    if not ligands:
        return None
    patients = np.arange(draws)
    central = np.zeros(len(ligands))
    drawn = np.zeros((len(ligands), draws))
    efficacy, drawn_efficacy = np.zeros(len(ligands)), np.zeros((len(ligands), draws))
    for i, (name, binding) in enumerate(ligands.items()):
        numbers = [_constant(binding, target), *_free(name)]
        values = [n.canonical for n in numbers]
        sampled = [_drawn(n, patients, seed) for n in numbers]
        central[i] = exposure.total[name] * np.prod(values[1:]) / values[0]
        drawn[i] = exposure.total[name] * np.prod(sampled[1:], axis=0) / sampled[0]
        if binding.efficacy is not None:
            efficacy[i] = binding.efficacy.value
            drawn_efficacy[i] = _drawn(binding.efficacy, patients, seed)
    slopes = np.array([_slope(b, target) for b in ligands.values()])
    central, drawn = _sloped(central[:, None], slopes)[:, 0], _sloped(drawn, slopes)
    total, totals = central.sum(), drawn.sum(axis=0)
    activation = None
    if any(b.efficacy is not None for b in ligands.values()):
        typical = float((central * efficacy).sum() / (1 + total))
        activation = Estimate.of(typical, (drawn * drawn_efficacy).sum(axis=0) / (1 + totals))
    return Occupancy(
        exposure.label,
        target,
        Estimate.of(float(total), totals),
        Estimate.of(float(total / (1 + total)), totals / (1 + totals)),
        activation,
    )


def _slope(binding: Binding, target: str) -> float:
    slope = binding.numbers.get("slope_mg", binding.slope) if target == NMDA_WITH_MG else binding.slope
    assert not isinstance(slope, Derived)
    return slope.value if isinstance(slope, Number) else float(slope)


def _sloped(ratio: Array, slopes: Array) -> Array:
    """Each ligand's share of all C/Ki, with its own slope at their sum, as ``targets`` composes it."""
    whole = ratio.sum(axis=0)
    return np.asarray(ratio / whole * whole ** slopes[:, None])


def _constant(binding: Binding, target: str) -> Number:
    if target == NMDA_WITH_MG:
        constant = binding.numbers.get("Ki_mg", binding.Ki)
        assert isinstance(constant, Number)
        return constant
    return binding.Ki


def _free(substance: str) -> list[Number]:
    entry = load().substances[substance]
    return [n for n in (entry.fraction_unbound, entry.brain_partition) if n is not None]


def _drawn(number: Number, patients: npt.NDArray[np.int64], seed: int) -> Array:
    if number.uncertainty is None:
        return np.full(len(patients), number.canonical)
    return draw_number(number, number.canonical, keyed.uniform(seed, patients, f"uncertainty.{number.key}"))


def used_sources(exposures: list[Exposure]) -> list[str]:
    """The references behind the constants, efficacies and concentrations used, in order of first use."""
    library = load()
    keys: dict[str, None] = {}
    for item in exposures:
        for target in SITES:
            for name, binding in library.ligands(SITES[target]).items():
                if name in item.total:
                    numbers = [_constant(binding, target), binding.efficacy, *_free(name)]
                    keys |= dict.fromkeys(n.source for n in numbers if n is not None)
        keys |= dict.fromkeys(item.sources)
    return list(keys)
