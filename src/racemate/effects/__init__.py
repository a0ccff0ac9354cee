"""Effects: what concentrations and receptors do to a person."""

from __future__ import annotations

from collections.abc import Iterable

from racemate.library.library import Library
from racemate.model import Model

__all__ = ["add_effects"]


def add_effects(model: Model, library: Library, substances: Iterable[str]) -> None:
    """Every effect the library has parameters for."""
