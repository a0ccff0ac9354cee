"""racemate: the pharmacology of ketamine and the opioids made executable.

Say who was given what, and it computes dose -> concentration -> receptor -> system -> effect -> adaptation.
For research and teaching; it gives no advice for care and none for non-medical use.

>>> import racemate
>>> print(racemate.Patient.parse("female, 35 y, 62 kg, 163 cm"))
female, 35 y, 62 kg, 163 cm
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> the module that holds it; loaded on first use, so that `import racemate` stays instant.
_EXPORTS = {
    "Patient": "racemate.people",
    "Population": "racemate.people",
    "Quantity": "racemate.units",
    "RacemateError": "racemate.errors",
    "Regimen": "racemate.regimen",
    "Result": "racemate.result",
    "Scenario": "racemate.scenario",
    "context_sensitive_half_time": "racemate.simulation.half_time",
    "simulate": "racemate.simulate",
}

__all__ = [
    "Patient",
    "Population",
    "Quantity",
    "RacemateError",
    "Regimen",
    "Result",
    "Scenario",
    "__version__",
    "context_sensitive_half_time",
    "simulate",
]

if TYPE_CHECKING:
    from racemate.errors import RacemateError
    from racemate.people import Patient, Population
    from racemate.regimen import Regimen
    from racemate.result import Result
    from racemate.scenario import Scenario
    from racemate.simulate import simulate
    from racemate.simulation.half_time import context_sensitive_half_time
    from racemate.units import Quantity


class _Package(ModuleType):
    """A package whose public function keeps its name when a submodule of the same name is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _EXPORTS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'racemate' has no attribute '{name}'")
    value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
