"""The graph as a Python function: slow, plain, and the oracle for the code generator.

``function`` works on arrays over patients, ``scalar`` on the plain floats of one patient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from racemate.engine.functions import FINALISER, KEY, LAST_SHIFT, STREAM
from racemate.errors import RacemateError
from racemate.model.graph import PARAMETER, Graph
from racemate.model.system import System

Value = npt.NDArray[np.float64]
Function = Callable[[float, Value, Value, Value], list[Value]]
#: A delayed value by its number, at a time.
Past = Callable[[int, float], float]
#: Of one patient: time, states and inputs.
ScalarFunction = Callable[[float, Value, Value], list[float]]

_TEXT = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "neg": "-{0}", "inv": "divide(1.0, {0})",
    "exp": "exp({0})", "log": "log({0})", "sqrt": "sqrt({0})", "pow": "power({0}, {1})",
    "select": "where({0} > {1}, {2}, {3})", "uniform": "uniform({0}, {1})",
}  # fmt: skip
# Plain floats raise where arrays give an infinity or no number; the rare case goes through a slower function.
_SCALAR_TEXT = _TEXT | {
    "inv": "1.0 / {0} if {0} else copysign(inf, {0})",
    "exp": "exp({0}) if {0} < 709.0 else large_exp({0})",
    "log": "log({0}) if {0} > 0.0 else (-inf if {0} == 0.0 else nan)",
    "sqrt": "sqrt({0}) if {0} >= 0.0 else nan",
    "select": "{2} if {0} > {1} else {3}",
}
_LEAF = {"state": "y[{0}]", "parameter": "p[{0}]", "input": "u[{0}]", "time": "t", "const": "{0!r}"}


def _power(x: Value, n: Value) -> Value:
    positive = np.asarray(x) > 0
    safe = np.where(positive, x, 1.0)
    return np.where(positive, np.exp(n * np.log(safe)), np.where(np.asarray(n) == 0, 1.0, 0.0))


def uniform(key: npt.ArrayLike, draw: npt.ArrayLike) -> Value:
    """The random numbers of ``Graph.uniform``, the same bits as in compiled code."""
    first, second = (np.asarray(x, float).astype(np.uint64) for x in (key, draw))
    with np.errstate(over="ignore"):
        bits = first * np.uint64(KEY) + second * np.uint64(STREAM)
        for shift, factor in FINALISER:
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    bits ^= bits >> np.uint64(LAST_SHIFT)
    return ((bits >> np.uint64(12)).astype(float) + 0.5) * 2.0**-52


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
    lines += [f"    {_statement(graph, i, _TEXT)}" for i in graph.reachable(roots)]
    lines.append(f"    return [{', '.join(f'n{i}' for i in roots)}]")
    names: dict[str, object] = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "where": np.where, "power": _power}
    names |= {"divide": np.divide, "inf": math.inf, "nan": math.nan, "uniform": uniform}
    exec("\n".join(lines), names)
    return names["evaluate"]  # type: ignore[return-value]


def scalar(graph: Graph, roots: Sequence[int]) -> Callable[..., ScalarFunction]:
    """Some nodes for one patient at a time, in plain floats: ten times as fast as arrays of one.

    What is too large or undefined becomes an infinity or not a number, as ``function`` has it; the last bit of
    ``exp`` and ``log`` may differ.

    Returns
    -------
    callable
        ``of(p, past=None)`` computes what the parameters alone decide and gives ``f(t, y, u) -> list of float``;
        delayed values are asked of ``past``.

    Examples
    --------
    >>> g = Graph()
    >>> node = g.mul(g.leaf("state", 0), g.function("exp", g.leaf("parameter", 0)))
    >>> f = scalar(g, [node])(np.array([1e3]))
    >>> f(0.0, np.array([2.0]), np.array([]))
    [inf]
    """
    order = graph.reachable(roots)
    own = [i for i in order if graph.levels[i] <= PARAMETER]
    lines = ["def of(p, past=None):", "    p = p.tolist()", *(f"    {_statement(graph, i, _SCALAR_TEXT)}" for i in own)]
    lines += ["    def evaluate(t, y, u):", "        t, y, u = float(t), y.tolist(), u.tolist()"]
    lines += [f"        {_statement(graph, i, _SCALAR_TEXT)}" for i in order if graph.levels[i] > PARAMETER]
    lines += [f"        return [{', '.join(f'n{i}' for i in roots)}]", "    return evaluate"]
    names: dict[str, object] = {name: getattr(math, name) for name in ("exp", "log", "sqrt", "copysign", "inf", "nan")}
    names |= {"large_exp": _large_exp, "power": _scalar_power, "uniform": lambda k, n: float(uniform(k, n))}
    exec("\n".join(lines), names)
    return names["of"]  # type: ignore[return-value]


def _statement(graph: Graph, i: int, texts: dict[str, str]) -> str:
    node = graph.nodes[i]
    op = str(node[0])
    if op == "delay":
        raise RacemateError("delayed values are known only inside a run", where=graph.text(i))
    if op.startswith("delayed."):
        return f"n{i} = past({op.partition('.')[2]}, t - max(n{node[1]}, 0.0))"
    text = _LEAF[op].format(node[1]) if op in _LEAF else texts[op].format(*(f"n{j}" for j in node[1:]))
    return f"n{i} = {text}"


def _large_exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _scalar_power(x: float, n: float) -> float:
    if x > 0.0:
        y = n * math.log(x)
        return math.exp(y) if y < 709.0 else _large_exp(y)
    return 1.0 if n == 0.0 else 0.0


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
