"""What drives an effect: concentrations at the site and after the delay their constants were estimated with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from racemate.library.entries import Effect, KineticModel, ParameterSet, Substance
from racemate.library.library import Library
from racemate.model import Expr, Module
from racemate.pharmacokinetics import individual
from racemate.pharmacokinetics.disposition import dose_scale, in_sentence

MASS = 1e6  # 1 mg/L of a substance of molar mass M (g/mol) is 1e6 / M nmol/L
Numbers = Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """An effect being written down: its module, its parameter set, and the kinetics present."""

    m: Module
    library: Library
    effect: Effect
    numbers: ParameterSet
    kinetics: Sequence[KineticModel]

    def present(self, group: str) -> dict[str, Numbers]:
        """The substances of a group of the set (``ligands``, ``antagonists``) that this scenario holds."""
        substances = {name for kinetic in self.kinetics for name in kinetic.disposition}
        return {name: own for name, own in self.numbers.numbers.get(group, {}).items() if name in substances}

    def text(self, group: str, substance: str) -> Numbers:
        """The words a set says of a substance of a group."""
        words: Numbers = self.numbers.text.get(group, {}).get(substance, {})
        return words

    def concentration(self, group: str, substance: str, own: Numbers) -> Expr:
        """Total concentration of a substance at the effect: at its site, after its own ke0 where it has one."""
        entry = self.library.substances[substance]
        kinetic = next(k for k in self.kinetics if substance in k.disposition)
        site = self._site(self.text(group, substance).get("site", self.numbers.site), entry, kinetic)
        plasma = self.m.read(f"{site}.{substance}", "nmol/L")
        return self._delayed(entry, kinetic, plasma, own) if "ke0" in own else plasma

    def _site(self, wanted: str, entry: Substance, kinetic: KineticModel) -> str:
        if wanted == kinetic.site or wanted in kinetic.site_link:
            return wanted
        has = f"'{kinetic.name}' gives {kinetic.site} concentrations"
        self.m.note(f"{self.m.name}: the constant of {entry.label} is {wanted}, but {has}")
        return kinetic.site

    def _delayed(self, entry: Substance, kinetic: KineticModel, plasma: Expr, own: Numbers) -> Expr:
        name = f"effect-site.{self.effect.id}.{entry.name}"
        v1 = individual(self.m, kinetic.disposition[entry.name].parameters["V1"], kinetic.parameters)
        inside = self.m.state(f"concentration.{name}", "nmol/L", scale=dose_scale(self.m, kinetic) / v1)
        self.m.rate(f"concentration.{name}", individual(self.m, own["ke0"]) * (plasma - inside))
        label = f"effect-site {in_sentence(entry.label)} ({self.effect.label.lower()})"
        self.m.offer(name, inside, "nmol/L", label=label, molar_mass=entry.molar_mass.value)
        return inside

    def molar(self, substance: str, concentration: Expr) -> Expr:
        """A constant of the set in nmol/L, whether its file gives it in amount or in mass."""
        if concentration.dimension == self.m.quantity(1.0, "nmol/L").dimension:
            return concentration
        mass = self.library.substances[substance].molar_mass.value
        return concentration * self.m.quantity(MASS / mass, "nmol/mg")

    def over(self, group: str, substance: str, own: Numbers, constant: str) -> Expr:
        """Concentration over a constant of the set."""
        divisor = self.molar(substance, individual(self.m, own[constant]))
        return self.concentration(group, substance, own) / divisor
