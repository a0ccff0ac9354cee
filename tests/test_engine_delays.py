"""Delays that depend on the state: against solutions on paper, and against SciPy's steppers that step past none."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest
from scipy.special import lambertw

from racemate.engine import Batch, Kind, Schedule, Status, compile, compile_system, reference
from racemate.errors import RacemateError
from racemate.model import Model, compose, delay, hill, log
from racemate.model.system import System

ONE = Batch(np.zeros(0), np.zeros(0, np.int64), np.zeros((1, 0)))
E = np.e


def paul() -> System:
    """``y' = y(t) y(ln y(t)) / t`` with ``y = 1`` up to 1 (Paul 1992): ``t``, then ``exp(t/e)``, then a power."""
    model = Model()
    m = model.module("Paul 1992")
    y = m.state("y", "1", initial=1.0, scale=1.0)
    m.rate("y", y * delay(y, m.time - log(y) * m.quantity(1.0, "min")) / m.time)
    m.offer("y.now", y, "1")
    return compose(model, ["y.now"])


def paul_solution(t: np.ndarray) -> np.ndarray:
    early = np.where(t <= E, t, np.exp(t / E))
    return np.where(t <= E**2, early, (E / (3.0 - np.log(np.minimum(t, 20.0)))) ** E)


PAUL_TIMES = np.unique(np.concatenate([np.linspace(1.0, E, 15), np.linspace(E, np.exp(3 - np.exp(1 - E)), 40)]))


def test_a_state_dependent_delay_has_its_known_solution() -> None:
    found = compile_system(paul()).run(ONE, Schedule.empty(), PAUL_TIMES, start=1.0, rtol=1e-10)
    np.testing.assert_allclose(found.values[0, :, 0], paul_solution(PAUL_TIMES), rtol=5e-9)


def test_the_method_keeps_its_order_with_a_state_dependent_delay() -> None:
    """Order five: an error 10^4 times smaller costs 10^(4/5) = 6.3 times the steps, not 10 or more."""
    kernel, errors, steps = compile_system(paul()), [], []
    for rtol in (1e-6, 1e-10):
        found = kernel.run(ONE, Schedule.empty(), PAUL_TIMES, start=1.0, rtol=rtol)
        errors.append(np.max(np.abs(found.values[0, :, 0] / paul_solution(PAUL_TIMES) - 1.0)))
        steps.append(found.steps[0])
    order = np.log(errors[0] / errors[1]) / np.log(steps[1] / steps[0])
    assert 4.5 < order < 7.0


def hayes(count: int = 19) -> tuple[System, Batch]:
    """``y' = -k y(t - tau)`` from 1, for people with other ``k`` and ``tau``."""
    model = Model()
    m = model.module("Hayes 1950")
    y = m.state("y", "1", initial=1.0, scale=1.0)
    late = delay(y, m.parameter("tau", 1.0, "min"))
    m.rate("y", -m.parameter("k", 1.0, "1/min") * late)
    m.offer("now", y, "1")
    m.offer("late", late, "1")
    system = compose(model, ["now", "late"])
    columns = np.array([system.parameter_index[n] for n in ("k", "tau")])
    varying = np.stack([np.linspace(0.2, 1.4, count), np.linspace(1.3, 0.4, count)], axis=1)
    return system, Batch(np.array([p.value for p in system.parameters]), columns, varying)


def steps_method(t: np.ndarray, k: float, tau: float) -> np.ndarray:
    """The solution interval by interval: ``sum (-k)^n (t - (n-1) tau)^n / n!``."""
    total, n = np.ones_like(t), 1
    while np.any(t > (n - 1) * tau):
        total = total + (-k) ** n * np.maximum(t - (n - 1) * tau, 0.0) ** n / factorial(n)
        n += 1
    return total


TIMES = np.linspace(0.0, 6.0, 61)


def test_a_constant_delay_follows_the_method_of_steps() -> None:
    system, people = hayes()
    truth = np.array([steps_method(TIMES, *row) for row in people.varying])
    before = np.array(
        [np.where(tau < TIMES, steps_method(np.maximum(TIMES - tau, 0.0), k, tau), 1.0) for k, tau in people.varying]
    )
    for rtol, limit in ((1e-6, 1e-5), (1e-10, 1e-9)):
        found = compile_system(system).run(people, Schedule.empty(), TIMES, rtol=rtol).values
        assert np.abs(found[:, :, 0] - truth).max() < limit
        assert np.abs(found[:, :, 1] - before).max() < limit


