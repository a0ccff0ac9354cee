"""What to compute when: parameter-only work once a patient, the rest in straight-line programs.

A ``Program`` lists the nodes to evaluate, operands first, in pieces small enough for a compiler whose time
grows faster than the length of a basic block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from racemate.model.graph import CONSTANT, LEAVES, PARAMETER, Graph

#: Nodes of one piece of straight-line code.
PIECE = 700


@dataclass(frozen=True)
class Program:
    """Nodes in the order of evaluation, cut into pieces.

    Attributes
    ----------
    pieces : tuple of tuple of int
        Node ids; every piece may use values of the pieces before it.
    spilled : dict
        Node id -> slot, for the values that a later piece needs.
    products : set of int
        Products whose one use is a sum in the same piece: the two become one multiply-add.
    """

    pieces: tuple[tuple[int, ...], ...]
    spilled: dict[int, int]
    products: set[int]


@dataclass
class Hoisted:
    """Parameter-level values that state-level code needs, computed once a patient into slots."""

    graph: Graph
    slots: dict[int, int] = field(default_factory=dict)

    def slot(self, i: int) -> int:
        """The slot of a parameter-level node, reserved at first use."""
        return self.slots.setdefault(i, len(self.slots))

    def program(self, roots: Sequence[int]) -> Program:
        """The state-level program of some roots; what is below that level becomes slots."""
        levels, operands = self.graph.levels, self.graph.operands
        seen: set[int] = set()
        order: list[int] = []
        for root in roots:
            self._visit(root, seen, order)
        uses: Counter[int] = Counter(roots)
        for i in order:
            uses.update(operands(i))
        for i in uses:
            if levels[i] == PARAMETER:
                self.slot(i)
        return _cut(self.graph, order, uses)

    def _visit(self, root: int, seen: set[int], order: list[int]) -> None:
        """Depth first, so that values are made shortly before they are used."""
        stack = [(root, False)]
        while stack:
            i, ready = stack.pop()
            if ready:
                order.append(i)
                continue
            if i in seen or self.graph.levels[i] <= PARAMETER or self.graph.nodes[i][0] in LEAVES:
                continue
            seen.add(i)
            stack.append((i, True))
            stack.extend((j, False) for j in reversed(self.graph.operands(i)))

    def own_program(self) -> Program:
        """The program of the hoisted values themselves."""
        roots = list(self.slots)
        order = [i for i in self.graph.reachable(roots) if self.graph.operands(i) and self.graph.levels[i] > CONSTANT]
        uses: Counter[int] = Counter(roots)
        for i in order:
            uses.update(self.graph.operands(i))
        return _cut(self.graph, order, uses)


def _cut(graph: Graph, order: list[int], uses: Counter[int]) -> Program:
    count = max(1, -(-len(order) // PIECE))
    size = -(-len(order) // count) or 1
    pieces = tuple(tuple(order[k : k + size]) for k in range(0, len(order), size))
    home = {i: n for n, piece in enumerate(pieces) for i in piece}
    spilled: dict[int, int] = {}
    for n, piece in enumerate(pieces):
        for i in piece:
            for j in graph.operands(i):
                if home.get(j, n) != n:
                    spilled.setdefault(j, len(spilled))
    products = {
        j
        for i in order
        if graph.nodes[i][0] in ("add", "sub")
        for j in graph.operands(i)
        if uses[j] == 1 and graph.nodes[j][0] == "mul" and j in home and j not in spilled
    }
    return Program(pieces, spilled, products)
