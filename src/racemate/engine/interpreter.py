"""The graph as a NumPy function: slow, plain, and the oracle for the code generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from racemate.errors import RacemateError
from racemate.model.graph import Graph
from racemate.model.system import System

Value = npt.NDArray[np.float64]
Function = Callable[[float, Value, Value, Value], list[Value]]

_TEXT = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "neg": "-{0}", "inv": "1.0 / {0}",
    "exp": "exp({0})", "log": "log({0})", "sqrt": "sqrt({0})", "pow": "power({0}, {1})",
    "select": "where({0} > {1}, {2}, {3})",
}  # fmt: skip
_LEAF = {"state": "y[{0}]", "parameter": "p[{0}]", "input": "u[{0}]", "time": "t", "const": "{0!r}"}


def _power(x: Value, n: Value) -> Value:
    positive = np.asarray(x) > 0
    safe = np.where(positive, x, 1.0)
    return np.where(positive, np.exp(n * np.log(safe)), np.where(np.asarray(n) == 0, 1.0, 0.0))


def function(graph: Graph, roots: Sequence[int]) -> Function:
    """A Python function ``f(t, y, p, u)`` of some nodes.

    Parameters
    ----------
    graph : Graph
    roots : sequence of int
        Node ids, at any level.

    Returns
    -------
    callable
        ``f(t, y, p, u) -> list``, where ``y``, ``p``, ``u`` are indexed by state, parameter and input; each
        entry may be a number or an array over patients.

    Examples
    --------
    >>> g = Graph()
    >>> node = g.mul(g.leaf("state", 0), g.const(3.0))
    >>> f = function(g, [node])
    >>> float(f(0.0, np.array([2.0]), np.array([]), np.array([]))[0])
    6.0
    """
    lines = ["def evaluate(t, y, p, u):"]
    for i in graph.reachable(roots):
        node = graph.nodes[i]
        op = str(node[0])
        if op == "delay":
            raise RacemateError("a model with delays cannot be integrated yet", where=graph.text(i))
        text = _LEAF[op].format(node[1]) if op in _LEAF else _TEXT[op].format(*(f"n{j}" for j in node[1:]))
        lines.append(f"    n{i} = {text}")
    lines.append(f"    return [{', '.join(f'n{i}' for i in roots)}]")
    names: dict[str, object] = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "where": np.where, "power": _power}
    exec("\n".join(lines), names)
    return names["evaluate"]  # type: ignore[return-value]


def at_parameters(system: System, nodes: Sequence[int], parameters: Value) -> Value:
    """Evaluate parameter-level nodes for each patient.

    Parameters
    ----------
    parameters : ndarray, shape (n, P)

    Returns
    -------
    ndarray, shape (n, len(nodes))
    """
    none = np.zeros(0)
    columns = function(system.graph, nodes)(0.0, none, np.asarray(parameters).T, none)
    return np.stack([np.broadcast_to(c, (len(parameters),)) for c in columns], axis=1) if nodes else np.zeros((0, 0))
