"""A person in words or fields: what is understood, what is refused, and the body sizes that follow."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from racemate.errors import RacemateError
from racemate.people import Patient, bodysize
from racemate.people.words import RANGES

WOMAN = Patient(sex="female", age=35, weight=62, height=163)


@pytest.mark.parametrize(
    "text",
    [
        "female, 35 y, 62 kg, 163 cm",
        "163 cm, 62 kg, 35 y, female",
        "F 35y 62kg 163cm",
        "a 35-year-old woman, 62 kg, 1.63 m",
        "Woman aged 35, weighing 62 kg and 163 cm tall",
        "woman of 35 years; 62 kilograms; 1630 mm",
        "age 35, weight 62 kg, height 163 cm, female",
        "age: 35, weight=62 kg, height is 163 cm, lady",
        "healthy female volunteer, 35 yo, 62 kg, 163 cm.",
        "35 y/o female 62 kg 163 cm",
        "35 y.o. f, 62000 g, 163 cm",
    ],
)
def test_a_person_is_understood_in_any_order_and_unit(text: str) -> None:
    assert Patient.parse(text) == WOMAN


@pytest.mark.parametrize(
    ("text", "height"),
    [
        ("5'4\"", 162.56),
        ("5' 4\"", 162.56),
        ("5′4″", 162.56),
        ("5'4''", 162.56),
        ("5 ft 4 in", 162.56),
        ("5ft 4inches", 162.56),
        ("5 foot 4", 162.56),
        ("5'4", 162.56),
        ("5 ft", 152.4),
        ("64 in", 162.56),
        ('64"', 162.56),
        ("5'4.5\"", 163.83),
    ],
)
def test_feet_and_inches(text: str, height: float) -> None:
    assert Patient.parse(f"woman, 62 kg, {text}").height == pytest.approx(height)
    assert Patient.parse(f"{text}, woman, 62 kg").height == pytest.approx(height)
    assert Patient(height=text).height == pytest.approx(height)


@pytest.mark.parametrize(
    ("text", "weight"), [("137 lb", 62.142), ("9 st 11 lb", 62.142), ("9st 11lb", 62.142), ("10 stone", 63.503)]
)
def test_pounds_and_stones(text: str, weight: float) -> None:
    assert Patient.parse(f"woman, {text}").weight == pytest.approx(weight, abs=1e-3)


def test_infants_are_told_in_months_weeks_or_days() -> None:
    boy = Patient.parse("boy, 8 months, 8.5 kg, 70 cm")
    assert (boy.sex, boy.age, str(boy)) == ("male", 8 / 12, "male, 8 months, 8.5 kg, 70 cm")
    assert Patient.parse("girl, 6 weeks, 4500 g, 55 cm").age == pytest.approx(42 / 365.25)
    assert Patient.parse("newborn girl, 2 d, 3400 g, 50 cm").weight == 3.4


def test_kidney_function_is_understood_and_shown() -> None:
    for text in ("eGFR 45", "egfr=45 mL/min", "eGFR of 45 mL/min/1.73m2", "GFR: 45 ml/min / 1.73 m²"):
        patient = Patient.parse(f"female, {text}, 35 y, 62 kg, 163 cm")
        assert patient.egfr == patient.covariates["egfr"] == 45
        assert str(patient) == "female, 35 y, 62 kg, 163 cm, eGFR 45 mL/min"
    assert WOMAN.egfr == 100
    assert "egfr" in WOMAN.assumed


def test_the_reference_patient_is_a_man_of_70_kg() -> None:
    assert str(Patient()) == "male, 35 y, 70 kg, 176 cm"
    body, other = (
        ("sex", "age", "weight", "height", "egfr"),
        ("cyp2b6", "cyp2d6", "oprm1", "child_pugh", "opioid_tolerant"),
    )
    assert Patient().assumed == (*body, *other)
    assert Patient.parse("reference man") == Patient()


def test_what_is_not_said_is_assumed_and_told() -> None:
    woman = Patient.parse("woman")
    assert str(woman) == "female, 35 y, 60 kg, 163 cm"
    assert woman.notes == ("assumed, not given: age 35 y, weight 60 kg, height 163 cm, eGFR 100 mL/min",)
    assert Patient.parse("woman, 35 y, 60 kg, 163 cm, eGFR 100").notes == ()
    assert woman == Patient.parse(str(woman)), "what is assumed does not make another person"


def test_an_assumed_weight_follows_the_height() -> None:
    tall = Patient(sex="male", height=200)
    assert tall.bmi == pytest.approx(Patient().bmi, abs=0.02)


def test_a_childs_size_is_never_assumed() -> None:
    with pytest.raises(RacemateError, match="a child's weight is not assumed"):
        Patient.parse("boy, 6 y")
    with pytest.raises(RacemateError, match="a child's height is not assumed"):
        Patient.parse("boy, 6 y, 20 kg")
    child = Patient.parse("boy, 6 y, 20 kg, 115 cm, eGFR 110")
    assert child.notes == ("lean body mass and fat-free mass come from formulas of adults",)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "empty"),
        ("man, 900 kg", "weight 900 kg is out of range"),
        ("man, -70 kg", "weight -70 kg is out of range"),
        ("man, 10 cm", "height 10 cm is out of range"),
        ("man, 200 y", "age 200 years is out of range"),
        ("man, -3 y", "age -3 years is out of range"),
        ("man, eGFR 0", "eGFR 0 mL/min is out of range"),
        ("man, 1e400 kg", "out of range"),
        ("pregnant man", "a pregnant man is a contradiction"),
        ("male, pregnant", "a pregnant man is a contradiction"),
        ("pregnant woman, 70 y", "'pregnant' contradicts an age of 70 years"),
        ("man, woman", "'woman' contradicts 'male'"),
        ("boy, 40 y", "'boy' contradicts an age of 40 years"),
        ("man, 6 y, 20 kg, 115 cm", "'man' contradicts an age of 6 years"),
        ("adult, 6 y, 20 kg, 115 cm", "'adult' contradicts"),
        ("girl, 20 kg, 115 cm", "how old is the girl"),
        ("62 kg, 63 kg", "the weight is given twice"),
        ("5 ft 4 in, 163 cm", "the height is given twice"),
        ("weight 163 cm", "'163 cm' is not a weight"),
        ("height 62 kg", "'62 kg' is not a height"),
        ("weight, 62 kg", "no number after 'weight'"),
        ("woman, 62", "'62' has no unit"),
        ("woman, 62,5 kg", "'62' has no unit"),
        ("62 kq", "unknown unit 'kq'"),
        ("femal", "cannot understand 'femal'"),
        ("woman with a hat", "cannot understand 'hat'"),
        ("120 kg, 60 cm", "do not fit together"),
        ("30 y, 10 kg, 80 cm", "not an adult's"),
        ("man, 1.76 cm", "height 1.76 cm is out of range"),
    ],
)
def test_a_person_nobody_could_be_is_refused_in_one_message(text: str, what: str) -> None:
    with pytest.raises(RacemateError, match=what):
        Patient.parse(text)


def test_errors_point_at_the_word() -> None:
    with pytest.raises(RacemateError) as error:
        Patient.parse("female, 35 y, 62 kq, 163 cm")
    assert error.value.where == "female, 35 y, 62 kq, 163 cm\n              ^^^^^"
    assert error.value.fix == "did you mean 'kg'?"
    with pytest.raises(RacemateError) as error:
        Patient.parse("wonan, 35 y")
    assert error.value.fix == "did you mean 'woman'?"
    with pytest.raises(RacemateError) as error:
        Patient.parse("woman, 62,5 kg")
    assert error.value.fix == "write a decimal point, not a comma"
    with pytest.raises(RacemateError) as error:
        Patient(height=1.63)
    assert error.value.fix == "a height is in cm: did you mean 163 cm?"


@pytest.mark.parametrize(
    "fields",
    [
        {"sex": "other"},
        {"sex": 1},
        {"weight": 900},
        {"weight": float("nan")},
        {"weight": True},
        {"weight": "heavy"},
        {"weight": "62"},
        {"weight": "62 cm"},
        {"weight": "62 kg and more"},
        {"weight": [62]},
        {"age": -1},
        {"height": "10 cm"},
    ],
)
def test_fields_are_checked_like_words(fields: dict[str, object]) -> None:
    with pytest.raises(RacemateError):
        Patient(**fields)  # type: ignore[arg-type]


def test_a_patient_from_whatever_describes_one() -> None:
    assert Patient.of(None) == Patient()
    assert Patient.of(WOMAN) is WOMAN
    assert Patient.of("female, 35 y, 62 kg, 163 cm") == WOMAN
    assert Patient.of({"sex": "woman", "age": "35", "weight": "62 kg", "height": "5 ft 4 in"}).height == pytest.approx(
        162.56
    )
    assert Patient.of(WOMAN.to_dict()) == WOMAN
    with pytest.raises(RacemateError, match="unknown field of a patient 'wieght'"):
        Patient.of({"wieght": 62})
    with pytest.raises(RacemateError, match="does not describe a patient"):
        Patient.of(62)  # type: ignore[arg-type]


def test_a_patient_is_a_value() -> None:
    assert len({WOMAN, Patient.parse(str(WOMAN)), Patient()}) == 2
    assert pickle.loads(pickle.dumps(WOMAN)) == WOMAN
    assert eval(repr(WOMAN), {"Patient": Patient}) == WOMAN
    with pytest.raises(AttributeError):
        WOMAN.weight = 70  # type: ignore[misc]


# ---------------------------------------------------------------- laws

numbers = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def patients(draw: st.DrawFn) -> Patient:
    fields = {name: draw(st.floats(low, high)) for name, (low, high, _, _) in RANGES.items()}
    index = fields["weight"] / (fields["height"] / 100) ** 2
    adult_size = fields["weight"] >= 15 and fields["height"] >= 50
    assume(5 <= index <= 200 and (fields["age"] < 18 or adult_size))
    if draw(st.booleans()):
        del fields["egfr"]
    return Patient(sex=draw(st.sampled_from(["female", "male"])), **fields)


@given(patients())
def test_what_a_patient_says_is_that_patient(patient: Patient) -> None:
    again = Patient.parse(str(patient))
    assert again == patient
    assert str(again) == str(patient)
    assert Patient.of(patient.to_dict()) == patient


@given(patients())
def test_lean_parts_are_positive_and_less_than_the_whole(patient: Patient) -> None:
    assert 0 < patient.ffm < 1.4 * patient.weight
    assert 0 < patient.lbm < 1.11 * patient.weight
    assert patient.bsa > 0
    assert all(isinstance(value, float) for value in patient.covariates.values())


@given(st.floats(130, 210), st.floats(30, 300), st.floats(30, 300), st.sampled_from([0.0, 1.0]))
def test_a_heavier_person_of_the_same_height_has_no_less_lean_mass(
    height: float, a: float, b: float, male: float
) -> None:
    light, heavy = sorted((a, b))
    for formula in (bodysize.lean_body_mass, bodysize.fat_free_mass):
        assert formula(light, height, male) <= formula(heavy, height, male) * (1 + 1e-12)


@given(st.text(max_size=40))
def test_any_text_gives_a_patient_or_one_clear_error(text: str) -> None:
    try:
        assert isinstance(Patient.parse(text), Patient)
    except RacemateError as error:
        assert error.what


# ---------------------------------------------------------------- formulas, against worked values


def test_body_sizes_of_a_worked_example() -> None:
    """A man of 178 cm and 110 kg."""
    assert bodysize.fat_free_mass(110.0, 178.0, 1.0) == pytest.approx(71.9, abs=0.1)
    assert bodysize.body_mass_index(110.0, 178.0) == pytest.approx(34.72, abs=0.01)
    assert bodysize.surface_area(110.0, 178.0) == pytest.approx((110 * 178 / 3600) ** 0.5)
    assert bodysize.surface_area_du_bois(70.0, 170.0) == pytest.approx(1.81, abs=0.005)


def test_james_turns_over_at_43_in_men_and_36_in_women() -> None:
    for male, top in ((1.0, 42.97), (0.0, 36.15)):
        height = 170.0
        weight = top * (height / 100) ** 2
        peak = bodysize.lean_body_mass_james(weight, height, male)
        assert bodysize.lean_body_mass_james(weight * 1.05, height, male) < peak
        assert bodysize.lean_body_mass_james(weight * 0.95, height, male) < peak
        assert bodysize.lean_body_mass(weight * 1.5, height, male) == pytest.approx(peak, rel=1e-6)
    obese = Patient.parse("woman, 120 kg, 160 cm, 40 y, eGFR 90")
    assert "lean body mass (James 1976) is held" in obese.notes[0]


def test_formulas_of_arrays_are_those_of_each_person() -> None:
    people = [WOMAN, Patient(), Patient.parse("man, 200 kg, 170 cm"), Patient.parse("girl, 9 y, 30 kg, 133 cm")]
    columns = {name: np.array([p.covariates[name] for p in people]) for name in WOMAN.covariates}
    keys = ("female", "age", "weight", "height", "egfr")
    together = bodysize.covariates(*(columns[name] for name in keys))
    for name, column in together.items():
        np.testing.assert_allclose(column, columns[name], rtol=1e-15, err_msg=name)
