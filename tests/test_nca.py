"""Non-compartmental analysis against formulas by hand, against the kernel's own integral, and what it cannot know."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from racemate import context_sensitive_half_time
from racemate.cli import run
from racemate.engine import compile_system
from racemate.errors import RacemateError
from racemate.result.nca import LABELS, Given, profile
from racemate.result.summary import Statistic, order_interval
from racemate.scenario import Scenario
from racemate.simulate import prepare, simulate

TIME = np.unique(np.concatenate([np.linspace(0, 60, 61), np.linspace(60, 1440, 277)]))
positive = st.floats(0.2, 5.0)


def bolus(dose: float) -> Given:
    return Given(np.array([dose]), 0.0, 0.0, intravenous=True, infusion=0.0)


@given(positive, positive, st.floats(1.0, 1e3))
def test_one_compartment_after_a_bolus(clearance: float, volume: float, dose: float) -> None:
    k = clearance / volume  # 1/h
    c = dose / volume * np.exp(-k * TIME / 60.0)
    found = profile("c", "c", "mg/L", TIME, c[None, :], bolus(dose))
    expected = {
        "CMAX": dose / volume, "TMAX": 0.0, "AUCIFO": dose / clearance, "LAMZ": k, "LAMZHL": np.log(2) / k,
        "CLO": clearance, "VZO": volume, "MRTIBIFO": 1 / k,
    }  # fmt: skip
    for parameter, value in expected.items():
        assert found[parameter][0] == pytest.approx(value, rel=1e-6, abs=1e-9), parameter


@given(positive, positive, st.floats(0.5, 4.0))
def test_one_compartment_after_an_infusion(clearance: float, volume: float, hours: float) -> None:
    k, t = clearance / volume, np.union1d(TIME, np.linspace(0, hours * 60, 121)) / 60.0
    during = (1 - np.exp(-k * np.minimum(t, hours))) / (clearance * hours)
    c = during * np.exp(-k * np.maximum(t - hours, 0.0))
    given_ = Given(np.array([1.0]), 0.0, hours * 60, intravenous=True, infusion=hours * 60)
    found = profile("c", "c", "mg/L", t * 60, c[None, :], given_)
    assert found["CLO"][0] == pytest.approx(clearance, rel=2e-3), "straight lines where it rises"
    assert found["LAMZ"][0] == pytest.approx(k, rel=1e-6)
    assert found["MRTICIFO"][0] == pytest.approx(1 / k, rel=5e-3, abs=5e-3)


@given(st.floats(0.05, 0.5), st.floats(1.0, 3.0))
def test_absorption_adds_its_own_residence_time(k: float, ka: float) -> None:
    t = np.linspace(0.0, 60 * 60, 3601) / 60.0
    c = ka / (ka - k) * (np.exp(-k * t) - np.exp(-ka * t))
    found = profile("c", "c", "mg/L", t * 60, c[None, :], Given(np.array([1.0]), 0.0, 0.0, False, 0.0))
    assert found["MRTEVIFO"][0] == pytest.approx(1 / k + 1 / ka, rel=1e-3)
    assert found["CLFO"][0] == pytest.approx(k, rel=1e-3)
    assert found["TMAX"][0] == pytest.approx(60 * np.log(ka / k) / (ka - k), abs=1.0)


@pytest.mark.parametrize(
    ("text", "output", "until"),
    [
        ("remifentanil 0.1 ug/kg/min iv for 30 min", "arterial.remifentanil", "4 h"),
        ("morphine 10 mg oral", "arterial.morphine", "24 h"),
        ("ketamine 0.5 mg/kg iv over 40 min", "arterial.ketamine", "24 h"),
    ],
)
def test_the_area_is_the_integral_that_the_kernel_takes(text: str, output: str, until: str) -> None:
    scenario = Scenario.of(text, outputs=[output], until=until)
    ready = prepare(scenario)
    found = compile_system(ready.system).run(ready.batch, ready.schedule, ready.times, summaries=["integral", "max"])
    result = simulate(scenario)
    factor = float(np.max(result[output]) / found.values.max())
    assert result.nca()[output]["AUCLST"][0] == pytest.approx(
        float(found.summaries["integral"][0, 0]) * factor / 60, rel=2e-3
    )


def test_clearance_and_half_life_of_a_model_are_found_again() -> None:
    """Minto's remifentanil in his reference person: CL 2.6 L/min at 40 years and 55 kg of lean mass."""
    result = simulate("remifentanil 50 ug iv", patient="man, 40 y, 70 kg, 170 cm", until="5 h")
    numbers = {n.key.rpartition(".")[2]: n.value for n in result.numbers}
    lbm = result.scenario.people.covariates["lbm"]
    clearance = numbers["CL_ref"] + numbers["CL_lbm"] * (lbm - 55)
    assert result.nca()["arterial.remifentanil"]["CLO"][0] / 60 == pytest.approx(clearance, rel=2e-3)


