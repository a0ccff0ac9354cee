"""Virtual populations: as tall and heavy as the survey says, and the same people whatever was asked for."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from racemate.errors import RacemateError
from racemate.library import bodies
from racemate.people import Patient, Population

MANY = Population(n=200_000, seed=1)


def of(sex: str, name: str) -> np.ndarray:
    covariates = MANY.covariates
    return covariates[name][covariates[sex] == 1]


@pytest.mark.parametrize("sex", ["male", "female"])
@pytest.mark.parametrize("name", ["height", "weight", "bmi"])
def test_adults_are_as_tall_and_heavy_as_the_survey_says(sex: str, name: str) -> None:
    survey = bodies.body_table().check[sex][name]
    drawn = of(sex, name)
    assert drawn.mean() == pytest.approx(survey["mean"], rel=0.005)
    assert drawn.std() == pytest.approx(survey["sd"], rel=0.03)
    for rank in (5, 50, 95):
        if f"p{rank}" in survey:
            assert np.percentile(drawn, rank) == pytest.approx(survey[f"p{rank}"], rel=0.02), f"percentile {rank}"


def test_sexes_and_ages_have_their_shares() -> None:
    female, age = MANY.covariates["female"], MANY.covariates["age"]
    for row in bodies.body_table().rows:
        inside = (female == (row.sex == "female")) & (age >= row.youngest) & (age < row.oldest)
        assert inside.mean() == pytest.approx(row.share, abs=0.003)


@pytest.mark.parametrize("row", bodies.body_table().rows, ids=lambda row: f"{row.sex}-{row.youngest:g}")
def test_height_and_weight_of_every_row(row: bodies.BodyRow) -> None:
    group = f"{'women' if row.sex == 'female' else 'men'}, {row.youngest:g}-{row.oldest:g} y"
    c = Population(n=20_000, seed=3, spec=group).covariates
    assert c["height"].mean() == pytest.approx(row.height_mean, abs=0.2)
    assert c["height"].std() == pytest.approx(row.height_sd, rel=0.02)
    logs = np.log(c["weight"])
    assert logs.mean() == pytest.approx(row.ln_weight_mean, abs=0.006)
    assert logs.std() == pytest.approx(row.ln_weight_sd, rel=0.03)
    assert np.corrcoef(c["height"], logs)[0, 1] == pytest.approx(row.correlation, abs=0.025)


@given(st.lists(st.integers(0, 10**6 - 1), min_size=1, max_size=8), st.integers(0, 2**64 - 1))
def test_a_person_is_the_same_in_any_population(numbers: list[int], seed: int) -> None:
    whole = Population(n=10**6, seed=seed, only=numbers)
    for place, number in enumerate(numbers):
        alone = Population(n=number + 1, seed=seed, only=[number])
        for name, column in whole.covariates.items():
            assert column[place] == alone.covariates[name][0]
        assert whole.patient(number) == alone.patient(number)


def test_a_person_of_the_population_is_a_patient_with_the_same_body() -> None:
    people = Population(n=50, seed=9)
    for number, patient in enumerate(people):
        assert isinstance(patient, Patient)
        assert Patient.parse(str(patient)) == patient
        for name, value in patient.covariates.items():
            assert value == pytest.approx(people.covariates[name][number], rel=1e-15), name


def test_replay_keeps_the_number() -> None:
    people = Population(n=5000, seed=1)
    again = people.subset([4711, 12])
    assert again.indices.tolist() == [4711, 12]
    assert len(again) == 2
    assert again.covariates["weight"].tolist() == people.covariates["weight"][[4711, 12]].tolist()
    assert again == Population(n=5000, seed=1, only=[4711, 12]) != people


def test_copies_of_one_body() -> None:
    woman = Patient.parse("female, 35 y, 62 kg, 163 cm")
    people = Population(n=100, seed=1, spec=woman)
    assert {name: set(column.tolist()) for name, column in people.covariates.items()} == {
        name: {value} for name, value in woman.covariates.items()
    }
    assert people.patient(99) == woman
    assert people == Population(100, 1, str(woman))
    assert (people.notes, people.sources) == (woman.notes, ())


def test_groups_in_words() -> None:
    assert set(Population(500, spec="women").covariates["male"]) == {0.0}
    assert set(Population(500, spec="adult men").covariates["female"]) == {0.0}
    assert Population(500, spec="men and women") == Population(500, spec="adults")
    ages = Population(5000, spec="men, 25-45 y").covariates["age"]
    assert (ages.min(), ages.max()) == (25.0, 45.0)
    assert Population(1, spec="woman").spec == Patient(sex="female")


def test_what_a_population_rests_on_and_assumes() -> None:
    assert {"nhanes2012", "coresh2003", "matimba2008"} <= set(MANY.sources)
    assert "lean body mass (James 1976) is held" in MANY.notes[0]
    assert MANY.remarks({"cyp2b6_star6"}) == ("assumed: genotypes at European frequencies",)


def test_a_population_is_rebuilt_from_its_plain_values() -> None:
    for people in (Population(10, 3), Population(10, 3, "women, 20-40 y"), Population(10, 3, "man, 80 kg", only=[7])):
        assert Population(**people.to_dict()) == people  # type: ignore[arg-type]


def test_a_million_people_in_seconds() -> None:
    start = time.perf_counter()
    people = Population(n=1_000_000, seed=2)
    assert len(people.covariates["weight"]) == 1_000_000
    assert time.perf_counter() - start < 5, "measured 0.6 s"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"n": 0}, "n 0 is out of range"),
        ({"n": -5}, "n -5 is out of range"),
        ({"n": 2.5}, "n must be a whole number"),
        ({"n": True}, "n True is out of range"),
        ({"seed": -1}, "seed -1 is out of range"),
        ({"seed": "one"}, "seed must be a whole number"),
        ({"only": [1000]}, "index 1000 is out of range"),
        ({"only": []}, "nobody is chosen"),
        ({"spec": "wimmen"}, "cannot understand 'wimmen'"),
        ({"spec": "women, 5-15 y"}, "ages 5 to 15 are not in the table"),
        ({"spec": "men, 45-25 y"}, "ages 45 to 25 are not in the table"),
    ],
)
def test_a_population_nobody_could_draw_is_refused(arguments: dict[str, object], what: str) -> None:
    with pytest.raises(RacemateError, match=what):
        Population(**arguments)  # type: ignore[arg-type]


# ---------------------------------------------------------------- the data files


def broken(folder: Path, name: str, old: str, new: str) -> Path:
    """A copy of the people files with one change."""
    for path in bodies.FOLDER.glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        if path.name == name:
            assert old in text
            text = text.replace(old, new, 1)
        (folder / path.name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("height_mean = 176.4", 'height_mean = "tall"', "'tall' is not a number"),
        ("height_mean = 176.4", "hight_mean = 176.4", "unknown key 'hight_mean'"),
        ('sex = "male"', 'sex = "mail"', "unknown sex 'mail'"),
        ("share = 0.0958", "share = 0.5", "do not add up to 1"),
        ("ages = [20, 30]", "ages = [30, 20]", "ages must rise"),
        ('kind = "measured"', 'kind = "guessed"', "unknown kind 'guessed'"),
        ('source = "nhanes2012", ', "", "the source is missing"),
        ('unit = "cm"', 'unit = "m"', "the unit is 'm'"),
        ("[residual_skew]", "[skew]", "there is no table"),
        ("[[rows]]", "[[rows", "cannot read us-adults.toml"),
    ],
)
def test_a_broken_table_names_file_and_reason(tmp_path: Path, old: str, new: str, what: str) -> None:
    folder = broken(tmp_path, "us-adults.toml", old, new)
    with pytest.raises(RacemateError, match=what) as error:
        bodies.body_table("adults", folder)
    assert error.value.where is not None
    assert error.value.where.startswith("people/us-adults.toml")


def test_a_broken_reference_names_file_and_key(tmp_path: Path) -> None:
    folder = broken(tmp_path, "reference.toml", "height = {", "hight = {")
    with pytest.raises(RacemateError, match="unknown key 'hight'") as error:
        bodies.typical_adults(folder)
    assert "people/reference.toml, male" in str(error.value)
    assert "did you mean 'height'" in str(error.value)


def test_an_unknown_table_names_what_there_is() -> None:
    with pytest.raises(RacemateError, match="unknown population 'us-adult'") as error:
        bodies.body_table("us-adult")
    assert error.value.fix == "did you mean 'us-adults'?"


def test_every_source_of_the_people_files_is_in_the_bibliography() -> None:
    references = (bodies.FOLDER.parent / "references.bib").read_text(encoding="utf-8")
    from racemate.people.bodysize import COVARIATE_SOURCES

    typical = {number.source for adult in bodies.typical_adults().values() for number in adult.values()}
    from racemate.library import attributes

    genes = {key for a in attributes.ancestries().values() for key in a.sources} | set(attributes.kidney().sources)
    genes |= {c.source for c in attributes.conditions().values() if c.source}
    for key in typical | genes | set(bodies.body_table().sources) | set(COVARIATE_SOURCES.values()):
        assert f"{{{key}," in references
