"""Units of pharmacology: parsed once at the edges, plain canonical numbers inside.

Canonical units are min, nmol, L, mg, kg, m, mmHg, degC and mV. Two choices are the field's own: a
kilogram is always body weight (so ``mg/kg`` keeps its meaning) and a litre is not a cubed length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from racemate.errors import RacemateError, unknown

BASES = ("time", "substance", "volume", "mass", "weight", "length", "pressure", "temperature", "voltage")
_CANONICAL = ("min", "nmol", "L", "mg", "kg", "m", "mmHg", "degC", "mV")
Dimension = tuple[float, ...]
NONE: Dimension = (0.0,) * len(BASES)


def _base(name: str, power: float = 1.0) -> Dimension:
    return tuple(power if b == name else 0.0 for b in BASES)


def _atoms() -> dict[str, tuple[float, Dimension]]:
    atoms: dict[str, tuple[float, Dimension]] = {
        "1": (1.0, NONE), "%": (0.01, NONE), "beats": (1.0, NONE), "breaths": (1.0, NONE), "points": (1.0, NONE),
        "min": (1.0, _base("time")), "s": (1 / 60, _base("time")), "h": (60.0, _base("time")),
        "day": (1440.0, _base("time")), "week": (10080.0, _base("time")), "year": (525960.0, _base("time")),
        "kg": (1.0, _base("weight")), "g": (1e3, _base("mass")),
        "m": (1.0, _base("length")), "cm": (0.01, _base("length")), "in": (0.0254, _base("length")),
        "ft": (0.3048, _base("length")), "lb": (0.45359237, _base("weight")),
        "mmHg": (1.0, _base("pressure")), "kPa": (7.500615758456564, _base("pressure")),
        "degC": (1.0, _base("temperature")), "mV": (1.0, _base("voltage")), "V": (1e3, _base("voltage")),
        "Hz": (60.0, _base("time", -1)),
    }  # fmt: skip
    for prefix, scale in (("p", 1e-12), ("n", 1e-9), ("u", 1e-6), ("m", 1e-3), ("", 1.0)):
        molar = tuple(a + b for a, b in zip(_base("substance"), _base("volume", -1), strict=True))
        atoms[prefix + "mol"] = (scale * 1e9, _base("substance"))
        atoms[prefix + "M"] = (scale * 1e9, molar)
        if prefix:
            atoms[prefix + "g"] = (scale * 1e3, _base("mass"))
        if prefix in ("u", "m", ""):
            atoms[prefix + "L"] = (scale, _base("volume"))
    atoms["dL"] = (0.1, _base("volume"))
    return atoms


ATOMS = _atoms()
ALIASES = {
    "mcg": "ug", "µg": "ug", "μg": "ug", "gamma": "ug", "l": "L", "ml": "mL", "dl": "dL", "ul": "uL", "µL": "uL",
    "µmol": "umol", "μmol": "umol", "µM": "uM", "μM": "uM", "sec": "s", "second": "s", "seconds": "s",
    "minute": "min", "minutes": "min", "mins": "min", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "d": "day", "days": "day", "years": "year", "weeks": "week", "wk": "week", "kilogram": "kg", "lbs": "lb",
    "mmhg": "mmHg", "percent": "%", "mv": "mV", "torr": "mmHg",
}  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """A parsed unit: its text, its factor to the canonical unit and its dimension."""

    text: str
    factor: float
    dimension: Dimension

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Quantity:
    """A number with its unit as the user wrote it.

    Examples
    --------
    >>> Quantity(2.0, "ug/mL").to("mg/L")
    2.0
    """

    value: float
    unit: str

    @property
    def canonical(self) -> float:
        """The value in canonical units (min, nmol, L, mg, kg, m, mmHg)."""
        return self.value * parse_unit(self.unit).factor

    def to(self, unit: str) -> float:
        """The value in another unit of the same dimension."""
        return convert(self.value, self.unit, unit)

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}"


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> Unit:
    """Parse a unit such as ``ug/kg/min``, ``L/h`` or ``1/(nmol/L)/min``.

    Raises
    ------
    RacemateError
        If an atom is not known; the closest known one is named.

    Examples
    --------
    >>> parse_unit("mg/L").factor == parse_unit("ug/mL").factor
    True
    """
    tokens = re.findall(r"\^-?\d+(?:\.\d+)?|[()*/]|[^\s()*/^]+", text)
    if not tokens:
        raise RacemateError("empty unit", fix="write '1' for a dimensionless number")
    factor, powers, rest = _product(tokens, text)
    if rest:
        raise RacemateError(f"cannot read unit '{text}'", fix="write it like 'mg/kg', 'L/min' or '1/(nmol/L)/min'")
    return Unit(text, factor, powers)


def _product(tokens: list[str], text: str) -> tuple[float, Dimension, list[str]]:
    factor, dimension, sign = 1.0, NONE, 1.0
    while tokens and tokens[0] != ")":
        token = tokens[0]
        if token in "*/":
            sign, tokens = (1.0 if token == "*" else -1.0), tokens[1:]
            continue
        if token == "(":
            atom_factor, atom_dimension, tokens = _product(tokens[1:], text)
            if not tokens:
                raise RacemateError(f"unit '{text}' misses a ')'")
            tokens = tokens[1:]
        else:
            atom_factor, atom_dimension = _atom(token, text)
            tokens = tokens[1:]
        power = sign
        if tokens and tokens[0].startswith("^"):
            power, tokens = sign * float(tokens[0][1:]), tokens[1:]
        factor *= atom_factor**power
        dimension = tuple(d + power * a for d, a in zip(dimension, atom_dimension, strict=True))
        sign = 1.0
    return factor, dimension, tokens


def _atom(token: str, text: str) -> tuple[float, Dimension]:
    name = ALIASES.get(token, token)
    if name in ATOMS:
        return ATOMS[name]
    if name[-1:].isdigit() and name.rstrip("0123456789") in ATOMS:  # m2, as in kg/m2
        stem = name.rstrip("0123456789")
        power = float(name[len(stem) :])
        factor, dimension = ATOMS[stem]
        return factor**power, tuple(power * d for d in dimension)
    where = None if token == text else f"in '{text}'"
    raise unknown("unit", token, [*ATOMS, *ALIASES], where=where)


def convert(value: float, source: str, target: str) -> float:
    """Convert between two units of the same dimension.

    Examples
    --------
    >>> convert(30.0, "mL/min", "L/h")
    1.8
    """
    a, b = parse_unit(source), parse_unit(target)
    if a.dimension != b.dimension:
        raise RacemateError(
            f"cannot convert '{source}' to '{target}'",
            fix=f"'{source}' is {describe(a.dimension)}, '{target}' is {describe(b.dimension)}",
        )
    return value * a.factor / b.factor


def describe(dimension: Dimension) -> str:
    """A dimension in words, in canonical units.

    Examples
    --------
    >>> describe(parse_unit("L/h").dimension)
    'L/min'
    """
    over = [_power(u, p) for u, p in zip(_CANONICAL, dimension, strict=True) if p > 0]
    under = [_power(u, -p) for u, p in zip(_CANONICAL, dimension, strict=True) if p < 0]
    return "/".join(["*".join(over) or "1", *under]) if under else ("*".join(over) or "1")


def _power(unit: str, power: float) -> str:
    return unit if power == 1 else f"{unit}^{power:g}"
