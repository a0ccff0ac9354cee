"""The reference path: SciPy's solvers on the interpreted graph, one patient after another.

An independent check of the compiled kernel, and the fallback where no code can be compiled.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from racemate.engine.checks import check
from racemate.engine.derivatives import Equations, equations
from racemate.engine.interpreter import ScalarFunction, at_parameters, scalar
from racemate.engine.past import Past
from racemate.engine.problem import Array, Batch, Kind, Schedule, Solution, Status
from racemate.model.system import System


def solve(
    system: System,
    batch: Batch,
    schedule: Schedule,
    times: Array,
    *,
    start: float = 0.0,
    rtol: float = 1e-6,
    before_doses: bool = False,
    method: str = "LSODA",
) -> Solution:
    """Integrate each patient of a batch with a SciPy method.

    Parameters
    ----------
    times : ndarray, shape (T,), min
        Increasing output times, none before ``start``.
    before_doses : bool
        Whether an output at a dosing time is the value just before it.
    method : str
        A method of ``scipy.integrate.solve_ivp``.

    Returns
    -------
    Solution
    """
    times = np.asarray(times, float)
    check(system, batch, schedule, times, start, rtol)
    parameters = batch.full()
    values = np.full((batch.n, len(times), len(system.outputs)), np.nan)
    status, steps = np.zeros(batch.n, np.int64), np.zeros(batch.n, np.int64)
    e = equations(system)
    parts_of = _parts(e)
    initial = at_parameters(system, [s.initial for s in system.states], parameters)
    scale = at_parameters(system, [s.scale for s in system.states], parameters)
    for i in range(batch.n):
        row = min(i, len(schedule.time) - 1)
        past = Past(e, parameters[i], start) if e.delayed else None
        patient = _Patient(system, parts_of(parameters[i], past), schedule, initial[i], rtol, scale[i], method, past)
        status[i], steps[i] = patient.run(_records(schedule, row), times, start, before_doses, values[i])
    return Solution(times, values, status, steps)


@dataclass(frozen=True)
class _Parts:
    """The functions of one patient: rates, outputs, and event roots with their actions."""

    rates: ScalarFunction
    outputs: ScalarFunction
    roots: tuple[ScalarFunction, ...]
    actions: tuple[ScalarFunction, ...]


def _parts(e: Equations) -> Callable[[Array, Past | None], _Parts]:
    """The functions of a system, waiting for a patient's parameters and past."""
    rates, outputs = scalar(e.graph, e.rates), scalar(e.graph, e.outputs)
    roots = [scalar(e.graph, [root]) for root in e.roots]
    actions = [scalar(e.graph, values) for values in e.actions]

    def of(p: Array, past: Past | None) -> _Parts:
        return _Parts(
            rates(p, past), outputs(p, past), tuple(f(p, past) for f in roots), tuple(f(p, past) for f in actions)
        )

    return of


def _records(schedule: Schedule, row: int) -> list[tuple[float, int, int]]:
    """Every occurrence ``(time, order, record)`` of one patient's records, in order."""
    found = []
    for r in range(len(schedule.count)):
        for k in range(int(schedule.count[r])):
            found.append((schedule.time[row, r] + k * schedule.interval[row, r], r))
    found.sort()
    return [(t, r, row) for t, r in found]


