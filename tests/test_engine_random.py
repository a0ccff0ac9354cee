"""Random scenarios of random models: the kernel agrees with methods of another family, or says why not."""

from __future__ import annotations

import numpy as np
import pytest

import blocks
from racemate.engine import Batch, Kind, Schedule, compile_system, rodas
from racemate.model import Model, compose
from scenarios import Case

#: Scenarios of one process.
TOGETHER = 25


def test_random_scenarios_agree_with_lsoda_or_radau() -> None:
    blocks.run("scenarios.py", 0, 5)


@pytest.mark.full
@pytest.mark.parametrize("first", range(0, 1000, TOGETHER))
def test_a_thousand_random_scenarios_agree_with_lsoda_or_radau(first: int) -> None:
    blocks.run("scenarios.py", first, TOGETHER)


def test_random_scenarios_are_of_every_kind() -> None:
    """A generator that had lost a kind of model would prove nothing about it."""
    cases = [Case.of(seed) for seed in range(40)]
    states = {state.name for case in cases for state in case.system.states}
    assert states >= {"amount.2", "enzyme", "depot", "bound2", "indirect1", "free", "burst"}
    assert {p.name for case in cases for p in case.system.parameters} >= {"Vmax"}
    assert {e.name for case in cases for e in case.system.events} == {"rescue", "supply", "wash-out", "stop"}
    assert {Kind(int(k)) for case in cases for k in case.schedule.kind} == set(Kind)
    assert sum(case.wild is not None for case in cases) > 3


def test_the_tableau_is_consistent() -> None:
    a, c = np.zeros((8, 8)), np.zeros((8, 8))
    for i in range(8):
        a[i, : len(rodas.A[i])], c[i, : len(rodas.C[i])] = rodas.A[i], rodas.C[i]
    gamma = np.linalg.inv(np.eye(8) / rodas.GAMMA - c)
    np.testing.assert_allclose(gamma.sum(axis=1), rodas.TIME_WEIGHTS, atol=1e-13)
    np.testing.assert_allclose((a @ gamma).sum(axis=1), rodas.NODES, atol=1e-13)


def test_steps_grow_with_accuracy_as_order_five_demands() -> None:
    """The error of a step is of order h^5, so a tolerance 10^4 times tighter takes 10^(4/5) = 6.3 times the steps."""
    model = Model()
    m = model.module("logistic growth")
    x = m.state("x", "1", initial=0.1, scale=1.0)
    m.rate("x", m.parameter("k", 1.0, "1/min") * x * (1.0 - x))
    m.offer("size", x, "1")
    one = Batch(np.array([1.0]), np.zeros(0, np.int64), np.zeros((1, 0)))
    kernel, times = compile_system(compose(model, ["size"])), np.array([0.0, 5.0])
    coarse, fine = (kernel.run(one, Schedule.empty(), times, rtol=r) for r in (1e-7, 1e-11))
    assert 4.5 < fine.steps[0] / coarse.steps[0] < 8.0
    assert fine.values[0, -1, 0] == pytest.approx(1 / (1 + 9 * np.exp(-5.0)), rel=1e-9)
