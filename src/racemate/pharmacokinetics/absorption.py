"""How a dose by a route enters the body: parallel pathways of zero-order, first-order and transit input."""

from __future__ import annotations

from racemate.errors import RacemateError
from racemate.library.entries import KineticModel, Pathway, Substance, Value
from racemate.model import Expr, Model, Module, maximum
from racemate.pharmacokinetics.disposition import amount, dose_scale, formation_entry, transit
from racemate.pharmacokinetics.individual import individual, molar


def add_absorption(model: Model, kinetic: KineticModel, substance: Substance, route: str) -> None:
    """All pathways of one substance by one route, and the part of a dose that is never absorbed."""
    pathways = kinetic.absorption.get(route, {}).get(substance.name, ())
    if not pathways:
        return
    m = model.module(f"{route} absorption of {substance.name} ({kinetic.name})")
    target = f"{substance.name}/{route}"
    absorbed = m.number(0.0)
    for number, pathway in enumerate(pathways, start=1):
        fraction = individual(m, pathway.F, kinetic.parameters)
        prefix = f"{route}-{number}" if len(pathways) > 1 else route
        _pathway(m, kinetic, substance, pathway, prefix, target, fraction)
        absorbed = absorbed + fraction
    lost = amount(substance.name, f"not-absorbed-{route}")
    m.state(lost, "nmol", scale=dose_scale(m, kinetic))
    # a published F may exceed 1 where it absorbs the scale of a metabolite's volume
    m.dose(target, into=lost, fraction=maximum(1.0 - absorbed, 0.0))


def _pathway(
    m: Module,
    kinetic: KineticModel,
    substance: Substance,
    pathway: Pathway,
    prefix: str,
    target: str,
    fraction: Expr,
) -> None:
    """Depot (first order), then transit compartments, then where the pathway leads."""
    scale = dose_scale(m, kinetic)
    entry, share = _destination(m, kinetic, substance, pathway)
    if pathway.transit_compartments:
        assert pathway.MTT is not None
        chain = [amount(substance.name, f"{prefix}-transit-{i + 1}") for i in range(pathway.transit_compartments)]
        rate = pathway.transit_compartments / individual(m, pathway.MTT, kinetic.parameters)
        transit(m, chain, rate, entry, scale)
        entry = chain[0]
    if pathway.ka is not None:
        depot = amount(substance.name, f"{prefix}-depot")
        transit(m, [depot], individual(m, pathway.ka, kinetic.parameters), entry, scale)
        entry = depot
    m.dose(
        target,
        into=entry,
        fraction=fraction if share is None else fraction * individual(m, share, kinetic.parameters),
        lag=0.0 if pathway.lag is None else individual(m, pathway.lag, kinetic.parameters),
        duration=None if pathway.duration is None else individual(m, pathway.duration, kinetic.parameters),
        rate=None if pathway.rate is None else molar(m, individual(m, pathway.rate, kinetic.parameters), substance),
    )


def _destination(m: Module, kinetic: KineticModel, substance: Substance, pathway: Pathway) -> tuple[str, Value | None]:
    """The state a pathway leads into, and the share of it that arrives there (None for all).

    ``formation:NAME`` joins what the parent's elimination sends to a metabolite, of which a fixed share is formed;
    ``metabolite:NAME`` is metabolite already.
    """
    kind, _, metabolite = pathway.into.partition(":")
    if kind == "central":
        return amount(substance.name, "central"), None
    if kind == "portal" and substance.name in kinetic.portal:
        return amount(substance.name, "portal"), None
    if kind == "metabolite" and metabolite in kinetic.disposition:
        return amount(metabolite, "central"), None
    if kind == "formation":
        for formation in kinetic.formation:
            if formation.metabolite == metabolite:
                return formation_entry(kinetic, metabolite), formation.fraction
    raise RacemateError(
        f"an absorption pathway leads into '{pathway.into}', which this model does not have",
        where=m.name,
        fix="'central', 'portal' (with a portal compartment), 'formation:NAME' or 'metabolite:NAME'",
    )
