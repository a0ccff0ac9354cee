"""Who people are besides their bodies: genotypes at published frequencies, kidneys, livers, tolerance, conditions."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library_example import DRUG, FILES
from racemate.engine.problem import Batch
from racemate.errors import RacemateError
from racemate.library import load
from racemate.library.attributes import ancestries, conditions, covariate_names, kidney, phenotypes
from racemate.library.covariances import covariance_factor
from racemate.library.loader import assemble as assemble_library
from racemate.model.system import System
from racemate.people import Patient, Population
from racemate.people.attributes import REFERENCE, say
from racemate.scenario import Scenario
from racemate.simulate import prepare, simulate

N = 100_000


def within_sampling_error(drawn: np.ndarray, share: float) -> bool:
    """Whether a share of N people is what it should be, within five standard errors."""
    return abs(drawn.mean() - share) < 5 * np.sqrt(share * (1 - share) / len(drawn)) + 1e-12


# ---------------------------------------------------------------- one person


@pytest.mark.parametrize(
    ("words", "covariate", "value"),
    [
        ("CYP2B6 *1/*6", "cyp2b6_star6", 1),
        ("cyp2b6 *6/*1", "cyp2b6_star6", 1),
        ("CYP2B6: *6/*6", "cyp2b6_star6", 2),
        ("CYP2D6 poor metaboliser", "cyp2d6", 0),
        ("CYP2D6 score 0.5", "cyp2d6", 0.5),
        ("CYP2D6 ultrarapid", "cyp2d6", 3),
        ("poor metabolizer of CYP2D6", "cyp2d6", 0),
        ("OPRM1 AG", "oprm1_g118", 1),
        ("OPRM1 A118G G/G", "oprm1_g118", 2),
        ("Child-Pugh class B", "child_pugh", 2),
        ("opioid-tolerant", "opioid_tolerant", 1),
        ("opioid naïve", "opioid_tolerant", 0),
        ("pregnant", "pregnant", 1),
        ("with chronic pain", "condition_chronic_pain", 1),
        ("OSA", "condition_sleep_apnoea", 1),
        ("opioid use disorder", "condition_opioid_use_disorder", 1),
        ("renal failure", "egfr", 8),
    ],
)
def test_what_is_said_of_a_person_is_a_covariate(words: str, covariate: str, value: float) -> None:
    patient = Patient.parse(f"woman, 30 y, {words}, 62 kg, 163 cm")
    assert patient.covariates[covariate] == value
    assert Patient.parse(str(patient)) == patient == Patient.of(patient.to_dict())


def test_the_reference_person_has_what_models_were_built_on() -> None:
    covariates = Patient().covariates
    assert (covariates["cyp2b6_star6"], covariates["cyp2d6"], covariates["oprm1_g118"]) == (0, 2, 0)
    assert all(covariates[name] == 0 for name in covariate_names() if name != "cyp2d6")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("CYP2D6 score 9", "CYP2D6 activity score 9 is out of range"),
        ("CYP2D6 pooor", "unknown phenotype of CYP2D6 'pooor'"),
        ("CYP2D6 poor, CYP2D6 score 2", "'CYP2D6 score 2' contradicts 'CYP2D6 score 0'"),
        ("CYP2B6 *4/*6", "CYP2B6 cannot be '\\*4/\\*6'"),
        ("OPRM1 AC", "OPRM1 118 cannot be 'AC'"),
        ("Child-Pugh D", "no Child-Pugh class 'D'"),
        ("opioid-tolerant, opioid-naive", "'opioid-naive' contradicts 'opioid-tolerant'"),
        ("man, breastfeeding", "'breastfeeding' contradicts 'male'"),
        ("renal failure, eGFR 90", "'renal failure' contradicts an eGFR of 90"),
        ("renal failure, mild renal impairment", "contradicts"),
        ("opiod-tolerant", "cannot understand 'opiod-tolerant'"),
    ],
)
def test_a_person_who_cannot_be_is_one_clear_error(text: str, what: str) -> None:
    with pytest.raises(RacemateError, match=what) as error:
        Patient.parse(text)
    assert error.value.where


@given(
    st.sampled_from(["*1/*1", "*1/*6", "*6/*6"]), st.sampled_from([0, 0.25, 0.5, 1, 1.5, 2, 3]),
    st.sampled_from(["AA", "AG", "GG"]), st.sampled_from(["none", "A", "B", "C"]), st.booleans(),
    st.sets(st.sampled_from([c for c in conditions() if not conditions()[c].egfr]), max_size=4),
    st.sampled_from([None, *ancestries()]),
)  # fmt: skip
def test_a_person_in_words_is_the_person_in_fields(
    cyp2b6: str, cyp2d6: float, oprm1: str, liver: str, tolerant: bool, named: set[str], ancestry: str | None
) -> None:
    patient = Patient(
        "female", 30, 62, 163, cyp2b6=cyp2b6, cyp2d6=cyp2d6, oprm1=oprm1, child_pugh=liver, opioid_tolerant=tolerant,
        conditions=sorted(named), ancestry=ancestry,
    )  # fmt: skip
    assert Patient.parse(str(patient)) == patient


def test_a_run_tells_what_it_assumes_and_what_it_does_not_know() -> None:
    result = simulate(
        "remifentanil 0.1 ug/kg/min iv for 5 min", patient="pregnant woman, 30 y, OPRM1 AG", until="6 min"
    )
    assert "no model in this run knows of: OPRM1 AG, pregnant" in result.warnings
    plain = simulate("remifentanil 0.1 ug/kg/min iv for 5 min", patient="woman, 30 y", until="6 min")
    for name, values in plain.values.items():
        np.testing.assert_array_equal(values, result[name], err_msg="nothing knows of it, so nothing changes")


# ---------------------------------------------------------------- many people


@pytest.mark.parametrize("ancestry", ancestries())
def test_genotypes_have_the_published_frequencies_in_hardy_weinberg_proportions(ancestry: str) -> None:
    known = ancestries()[ancestry]
    c = Population(N, 5, f"adults, {known.label}").covariates
    for covariate in ("cyp2b6_star6", "oprm1_g118"):
        p = getattr(known, covariate).value
        for alleles, share in enumerate(((1 - p) ** 2, 2 * p * (1 - p), p * p)):
            assert within_sampling_error(c[covariate] == alleles, share), covariate
    scores = known.scores()
    assert sum(scores.values()) == pytest.approx(1)
    for score, share in scores.items():
        assert within_sampling_error(c["cyp2d6"] == score, share)


def test_poor_metabolisers_are_rare_in_east_asia_and_one_in_twenty_in_europe() -> None:
    assert ancestries()["european"].scores()[0] == pytest.approx(0.05, abs=0.01)
    assert ancestries()["east-asian"].scores()[0] < 0.01
    intermediate = phenotypes()["intermediate"]
    shares = {
        name: sum(p for s, p in ancestries()[name].scores().items() if 0 < s <= intermediate.high)
        for name in ("european", "east-asian")
    }
    assert shares["east-asian"] > shares["european"], "*10 is the common allele there"


def test_kidney_function_falls_with_age_as_published() -> None:
    c = Population(N, 7).covariates
    for age, mean in zip(kidney().ages, kidney().means, strict=True):
        near = np.abs(c["age"] - age) < 1
        assert c["egfr"][near].mean() == pytest.approx(mean, rel=0.02)
        assert c["egfr"][near].std() / c["egfr"][near].mean() == pytest.approx(kidney().cv.value, rel=0.06)


@pytest.mark.parametrize("bmi", [(30, 40), (18.5, 25), (40, 80)])
def test_people_of_a_bmi_are_those_whom_rejection_would_leave(bmi: tuple[float, float]) -> None:
    low, high = bmi
    whole = Population(400_000, 3).covariates
    left = (whole["bmi"] >= low) & (whole["bmi"] <= high)
    drawn = Population(N, 4, f"adults, BMI {low}-{high}").covariates
    assert drawn["bmi"].min() >= low - 1e-9
    assert drawn["bmi"].max() <= high + 1e-9
    for name in ("age", "height", "weight", "female", "bmi"):
        kept = whole[name][left]
        error = 5 * kept.std() * np.sqrt(1 / len(kept) + 1 / N) + 2e-3 * abs(kept.mean())
        assert drawn[name].mean() == pytest.approx(kept.mean(), abs=error), name


def test_shares_of_sex_ancestry_tolerance_liver_and_conditions() -> None:
    spec = (
        "adults, 60 % women, 70 % European, 30 % East Asian, 20 % opioid-tolerant, 10 % Child-Pugh A, 30 % depression"
    )
    c = Population(N, 9, spec).covariates
    for drawn, share in (
        (c["female"], 0.6), (c["opioid_tolerant"], 0.2), (c["child_pugh"] == 1, 0.1), (c["condition_depression"], 0.3),
    ):  # fmt: skip
        assert within_sampling_error(drawn, share)
    alleles = 0.7 * ancestries()["european"].oprm1_g118.value + 0.3 * ancestries()["east-asian"].oprm1_g118.value
    assert c["oprm1_g118"].mean() / 2 == pytest.approx(alleles, abs=0.005)


def test_east_asian_women_are_shorter_than_the_survey_s_average() -> None:
    everybody, some = (Population(N, 2, spec).covariates["height"].mean() for spec in ("women", "women, East Asian"))
    assert some == pytest.approx(everybody - 3.1, abs=0.15)


def test_a_phenotype_of_a_group_keeps_the_scores_people_have() -> None:
    assert set(Population(2000, 1, "adults, CYP2D6 poor").covariates["cyp2d6"]) == {0.0}
    scores = set(Population(20_000, 1, "adults, East Asian, CYP2D6 intermediate").covariates["cyp2d6"])
    assert {0.25, 0.5, 1.0} <= scores
    assert max(scores) <= 1.0


def test_renal_failure_in_a_share_of_a_group() -> None:
    c = Population(20_000, 1, "adults over 65 y, 20 % renal failure").covariates
    sick = c["condition_renal_failure"] > 0
    assert sick.mean() == pytest.approx(0.2, abs=0.015)
    assert c["egfr"][sick].max() <= 15 < c["egfr"][~sick].min()


# What may be added to a group, and what nobody in it may notice.
ADDED = [
    "CYP2D6 poor",
    "30 % opioid-tolerant",
    "20 % Child-Pugh B",
    "depression",
    "50 % COPD",
    "OPRM1 GG",
    "eGFR 20-30",
]


@given(st.sampled_from(ADDED), st.integers(0, 10**6))
def test_an_attribute_more_reshuffles_nobody(added: str, seed: int) -> None:
    plain, more = (Population(50, seed, spec).covariates for spec in ("adults", f"adults, {added}"))
    changed = {name for name in plain if not np.array_equal(plain[name], more[name])}
    allowed = {
        "CYP2D6 poor": {"cyp2d6"}, "30 % opioid-tolerant": {"opioid_tolerant"}, "20 % Child-Pugh B": {"child_pugh"},
        "depression": {"condition_depression"}, "50 % COPD": {"condition_copd"}, "OPRM1 GG": {"oprm1_g118"},
        "eGFR 20-30": {"egfr"},
    }  # fmt: skip
    assert changed <= allowed[added]


SPECS = [
    "adults",
    "women, 20-40 y, BMI 30-40, East Asian",
    "adults, 60 % women, 50 % European, 50 % Hispanic, 9 % renal failure",
]


@given(st.sampled_from(SPECS), st.lists(st.integers(0, 10**6 - 1), min_size=1, max_size=5), st.integers(0, 2**64 - 1))
def test_a_person_is_the_same_whatever_the_batch(spec: str, numbers: list[int], seed: int) -> None:
    together = Population(10**6, seed, spec, only=numbers)
    for place, number in enumerate(numbers):
        alone = Population(number + 1, seed, spec, only=[number])
        for name, column in together.covariates.items():
            assert column[place] == alone.covariates[name][0], name
        assert dict(alone.patient(number).covariates) == pytest.approx({k: v[0] for k, v in alone.covariates.items()})


@pytest.mark.parametrize("spec", SPECS)
def test_a_group_in_words_is_the_same_group(spec: str) -> None:
    people = Population(20, 3, spec)
    assert Population(**people.to_dict()) == people  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ("men, pregnant", "'pregnant' is of women"),
        ("women, pregnant", "'pregnant' contradicts ages up to 90"),
        ("adults, 60 % European", "the ancestries add up to 60 %"),
        ("adults, 130 % women", "130 % is not a share"),
        ("adults, 30 %", "a share of what"),
        ("women, 30 % women", "a share of women among one sex"),
        ("adults, 60 % women, 60 % men", "do not add up to 100 %"),
        ("adults, BMI 5-10", "BMI 5 to 10 is out of range"),
        ("adults, obese, BMI 20-25", "the BMI is given twice"),
        ("adults, 60 % opioid-tolerant, 60 % opioid-naive", "more than everybody"),
        ("adults, 60 % renal failure, 60 % severe renal impairment", "more than everybody"),
        ("adults, renal failure, eGFR 90-100", "say the same thing"),
        ("adults, wonderful", "cannot understand 'wonderful'"),
        ("adults, 10 cm", "cannot understand '10'"),
        ("adults, CYP2D6 score 9", "score 9 is out of range"),
    ],
)
def test_a_group_nobody_belongs_to_is_one_clear_error(spec: str, what: str) -> None:
    with pytest.raises(RacemateError, match=what) as error:
        Population(10, 1, spec)
    assert error.value.where


# ---------------------------------------------------------------- replay


def test_a_replayed_patient_is_the_one_of_the_population() -> None:
    text, name = "morphine 5 mg iv", "arterial.morphine"
    many = simulate(text, population=60, outputs=name, until="2 h")
    for patient, size in ((47, 60), ("47", None), ("47 of adults", 10**6)):
        one = simulate(text, population=size, patient=patient, outputs=name, until="2 h")
        np.testing.assert_allclose(one[name][0], many[name][46], rtol=1e-12)
        assert one.ids.tolist() == [47]
        assert Scenario.from_dict(one.scenario.to_dict()).people == one.scenario.people
    frame = many.to_dataframe()
    assert frame[frame["id"] == 47]["value"].to_list() == many[name][46].tolist(), "the number is the table's id"


@pytest.mark.parametrize(("patient", "size"), [(0, None), (61, 60), ("61 of women", 60)])
def test_a_number_nobody_has_is_refused(patient: str | int, size: int | None) -> None:
    with pytest.raises(RacemateError, match="there is no patient"):
        Scenario.of("morphine 5 mg iv", population=size, patient=patient)


# ---------------------------------------------------------------- drug files and random effects


def test_a_drug_file_may_name_every_attribute() -> None:
    text = DRUG.replace(
        'CL = { value = 0.5, unit = "L/min", kind = "assumed", source = "roe2001" }',
        'CL = { value = 0.5, unit = "L/min", kind = "assumed", source = "roe2001", '
        f'covariates = "1 + 0*({" + ".join(covariate_names())})" }}',
    )
    assert text != DRUG
    _, problems = assemble_library(
        {name: content.encode() for name, content in {**FILES, "library/drugs/examplamine.toml": text}.items()}
    )
    assert not problems


def drawn(text: str, n: int, outputs: list[str], **options: str) -> tuple[System, Batch]:
    prepared = prepare(Scenario.of(text, population=n, outputs=outputs, until="10 min", model=options))
    return prepared.system, prepared.batch


@pytest.mark.parametrize(
    ("text", "drug", "model", "outputs"),
    [
        ("esketamine 20 mg iv over 20 min", "esketamine", "otto-2021", ["venous.s-ketamine", "venous.s-norketamine"]),
        ("morphine 10 mg oral", "morphine", "franken-2016", [f"venous.morphine-{i}-glucuronide" for i in (3, 6)]),
    ],
)
def test_random_effects_have_the_published_covariances(text: str, drug: str, model: str, outputs: list[str]) -> None:
    n = 20_000
    system, batch = drawn(text, n, outputs, **{drug: model})
    names = [system.parameters[i].name for i in batch.columns]
    published = load().drugs[drug].kinetics[model].correlations
    assert published
    for c in published:
        x, y = (batch.varying[:, names.index(f"eta.{end}")] for end in (c.a, c.b))
        standard_error = np.sqrt((x.var() * y.var() + c.covariance**2) / n)
        assert np.mean(x * y) == pytest.approx(c.covariance, abs=4 * standard_error + 0.003 * abs(c.covariance))


@given(st.floats(0.05, 1.5), st.floats(0.05, 1.5), st.floats(-1.0, 1.0))
def test_a_covariance_factor_gives_back_its_covariance(a: float, b: float, correlation: float) -> None:
    _, factor = covariance_factor({"CL": a, "V1": b}, [("CL", "V1", correlation * a * b)])
    expected = [[a * a, correlation * a * b], [correlation * a * b, b * b]]
    np.testing.assert_allclose(factor @ factor.T, expected, rtol=0, atol=1e-9)


def test_impossible_correlations_name_the_parameters() -> None:
    with pytest.raises(RacemateError, match="CL and V1 cannot have a correlation of"):
        covariance_factor({"CL": 0.2, "V1": 0.3}, [("CL", "V1", 0.09)])
    sigmas = dict.fromkeys(("CL", "Q2", "V1"), 1.0)
    with pytest.raises(RacemateError, match="CL, Q2, V1 cannot all be correlated"):
        covariance_factor(sigmas, [("CL", "Q2", 0.9), ("Q2", "V1", 0.9), ("CL", "V1", -0.9)])


def test_every_word_for_an_attribute_is_read_back() -> None:
    for name, value in REFERENCE.items():
        assert Patient.parse(f"woman, 30 y, {say(name, value)}") == Patient.parse("woman, 30 y") or name == "child_pugh"


def test_a_million_patients_with_their_random_effects_in_seconds() -> None:
    start = time.perf_counter()
    people = Population(1_000_000, 2, "adults, 50 % European, 50 % East Asian, 20 % opioid-tolerant")
    assert all(len(column) == 1_000_000 for column in people.covariates.values())
    assert time.perf_counter() - start < 5, "measured 1.5 s on one core"