class _Patient:
    def __init__(
        self,
        system: System,
        parts: _Parts,
        schedule: Schedule,
        initial: Array,
        rtol: float,
        scale: Array,
        method: str,
        past: Past | None,
    ) -> None:
        self.system, self.parts, self.schedule = system, parts, schedule
        self.initial, self.method = initial, method
        self.rtol, self.atol = rtol, np.maximum(rtol * 1e-3 * np.abs(scale), 1e-300)
        self.y, self.u = initial.copy(), np.array([x.initial for x in system.inputs], float)
        self.fired = [0] * len(system.events)
        self.steps = 0
        self.past = past
        if past is not None:
            past.begin(self.y, self.u)

    def run(
        self, records: list[tuple[float, int, int]], times: Array, start: float, before: bool, out: Array
    ) -> tuple[int, int]:
        self.out, self.times, self.next = out, times, 0
        t, end = start, float(times[-1]) if len(times) else start
        position = 0
        while True:
            stop = min(records[position][0], end) if position < len(records) else end
            reached, status = self._segment(t, max(stop, t))
            if status != Status.DONE:
                if status == Status.ENDED_BY_EVENT:
                    self._write(end, True)
                return int(status), self.steps
            t = reached
            if before:
                self._write(t, True)
            due = position < len(records) and records[position][0] <= t
            while position < len(records) and records[position][0] <= t:
                self._apply(records[position])
                position += 1
            if t >= end and not due:
                self._write(end, True)
                return int(Status.DONE), self.steps

    def _apply(self, record: tuple[float, int, int]) -> None:
        _, r, row = record
        kind, index = Kind(int(self.schedule.kind[r])), int(self.schedule.index[r])
        value = float(self.schedule.value[row, r])
        if kind == Kind.RESET:
            self.y, self.u = self.initial.copy(), np.array([x.initial for x in self.system.inputs], float)
            return
        target = self.y if kind in (Kind.ADD_STATE, Kind.SET_STATE) else self.u
        target[index] = value + (target[index] if kind in (Kind.ADD_STATE, Kind.ADD_INPUT) else 0.0)

    def _write(self, t: float, inclusive: bool) -> None:
        """Write outputs up to ``t`` from the present state."""
        while self.next < len(self.times) and (self.times[self.next] < t or (inclusive and self.times[self.next] <= t)):
            self.out[self.next] = self.parts.outputs(self.times[self.next], self.y, self.u)
            self.next += 1

    def _segment(self, t: float, stop: float) -> tuple[float, Status]:
        """Integrate to ``stop`` through root events, writing the outputs passed on the way."""
        from scipy import integrate

        solve: Any = integrate.solve_ivp if self.past is None else self.past.solve

        while t < stop:
            rates, u = self.parts.rates, self.u
            roots = [self._root(k) for k in range(len(self.fired))]
            done = solve(
                lambda x, y: rates(x, y, u),  # noqa: B023
                (t, stop),
                self.y,
                method=self.method,
                rtol=self.rtol,
                atol=self.atol,
                dense_output=True,
                events=roots or None,
                **({} if self.past is None else {"inputs": self.u}),
            )
            self.steps += int(done.nfev)
            if not done.success and done.status != 1:
                return t, Status.STEP_TOO_SMALL
            t = float(done.t[-1])
            fired = next((k for k, at in enumerate(done.t_events or ()) if len(at)), None)
            if fired is not None:
                t = self._across(fired, done.sol, t)
            while self.next < len(self.times) and self.times[self.next] < t:
                x = self.times[self.next]
                self.out[self.next] = self.parts.outputs(x, done.sol(x), u)
                self.next += 1
            self.y = np.array(done.sol(t)) if fired is not None else done.y[:, -1].copy()
            if not np.all(np.isfinite(self.y)):
                return t, Status.NOT_FINITE
            if fired is not None and self._fire(fired, t):
                return t, Status.ENDED_BY_EVENT
        return t, Status.DONE

    def _across(self, k: int, states: Callable[[float], Array], t: float) -> float:
        """The first time from ``t`` on at which a root has risen: left a rounding error below, it would rise again."""
        root, step = self.parts.roots[k], math.ulp(t)
        while root(t, states(t), self.u)[0] < 0.0:
            t, step = t + step, 2.0 * step
        return t

    def _root(self, k: int) -> Callable[[float, Array], float]:
        event, root = self.system.events[k], self.parts.roots[k]
        spent = self.fired[k] >= event.times

        def value(x: float, y: Array) -> float:
            # A root at zero has risen; SciPy would let it rise from there.
            return -1.0 if spent else root(x, y, self.u)[0] or 1e-300

        value.terminal, value.direction = True, 1.0  # type: ignore[attr-defined]
        return value

    def _fire(self, k: int, t: float) -> bool:
        self.fired[k] += 1
        values = self.parts.actions[k](t, self.y, self.u)
        for action, value in zip(self.system.events[k].actions, values, strict=True):
            if action.kind == "end":
                if value > 0.0:
                    return True
                continue
            target = self.y if action.on == "state" else self.u
            target[action.index] = float(value) + (target[action.index] if action.kind == "add" else 0.0)
        return False
