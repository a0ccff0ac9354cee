"""From a system to a kernel that runs batches of patients."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from racemate.engine import cache, functions, machine
from racemate.engine.builder import Builder
from racemate.engine.checks import check
from racemate.engine.delays import Delays
from racemate.engine.derivatives import equations
from racemate.engine.driver import Driver, layout
from racemate.engine.formulas import write_formulas
from racemate.engine.layout import FIELDS, TASK
from racemate.engine.problem import Array, Batch, Schedule, Solution, Status
from racemate.engine.stepping import write_stepping
from racemate.engine.summaries import NAMES
from racemate.errors import RacemateError, unknown
from racemate.model.graph import PARAMETER
from racemate.model.system import System

#: Steps that a lane remembers for its delays; where that is too few, the patient is run again with more.
HISTORY, LONG_HISTORY = 512, 65536


def supports(system: System) -> bool:
    """Whether the compiled engine can run a system: it needs llvmlite, states and outputs."""
    return bool(system.states and system.outputs) and find_spec("llvmlite") is not None


def generate(system: System, lanes: int) -> str:
    """The LLVM code of a system's kernel."""
    k, e, size = Builder(lanes), equations(system), len(system.states)
    functions.define(k)
    formulas = write_formulas(k, e, size)
    numbers = len(system.inputs), len(system.outputs)
    w = layout(size, len(system.parameters), *numbers, formulas, system.events)
    write_stepping(k, w, size, formulas)
    past = Delays(k, w, size, formulas) if formulas.delayed else None
    if past:
        past.write()
    Driver(k, w, size, *numbers, system.events, past).write()
    return k.text()


