"""Ketamine by every route, and the drugs it is compared with, meet the figures of the papers they were entered from."""

from __future__ import annotations

import numpy as np
import pytest

from racemate import simulate
from racemate.scenario import Scenario
from racemate.simulate import prepare
from test_laws import arrived, balance_outputs, dosed

Curve = tuple[np.ndarray, np.ndarray]

ROUTES = [
    "ketamine 50 mg rectal",
    "ketamine 100 mg inhaled over 20 min",
    "ketamine-prolonged-release 40 mg oral",
    "esketamine 84 mg intranasal",
    "cocaine 25 mg iv",
    "cocaine 96 mg intranasal",
    "cocaine 140 mg oral",
    "cocaine-base 20 mg inhaled",
    "dexamfetamine 15 mg oral",
    "lisdexamfetamine 50 mg oral",
    "phencyclidine 1 mg iv",
    "phencyclidine 1 mg oral",
    "memantine 10 mg oral",
    "escitalopram 20 mg oral",
    "venlafaxine 75 mg oral",
    "nalbuphine 10 mg iv",
    "nalbuphine 10 mg im",
    "nalbuphine 10 mg sc",
]


def course(regimen: str, output: str, until: str = "24 h", every: str = "2 min", **options: object) -> Curve:
    options = {"patient": "male, 70 kg", **options}
    result = simulate(regimen, outputs=(output,), until=until, every=every, **options)
    return np.asarray(result.time), np.asarray(result.values[output][0])


def area(curve: Curve) -> float:
    """ng h/mL from ng/mL over minutes."""
    time, concentration = curve
    return float(np.trapezoid(concentration, time)) / 60


def half_life(curve: Curve, first: float, last: float) -> float:
    """Hours, from the slope between two times in hours."""
    time, concentration = curve
    late = (time >= first * 60) & (time <= last * 60)
    return float(-np.log(2) / np.polyfit(time[late], np.log(concentration[late]), 1)[0] / 60)


def peak(curve: Curve) -> tuple[float, float]:
    """Height and hours."""
    time, concentration = curve
    return float(concentration.max()), float(time[concentration.argmax()]) / 60


@pytest.mark.parametrize("regimen", ROUTES)
def test_every_route_runs_and_keeps_its_balance(regimen: str) -> None:
    assert simulate(regimen).values
    scenario = Scenario.of(regimen, until="24 h", every="30 min")
    prepared = prepare(scenario.with_(outputs=tuple(balance_outputs(scenario))))
    found = prepared.solve().values[0].sum(axis=1)
    given = np.array([arrived(prepared, t) for t in prepared.times])
    assert np.allclose(found, given, rtol=1e-9, atol=1e-9 * given.max())
    assert arrived(prepared, 1e5) == pytest.approx(dosed(prepared), rel=1e-12)


# Ketamine


@pytest.mark.parametrize(("dose", "height", "exposure"), [(28, 43.8, 147.3), (56, 72.5, 254.7), (84, 101.0, 362.2)])
def test_each_further_device_of_nasal_esketamine_gives_less(dose: int, height: float, exposure: float) -> None:
    """Perez-Ruixo 2021, Table 4: 56 mg is not twice 28 mg, without anything set by hand."""
    curve = course(f"esketamine {dose} mg intranasal", "venous.s-ketamine", every="1 min")
    assert peak(curve)[0] == pytest.approx(height, rel=0.02)
    assert area(curve) == pytest.approx(exposure, rel=0.01)


def test_nasal_and_oral_bioavailability_of_esketamine() -> None:
    """Perez-Ruixo 2021: 54 and 51 % of 56 and 84 mg by nose, 18.6 % of what is swallowed."""
    by_vein = area(course("esketamine 28 mg iv", "venous.s-ketamine", "96 h", model={"esketamine": "perez-ruixo-2021"}))
    for regimen, dose, fraction in [
        ("esketamine 56 mg intranasal", 56, 0.54),
        ("esketamine 84 mg intranasal", 84, 0.51),
        ("esketamine 84 mg oral", 84, 0.186),
    ]:
        found = area(course(regimen, "venous.s-ketamine", "96 h")) / dose / (by_vein / 28)
        assert found == pytest.approx(fraction, abs=0.01)


