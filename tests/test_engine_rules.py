"""Rules that act inside a run: random times, timers, lockouts, conditional ends; the same whatever the batch."""

from __future__ import annotations

import numpy as np
import pytest

from racemate.engine import Batch, Schedule, Status, compile_system, reference
from racemate.engine.interpreter import uniform as drawn
from racemate.model import Model, compose, uniform, where
from racemate.model.system import System

PEOPLE = 400
KEYS = np.floor(np.random.default_rng(5).uniform(size=PEOPLE) * 2.0**52)


def batch(system: System, keys: np.ndarray = KEYS) -> Batch:
    base = np.array([p.value for p in system.parameters])
    columns = [i for i, p in enumerate(system.parameters) if p.kind == "random key"]
    return Batch(base, np.array(columns), np.stack([keys] * len(columns), axis=1))


def counter(rate: float) -> System:
    """Something that happens at a constant rate; each time adds one."""
    model = Model()
    m = model.module("counter")
    count = m.input("count", "1")
    m.hazard("demand", m.parameter("rate", rate, "1/min"), (("add", "count", m.number(1.0)),))
    m.offer("times", count, "1")
    return compose(model, ["times"])


def test_random_times_of_a_constant_rate_are_a_poisson_process() -> None:
    found = compile_system(counter(0.2)).run(batch(counter(0.2)), Schedule.empty(), np.linspace(0.0, 60.0, 61))
    counts = found.values[:, -1, 0]
    assert counts.mean() == pytest.approx(12.0, abs=4 * np.sqrt(12.0 / PEOPLE))
    assert counts.var() == pytest.approx(12.0, rel=4 * np.sqrt(2.0 / PEOPLE))


def test_the_first_random_time_is_that_of_its_own_uniform_number() -> None:
    system = counter(0.5)
    times = np.linspace(0.0, 40.0, 4001)
    happened = compile_system(system).run(batch(system), Schedule.empty(), times).values[:, :, 0] > 0
    first = times[np.argmax(happened, axis=1)]
    np.testing.assert_allclose(first, -np.log(drawn(KEYS, 0.0)) / 0.5, atol=0.011)


def test_random_numbers_have_the_same_bits_compiled_and_interpreted_and_are_uniform() -> None:
    model = Model()
    m = model.module("numbers")
    x = m.state("x", "1", scale=1.0)  # stays at zero
    for i in range(8):
        m.offer(f"u{i}", uniform(m.random_key("u"), m.number(float(i))) + x, "1")
    system = compose(model, [f"u{i}" for i in range(8)])
    found = compile_system(system).run(batch(system), Schedule.empty(), np.array([0.0, 1.0])).values[:, 0]
    assert np.array_equal(found, np.stack([drawn(KEYS, float(i)) for i in range(8)], axis=1))
    ordered = np.sort(found.ravel())
    assert np.max(np.abs(ordered - (np.arange(ordered.size) + 0.5) / ordered.size)) < 1.63 / np.sqrt(ordered.size)
    assert abs(np.corrcoef(found.T) - np.eye(8)).max() < 4.0 / np.sqrt(PEOPLE)


LOCKOUT, LIMIT = 6.0, 8.0


def pca(rate: float = 0.4) -> System:
    """Patient-controlled analgesia: random demands, a bolus of 1 unless the pump is locked or the limit is reached."""
    model = Model()
    m = model.module("pump")
    drug = m.state("drug", "nmol", scale=1.0)
    given, demands, unlocked = m.input("given", "1"), m.input("demands", "1"), m.input("unlocked", "min", -1.0)
    m.rate("drug", -m.parameter("k", 0.02, "1/min") * drug)
    late = where(m.time, unlocked, 1.0, 0.0)
    allowed = late * where(m.number(LIMIT), given, 1.0, 0.0)
    until = where(allowed, 0.5, m.time + m.quantity(LOCKOUT, "min"), unlocked)
    m.hazard(
        "press",
        m.parameter("rate", rate, "1/min"),
        (
            ("add", "drug", allowed * m.quantity(1.0, "nmol")),
            ("add", "given", allowed),
            ("set", "unlocked", until),
            ("add", "demands", m.number(1.0)),
        ),
    )
    for name, value, unit in (("drug.now", drug, "nmol"), ("doses", given, "1"), ("presses", demands, "1")):
        m.offer(name, value, unit)
    return compose(model, ["drug.now", "doses", "presses"])


