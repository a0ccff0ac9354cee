"""Delays as chains of first-order stages: for solvers, formats and uses that know no delays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from racemate.errors import RacemateError
from racemate.model.graph import Graph
from racemate.model.system import DoseTarget, Event, State, System
from racemate.units import parse_unit

#: min; a delay that vanishes keeps the chain's last rate finite.
SHORTEST = 1e-4


def has_delays(system: System) -> bool:
    """Whether any formula of a system looks back in time."""
    return any(node[0] == "delay" for node in system.graph.nodes)


def linear_chain(system: System, stages: int = 20) -> System:
    """A system with every delay replaced by ``stages`` first-order stages that share it.

    A signal comes out as late as the delay on average, smeared by a relative width of ``1 / sqrt(stages)``
    (MacDonald, Time Lags in Biological Models, 1978, https://doi.org/10.1007/978-3-642-93107-9). Where the delay
    changes while a signal is under way, the chain moves it at the changing pace, as a flow does.

    Examples
    --------
    >>> from racemate.model import Model, compose, delay
    >>> model = Model()
    >>> m = model.module("echo")
    >>> x = m.state("x", "nmol", initial=1.0, scale=1.0)
    >>> m.rate("x", -m.parameter("k", 1.0, "1/min") * delay(x, m.quantity(2.0, "min")))
    >>> m.offer("amount", x, "nmol")
    >>> [s.name for s in linear_chain(compose(model, ["amount"]), stages=2).states]
    ['x', 'delay.1.1', 'delay.1.2']
    """
    if stages < 1:
        raise RacemateError(f"a chain of {stages} stages", fix="one or more")
    return _Chains(system, stages).run()


@dataclass
class _Chains:
    system: System
    stages: int
    graph: Graph = field(default_factory=Graph)
    now: dict[int, int] = field(default_factory=dict)  # old node -> new node
    first: dict[int, int] = field(default_factory=dict)  # old node -> its value at the start
    states: list[State] = field(default_factory=list)

    def run(self) -> System:
        s = self.system
        for i in range(len(s.graph.nodes)):
            self._copy(i)
        now = self.now
        own = [
            replace(x, initial=now[x.initial], scale=now[x.scale], rate=now[x.rate], label=x.label) for x in s.states
        ]
        return replace(
            s,
            graph=self.graph,
            states=(*own, *self.states),
            outputs=tuple(replace(o, node=now[o.node]) for o in s.outputs),
            targets={name: self._moved(target) for name, target in s.targets.items()},
            events=tuple(self._event(e) for e in s.events),
        )

    def _copy(self, i: int) -> None:
        old, new = self.system.graph, self.graph
        node, dimension = old.nodes[i], old.dimensions[i]
        op, operands = str(node[0]), old.operands(i)
        if op == "delay":
            self._chain(i, *operands)
            return
        if operands:
            self.now[i] = new.build(op, [self.now[j] for j in operands])
            self.first[i] = new.build(op, [self.first[j] for j in operands])
            return
        self.now[i] = new.const(float(node[1]), dimension) if op == "const" else new.leaf(op, node[1], dimension)  # type: ignore[arg-type]
        self.first[i] = self._at_start(op, node[1], i)

    def _at_start(self, op: str, key: object, i: int) -> int:
        s, dimension = self.system, self.system.graph.dimensions[i]
        if op == "state":
            return self._anew(s.states[int(str(key))].initial)
        if op == "input":
            return self.graph.const(s.inputs[int(str(key))].initial, dimension)
        return self.graph.const(0.0, dimension) if op == "time" else self.now[i]

    def _anew(self, initial: int) -> int:
        """An initial value, which may lie further on in the old graph than its state."""
        for j in self.system.graph.reachable([initial]):
            if j not in self.now:
                self._copy(j)
        return self.now[initial]

    def _chain(self, i: int, value: int, tau: int) -> None:
        g, number = self.graph, len(self.states) // self.stages + 1
        dimension, scale = self.system.graph.dimensions[i], self._scale(value)
        minute = parse_unit("min").dimension
        shortest = g.const(SHORTEST, minute)
        delay = g.select(self.now[tau], shortest, self.now[tau], shortest)
        pace = g.div(g.const(float(self.stages)), delay)
        before = self.now[value]
        for stage in range(1, self.stages + 1):
            here = g.leaf("state", len(self.system.states) + len(self.states), dimension)
            rate = g.mul(pace, g.sub(before, here))
            name = f"delay.{number}.{stage}"
            self.states.append(State(name, "1", self.first[value], scale, rate, "a stage of a delay"))
            before = here
        self.now[i], self.first[i] = before, self.first[value]

    def _scale(self, value: int) -> int:
        """The usual size of a delayed value: what it is with every state at its usual size."""
        g, s = self.graph, self.system
        sizes: dict[int, int] = {}
        for j in s.graph.reachable([value]):
            op, operands = str(s.graph.nodes[j][0]), s.graph.operands(j)
            if op == "state":
                sizes[j] = self._anew(s.states[int(str(s.graph.nodes[j][1]))].scale)
            elif op == "delay":
                sizes[j] = sizes[operands[0]]
            else:
                sizes[j] = g.build(op, [sizes[k] for k in operands]) if operands else self.first[j]
        return sizes[value]

    def _moved(self, target: DoseTarget) -> DoseTarget:
        def now(node: int | None) -> int | None:
            return None if node is None else self.now[node]

        pathways = tuple(
            replace(p, fraction=self.now[p.fraction], lag=self.now[p.lag], duration=now(p.duration), rate=now(p.rate))
            for p in target.pathways
        )
        return replace(target, pathways=pathways)

    def _event(self, event: Event) -> Event:
        actions = tuple(replace(a, value=self.now[a.value]) for a in event.actions)
        return replace(event, root=self.now[event.root], actions=actions)
