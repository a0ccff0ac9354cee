"""What we export as SBML, another simulator runs to the same curves."""

from __future__ import annotations

import numpy as np
import pytest
import roadrunner

from racemate.engine import Batch, Kind, Schedule, compile_system
from racemate.errors import RacemateError
from racemate.interchange import sbml
from racemate.model import Model, compose
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
