"""The problems that engines are timed on."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from racemate.engine import Batch, Kind, Schedule
from racemate.engine.problem import Array
from racemate.model.graph import Graph
from racemate.model.system import Input, Output, Parameter, State, System

DAY = 1440.0
DAYS = 7
OFFSETS = (2, 5, 10, 20, 30, 39, 42, 45, 50, 59, 61, 63, 66, 70, 80, 100, 120, 150, 181, 184, 190, 205, 210, 220, 240)


@dataclass(frozen=True)
class Problem:
    """A system, what is given, when to look, and which parameters vary by how much."""

    name: str
    system: System
    schedule: Schedule
    times: Array
    spread: dict[int, float]

    def people(self, n: int) -> Batch:
        """The same n patients every time; the first is the typical one."""
        base = np.array([p.value for p in self.system.parameters])
        columns = np.array(list(self.spread))
        width = np.sqrt(np.log1p(np.array(list(self.spread.values())) ** 2))
        draws = np.random.default_rng(1).standard_normal((n, len(columns)))
        draws[0] = 0.0
        return Batch(base, columns, base[columns] * np.exp(width * draws))


def _times() -> Array:
    days = np.arange(DAYS)[:, None] * DAY + np.array([*OFFSETS, 300.0, 480.0, 900.0])
    return np.unique(np.concatenate([[0.0, DAYS * DAY], days.ravel()]))


class _Text:
    """Reads formulas into a graph without units."""

    def __init__(self, graph: Graph, names: dict[str, int]) -> None:
        self.graph, self.names = graph, names

    def read(self, text: str) -> int:
        return self._node(ast.parse(text, mode="eval").body)

    def _node(self, node: ast.expr) -> int:
        g = self.graph
        match node:
            case ast.Constant(value=value):
                return g.const(float(value))  # type: ignore[arg-type]
            case ast.Name(id=name):
                return self.names[name]
            case ast.UnaryOp(operand=operand):
                return g.neg(self._node(operand))
            case ast.Call(func=ast.Name(id="pow"), args=[x, n]):
                return g.pow(self._node(x), self._node(n))
            case ast.Call(func=ast.Name(id=name), args=[x]):
                return g.function(name, self._node(x))
            case ast.BinOp(left=left, op=op, right=right):
                build = {ast.Add: g.add, ast.Sub: g.sub, ast.Mult: g.mul, ast.Div: g.div}[type(op)]
                return build(self._node(left), self._node(right))
        raise ValueError(ast.dump(node))


def forty_five_states(copies: int = 1) -> Problem:
    """The stiff problem; several copies have other constants and are coupled through their effect sites."""
    lines = [
        x.split(maxsplit=2) for x in Path(__file__).with_name("forty_five_states.txt").read_text().splitlines() if x
    ]
    rows: dict[str, list[tuple[str, str]]] = {}
    for kind, name, rest in (x for x in lines if x[0] != "#"):
        rows.setdefault(kind, []).append((name, rest.removeprefix("= ")))
    g = Graph()
    inputs = {n: g.leaf("input", i) for i, n in enumerate(("uS", "uR"))}
    states: list[State] = []
    parameters: list[Parameter] = []
    spread: dict[int, float] = {}
    index = {name: i for i, (name, _) in enumerate(rows["state"])}
    size, count = len(index), len(rows["parameter"])
    for c in range(copies):
        names = {n: g.leaf("parameter", i + c * count) for i, (n, _) in enumerate(rows["parameter"])}
        names |= {n: g.leaf("state", i + c * size) for n, i in index.items()} | inputs
        text = _Text(g, names)
        for name, formula in rows["formula"]:
            names[name] = text.read(formula)
        for (name, about), (_, formula) in zip(rows["state"], rows["rate"], strict=True):
            initial, scale = about.split()
            rate = text.read(formula)
            if copies > 1 and name.startswith("Ce"):
                other = g.leaf("state", index[name] + (c + 1) % copies * size)
                rate = g.add(rate, g.mul(g.const(0.01), g.sub(other, names[name])))
            states.append(State(f"{name}.{c}", "1", text.read(initial), text.read(scale), rate))
        for name, about in rows["parameter"]:
            value, cv = map(float, about.split())
            if cv:
                spread[len(parameters)] = cv
            parameters.append(Parameter(f"{name}.{c}", value * (1 + 0.05 * c), "1"))
    outputs = tuple(Output(s.name, g.leaf("state", i), "1") for i, s in enumerate(states))
    system = System(g, tuple(states), tuple(parameters), (Input("uS", "1"), Input("uR", "1")), outputs, {})
    records = [(t, DAY, r, DAYS, Kind.SET_INPUT, i) for i in (0, 1) for t, r in ((0.0, 0.5), (40.0, 0.0))]
    for c in range(copies):
        for t, amount, name in ((60.0, 100.0, "A1o"), (180.0, 100.0, "A1o"), (200.0, 800.0, "An")):
            records.append((t, DAY, amount, DAYS, Kind.ADD_STATE, index[name] + c * size))
    return Problem(f"{len(states)} states, stiff", system, Schedule.of(records), _times(), spread)


def three_compartments(unequal: bool = False, n: int = 1) -> Problem:
    """Plain pharmacokinetics; unequal: every patient doses at other times and intervals."""
    g = Graph()
    values = {"CL": 0.65, "V1": 13.0, "V2": 50.0, "V3": 295.0, "Q2": 4.8, "Q3": 2.3}
    names = {n: g.leaf("parameter", i) for i, n in enumerate(values)}
    names |= {f"A{i + 1}": g.leaf("state", i) for i in range(3)}
    text = _Text(g, names)
    formulas = (
        "-(CL + Q2 + Q3)/V1*A1 + Q2/V2*A2 + Q3/V3*A3",
        "Q2/V1*A1 - Q2/V2*A2",
        "Q3/V1*A1 - Q3/V3*A3",
    )
    states = tuple(State(f"A{i + 1}", "1", g.const(0.0), g.const(100.0), text.read(f)) for i, f in enumerate(formulas))
    outputs = tuple(Output(s.name, g.leaf("state", i), "1") for i, s in enumerate(states))
    parameters = tuple(Parameter(name, value, "1") for name, value in values.items())
    system = System(g, states, parameters, (), outputs, {})
    rng = np.random.default_rng(2)
    first, every = (rng.uniform(0, 300, n), rng.uniform(200, 2000, n)) if unequal else (0.0, 480.0)
    schedule = Schedule.of([(first, every, 100.0, 21, Kind.ADD_STATE, 0)])
    name = "3 compartments, every patient doses differently" if unequal else "3 compartments"
    return Problem(name, system, schedule, _times(), {0: 0.3, 1: 0.3})
