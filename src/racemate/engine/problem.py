"""What an engine is asked and what it answers: the same for the compiled kernel and the reference."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Kind(IntEnum):
    """What a dosing record does when its time comes."""

    ADD_STATE = 0
    ADD_INPUT = 1
    SET_STATE = 2
    SET_INPUT = 3
    RESET = 4


class Status(IntEnum):
    """How the integration of one patient ended."""

    DONE = 0
    ENDED_BY_EVENT = 1
    TOO_MANY_STEPS = 2
    STEP_TOO_SMALL = 3
    NOT_FINITE = 4
    DELAY_OVERFLOW = 5


MESSAGES = {
    Status.DONE: "done",
    Status.ENDED_BY_EVENT: "ended by an event of the model",
    Status.TOO_MANY_STEPS: "more steps than allowed; the horizon may be too long for the model's fastest process",
    Status.STEP_TOO_SMALL: "the step became too small; a rate of the model may jump or blow up",
    Status.NOT_FINITE: "a value is not finite; a parameter of this patient may be out of its range",
    Status.DELAY_OVERFLOW: "a delay reaches further back than the history kept for it",
}


@dataclass(frozen=True)
class Schedule:
    """Dosing records of a batch of patients.

    Record ``r`` happens to patient ``p`` at ``time[p, r] + k * interval[p, r]`` for ``k = 0 .. count[r] - 1``
    and does ``kind[r]`` with ``value[p, r]`` to the state or input ``index[r]``. Records at the same time
    happen in the order of ``r``. The first axis may be 1: then all patients share the row.

    Attributes
    ----------
    time, interval, value : ndarray, shape (n or 1, R), min, min and the unit of the target
    count, kind, index : ndarray of int, shape (R,)
    """

    time: Array
    interval: Array
    value: Array
    count: Ints
    kind: Ints
    index: Ints

    @classmethod
    def empty(cls) -> Schedule:
        """A schedule in which nothing happens."""
        none, no = np.zeros((1, 0)), np.zeros(0, np.int64)
        return cls(none, none, none, no, no, no)

    @classmethod
    def of(cls, records: list[tuple[Array | float, Array | float, Array | float, int, Kind, int]]) -> Schedule:
        """From records ``(time, interval, value, count, kind, index)``, floats or arrays over patients."""
        if not records:
            return cls.empty()
        n = max(np.size(x) for r in records for x in r[:3])

        def table(column: int) -> Array:
            cells = [np.broadcast_to(np.asarray(r[column], float).reshape(-1), (n,)) for r in records]
            return np.ascontiguousarray(np.stack(cells, axis=1))

        count, kind, index = (np.array([int(r[c]) for r in records], np.int64) for c in (3, 4, 5))
        return cls(table(0), table(1), table(2), count, kind, index)

    def rows(self, start: int, stop: int) -> Schedule:
        """The records of some of the patients."""
        return self.chosen(np.arange(start, min(stop, len(self.time))))

    def chosen(self, rows: Ints) -> Schedule:
        """The records of the patients of some rows."""
        if len(self.time) == 1:
            return self
        time, interval, value = (np.ascontiguousarray(x[rows]) for x in (self.time, self.interval, self.value))
        return Schedule(time, interval, value, self.count, self.kind, self.index)


@dataclass(frozen=True)
class Batch:
    """Run-time numbers of n patients: one base vector, and columns that vary between patients.

    Attributes
    ----------
    base : ndarray, shape (P,)
        Canonical value of every parameter of the system.
    columns : ndarray of int, shape (V,)
        Which parameters vary.
    varying : ndarray, shape (n, V)
        Their values.
    """

    base: Array
    columns: Ints
    varying: Array

    @property
    def n(self) -> int:
        """Number of patients."""
        return len(self.varying)

    def full(self) -> Array:
        """All parameters of all patients, shape (n, P)."""
        table = np.tile(self.base, (self.n, 1))
        table[:, self.columns] = self.varying
        return table

    def rows(self, start: int, stop: int) -> Batch:
        """Some of the patients."""
        return Batch(self.base, self.columns, self.varying[start:stop])

    def chosen(self, rows: Ints) -> Batch:
        """The patients of some rows."""
        return Batch(self.base, self.columns, self.varying[rows])


@dataclass(frozen=True)
class Solution:
    """What an engine found.

    Attributes
    ----------
    times : ndarray, shape (T,), min
    values : ndarray, shape (n, T, O), canonical units; NaN after a patient's integration failed
    status : ndarray of int, shape (n,)
        A ``Status`` a patient.
    steps : ndarray of int, shape (n,)
        Steps taken, rejected ones included.
    summaries : dict of str to ndarray, shape (n, O)
        In-kernel summaries, if any were asked for.
    """

    times: Array
    values: Array
    status: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]
    summaries: dict[str, Array] = field(default_factory=dict)

    @classmethod
    def joined(cls, parts: Sequence[Solution]) -> Solution:
        """The solutions of several batches of patients as one."""
        if len(parts) == 1:
            return parts[0]
        values, status, steps = (np.concatenate([getattr(p, name) for p in parts]) for name in _BY_PATIENT)
        summaries = {k: np.concatenate([p.summaries[k] for p in parts]) for k in parts[0].summaries}
        return cls(parts[0].times, values, status, steps, summaries)

    def replaced(self, rows: Ints, other: Solution) -> Solution:
        """With the patients of some rows taken from another solution."""
        for name in _BY_PATIENT:
            getattr(self, name)[rows] = getattr(other, name)
        for name, table in self.summaries.items():
            table[rows] = other.summaries[name]
        return self

    def with_summaries(self, names: Collection[str]) -> Solution:
        """With only the summaries of these names."""
        return replace(self, summaries={name: self.summaries[name] for name in names})


_BY_PATIENT = ("values", "status", "steps")
