"""Laws a pharmacokinetic simulation obeys: superposition, balance of mass, no negative amounts, one true solution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from independent import cvode
from racemate.engine.problem import Kind
from racemate.scenario import Scenario
from racemate.simulate import Prepared, prepare, simulate
from racemate.simulation.dosing import dose_amount, nmol

REGIMENS = [
    "ketamine 0.5 mg/kg iv over 40 min",
    "ketamine 2 mg/kg iv",
    "ketamine 0.4 mg/kg im",
    "ketamine 50 mg intranasal",
    "ketamine 50 mg oral",
    "esketamine 56 mg intranasal",
    "esketamine 84 mg oral; esketamine 10 mg iv over 30 min at 2 h",
    "arketamine 20 mg iv over 40 min",
    "morphine 10 mg iv",
    "morphine 30 mg oral",
    "morphine 5 mg iv every 10 min x 4",
    "fentanyl 100 ug iv",
    "fentanyl 50 ug/h transdermal for 72 h",
    "remifentanil 0.1 ug/kg/min iv for 60 min",
    "naloxone 0.4 mg iv",
    "naloxone 2 mg im",
    "naloxone 4 mg intranasal",
    "ketamine 0.2 mg/kg/h iv for 4 h; morphine 0.1 mg/kg iv at 30 min; naloxone 0.4 mg iv at 2 h",
]


def balance_outputs(scenario: Scenario) -> list[str]:
    kinetics = prepare(scenario).assembly.kinetics.values()
    return [
        f"amount.{s}{part}" for k in kinetics for s in k.disposition for part in ("", ".eliminated", ".not-absorbed")
    ]


@pytest.mark.parametrize("regimen", REGIMENS)
def test_what_was_given_is_in_the_body_or_eliminated_or_was_never_absorbed(regimen: str) -> None:
    scenario = Scenario.of(regimen, until="12 h", every="20 min")
    outputs = balance_outputs(scenario)
    prepared = prepare(scenario.with_(outputs=tuple(outputs)))
    found = prepared.solve().values[0].sum(axis=1)
    given = np.array([arrived(prepared, t) for t in prepared.times])
    assert np.allclose(found, given, rtol=1e-9, atol=1e-9 * given.max())
    assert arrived(prepared, 1e4) == pytest.approx(dosed(prepared), rel=1e-12)


def arrived(prepared: Prepared, t: float) -> float:
    """What the dosing records of the first patient have brought in by a time, nmol."""
    schedule, total = prepared.schedule, 0.0
    for r, (count, kind) in enumerate(zip(schedule.count, schedule.kind, strict=True)):
        for k in range(count):
            since = t - schedule.time[0, r] - k * schedule.interval[0, r]
            if since >= 0:
                total += schedule.value[0, r] * (since if kind == Kind.ADD_INPUT else 1.0)
    return total


def dosed(prepared: Prepared) -> float:
    """The doses of the regimen, nmol."""
    doses, assembly, weight = prepared.scenario.regimen.doses, prepared.assembly, np.array([70.0])
    each = [nmol(assembly.library, assembly.products[d.product], dose_amount(d), weight)[0] * d.count for d in doses]
    return float(sum(each))


@pytest.mark.parametrize("regimen", REGIMENS)
def test_nothing_falls_below_zero_by_more_than_the_absolute_tolerance(regimen: str) -> None:
    scenario = Scenario.of(regimen, until="48 h")
    scenario = scenario.with_(outputs=tuple(balance_outputs(scenario)))
    prepared = prepare(scenario)
    values = prepared.solve().values[0]
    assert values.min() >= -1e-9 * values.max()


@pytest.mark.parametrize("regimen", REGIMENS)
def test_the_kernel_and_cvode_find_the_same_curve(regimen: str) -> None:
    scenario = Scenario.of(regimen, until="8 h", every="10 min", rtol=1e-9)
    prepared = prepare(scenario)
    ours, theirs = prepared.solve().values[0], cvode(prepared)
    peak = np.abs(theirs).max(axis=0)
    error = np.abs(ours - theirs) / (np.abs(theirs) + 1e-3 * peak + 1e-300)
    assert error.max() < 1e-6


@pytest.mark.parametrize("regimen", REGIMENS)
def test_the_default_tolerance_keeps_every_output_within_a_hundred_thousandth(regimen: str) -> None:
    scenario = Scenario.of(regimen, until="8 h", every="10 min")
    ours = prepare(scenario).solve().values[0]
    true = prepare(scenario.with_(rtol=1e-11)).solve().values[0]
    peak = np.abs(true).max(axis=0)
    error = np.abs(ours - true) / (np.abs(true) + 1e-3 * peak + 1e-300)
    assert error.max() < 1e-5


CONCENTRATIONS = ("arterial.s-ketamine", "arterial.r-norketamine", "venous.ketamine", "effect-site.s-ketamine")


def concentrations(regimen: str) -> np.ndarray:
    scenario = Scenario.of(regimen, until="6 h", every="10 min", rtol=1e-11, outputs=CONCENTRATIONS)
    return prepare(scenario).solve().values[0]


@settings(max_examples=15)
@given(st.floats(0.05, 2.0), st.floats(1.2, 5.0))
def test_a_linear_drug_given_in_a_larger_dose_gives_proportionally_more(dose: float, factor: float) -> None:
    once = concentrations(f"ketamine {dose:.6f} mg/kg iv over 40 min")
    more = concentrations(f"ketamine {dose * factor:.9f} mg/kg iv over 40 min")
    ratio = round(dose * factor, 9) / round(dose, 6)
    assert np.allclose(more, ratio * once, rtol=1e-9, atol=1e-9 * more.max())


@settings(max_examples=15)
@given(st.floats(0.1, 1.0), st.floats(5.0, 60.0), st.floats(0.1, 1.0))
def test_doses_of_a_linear_drug_superpose(first: float, later: float, second: float) -> None:
    a, b = f"ketamine {first:.6f} mg/kg iv over 10 min", f"ketamine {second:.6f} mg/kg im at {later:.4f} min"
    both = concentrations(f"{a}; {b}")
    assert np.allclose(both, concentrations(a) + concentrations(b), rtol=1e-9, atol=1e-9 * both.max())


def test_a_steady_state_dose_is_where_many_doses_lead() -> None:
    columns = {"TIME": [0.0], "AMT": [70.0], "II": [8.0], "SS": [1], "EVID": [1], "ADDL": [0]}
    from racemate.regimen import Regimen

    steady = Regimen.from_records(columns, product="ketamine", route="im", time_unit="h", amount_unit="mg")
    outputs = ("arterial.s-ketamine", "arterial.s-norketamine", "venous.r-ketamine")
    at_once = simulate(Scenario.of(steady, until="8 h", every="30 min", outputs=outputs, rtol=1e-10))
    written = simulate("ketamine 70 mg im every 8 h x 61", until="488 h", every="30 min", outputs=outputs, rtol=1e-10)
    for name in outputs:
        tail = written.values[name][0][written.time >= 480 * 60]
        assert np.allclose(at_once.values[name][0], tail, rtol=1e-7)


def test_published_concentrations_of_the_reference_infusion() -> None:
    """0.5 mg/kg over 40 min: arterial about 300 by Simons 2022, venous 160-190 as reported (Zarate 2006: 185)."""
    result = simulate("ketamine 0.5 mg/kg iv over 40 min", patient="male, 70 kg", until="4 h")
    assert result.values["arterial.ketamine"].max() == pytest.approx(298, rel=0.01)
    assert 160 <= result.values["venous.ketamine"].max() <= 190


def test_an_infusion_of_remifentanil_approaches_rate_over_clearance() -> None:
    """Minto 1997: CL 2.6 L/min - 0.0162 (age - 40) + 0.0191 (LBM - 55)."""
    result = simulate("remifentanil 0.1 ug/kg/min iv for 10 h", patient="male, 40 y, 70 kg, 176 cm", until="10 h")
    from racemate.people import Patient

    lbm = Patient.parse("male, 40 y, 70 kg, 176 cm").lbm
    expected = 0.1 * 70 / (2.6 + 0.0191 * (lbm - 55))
    assert result.values["arterial.remifentanil"][0, -1] == pytest.approx(expected, rel=2e-3)
