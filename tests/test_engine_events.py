"""Events that the model itself brings about, and summaries found while stepping: against formulas on paper."""

from __future__ import annotations

import numpy as np
import pytest

from racemate.engine import Batch, Kind, Schedule, Status, compile_system, reference
from racemate.errors import RacemateError
from racemate.model import Model, compose
from racemate.model.system import System

RATES = np.array([[0.1], [0.2], [0.35], [0.05], [1.0]])
TIMES = np.linspace(0.0, 30.0, 31)


def batch(system: System) -> Batch:
    return Batch(np.array([p.value for p in system.parameters]), np.array([system.parameter_index["k"]]), RATES)


def decay(*actions: tuple[str, str, float | None], times: int = 1_000_000) -> System:
    """``dx/dt = -k x + supply`` from 1; something happens when x falls through one half."""
    model = Model()
    m = model.module("decay")
    x = m.state("x", "nmol", initial=1.0, scale=1.0)
    supply = m.input("supply", "nmol/min")
    m.rate("x", supply - m.parameter("k", 0.1, "1/min") * x)
    m.offer("amount", x, "nmol")
    units = {"x": "nmol", "supply": "nmol/min"}
    done = tuple((kind, on, None if v is None else m.quantity(v, units[on])) for kind, on, v in actions)
    m.event("low", m.quantity(0.5, "nmol") - x, done, times=times)
    return compose(model, ["amount"])


def test_a_refill_at_one_half_gives_a_saw_tooth() -> None:
    system = decay(("set", "x", 1.0))
    found = compile_system(system).run(batch(system), Schedule.empty(), TIMES, rtol=1e-9).values[:, :, 0]
    period = np.log(2.0) / RATES
    truth = np.exp(-RATES * np.mod(TIMES[None, :], period))
    away = np.abs(np.mod(TIMES[None, :] / period + 0.5, 1.0) - 0.5) > 1e-6
    np.testing.assert_allclose(found[away], truth[away], rtol=1e-6)


def test_an_event_may_act_a_limited_number_of_times() -> None:
    system = decay(("add", "x", 0.5), times=2)
    found = compile_system(system).run(batch(system), Schedule.empty(), TIMES, rtol=1e-9).values[:, :, 0]
    after = 2 * np.log(2.0) / RATES
    late = TIMES[None, :] > after + 1e-6
    truth = np.exp(-RATES * (TIMES[None, :] - after))
    np.testing.assert_allclose(found[late], truth[late], rtol=1e-6, atol=1e-10)


def test_an_event_ends_one_patient_and_its_last_state_stays() -> None:
    system = decay(("end", "", None))
    found = compile_system(system).run(batch(system), Schedule.empty(), TIMES)
    fast = RATES[:, 0] * 30.0 > np.log(2.0)
    assert np.all(found.status[fast] == Status.ENDED_BY_EVENT)
    np.testing.assert_allclose(found.values[fast, -1, 0], 0.5, rtol=1e-5)
    assert np.all(np.isfinite(found.values))


def test_an_event_changes_an_input_as_the_reference_has_it() -> None:
    system = decay(("set", "supply", 0.3))
    given = Schedule.of([(12.0, 0.0, 1.0, 1, Kind.ADD_STATE, 0)])
    found = compile_system(system).run(batch(system), given, TIMES)
    truth = reference.solve(system, batch(system), given, TIMES, rtol=1e-10)
    np.testing.assert_allclose(found.values, truth.values, rtol=2e-5)
    lanes = [compile_system(system, n).run(batch(system), given, TIMES).values for n in (1, 2, 8)]
    assert all(np.array_equal(v, lanes[0]) for v in lanes)


def absorption() -> System:
    """A dose absorbed at first order: the Bateman function."""
    model = Model()
    m = model.module("absorption")
    depot, central = m.state("depot", "nmol", scale=1.0), m.state("central", "nmol", scale=1.0)
    ka, k = m.parameter("ka", 0.5, "1/min"), m.parameter("k", 0.1, "1/min")
    m.rate("depot", -ka * depot)
    m.rate("central", ka * depot - k * central)
    m.offer("amount", central, "nmol")
    m.dose("drug/po", into="depot")
    return compose(model, ["amount"])


def test_peak_time_and_area_are_those_of_the_bateman_function() -> None:
    system = absorption()
    rates = np.array([[0.01], [0.05], [0.1], [0.2]])
    many = Batch(np.array([p.value for p in system.parameters]), np.array([system.parameter_index["k"]]), rates)
    given = Schedule.of([(0.0, 0.0, 2.0, 1, Kind.ADD_STATE, system.state_index["depot"])])
    names = ("max", "time_of_max", "integral")
    found = compile_system(system).run(many, given, np.array([0.0, 400.0]), summaries=names).summaries
    ka, k = 0.5, rates[:, 0]
    at = np.log(ka / k) / (ka - k)

    def amount(t: np.ndarray | float) -> np.ndarray:
        return 2.0 * ka / (ka - k) * (np.exp(-k * t) - np.exp(-ka * t))

    area = 2.0 * ka / (ka - k) * ((1 - np.exp(-k * 400.0)) / k - (1 - np.exp(-ka * 400.0)) / ka)
    np.testing.assert_allclose(found["time_of_max"][:, 0], at, rtol=1e-2)
    np.testing.assert_allclose(found["max"][:, 0], amount(at), rtol=1e-5)
    np.testing.assert_allclose(found["integral"][:, 0], area, rtol=1e-5)


def test_an_unknown_summary_is_an_error() -> None:
    system = absorption()
    one = Batch(np.array([p.value for p in system.parameters]), np.zeros(0, np.int64), np.zeros((1, 0)))
    with pytest.raises(RacemateError, match="unknown summary 'integrals'"):
        compile_system(system).run(one, Schedule.empty(), TIMES, summaries=["integrals"])
