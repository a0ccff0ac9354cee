"""Every dose form, proved three ways: the records as we read them, the doses written out, and a second solver.

The proof is a page, docs/events.md; this test makes it anew and refuses one that has gone stale.
"""

# ruff: noqa: E501 - the page is written as it reads
from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from independent import cvode
from racemate.engine.problem import Kind, Schedule
from racemate.regimen import Regimen
from racemate.scenario import Scenario
from racemate.simulate import Prepared, prepare

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "events.md"
HOURS = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 24.0)
PER_MG = 1e6 / 200  # nmol in a mg
CENTRAL, DEPOT = "amount.eventol.central", "amount.eventol.oral-depot"

Written = tuple[str, float, float, float]  # what ("bolus", "infusion", "reset"), hour, mg, hours


@dataclass(frozen=True)
class Case:
    """A dose form: records as a NONMEM user writes them, and the same doses written out one by one."""

    name: str
    route: str
    records: list[dict[str, float]]
    written: list[Written]
    into: str = CENTRAL
    note: str = ""


def bolus(*hours: float, mg: float = 100.0) -> list[Written]:
    return [("bolus", h, mg, 0.0) for h in hours]


def infusion(hour: float, mg: float, hours: float) -> list[Written]:
    return [("infusion", hour, mg, hours)]


LONG_AGO = range(-60, 0)
CASES = [
    Case("bolus", "iv", [{"TIME": 0, "AMT": 100}], bolus(0)),
    Case("repeats (ADDL, II)", "iv", [{"TIME": 0, "AMT": 100, "ADDL": 3, "II": 4}], bolus(0, 4, 8, 12)),
    Case("infusion by rate (RATE)", "iv", [{"TIME": 1, "AMT": 100, "RATE": 50}], infusion(1, 100, 2)),
    Case("infusion by duration (DUR)", "iv", [{"TIME": 1, "AMT": 100, "DUR": 3}], infusion(1, 100, 3)),
    Case(
        "overlapping infusions",
        "iv",
        [{"TIME": 0, "AMT": 100, "RATE": 25, "ADDL": 2, "II": 2}],
        [*infusion(0, 100, 4), *infusion(2, 100, 4), *infusion(4, 100, 4)],
    ),
    Case("lag and bioavailability", "oral", [{"TIME": 1, "AMT": 100}], bolus(1.5, mg=50), DEPOT, "F 0.5, lag 0.5 h"),
    Case(
        "bioavailability at a fixed rate",
        "oral",
        [{"TIME": 0, "AMT": 100, "RATE": 25}],
        infusion(0.5, 50, 2),
        DEPOT,
        "F 0.5 halves the duration, not the rate",
    ),
    Case(
        "bioavailability at a fixed duration",
        "oral",
        [{"TIME": 0, "AMT": 100, "DUR": 4}],
        infusion(0.5, 50, 4),
        DEPOT,
        "F 0.5 halves the rate, not the duration",
    ),
    Case(
        "modelled rate (RATE = -1)",
        "im",
        [{"TIME": 0, "AMT": 50, "RATE": -1}],
        infusion(0, 30, 3),
        note="10 mg/h, F 0.6",
    ),
    Case(
        "modelled duration (RATE = -2)",
        "sc",
        [{"TIME": 0, "AMT": 50, "RATE": -2}],
        infusion(0, 40, 2),
        note="2 h, F 0.8",
    ),
    Case(
        "steady state (SS = 1)",
        "iv",
        [{"TIME": 0, "AMT": 100, "SS": 1, "II": 8}],
        bolus(*(8 * k for k in LONG_AGO), 0),
    ),
    Case(
        "steady state with lag",
        "oral",
        [{"TIME": 0, "AMT": 100, "SS": 1, "II": 6}],
        bolus(*(6 * k + 0.5 for k in LONG_AGO), 0.5, mg=50),
        DEPOT,
    ),
    Case(
        "steady state of an infusion longer than its interval",
        "iv",
        [{"TIME": 0, "AMT": 100, "DUR": 10, "SS": 1, "II": 8}],
        [w for k in (*LONG_AGO, 0) for w in infusion(8 * k, 100, 10)],
    ),
    Case(
        "steady state added to what is there (SS = 2)",
        "iv",
        [{"TIME": 0, "AMT": 200}, {"TIME": 2, "AMT": 100, "SS": 2, "II": 8}],
        [*bolus(0, mg=200), *bolus(*(8 * k + 2 for k in LONG_AGO if 8 * k + 2 >= 0), 2)],
        note="written out with the periodic level added at 2 h",
    ),
    Case(
        "constant infusion at steady state (AMT = 0)",
        "iv",
        [{"TIME": 0, "AMT": 0, "RATE": 20, "SS": 1}],
        infusion(-480, 480 * 20, 480),
    ),
    Case(
        "reset (EVID = 3)",
        "iv",
        [{"TIME": 0, "AMT": 100, "RATE": 20}, {"TIME": 2, "EVID": 3}, {"TIME": 4, "AMT": 100}],
        [*infusion(0, 100, 5), ("reset", 2, 0, 0), *bolus(4)],
        note="a running infusion stops",
    ),
    Case(
        "reset and dose (EVID = 4)",
        "iv",
        [{"TIME": 0, "AMT": 100}, {"TIME": 2, "AMT": 50, "EVID": 4}],
        [*bolus(0), ("reset", 2, 0, 0), *bolus(2, mg=50)],
    ),
]


