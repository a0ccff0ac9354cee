"""SBML: a composed system with one patient's numbers and doses, for any other simulator to run.

States, inputs and outputs become parameters; rates become rate rules, shared formulas assignment rules, doses and
root events become events. Needs the extra ``interchange`` (python-libsbml).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from racemate.engine.problem import Array, Kind, Schedule
from racemate.errors import RacemateError
from racemate.model.graph import LEAVES, Graph
from racemate.model.linear_chain import has_delays, linear_chain
from racemate.model.system import Event, System
from racemate.scenario import Scenario
from racemate.simulate import prepare

#: More doses than this do not become one event each.
MOST_DOSES = 5000
_LEAF = {"state": "y{0}", "parameter": "p{0}", "input": "u{0}", "time": "time"}
_TEXT = {
    "add": "({0} + {1})", "sub": "({0} - {1})", "mul": "({0} * {1})", "neg": "(-{0})", "inv": "(1 / {0})",
    "exp": "exp({0})", "log": "ln({0})", "sqrt": "sqrt({0})", "select": "piecewise({2}, {0} > {1}, {3})",
    "pow": "piecewise({0}^{1}, {0} > 0, piecewise(1, {1} == 0, 0))",
}  # fmt: skip


def export(
    system: System,
    parameters: Array,
    schedule: Schedule,
    *,
    start: float,
    end: float,
    row: int = 0,
    stages: int | None = None,
) -> str:
    """Write a system as an SBML Level 3 document.

    Parameters
    ----------
    parameters : ndarray, shape (P,)
        One patient's value of every parameter, canonical.
    schedule : Schedule
        Dosing records; ``row`` says which of its rows.
    start, end : float, min
        Records up to ``start`` happen in the initial values, those after ``end`` are left out.
    stages : int, optional
        Write each delay as a chain of so many first-order stages.

    Raises
    ------
    RacemateError
        If the system has random rules, or delays and no ``stages``, or there are too many doses.
    """
    import libsbml

    if has_delays(system):
        if not stages:
            what = "the model has delays, and SBML simulators differ in what they make of them"
            raise RacemateError(what, fix="write each as a chain of stages, such as stages=20")
        system = linear_chain(system, stages)
    if any(node[0] == "uniform" for node in system.graph.nodes):
        raise RacemateError("a model with random rules cannot be written as SBML", fix="give doses at fixed times")
    document = libsbml.SBMLDocument(3, 2)
    writer = _Writer(libsbml, document.createModel(), system)
    writer.declare(np.asarray(parameters, float))
    writer.formulas()
    writer.doses(schedule, row, start, end)
    for event in system.events:
        writer.root(event)
    return str(libsbml.writeSBMLToString(document))


def of_scenario(scenario: Scenario, stages: int | None = None) -> str:
    """The SBML of a scenario's first patient, with the doses of its regimen.

    Examples
    --------
    >>> from racemate import Scenario
    >>> of_scenario(Scenario.of("morphine 10 mg iv", until="1 h")).startswith("<?xml")
    True
    """
    prepared = prepare(scenario)
    numbers = prepared.batch.full()[0]
    return export(prepared.system, numbers, prepared.schedule, start=scenario.start, end=scenario.end, stages=stages)


class _Writer:
    def __init__(self, libsbml: Any, model: Any, system: System) -> None:
        self.libsbml, self.model, self.system = libsbml, model, system
        self.names: dict[int, str] = {}
        self.events = 0

    def _math(self, text: str) -> Any:
        tree = self.libsbml.parseL3Formula(text)
        if tree is None:
            raise RacemateError(f"SBML does not understand the formula {text!r}")
        return tree

    def _parameter(self, name: str, *, value: float | None = None, constant: bool = False, label: str = "") -> None:
        parameter = self.model.createParameter()
        parameter.setId(name)
        parameter.setConstant(constant)
        if label:
            parameter.setName(label)
        if value is not None:
            parameter.setValue(value)

    def declare(self, parameters: Array) -> None:
        """Parameters, inputs and states."""
        for i, p in enumerate(self.system.parameters):
            self._parameter(f"p{i}", value=float(parameters[i]), constant=True, label=p.name)
        for i, u in enumerate(self.system.inputs):
            self._parameter(f"u{i}", value=u.initial, label=u.name)
        for i, s in enumerate(self.system.states):
            self._parameter(f"y{i}", label=s.name)

    def formulas(self) -> None:
        """Rates, outputs, and every formula that is used more than once."""
        system, graph = self.system, self.system.graph
        roots = [s.rate for s in system.states] + [o.node for o in system.outputs]
        roots += [s.initial for s in system.states] + [e.root for e in system.events]
        order = graph.reachable(roots)
        uses = Counter(roots)
        for i in order:
            uses.update(graph.operands(i))
        for i in order:
            if uses[i] > 1 and graph.nodes[i][0] not in LEAVES:
                text = self.text(graph, i)
                self.names[i] = f"n{i}"
                self._assign(f"n{i}", text)
        for i, state in enumerate(system.states):
            rule = self.model.createRateRule()
            rule.setVariable(f"y{i}")
            rule.setMath(self._math(self.text(graph, state.rate)))
        for i, output in enumerate(system.outputs):
            self._assign(f"output{i}", self.text(graph, output.node), output.name)

    def _assign(self, name: str, text: str, label: str = "") -> None:
        self._parameter(name, label=label)
        rule = self.model.createAssignmentRule()
        rule.setVariable(name)
        rule.setMath(self._math(text))

    def text(self, graph: Graph, i: int) -> str:
        """A node as a formula."""
        if i in self.names:
            return self.names[i]
        op, *rest = graph.nodes[i]
        if op == "const":
            return f"({float(rest[0])!r})"  # type: ignore[arg-type]
        if op in _LEAF:
            return _LEAF[str(op)].format(rest[0])
        return _TEXT[str(op)].format(*(self.text(graph, j) for j in graph.operands(i)))

    def doses(self, schedule: Schedule, row: int, start: float, end: float) -> None:
        """Records up to the start enter the initial values; each later one becomes an event."""
        row = row if len(schedule.time) > 1 else 0
        happen = sorted(
            (float(schedule.time[row, r] + k * schedule.interval[row, r]), r)
            for r in range(len(schedule.count))
            for k in range(int(schedule.count[r]))
        )
        values = {f"y{i}": self.text(self.system.graph, s.initial) for i, s in enumerate(self.system.states)}
        inputs = {f"u{i}": f"({u.initial!r})" for i, u in enumerate(self.system.inputs)}
        rest = dict(values)
        later = [(t, r) for t, r in happen if start < t <= end]
        if len(later) > MOST_DOSES:
            raise RacemateError(f"{len(later)} doses are too many for SBML, which needs an event for each")
        for t, r in happen:
            if t <= start:
                self._change({**values, **inputs}, schedule, row, r, rest, into=(values, inputs))
        for name, text in {**values, **inputs}.items():
            assignment = self.model.createInitialAssignment()
            assignment.setSymbol(name)
            assignment.setMath(self._math(text))
        for t, r in later:
            changes: dict[str, str] = {}
            now = {name: name for name in (*values, *inputs)}
            self._change(now, schedule, row, r, rest, into=(changes, changes))
            self._event(f"time >= {t!r}", changes)

    def _change(
        self,
        now: dict[str, str],
        schedule: Schedule,
        row: int,
        r: int,
        rest: dict[str, str],
        into: tuple[dict[str, str], dict[str, str]],
    ) -> None:
        kind, value = Kind(int(schedule.kind[r])), f"({float(schedule.value[row, r])!r})"
        if kind == Kind.RESET:
            into[0].update(rest)
            into[1].update({f"u{i}": f"({u.initial!r})" for i, u in enumerate(self.system.inputs)})
            return
        on_state = kind in (Kind.ADD_STATE, Kind.SET_STATE)
        name = f"{'y' if on_state else 'u'}{int(schedule.index[r])}"
        adds = kind in (Kind.ADD_STATE, Kind.ADD_INPUT)
        into[0 if on_state else 1][name] = f"({now[name]} + {value})" if adds else value

    def _event(self, condition: str, changes: dict[str, str]) -> None:
        event = self.model.createEvent()
        event.setId(f"event{self.events}")
        event.setUseValuesFromTriggerTime(False)
        self.events += 1
        trigger = event.createTrigger()
        trigger.setInitialValue(True)
        trigger.setPersistent(True)
        trigger.setMath(self._math(condition))
        for name, text in changes.items():
            assignment = event.createEventAssignment()
            assignment.setVariable(name)
            assignment.setMath(self._math(text))

    def root(self, event: Event) -> None:
        """An event of the model itself."""
        if event.times < 1_000_000 or any(a.kind == "end" for a in event.actions):
            raise RacemateError(f"the event '{event.name}' counts or ends the run, which SBML cannot say")
        changes = {}
        for action in event.actions:
            name = f"{'y' if action.on == 'state' else 'u'}{action.index}"
            value = self.text(self.system.graph, action.value)
            changes[name] = f"({name} + {value})" if action.kind == "add" else value
        self._event(f"{self.text(self.system.graph, event.root)} >= 0", changes)
