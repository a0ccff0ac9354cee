"""The forms an effect can take. Each returns the size of the effect, or None where nothing present causes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from racemate.effects.drive import MASS, Numbers, Setting
from racemate.model import Expr
from racemate.pharmacokinetics import individual

TINY = 1e-12  # keeps a share of nothing finite


def concentration(s: Setting) -> Expr | None:
    """Sigmoid Emax of published C50s; drugs add in units of their C50, antagonists raise it competitively."""
    ligands = s.present("ligands")
    if not ligands:
        return None
    weakened = _antagonism(s)
    drives = {
        name: s.over("ligands", name, own, "c50") / weakened.get(name, s.m.number(1.0)) for name, own in ligands.items()
    }
    return _shared(s, drives, ligands)


def _antagonism(s: Setting) -> dict[str, Expr]:
    """The factor by which the antagonists present raise each ligand's C50."""
    factors: dict[str, Expr] = {}
    for name, own in s.present("antagonists").items():
        x = s.over("antagonists", name, own, "c50")
        for ligand in s.text("antagonists", name).get("acts_on", ()):
            factors[ligand] = factors.get(ligand, s.m.number(1.0)) + x
    return factors


def receptor(s: Setting) -> Expr | None:
    """Sigmoid Emax of what targets do: activation or block over its half-maximal value."""
    drivers: Mapping[str, Numbers] = s.numbers.numbers["drivers"]
    drives = {}
    for name, own in drivers.items():
        quantity = str(s.numbers.text["drivers"][name]["quantity"])
        if quantity in s.m.model.offers:
            drives[name] = s.m.read(quantity, "1") / individual(s.m, own["e50"])
    return _shared(s, drives, drivers) if drives else None


def _shared(s: Setting, drives: Mapping[str, Expr], own: Mapping[str, Numbers]) -> Expr:
    """Each drug's own curve at the total drive, weighted by its share of it.

    One drug alone follows exactly its published curve; equal curves add in units of their C50 (Loewe).
    """
    total = s.m.number(0.0)
    for u in drives.values():
        total = total + u
    effect = s.m.number(0.0)
    for name, u in drives.items():
        power = total ** individual(s.m, own[name]["gamma"])
        effect = effect + u / (total + TINY) * individual(s.m, own[name]["emax"]) * (power / (1.0 + power))
    return effect


def receptor_kinetics(s: Setting) -> Expr | None:
    """One ligand that binds with kon and koff from its effect site, opposed by a competitor: E = alpha x bound."""
    size = None
    for name, own in s.present("ligands").items():
        state = f"bound.{s.effect.id}.{name}"
        bound = s.m.state(state, "1", scale=1.0)
        mass = s.m.quantity(s.library.substances[name].molar_mass.value / MASS, "mg/nmol")
        kon = individual(s.m, own["kon"]) * mass * s.concentration("ligands", name, own)
        free = 1.0 - bound
        for other, theirs in s.present("antagonists").items():
            x = s.over("antagonists", other, theirs, "c50")
            free = free * (1.0 - (x / (1.0 + x)) ** individual(s.m, theirs["gamma"]))
        s.m.rate(state, kon * free - individual(s.m, own["koff"]) * bound)
        part = individual(s.m, own["emax"]) * bound
        size = part if size is None else size + part
    return size


def linear(s: Setting) -> Expr | None:
    """Change of a score, in points: minus the concentrations over what one point takes."""
    change = None
    for name, own in s.present("ligands").items():
        part = s.over("ligands", name, own, "c_point")
        change = -part if change is None else change - part
    return change


PATHS: Mapping[str, Callable[[Setting], Expr | None]] = {
    "concentration": concentration,
    "receptor": receptor,
    "receptor-kinetics": receptor_kinetics,
    "linear": linear,
}
