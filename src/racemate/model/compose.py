"""Composition: from the parts of a model to one system, holding only what the outputs need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from racemate.errors import RacemateError, unknown
from racemate.model.graph import Expr, Graph
from racemate.model.model import SLOT_KINDS, Model
from racemate.model.system import Action, DoseTarget, Event, Input, Output, Parameter, Pathway, State, System
from racemate.units import describe, parse_unit


def compose(model: Model, outputs: Sequence[str]) -> System:
    """Compose the modules of a model into the smallest system that yields the outputs.

    Parameters
    ----------
    model : Model
        The collected parts.
    outputs : sequence of str
        Names that modules offer, or slots.

    Raises
    ------
    RacemateError
        If a name dangles, two parts disagree on a unit, or the formulas form an algebraic loop.

    Examples
    --------
    >>> model = Model()
    >>> m = model.module("decay")
    >>> x = m.state("x", "nmol", initial=1.0, scale=1.0)
    >>> m.rate("x", -m.parameter("k", 0.1, "1/min") * x)
    >>> m.offer("amount", x, "nmol")
    >>> [s.name for s in compose(model, ["amount"]).states]
    ['x']
    """
    return _Composer(model).run(outputs)


@dataclass
class _Composer:
    model: Model
    graph: Graph = field(default_factory=Graph)
    memo: dict[int, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, int] = field(default_factory=dict)
    combined: dict[str, Expr] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def run(self, outputs: Sequence[str]) -> System:
        self._check_names()
        nodes = {name: self.translate(self._named(name).id) for name in dict.fromkeys(outputs)}
        events = [(e, self.translate(e.root.id)) for e in self.model.events]
        actions = {e.name: self._actions(e.actions) for e, _ in events}
        states = self._states()
        targets = {name: self._target(name) for name in self.model.targets}
        return System(
            graph=self.graph,
            states=states,
            parameters=tuple(self._parameter(name) for name in self.parameters),
            inputs=tuple(self._input(name) for name in self.inputs),
            outputs=tuple(self._output(name, node) for name, node in nodes.items()),
            targets=targets,
            events=tuple(Event(e.name, root, actions[e.name], e.times) for e, root in events),
            notes=tuple(dict.fromkeys(text for module, text in self.model.notes if module in self.used)),
        )

    # -- names ----------------------------------------------------------------------------------
    def _check_names(self) -> None:
        for slot, parts in self.model.contributions.items():
            if slot not in self.model.slots:
                raise unknown("slot", slot, self.model.slots, where=f"'{parts[0][0]}' contributes to it")
        for state, (module, _) in self.model.rates.items():
            if state not in self.model.states:
                raise unknown("state", state, self.model.states, where=f"'{module}' gives it a rate")
        for target, pathways in self.model.targets.items():
            for state in (p.state for p in pathways if p.state not in self.model.states):
                raise unknown("state", state, self.model.states, where=f"a dose to '{target}' enters it")

    def _named(self, name: str) -> Expr:
        if name in self.model.offers:
            self.used.add(self.model.offers[name].module)
            return self.model.offers[name].value
        if name in self.model.slots:
            if name not in self.combined:
                self.combined[name] = self._combine(name)
            return self.combined[name]
        reader = self.model.readers.get(name)
        known = [*self.model.offers, *self.model.slots]
        raise unknown("output", name, known, where=f"read by '{reader}'" if reader else None)

    def _combine(self, name: str) -> Expr:
        slot = self.model.slots[name]
        dimension = parse_unit(slot.unit).dimension
        total = Expr(self.model.graph, self.model.graph.const(SLOT_KINDS[slot.kind], dimension))
        parts = self.model.contributions.get(name, [])
        for module, part in parts:
            self.model.graph.where = module
            if part.dimension != dimension:
                raise RacemateError(
                    f"slot '{name}' is in {slot.unit}, but '{module}' contributes {describe(part.dimension)}",
                    where=module,
                )
            total = total * part if slot.kind == "product" else total + part
        return total

    # -- formulas -------------------------------------------------------------------------------
    def translate(self, root: int) -> int:
        """Copy a formula into the new graph, names resolved."""
        old, open_nodes, stack = self.model.graph, set[int](), [root]
        while stack:
            i = stack[-1]
            if i in self.memo:
                stack.pop()
                continue
            needs = self._needs(i)
            missing = [j for j in needs if j not in self.memo]
            if missing:
                open_nodes.add(i)
                if loop := [j for j in missing if j in open_nodes]:
                    raise self._loop(stack, loop[0])
                stack.extend(missing)
                continue
            op = str(old.nodes[i][0])
            self.memo[i] = self._leaf(i, needs) if not old.operands(i) else self._rebuilt(op, needs)
            open_nodes.discard(i)
            stack.pop()
        return self.memo[root]

    def _needs(self, i: int) -> tuple[int, ...]:
        node = self.model.graph.nodes[i]
        if node[0] != "ref":
            return self.model.graph.operands(i)
        name = str(node[1])
        target = self._named(name)
        if target.dimension != self.model.graph.dimensions[i] and self.model.graph.value(target.id) != 0:
            raise RacemateError(
                f"'{name}' is offered in {describe(target.dimension)} "
                f"but read in {describe(self.model.graph.dimensions[i])}",
                where=f"read by '{self.model.readers.get(name)}'",
            )
        return (target.id,)

    def _rebuilt(self, op: str, needs: tuple[int, ...]) -> int:
        return self.graph.build(op, [self.memo[j] for j in needs])

    def _leaf(self, i: int, needs: tuple[int, ...]) -> int:
        op, key = self.model.graph.nodes[i]
        dimension = self.model.graph.dimensions[i]
        if op == "ref":
            return self.memo[needs[0]]
        if op == "const":
            return self.graph.const(key, dimension)  # type: ignore[arg-type]
        if op == "time":
            return self.graph.leaf("time", key, dimension)
        table = {"state": self.states, "parameter": self.parameters, "input": self.inputs}[str(op)]
        index = table.setdefault(str(key), len(table))
        return self.graph.leaf(str(op), index, dimension)

    def _loop(self, stack: list[int], start: int) -> RacemateError:
        nodes = [self.model.graph.nodes[i] for i in stack[stack.index(start) :]]
        names = list(dict.fromkeys(str(n[1]) for n in nodes if n[0] == "ref"))
        return RacemateError(
            "the formulas form an algebraic loop",
            where=" -> ".join([*names, names[0]]) if names else None,
            fix="let one of them be a state with a rate of its own",
        )

    # -- parts of the system ----------------------------------------------------------------------
    def _states(self) -> tuple[State, ...]:
        """Translate the rates of every state reached, which may reach further states."""
        done: list[State] = []
        dosed = {p.state for pathways in self.model.targets.values() for p in pathways}
        while len(done) < len(self.states):
            name = list(self.states)[len(done)]
            draft = self.model.states[name]
            self.used.add(draft.module)
            rate = self.translate(self.model.rates[name][1].id) if name in self.model.rates else self.graph.const(0.0)
            if name in dosed:
                rate = self.graph.add(rate, self._infusion(name, draft.unit))
            per_time = tuple(a - b for a, b in zip(parse_unit(draft.unit).dimension, _TIME, strict=True))
            if self.graph.value(rate) != 0 and self.graph.dimensions[rate] != per_time:
                raise RacemateError(
                    f"the rate of '{name}' is in {describe(self.graph.dimensions[rate])}, not {describe(per_time)}",
                    where=draft.module,
                )
            initial, scale = self.translate(draft.initial.id), self.translate(draft.scale.id)
            done.append(State(name, draft.unit, initial, scale, rate, draft.label))
        return tuple(done)

    def _infusion(self, state: str, unit: str) -> int:
        dimension = tuple(a - b for a, b in zip(parse_unit(unit).dimension, _TIME, strict=True))
        index = self.inputs.setdefault(f"infusion.{state}", len(self.inputs))
        return self.graph.leaf("input", index, dimension)

    def _target(self, name: str) -> DoseTarget:
        """The pathways of a dose; those into states that no output needs are left out."""
        pathways = [
            Pathway(
                self.states[p.state],
                self.inputs[f"infusion.{p.state}"],
                self.translate(p.fraction.id),
                self.translate(p.lag.id),
                None if p.duration is None else self.translate(p.duration.id),
                None if p.rate is None else self.translate(p.rate.id),
            )
            for p in self.model.targets[name]
            if p.state in self.states
        ]
        return DoseTarget(name, tuple(pathways))

    def _actions(self, drafts: tuple[tuple[str, str, Expr | None], ...]) -> tuple[Action, ...]:
        actions = []
        for kind, name, value in drafts:
            if kind == "end":
                ends = self.graph.const(1.0) if value is None else self.translate(value.id)
                actions.append(Action("end", "", 0, ends))
                continue
            table, on = (self.states, "state") if name in self.model.states else (self.inputs, "input")
            index = table.setdefault(name, len(table))
            assert value is not None
            actions.append(Action(kind, on, index, self.translate(value.id)))
        return tuple(actions)

    def _parameter(self, name: str) -> Parameter:
        draft = self.model.parameters[name]
        return Parameter(name, draft.value, draft.unit, draft.sources, draft.kind, draft.label)

    def _input(self, name: str) -> Input:
        unit, initial = self.model.inputs.get(name, ("nmol/min", 0.0))
        return Input(name, unit, initial)

    def _output(self, name: str, node: int) -> Output:
        offer = self.model.offers.get(name)
        if offer is None:
            return Output(name, node, self.model.slots[name].unit)
        return Output(name, node, offer.unit, offer.label, offer.molar_mass, offer.sources)


_TIME = parse_unit("min").dimension
