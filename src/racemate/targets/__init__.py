"""Targets: what reaches a receptor or channel, how much of it is taken, and what that does.

All ligands present compete at equilibrium: with x = C/Ki each, the occupancy of one is x / (1 + sum of all x).
"""

from __future__ import annotations

from collections.abc import Iterable

from racemate.library.entries import Binding
from racemate.library.library import Library
from racemate.model import Expr, Model, Module
from racemate.pharmacokinetics import individual
from racemate.provenance import Number

__all__ = ["add_targets"]


def add_targets(model: Model, library: Library, substances: Iterable[str]) -> None:
    """Every target at which a substance present has a constant.

    Offers ``occupancy.<target>.<substance>`` and ``occupancy.<target>``; where the ligands have intrinsic
    efficacies ``activation.<target>`` (occupancy x efficacy, summed); and for the NMDA channel
    ``block.nmda``, the occupancy with physiological magnesium.
    """
    present = list(dict.fromkeys(substances))
    for target in library.targets:
        ligands = {s: b for s, b in library.ligands(target).items() if s in present}
        bound = {s: b for s, b in ligands.items() if f"effect-site.{s}.free" in model.offers}
        m = model.module(f"binding at {target}")
        for name in ligands.keys() - bound.keys():
            m.note(f"{name} at {target}: pending, its free fraction is not known")
        if bound:
            _add_target(m, library, target, bound)


def _add_target(m: Module, library: Library, target: str, ligands: dict[str, Binding]) -> None:
    present = m.parameter(f"switch.{target}", 1.0, "1", kind="switch", label=f"1, or 0 to take {target} away")
    label = library.targets[target].label
    drive = {name: _drive(m, binding, binding.Ki) * present for name, binding in ligands.items()}
    total = _sum(m, drive.values())
    for name, x in drive.items():
        m.offer(f"occupancy.{target}.{name}", x / (1.0 + total), "1", label=f"{label} occupancy by {name}")
    m.offer(f"occupancy.{target}", total / (1.0 + total), "1", label=f"{label} occupancy")
    efficacies = {name: b.efficacy for name, b in ligands.items() if b.efficacy is not None}
    if efficacies:
        parts = [drive[name] / (1.0 + total) * individual(m, e) for name, e in efficacies.items()]
        m.offer(f"activation.{target}", _sum(m, parts), "1", label=f"{label} activation")
    if target == "nmda":
        _add_block(m, ligands, present)


def _add_block(m: Module, ligands: dict[str, Binding], present: Expr) -> None:
    """Channel block with 1 mmol/L magnesium in the channel, which weakens the blockers that share its site."""
    parts = []
    for binding in ligands.values():
        constant = binding.numbers.get("Ki_mg", binding.Ki)
        assert isinstance(constant, Number)
        parts.append(_drive(m, binding, constant) * present)
    total = _sum(m, parts)
    m.offer("block.nmda", total / (1.0 + total), "1", label="NMDA channel block, 1 mmol/L magnesium")


def _drive(m: Module, binding: Binding, constant: Number) -> Expr:
    """Concentration over affinity, to the binding's slope."""
    tail = ".free" if binding.concentration == "free" else ""
    x = m.read(f"{binding.site}.{binding.substance}{tail}", "nmol/L") / individual(m, constant)
    slope = binding.slope
    return x ** individual(m, slope) if isinstance(slope, Number) else x**slope


def _sum(m: Module, parts: Iterable[Expr]) -> Expr:
    total = m.number(0.0)
    for part in parts:
        total = total + part
    return total
