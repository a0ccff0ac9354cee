"""Doses that have always been given: the periodic state of the kinetics, exactly.

Linear kinetics obey ``dx/dt = A x + inputs``, so the state at the dosing time repeats with the interval T when
``x = exp(A T) x + b``, where ``b`` is what one period of dosing adds. No run of many doses is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from racemate.engine.interpreter import function
from racemate.engine.problem import Array, Kind
from racemate.errors import RacemateError
from racemate.model.system import System
from racemate.regimen import Dose
from racemate.simulation.dosing import Arrival, Dosing, Record

KINETIC = ("amount.", "concentration.")


@dataclass(frozen=True)
class LinearKinetics:
    """The kinetic part of a system in one patient: ``dx/dt = A x``, for the states that a dose can reach."""

    states: list[int]
    matrix: Array

    def after(self, time: float) -> Array:
        """The transition over a time."""
        from scipy.linalg import expm

        return np.asarray(expm(self.matrix * time))

    def filled(self, time: float) -> Array:
        """The integral of the transition over a time: what a unit rate into each state leaves behind."""
        from scipy.linalg import expm

        k = len(self.states)
        block = np.zeros((2 * k, 2 * k))
        block[:k, :k], block[:k, k:] = self.matrix, np.eye(k)
        return np.asarray(expm(block * time)[:k, k:])


def linear_kinetics(system: System, parameters: Array, entries: Iterable[int]) -> LinearKinetics:
    """The matrix of the kinetic states that can be reached from the entries.

    Raises
    ------
    RacemateError
        If a rate is not linear in them (saturable elimination).
    """
    every = [i for i, s in enumerate(system.states) if s.name.startswith(KINETIC)]
    rates = function(system.graph, [system.states[i].rate for i in every])
    rest, inputs = np.zeros(len(system.states)), np.zeros(len(system.inputs))

    def rate(y: Array) -> Array:
        return np.array([float(np.asarray(r)) for r in rates(0.0, y, parameters, inputs)])

    matrix = np.empty((len(every), len(every)))
    for column, i in enumerate(every):
        probe = rest.copy()
        probe[i] = 1.0
        matrix[:, column] = rate(probe)
    probe = rest.copy()
    probe[every] = np.arange(1.0, len(every) + 1.0) * 1e3
    if not np.allclose(rate(probe), matrix @ probe[every], rtol=1e-9, atol=1e-12):
        raise RacemateError("steady state of doses needs linear kinetics", fix="give the doses one by one")
    reached = _reached(matrix, {every.index(i) for i in entries})
    return LinearKinetics([every[k] for k in reached], matrix[np.ix_(reached, reached)])


def _reached(matrix: Array, start: set[int]) -> list[int]:
    """The states that a dose flows into, less those that only collect (eliminated amounts have no steady state)."""
    seen, todo = set(start), list(start)
    while todo:
        column = todo.pop()
        for row in np.flatnonzero(matrix[:, column]):
            if int(row) not in seen:
                seen.add(int(row))
                todo.append(int(row))
    return sorted(k for k in seen if matrix[k, k] != 0.0)


def steady_state_records(dosing: Dosing, dose: Dose) -> list[Record]:
    """Records that put every patient at the steady state of a dose at its time.

    The dose itself is not among them. With ``steady_state == 1`` the states take the periodic values, with 2 the
    values are added to what is there.
    """
    arrivals = dosing.arrivals(dose)
    if dose.mode == "constant":
        return _constant(dosing, dose, arrivals)
    if not dose.interval > 0:
        raise RacemateError("a steady-state dose needs an interval", where=dose.label, fix="give II above zero")
    n = len(dosing.weight)
    rows: list[tuple[dict[int, float], list[tuple[int, float, float]]]] = []
    for patient in range(n):
        rows.append(_periodic(dosing, dose, arrivals, patient))
    kind = Kind.SET_STATE if dose.steady_state == 1 else Kind.ADD_STATE
    records: list[Record] = []
    for state in rows[0][0]:
        records.append((dose.time, 0.0, np.array([r[0][state] for r in rows]), 1, kind, state))
    for j in range(max(len(r[1]) for r in rows)):  # infusions of earlier doses that still run
        index = rows[0][1][j][0]
        left = np.array([r[1][j][1] for r in rows])
        rate = np.array([r[1][j][2] for r in rows])
        records.append((dose.time, 0.0, rate, 1, Kind.ADD_INPUT, index))
        records.append((dose.time + left, 0.0, -rate, 1, Kind.ADD_INPUT, index))
    return records


def _periodic(
    dosing: Dosing, dose: Dose, arrivals: list[Arrival], patient: int
) -> tuple[dict[int, float], list[tuple[int, float, float]]]:
    """One patient's periodic state at the dosing time, and ``(input, time left, rate)`` of running infusions."""
    period = dose.interval
    kinetics = linear_kinetics(dosing.system, dosing.parameters[patient], {a.pathway.state for a in arrivals})
    position = {state: k for k, state in enumerate(kinetics.states)}
    added = np.zeros(len(kinetics.states))
    running: list[tuple[int, float, float]] = []
    for arrival in arrivals:
        lag = float(arrival.time[patient]) - dose.time
        if lag >= period:
            raise RacemateError(
                f"the lag ({lag:g} min) is not shorter than the interval ({period:g} min)",
                where=dose.label,
                fix="a steady state needs each dose to arrive before the next is given",
            )
        amount, duration = float(arrival.amount[patient]), float(arrival.duration[patient])
        if arrival.pathway.state not in position:
            continue
        k = position[arrival.pathway.state]
        if duration <= 0:
            added += kinetics.after(period - lag)[:, k] * amount
            continue
        rate = amount / duration
        whole, rest = divmod(duration, period)
        added += kinetics.filled(period)[:, k] * rate * whole
        added += _one_period(kinetics, period, lag, rest)[:, k] * rate
        running += [(arrival.pathway.input, left, rate) for left in _left(lag, duration, period)]
    state = np.linalg.solve(np.eye(len(added)) - kinetics.after(period), added)
    return dict(zip(kinetics.states, state.tolist(), strict=True)), running


