"""The sigmoid effect ``E = Emax U^g / (1 + U^g)``, where ``U`` sums what every ligand brings.

A ligand brings ``C / C50`` (Loewe additivity, the default where no interaction is published), or a receptor
brings ``activation / E50``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from racemate.library.entries import Effect, KineticModel, ParameterSet, Substance
from racemate.library.library import Library
from racemate.model import Expr, Model, Module
from racemate.pharmacokinetics import individual
from racemate.pharmacokinetics.disposition import dose_scale

MASS_PER_VOLUME = 1e6  # 1 mg/L of a substance of molar mass M (g/mol) is 1e6 / M nmol/L


def add_sigmoid(
    model: Model, library: Library, effect: Effect, numbers: ParameterSet, kinetics: Sequence[KineticModel]
) -> None:
    """Offer ``<effect>``: the fraction of the largest effect, or of the baseline that is left."""
    m = model.module(f"{effect.id} ({numbers.name})")
    receptor = numbers.numbers.get("receptor", {})
    ligands = numbers.numbers.get("ligands", {})
    drive = m.number(0.0)
    present = False
    for target, own in receptor.items():
        if f"activation.{target}" in model.offers:
            drive = drive + m.read(f"activation.{target}", "1") / individual(m, own["e50"])
            present = True
    for kinetic in kinetics:
        for name in kinetic.disposition:
            if name in ligands:
                drive = drive + _drive(m, library.substances[name], kinetic, effect, numbers, ligands[name])
                present = True
    if not present:
        return
    power = drive ** individual(m, numbers.numbers["gamma"])
    size = power / (1.0 + power)
    if "emax" in numbers.numbers:
        size = size * individual(m, numbers.numbers["emax"])
    value = 1.0 - size if numbers.text.get("direction") == "depression" else size
    m.offer(effect.id, value, "1", label=effect.label, sources=(numbers.source,))


def _drive(
    m: Module,
    substance: Substance,
    kinetic: KineticModel,
    effect: Effect,
    numbers: ParameterSet,
    own: Mapping[str, Any],
) -> Expr:
    """Concentration over C50, at the site the C50 was estimated with and after its own delay."""
    site = _site(m, substance, kinetic, numbers)
    concentration = m.read(f"{site}.{substance.name}", "nmol/L")
    if "ke0" in own:
        state = f"concentration.effect-site.{effect.id}.{substance.name}"
        v1 = individual(m, kinetic.disposition[substance.name].parameters["V1"], kinetic.parameters)
        inside = m.state(state, "nmol/L", scale=dose_scale(m, kinetic) / v1)
        m.rate(state, individual(m, own["ke0"]) * (concentration - inside))
        mass = substance.molar_mass.value
        label = f"effect-site {substance.label} ({effect.label.lower()})"
        m.offer(f"effect-site.{effect.id}.{substance.name}", inside, "nmol/L", label=label, molar_mass=mass)
        concentration = inside
    return concentration / _molar(m, substance, individual(m, own["c50"]))


def _site(m: Module, substance: Substance, kinetic: KineticModel, numbers: ParameterSet) -> str:
    """The site of the C50, where the kinetic model has it; else its own, with a remark."""
    wanted = numbers.site
    if wanted == kinetic.site or wanted in kinetic.site_link:
        return wanted
    m.note(
        f"{m.name}: the EC50 of {substance.label} is {wanted}, but '{kinetic.name}' gives {kinetic.site} concentrations"
    )
    return kinetic.site


def _molar(m: Module, substance: Substance, concentration: Expr) -> Expr:
    """A C50 in nmol/L, whether its file gives it in amount or in mass."""
    if concentration.dimension == m.quantity(1.0, "nmol/L").dimension:
        return concentration
    return concentration * m.quantity(MASS_PER_VOLUME / substance.molar_mass.value, "nmol/mg")
