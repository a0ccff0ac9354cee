"""Derivatives on the graph: the sparse Jacobian of the rates, seeded only where a state can reach.

The engine works on plain numbers: units were checked when the formulas were written, so the system is
first copied into a graph without dimensions, in which more expressions coincide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from racemate.model.graph import STATE, Graph
from racemate.model.system import System

#: The column of the derivative by time.
TIME = -1
#: Bases below this count as this in the derivative of a power, so that x^0.7 has a finite slope at zero.
SMALLEST_BASE = 1e-30


@dataclass(frozen=True)
class Equations:
    """A system as plain arithmetic: node ids of ``graph`` for everything an engine evaluates."""

    graph: Graph
    initial: tuple[int, ...]
    scale: tuple[int, ...]
    rates: tuple[int, ...]
    outputs: tuple[int, ...]
    roots: tuple[int, ...]
    actions: tuple[tuple[int, ...], ...]
    delayed: tuple[int, ...] = ()
    delays: tuple[tuple[int, int], ...] = ()  # which delayed value, and the node of its delay


def equations(system: System) -> Equations:
    """Copy a system into a graph without dimensions; a delay becomes a look back at a numbered value."""
    lists = [
        [s.initial for s in system.states],
        [s.scale for s in system.states],
        [s.rate for s in system.states],
        [o.node for o in system.outputs],
        [e.root for e in system.events],
        *([a.value for a in e.actions] for e in system.events),
    ]
    graph, copies = Graph(), dict[int, int]()
    delayed: dict[int, int] = {}
    delays: dict[tuple[int, int], None] = {}
    for i in system.graph.reachable(i for ids in lists for i in ids):
        node = system.graph.nodes[i]
        operands = system.graph.operands(i)
        if node[0] == "delay":
            value, tau = (copies[j] for j in operands)
            number = delayed.setdefault(value, len(delayed))
            delays[number, tau] = None
            copies[i] = graph.look_back("delayed", number, tau)
        elif operands:
            copies[i] = graph.build(str(node[0]), [copies[j] for j in operands])
        elif node[0] == "const":
            copies[i] = graph.const(float(node[1]))  # type: ignore[arg-type]
        else:
            copies[i] = graph.leaf(str(node[0]), node[1])
    initial, scale, rates, outputs, roots, *actions = (tuple(copies[i] for i in ids) for ids in lists)
    return Equations(graph, initial, scale, rates, outputs, roots, tuple(actions), tuple(delayed), tuple(delays))


def gradients(graph: Graph, roots: Sequence[int]) -> list[dict[int, int]]:
    """The derivatives of some nodes by every state (and ``TIME``) they depend on.

    Returns
    -------
    list of dict
        One a root: state index -> node id; a state that is absent has derivative zero.

    Examples
    --------
    >>> g = Graph()
    >>> x, k = g.leaf("state", 0), g.leaf("parameter", 0)
    >>> [slopes] = gradients(g, [g.mul(k, x)])
    >>> slopes == {0: k}
    True
    """
    found: dict[int, dict[int, int]] = {}
    for i in graph.reachable(roots):
        found[i] = _gradient(graph, i, found) if graph.levels[i] == STATE else {}
    return [found[i] for i in roots]


def _gradient(graph: Graph, i: int, found: dict[int, dict[int, int]]) -> dict[int, int]:
    op, *rest = graph.nodes[i]
    if op == "state":
        return {rest[0]: graph.const(1.0)}  # type: ignore[dict-item]
    if op == "time":
        return {TIME: graph.const(1.0)}
    operands = graph.operands(i)
    if str(op).startswith("delayed."):
        return _delayed(graph, int(str(op).partition(".")[2]), operands[0], found[operands[0]])
    columns = _union(found[j] for j in operands)
    if not columns:
        return {}
    zero = graph.const(0.0)
    factors = _factors(graph, str(op), i, operands)
    result = {}
    for column in columns:
        slopes = [found[j].get(column, zero) for j in operands]
        if op == "select":
            slope = graph.select(operands[0], operands[1], slopes[2], slopes[3])
        else:
            slope = zero
            for factor, inner in zip(factors, slopes, strict=True):
                if inner != zero:
                    slope = graph.add(slope, graph.mul(factor, inner))
        if graph.value(slope) != 0:
            result[column] = slope
    return result


def _delayed(graph: Graph, number: int, tau: int, by_tau: dict[int, int]) -> dict[int, int]:
    """A delayed value moves with the time it looks back to, ``t - tau``."""
    slope = graph.look_back("slope", number, tau)
    result = {column: graph.neg(graph.mul(slope, d)) for column, d in by_tau.items()}
    result[TIME] = graph.add(slope, result[TIME]) if TIME in result else slope
    return result


def _union(tables: Iterable[dict[int, int]]) -> list[int]:
    return list(dict.fromkeys(column for table in tables for column in table))


def _factors(g: Graph, op: str, i: int, operands: tuple[int, ...]) -> list[int]:
    """The partial derivatives of one operation by its operands."""
    one = g.const(1.0)
    a = operands[0]
    if op == "add":
        return [one, one]
    if op == "sub":
        return [one, g.const(-1.0)]
    if op == "neg":
        return [g.const(-1.0)]
    if op == "mul":
        return [operands[1], a]
    if op == "inv":
        return [g.neg(g.mul(i, i))]
    if op == "exp":
        return [i]
    if op == "log":
        return [g.inv(a)]
    if op == "sqrt":
        small = g.const(SMALLEST_BASE)
        return [g.mul(g.const(0.5), g.inv(g.select(i, small, i, small)))]
    if op == "pow":
        small, n = g.const(SMALLEST_BASE), operands[1]
        base = g.select(a, small, a, small)
        by_exponent = g.mul(i, g.function("log", base)) if g.levels[n] == STATE else g.const(0.0)
        return [g.mul(g.mul(n, i), g.inv(base)), by_exponent]
    return [g.const(0.0)] * len(operands)
