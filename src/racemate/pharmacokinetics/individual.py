"""From a sourced number of the library to its value in one person, as a formula of the model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from racemate.expressions import Expression, Operations, evaluate
from racemate.library.entries import Substance, Value, effect_name
from racemate.model import Expr, Module, exp, log, maximum, minimum, sqrt
from racemate.people import Patient
from racemate.provenance import Number


@lru_cache(maxsize=1)
def reference_covariates() -> Mapping[str, float]:
    """The covariates of the reference person, which every patient replaces at run time.

    ``dose`` (mg of the substance) is replaced by every dose.
    """
    return {**Patient().covariates, "dose": 1.0}


def covariate(m: Module, name: str) -> Expr:
    """A covariate as a plain number in its own unit (kg, cm, years, mL/min, 0 or 1)."""
    return m.parameter(f"covariate.{name}", reference_covariates()[name], "1", kind="covariate")


def individual(m: Module, value: Value, parameters: Mapping[str, Value] | None = None) -> Expr:
    """A person's value: typical value, times its covariate model, times the person's random effect.

    The typical value and the random effect (``eta.<key or shared name>``, zero in the typical person) are run-time
    parameters, so neither a patient nor a draw of the uncertainty compiles anything.

    Parameters
    ----------
    value : Number or Derived
    parameters : mapping, optional
        The coefficients a derived value's expression may name.
    """
    typical = _number(m, value) if isinstance(value, Number) else _derived(m, value.expression, value.unit, parameters)
    if isinstance(value, Number) and value.covariates is not None:
        typical = typical * _evaluated(m, value.covariates, parameters)
    if value.per_weight:
        typical = typical * (m.quantity(1.0, "kg") * covariate(m, "weight"))
    if value.between_subject is None:
        return typical
    effect = exp(m.parameter(f"eta.{effect_name(value)}", 0.0, "1", kind="random effect"))
    if value.between_subject.on == "logit":
        return typical * effect / (1.0 - typical + typical * effect)
    return typical * effect


def molar(m: Module, value: Expr, substance: Substance) -> Expr:
    """A quantity in amount of substance, whether its file gives it in amount or in mass; any other is left alone."""
    for mass in ("mg/min", "mg/L"):
        if value.dimension == m.quantity(1.0, mass).dimension:
            return value * m.quantity(1e6 / substance.molar_mass.value, "nmol/mg")
    return value


def _number(m: Module, number: Number) -> Expr:
    return m.parameter(number.key, number.value, number.unit, sources=(number.source,), kind=number.kind)


def _derived(m: Module, expression: Expression, unit: str, parameters: Mapping[str, Value] | None) -> Expr:
    return _evaluated(m, expression, parameters) * m.quantity(1.0, unit)


def _evaluated(m: Module, expression: Expression, parameters: Mapping[str, Value] | None) -> Expr:
    parameters = parameters or {}
    names: dict[str, Any] = {}
    for name in expression.names:
        if name in parameters:  # coefficients enter as plain numbers in the unit their file gives them
            number = parameters[name]
            names[name] = individual(m, number, parameters) / m.quantity(1.0, number.unit)
        else:
            names[name] = covariate(m, name)
    operations = Operations(exp=exp, log=log, sqrt=sqrt, min=minimum, max=maximum, number=m.number)
    result = evaluate(expression.tree, names, operations)
    assert isinstance(result, Expr)
    return result
