"""Is ketamine an opioid? The numbers behind the answer, and what the answer may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from racemate.claims import Answer, answer, questions
from racemate.claims.answers import WORKED, recognise
from racemate.claims.receptors import NMDA_WITH_MG, NMDA_WITHOUT_MG, Occupancy
from racemate.errors import RacemateError
from racemate.library import load
from racemate.scenario import Scenario
from racemate.simulate import simulate


@pytest.fixture(scope="module")
def found() -> Answer:
    return answer("Is ketamine an opioid?", draws=400)


def at(found: Answer, dose: str, target: str) -> Occupancy:
    return next(r for r in found.rows if r.dose.startswith(dose) and r.target == target)


def test_the_worked_occupancies_of_185_ng_per_ml_come_out(found: Answer) -> None:
    """0.43 umol/L unbound: mu about 1 % (0.7-4), NMDA about 40 % without magnesium, 7-27 % with 1 mmol/L."""
    mu = at(found, WORKED, "mu").occupancy
    assert mu.central == pytest.approx(0.010, rel=0.1)
    assert 0.007 <= mu.low <= mu.high <= 0.04
    assert at(found, WORKED, NMDA_WITHOUT_MG).occupancy.central == pytest.approx(0.40, abs=0.04)
    with_mg = at(found, WORKED, NMDA_WITH_MG).occupancy
    assert 0.07 <= with_mg.low < with_mg.central < with_mg.high <= 0.27
    assert 0.008 <= at(found, WORKED, "kappa").occupancy.central <= 0.016
    assert at(found, WORKED, "delta").occupancy.central == pytest.approx(0.002, rel=0.3)


def test_the_answer_and_the_composed_model_agree(found: Answer) -> None:
    names = ("occupancy.mu", "activation.mu", "block.nmda", "occupancy.nmda")
    scenario = Scenario.of("ketamine 0.5 mg/kg iv over 40 min", patient="male, 70 kg", until="2 h", outputs=names)
    result = simulate(scenario)
    dose = "ketamine 0.5"
    assert result["occupancy.mu"].max() == pytest.approx(at(found, dose, "mu").occupancy.central, rel=0.02)
    assert result["occupancy.nmda"].max() == pytest.approx(at(found, dose, NMDA_WITHOUT_MG).occupancy.central, rel=0.02)
    assert result["block.nmda"].max() == pytest.approx(at(found, dose, NMDA_WITH_MG).occupancy.central, rel=0.02)


def test_a_larger_dose_takes_more_of_every_target(found: Answer) -> None:
    for target in (NMDA_WITH_MG, "mu", "kappa", "delta"):
        low, high = (at(found, d, target).occupancy.central for d in ("ketamine 0.5", "ketamine 2 mg/kg"))
        assert low < high


def test_opioids_activate_the_mu_receptor_far_more_than_ketamine(found: Answer) -> None:
    ketamine, morphine, fentanyl = (at(found, d, "mu").activation for d in ("ketamine 0.5", "morphine", "fentanyl"))
    assert ketamine is not None
    assert morphine is not None
    assert fentanyl is not None
    assert ketamine.high < min(morphine.low, fentanyl.low)


def test_the_range_holds_the_value(found: Answer) -> None:
    for row in found.rows:
        assert 0 <= row.occupancy.low <= row.occupancy.central <= row.occupancy.high <= 1


def test_there_are_three_sentences_with_their_sources(found: Answer) -> None:
    assert len(found.sentences) == 3
    assert any("Hirota" in s for s in found.sources)
    for trial in ("Williams", "Jelen", "Yoon"):
        assert any(trial in s for s in found.sources)


def test_the_same_question_gives_the_same_numbers(found: Answer) -> None:
    assert answer("is ketamine really an opioid", draws=400).rows == found.rows


def test_the_answer_is_drawn(found: Answer, tmp_path: Path) -> None:
    assert found.plot(tmp_path / "opioid.png").stat().st_size > 10_000
    with pytest.raises(RacemateError, match="cannot draw"):
        found.plot(tmp_path / "opioid.doc")


def test_an_unknown_question_lists_the_known_ones() -> None:
    with pytest.raises(RacemateError) as error:
        answer("who won the match?")
    assert questions()[0] in str(error.value)


@pytest.mark.parametrize(
    "question",
    [
        "does ketamine treat opioid addiction?",
        "does ketamine reduce opioid use after surgery?",
        "is esketamine an opioid?",
        "is norketamine an opioid?",
        "is naloxone an opioid?",
        "is ketamine addictive?",
        "",
    ],
)
def test_another_question_about_the_same_drugs_is_not_answered_with_this_one(question: str) -> None:
    with pytest.raises(RacemateError, match="no answer"):
        answer(question)


@pytest.mark.parametrize("question", ["is ketamin an opiod?", "Does ketamine act like an opiate?", "ketamine: mu?"])
def test_the_same_question_in_other_words_is_recognised(question: str) -> None:
    assert recognise(question) == questions()[0]


def test_the_sources_name_kinetics_and_efficacies_too(found: Answer) -> None:
    for author in ("Simons", "Bonaventura"):
        assert any(author in s for s in found.sources), author


def test_what_is_assumed_is_said_to_be(found: Answer) -> None:
    efficacies = [b.efficacy for t in ("mu", "kappa", "delta") for b in load().ligands(t).values()]
    assert any(e is not None and e.kind == "assumed" for e in efficacies)
    assert "assumed" in found.sentences[1]
    assert "0 (assumed)" in str(found)