def test_steps_may_be_longer_than_the_delay() -> None:
    """A slow process with a short delay decays with the root of ``s = -k exp(-s tau)``, in few steps."""
    system, people = hayes(2)
    slow = Batch(people.base, people.columns, np.array([[0.01, 0.05], [0.01, 5.0], [0.001, 0.01]]))
    found = compile_system(system).run(slow, Schedule.empty(), np.array([0.0, 100.0, 1000.0]))
    k, tau = slow.varying.T
    decay = lambertw(-k * tau).real / tau
    np.testing.assert_allclose(found.values[:, 2, 0] / found.values[:, 1, 0], np.exp(decay * 900.0), rtol=1e-5)
    assert np.all(found.steps < 60)  # 20 000, 200 and 100 000 delays long


def feedback(nested: bool = False) -> System:
    """A drug that slows what clears it: a flow-dependent transport delay, doses and infusions, an event."""
    model = Model()
    m = model.module("feedback")
    drug = m.state("drug", "nmol", scale=10.0)
    flow = m.state("flow", "1", initial=1.0, scale=1.0)
    lung = delay(drug, m.parameter("transit", 0.4, "min") / flow)
    if nested:
        lung = delay(lung, m.quantity(0.3, "min"))
    m.rate("drug", -m.parameter("k", 0.3, "1/min") * flow * drug)
    drop = hill(lung, m.quantity(3.0, "nmol"), 2.0)
    m.rate("flow", m.parameter("speed", 2.0, "1/min") * (1.0 - 0.7 * drop - flow))
    supply = m.input("supply", "nmol/min")
    m.rate("drug", supply)
    m.event("low", m.number(0.6) - flow, (("set", "supply", m.quantity(0.8, "nmol/min")),), times=2)
    m.offer("flow.now", flow, "1")
    m.offer("drug.now", drug, "nmol")
    m.dose("drug/iv", into="drug")
    return compose(model, ["flow.now", "drug.now"])


DOSES = Schedule.of([(0.0, 5.0, 8.0, 3, Kind.ADD_STATE, 0), (2.5, 0.0, 4.0, 1, Kind.ADD_STATE, 0)])


def people_of(system: System, n: int = 5) -> Batch:
    base = np.array([p.value for p in system.parameters])
    spread = np.exp(0.3 * np.random.default_rng(3).standard_normal((n, len(base))))
    return Batch(base, np.arange(len(base)), base * spread)


@pytest.mark.parametrize("nested", [False, True])
def test_doses_and_events_with_delays_agree_with_scipy(nested: bool) -> None:
    system, times = feedback(nested), np.linspace(0.0, 20.0, 41)
    people = people_of(system)
    found = compile_system(system).run(people, DOSES, times, rtol=1e-8)
    truth = reference.solve(system, people, DOSES, times, rtol=1e-9, method="Radau")
    assert np.all(found.status == Status.DONE)
    np.testing.assert_allclose(found.values, truth.values, rtol=1e-6, atol=1e-6)


def test_results_with_delays_do_not_depend_on_lanes_threads_order_or_history() -> None:
    system, times = feedback(), np.linspace(0.0, 20.0, 41)
    people = people_of(system, 21)
    first = compile_system(system).run(people, DOSES, times).values
    for lanes in (1, 2, 4, 8):
        again = compile_system(system, lanes).run(people, DOSES, times, threads=2).values
        assert np.array_equal(first, again)
    order = np.random.default_rng(1).permutation(21)
    assert np.array_equal(first[order], compile_system(system).run(people.chosen(order), DOSES, times).values)


def test_a_history_too_short_is_run_again_with_more_and_else_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    system, people = hayes()
    whole = compile_system(system).run(people, Schedule.empty(), TIMES, rtol=1e-8)
    monkeypatch.setattr(compile, "HISTORY", 4)
    again = compile_system(system).run(people, Schedule.empty(), TIMES, rtol=1e-8)
    assert np.array_equal(whole.values, again.values)
    monkeypatch.setattr(compile, "LONG_HISTORY", 8)
    short = compile_system(system).run(people, Schedule.empty(), TIMES, rtol=1e-8)
    assert set(short.status) == {int(Status.DONE), int(Status.DELAY_OVERFLOW)}


def test_what_never_changes_needs_no_delay_and_a_delay_is_a_time() -> None:
    model = Model()
    m = model.module("constant")
    k = m.parameter("k", 1.0, "1/min")
    assert delay(k, m.quantity(1.0, "min")).id == k.id
    with pytest.raises(RacemateError, match="a delay is not a time"):
        delay(m.state("x", "nmol", scale=1.0), m.quantity(1.0, "nmol"))
