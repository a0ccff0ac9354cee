"""What a formula is worth, and how far rounding may move it: a running error bound beside every value.

Two programs that carry out the same formula, one with fused multiply-adds and its own ``exp`` and ``log``, may
differ by twice the bound and no more. Where rounding decides (a comparison of near-equals, an overflow that a fused
multiply-add avoids) the bound is infinite.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from racemate.model.graph import Graph

Array = npt.NDArray[np.float64]
Bounded = tuple[Array, Array]

ROUNDING = 4 * np.finfo(float).eps
#: The smallest normal number: results below it may be flushed to zero.
TINY = np.finfo(float).tiny


def enclose(graph: Graph, roots: Sequence[int], leaves: Mapping[int, Array]) -> list[Bounded]:
    """Values and bounds of some nodes; ``leaves`` holds those of every leaf but constants, all of one shape."""
    shape = next(iter(leaves.values())).shape
    found: dict[int, Bounded] = {}
    with np.errstate(all="ignore"):
        for i in graph.reachable(roots):
            node = graph.nodes[i]
            if not graph.operands(i):
                value = leaves[i] if node[0] != "const" else np.full(shape, node[1], float)  # type: ignore[arg-type]
                found[i] = value, np.zeros(shape)
                continue
            value, bound = RULES[str(node[0])](*(found[j] for j in graph.operands(i)))
            found[i] = value, np.where(np.isnan(bound), np.inf, bound)
    return [found[i] for i in roots]


def _settled(value: Array, bound: Array, known: Array) -> Bounded:
    """A value that is not finite is certain only where it is known to be so."""
    return value, np.where(np.isfinite(value), bound, np.where(known, 0.0, np.inf))


def _sum(a: Bounded, b: Bounded, sign: float = 1.0) -> Bounded:
    value = a[0] + sign * b[0]
    passed_on = ~np.isfinite(a[0]) | ~np.isfinite(b[0])
    return _settled(value, a[1] + b[1] + ROUNDING * np.abs(value), passed_on & np.isfinite(a[1] + b[1]))


def _difference(a: Bounded, b: Bounded) -> Bounded:
    return _sum(a, b, -1.0)


def _product(a: Bounded, b: Bounded) -> Bounded:
    (x, ex), (y, ey) = a, b
    value = x * y
    bound = np.abs(x) * ey + np.abs(y) * ex + ex * ey + ROUNDING * np.abs(value) + TINY
    passed_on = ~np.isfinite(x) | ~np.isfinite(y)
    signs_known = ((np.abs(x) > ex) | (ex == 0)) & ((np.abs(y) > ey) | (ey == 0)) & np.isfinite(ex + ey)
    return _settled(value, bound, passed_on & signs_known)


def _inverse(a: Bounded) -> Bounded:
    x, e = a
    value = 1.0 / x
    bound = e / (np.abs(x) * (np.abs(x) - e)) + ROUNDING * np.abs(value) + TINY
    bound = np.where(np.isinf(x) & (e == 0), 0.0, np.where(np.abs(x) > 2 * e, bound, np.inf))
    return _settled(value, bound, (e == 0))


def _negative(a: Bounded) -> Bounded:
    return -a[0], a[1]


def _exponential(a: Bounded) -> Bounded:
    x, e = a
    value = np.exp(x)
    bound = value * (np.expm1(e) + ROUNDING) + 4 * TINY
    bound = np.where((x == -np.inf) & (e == 0), 0.0, bound)
    return _settled(value, bound, (x - e > 709.8) | ((e == 0) & ~(x < 800.0)))


def _logarithm(a: Bounded) -> Bounded:
    x, e = a
    value = np.log(x)
    bound = np.where(x > 2 * e, e / (x - e) + ROUNDING * np.abs(value) + ROUNDING * e, np.inf)
    return _settled(value, bound, (e == 0) | (x < -e))


def _root(a: Bounded) -> Bounded:
    x, e = a
    value = np.sqrt(x)
    bound = np.where((x > 2 * e) | (e == 0), np.where(e > 0, e / np.sqrt(x - e), 0.0) + ROUNDING * value, np.inf)
    return _settled(value, bound, (e == 0) | (x < -e))


def _power(a: Bounded, b: Bounded) -> Bounded:
    (x, ex), (n, en) = a, b
    positive, other = (x > 2 * ex) | ((x > 0) & (ex == 0)), (x < -ex) | ((ex == 0) & ~(x > 0))
    value, bound = _exponential(_product(b, _logarithm((np.where(x > 0, x, 1.0), ex))))
    flat, flat_bound = np.where(n == 0, 1.0, 0.0), np.where((np.abs(n) > en) | (en == 0), 0.0, np.inf)
    return np.where(x > 0, value, flat), np.where(positive, bound, np.where(other, flat_bound, np.inf))


def _select(a: Bounded, b: Bounded, yes: Bounded, no: Bounded) -> Bounded:
    error = a[1] + b[1]
    certain = (error == 0) | (np.abs(a[0] - b[0]) > error)
    larger = a[0] > b[0]
    return np.where(larger, yes[0], no[0]), np.where(certain, np.where(larger, yes[1], no[1]), np.inf)


RULES: dict[str, Callable[..., Bounded]] = {
    "add": _sum,
    "sub": _difference,
    "mul": _product,
    "inv": _inverse,
    "neg": _negative,
    "exp": _exponential,
    "log": _logarithm,
    "sqrt": _root,
    "pow": _power,
    "select": _select,
}