def test_a_pump_keeps_its_lockout_and_limit_and_some_demands_go_unmet() -> None:
    system, times = pca(), np.arange(0.0, 240.0, 0.05)
    values = compile_system(system).run(batch(system, KEYS[:64]), Schedule.empty(), times).values
    doses, presses = values[:, :, 1], values[:, :, 2]
    for row in doses:
        when = times[1:][np.diff(row) > 0]
        assert np.all(np.diff(when) > LOCKOUT - 0.1)
    assert np.all(doses[:, -1] == LIMIT)
    assert np.all(presses[:, -1] > doses[:, -1])


def test_a_run_with_random_demands_is_the_same_whatever_the_batch() -> None:
    system, times = pca(), np.linspace(0.0, 120.0, 25)
    people = batch(system, KEYS[:40])
    whole = compile_system(system).run(people, Schedule.empty(), times).values
    assert np.array_equal(whole[7:9], compile_system(system, 4).run(people.rows(7, 9), Schedule.empty(), times).values)
    truth = reference.solve(system, people.rows(0, 4), Schedule.empty(), times, rtol=1e-9)
    np.testing.assert_allclose(whole[:4], truth.values, rtol=1e-6)


def rescue(threshold: float = 0.5) -> System:
    """When x falls low a timer starts; when it expires, help comes if x is still low, and then the run goes on."""
    model = Model()
    m = model.module("rescue")
    x = m.state("x", "1", initial=1.0, scale=1.0)
    help_given = m.input("help", "1")
    k = m.parameter("k", 0.1, "1/min")
    m.rate("x", k * (help_given - x))
    start = m.after(m.quantity(3.0, "min"))
    m.event("low", m.number(threshold) - x, (("set", "timer.wait", start),), times=1)
    low = where(m.number(0.6), x, 1.0, 0.0)
    m.timer("wait", (("add", "help", low), ("end", "", 0.5 - low)))
    m.offer("x.now", x, "1")
    return compose(model, ["x.now"])


def test_a_timer_tests_its_condition_when_it_expires() -> None:
    system, times = rescue(), np.linspace(0.0, 60.0, 61)
    one = Batch(np.array([p.value for p in system.parameters]), np.zeros(0, np.int64), np.zeros((1, 0)))
    found = compile_system(system).run(one, Schedule.empty(), times, rtol=1e-9).values[0, :, 0]
    starts = np.log(2.0) / 0.1 + 3.0
    lowest = np.exp(-0.1 * starts)
    truth = np.where(times < starts, np.exp(-0.1 * times), 1.0 - (1.0 - lowest) * np.exp(-0.1 * (times - starts)))
    np.testing.assert_allclose(found, truth, rtol=1e-7)


def test_an_end_may_depend_on_a_condition() -> None:
    system, times = rescue(0.8), np.linspace(0.0, 60.0, 61)  # 3 min after 0.8 it is 0.59: help comes, no end
    values = np.array([[0.1], [0.05]])  # slower: 0.69 when the timer expires, so nothing is given and the run ends
    columns = np.array([system.parameter_index["k"]])
    two = Batch(np.array([p.value for p in system.parameters]), columns, values)
    found = compile_system(system).run(two, Schedule.empty(), times)
    assert found.status.tolist() == [Status.DONE, Status.ENDED_BY_EVENT]
    assert found.values[1, -1, 0] == pytest.approx(0.8 * np.exp(-0.15), rel=1e-5)
