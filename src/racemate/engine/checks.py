"""What an engine refuses before any code of a model runs."""

from __future__ import annotations

import numpy as np

from racemate.engine.interpreter import at_parameters
from racemate.engine.problem import Array, Batch, Kind, Schedule
from racemate.errors import RacemateError
from racemate.model.system import System


def check(system: System, batch: Batch, schedule: Schedule, times: Array, start: float, rtol: float) -> None:
    """Refuse numbers with which no patient could be integrated.

    Raises
    ------
    RacemateError
        If output times do not increase, the tolerance is not between 0 and 1, a parameter is not a number, a state
        does not begin at a finite value, or a dosing record makes no sense.
    """
    if not len(times) or not np.all(np.diff(times) > 0) or not times[0] >= start or not np.isfinite(times[-1]):
        raise RacemateError("output times must increase, be finite, and not lie before the start")
    if not 0 < rtol < 1:
        raise RacemateError(f"a relative tolerance of {rtol:g}", fix="a number between 0 and 1, such as 1e-6")
    _parameters(system, batch)
    _initial(system, batch)
    _schedule(system, schedule, batch.n)


def _parameters(system: System, batch: Batch) -> None:
    if len(batch.base) != len(system.parameters):
        raise RacemateError(f"{len(batch.base)} parameter values for {len(system.parameters)} parameters")
    fixed = np.delete(np.arange(len(batch.base)), batch.columns)
    missing = [*fixed[np.isnan(batch.base[fixed])], *batch.columns[np.isnan(batch.varying).any(axis=0)]]
    if missing:
        raise RacemateError(f"parameter '{system.parameters[int(missing[0])].name}' is not a number")


def _initial(system: System, batch: Batch) -> None:
    """Initial values by formula must be finite in every patient; constant ones were checked as they were written."""
    found = [s for s in system.states if system.graph.value(s.initial) is None]
    if not found:
        return
    with np.errstate(all="ignore"):
        values = at_parameters(system, [s.initial for s in found], batch.full())
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        patient, i = wrong[0]
        raise RacemateError(
            f"state '{found[i].name}' begins at {values[patient, i]:g}",
            where=f"patient {patient + 1}",
            fix="parameters that give it a finite initial value",
        )


def _schedule(system: System, schedule: Schedule, n: int) -> None:
    if len(schedule.time) not in (1, n):
        raise RacemateError(f"a schedule of {len(schedule.time)} rows for {n} patients")
    if np.any(schedule.interval < 0) or np.isnan(schedule.time).any() or not np.isfinite(schedule.value).all():
        raise RacemateError("a dosing record has a negative interval, or a time or amount that is not a number")
    of_state = np.isin(schedule.kind, (Kind.ADD_STATE, Kind.SET_STATE))
    limits = np.where(of_state, len(system.states), max(1, len(system.inputs)))
    if np.any(schedule.index < 0) or np.any((schedule.index >= limits) & (schedule.kind != Kind.RESET)):
        raise RacemateError("a dosing record points at a state or input that the system does not have")
