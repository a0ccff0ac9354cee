"""Opioids and naloxone as entered meet the figures of the papers they were entered from."""

from __future__ import annotations

import numpy as np
import pytest

from racemate import simulate


def course(
    regimen: str, output: str, until: str = "24 h", every: str = "1 min", **options: object
) -> tuple[np.ndarray, np.ndarray]:
    result = simulate(regimen, outputs=(output,), until=until, every=every, patient="male, 70 kg", **options)
    return np.asarray(result.time), np.asarray(result.values[output][0])


def area(time: np.ndarray, concentration: np.ndarray) -> float:
    """ng h/mL from ng/mL over minutes."""
    return float(np.trapezoid(concentration, time)) / 60


def test_fentanyl_50_ug_has_the_exposure_of_volunteers() -> None:
    """Dose over clearance of Bae 2020; 24 volunteers had 1111 h pg/mL."""
    time, plasma = course("fentanyl 50 ug iv over 2 min", "arterial.fentanyl", until="48 h")
    assert area(time, plasma) == pytest.approx(50 / 0.704 / 60, rel=0.005)
    assert area(time, plasma) == pytest.approx(1.111, rel=0.1)


def test_algera_clears_fentanyl_faster_than_volunteers() -> None:
    time, plasma = course(
        "fentanyl 50 ug iv over 2 min", "arterial.fentanyl", until="48 h", model={"fentanyl": "algera-2021"}
    )
    assert area(time, plasma) == pytest.approx(0.661, rel=0.01)


def test_nasal_fentanyl_peaks_as_measured() -> None:
    """47 ug: 338 pg/mL at 12 min."""
    time, plasma = course("fentanyl 47 ug intranasal", "arterial.fentanyl", until="2 h", every="15 s")
    assert plasma.max() == pytest.approx(0.338, rel=0.1)
    assert time[plasma.argmax()] == pytest.approx(12, abs=2)


def test_a_fentanyl_patch_rises_over_a_day() -> None:
    """Oosten 2016, 100 ug/h: 1.58 ng/mL at most in 72 h, nothing in the first 4.7 h."""
    time, plasma = course("fentanyl 100 ug/h transdermal for 72 h", "venous.fentanyl", until="72 h", every="30 min")
    assert plasma.max() == pytest.approx(1.585, rel=0.01)
    assert 12 * 60 < time[plasma.argmax()] < 24 * 60
    assert plasma[time <= 4.7 * 60].max() < 1e-6


def test_morphine_and_its_glucuronides_by_vein() -> None:
    """8.5 mg of base: Crotty 2002 found 103 and 125 ng h/mL of morphine and M6G; M3G comes out at half of its 1359."""
    exposure = {}
    for name in ("morphine", "morphine-6-glucuronide", "morphine-3-glucuronide"):
        exposure[name] = area(*course("morphine-base 8.5 mg iv", f"arterial.{name}", until="48 h", every="20 s"))
    assert exposure["morphine"] == pytest.approx(103.4, rel=0.02)
    assert exposure["morphine-6-glucuronide"] == pytest.approx(125, rel=0.12)
    assert exposure["morphine-3-glucuronide"] == pytest.approx(644, rel=0.02)


def test_morphine_by_mouth_makes_more_of_its_glucuronide() -> None:
    """Hoskin 1989: the ratio of M6G to morphine is 2:1 by vein and 11:1 by mouth; as much M6G by either route."""
    ratio, per_mg = {}, {}
    for route in ("iv", "oral"):
        morphine = area(*course(f"morphine 10 mg {route}", "arterial.morphine", until="48 h", every="20 s"))
        glucuronide = area(
            *course(f"morphine 10 mg {route}", "arterial.morphine-6-glucuronide", until="48 h", every="20 s")
        )
        ratio[route], per_mg[route] = glucuronide / morphine, glucuronide / 10
    assert 2.5 < ratio["oral"] / ratio["iv"] < 6.5
    assert per_mg["oral"] == pytest.approx(per_mg["iv"], rel=0.25)


@pytest.mark.parametrize(
    ("regimen", "peak", "minutes"),
    [
        ("morphine 10 mg im", (51, 62), (10, 25)),  # Stanski 1978
        ("morphine 10 mg sc", (61, 89), (10, 20)),  # Stuart-Harris 2000: 262 (SD 49) nmol/L at 15 min
        ("morphine 20 mg oral", (15, 27), (30, 60)),  # Hoskin 1989: 45 min
    ],
)
def test_morphine_peaks_when_and_where_it_was_measured(
    regimen: str, peak: tuple[float, float], minutes: tuple[float, float]
) -> None:
    time, plasma = course(regimen, "arterial.morphine", until="4 h")
    assert peak[0] <= plasma.max() <= peak[1]
    assert minutes[0] <= time[plasma.argmax()] <= minutes[1]


