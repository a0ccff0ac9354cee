"""A patient's numbers depend on that patient alone: the same bytes however a batch is cut, ordered or shared."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from racemate.engine import Batch, Kind, Schedule, Status, compile_system
from racemate.engine.problem import Solution
from racemate.model import Model, compose
from racemate.model.graph import hill
from racemate.model.system import System

PATIENTS = 29
TIMES = np.linspace(0.0, 600.0, 41)
SUMMARIES = ("max", "time_of_max", "integral")


@cache
def opioid_with_rescue() -> System:
    """A drug, fast binding, ventilation; naloxone when ventilation falls low, and an end when it falls too low."""
    model = Model()
    m = model.module("opioid")
    drug, rescue = (m.state(f"amount.{n}", "nmol", scale=1000.0) for n in ("drug", "rescue"))
    volume = m.parameter("V", 20.0, "L")
    m.rate("amount.drug", -m.parameter("CL", 0.4, "L/min") / volume * drug)
    m.rate("amount.rescue", -m.parameter("k.rescue", 0.02, "1/min") * rescue)
    bound, ventilation = m.state("bound", "1", scale=0.5), m.state("ventilation", "1", initial=1.0, scale=1.0)
    kon, koff = m.parameter("kon", 0.5, "L/nmol/min"), m.parameter("koff", 10.0, "1/min")
    m.rate("bound", kon * drug / volume * (1.0 - bound) - koff * bound * (1.0 + rescue / m.quantity(50.0, "nmol")))
    drop = hill(bound, m.number(0.5), 2.5)
    m.rate("ventilation", m.parameter("k", 0.1, "1/min") * (1.0 - drop - ventilation))
    m.offer("plasma", drug / volume, "nmol/L")
    m.offer("breath", ventilation, "1")
    m.dose("drug/iv", into="amount.drug")
    dose = m.quantity(400.0, "nmol")
    m.event("rescue", 0.6 - ventilation, (("add", "amount.rescue", dose),), times=3)
    m.event("arrest", 0.45 - ventilation, (("end", "", None),))
    return compose(model, ["plasma", "breath"])


@cache
def batch() -> tuple[Batch, Schedule]:
    """Patients who differ in everything, with boluses, repeats, infusions and a reset at times of their own."""
    system, rng = opioid_with_rescue(), np.random.default_rng(3)
    base = np.array([p.value for p in system.parameters])
    people = Batch(base, np.arange(len(base)), base * np.exp(0.4 * rng.standard_normal((PATIENTS, len(base)))))

    def each(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, PATIENTS)

    start, rate, drug = each(60.0, 200.0), each(1.0, 12.0), system.state_index["amount.drug"]
    return people, Schedule.of(
        [
            (each(0.0, 60.0), each(40.0, 120.0), each(50.0, 1200.0), 5, Kind.ADD_STATE, drug),
            (start, 0.0, rate, 1, Kind.ADD_INPUT, 0),
            (start + each(10.0, 90.0), 0.0, -rate, 1, Kind.ADD_INPUT, 0),
            (each(400.0, 550.0), 0.0, 0.0, 1, Kind.RESET, 0),
        ]
    )


def chosen(patients: np.ndarray) -> tuple[Batch, Schedule]:
    people, s = batch()
    rows = (x[patients] for x in (s.time, s.interval, s.value))
    return Batch(people.base, people.columns, people.varying[patients]), Schedule(*rows, s.count, s.kind, s.index)


def run(patients: np.ndarray, lanes: int | None = None, threads: int = 1) -> Solution:
    kernel = compile_system(opioid_with_rescue(), lanes)
    return kernel.run(*chosen(patients), TIMES, threads=threads, summaries=SUMMARIES)


def bytes_of(found: Solution, order: np.ndarray | None = None) -> list[bytes]:
    """Everything that was found, patient by patient in the first order."""
    back = slice(None) if order is None else np.argsort(order)
    parts = [found.values, found.status, found.steps, *(found.summaries[n] for n in SUMMARIES)]
    return [np.ascontiguousarray(x[back]).tobytes() for x in parts]


ALL = np.arange(PATIENTS)


@cache
def expected() -> list[bytes]:
    return bytes_of(run(ALL))


def test_the_batch_has_every_way_to_end_and_rescues_in_it() -> None:
    found = run(ALL)
    assert {Status(int(s)) for s in found.status} == {Status.DONE, Status.ENDED_BY_EVENT}
    assert np.sum(found.values[:, :, 1].min(axis=1) < 0.62) > 5


@pytest.mark.parametrize("lanes", [1, 2, 4, 8])
@pytest.mark.parametrize("threads", [1, 2])
def test_lanes_and_threads_do_not_change_a_bit(lanes: int, threads: int) -> None:
    assert bytes_of(run(ALL, lanes, threads)) == expected()


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_patients_does_not_change_a_bit(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(PATIENTS)
    assert bytes_of(run(order), order) == expected()


def test_halves_of_a_batch_are_the_batch() -> None:
    halves = [run(ALL[:13]), run(ALL[13:])]
    assert bytes_of(Solution.joined(halves)) == expected()


def test_every_patient_alone_is_the_same_as_in_company() -> None:
    assert bytes_of(Solution.joined([run(ALL[i : i + 1]) for i in ALL])) == expected()


def test_a_run_repeated_is_the_same() -> None:
    assert bytes_of(run(ALL)) == expected()
