"""Kinetics: a dose becomes concentrations, in modules that a drug file picks and parameterises."""

from __future__ import annotations

from collections.abc import Iterable

from racemate.library.entries import KineticModel, Substance
from racemate.library.library import Library
from racemate.model import Expr, Model, Module
from racemate.pharmacokinetics.absorption import add_absorption
from racemate.pharmacokinetics.disposition import add_disposition, add_formation, dose_scale, in_sentence
from racemate.pharmacokinetics.individual import covariate, individual

__all__ = ["add_effect_site", "add_kinetics", "covariate", "individual"]


def add_kinetics(model: Model, library: Library, kinetic: KineticModel, routes: Iterable[str]) -> None:
    """One published kinetic model: its substances, metabolites and the routes asked for.

    Offers ``<site>.<substance>`` (and ``.free``), ``effect-site.<substance>`` (and ``.free``) and, for the
    balance of mass, ``amount.<substance>``, ``amount.<substance>.eliminated`` and ``.not-absorbed``.
    """
    for name in kinetic.disposition:
        add_disposition(model, kinetic, library.substances[name])
    for formation in kinetic.formation:
        add_formation(model, kinetic, formation)
    routes = tuple(dict.fromkeys(routes))
    for name in kinetic.disposition:
        for route in routes:
            add_absorption(model, kinetic, library.substances[name], route)
        _offer_balance(model, name)
        add_effect_site(model, library, kinetic, library.substances[name])


def _offer_balance(model: Model, name: str) -> None:
    m = model.module(f"balance of {name}")
    prefix = f"amount.{name}."
    inside: Expr | float = 0.0
    lost: Expr | float = 0.0
    for state in model.states:
        part = state.removeprefix(prefix)
        if part == state or part == "eliminated":
            continue
        value = Expr(model.graph, model.graph.leaf("state", state, m.quantity(1.0, "nmol").dimension))
        if part.startswith("not-absorbed"):
            lost = value + lost
        else:
            inside = value + inside
    m.offer(f"amount.{name}", inside, "nmol", label=f"{name} in the body")
    m.offer(f"amount.{name}.not-absorbed", lost, "nmol", label=f"{name} not absorbed")
    eliminated = Expr(model.graph, model.graph.leaf("state", prefix + "eliminated", m.quantity(1.0, "nmol").dimension))
    m.offer(f"amount.{name}.eliminated", eliminated, "nmol", label=f"{name} eliminated")


def add_effect_site(model: Model, library: Library, kinetic: KineticModel, substance: Substance) -> None:
    """The receptor biophase: total concentration after its delay, and the unbound one at the receptor."""
    m = model.module(f"effect site of {substance.name}")
    site = kinetic.site
    if site == "venous" and "arterial" in kinetic.site_link:
        site = "arterial"
    if site == "venous":
        m.note(
            f"effect site of {substance.label}: driven by venous concentrations ('{kinetic.name}' has no arterial link)"
        )
    plasma = m.read(f"{site}.{substance.name}", "nmol/L")
    concentration = biophase(m, library, kinetic, substance, plasma)
    label = f"effect-site {in_sentence(substance.label)}"
    mass = substance.molar_mass.value
    m.offer(f"effect-site.{substance.name}", concentration, "nmol/L", label=label, molar_mass=mass)
    if substance.fraction_unbound is None:
        return
    free = individual(m, substance.fraction_unbound) * concentration
    if substance.brain_partition is not None:
        free = free * individual(m, substance.brain_partition)
    m.offer(f"effect-site.{substance.name}.free", free, "nmol/L", label=f"{label}, unbound", molar_mass=mass)


def biophase(m: Module, library: Library, kinetic: KineticModel, substance: Substance, plasma: Expr) -> Expr:
    """The concentration that lags behind plasma with the ke0 of the model, else of the drug; plasma where none is."""
    drug = library.drugs[substance.drug].effect_site.get(substance.name)
    site = kinetic.effect_site.get(substance.name, drug)
    if site is None:
        m.note(f"effect site of {substance.label}: no equilibration delay is published, taken as plasma")
        return plasma
    state = f"concentration.effect-site.{substance.name}"
    v1 = individual(m, kinetic.disposition[substance.name].parameters["V1"], kinetic.parameters)
    inside = m.state(state, "nmol/L", scale=dose_scale(m, kinetic) / v1)
    m.rate(state, individual(m, site.ke0, kinetic.parameters) * (plasma - inside))
    return inside
