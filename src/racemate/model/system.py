"""What composition yields: one immutable system of equations, ready for any engine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

from racemate.errors import unknown
from racemate.model.graph import Graph


@dataclass(frozen=True, slots=True)
class State:
    """One differential equation; ``initial``, ``scale`` and ``rate`` are node ids."""

    name: str
    unit: str
    initial: int
    scale: int
    rate: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One run-time number: its value is canonical, its unit names that canonical unit's dimension."""

    name: str
    value: float
    unit: str
    sources: tuple[str, ...] = ()
    kind: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """A value that only events change: an infusion rate, or a discrete variable such as 'alive'."""

    name: str
    unit: str
    initial: float = 0.0


@dataclass(frozen=True, slots=True)
class Output:
    """A named result and the node that computes it."""

    name: str
    node: int
    unit: str
    label: str = ""
    molar_mass: float | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pathway:
    """One way of a dose into the body: ``fraction`` of it arrives in ``state`` after ``lag``.

    ``fraction``, ``lag``, ``duration`` and ``rate`` are parameter-level node ids. A pathway that takes a dose as it
    is given (bolus or infusion) has neither ``duration`` nor ``rate`` (nmol/min); a zero-order one has either.
    """

    state: int
    input: int
    fraction: int
    lag: int
    duration: int | None = None
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class DoseTarget:
    """Where a substance goes when given by a route."""

    name: str
    pathways: tuple[Pathway, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """What an event does: ``kind`` is ``add`` or ``set`` on a ``state`` or an ``input``, or ``end``."""

    kind: str
    on: str
    index: int
    value: int


@dataclass(frozen=True, slots=True)
class Event:
    """A root: when ``root`` rises through zero the actions happen, at most ``times`` times."""

    name: str
    root: int
    actions: tuple[Action, ...]
    times: int = 1_000_000


@dataclass(frozen=True)
class System:
    """A composed model: states with their rates, run-time parameters, inputs, outputs and dose targets.

    All node ids refer to ``graph``, which holds nothing else.
    """

    graph: Graph
    states: tuple[State, ...]
    parameters: tuple[Parameter, ...]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    targets: dict[str, DoseTarget]
    events: tuple[Event, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def key(self) -> str:
        """A hash of the structure alone: no parameter value enters it."""
        parts = (
            self.graph.nodes,
            [(s.initial, s.scale, s.rate) for s in self.states],
            len(self.parameters),
            len(self.inputs),
            [o.node for o in self.outputs],
            [(e.root, e.actions, e.times) for e in self.events],
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @cached_property
    def parameter_index(self) -> dict[str, int]:
        """Position of each parameter by name."""
        return {p.name: i for i, p in enumerate(self.parameters)}

    @cached_property
    def state_index(self) -> dict[str, int]:
        """Position of each state by name."""
        return {s.name: i for i, s in enumerate(self.states)}

    @cached_property
    def output_index(self) -> dict[str, int]:
        """Position of each output by name."""
        return {o.name: i for i, o in enumerate(self.outputs)}

    def parameter(self, name: str) -> Parameter:
        """A parameter by name.

        Raises
        ------
        RacemateError
            If there is none; the closest name is given.
        """
        if name not in self.parameter_index:
            raise unknown("parameter", name, self.parameter_index)
        return self.parameters[self.parameter_index[name]]