def test_bioavailability_is_the_ratio_of_clearances() -> None:
    oral, iv = (
        simulate(f"morphine 10 mg {route}", until="24 h").nca()["arterial.morphine"] for route in ("oral", "iv")
    )
    ratio = iv["CLO"][0] / oral["CLFO"][0]
    assert ratio == pytest.approx(oral["AUCIFO"][0] / iv["AUCIFO"][0], rel=1e-12)
    assert 0.1 < ratio < 0.5, "morphine by mouth"


def test_clearance_does_not_depend_on_how_the_dose_was_divided() -> None:
    once, often = (
        simulate(text, until="3 days", outputs=["arterial.morphine"]).nca()["arterial.morphine"]
        for text in ("morphine 20 mg iv", "morphine 5 mg iv every 6 h x 4")
    )
    assert often["CLO"][0] == pytest.approx(once["CLO"][0], rel=5e-3)
    assert "MRTIBIFO" in once.values
    assert not any(key.startswith("MRT") for key in often.values), "of several doses it has no meaning"


def test_repeated_boluses_are_not_joined_by_straight_lines() -> None:
    """The area under three equal boluses, one an hour, from the formula."""
    k = np.log(2)
    t = np.linspace(0.0, 300.0, 31)
    c = sum(np.where(t >= 60 * i, np.exp(-k * np.maximum(t - 60 * i, 0) / 60), 0.0) for i in range(3))
    found = profile("c", "c", "mg/L", t, c[None, :], Given(np.array([3.0]), 0, 120, True, np.nan, (0.0, 60.0, 120.0)))
    assert found["AUCIFO"][0] == pytest.approx(3 / k, rel=1e-9)
    result = simulate("morphine 5 mg iv every 6 h x 4", until="3 days", outputs=["arterial.morphine"])
    area = result.summary()["arterial.morphine"].AUCLST.median
    assert area == pytest.approx(result.nca()["arterial.morphine"]["AUCIFO"][0], rel=1e-3), "the summary does the same"


def test_metabolites_and_endless_doses_have_no_clearance() -> None:
    result = simulate("morphine 5 mg iv", until="24 h", outputs=["arterial.morphine-6-glucuronide"])
    assert not {"CLO", "CLFO", "VZO"} & set(result.nca()["arterial.morphine-6-glucuronide"].values)


def test_a_curve_that_never_falls_has_no_half_life() -> None:
    rising = profile("c", "c", "mg/L", TIME, (1 - np.exp(-TIME / 60))[None, :], bolus(1.0))
    assert np.isnan(rising["LAMZHL"][0])
    assert np.isnan(rising["AUCIFO"][0])
    flat = profile("c", "c", "mg/L", TIME, np.zeros((1, TIME.size)), bolus(1.0))
    assert flat["CMAX"][0] == 0
    assert np.isnan(flat["CLO"][0])


@given(st.floats(0.1, 100.0))
def test_areas_scale_with_the_curve_and_half_lives_do_not(factor: float) -> None:
    c = (3 * np.exp(-TIME / 30) + np.exp(-TIME / 300))[None, :]
    a, b = (profile("c", "c", "mg/L", TIME, x) for x in (c, c * factor))
    for key in ("CMAX", "AUCLST", "AUCIFO"):
        assert b[key][0] == pytest.approx(a[key][0] * factor, rel=1e-9)
    for key in ("TMAX", "LAMZHL", "AUCPEO", "LAMZNPT"):
        assert b[key][0] == pytest.approx(a[key][0], rel=1e-6, abs=1e-6)


def test_each_patient_of_a_population_has_its_own_analysis() -> None:
    text, name = "fentanyl 100 ug iv", "arterial.fentanyl"
    many = simulate(text, population=20, outputs=[name], until="24 h").nca()
    one = simulate(text, patient=13, outputs=[name], until="24 h").nca()
    assert many.ids.tolist() == list(range(1, 21))
    assert one.ids.tolist() == [13]
    for key, value in one[name].values.items():
        assert many[name][key][12] == pytest.approx(value[0], rel=1e-9), key
    frame = many.to_dataframe()
    assert list(frame.columns) == ["id", "name", "parameter", "value", "unit"]
    assert set(frame["parameter"]) <= set(LABELS)


def test_what_is_not_a_concentration_is_refused() -> None:
    result = simulate("remifentanil 50 ug iv", until="10 min")
    with pytest.raises(RacemateError, match="unknown concentration 'ventilation'"):
        result.nca("ventilation")


# ---------------------------------------------------------------- half-times after an infusion


def hughes(volumes: list[float], flows: list[float], clearance: float, minutes: float) -> float:
    """Hughes' half-time of a mammillary model, by matrix exponentials: hold the centre at 1, then let go."""
    n = len(volumes)
    rates = np.zeros((n, n))
    rates[0, 0] = -(clearance + sum(flows)) / volumes[0]
    for i, flow in enumerate(flows, start=1):
        rates[0, i], rates[i, 0], rates[i, i] = flow / volumes[0], flow / volumes[i], -flow / volumes[i]
    start = np.array([1.0, *(1 - np.exp(-flow / v * minutes) for flow, v in zip(flows, volumes[1:], strict=True))])
    low, high = 0.0, 1e5
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (expm(rates * middle) @ start)[0] > 0.5 else (low, middle)
    return middle


