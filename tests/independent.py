"""An independent solver: SUNDIALS CVODE on the interpreted graph, restarted at every dosing record."""

from __future__ import annotations

import numpy as np
from sksundae.cvode import CVODE

from racemate.engine.interpreter import at_parameters, scalar
from racemate.engine.problem import Array, Kind, Schedule
from racemate.simulate import Prepared


def occurrences(schedule: Schedule, row: int) -> list[tuple[float, int]]:
    """Every time a record of one patient happens, with the record's number."""
    every = [
        (schedule.time[row, r] + k * schedule.interval[row, r], r)
        for r in range(len(schedule.count))
        for k in range(schedule.count[r])
    ]
    return sorted(every)


def cvode(prepared: Prepared, *, rtol: float = 1e-9, patient: int = 0) -> Array:
    """The outputs of one patient by CVODE, shape (T, O), canonical units."""
    system, times = prepared.system, prepared.times
    p = prepared.batch.full()[patient]
    y = at_parameters(system, [s.initial for s in system.states], p[None])[0].copy()
    scale = at_parameters(system, [s.scale for s in system.states], p[None])[0]
    u = np.array([i.initial for i in system.inputs], float)
    rates = scalar(system.graph, [s.rate for s in system.states])(p)
    outputs = scalar(system.graph, [o.node for o in system.outputs])(p)

    def rhs(t: float, y: Array, yp: Array) -> None:
        yp[:] = rates(t, y, u)

    records = occurrences(prepared.schedule, min(patient, len(prepared.schedule.time) - 1))
    values = np.empty((len(times), len(system.outputs)))
    t = prepared.scenario.start
    stops = sorted({time for time, _ in records if t < time < times[-1]} | {float(times[-1])})
    for stop in [t, *stops]:
        inside = np.flatnonzero((times >= t) & (times < stop))
        if stop > t:
            grid = np.unique([t, *times[inside], stop])
            solver = CVODE(rhs, rtol=rtol, atol=rtol * 1e-4 * scale, method="BDF", max_num_steps=100_000)
            found = solver.solve(grid, y)
            for i in inside:
                values[i] = outputs(times[i], found.y[np.searchsorted(grid, times[i])], u)
            y = found.y[-1].copy()
        for time, r in records:
            if time == stop:
                apply(prepared, r, patient, y, u)
        t = stop
    values[times >= t] = outputs(t, y, u)
    return values


def apply(prepared: Prepared, r: int, patient: int, y: Array, u: Array) -> None:
    """One dosing record happens."""
    schedule = prepared.schedule
    value = schedule.value[min(patient, len(schedule.value) - 1), r]
    kind, index = Kind(int(schedule.kind[r])), schedule.index[r]
    if kind == Kind.RESET:
        y[:] = 0.0
        u[:] = 0.0
        return
    target = y if kind in (Kind.ADD_STATE, Kind.SET_STATE) else u
    target[index] = value + (target[index] if kind in (Kind.ADD_STATE, Kind.ADD_INPUT) else 0.0)
