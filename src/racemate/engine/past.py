"""Delays in the reference path: SciPy's steppers, never longer than a delay, over a past that is kept whole."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from racemate.engine.derivatives import Equations
from racemate.engine.interpreter import ScalarFunction, scalar
from racemate.engine.problem import Array
from racemate.errors import RacemateError

#: Steps stay this share of the shortest delay, which may shrink while a step is taken.
SHARE = 0.9


@dataclass
class Outcome:
    """What ``scipy.integrate.solve_ivp`` answers, as far as the reference path reads it."""

    t: Array
    y: Array
    sol: Callable[[float], Array]
    nfev: int
    status: int
    t_events: list[list[float]] = field(default_factory=list)

    @property
    def success(self) -> bool:
        return self.status >= 0


class Past:
    """One patient's past: every step's own interpolant, with the inputs of its time.

    Parameters
    ----------
    e : Equations
    p : ndarray
        The patient's parameters.
    start : float
        Before it every delayed value is what it is at the start.
    """

    def __init__(self, e: Equations, p: Array, start: float) -> None:
        self.start = start
        self.values: list[ScalarFunction] = [scalar(e.graph, [node])(p, self) for node in e.delayed]
        self.taus: ScalarFunction = scalar(e.graph, [tau for _, tau in e.delays])(p, self)
        self.begins: list[float] = []
        self.pieces: list[tuple[Callable[[float], Array], Array]] = []

    def begin(self, y: Array, u: Array) -> None:
        """The state and inputs at the start."""
        first = y.copy()
        self.begins, self.pieces = [-np.inf], [(lambda _: first, u.copy())]

    def __call__(self, number: int, at: float) -> float:
        piece, u = self.pieces[bisect_right(self.begins, at) - 1]
        at = max(at, self.start)
        return self.values[number](at, piece(at), u)[0]

    def solve(
        self,
        rates: Callable[[float, Array], list[float]],
        span: tuple[float, float],
        y: Array,
        *,
        method: str,
        rtol: float,
        atol: Array,
        dense_output: bool,
        events: list[Any] | None,
        inputs: Array,
    ) -> Outcome:
        """Integrate to the end of the span or to an event, a step at a time."""
        from scipy import integrate

        t, stop = span
        make: Any = getattr(integrate, method)
        solver = make(rates, t, y, stop, rtol=rtol, atol=atol, max_step=self._longest(t, y, inputs))
        first, signs = len(self.begins), [event(t, y) for event in events or ()]
        while solver.status == "running":
            solver.max_step = self._longest(solver.t, solver.y, inputs)
            if solver.step() is not None and solver.status == "failed":
                return Outcome(np.array([solver.t]), solver.y[:, None], lambda _: y, solver.nfev, -1)
            piece = solver.dense_output()
            self.begins.append(solver.t_old)
            self.pieces.append((piece, inputs.copy()))
            risen = [event(solver.t, solver.y) for event in events or ()]
            for k, (before, after) in enumerate(zip(signs, risen, strict=True)):
                if before < 0.0 <= after:
                    return self._event(k, len(risen), solver, piece, (events or [])[k], first)
            signs = risen
        return Outcome(np.array([t, solver.t]), solver.y[:, None], self._interpolant(first), solver.nfev, 0)

    def _longest(self, t: float, y: Array, u: Array) -> float:
        longest = SHARE * min(self.taus(t, y, u))
        if not longest > 0.0:
            raise RacemateError("the reference path needs delays above zero", fix="run it compiled")
        return longest

    def _event(self, k: int, count: int, solver: Any, piece: Any, event: Any, first: int) -> Outcome:
        """The earliest rise of one root in the last step, by bisection."""
        low, high = solver.t_old, solver.t
        for _ in range(80):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if event(middle, piece(middle)) >= 0.0 else (middle, high)
        found: list[list[float]] = [[] for _ in range(count)]
        found[k] = [high]
        return Outcome(
            np.array([solver.t_old, high]), piece(high)[:, None], self._interpolant(first), solver.nfev, 1, found
        )

    def _interpolant(self, first: int) -> Callable[[float], Array]:
        """The states on the pieces of this span, whatever the time asked."""

        def at(t: float) -> Array:
            return self.pieces[max(first, bisect_right(self.begins, t) - 1)][0](t)

        return at
