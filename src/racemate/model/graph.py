"""The expression graph: every formula of a model, once.

Nodes are hash-consed tuples ``(op, *operands)``, so a common subexpression exists once. Each node has a
dimension, checked as the formula is written, and a level that says when its value can change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from racemate.errors import RacemateError
from racemate.units import NONE, Dimension, describe

Node = tuple[object, ...]

#: When a value can change: never, between patients, at events, all the time.
CONSTANT, PARAMETER, INPUT, STATE = range(4)
LEAVES = ("const", "parameter", "input", "state", "time", "ref")
_LEAF_LEVEL = {"const": CONSTANT, "parameter": PARAMETER, "input": INPUT}
UNARY: dict[str, Callable[[float], float]] = {"exp": math.exp, "log": math.log, "sqrt": math.sqrt}


def power(x: float, n: float) -> float:
    """The guarded real power of the model language: zero for a base that is not positive.

    Concentrations may be a rounding error below zero, and a Hill term must survive that.
    """
    return math.exp(n * math.log(x)) if x > 0 else (1.0 if n == 0 else 0.0)


class Graph:
    """A hash-consed table of expressions; ``Expr`` is the handle people write formulas with."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.levels: list[int] = []
        self.dimensions: list[Dimension] = []
        self.where: str | None = None
        self._table: dict[tuple[Node, Dimension], int] = {}

    # -- leaves ---------------------------------------------------------------------------------
    def leaf(self, op: str, key: object, dimension: Dimension = NONE) -> int:
        """Intern a leaf: ``parameter``, ``input``, ``state``, ``ref`` (by name or index) or ``time``."""
        return self._intern((op, key), _LEAF_LEVEL.get(op, STATE), dimension)

    def const(self, value: float, dimension: Dimension = NONE) -> int:
        """Intern a constant, a finite number."""
        if not math.isfinite(value):
            raise RacemateError(f"a constant of a formula is not a finite number but {value:g}", where=self.where)
        return self._intern(("const", float(value)), CONSTANT, dimension)

    def value(self, i: int) -> float | None:
        """The number of a constant node, else None."""
        node = self.nodes[i]
        return node[1] if node[0] == "const" else None  # type: ignore[return-value]

    def operands(self, i: int) -> tuple[int, ...]:
        """The operand ids of a node (none for a leaf)."""
        node = self.nodes[i]
        return () if node[0] in LEAVES else node[1:]  # type: ignore[return-value]

    # -- arithmetic -----------------------------------------------------------------------------
    def add(self, a: int, b: int) -> int:
        x, y = self.value(a), self.value(b)
        if x == 0:
            return b
        if y == 0:
            return a
        dimension = self._same("add", a, b)
        if x is not None and y is not None:
            return self.const(x + y, dimension)
        if self.nodes[b][0] == "neg":
            return self.sub(a, self.operands(b)[0])
        if self.nodes[a][0] == "neg":
            return self.sub(b, self.operands(a)[0])
        return self._intern(("add", *sorted((a, b))), self._level(a, b), dimension)

    def sub(self, a: int, b: int) -> int:
        x, y = self.value(a), self.value(b)
        if y == 0:
            return a
        if x == 0:
            return self.neg(b)
        dimension = self._same("subtract", a, b)
        if x is not None and y is not None:
            return self.const(x - y, dimension)
        if a == b:
            return self.const(0.0, dimension)
        if self.nodes[b][0] == "neg":
            return self.add(a, self.operands(b)[0])
        return self._intern(("sub", a, b), self._level(a, b), dimension)

    def neg(self, a: int) -> int:
        x = self.value(a)
        if x is not None:
            return self.const(-x, self.dimensions[a])
        if self.nodes[a][0] == "neg":
            return self.operands(a)[0]
        if self.nodes[a][0] == "sub":
            p, q = self.operands(a)
            return self.sub(q, p)
        return self._intern(("neg", a), self.levels[a], self.dimensions[a])

    def mul(self, a: int, b: int) -> int:
        x, y = self.value(a), self.value(b)
        dimension = self._product(a, b, 1.0)
        if x is not None and y is not None:
            return self.const(x * y, dimension)
        if x is not None:
            a, b, x, y = b, a, y, x
        if y == 0:
            return self.const(0.0, dimension)
        if y is not None and self.dimensions[b] == NONE and abs(y) == 1:
            return a if y == 1 else self.neg(a)
        if self.nodes[a][0] == "neg":
            return self.neg(self.mul(self.operands(a)[0], b))
        if self.nodes[b][0] == "neg":
            return self.neg(self.mul(a, self.operands(b)[0]))
        for u, v in ((a, b), (b, a)):  # collect parameter-only factors, so that they are computed once a patient
            if self.levels[v] <= PARAMETER < self.levels[u] and self.nodes[u][0] == "mul":
                p, q = self.operands(u)
                if self.levels[p] <= PARAMETER:
                    return self.mul(q, self.mul(p, v))
                if self.levels[q] <= PARAMETER:
                    return self.mul(p, self.mul(q, v))
        return self._intern(("mul", *sorted((a, b))), self._level(a, b), dimension)

    def div(self, a: int, b: int) -> int:
        x, y = self.value(a), self.value(b)
        if y == 0:
            raise RacemateError("division by zero in a formula", where=self.where)
        dimension = self._product(a, b, -1.0)
        if x == 0:
            return self.const(0.0, dimension)
        if x is not None and y is not None:
            return self.const(x / y, dimension)
        if a == b:
            return self.const(1.0)
        return self.mul(a, self.inv(b))

    def inv(self, a: int) -> int:
        x = self.value(a)
        dimension = tuple(-d for d in self.dimensions[a])
        if x == 0:
            raise RacemateError("division by zero in a formula", where=self.where)
        if x is not None:
            return self.const(1.0 / x, dimension)
        if self.nodes[a][0] == "inv":
            return self.operands(a)[0]
        return self._intern(("inv", a), self.levels[a], dimension)

    def pow(self, a: int, b: int) -> int:
        """The guarded power; a power that is not a whole constant needs a dimensionless base."""
        x, n = self.value(a), self.value(b)
        if n is not None and n == int(n) and abs(n) <= 4:
            return self._whole_power(a, int(n))
        if n is None or n != int(n):
            self._dimensionless("raise to a real power", a)
        self._dimensionless("use as an exponent", b)
        if x is not None and n is not None:
            return self.const(self._defined("power", power, x, n))
        dimension = tuple(d * n for d in self.dimensions[a]) if n is not None else NONE
        return self._intern(("pow", a, b), self._level(a, b), dimension)

    def _whole_power(self, a: int, n: int) -> int:
        if n == 0:
            return self.const(1.0)
        result = a
        for _ in range(abs(n) - 1):
            result = self.mul(result, a)
        return result if n > 0 else self.inv(result)

    def function(self, name: str, a: int) -> int:
        """``exp``, ``log`` or ``sqrt``."""
        x = self.value(a)
        if name == "sqrt":
            dimension = tuple(d / 2 for d in self.dimensions[a])
        else:
            self._dimensionless(f"take {name} of", a)
            dimension = NONE
        if x is not None:
            return self.const(self._defined(name, UNARY[name], x), dimension)
        return self._intern((name, a), self.levels[a], dimension)

    def _defined(self, name: str, function: Callable[..., float], *x: float) -> float:
        """A function of constants, which must have a value."""
        try:
            return function(*x)
        except (ValueError, OverflowError):
            given = ", ".join(f"{v:g}" for v in x)
            raise RacemateError(f"{name}({given}) in a formula is not a finite number", where=self.where) from None

    def select(self, a: int, b: int, yes: int, no: int) -> int:
        """``yes`` where ``a > b``, else ``no``."""
        self._same("compare", a, b)
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None:
            return yes if x > y else no
        if yes == no:
            return yes
        dimension = self._same("choose between", yes, no)
        return self._intern(("select", a, b, yes, no), self._level(a, b, yes, no), dimension)

    def delay(self, a: int, tau: int) -> int:
        """The value of ``a`` a time ``tau`` ago; before the start, the value at the start."""
        if self.dimensions[tau] != self.dimensions[self.leaf("time", "t", _TIME)] and self.value(tau) != 0:
            raise RacemateError("a delay is not a time", where=self.where, fix="give it in min, s or h")
        if self.levels[a] <= PARAMETER or self.value(tau) == 0:
            return a
        return self._intern(("delay", a, tau), STATE, self.dimensions[a])

    def look_back(self, what: str, number: int, tau: int) -> int:
        """The ``delayed`` value number ``number`` a time ``tau`` ago, or its ``slope`` there (engines only)."""
        return self._intern((f"{what}.{number}", tau), STATE, NONE)

    def uniform(self, key: int, draw: int) -> int:
        """A random number between 0 and 1: a hash of a whole number of the patient and the number of the draw."""
        self._dimensionless("draw a random number with", key)
        self._dimensionless("draw a random number with", draw)
        return self._intern(("uniform", key, draw), self._level(key, draw), NONE)

    # -- rebuilding -----------------------------------------------------------------------------
    def build(self, op: str, operands: Sequence[int]) -> int:
        """Intern ``op`` applied to operand ids, with the usual simplifications."""
        if op in UNARY:
            return self.function(op, operands[0])
        return getattr(self, op)(*operands)  # type: ignore[no-any-return]

    def reachable(self, roots: Iterable[int]) -> list[int]:
        """Every node the roots rest on, operands before users."""
        seen: set[int] = set()
        stack = list(roots)
        while stack:
            i = stack.pop()
            if i not in seen:
                seen.add(i)
                stack.extend(self.operands(i))
        return sorted(seen)

    # -- bookkeeping ----------------------------------------------------------------------------
    def _intern(self, node: Node, level: int, dimension: Dimension) -> int:
        key = (node, dimension)
        found = self._table.get(key)
        if found is None:
            found = self._table[key] = len(self.nodes)
            self.nodes.append(node)
            self.levels.append(level)
            self.dimensions.append(dimension)
        return found

    def _level(self, *operands: int) -> int:
        return max(self.levels[i] for i in operands)

    def _product(self, a: int, b: int, sign: float) -> Dimension:
        p, q = self.dimensions[a], self.dimensions[b]
        if q == NONE:
            return p
        return tuple(x + sign * y for x, y in zip(p, q, strict=True))

    def _same(self, verb: str, a: int, b: int) -> Dimension:
        p, q = self.dimensions[a], self.dimensions[b]
        if p != q:
            if self.value(a) == 0:
                return q
            if self.value(b) == 0:
                return p
            raise RacemateError(
                f"units clash: cannot {verb} {describe(p)} and {describe(q)}",
                where=f"{self.where or 'formula'}: {self.text(a)}  |  {self.text(b)}",
            )
        return p

    def _dimensionless(self, verb: str, a: int) -> None:
        if self.dimensions[a] != NONE:
            raise RacemateError(
                f"units clash: cannot {verb} a value in {describe(self.dimensions[a])}",
                where=f"{self.where or 'formula'}: {self.text(a)}",
                fix="divide it by a reference value of the same unit first",
            )

    def text(self, i: int, depth: int = 4) -> str:
        """A node as a short formula, for messages."""
        node = self.nodes[i]
        if node[0] in LEAVES:
            return f"{node[1]:g}" if node[0] == "const" else str(node[1])
        if depth == 0:
            return "..."
        parts = [self.text(j, depth - 1) for j in self.operands(i)]
        symbol = {"add": " + ", "sub": " - ", "mul": "*"}.get(str(node[0]))
        return f"({symbol.join(parts)})" if symbol else f"{node[0]}({', '.join(parts)})"