def test_the_size_of_a_dose_is_each_persons_own_and_of_each_substance() -> None:
    """1 mg/kg is fewer devices for 45 kg than for 112 kg; half of a racemate counts for each half."""

    def exposure(regimen: str, weight: float) -> float:
        size = f"male, 30 y, {weight} kg, 176 cm"
        return area(course(regimen, "venous.s-ketamine", "96 h", patient=size)) / (weight if "/kg" in regimen else 1)

    light, heavy = exposure("esketamine 1 mg/kg intranasal", 45), exposure("esketamine 1 mg/kg intranasal", 112)
    assert heavy < light * 0.92
    assert exposure("esketamine 28 mg intranasal", 70) == pytest.approx(
        exposure("ketamine 56 mg intranasal", 70), rel=1e-6
    )


def test_a_racemic_spray_without_a_device_is_mostly_swallowed() -> None:
    """Pharmacotherapy 2022, 10, 30 and 50 mg: 17, 13 and 11 %; four times as much norketamine after 30-50 mg."""
    otto = {"ketamine": "otto-2021"}
    by_vein = area(course("ketamine 10 mg iv", "venous.ketamine", "96 h", model=otto)) / 10
    for dose, fraction in [(10, 0.17), (30, 0.13), (50, 0.11)]:
        spray = course(f"ketamine {dose} mg intranasal", "venous.ketamine", "96 h", model=otto)
        assert area(spray) / dose / by_vein == pytest.approx(fraction, abs=0.006)
    spray = area(course("ketamine 50 mg intranasal", "venous.ketamine", "96 h", model=otto))
    metabolite = area(course("ketamine 50 mg intranasal", "venous.norketamine", "96 h", model=otto))
    assert metabolite / spray == pytest.approx(4.5, rel=0.2)


@pytest.mark.parametrize(("regimen", "low", "high"), [("iv over 30 min", 1.0, 2.5), ("oral", 6, 20)])
def test_swallowed_ketamine_is_mostly_norketamine(regimen: str, low: float, high: float) -> None:
    options = {"model": {"ketamine": "perez-ruixo-2021"}, "until": "48 h"}
    parent = area(course(f"ketamine 50 mg {regimen}", "venous.ketamine", **options))
    metabolite = area(course(f"ketamine 50 mg {regimen}", "venous.norketamine", **options))
    assert low < metabolite / parent < high


def test_a_prolonged_tablet_peaks_late_and_low() -> None:
    """Release over 10 h (Glue 2020): the peak is at its end and half as high, the exposure the same."""
    tablet = course("ketamine-prolonged-release 40 mg oral", "venous.ketamine", "72 h")
    solution = course("ketamine 40 mg oral", "venous.ketamine", "72 h")
    assert 9 < peak(tablet)[1] < 11
    assert peak(tablet)[0] < peak(solution)[0] / 2
    assert area(tablet) == pytest.approx(area(solution), rel=0.01)


@pytest.mark.parametrize(
    ("regimen", "reference", "model", "fraction"),
    [
        ("ketamine 50 mg rectal", "ketamine 50 mg iv", "perez-ruixo-2021", 0.30),  # Yanagihara 2003
        ("ketamine 50 mg inhaled", "ketamine 50 mg iv", "simons-2022", 0.70),  # Jonkman 2017
        ("ketamine 50 mg im", "ketamine 50 mg iv", "simons-2022", 0.93),  # Clements 1982
    ],
)
def test_what_reaches_the_circulation(regimen: str, reference: str, model: str, fraction: float) -> None:
    given, by_vein = (
        area(course(r, "venous.ketamine", "96 h", model={"ketamine": model})) for r in (regimen, reference)
    )
    assert given / by_vein == pytest.approx(fraction, abs=0.01)


def test_dehydronorketamine_follows_norketamine_and_more_so_of_r() -> None:
    """Kamp 2020, 2 h after the racemate: a tenth of S-norketamine, a sixth of R-norketamine (molar)."""
    names = [f"arterial.{e}-{m}" for e in "sr" for m in ("norketamine", "dehydronorketamine")]
    steps = [f"ketamine {rate} mg/kg/h iv for 1 h at {hour} h" for hour, rate in enumerate((0.28, 0.57, 1.14))]
    regimen = "; ".join(steps)
    result = simulate(regimen, outputs=tuple(names), until="5 h", every="10 min", patient="male, 70 kg")
    to_molar = 223.7 / 221.68
    for enantiomer, measured in (("s", 0.0563 / 0.5294), ("r", 0.1 / 0.6041)):
        norketamine, dehydro = (float(result.values[n][0][-1]) for n in names if f".{enantiomer}-" in n)
        assert dehydro / norketamine * to_molar == pytest.approx(measured, rel=0.15)