def test_glucuronides_stay_when_kidneys_fail_and_morphine_does_not() -> None:
    def exposures(egfr: int) -> list[float]:
        names = ("arterial.morphine", "arterial.morphine-6-glucuronide")
        patient = f"male, 70 kg, eGFR {egfr}"
        result = simulate("morphine 10 mg iv", outputs=names, until="72 h", every="1 min", patient=patient)
        return [area(np.asarray(result.time), np.asarray(result.values[n][0])) for n in names]

    (well, well_m6g), (ill, ill_m6g) = exposures(100), exposures(20)
    assert ill == pytest.approx(well, rel=1e-3)
    assert ill_m6g / well_m6g == pytest.approx(5**0.673, rel=0.01)


@pytest.mark.parametrize(("dose", "peak"), [(0.4, 0.91), (0.8, 1.83), (2.0, 4.56)])
def test_an_injector_of_naloxone(dose: float, peak: float) -> None:
    """Yang 2024: peak at 13.6 min."""
    time, plasma = course(f"naloxone {dose} mg im", "venous.naloxone", until="4 h", every="6 s")
    assert plasma.max() == pytest.approx(peak, rel=0.01)
    assert time[plasma.argmax()] == pytest.approx(13.6, abs=0.3)


def test_naloxone_by_vein_and_nose() -> None:
    """Half-life 60-90 min; 1 mg leaves 0.51 ng/mL at 118 min (Skulberg 2018); a 4 mg spray peaks at 4-6 ng/mL."""
    time, plasma = course("naloxone 1 mg iv", "venous.naloxone", until="8 h")
    late = (time >= 240) & (time <= 480)
    half_life = -np.log(2) / np.polyfit(time[late], np.log(plasma[late]), 1)[0]
    assert 60 < half_life < 90
    assert float(np.interp(118, time, plasma)) == pytest.approx(0.51, rel=0.2)
    for model in ("fda-intranasal-4mg", "laffont-2024", "papathanasiou-2019"):
        assert (
            4
            < course("naloxone 4 mg intranasal", "venous.naloxone", until="2 h", model={"naloxone": model})[1].max()
            < 6.5
        )


def test_one_model_serves_naloxone_by_several_routes() -> None:
    alone = course("naloxone 0.4 mg iv", "venous.naloxone", until="2 h")[1]
    both = course("naloxone 0.4 mg iv; naloxone 2 mg im at 20 min", "venous.naloxone", until="2 h")[1]
    assert np.allclose(both[:20], alone[:20], rtol=1e-4)
    assert both[40] > 3 * alone[40]


def test_eleveld_gives_his_reference_man_and_agrees_with_minto() -> None:
    """CL 2.58 L/min at 35 y, 70 kg, 170 cm: 7 ug/min settles at 2.71 ng/mL."""
    options = {"until": "10 h", "every": "10 min", "outputs": ("arterial.remifentanil",)}
    man = "male, 35 y, 70 kg, 170 cm"
    levels = [
        simulate("remifentanil 7 ug/min iv for 10 h", patient=man, model={"remifentanil": m}, **options).values[
            "arterial.remifentanil"
        ][0][-2]
        for m in ("eleveld-2017", "minto-1997")
    ]
    assert levels[0] == pytest.approx(7 / 2.58, rel=0.005)
    assert levels[1] == pytest.approx(levels[0], rel=0.1)


def test_remifentanil_halves_within_minutes_of_any_infusion() -> None:
    """Kapila 1995: 3.2 (SD 0.9) min after 3 h; the model gives 2.1."""
    time, blood = course("remifentanil 0.1 ug/kg/min iv for 3 h", "arterial.remifentanil", until="4 h", every="3 s")
    end = float(np.interp(180, time, blood))
    half = time[(time > 180) & (blood <= end / 2)][0] - 180
    assert 1.5 < half < 4


def test_naloxone_takes_mu_receptors_as_in_pet() -> None:
    """0.01 mg/kg blocks 65-100 % at 45-65 min, 0.1 mg/kg 97-100 %."""
    taken = [
        float(np.interp(55, *course(f"naloxone {dose} mg/kg iv", "occupancy.mu.naloxone", until="2 h")))
        for dose in (0.01, 0.1)
    ]
    assert 0.4 < taken[0] < 0.8
    assert taken[1] > 0.9


def test_naloxone_gives_breath_back() -> None:
    breath = course("morphine 10 mg iv; naloxone 0.4 mg iv at 60 min", "ventilation", until="2 h")[1]
    assert breath[59] < 0.75
    assert breath[80] > breath[59] + 0.15