_TIME: Dimension = (1.0, *NONE[1:])


class Expr:
    """A formula: a handle on one node of a graph, with operators.

    Examples
    --------
    >>> from racemate.units import parse_unit
    >>> g = Graph()
    >>> cl, v = (Expr(g, g.leaf("parameter", n, parse_unit(u).dimension)) for n, u in (("CL", "L/min"), ("V", "L")))
    >>> print(cl / v)
    (CL*inv(V))
    >>> cl + v
    Traceback (most recent call last):
    ...
    racemate.errors.RacemateError: units clash: cannot add L/min and L
      where: formula: CL  |  V
    """

    __slots__ = ("graph", "id")

    def __init__(self, graph: Graph, node: int) -> None:
        self.graph, self.id = graph, node

    def _lift(self, other: Expr | float) -> int:
        return other.id if isinstance(other, Expr) else self.graph.const(other)

    def __add__(self, other: Expr | float) -> Expr:
        return Expr(self.graph, self.graph.add(self.id, self._lift(other)))

    def __radd__(self, other: float) -> Expr:
        return Expr(self.graph, self.graph.add(self.graph.const(other), self.id))

    def __sub__(self, other: Expr | float) -> Expr:
        return Expr(self.graph, self.graph.sub(self.id, self._lift(other)))

    def __rsub__(self, other: float) -> Expr:
        return Expr(self.graph, self.graph.sub(self.graph.const(other), self.id))

    def __mul__(self, other: Expr | float) -> Expr:
        return Expr(self.graph, self.graph.mul(self.id, self._lift(other)))

    def __rmul__(self, other: float) -> Expr:
        return Expr(self.graph, self.graph.mul(self.graph.const(other), self.id))

    def __truediv__(self, other: Expr | float) -> Expr:
        return Expr(self.graph, self.graph.div(self.id, self._lift(other)))

    def __rtruediv__(self, other: float) -> Expr:
        return Expr(self.graph, self.graph.div(self.graph.const(other), self.id))

    def __pow__(self, other: Expr | float) -> Expr:
        return Expr(self.graph, self.graph.pow(self.id, self._lift(other)))

    def __neg__(self) -> Expr:
        return Expr(self.graph, self.graph.neg(self.id))

    def __str__(self) -> str:
        return self.graph.text(self.id)

    @property
    def dimension(self) -> Dimension:
        """The dimension of the value."""
        return self.graph.dimensions[self.id]


