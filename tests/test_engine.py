"""The compiled kernel: it agrees with independent mathematics, and no patient touches another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from racemate.engine import Batch, Kind, Schedule, Status, compile_system, reference
from racemate.engine.cache import folder
from racemate.engine.compile import Kernel
from racemate.engine.derivatives import equations, gradients
from racemate.engine.interpreter import function
from racemate.model import Model, compose
from racemate.model.graph import Expr, Graph, exp, log, sqrt, where
from racemate.model.system import Output, Parameter, State, System

TIMES = np.linspace(0.0, 600.0, 61)
NO_INTS = np.zeros(0, np.int64)


def two_compartments_and_a_receptor() -> System:
    model = Model()
    m = model.module("test")
    a, b = (m.state(f"amount.{n}", "nmol", scale=1000.0) for n in "ab")
    bound = m.state("bound", "1", scale=0.5)
    cl, v1 = m.parameter("CL", 1.0, "L/min"), m.parameter("V1", 20.0, "L")
    q, v2 = m.parameter("Q", 2.0, "L/min"), m.parameter("V2", 50.0, "L")
    kon, koff = m.parameter("kon", 3.0, "L/nmol/min"), m.parameter("koff", 100.0, "1/min")
    m.rate("amount.a", -cl / v1 * a - q / v1 * a + q / v2 * b)
    m.rate("amount.b", q / v1 * a - q / v2 * b)
    m.rate("bound", kon * (a / v1) * (1.0 - bound) - koff * bound)
    m.offer("plasma", a / v1, "nmol/L")
    m.offer("effect", bound**1.7 / (0.3 + bound**1.7) + exp(-bound), "1")
    m.offer("clock", m.time * 2.0, "min")
    m.dose("drug/iv", into="amount.a")
    return compose(model, ["plasma", "effect", "clock"])


def people(system: System, n: int) -> Batch:
    columns = np.array([system.parameter_index["CL"], system.parameter_index["kon"]])
    base = np.array([p.value for p in system.parameters])
    spread = np.exp(0.4 * np.random.default_rng(0).standard_normal((n, 2)))
    return Batch(base, columns, base[columns] * spread)


def dosing(system: System, n: int) -> Schedule:
    starts = np.random.default_rng(1).uniform(10.0, 50.0, n)
    a = system.state_index["amount.a"]
    return Schedule.of(
        [
            (0.0, 240.0, 1000.0, 3, Kind.ADD_STATE, a),
            (starts, 0.0, 30.0, 1, Kind.ADD_INPUT, 0),
            (starts + 20.0, 0.0, -30.0, 1, Kind.ADD_INPUT, 0),
            (400.0, 0.0, 0.0, 1, Kind.RESET, 0),
        ]
    )


def worst(values: np.ndarray, truth: np.ndarray) -> float:
    """The error rule of the benchmarks: relative to the value plus a thousandth of its peak."""
    peak = np.abs(truth).max(axis=1, keepdims=True)
    return float(np.max(np.abs(values - truth) / (np.abs(truth) + 1e-3 * peak + 1e-300)))


@pytest.mark.parametrize("before", [False, True])
def test_the_kernel_agrees_with_scipy(before: bool) -> None:
    system = two_compartments_and_a_receptor()
    batch, schedule = people(system, 11), dosing(system, 11)
    found = compile_system(system).run(batch, schedule, TIMES, before_doses=before)
    truth = reference.solve(system, batch, schedule, TIMES, rtol=1e-10, before_doses=before)
    assert np.all(found.status == Status.DONE)
    assert worst(found.values, truth.values) < 1e-5


def one_compartment() -> tuple[System, Batch]:
    model = Model()
    m = model.module("decay")
    x = m.state("x", "nmol", scale=1.0)
    m.rate("x", -m.parameter("k", 0.1, "1/min") * x)
    m.offer("amount", x, "nmol")
    m.dose("drug/iv", into="x")
    return compose(model, ["amount"]), Batch(np.array([0.1]), NO_INTS, np.zeros((1, 0)))


def test_a_bolus_decays_exponentially_and_is_there_at_its_own_time() -> None:
    system, batch = one_compartment()
    schedule = Schedule.of([(5.0, 0.0, 8.0, 1, Kind.ADD_STATE, 0)])
    times = np.array([0.0, 5.0, 10.0, 40.0])
    after = compile_system(system).run(batch, schedule, times).values[0, :, 0]
    np.testing.assert_allclose(after, [0.0, 8.0, 8 * np.exp(-0.5), 8 * np.exp(-3.5)], rtol=1e-5)
    before = compile_system(system).run(batch, schedule, times, before_doses=True).values[0, :, 0]
    assert before[1] == 0.0


def exploding() -> System:
    """``dx/dt = k x^2`` reaches infinity at ``1 / k``."""
    model = Model()
    m = model.module("blow-up")
    x = m.state("x", "1", initial=1.0, scale=1.0)
    m.rate("x", m.parameter("k", 1.0, "1/min") * x * x)
    m.offer("x.out", x, "1")
    return compose(model, ["x.out"])


def test_a_catastrophe_in_one_patient_leaves_the_others_untouched() -> None:
    system = exploding()
    kernel, column = compile_system(system), np.array([0])
    calm = Batch(np.array([1.0]), column, np.full((9, 1), 0.01))
    wild = Batch(np.array([1.0]), column, calm.varying.copy())
    wild.varying[4] = 1.0
    times = np.linspace(0.0, 10.0, 11)
    good, mixed = kernel.run(calm, Schedule.empty(), times), kernel.run(wild, Schedule.empty(), times)
    assert mixed.status[4] in (Status.STEP_TOO_SMALL, Status.NOT_FINITE)
    assert np.isnan(mixed.values[4, -1]).all()
    others = np.arange(9) != 4
    assert np.array_equal(good.values[others], mixed.values[others])
    assert np.all(mixed.status[others] == Status.DONE)


def test_a_patient_with_too_many_steps_is_given_up() -> None:
    system, batch = one_compartment()
    schedule = Schedule.of([(0.0, 1.0, 1.0, 1000, Kind.ADD_STATE, 0)])
    found = compile_system(system).run(batch, schedule, np.array([0.0, 1000.0]), max_steps=50)
    assert found.status[0] == Status.TOO_MANY_STEPS


def test_quick_code_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RACEMATE_CACHE", str(tmp_path))
    system = two_compartments_and_a_receptor()
    given = people(system, 3), dosing(system, 3), TIMES
    quick = compile_system(system, quick=True).run(*given)
    best = compile_system(system).run(*given)
    assert len(list(folder().iterdir())) == 2  # two kinds of code, of one text
    assert np.array_equal(quick.values, best.values)


def test_a_corrupt_cache_entry_is_built_anew() -> None:
    system, batch = one_compartment()
    first = compile_system(system).run(batch, Schedule.empty(), TIMES).values
    for path in folder().glob("*.o"):
        path.write_bytes(path.read_bytes()[:-7] + b"garbage")
    assert np.array_equal(compile_system(system).run(batch, Schedule.empty(), TIMES).values, first)
    assert not folder().stat().st_mode & 0o077


FORMULAS: list[Callable[[Expr, Expr, Expr], Expr]] = [
    lambda a, b, c: a + b,
    lambda a, b, c: a - b,
    lambda a, b, c: a * b - c,
    lambda a, b, c: a / (1.0 + b * b),
    lambda a, b, c: exp(-(a * a)),
    lambda a, b, c: log(1.0 + a * a),
    lambda a, b, c: sqrt(1.0 + a * a),
    lambda a, b, c: where(a, b, c, a),
    lambda a, b, c: a**c,
    lambda a, b, c: -a,
]


def random_system(seed: int) -> System:
    """Random formulas of two states, two parameters and time, as outputs of a system that stands still."""
    rng, g = np.random.default_rng(seed), Graph()
    pool = [Expr(g, g.leaf(kind, i)) for kind in ("state", "parameter") for i in (0, 1)]
    pool += [Expr(g, g.leaf("time", "t")), Expr(g, g.const(float(rng.normal())))]
    for _ in range(12):
        a, b, c = (pool[i] for i in rng.integers(len(pool), size=3))
        pool.append(FORMULAS[rng.integers(len(FORMULAS))](a, b, c))
    zero = g.const(0.0)
    states = tuple(State(f"y{i}", "1", g.const(float(rng.normal())), g.const(1.0), zero) for i in (0, 1))
    outputs = tuple(Output(f"o{n}", e.id, "1") for n, e in enumerate(pool[-6:]))
    parameters = tuple(Parameter(f"p{i}", 0.0, "1") for i in (0, 1))
    return System(g, states, parameters, (), outputs, {})


@pytest.mark.parametrize("seed", range(20))
def test_the_jacobian_is_the_slope_of_the_formulas(seed: int) -> None:
    e = equations(random_system(seed))
    y, p, none = np.array([0.4, 0.9]), np.array([0.3, 0.8]), np.zeros(0)
    f = function(e.graph, e.outputs)
    for o, slopes in enumerate(gradients(e.graph, e.outputs)):
        for i in (0, 1):
            exact = float(function(e.graph, [slopes[i]])(0.5, y, p, none)[0]) if i in slopes else 0.0
            step = np.eye(2)[i] * 1e-6
            with np.errstate(all="ignore"):
                numeric = (float(f(0.5, y + step, p, none)[o]) - float(f(0.5, y - step, p, none)[o])) / 2e-6
            if np.isfinite(numeric) and abs(numeric) < 1e4:
                assert exact == pytest.approx(numeric, rel=1e-3, abs=1e-5)


def test_a_rate_that_depends_on_time_keeps_its_order() -> None:
    model = Model()
    m = model.module("forced")
    x = m.state("x", "1", scale=1.0)
    per_min = m.parameter("k", 50.0, "1/min")
    m.rate("x", per_min * (exp(-m.time / m.quantity(3.0, "min")) - x))
    m.offer("x.out", x, "1")
    system = compose(model, ["x.out"])
    batch = Batch(np.array([50.0]), NO_INTS, np.zeros((1, 0)))
    times = np.linspace(0.0, 10.0, 21)
    found = compile_system(system).run(batch, Schedule.empty(), times, rtol=1e-8)
    rate = 1 / 3.0
    truth = 50.0 / (50.0 - rate) * (np.exp(-rate * times) - np.exp(-50.0 * times))
    np.testing.assert_allclose(found.values[0, :, 0], truth, rtol=1e-6, atol=1e-9)
    assert isinstance(compile_system(system), Kernel)
    assert found.steps[0] < 150
