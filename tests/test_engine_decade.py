"""Ten years of daily doses, processes of seconds and of months: few steps a day, and the periodic state on paper."""

from __future__ import annotations

import numpy as np
import pytest

from racemate.engine import Batch, Kind, Schedule, Status, compile_system
from racemate.model import Model, compose
from racemate.model.graph import hill
from racemate.model.system import System

DAY = 1440.0
DAYS = 3650
DOSE = 100.0
ONE = np.zeros(0, np.int64)


def numbers(system: System) -> Batch:
    return Batch(np.array([p.value for p in system.parameters]), ONE, np.zeros((1, 0)))


def daily(system: System) -> Schedule:
    return Schedule.of([(0.0, DAY, DOSE, DAYS + 1, Kind.ADD_STATE, system.state_index["amount"])])


def linear_chain() -> System:
    """A dose lost with 3 h, what leaves it through a pool of 2 s, and a store that empties in 3 months."""
    model = Model()
    m = model.module("chain")
    names = ("amount", "fast", "slow")
    amount, fast, slow = (m.state(n, "nmol", scale=s) for n, s in zip(names, (100.0, 0.01, 1e4), strict=True))
    rates = (1 / 180.0, 30.0, 1 / (90 * DAY))
    k = [m.parameter(f"k.{n}", r, "1/min") for n, r in zip(names, rates, strict=True)]
    m.rate("amount", -k[0] * amount)
    m.rate("fast", k[0] * amount - k[1] * fast)
    m.rate("slow", k[1] * fast - k[2] * slow)
    for n, x in zip(names, (amount, fast, slow), strict=True):
        m.offer(f"out.{n}", x, "nmol")
    m.dose("drug/iv", into="amount")
    return compose(model, ["out.amount", "out.fast", "out.slow"])


def chain_on_paper(hours_after: np.ndarray, doses: int) -> np.ndarray:
    """The linear chain after so many daily doses: three exponentials, each a geometric series."""
    k = np.array([1 / 180.0, 30.0, 1 / (90 * DAY)])
    series = (1 - np.exp(-doses * k * DAY)) / (1 - np.exp(-k * DAY))
    e = DOSE * series * np.exp(-k * hours_after[:, None])
    fast = k[0] / (k[1] - k[0]) * (e[:, 0] - e[:, 1])
    shares = [k[0] * k[1] / np.prod([k[j] - k[i] for j in range(3) if j != i]) for i in range(3)]
    return np.stack([e[:, 0], fast, e @ np.array(shares)], axis=1)


def test_ten_years_of_a_chain_from_seconds_to_months_end_in_the_state_on_paper() -> None:
    system = linear_chain()
    after = np.linspace(30.0, DAY - 30.0, 24)
    times = np.concatenate([[0.0], (DAYS - 1) * DAY + after])
    found = compile_system(system).run(numbers(system), daily(system), times)
    assert found.status[0] == Status.DONE
    np.testing.assert_allclose(found.values[0, 1:], chain_on_paper(after, DAYS), rtol=1e-5)
    assert found.steps[0] / DAYS < 60


def opioid() -> System:
    """Receptor binding that settles in half a second, an effect of minutes, tolerance that grows over two months."""
    model = Model()
    m = model.module("opioid")
    amount = m.state("amount", "nmol", scale=100.0)
    m.rate("amount", -m.parameter("k", 1 / 180.0, "1/min") * amount)
    bound = m.state("bound", "1", scale=0.5)
    kon, koff = m.parameter("kon", 100.0, "1/min"), m.parameter("koff", 100.0, "1/min")
    m.rate("bound", kon * (amount / m.quantity(50.0, "nmol")) * (1.0 - bound) - koff * bound)
    tolerance = m.state("tolerance", "1", scale=0.5)
    m.rate("tolerance", m.parameter("k.tolerance", 1 / (60 * DAY), "1/min") * (bound - tolerance))
    effect = m.state("effect", "1", scale=0.5)
    m.rate("effect", m.parameter("ke", 0.1, "1/min") * (hill(bound, 0.3 + tolerance, 2.0) - effect))
    m.offer("out.bound", bound, "1")
    m.offer("out.tolerance", tolerance, "1")
    m.offer("out.effect", effect, "1")
    m.dose("drug/iv", into="amount")
    return compose(model, ["out.bound", "out.tolerance", "out.effect"])


def test_ten_years_of_an_opioid_with_fast_binding_settle_and_take_few_steps_a_day() -> None:
    """Tolerance ends at the mean occupancy of a day, which has a closed form for binding in balance."""
    system = opioid()
    within = np.linspace(0.0, DAY, 25)[1:-1]
    times = np.concatenate([[0.0], (DAYS - 2) * DAY + within, (DAYS - 1) * DAY + within])
    found = compile_system(system).run(numbers(system), daily(system), times)
    assert found.status[0] == Status.DONE
    last_but_one, last = found.values[0, 1:24], found.values[0, 24:]
    np.testing.assert_allclose(last, last_but_one, rtol=2e-5, atol=1e-8)
    k, steady = 1 / 180.0, DOSE / (1 - np.exp(-DAY / 180.0)) / 50.0
    mean = np.log((1 + steady) / (1 + steady * np.exp(-k * DAY))) / (k * DAY)
    assert last[:, 1].mean() == pytest.approx(mean, rel=1e-3)
    concentration = steady * np.exp(-k * within)
    np.testing.assert_allclose(last[:, 0], concentration / (1 + concentration), rtol=1e-4)
    # As many as after one dose: the accuracy of the decaying curves sets them, not the binding.
    assert found.steps[0] / DAYS < 200


def test_faster_binding_takes_no_more_steps() -> None:
    system, people = opioid(), numbers(opioid())
    kernel, times, steps = compile_system(system), np.array([0.0, 10 * DAY]), []
    for speed in (1.0, 100.0, 10_000.0):
        people.base[[system.parameter_index["kon"], system.parameter_index["koff"]]] = speed
        steps.append(int(kernel.run(people, daily(system), times).steps[0]))
    assert max(steps) < 1.1 * min(steps)