def exp(x: Expr) -> Expr:
    """The exponential of a dimensionless expression."""
    return Expr(x.graph, x.graph.function("exp", x.id))


def log(x: Expr) -> Expr:
    """The natural logarithm of a dimensionless expression."""
    return Expr(x.graph, x.graph.function("log", x.id))


def sqrt(x: Expr) -> Expr:
    """The square root."""
    return Expr(x.graph, x.graph.function("sqrt", x.id))


def delay(x: Expr, tau: Expr) -> Expr:
    """The value of an expression a time ``tau`` ago, which may depend on states; at most now, a negative delay is none.

    Before the start of a run it has its value at the start.
    """
    return Expr(x.graph, x.graph.delay(x.id, tau.id))


def uniform(key: Expr, draw: Expr) -> Expr:
    """A random number between 0 and 1, the same for the same patient's key and number of the draw.

    Parameters
    ----------
    key, draw : Expr
        Whole numbers from 0 to 2^52: the key tells patients and variables apart (see ``Module.random_key``).
    """
    return Expr(key.graph, key.graph.uniform(key.id, draw.id))


def where(a: Expr, b: Expr | float, yes: Expr | float, no: Expr | float) -> Expr:
    """``yes`` where ``a > b``, else ``no``."""
    return Expr(a.graph, a.graph.select(a.id, a._lift(b), a._lift(yes), a._lift(no)))


def maximum(a: Expr, b: Expr | float) -> Expr:
    """The larger of two expressions."""
    return where(a, b, a, b)


def minimum(a: Expr, b: Expr | float) -> Expr:
    """The smaller of two expressions."""
    return where(a, b, b, a)


def hill(concentration: Expr, c50: Expr, gamma: Expr | float) -> Expr:
    """The sigmoid ``x^g / (1 + x^g)`` of ``x = C / C50``, zero for a concentration at or below zero.

    Written so that neither a tiny negative concentration nor a huge one spoils it.
    """
    x: Expr = (concentration / c50) ** gamma
    return x / (1.0 + x)