def test_children_clear_ketamine_as_adults_do_for_their_size() -> None:
    """Herd and Anderson 2007: 90 L/h per 70 kg with the power 0.75 of weight."""
    options = {"model": {"ketamine": "herd-2007"}, "patient": "male, 8 y, 32.5 kg, 128 cm"}
    exposure = area(course("ketamine 35 mg iv over 2 min", "venous.ketamine", "72 h", "1 min", **options))
    assert 35e3 / exposure == pytest.approx(90 * (32.5 / 70) ** 0.75, rel=0.01)


# Stimulants


def test_cocaine_by_vein_and_nose() -> None:
    """Jeffcoat 1989: half-life 78 min, 80 % by nose, absorbed with a half-time of 11.7 min."""
    vein = course("cocaine 25 mg iv", "venous.cocaine", every="1 min")
    nose = course("cocaine 25 mg intranasal", "venous.cocaine", every="1 min")
    assert half_life(vein, 1, 8) == pytest.approx(78 / 60, rel=0.01)
    assert area(nose) / area(vein) == pytest.approx(0.8, rel=0.01)
    rate, loss = np.log(2) / 11.7, np.log(2) / 78
    assert peak(nose)[1] * 60 == pytest.approx(np.log(rate / loss) / (rate - loss), abs=1)


def test_smoked_cocaine_comes_as_fast_as_blood_carries_it() -> None:
    smoked = course("cocaine-base 20 mg inhaled", "venous.cocaine", "4 h", "15 s")
    nose = course("cocaine 20 mg intranasal", "venous.cocaine", "4 h", "15 s")
    assert peak(smoked)[1] * 60 < 10 < 30 < peak(nose)[1] * 60


def test_a_third_of_the_cocaine_from_the_nose_came_through_the_mucosa() -> None:
    """Fattinger 2000: 19 % of the dose, 31 % of the exposure; 33 % by mouth."""
    model = {"model": {"cocaine": "fattinger-2000"}}
    vein = area(course("cocaine 100 mg iv", "venous.cocaine", **model))
    nose = area(course("cocaine 100 mg intranasal", "venous.cocaine", **model)) / vein
    assert 0.19 / nose == pytest.approx(0.31, abs=0.01)
    assert area(course("cocaine 100 mg oral", "venous.cocaine", **model)) / vein == pytest.approx(0.33, rel=0.01)


def test_dexamfetamine_tablets_as_the_label_has_them() -> None:
    """15 mg: 36.6 ng/mL at 3 h."""
    height, hours = peak(course("dexamfetamine 15 mg oral", "venous.dexamfetamine"))
    assert height == pytest.approx(36.6, rel=0.1)
    assert hours == pytest.approx(3, abs=0.5)


def test_lisdexamfetamine_is_dexamfetamine_an_hour_or_two_later() -> None:
    """Dolder 2017: 100 mg peaks 1.1 (SD 1.5) h after 40 mg of the sulfate, at the same height."""
    tablet = peak(course("dexamfetamine 40 mg oral", "venous.dexamfetamine"))
    prodrug = peak(course("lisdexamfetamine 100 mg oral", "venous.dexamfetamine"))
    assert prodrug[0] == pytest.approx(tablet[0], rel=0.1)
    assert 0 < prodrug[1] - tablet[1] < 1.1 + 1.5


# Comparators at the NMDA channel


def test_phencyclidine_stays_for_a_day() -> None:
    """Cook 1982 and 1983: half-life 17.6 h, 72 % by mouth, 6.2 L/kg."""
    vein = course("phencyclidine 1 mg iv", "venous.phencyclidine", "168 h", "10 min")
    mouth = course("phencyclidine 1 mg oral", "venous.phencyclidine", "168 h", "10 min")
    assert half_life(vein, 2, 100) == pytest.approx(17.6, rel=0.01)
    assert area(mouth) / area(vein) == pytest.approx(0.72, rel=0.01)
    assert peak(vein)[0] == pytest.approx(0.87e3 / (6.2 * 70), rel=0.01)


def test_memantine_at_steady_state() -> None:
    """20 mg a day: 70-150 ng/mL; half-life 61 h."""
    time, plasma = course("memantine 10 mg oral every 12 h x 60", "venous.memantine", "30 d", "1 h")
    last = plasma[time >= 29 * 1440]
    assert 70 < last.mean() < 150
    single = course("memantine 10 mg oral", "venous.memantine", "14 d", "1 h")
    assert half_life(single, 48, 300) == pytest.approx(61.15, rel=0.01)


