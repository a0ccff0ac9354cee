"""Sourced numbers: a value never travels without its unit, its kind and where it came from.

Variability over people (:class:`Spread`) and uncertainty of the value (:class:`Uncertainty`) are kept
apart: the first makes patients differ, the second says how well the typical patient is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from racemate.expressions import Expression
from racemate.units import convert, parse_unit

Kind = Literal["measured", "estimated", "calibrated", "assumed"]
KINDS: tuple[Kind, ...] = ("measured", "estimated", "calibrated", "assumed")
_Z95, _Z90 = 1.959963984540054, 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number differs between people or between occasions.

    Parameters
    ----------
    kind : {"cv", "omega2", "sd"}
        What ``value`` is: a coefficient of variation (fraction), the variance or the standard
        deviation of the random effect on its scale.
    value : float
    on : {"log", "logit"}
        The scale on which the random effect is normal.
    shared : str, optional
        Name of the random effect. Numbers that name the same one vary together in a person (the clearances
        of two enantiomers); without a name a number has a random effect of its own.

    Examples
    --------
    >>> round(Spread("cv", 0.3).sigma, 4), Spread("omega2", 0.09).sigma, Spread("sd", 0.7, "logit").sigma
    (0.2936, 0.3, 0.7)
    """

    kind: Literal["cv", "omega2", "sd"]
    value: float
    on: Literal["log", "logit"] = "log"
    shared: str | None = None

    @property
    def sigma(self) -> float:
        """Standard deviation of the normal random effect on the scale ``on``.

        A coefficient of variation is that of the lognormal: ``sigma = sqrt(log(1 + cv^2))``.
        """
        if self.kind == "cv":
            return math.sqrt(math.log1p(self.value * self.value))
        return math.sqrt(self.value) if self.kind == "omega2" else self.value


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How well a number is known (not how people differ).

    Parameters
    ----------
    kind : {"SE", "CV", "CI95", "CI90", "range"}
        ``SE`` (in the number's unit) and ``CV`` (fraction, the relative standard error) carry ``value``;
        ``CI95``, ``CI90`` and ``range`` (over laboratories or studies) carry ``low`` and ``high``.
    """

    kind: Literal["SE", "CV", "CI95", "CI90", "range"]
    low: float | None = None
    high: float | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A value with its unit and where it came from.

    Parameters
    ----------
    value : float
        Typical value, in ``unit``.
    unit : str
    kind : {"measured", "estimated", "calibrated", "assumed"}
    source : str
        A key of ``references.bib``, or ``calibration:NAME``.
    where : str
        Table, figure or page of the source.
    covariates : Expression, optional
        Multiplies the typical value, e.g. ``(weight/70)^0.75``.
    between_subject, between_occasion : Spread, optional
        Variability.
    uncertainty : Uncertainty, optional
        Of the typical value, in ``unit``.
    note : str
    key : str
        Dotted address in the library, e.g. ``esketamine.substances.s-ketamine.molar_mass``.

    Examples
    --------
    >>> clearance = Number(1.2, "L/min", "estimated", "simons2022", uncertainty=Uncertainty("CI95", 1.1, 1.3))
    >>> clearance.canonical, clearance.to("L/h"), clearance.range()
    (1.2, 72.0, (1.1, 1.3))
    """

    value: float
    unit: str
    kind: Kind
    source: str
    where: str = ""
    covariates: Expression | None = None
    between_subject: Spread | None = None
    between_occasion: Spread | None = None
    uncertainty: Uncertainty | None = None
    note: str = ""
    key: str = ""

    @property
    def canonical(self) -> float:
        """The typical value in canonical units."""
        return self.value * parse_unit(self.unit).factor

    @property
    def factor(self) -> float:
        """What one ``unit`` is in canonical units."""
        return parse_unit(self.unit).factor

    @property
    def per_weight(self) -> bool:
        """True when the value is per kilogram of body weight (``L/kg``, ``mL/min/kg``)."""
        return _per_weight(self.unit)

    def to(self, unit: str) -> float:
        """The typical value in another unit of the same dimension."""
        return convert(self.value, self.unit, unit)

    def range(self) -> tuple[float, float]:
        """Lowest and highest plausible typical value, in ``unit``.

        A confidence interval or range is returned as published; a standard error of a positive number
        becomes the 95 % interval of the lognormal with that error (so that it stays positive), of any
        other number ``value +- 1.96 SE``. Without uncertainty both are the value itself.

        Examples
        --------
        >>> ki = Number(1.0, "uM", "measured", "somebody1999", uncertainty=Uncertainty("CV", value=0.5))
        >>> [round(x, 3) for x in ki.range()]
        [0.396, 2.524]
        """
        u = self.uncertainty
        if u is None:
            return self.value, self.value
        if u.low is not None and u.high is not None:
            return u.low, u.high
        error = (u.value or 0.0) * (abs(self.value) if u.kind == "CV" else 1.0)
        if self.value > 0:
            spread = math.exp(_Z95 * math.sqrt(math.log1p((error / self.value) ** 2)))
            return self.value / spread, self.value * spread
        return self.value - _Z95 * error, self.value + _Z95 * error

    def relative_error(self) -> float:
        """Standard deviation of the logarithm of the typical value (0 without uncertainty or for values <= 0).

        An interval is read as that of a lognormal; a range over laboratories as its 95 % interval.
        """
        u = self.uncertainty
        low, high = self.range()
        if u is None or low <= 0 or high <= low:
            return 0.0
        return math.log(high / low) / (2 * (_Z90 if u.kind == "CI90" else _Z95))

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit} ({self.kind}: {self.source}{', ' + self.where if self.where else ''})"


@dataclass(frozen=True, slots=True)
class Derived:
    """A typical value computed from covariates and the parameters of its model.

    In the expression a covariate is a plain number in its own unit (kg, cm, years, mL/min, 0 or 1) and a
    parameter has the value and unit its file gives it; the result is in ``unit``.
    """

    expression: Expression
    unit: str
    between_subject: Spread | None = None
    between_occasion: Spread | None = None
    note: str = ""
    key: str = ""

    @property
    def factor(self) -> float:
        """What one ``unit`` is in canonical units."""
        return parse_unit(self.unit).factor

    @property
    def per_weight(self) -> bool:
        """True when the value is per kilogram of body weight."""
        return _per_weight(self.unit)

    def __str__(self) -> str:
        return f"{self.expression} {self.unit}"


def _per_weight(unit: str) -> bool:
    dimension = parse_unit(unit).dimension
    return dimension[4] == -1.0
