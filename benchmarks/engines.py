"""The engines that are timed, each as a function ``solve(problem, n, rtol) -> values``."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise

import numpy as np

from benchmarks.problems import Problem
from racemate.engine import Kind, compile_system, reference
from racemate.engine.interpreter import Function, function
from racemate.engine.problem import Array
from racemate.interchange import sbml

Solve = Callable[[Problem, int, float], Array]


def racemate_engine(problem: Problem, n: int, rtol: float) -> Array:
    kernel = compile_system(problem.system)
    return kernel.run(problem.people(n), problem.schedule, problem.times, rtol=rtol).values


def racemate_scalar(problem: Problem, n: int, rtol: float) -> Array:
    kernel = compile_system(problem.system, lanes=1)
    return kernel.run(problem.people(n), problem.schedule, problem.times, rtol=rtol).values


def scipy_lsoda(problem: Problem, n: int, rtol: float) -> Array:
    return reference.solve(problem.system, problem.people(n), problem.schedule, problem.times, rtol=rtol).values


class RoadRunner:
    """libRoadRunner (CVODE, LLVM) on our SBML export."""

    def __init__(self) -> None:
        self.models: dict[str, object] = {}

    def __call__(self, problem: Problem, n: int, rtol: float) -> Array:
        import roadrunner

        people, times = problem.people(n), problem.times.tolist()
        if problem.name not in self.models:
            text = sbml.export(problem.system, people.base, problem.schedule, start=0.0, end=times[-1])
            self.models[problem.name] = roadrunner.RoadRunner(text)
        model: object = self.models[problem.name]
        outputs = [f"output{i}" for i in range(len(problem.system.outputs))]
        model.timeCourseSelections = outputs  # type: ignore[attr-defined]
        integrator = model.integrator  # type: ignore[attr-defined]
        integrator.relative_tolerance = rtol
        graph = problem.system.graph
        scales = [float(graph.value(s.scale) or 1.0) for s in problem.system.states]
        integrator.absolute_tolerance = rtol * 1e-3
        for i, scale in enumerate(scales):
            integrator.setIndividualTolerance(f"y{i}", rtol * 1e-3 * scale)
        integrator.maximum_num_steps = 1_000_000
        values = np.empty((n, len(times), len(outputs)))
        for p in range(n):
            model.resetToOrigin()  # type: ignore[attr-defined]
            for column, value in zip(people.columns, people.varying[p], strict=True):
                model.setValue(f"p{column}", float(value))  # type: ignore[attr-defined]
            model.reset()  # type: ignore[attr-defined]
            values[p] = np.asarray(model.simulate(times=times))  # type: ignore[attr-defined]
        return values


def _slope(rates: Function, p: Array, u: Array) -> Callable[[float, Array, Array], None]:
    def slope(t: float, y: Array, out: Array) -> None:
        out[:] = rates(t, y, p, u)

    return slope


def cvode(problem: Problem, n: int, rtol: float) -> Array:
    """scikit-sundae's CVODE with the interpreted right-hand side, restarted at every dose."""
    from sksundae.cvode import CVODE

    system, schedule, times = problem.system, problem.schedule, problem.times
    rates = function(system.graph, [s.rate for s in system.states])
    scale = np.array([float(system.graph.value(s.scale) or 1.0) for s in system.states])
    start = function(system.graph, [s.initial for s in system.states])
    full = problem.people(n).full()
    values = np.empty((n, len(times), len(system.outputs)))
    for p in range(n):
        inputs = np.zeros(max(1, len(system.inputs)))

        solver = CVODE(
            _slope(rates, full[p], inputs), rtol=rtol, atol=rtol * 1e-3 * scale, method="BDF", max_num_steps=1_000_000
        )
        y = np.array(start(0.0, np.zeros(0), full[p], np.zeros(0)), float)
        row = min(p, len(schedule.time) - 1)
        happen = sorted(
            (schedule.time[row, r] + k * schedule.interval[row, r], r)
            for r in range(len(schedule.count))
            for k in range(schedule.count[r])
        )
        stops = np.unique([0.0, *(t for t, _ in happen if t < times[-1]), times[-1]])
        for a, b in pairwise(stops):
            for t, r in happen:
                if t == a:
                    kind, i, value = schedule.kind[r], schedule.index[r], schedule.value[row, r]
                    target = y if kind in (Kind.ADD_STATE, Kind.SET_STATE) else inputs
                    target[i] = value + (target[i] if kind in (Kind.ADD_STATE, Kind.ADD_INPUT) else 0.0)
            inside = (times >= a) & (times < b)
            at = np.unique([a, *times[inside], (a + b) / 2, b])  # two points alone would mean every step
            found = solver.solve(at, y).y
            values[p, inside] = found[np.isin(at, times[inside])]
            y = found[-1].copy()
        values[p, -1] = y
    return values


def installed() -> dict[str, tuple[Solve, int]]:
    """Name -> (engine, patients a round)."""
    engines: dict[str, tuple[Solve, int]] = {
        "racemate": (racemate_engine, 128),
        "racemate, one lane": (racemate_scalar, 64),
        "SciPy LSODA, Python right-hand side": (scipy_lsoda, 1),
    }
    if find_spec("roadrunner"):
        engines["libRoadRunner"] = (RoadRunner(), 8)
    if find_spec("sksundae"):
        engines["scikit-sundae CVODE, Python right-hand side"] = (cvode, 1)
    return engines
