"""The run-time numbers of every patient: covariates, settings, random effects, and draws of what is not known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from racemate.engine.problem import Array, Batch
from racemate.errors import RacemateError
from racemate.library.covariances import covariance_factor
from racemate.library.entries import effect_name
from racemate.library.library import Library
from racemate.model.system import System
from racemate.people import Population
from racemate.people import random as keyed
from racemate.provenance import Number
from racemate.scenario import Scenario
from racemate.simulation.assemble import Assembly
from racemate.units import convert, parse_unit

SHARES = {"fraction_unbound", "efficacy", "F", "fraction"}
Indices = npt.NDArray[np.int64]


def batch(scenario: Scenario, assembly: Assembly, system: System, dose_scales: Mapping[str, float]) -> Batch:
    """Every parameter of the system for every patient.

    Parameters
    ----------
    dose_scales : mapping
        Drug to the usual size of its amounts, nmol.
    """
    base = np.array([p.value for p in system.parameters])
    for name, scale in dose_scales.items():
        _put(base, system, f"dose-scale.{name}", scale)
    settings = resolve_settings(scenario, assembly.library, system)
    for name, setting in settings.items():
        _put(base, system, name, setting)
    drawn = _columns(scenario, assembly, system, base)
    columns = {name: c for name, c in drawn.items() if name in system.parameter_index and name not in settings}
    index = np.array([system.parameter_index[name] for name in columns], np.int64)
    n = scenario.n
    varying = np.stack([np.broadcast_to(c, (n,)) for c in columns.values()], axis=1) if columns else np.zeros((n, 0))
    return Batch(base, index, np.ascontiguousarray(varying))


def _columns(scenario: Scenario, assembly: Assembly, system: System, base: Array) -> dict[str, Array]:
    people = scenario.people
    covariates = people.covariates
    columns = {f"covariate.{name}": np.asarray(value, float) for name, value in covariates.items()}
    columns = {name: column for name, column in columns.items() if name in system.parameter_index}
    columns |= random_keys(scenario, system)
    if not isinstance(people, Population):
        return columns
    if scenario.variability:
        columns |= random_effects(scenario, assembly, system, people.indices)
    if scenario.uncertainty:
        columns |= typical_values(scenario, assembly.library, system, base, people.indices)
    return columns


def _put(base: Array, system: System, name: str, value: float) -> None:
    if name in system.parameter_index:
        base[system.parameter_index[name]] = value


def resolve_settings(scenario: Scenario, library: Library, system: System) -> dict[str, float]:
    """The canonical values of ``--set``: a number of the library by its key, or a switch of the model."""
    resolved = {}
    for name, text in scenario.settings.items():
        value, unit = _split(text, name)
        inside = [p.name for p in system.parameters if p.name == name or p.name.endswith("." + name)]
        if len(inside) == 1:  # what this run uses comes before what else the library holds
            name = inside[0]
            own = system.parameter(name).unit
        else:
            number = library.find_number(name)
            name, own = number.key, number.unit
        value = convert(value, unit or own, own)
        _check_setting(name, value, own, library)
        resolved[name] = value * parse_unit(own).factor
    return resolved


def is_share(key: str, unit: str) -> bool:
    """Whether a number is a share of something, which nothing can make more than 1.

    Examples
    --------
    >>> is_share("morphine.substances.morphine.fraction_unbound", "1"), is_share("morphine.x.CL", "L/min")
    (True, False)
    """
    return unit == "1" and key.rsplit(".", 1)[-1] in SHARES


def _check_setting(name: str, value: float, unit: str, library: Library) -> None:
    """What is positive by nature stays positive, and a share of something stays a share."""
    number = library.numbers().get(name)
    if number is None:
        return
    if is_share(name, unit) and not 0 <= value <= 1:
        raise RacemateError(f"cannot set {name} to {value:g}", fix="a share, from 0 to 1")
    if number.value > 0 and (value < 0 or (value == 0 and unit != "1")):
        raise RacemateError(f"cannot set {name} to {value:g} {unit}", fix="a value above zero")


def _split(text: str, name: str) -> tuple[float, str]:
    head, _, unit = text.strip().partition(" ")
    try:
        value = float(head)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise RacemateError(f"cannot set {name} to '{text}'", fix="a number with its unit, such as '1.2 L/min'")
    return value, unit.strip()


def random_keys(scenario: Scenario, system: System) -> dict[str, Array]:
    """The whole numbers below 2^52 that a patient's random events draw with."""
    people = scenario.people
    indices = people.indices if isinstance(people, Population) else np.zeros(1, np.int64)
    names = [p.name for p in system.parameters if p.kind == "random key"]
    return {name: np.floor(keyed.uniform(scenario.seed, indices, name) * 2.0**52) for name in names}


def random_effects(scenario: Scenario, assembly: Assembly, system: System, patients: Indices) -> dict[str, Array]:
    """Each patient's random effects, those with a published covariance drawn together."""
    sigmas = _sigmas(assembly, system)
    effects = {k: s * keyed.normal(scenario.seed, patients, k) for k, s in sigmas.items()}
    for kinetic in assembly.kinetics.values():
        pairs = [(c.a, c.b, c.covariance) for c in kinetic.correlations if {c.a, c.b} <= sigmas.keys()]
        if pairs:
            model = f"{kinetic.drug}.kinetics.{kinetic.name}.correlations"
            keys, factor = covariance_factor(sigmas, pairs, model)
            normals = np.stack([keyed.normal(scenario.seed, patients, key) for key in keys])
            effects |= dict(zip(keys, factor @ normals, strict=True))
    return {f"eta.{key}": effect for key, effect in effects.items()}


def _sigmas(assembly: Assembly, system: System) -> dict[str, float]:
    wanted = [p.name.removeprefix("eta.") for p in system.parameters if p.name.startswith("eta.")]
    sigmas = {effect_name(v): v.between_subject.sigma for v in assembly.library.values() if v.between_subject}
    return {name: sigmas[name] for name in wanted}


def typical_values(
    scenario: Scenario, library: Library, system: System, base: Array, patients: Indices
) -> dict[str, Array]:
    """Draws of the typical values over their published uncertainty, kept apart from variability over people."""
    drawn = {}
    for key, number in library.numbers().items():
        i = system.parameter_index.get(key)
        if i is not None and number.uncertainty is not None:
            drawn[key] = draw_number(number, base[i], keyed.uniform(scenario.seed, patients, f"uncertainty.{key}"))
    return drawn


def draw_number(number: Number, value: float, rank: Array) -> Array:
    """A lognormal over the interval of a positive number; uniform over one that touches zero.

    Parameters
    ----------
    value : float
        The canonical typical value.
    rank : ndarray
        Uniform numbers between 0 and 1.
    """
    spread = number.relative_error()
    low, high = (x * number.factor for x in number.range())
    if spread > 0:
        middle = np.sqrt(low * high) if number.uncertainty and number.uncertainty.kind == "range" else value
        drawn = np.asarray(middle * np.exp(spread * keyed.normal_quantile(rank)))
        return np.minimum(drawn, 1.0) if is_share(number.key, number.unit) else drawn
    return np.asarray(low + (high - low) * rank)
