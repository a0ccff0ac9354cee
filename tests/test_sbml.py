"""What we export as SBML, another simulator runs to the same curves."""

from __future__ import annotations

import numpy as np
import pytest
import roadrunner

from racemate import Scenario, simulate
from racemate.engine import Batch, Kind, Schedule, compile_system
from racemate.errors import RacemateError
from racemate.interchange import sbml
from racemate.model import Model, compose, delay, linear_chain, uniform
from racemate.model.graph import exp, where
from racemate.model.system import System


def model() -> System:
    parts = Model()
    m = parts.module("test")
    a, b = m.state("amount.a", "nmol", scale=100.0), m.state("amount.b", "nmol", scale=100.0)
    bound = m.state("bound", "1", initial=0.1, scale=0.5)
    k, v = m.parameter("k", 0.1, "1/min"), m.parameter("V", 20.0, "L")
    m.rate("amount.a", -k * a - 0.3 * k * a + 0.1 * k * b)
    m.rate("amount.b", 0.3 * k * a - 0.1 * k * b)
    x = a / v / m.quantity(2.0, "nmol/L")
    m.rate("bound", k * (where(x, 1.0, 1.0, x) ** 1.7 - bound))
    m.offer("plasma", a / v, "nmol/L")
    m.offer("effect", bound**1.3 + exp(-bound), "1")
    m.dose("drug/iv", into="amount.a")
    return compose(parts, ["plasma", "effect"])


def test_libroadrunner_runs_the_export_to_the_same_curves() -> None:
    system = model()
    a = system.state_index["amount.a"]
    schedule = Schedule.of(
        [
            (0.0, 30.0, 100.0, 3, Kind.ADD_STATE, a),
            (10.0, 0.0, 4.0, 1, Kind.ADD_INPUT, 0),
            (25.0, 0.0, -4.0, 1, Kind.ADD_INPUT, 0),
            (80.0, 0.0, 0.0, 1, Kind.RESET, 0),
        ]
    )
    times = np.arange(0.0, 100.0, 3.7)
    base = np.array([p.value for p in system.parameters])
    ours = compile_system(system).run(Batch(base, np.zeros(0, np.int64), np.zeros((1, 0))), schedule, times, rtol=1e-9)
    other = roadrunner.RoadRunner(sbml.export(system, base, schedule, start=0.0, end=100.0))
    other.timeCourseSelections = ["time", "output0", "output1"]
    other.integrator.relative_tolerance = 1e-10
    other.integrator.absolute_tolerance = 1e-12
    theirs = np.asarray(other.simulate(times=times.tolist()))[:, 1:]
    np.testing.assert_allclose(theirs, ours.values[0], rtol=1e-6, atol=1e-8)


def echo(dependence: float = 0.2) -> System:
    """A feedback that arrives late, the later the larger the signal."""
    parts = Model()
    m = parts.module("echo")
    x = m.state("x", "nmol", initial=1.0, scale=1.0)
    late = delay(x, m.parameter("tau", 3.0, "min") * (1.0 + dependence * x / m.quantity(1.0, "nmol")))
    m.rate("x", -m.parameter("k", 0.2, "1/min") * late)
    m.offer("x.now", x, "nmol")
    m.offer("x.late", late, "nmol")
    m.dose("drug/iv", into="x")
    return compose(parts, ["x.now", "x.late"])


def test_a_delay_is_exported_as_a_chain_that_libroadrunner_runs_or_refused() -> None:
    system = echo()
    base = np.array([p.value for p in system.parameters])
    schedule, times = Schedule.of([(5.0, 0.0, 2.0, 1, Kind.ADD_STATE, 0)]), np.linspace(0.0, 30.0, 31)
    with pytest.raises(RacemateError, match="delays"):
        sbml.export(system, base, schedule, start=0.0, end=30.0)
    chain = linear_chain(system, 12)
    one = Batch(base, np.zeros(0, np.int64), np.zeros((1, 0)))
    ours = compile_system(chain).run(one, schedule, times, rtol=1e-9)
    other = roadrunner.RoadRunner(sbml.export(system, base, schedule, start=0.0, end=30.0, stages=12))
    other.timeCourseSelections = ["output0", "output1"]
    other.integrator.relative_tolerance, other.integrator.absolute_tolerance = 1e-10, 1e-12
    np.testing.assert_allclose(np.asarray(other.simulate(times=times.tolist())), ours.values[0], rtol=1e-6, atol=1e-8)


def test_a_longer_chain_comes_closer_to_the_delay() -> None:
    """The error is as the variance of the chain's delay, which falls as one over the number of stages."""
    system, times = echo(0.0), np.linspace(0.0, 30.0, 31)
    one = Batch(np.array([p.value for p in system.parameters]), np.zeros(0, np.int64), np.zeros((1, 0)))
    exact = compile_system(system).run(one, Schedule.empty(), times, rtol=1e-9).values[0, :, 0]
    errors = [
        np.abs(compile_system(linear_chain(system, n)).run(one, Schedule.empty(), times).values[0, :, 0] - exact).max()
        for n in (5, 10, 20)
    ]
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(2.0, rel=0.3)


def test_random_rules_cannot_be_exported() -> None:
    parts = Model()
    m = parts.module("dice")
    x = m.state("x", "1", initial=1.0, scale=1.0)
    m.rate("x", -m.parameter("k", 0.1, "1/min") * x)
    m.offer("x.out", x * uniform(m.random_key("dice"), m.number(0.0)), "1")
    system = compose(parts, ["x.out"])
    with pytest.raises(RacemateError, match="random rules"):
        sbml.export(system, np.array([0.1, 1.0]), Schedule.empty(), start=0.0, end=1.0)


def test_a_whole_scenario_runs_elsewhere_to_the_same_curve() -> None:
    line, options = "morphine 10 mg iv, then 2 mg iv every 10 min x 3", {"until": "2 h", "every": "10 min"}
    scenario = Scenario.of(line, outputs=["arterial.morphine", "activation.mu"], rtol=1e-9, **options)
    ours = simulate(scenario.with_(molar=True))
    other = roadrunner.RoadRunner(sbml.of_scenario(scenario))
    other.timeCourseSelections = ["output0", "output1"]
    other.integrator.relative_tolerance, other.integrator.absolute_tolerance = 1e-10, 1e-12
    theirs = np.asarray(other.simulate(times=ours.time.tolist()))
    for column, name in enumerate(scenario.outputs):
        np.testing.assert_allclose(theirs[:, column], ours[name][0], rtol=1e-5, atol=1e-8)


def test_an_event_that_ends_the_run_is_refused() -> None:
    parts = Model()
    m = parts.module("test")
    x = m.state("x", "1", initial=1.0, scale=1.0)
    m.rate("x", -m.parameter("k", 0.1, "1/min") * x)
    m.offer("x.out", x, "1")
    m.event("stop", 0.5 - x, (("end", "", None),))
    system = compose(parts, ["x.out"])
    with pytest.raises(RacemateError, match="SBML cannot say"):
        sbml.export(system, np.array([0.1]), Schedule.empty(), start=0.0, end=1.0)