@lru_cache
def _generator() -> str:
    """A hash of this generator, so that code of an older one is never met."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def compile_system(system: System, lanes: int | None = None, *, quick: bool = False) -> Kernel:
    """Compile a system, or find it compiled.

    Parameters
    ----------
    system : System
    lanes : int, optional
        Patients a vector; by default what the machine's registers hold. Results do not depend on it.
    quick : bool
        For one patient: where nothing is compiled yet, compile without optimising, five times as fast to slower
        code that gives the same bits.

    Raises
    ------
    RacemateError
        If the system has nothing to integrate or to look at.

    Examples
    --------
    >>> from racemate.model import Model, compose
    >>> model = Model()
    >>> m = model.module("decay")
    >>> x = m.state("x", "nmol", initial=1.0, scale=1.0)
    >>> m.rate("x", -m.parameter("k", 1.0, "1/min") * x)
    >>> m.offer("amount", x, "nmol")
    >>> kernel = compile_system(compose(model, ["amount"]))
    >>> batch = Batch(np.array([1.0]), np.zeros(0, np.int64), np.zeros((1, 0)))
    >>> kernel.run(batch, Schedule.empty(), np.array([0.0, 1.0])).values[0, :, 0].round(5).tolist()
    [1.0, 0.36788]
    """
    if not supports(system):
        raise RacemateError("the compiled engine needs llvmlite, states and outputs")
    levels = system.graph.levels
    for state in system.states:
        if max(levels[state.initial], levels[state.scale]) > PARAMETER:
            raise RacemateError(f"the initial value or scale of '{state.name}' depends on more than parameters")
    lanes = lanes or machine.best_lanes()
    key = hashlib.sha256(f"{system.key} {lanes} {_generator()} {machine.identity()}".encode()).hexdigest()
    if quick and cache.found(key) is None:
        return Kernel(system, lanes, cache.kept(f"{key}-quick", lambda: machine.assemble(generate(system, lanes), 0)))
    return Kernel(system, lanes, cache.kept(key, lambda: machine.assemble(generate(system, lanes))))


class Kernel:
    """Machine code that integrates patients of one system."""

    def __init__(self, system: System, lanes: int, code: bytes) -> None:
        self.system, self.lanes = system, lanes
        self._library: Any = machine.load(code)
        self._run = self._function("run", None, ctypes.c_void_p, ctypes.c_void_p)
        self._size = int(self._function("workspace", ctypes.c_int64)())
        self._entry = int(self._function("entry", ctypes.c_int64)())

    def _function(self, name: str, returns: Any, *arguments: Any) -> Callable[..., Any]:
        return ctypes.CFUNCTYPE(returns, *arguments)(self._library.get_function_address(name))

    def run(
        self,
        batch: Batch,
        schedule: Schedule,
        times: Array,
        *,
        start: float = 0.0,
        rtol: float = 1e-6,
        threads: int = 1,
        before_doses: bool = False,
        max_steps: int = 1_000_000,
        summaries: Collection[str] = (),
    ) -> Solution:
        """Integrate a batch of patients.

        Parameters
        ----------
        times : ndarray, shape (T,), min
            Increasing output times, none before ``start``.
        rtol : float
            Relative tolerance; the absolute one is a thousandth of it times each state's scale.
        threads : int
            Threads that share the patients; results do not depend on it.
        before_doses : bool
            Whether an output at a dosing time is the value just before it.
        max_steps : int
            Steps after which a patient is given up, with a status.
        summaries : collection of str
            Any of ``max``, ``time_of_max``, ``integral`` (over time in min): of every output, from ``start`` to the
            last output time or the end of the patient's run, found while stepping.

        Raises
        ------
        RacemateError
            If something makes no sense: see ``racemate.engine.checks``.
        """
        times = np.ascontiguousarray(times, float)
        check(self.system, batch, schedule, times, start, rtol)
        for name in summaries:
            if name not in NAMES:
                raise unknown("summary", name, NAMES)
        integrate = partial(
            self._integrate,
            times=times,
            start=start,
            rtol=rtol,
            before=before_doses,
            max_steps=max_steps,
            threads=threads,
            summarised=bool(summaries),
        )
        found = integrate(batch, schedule, history=HISTORY)
        if np.any(long := found.status == Status.DELAY_OVERFLOW):
            rows = np.flatnonzero(long)
            again = integrate(batch.chosen(rows), schedule.chosen(rows), history=LONG_HISTORY)
            found = found.replaced(rows, again)
        return found.with_summaries(summaries)

    def _integrate(
        self,
        batch: Batch,
        schedule: Schedule,
        *,
        history: int,
        times: Array,
        start: float,
        rtol: float,
        before: bool,
        max_steps: int,
        threads: int,
        summarised: bool,
    ) -> Solution:
        """One call of the kernel, with room for so many steps of history a lane (a power of two)."""
        n = batch.n
        values = np.full((n, len(times), len(self.system.outputs)), np.nan)
        status, steps, queue = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(1, np.int64)
        task = _Task()
        task.arrays(queue=queue, values=values, status=status, steps=steps, times=times)
        task.arrays(base=_doubles(batch.base), columns=_whole(batch.columns), varying=_doubles(batch.varying))
        task.arrays(inputs=np.array([x.initial for x in self.system.inputs], float))
        for name in ("time", "interval", "value"):
            task.arrays(**{name: _doubles(getattr(schedule, name))})
        for name in ("count", "kind", "index"):
            task.arrays(**{name: _whole(getattr(schedule, name))})
        records = len(schedule.count)
        task.numbers(patients=n, parameters=len(batch.base), varying_columns=len(batch.columns), records=records)
        task.numbers(stride=records if len(schedule.time) > 1 else 0, points=len(times), before=int(before))
        found = np.full((n, len(NAMES), len(self.system.outputs)), np.nan)
        task.arrays(summaries=found)
        task.numbers(start=start, end=float(times[-1]), rtol=rtol, max_steps=max_steps)
        task.numbers(summarised=int(summarised), capacity=history)

        def work(_: int) -> None:
            space = np.zeros(self._size + records * self.lanes + history * self._entry + 8)
            aligned = space.ctypes.data + (-space.ctypes.data) % 64
            self._run(task.table.ctypes.data, aligned)

        threads = max(1, min(threads, -(-n // self.lanes)))
        if threads == 1:
            work(0)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(work, range(threads)))
        return Solution(times, values, status, steps, {name: found[:, i] for i, name in enumerate(NAMES)})


class _Task:
    """The table of numbers and addresses a kernel reads; keeps the arrays alive."""

    def __init__(self) -> None:
        self.table = np.zeros(len(TASK), np.int64)
        self.kept: list[Any] = []

    def arrays(self, **arrays: Any) -> None:
        for name, array in arrays.items():
            self.kept.append(array)
            self.table[FIELDS[name][0]] = array.ctypes.data

    def numbers(self, **numbers: float) -> None:
        for name, value in numbers.items():
            place, kind = FIELDS[name]
            (self.table.view(np.float64) if kind == "double" else self.table)[place] = value


def _doubles(array: Any) -> Array:
    return np.ascontiguousarray(array, np.float64)


def _whole(array: Any) -> Any:
    return np.ascontiguousarray(array, np.int64)