def _one_period(kinetics: LinearKinetics, period: float, start: float, length: float) -> Array:
    """What a unit rate from ``start`` for ``length`` leaves at the end of the period, wrapping round its end."""
    end = start + length
    inside = min(end, period)
    result = kinetics.after(period - inside) @ kinetics.filled(inside - start)
    if end > period:
        result = result + kinetics.after(2 * period - end) @ kinetics.filled(end - period)
    return np.asarray(result)


def _left(lag: float, duration: float, period: float) -> list[float]:
    """How long the infusions of earlier doses still run at the dosing time."""
    left, k = [], 1
    while lag + duration - k * period > 1e-12:
        left.append(lag + duration - k * period)
        k += 1
    return left


def _constant(dosing: Dosing, dose: Dose, arrivals: list[Arrival]) -> list[Record]:
    """A constant infusion that has always run: its plateau, after which it stops."""
    records: list[Record] = []
    kind = Kind.SET_STATE if dose.steady_state == 1 else Kind.ADD_STATE
    columns: dict[int, list[float]] = {}
    for patient in range(len(dosing.weight)):
        kinetics = linear_kinetics(dosing.system, dosing.parameters[patient], {a.pathway.state for a in arrivals})
        rate = np.zeros(len(kinetics.states))
        for arrival in arrivals:
            if arrival.pathway.state in kinetics.states:
                rate[kinetics.states.index(arrival.pathway.state)] += float(arrival.amount[patient])
        plateau = np.linalg.solve(-kinetics.matrix, rate)
        for state, value in zip(kinetics.states, plateau.tolist(), strict=True):
            columns.setdefault(state, []).append(value)
    for state, values in columns.items():
        records.append((dose.time, 0.0, np.array(values), 1, kind, state))
    return records
