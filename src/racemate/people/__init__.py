"""To whom: people in words, virtual populations, and the random numbers that make each person the same everywhere."""

from __future__ import annotations

from racemate.people.patient import Patient
from racemate.people.population import Population

__all__ = ["Patient", "Population"]
