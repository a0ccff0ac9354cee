"""Effects: what concentrations and receptors do to a person.

Each effect has alternative parameter sets, of which a scenario uses one; sets are never added. A set is either
driven by concentrations, each with the delay and the site its EC50 was estimated with, or by the activation of
a receptor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from racemate.effects.sigmoid import add_sigmoid
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
        add_sigmoid(model, library, effect, parameter_set(effect, chosen.get(effect.id)), models)


def parameter_set(effect: Effect, name: str | None) -> ParameterSet:
    """The set of an effect by name, or its default."""
    if name is None:
        return effect.default
    if name not in effect.sets:
        raise unknown(f"parameter set of {effect.id}", name, effect.sets)
    return effect.sets[name]
