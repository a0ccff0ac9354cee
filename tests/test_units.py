"""Units: every atom agrees with pint, and conversion obeys its laws."""

from __future__ import annotations

import math

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from racemate.errors import RacemateError
from racemate.units import ALIASES, ATOMS, Quantity, convert, describe, parse_unit

PINT = pint.UnitRegistry()

# Where pint's name for the unit differs; counts of beats, breaths and points are pure numbers.
PINT_NAMES = {
    "1": "dimensionless", "%": "percent", "beats": "dimensionless", "breaths": "dimensionless",
    "points": "dimensionless", "h": "hour", "year": "year", "in": "inch", "degC": "kelvin", "mmHg": "mmHg",
}  # fmt: skip
BY_DIMENSION = {
    "time": ("min", "minute"), "substance": ("nmol", "nanomole"), "volume": ("L", "litre"), "mass": ("mg", "milligram"),
    "weight": ("kg", "kilogram"), "length": ("m", "metre"), "pressure": ("mmHg", "mmHg"),
    "temperature": ("degC", "kelvin"), "voltage": ("mV", "millivolt"), "molar": ("nM", "nanomolar"),
    "rate": ("1/min", "1/minute"), "none": ("1", "dimensionless"),
}  # fmt: skip


def pint_unit(atom: str) -> pint.Unit:
    return PINT.Unit(PINT_NAMES.get(atom, atom))


@pytest.mark.parametrize("atom", sorted(ATOMS))
def test_every_atom_has_the_size_pint_gives_it(atom: str) -> None:
    ours = parse_unit(atom)
    canonical = next(theirs for unit, theirs in BY_DIMENSION.values() if parse_unit(unit).dimension == ours.dimension)
    if atom == "Hz":  # pint counts a hertz in radians or turns as it is asked; a frequency is once a second
        assert ours.factor == 60
    else:
        expected = PINT.Quantity(1, pint_unit(atom)).to(canonical).magnitude
        assert ours.factor == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_an_alias_means_the_unit_it_stands_for(alias: str) -> None:
    unit = parse_unit(ALIASES[alias])
    assert (parse_unit(alias).factor, parse_unit(alias).dimension) == (unit.factor, unit.dimension)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("ug/mL", "microgram/mL"), ("mL/min", "mL/minute"), ("L/h", "L/hour"), ("mg/h", "mg/hour"),
        ("nmol/L", "nmol/L"), ("uM", "micromolar"), ("g/mol", "g/mol"), ("1/(nmol/L)/min", "1/(nmol/L)/minute"),
        ("mL/min/kg", "mL/minute/kg"), ("kg/m2", "kg/m^2"), ("(mg/L)^2", "(mg/L)^2"), ("L/min/mmHg", "L/minute/mmHg"),
    ],
)  # fmt: skip
def test_compound_units_agree_with_pint(ours: str, theirs: str) -> None:
    canonical = PINT.Unit(describe(parse_unit(ours).dimension).replace("min", "minute"))
    assert parse_unit(ours).factor == pytest.approx(PINT.Quantity(1.0, theirs).to(canonical).magnitude, rel=1e-9)


SAME = {
    unit: [a for a in ATOMS if parse_unit(a).dimension == parse_unit(unit).dimension] for unit in ("min", "mg", "L")
}
values = st.floats(1e-6, 1e6)
pairs = st.sampled_from([(a, b) for atoms in SAME.values() for a in atoms for b in atoms])
triples = st.sampled_from([(a, b, c) for atoms in SAME.values() for a in atoms for b in atoms for c in atoms])


@given(values, pairs)
def test_there_and_back_is_where_one_began(value: float, pair: tuple[str, str]) -> None:
    assert convert(convert(value, *pair), *reversed(pair)) == pytest.approx(value, rel=1e-12)


@given(values, triples)
def test_a_detour_changes_nothing(value: float, units: tuple[str, str, str]) -> None:
    a, b, c = units
    assert convert(convert(value, a, b), b, c) == pytest.approx(convert(value, a, c), rel=1e-12)


@given(values, values, pairs)
def test_conversion_is_linear(x: float, y: float, pair: tuple[str, str]) -> None:
    assert convert(x + y, *pair) == pytest.approx(convert(x, *pair) + convert(y, *pair), rel=1e-12)


@given(st.sampled_from(sorted(ATOMS)), st.sampled_from(sorted(ATOMS)))
def test_the_size_of_a_quotient_is_the_quotient_of_the_sizes(a: str, b: str) -> None:
    quotient = parse_unit(f"{a}/{b}")
    assert quotient.factor == pytest.approx(parse_unit(a).factor / parse_unit(b).factor, rel=1e-12)
    assert parse_unit(f"{a}*{b}/({b})").dimension == parse_unit(a).dimension


@given(st.sampled_from(sorted(ATOMS)), st.sampled_from(sorted(ATOMS)), st.integers(1, 3))
def test_a_described_dimension_reads_back(a: str, b: str, n: int) -> None:
    dimension = parse_unit(f"{a}^{n}/{b}").dimension
    assert parse_unit(describe(dimension)).dimension == dimension
    assert math.isclose(parse_unit(describe(dimension)).factor, 1.0)


def test_a_kilogram_is_body_weight_and_never_a_mass_of_drug() -> None:
    with pytest.raises(RacemateError, match="cannot convert 'kg' to 'mg'"):
        convert(1.0, "kg", "mg")
    assert Quantity(0.5, "mg/kg").canonical == 0.5


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("mgg", "mg"),
        ("", "dimensionless"),
        ("mg/minn", "min"),
        ("mg/(L", "misses a"),
        ("mg)", "mg/kg"),
        ("ug/kgg", "kg"),
    ],
)
def test_a_wrong_unit_is_told_with_the_closest_right_one(text: str, advice: str) -> None:
    with pytest.raises(RacemateError) as error:
        parse_unit(text)
    assert advice in str(error.value)


@pytest.mark.parametrize(("source", "target"), [("mg", "mL"), ("mg/kg", "mg"), ("1/min", "min"), ("nmol/L", "mg/L")])
def test_units_of_different_dimension_do_not_convert(source: str, target: str) -> None:
    with pytest.raises(RacemateError, match="cannot convert"):
        convert(1.0, source, target)
