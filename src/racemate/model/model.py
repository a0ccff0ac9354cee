"""Assembling a model: modules contribute states, parameters and formulas, and read each other by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from racemate.errors import RacemateError
from racemate.model.graph import Expr, Graph, log, maximum, uniform
from racemate.units import describe, parse_unit

#: What an event does: kind, name of a state or input, and value.
Actions = tuple[tuple[str, str, Expr | None], ...]
NEVER = 1e300  # min: a timer that rests
MOMENT = 1e-9  # min

SLOT_KINDS = {"sum": 0.0, "product": 1.0}


@dataclass(slots=True)
class StateDraft:
    unit: str
    initial: Expr
    scale: Expr
    label: str
    module: str


@dataclass(slots=True)
class ParameterDraft:
    value: float
    unit: str
    sources: tuple[str, ...]
    kind: str
    label: str


@dataclass(slots=True)
class Offer:
    value: Expr
    unit: str
    label: str
    module: str
    molar_mass: float | None
    sources: tuple[str, ...]


@dataclass(slots=True)
class Slot:
    kind: str
    unit: str
    module: str


@dataclass(slots=True)
class PathwayDraft:
    state: str
    fraction: Expr
    lag: Expr
    duration: Expr | None
    rate: Expr | None


@dataclass(slots=True)
class EventDraft:
    name: str
    root: Expr
    actions: tuple[tuple[str, str, Expr | None], ...]
    times: int
    module: str


@dataclass
class Model:
    """The parts of a model as they are collected; ``compose`` turns them into a ``System``."""

    graph: Graph = field(default_factory=Graph)
    states: dict[str, StateDraft] = field(default_factory=dict)
    rates: dict[str, tuple[str, Expr]] = field(default_factory=dict)
    parameters: dict[str, ParameterDraft] = field(default_factory=dict)
    inputs: dict[str, tuple[str, float]] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    readers: dict[str, str] = field(default_factory=dict)
    contributions: dict[str, list[tuple[str, Expr]]] = field(default_factory=dict)
    targets: dict[str, list[PathwayDraft]] = field(default_factory=dict)
    events: list[EventDraft] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    def module(self, name: str) -> Module:
        """Start a module: a named part that contributes to this model."""
        self.graph.where = name
        return Module(self, name)


@dataclass
class Module:
    """The hand with which one part of the model writes itself down.

    Examples
    --------
    >>> model = Model()
    >>> m = model.module("one compartment")
    >>> amount = m.state("amount.drug", "nmol", scale=1000.0)
    >>> cl, v = m.parameter("CL", 1.0, "L/min"), m.parameter("V", 20.0, "L")
    >>> m.rate("amount.drug", -cl / v * amount)
    >>> m.offer("plasma.drug", amount / v, "nmol/L")
    >>> m.dose("drug/iv", into="amount.drug")
    """

    model: Model
    name: str

    def _expr(self, op: str, name: str, unit: str) -> Expr:
        return Expr(self.model.graph, self.model.graph.leaf(op, name, parse_unit(unit).dimension))

    def quantity(self, value: float, unit: str) -> Expr:
        """A constant with a unit, such as ``1 pmol/L``."""
        u = parse_unit(unit)
        return Expr(self.model.graph, self.model.graph.const(value * u.factor, u.dimension))

    def number(self, value: float) -> Expr:
        """A dimensionless constant."""
        return Expr(self.model.graph, self.model.graph.const(value))

    def _lift(self, value: Expr | float, unit: str) -> Expr:
        return value if isinstance(value, Expr) else self.quantity(value, unit)

    @property
    def time(self) -> Expr:
        """The time since zero."""
        return self._expr("time", "t", "min")

    def state(self, name: str, unit: str, *, initial: Expr | float = 0.0, scale: Expr | float, label: str = "") -> Expr:
        """Declare a state; ``scale`` is its usual size, from which its absolute tolerance follows."""
        if name in self.model.states:
            raise self._twice("state", name, self.model.states[name].module)
        draft = StateDraft(unit, self._lift(initial, unit), self._lift(scale, unit), label, self.name)
        self.model.states[name] = draft
        return self._expr("state", name, unit)

    def rate(self, state: str, value: Expr) -> None:
        """Add a term to the rate of change of a state of this or any other module, declared before or after."""
        module, known = self.model.rates.get(state, (self.name, None))
        self.model.rates[state] = (module, value if known is None else known + value)

    def parameter(
        self, name: str, value: float, unit: str, *, sources: tuple[str, ...] = (), kind: str = "", label: str = ""
    ) -> Expr:
        """Declare (or meet again) a run-time number; ``value`` is in ``unit``."""
        if value != value:
            raise RacemateError(f"parameter '{name}' is not a number", where=self.name)
        u = parse_unit(unit)
        draft = ParameterDraft(value * u.factor, unit, sources, kind, label)
        known = self.model.parameters.setdefault(name, draft)
        if (known.value, parse_unit(known.unit).dimension) != (draft.value, u.dimension):
            raise RacemateError(
                f"parameter '{name}' has two values: {known.value:g} and {draft.value:g}", where=self.name
            )
        return self._expr("parameter", name, unit)

    def input(self, name: str, unit: str, initial: float = 0.0) -> Expr:
        """Declare a value that only events change."""
        self.model.inputs[name] = (unit, initial)
        return self._expr("input", name, unit)

    def offer(
        self,
        name: str,
        value: Expr | float,
        unit: str,
        *,
        label: str = "",
        molar_mass: float | None = None,
        sources: tuple[str, ...] = (),
    ) -> None:
        """Offer a named value to other modules and as an output. Each name is offered exactly once."""
        if name in self.model.offers:
            raise self._twice("output", name, self.model.offers[name].module)
        if name in self.model.slots:
            raise self._twice("output", name, self.model.slots[name].module)
        value = self._lift(value, unit)
        self._check_unit(name, value, unit)
        self.model.offers[name] = Offer(value, unit, label, self.name, molar_mass, sources)

    def read(self, name: str, unit: str) -> Expr:
        """Read a name that this or any other module offers, before or after; the unit is checked."""
        self.model.readers.setdefault(name, self.name)
        return self._expr("ref", name, unit)

    def slot(self, name: str, kind: str, unit: str = "1") -> Expr:
        """Declare (or meet again) a slot, a ``sum`` or ``product`` of what others contribute, and read it."""
        if kind not in SLOT_KINDS:
            raise RacemateError(f"slot '{name}' cannot be a '{kind}'", fix="'sum' or 'product'")
        if name in self.model.offers:
            raise self._twice("slot", name, self.model.offers[name].module)
        known = self.model.slots.setdefault(name, Slot(kind, unit, self.name))
        if known.kind != kind:
            raise RacemateError(f"slot '{name}' is a {known.kind} in '{known.module}' and a {kind} in '{self.name}'")
        return self.read(name, unit)

    def contribute(self, slot: str, value: Expr) -> None:
        """Contribute a term (or factor) to a slot."""
        self.model.contributions.setdefault(slot, []).append((self.name, value))

    def dose(
        self,
        target: str,
        *,
        into: str,
        fraction: Expr | float = 1.0,
        lag: Expr | float = 0.0,
        duration: Expr | None = None,
        rate: Expr | None = None,
    ) -> None:
        """Say that a ``fraction`` of a dose to ``target`` (``substance/route``) enters a state after ``lag``.

        With a ``duration`` (min) or a ``rate`` (nmol/min) it enters at a constant rate.
        """
        pathway = PathwayDraft(into, self._lift(fraction, "1"), self._lift(lag, "min"), duration, rate)
        self.model.targets.setdefault(target, []).append(pathway)

    def random_key(self, name: str) -> Expr:
        """A whole number that tells a patient's draws of ``name`` from all others; a run fills it from its seed."""
        return self.parameter(f"random.{name}", 0.0, "1", kind="random key")

    def hazard(self, name: str, rate: Expr, actions: Actions, *, times: int = 1_000_000) -> None:
        """Act at random times that come at a rate (per time): when the rate's integral passes ``-log u``.

        The next time is drawn anew after each.
        """
        passed = self.state(f"hazard.{name}", "1", scale=1.0, label=f"hazard of {name} since it last struck")
        draws = self.input(f"draws.{name}", "1")
        self.rate(f"hazard.{name}", rate)
        again: Actions = (("set", f"hazard.{name}", self.number(0.0)), ("add", f"draws.{name}", self.number(1.0)))
        root = passed + log(uniform(self.random_key(name), draws))
        self.event(name, root, (*actions, *again), times=times)

    def timer(self, name: str, actions: Actions) -> None:
        """Act when the time comes that another event's action put into ``timer.<name>`` (see ``after``).

        Actions that depend on a condition then choose with ``where``; expired, the timer rests.
        """
        due = self.input(f"timer.{name}", "min", NEVER)
        self.event(name, self.time - due, (*actions, ("set", f"timer.{name}", self.quantity(NEVER, "min"))))

    def after(self, wait: Expr) -> Expr:
        """The time a while from now, for a timer; a moment at least, so that it is still to come."""
        return self.time + maximum(wait, self.quantity(MOMENT, "min"))

    def event(self, name: str, root: Expr, actions: Actions, *, times: int = 1_000_000) -> None:
        """Act when ``root`` rises through zero; values are those just before.

        An action is ``("set" | "add", name of a state or input, value)`` or ``("end", "", condition)``, which ends the
        run, with a condition only where that is above zero.
        """
        self.model.events.append(EventDraft(name, root, actions, times, self.name))

    def note(self, text: str) -> None:
        """A remark that a result carries when it rests on this module."""
        self.model.notes.append((self.name, text))

    def _twice(self, what: str, name: str, first: str) -> RacemateError:
        return RacemateError(f"{what} '{name}' is declared twice", where=f"'{first}' and '{self.name}'")

    def _check_unit(self, name: str, value: Expr, unit: str) -> None:
        if value.dimension != parse_unit(unit).dimension and self.model.graph.value(value.id) != 0:
            raise RacemateError(
                f"'{name}' is offered in {unit} but its formula is in {describe(value.dimension)}", where=self.name
            )
