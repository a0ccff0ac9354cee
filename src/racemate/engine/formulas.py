"""The functions of one model in vector code: its patients' constants, rates, matrix, outputs and roots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from racemate.engine.builder import POINTER, Array, Builder, Value
from racemate.engine.derivatives import TIME, Equations, gradients
from racemate.engine.programs import PIECE, Hoisted
from racemate.engine.sparse_lu import Elimination, Factorisation, plan
from racemate.engine.straight import Sources, write
from racemate.model.graph import PARAMETER


@dataclass(frozen=True)
class Formulas:
    """What the stepping code must know about the model's functions.

    Attributes
    ----------
    timed : bool
        Whether a rate depends on time itself.
    observed : tuple of int
        The states that outputs, roots and delays read, which are the ones to interpolate.
    delayed : int
        How many values are looked back at.
    delays : tuple of int
        For each delay, the number of the value it looks back at.
    """

    hoisted: int
    spilled: int
    timed: bool
    observed: tuple[int, ...]
    lu: Factorisation
    delayed: int = 0
    delays: tuple[int, ...] = ()


def write_formulas(k: Builder, e: Equations, size: int) -> Formulas:
    """Write ``prepare``, ``rates``, ``linearise``, ``factorise``, ``solve``, ``observe``, ``roots``, ``act``.

    With delays also ``delaying`` (the values that are looked back at) and ``delays`` (how far).
    """
    g, hoisted = e.graph, Hoisted(e.graph)
    slopes = gradients(g, e.rates)
    timed = any(TIME in row for row in slopes)
    jacobian = {(i, j): d for i, row in enumerate(slopes) for j, d in row.items() if j != TIME}
    lu = plan(size, jacobian)
    spills = [
        _rates(k, e, hoisted),
        _linearise(k, e, hoisted, jacobian, lu, [row.get(TIME) for row in slopes] if timed else None),
        _evaluate(k, e, hoisted, "observe", e.outputs),
        _evaluate(k, e, hoisted, "roots", e.roots),
        _evaluate(k, e, hoisted, "act", [i for ids in e.actions for i in ids]),
    ]
    taus = [tau for _, tau in e.delays]
    if e.delayed:
        spills += [_evaluate(k, e, hoisted, "delaying", e.delayed), _evaluate(k, e, hoisted, "delays", taus)]
    _factorise(k, lu)
    _solve(k, lu)
    spills.append(_prepare(k, e, hoisted))
    seen = [*e.outputs, *e.roots, *e.delayed, *taus]
    observed = sorted({int(g.nodes[i][1]) for i in g.reachable(seen) if g.nodes[i][0] == "state"})  # type: ignore[call-overload]
    numbers = tuple(number for number, _ in e.delays)
    return Formulas(len(hoisted.slots), max(spills), timed, tuple(observed), lu, len(e.delayed), numbers)


def _state_sources(k: Builder, v: Sequence[Value]) -> Sources:
    """Functions at state level begin with: task, workspace, states, hoisted values, inputs, time."""
    return Sources(k.array(v[2]), k.array(v[3]), k.array(v[4]), v[5], past=tuple(v[:2]))


def _state_arguments(k: Builder, *more: str) -> list[str]:
    return [POINTER, POINTER, POINTER, POINTER, POINTER, k.vector, *more]


def _rates(k: Builder, e: Equations, hoisted: Hoisted) -> int:
    """``rates(task, work, y, H, U, t, f)`` adds the rates to ``f``."""

    def add(position: int, value: Value, v: Sequence[Value]) -> None:
        f = k.array(v[6])
        f[position] = f[position] + value

    program = hoisted.program(e.rates)
    arguments = _state_arguments(k, POINTER)
    write(k, "rates", arguments, e.graph, hoisted, program, e.rates, lambda v: _state_sources(k, v), add)
    return len(program.spilled)


def _linearise(
    k: Builder,
    e: Equations,
    hoisted: Hoisted,
    jacobian: dict[tuple[int, int], int],
    lu: Factorisation,
    slopes: Sequence[int | None] | None,
) -> int:
    """``linearise(task, work, y, H, U, t, f, W, a, ft)``: rates, ``W = a I - J`` and df/dt in one pass."""
    size = len(e.rates)
    by_time = [(i, s) for i, s in enumerate(slopes or ()) if s is not None]
    roots = [*e.rates, *jacobian.values(), *(s for _, s in by_time)]
    places = list(jacobian)

    def store(position: int, value: Value, v: Sequence[Value]) -> None:
        if position < size:
            k.array(v[6])[position] = value
        elif position < size + len(places):
            i, j = places[position - size]
            k.array(v[7])[lu.entries[i, j]] = v[8] - value if i == j else -value
        else:
            k.array(v[9])[by_time[position - size - len(places)][0]] = value

    def finish(v: Sequence[Value]) -> None:
        for (i, j), n in lu.entries.items():
            if (i, j) not in jacobian:
                k.array(v[7])[n] = v[8] if i == j else k.numbers(0.0)
        zero_slopes = set(range(size)) - {i for i, _ in by_time} if slopes else ()
        for i in zero_slopes:
            k.array(v[9])[i] = 0.0

    program = hoisted.program(roots)
    arguments = _state_arguments(k, POINTER, POINTER, k.vector, POINTER)
    write(k, "linearise", arguments, e.graph, hoisted, program, roots, lambda v: _state_sources(k, v), store, finish)
    return len(program.spilled)


def _evaluate(k: Builder, e: Equations, hoisted: Hoisted, name: str, roots: Sequence[int]) -> int:
    """``name(task, work, y, H, U, t, out)`` stores some formulas."""

    def store(position: int, value: Value, v: Sequence[Value]) -> None:
        k.array(v[6])[position] = value

    program = hoisted.program(roots)
    arguments = _state_arguments(k, POINTER)
    write(k, name, arguments, e.graph, hoisted, program, roots, lambda v: _state_sources(k, v), store)
    return len(program.spilled)


def _prepare(k: Builder, e: Equations, hoisted: Hoisted) -> int:
    """``prepare(p, H, initial, scale)``: everything that depends on the patient's parameters alone."""
    size = len(e.initial)
    for i in (*e.initial, *e.scale):
        if e.graph.levels[i] == PARAMETER:
            hoisted.slot(i)
    slots = list(hoisted.slots)
    roots = [*slots, *e.initial, *e.scale]

    def store(position: int, value: Value, v: Sequence[Value]) -> None:
        if position < len(slots):
            k.array(v[1])[position] = value
        elif position < len(slots) + size:
            k.array(v[2])[position - len(slots)] = value
        else:
            k.array(v[3])[position - len(slots) - size] = value

    program = hoisted.own_program()
    arguments = [POINTER] * 4

    def sources(v: Sequence[Value]) -> Sources:
        return Sources(None, None, None, None, parameters=k.array(v[0]))

    write(k, "prepare", arguments, e.graph, hoisted, program, roots, sources, store)
    return len(program.spilled)


