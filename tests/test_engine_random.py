"""Random scenarios of random models: the kernel agrees with an implicit method of another family, or says why not."""

from __future__ import annotations

import numpy as np
import pytest

from racemate.engine import Batch, Kind, Schedule, Status, compile_system, reference, rodas
from racemate.model import Model, compose
from racemate.model.graph import Expr, hill
from racemate.model.system import System

PATIENTS = 3
TIMES = np.linspace(0.0, 300.0, 31)


def random_model(rng: np.random.Generator) -> System:
    """Compartments in a chain with random flows, and receptors with fast binding and a Hill effect on a turnover."""
    model = Model()
    m = model.module("random")

    def rate_constant(name: str, low: float, high: float) -> Expr:
        return m.parameter(name, float(np.exp(rng.uniform(np.log(low), np.log(high)))), "1/min")

    compartments = [m.state(f"amount.{i}", "nmol", scale=100.0) for i in range(rng.integers(1, 5))]
    m.rate("amount.0", -rate_constant("k", 0.005, 0.3) * compartments[0])
    for i in range(1, len(compartments)):
        out, back = rate_constant(f"out{i}", 0.01, 1.0), rate_constant(f"back{i}", 0.001, 0.5)
        j = int(rng.integers(i))
        flow = out * compartments[j] - back * compartments[i]
        m.rate(f"amount.{j}", -flow)
        m.rate(f"amount.{i}", flow)
    outputs = ["c0"]
    concentration = compartments[0] / m.quantity(10.0, "nmol")
    m.offer("c0", concentration, "1")
    for n in range(rng.integers(1, 4)):
        bound, response = m.state(f"bound{n}", "1", scale=0.5), m.state(f"response{n}", "1", initial=1.0, scale=1.0)
        kon, koff = rate_constant(f"kon{n}", 0.01, 300.0), rate_constant(f"koff{n}", 0.01, 300.0)
        m.rate(f"bound{n}", kon * concentration * (1.0 - bound) - koff * bound)
        turnover = rate_constant(f"turnover{n}", 1e-3, 3.0)
        gamma = float(rng.uniform(1.0, 4.0))
        drop = hill(bound, m.number(float(rng.uniform(0.1, 0.9))), gamma)
        m.rate(f"response{n}", turnover * (1.0 - 0.9 * drop - response))
        m.offer(f"r{n}", response, "1")
        outputs.append(f"r{n}")
    m.dose("drug/iv", into="amount.0")
    return compose(model, outputs)


def random_doses(rng: np.random.Generator, system: System) -> Schedule:
    dose, when = rng.uniform(10.0, 300.0, PATIENTS), rng.uniform(0.0, 60.0, PATIENTS)
    infusion, stop = rng.uniform(0.5, 20.0), when + rng.uniform(1.0, 90.0)
    first = system.state_index["amount.0"]
    return Schedule.of(
        [
            (when, float(rng.uniform(5.0, 100.0)), dose, int(rng.integers(1, 6)), Kind.ADD_STATE, first),
            (when, 0.0, infusion, 1, Kind.ADD_INPUT, 0),
            (stop, 0.0, -infusion, 1, Kind.ADD_INPUT, 0),
        ]
    )


def agrees(seed: int) -> None:
    rng = np.random.default_rng(seed)
    system = random_model(rng)
    schedule = random_doses(rng, system)
    base = np.array([p.value for p in system.parameters])
    people = Batch(base, np.arange(len(base)), base * np.exp(0.3 * rng.standard_normal((PATIENTS, len(base)))))
    found = compile_system(system).run(people, schedule, TIMES, rtol=1e-8)
    truth = reference.solve(system, people, schedule, TIMES, rtol=1e-9, method="Radau")
    assert np.all(found.status == Status.DONE), f"seed {seed}: {found.status}"
    peak = np.abs(truth.values).max(axis=1, keepdims=True)
    worst = np.max(np.abs(found.values - truth.values) / (np.abs(truth.values) + 1e-2 * peak + 1e-12))
    assert worst < 1e-6, f"seed {seed}: {worst:.2e}"


@pytest.mark.parametrize("seed", range(6))
def test_random_scenarios_agree_with_radau(seed: int) -> None:
    agrees(seed)


@pytest.mark.full
@pytest.mark.parametrize("block", range(50))
def test_many_random_scenarios_agree_with_radau(block: int) -> None:
    for seed in range(100 + 20 * block, 120 + 20 * block):
        agrees(seed)


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
