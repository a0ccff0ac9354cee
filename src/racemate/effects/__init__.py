"""Effects: what concentrations and receptors do to a person.

Each effect has alternative parameter sets, of which a scenario uses one; sets are never added. A set is either
driven by concentrations, each with the delay and the site its EC50 was estimated with, or by the activation of
a receptor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from racemate.effects.drive import Setting
from racemate.effects.paths import PATHS
from racemate.errors import unknown
from racemate.library.entries import Effect, KineticModel, ParameterSet
from racemate.library.library import Library
from racemate.model import Model

__all__ = ["add_effects"]


def add_effects(
    model: Model,
    library: Library,
    kinetics: Iterable[KineticModel],
    chosen: Mapping[str, str],
) -> None:
    """Every effect the library has parameters for, by its default set or the one chosen.

    Parameters
    ----------
    kinetics : iterable of KineticModel
        The kinetic models of the scenario, whose substances may drive effects.
    chosen : mapping
        Effect to the name of a parameter set.
    """
    models = list(kinetics)
    for effect in library.effects.values():
        numbers = parameter_set(effect, chosen.get(effect.id))
        add_effect(Setting(model.module(f"{effect.id} ({numbers.name})"), library, effect, numbers, models))


def add_effect(setting: Setting) -> None:
    """Offer one effect: the size of it, what is left of a function it depresses, or the change of a score."""
    effect, numbers = setting.effect, setting.numbers
    path = str(numbers.text.get("path", "concentration"))
    if path not in PATHS:
        raise unknown("path of an effect", path, PATHS, where=f"{effect.id}.{numbers.name}")
    size = PATHS[path](setting)
    if size is None:
        return
    sources = (numbers.source,)
    if path == "linear":
        setting.m.offer(f"{effect.id}.score-change", size, "points", label=f"{effect.label}: change of score")
        return
    value = 1.0 - size if effect.text.get("direction") == "depression" else size
    setting.m.offer(effect.id, value, "1", label=effect.label, sources=sources)


def parameter_set(effect: Effect, name: str | None) -> ParameterSet:
    """The set of an effect by name, or its default."""
    if name is None:
        return effect.default
    if name not in effect.sets:
        raise unknown(f"parameter set of {effect.id}", name, effect.sets)
    return effect.sets[name]
