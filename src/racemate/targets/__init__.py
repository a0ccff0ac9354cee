"""Targets: what reaches a receptor or channel, how much of it is taken, and what that does.

All ligands present compete at equilibrium: with x = C/Ki each, the occupancy of one is x / (1 + sum of all x).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from racemate.library.entries import Binding, Value
from racemate.library.library import Library
from racemate.model import Expr, Model, Module
from racemate.pharmacokinetics import individual
from racemate.provenance import Number

__all__ = ["add_targets"]

Slope = float | Value
STRONG = 0.5  # intrinsic efficacy from which a ligand's constant is one of the high-affinity state
TINY = 1e-12  # keeps a share of nothing finite


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
    drive = _drives(m, {name: (b, b.Ki, b.slope) for name, b in ligands.items()}, present)
    total = _sum(m, drive.values())
    for name, x in drive.items():
        m.offer(f"occupancy.{target}.{name}", x / (1.0 + total), "1", label=f"{label} occupancy by {name}")
    m.offer(f"occupancy.{target}", total / (1.0 + total), "1", label=f"{label} occupancy")
    efficacies = {name: b.efficacy for name, b in ligands.items() if b.efficacy is not None}
    caution = library.targets[target].text.get("caution")
    if caution and any(e.value >= STRONG for e in efficacies.values()):
        m.note(str(caution))
    if efficacies:
        parts = [drive[name] / (1.0 + total) * individual(m, e) for name, e in efficacies.items()]
        m.offer(f"activation.{target}", _sum(m, parts), "1", label=f"{label} activation")
    if target == "nmda":
        _add_block(m, ligands, present)


def _add_block(m: Module, ligands: dict[str, Binding], present: Expr) -> None:
    """Channel block with 1 mmol/L magnesium in the channel, which weakens the blockers that share its site."""
    constants: dict[str, tuple[Binding, Number, Slope]] = {}
    for name, binding in ligands.items():
        constant = binding.numbers.get("Ki_mg", binding.Ki)
        assert isinstance(constant, Number)
        constants[name] = (binding, constant, binding.numbers.get("slope_mg", binding.slope))
    total = _sum(m, _drives(m, constants, present).values())
    m.offer("block.nmda", total / (1.0 + total), "1", label="NMDA channel block, 1 mmol/L magnesium")


def _drives(m: Module, ligands: Mapping[str, tuple[Binding, Number, Slope]], present: Expr) -> dict[str, Expr]:
    """What each ligand brings: its share of all C/Ki, with its own slope at their sum.

    So half of a racemate given as each enantiomer, or one ligand counted as two, binds as the whole does.
    """
    ratio = {name: _over(m, binding, constant) * present for name, (binding, constant, _) in ligands.items()}
    slopes = {name: _slope(m, slope) for name, (*_, slope) in ligands.items()}
    if all(slope == 1.0 for slope in slopes.values()):
        return ratio
    total = _sum(m, ratio.values())
    return {name: x / (total + TINY) * total ** slopes[name] for name, x in ratio.items()}


def _over(m: Module, binding: Binding, constant: Number) -> Expr:
    tail = ".free" if binding.concentration == "free" else ""
    return m.read(f"{binding.site}.{binding.substance}{tail}", "nmol/L") / individual(m, constant)


def _slope(m: Module, slope: Slope) -> Expr | float:
    return float(slope) if isinstance(slope, int | float) else individual(m, slope)


def _sum(m: Module, parts: Iterable[Expr]) -> Expr:
    total = m.number(0.0)
    for part in parts:
        total = total + part
    return total