def _pieces(steps: Sequence[Elimination], cost: list[int]) -> list[list[Elimination]]:
    """Cut the elimination into runs of about ``PIECE`` operations."""
    pieces: list[list[Elimination]] = [[]]
    total = 0
    for step, c in zip(steps, cost, strict=True):
        if total + c > PIECE and pieces[-1]:
            pieces.append([])
            total = 0
        pieces[-1].append(step)
        total += c
    return pieces


def _factorise(k: Builder, lu: Factorisation) -> None:
    """``factorise(W)`` in place; the diagonal ends up inverted."""
    pieces = _pieces(lu.steps, [1 + sum(1 + len(u) for _, _, u in s.rows) for s in lu.steps])
    for n, piece in enumerate(pieces):
        with k.function(f"factorise.{n}", [POINTER]) as (pointer,):
            w = _Kept(k.array(pointer))
            for step in piece:
                w[step.diagonal] = 1.0 / w[step.diagonal]
                for _, multiplier, updates in step.rows:
                    w[multiplier] = w[multiplier] * w[step.diagonal]
                    negative = -w[multiplier]
                    for entry, above in updates:
                        w[entry] = k.fma(negative, w[above], w[entry])
            w.store()
    _sequence(k, "factorise", len(pieces), 1)


def _solve(k: Builder, lu: Factorisation) -> None:
    """``solve(W, b)`` in place, by the factors."""
    forward = _pieces(lu.steps, [1 + len(s.rows) for s in lu.steps])
    backward = _pieces(lu.steps[::-1], [1 + len(s.right) for s in reversed(lu.steps)])
    for n, piece in enumerate(forward + backward):
        with k.function(f"solve.{n}", [POINTER, POINTER]) as (factors, pointer):
            w, b = k.array(factors), _Kept(k.array(pointer))
            for step in piece:
                if n < len(forward):
                    for row, multiplier, _ in step.rows:
                        b[row] = k.fma(-w[multiplier], b[step.pivot], b[row])
                else:
                    for column, entry in step.right:
                        b[step.pivot] = k.fma(-w[entry], b[column], b[step.pivot])
                    b[step.pivot] = b[step.pivot] * w[step.diagonal]
            b.store()
    _sequence(k, "solve", len(forward + backward), 2)


def _sequence(k: Builder, name: str, count: int, arguments: int) -> None:
    with k.function(name, [POINTER] * arguments) as values:
        for n in range(count):
            k.call(f"{name}.{n}", *values)


class _Kept:
    """An array whose elements stay in registers until they are stored together."""

    def __init__(self, array: Array) -> None:
        self.array, self.values, self.changed = array, dict[int, Value](), dict[int, None]()

    def __getitem__(self, i: int) -> Value:
        if i not in self.values:
            self.values[i] = self.array[i]
        return self.values[i]

    def __setitem__(self, i: int, value: Value) -> None:
        self.values[i] = value
        self.changed[i] = None

    def store(self) -> None:
        """Write back what changed."""
        for i in self.changed:
            self.array[i] = self.values[i]
