"""Straight-line code from programs: hoisted values, rates, rates with the matrix, its factors, outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from racemate.engine.builder import POINTER, Array, Builder, Value
from racemate.engine.programs import Hoisted, Program
from racemate.model.graph import PARAMETER, Graph

#: Takes the position of a root, its value and the arguments of the function, and stores it.
Sink = Callable[[int, Value, Sequence[Value]], None]


@dataclass(frozen=True)
class Sources:
    """Where a function finds its leaves."""

    states: Array | None
    hoisted: Array | None
    inputs: Array | None
    time: Value | None
    parameters: Array | None = None
    past: tuple[Value, ...] = ()  # task and workspace, where delayed values are looked up


def write(
    k: Builder,
    name: str,
    arguments: Sequence[str],
    graph: Graph,
    hoisted: Hoisted,
    program: Program,
    roots: Sequence[int],
    sources: Callable[[Sequence[Value]], Sources],
    sink: Sink,
    finish: Callable[[Sequence[Value]], None] | None = None,
) -> None:
    """Write ``name(*arguments, spill)``: evaluates a program and hands each root to the sink.

    Long programs become several functions, called in turn; values that pass between them go through ``spill``.
    """
    places: dict[int, list[int]] = {}
    for position, root in enumerate(roots):
        places.setdefault(root, []).append(position)
    signature = [*arguments, POINTER]
    pieces = program.pieces or ((),)
    made = {i for piece in pieces for i in piece}
    for n, piece in enumerate(pieces):
        own = name if len(pieces) == 1 else f"{name}.{n}"
        with k.function(own, signature) as values:
            values_of = _Piece(k, graph, hoisted, program, sources(values), k.array(values[-1]))
            for i in piece:
                if i in program.products:
                    continue
                value = values_of.compute(i)
                for position in places.get(i, ()):
                    sink(position, value, values)
            if n == len(pieces) - 1:
                for i in places.keys() - made:
                    for position in places[i]:
                        sink(position, values_of.get(i), values)
                if finish:
                    finish(values)
    if len(pieces) > 1:
        with k.function(name, signature) as values:
            for n in range(len(pieces)):
                k.call(f"{name}.{n}", *values)


class _Piece:
    """The values of one piece while it is written."""

    def __init__(
        self, k: Builder, graph: Graph, hoisted: Hoisted, program: Program, sources: Sources, spill: Array
    ) -> None:
        self.k, self.graph, self.hoisted, self.program = k, graph, hoisted, program
        self.sources, self.spill = sources, spill
        self.values: dict[int, Value] = {}

    def get(self, i: int) -> Value:
        """A node's value: made here, or loaded from where it lies."""
        if i not in self.values:
            if i in self.program.products:  # two products in one sum: the second is computed by itself
                a, b = (self.get(j) for j in self.graph.operands(i))
                self.values[i] = a * b
            else:
                self.values[i] = self._load(i)
        return self.values[i]

    def _load(self, i: int) -> Value:
        node, s = self.graph.nodes[i], self.sources
        if node[0] == "const":
            return self.k.numbers(node[1])  # type: ignore[arg-type]
        if s.parameters is not None and node[0] == "parameter":
            return s.parameters[node[1]]  # type: ignore[index]
        if i in self.program.spilled:
            return self.spill[self.program.spilled[i]]
        if self.graph.levels[i] == PARAMETER:
            assert s.hoisted is not None
            return s.hoisted[self.hoisted.slots[i]]
        if node[0] == "time":
            assert s.time is not None
            return s.time
        table = s.states if node[0] == "state" else s.inputs
        assert table is not None
        return table[node[1]]  # type: ignore[index]

    def compute(self, i: int) -> Value:
        """Write the operation of a node."""
        k, op, operands = self.k, self.graph.nodes[i][0], self.graph.operands(i)
        self.values[i] = value = self._operation(k, str(op), operands)
        if i in self.program.spilled:
            self.spill[self.program.spilled[i]] = value
        return value

    def _operation(self, k: Builder, op: str, operands: Sequence[int]) -> Value:
        if op in ("add", "sub"):
            return self._sum(op, *operands)
        x = [self.get(j) for j in operands]
        if op == "mul":
            return x[0] * x[1]
        if op == "neg":
            return -x[0]
        if op == "inv":
            return 1.0 / x[0]
        if op == "sqrt":
            return k.sqrt(x[0])
        if op == "pow":
            return k.call("power", x[0], x[1], returns=k.vector)
        if op == "select":
            return k.select(x[0] > x[1], x[2], x[3])
        if "." in op:
            what, _, number = op.partition(".")
            assert self.sources.time is not None
            at = self.sources.time - k.maximum(x[0], k.numbers(0.0))
            return k.call(f"past.{what}", *self.sources.past, at, k.integer(int(number)), returns=k.vector)
        return k.call(op, *x, returns=k.vector)

    def _sum(self, op: str, a: int, b: int) -> Value:
        """``a + b`` or ``a - b``; a product that is used nowhere else is fused into it."""
        products = self.program.products
        if b in products:
            p, q = (self.get(j) for j in self.graph.operands(b))
            return self.k.fma(p if op == "add" else -p, q, self.get(a))
        if a in products:
            p, q = (self.get(j) for j in self.graph.operands(a))
            other = self.get(b)
            return self.k.fma(p, q, other if op == "add" else -other)
        return self.get(a) + self.get(b) if op == "add" else self.get(a) - self.get(b)