@pytest.mark.parametrize(("egfr", "low", "high"), [(40, 1.24, 1.97), (17, 1.77, 2.52)])
def test_memantine_stays_when_kidneys_fail(egfr: int, low: float, high: float) -> None:
    """Periclou 2006: AUC 1.60 and 2.15 times (95 % intervals) at 30-49 and 5-29 mL/min."""
    well, ill = (
        area(course("memantine 20 mg oral", "venous.memantine", "60 d", "1 h", patient=f"male, 70 kg, eGFR {e}"))
        for e in (100, egfr)
    )
    assert low < ill / well < high


def test_memantine_blocks_at_clinical_concentrations_as_ketamine_does_in_depression() -> None:
    """With magnesium, memantine at steady state lies near the peak of a subanaesthetic infusion of ketamine."""
    _, memantine = course("memantine 10 mg oral every 12 h x 60", "block.nmda", "30 d", "1 h")
    _, ketamine = course("ketamine 0.5 mg/kg iv over 40 min", "block.nmda", "2 h", "1 min")
    assert 0.3 < memantine[-1] / ketamine.max() < 1.5


# Antidepressants: time course only


def test_escitalopram_clears_as_published_and_fills_the_transporter() -> None:
    """Areberg 2006: 19 L/h; most of the serotonin transporter is taken from the first day."""
    exposure = area(course("escitalopram 20 mg oral", "venous.escitalopram", "30 d", "1 h"))
    assert 20e3 / exposure == pytest.approx(19, rel=0.01)
    _, taken = course("escitalopram 10 mg oral every 24 h x 7", "occupancy.sert", "7 d", "1 h")
    assert taken[24:].min() > 0.8


def test_venlafaxine_in_the_healthy_and_in_patients() -> None:
    """Wang 2022: half-life 5.4 h in the healthy; patients are exposed 2.6 times; the metabolite does not differ."""
    healthy = {"model": {"venlafaxine": "wang-2022-healthy"}}
    well = course("venlafaxine 50 mg oral", "venous.venlafaxine", "10 d", "10 min", **healthy)
    ill = course("venlafaxine 50 mg oral", "venous.venlafaxine", "10 d", "10 min")
    assert half_life(well, 16, 36) == pytest.approx(5.4, rel=0.02)
    assert area(ill) / area(well) == pytest.approx(1 / (1 - 0.617), rel=0.01)
    metabolite = [
        area(course("venlafaxine 50 mg oral", "venous.desvenlafaxine", "10 d", "10 min", **o)) for o in (healthy, {})
    ]
    assert metabolite[0] == pytest.approx(metabolite[1], rel=0.01)


# The kappa agonist


def test_nalbuphine_in_volunteers() -> None:
    """Lo 1987, 10 mg: 39 ng/mL 5 min after IV; 81 % by muscle, peak 29 ng/mL at 30-40 min; half-life 2.2-2.6 h."""
    vein = course("nalbuphine 10 mg iv", "venous.nalbuphine", every="1 min")
    muscle = course("nalbuphine 10 mg im", "venous.nalbuphine", every="1 min")
    assert float(np.interp(5, *vein)) == pytest.approx(39, rel=0.15)
    assert area(muscle) / area(vein) == pytest.approx(0.81, rel=0.01)
    assert peak(muscle)[0] == pytest.approx(29, rel=0.25)
    assert 30 <= peak(muscle)[1] * 60 <= 40
    assert half_life(vein, 1, 10) == pytest.approx(2.2, rel=0.05)


def test_patients_under_anaesthesia_clear_nalbuphine_more_slowly() -> None:
    """Nie 2023: 32.9 L/h."""
    vein = course(
        "nalbuphine 15 mg iv over 2 min", "venous.nalbuphine", every="1 min", model={"nalbuphine": "nie-2023"}
    )
    assert 15e3 / area(vein) == pytest.approx(32.9, rel=0.01)


def test_nalbuphine_reverses_a_mu_agonist() -> None:
    _, alone = course("fentanyl 200 ug iv", "activation.mu", "1 h", "1 min")
    _, both = course("fentanyl 200 ug iv; nalbuphine 20 mg iv at 10 min", "activation.mu", "1 h", "1 min")
    assert both[15] < alone[15] / 1.3