@pytest.fixture(autouse=True)
def own_drug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RACEMATE_LIBRARY", str(HERE / "data" / "library"))


def ours(case: Case, *, before_doses: bool = False) -> Prepared:
    regimen = Regimen.from_records(case.records, product="eventol", route=case.route)
    outputs = ("venous.eventol", "amount.eventol")
    scenario = Scenario.of(regimen, until="24 h", every="1 h", outputs=outputs, rtol=1e-9, before_doses=before_doses)
    prepared = prepare(scenario)
    times = np.array(HOURS) * 60
    return replace(prepared, times=times)


def written_out(case: Case, prepared: Prepared) -> Prepared:
    """The same system with the doses of the case put in by hand, one record each."""
    system = prepared.system
    state = system.state_index[case.into]
    rate = [i.name for i in system.inputs].index(f"infusion.{case.into}")
    records: list[tuple[float, float, float, int, Kind, int]] = []
    resets = [hour for what, hour, _, _ in case.written if what == "reset"]
    for what, hour, mg, hours in case.written:
        if what == "bolus":
            records.append((hour * 60, 0.0, mg * PER_MG, 1, Kind.ADD_STATE, state))
        elif what == "infusion":
            end = min([hour + hours, *(r for r in resets if r > hour)])
            value = mg * PER_MG / (hours * 60)
            records += [(hour * 60, 0.0, value, 1, Kind.ADD_INPUT, rate)]
            records += [(end * 60, 0.0, -value, 1, Kind.ADD_INPUT, rate)]
        else:
            records.append((hour * 60, 0.0, 0.0, 1, Kind.RESET, 0))
    if "SS = 2" in case.name:  # the periodic level at 2 h, from the geometric series of a bolus every 8 h
        level = 100 * PER_MG * np.exp(-0.25 * 8) / (1 - np.exp(-0.25 * 8))
        records.append((120.0, 0.0, level, 1, Kind.ADD_STATE, state))
    start = min(0.0, *(r[0] for r in records))
    scenario = replace(prepared.scenario, regimen=_starting(start))
    return replace(prepared, scenario=scenario, schedule=Schedule.of(sorted(records, key=lambda r: r[0])))


def _starting(minute: float) -> Regimen:
    """A regimen whose only role is to start the horizon early enough."""
    return Regimen.from_records([{"TIME": minute / 60, "AMT": 1}], product="eventol", route="iv")


def gap(a: np.ndarray, b: np.ndarray) -> float:
    return float((np.abs(a - b) / (np.abs(b) + 1e-3 * np.abs(b).max())).max())


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_dose_form_means_the_same_three_ways(case: Case) -> None:
    prepared = ours(case)
    by_hand = written_out(case, prepared)
    records = prepared.solve().values[0, :, 0]
    assert gap(records, by_hand.solve().values[0, :, 0]) < 1e-6
    assert gap(records, cvode(by_hand)[:, 0]) < 1e-6


def test_an_output_at_a_dosing_time_is_after_the_dose_or_before_it_if_asked() -> None:
    case = next(c for c in CASES if c.name.startswith("repeats"))
    after, before = ours(case).solve().values[0, :, 0], ours(case, before_doses=True).solve().values[0, :, 0]
    jump = 100 * PER_MG / 20
    doses = [HOURS.index(h) for h in (0.0, 4.0, 8.0, 12.0)]
    assert np.allclose((after - before)[doses], jump, rtol=1e-7)
    others = [i for i in range(len(HOURS)) if i not in doses]
    assert np.allclose(after[others], before[others], rtol=1e-12)


def row(case: Case) -> str:
    records = "; ".join(" ".join(f"{k}={v:g}" for k, v in r.items()) for r in case.records)
    values = ours(case).solve().values[0, :, 0] * 200 / 1000
    cells = " | ".join(f"{v:.1f}" for v in values)
    note = f" ({case.note})" if case.note else ""
    return f"| {case.name}{note} | {case.route} | `{records}` | {cells} |"


def page() -> str:
    head = " | ".join(f"{h:g} h" for h in HOURS)
    rows = "\n".join(row(c) for c in CASES)
    rule = "|---" * (3 + len(HOURS)) + "|"
    return f"""# Dosing events, proved three ways

A made-up drug (one compartment, V 20 L, CL 5 L/h; oral F 0.5, ka 1/h, lag 0.5 h; sc input over 2 h, F 0.8; im input at 10 mg/h,
F 0.6) is given in every form the field's records know. Each row was computed from the records, from the same doses written out one
by one, and from those by a second solver (SUNDIALS CVODE); the three agree to 1e-6 or this page's test fails. The test
(`tests/test_events.py`) makes the page.

Venous concentration, ng/mL; TIME, II and DUR in h, AMT in mg, RATE in mg/h:

| form | route | records | {head} |
{rule}
{rows}

- An output at a dosing time is the value just after the dose; `before_doses=True` gives the one just before.
- A dose given by its rate keeps the rate, and bioavailability changes how long it lasts; a dose given by its duration keeps that.
- Steady state applies to the kinetics only and is exact: the periodic state is solved for, not run to. A lag of an interval or longer
  is refused.
- A reset empties every state and stops every running infusion.
"""


def test_the_page_of_events_is_made_by_this_test() -> None:
    text, known = page(), PAGE.read_text() if PAGE.exists() else ""
    PAGE.write_text(text)
    assert text == known, "docs/events.md was out of date; it has been made anew, look at it and commit it"