@pytest.mark.parametrize("minutes", [10.0, 60.0, 480.0])
def test_half_times_are_those_of_the_compartments(minutes: float) -> None:
    patient = "man, 40 y, 70 kg, 170 cm"
    prepared = prepare(Scenario.of("remifentanil 50 ug iv", patient=patient, outputs=["arterial.remifentanil"]))
    n = {p.name.rpartition(".")[2]: p.value for p in prepared.system.parameters}
    lean = prepared.scenario.people.covariates["lbm"] - 55
    v = [n["V1_ref"] + n["V1_lbm"] * lean, n["V2_ref"] + n["V2_lbm"] * lean, n["V3"]]
    flows = [n["Q2_ref"] if "Q2_ref" in n else n["Q2"], n["Q3_ref"] if "Q3_ref" in n else n["Q3"]]
    expected = hughes(v, flows, n["CL_ref"] + n["CL_lbm"] * lean, minutes)
    assert context_sensitive_half_time("remifentanil", minutes, patient=patient) == pytest.approx(expected, rel=1e-5)


def test_remifentanil_is_insensitive_to_the_context_and_fentanyl_is_not() -> None:
    remifentanil, fentanyl = (
        context_sensitive_half_time(drug, ["30 min", "8 h"]) for drug in ("remifentanil", "fentanyl")
    )
    assert remifentanil[1] < 5
    assert fentanyl[1] > 10 * fentanyl[0]


def test_the_effect_site_falls_later_than_plasma() -> None:
    for drug in ("fentanyl", "remifentanil", "morphine", "ketamine"):
        plasma, site = (context_sensitive_half_time(drug, "2 h", site=s) for s in ("plasma", "effect-site"))
        assert site > plasma


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"duration": 0}, "needs an infusion"),
        ({"duration": []}, "needs an infusion"),
        ({"duration": "2 h", "fraction": 1.5}, "needs an infusion"),
        ({"duration": "2 h", "site": "brain"}, "unknown site 'brain'"),
        ({"duration": "2 h", "model": "minto"}, "unknown kinetic model"),
    ],
)
def test_half_times_without_meaning_are_refused(options: dict[str, object], what: str) -> None:
    with pytest.raises(RacemateError, match=what):
        context_sensitive_half_time("remifentanil", **options)  # type: ignore[call-overload]


# ---------------------------------------------------------------- Monte-Carlo error


@pytest.mark.parametrize("level", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("n", [100, 1000])
def test_the_interval_of_a_percentile_holds_it_19_times_in_20(level: float, n: int) -> None:
    rng = np.random.default_rng(7)
    trials, inside = 2000, 0
    for _ in range(trials):
        low, high = order_interval(np.sort(rng.random(n)), level)
        inside += bool(low <= level <= high) or (np.isnan(low) and level <= high) or (np.isnan(high) and low <= level)
    assert 0.94 < inside / trials < 0.985, "exact or a little wide, as the binomial is whole-numbered"


def test_four_times_the_patients_halve_the_error() -> None:
    rng = np.random.default_rng(1)
    widths = []
    for n in (2_500, 10_000, 40_000):
        low, high = Statistic.of(rng.normal(size=n)).intervals["median"]
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.2)
    assert widths[1] / widths[2] == pytest.approx(2, rel=0.2)
    assert widths[1] == pytest.approx(2 * 1.96 * np.sqrt(np.pi / 2) / 100, rel=0.15)


def test_too_few_patients_bound_no_tail() -> None:
    few = Statistic.of(np.arange(10.0)).to_dict()
    assert few["p95_95ci"][1] is None and few["p5_95ci"][0] is None
    assert few["median_95ci"] == [1.0, 8.0]


# ---------------------------------------------------------------- the commands


def test_nca_prints_a_table_or_json_or_csv(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["nca", "remifentanil 50 ug iv", "--until", "2 h"]
    assert run(command) == 0
    assert "LAMZHL" in capsys.readouterr().out
    assert run([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["arterial.remifentanil"]["CLO"]["unit"] == "L/h"
    assert run([*command, "--population", "3", "--csv", "-"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "id,name,parameter,value,unit"
    assert {line.split(",")[0] for line in lines[1:]} == {"1", "2", "3"}


def test_half_time_prints_plasma_and_effect_site(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["half-time", "fentanyl", "--after", "1 h"]) == 0
    out = capsys.readouterr().out
    assert "plasma" in out and "effect site" in out and "min" in out


def test_the_picture_of_a_population_says_what_its_lines_are() -> None:
    from racemate.report.caption import caption

    result = simulate("remifentanil 50 ug iv", population=30, outputs=["arterial.remifentanil"], until="20 min")
    assert "Thick lines: median; bands: 25-75 and 5-95 % of patients; thin lines: 12 single patients" in caption(
        [result], 12
    )
    words = [text.get_text() for text in result.plot().texts]
    assert any("thin lines: 12 single patients" in text.replace("\n", " ") for text in words)
