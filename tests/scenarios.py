"""Random scenarios of random models, the kernel against an independent method; ``scenarios.py FIRST COUNT`` runs some.

A process of its own runs a block and names each seed before it starts; a scenario that takes too long ends the process.
"""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from racemate.engine import Batch, Kind, Schedule, Status, machine, reference
from racemate.engine.compile import Kernel, generate
from racemate.engine.problem import Solution
from racemate.model import Model, compose
from racemate.model.graph import Expr, exp, hill
from racemate.model.model import Module
from racemate.model.system import System

Array = npt.NDArray[np.float64]

PATIENTS = 4
END = 300.0
#: Seconds that one scenario may take, the references included.
LIMIT = 120.0
#: One scenario in so many is compiled as in production too, to the same bits.
PRODUCTION = 5
FAILED = (Status.STEP_TOO_SMALL, Status.NOT_FINITE, Status.TOO_MANY_STEPS)


@dataclass
class Sketch:
    """A model while it is drawn at random."""

    rng: np.random.Generator
    m: Module
    outputs: list[str]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def parameter(self, name: str, low: float, high: float, unit: str = "1/min") -> Expr:
        return self.m.parameter(name, float(np.exp(self.rng.uniform(np.log(low), np.log(high)))), unit)

    def offer(self, name: str, value: Expr) -> None:
        self.m.offer(name, value, "1")
        self.outputs.append(name)

    def amounts(self) -> Expr:
        """A depot, compartments in a tree, elimination: linear, saturable, fading, or by an enzyme the drug induces."""
        m = self.m
        central = m.state("amount.0", "nmol", scale=100.0)
        concentration = central / m.quantity(10.0, "nmol")
        depot = m.state("depot", "nmol", scale=100.0)
        absorbed = self.parameter("ka", 0.005, 2.0) * depot
        m.rate("depot", -absorbed)
        m.rate("amount.0", absorbed)
        compartments = [central]
        for i in range(1, self.rng.integers(1, 4)):
            amount = m.state(f"amount.{i}", "nmol", scale=100.0)
            source = int(self.rng.integers(i))
            out, back = self.parameter(f"out{i}", 0.01, 1.0), self.parameter(f"back{i}", 0.001, 0.5)
            flow = out * compartments[source] - back * amount
            m.rate(f"amount.{source}", -flow)
            m.rate(f"amount.{i}", flow)
            compartments.append(amount)
        kind = self.rng.integers(4)
        loss = self.parameter("k", 0.005, 0.3) * central
        if kind == 1:
            km = self.parameter("Km", 0.1, 20.0, "1")
            loss = self.parameter("Vmax", 0.1, 5.0, "nmol/min") * concentration / (km + concentration)
        if kind == 2:
            enzyme, turnover = m.state("enzyme", "1", initial=1.0, scale=1.0), self.parameter("enzyme.k", 1e-3, 0.1)
            m.rate("enzyme", turnover * (1.0 + 3.0 * hill(concentration, m.number(2.0), 1.5) - enzyme))
            loss = loss * enzyme
        if kind == 3:
            loss = loss * (1.0 + exp(-m.time / m.quantity(40.0, "min")))
        m.rate("amount.0", -loss)
        m.dose("drug/iv", into="amount.0")
        m.dose("drug/po", into="depot")
        self.offer("c", concentration)
        return concentration

    def receptor(self, n: int, concentration: Expr) -> None:
        """Binding, often far faster than all else, and an effect that turns over slowly."""
        m = self.m
        bound = m.state(f"bound{n}", "1", scale=0.5)
        kon, koff = self.parameter(f"kon{n}", 0.01, 300.0), self.parameter(f"koff{n}", 0.01, 300.0)
        m.rate(f"bound{n}", kon * concentration * (1.0 - bound) - koff * bound)
        response = m.state(f"response{n}", "1", initial=1.0, scale=1.0)
        drop = hill(bound, m.number(float(self.rng.uniform(0.1, 0.9))), float(self.rng.uniform(0.6, 4.0)))
        m.rate(f"response{n}", self.parameter(f"turnover{n}", 1e-3, 3.0) * (1.0 - 0.9 * drop - response))
        self.offer(f"r{n}", response)

    def indirect(self, n: int, concentration: Expr) -> None:
        """An indirect response of one of the four classical kinds; its baseline belongs to the patient."""
        m = self.m
        kin, kout = self.parameter(f"kin{n}", 0.01, 2.0), self.parameter(f"kout{n}", 0.01, 2.0)
        x = m.state(f"indirect{n}", "1", initial=kin / kout, scale=kin / kout)
        effect = hill(concentration, self.parameter(f"C50{n}", 0.3, 10.0, "1"), float(self.rng.uniform(0.7, 3.0)))
        change = 1.0 - 0.95 * effect if self.chance(0.5) else 1.0 + 4.0 * effect
        m.rate(f"indirect{n}", kin * change - kout * x if self.chance(0.5) else kin - kout * change * x)
        self.offer(f"i{n}", x)

    def target(self, concentration: Expr) -> None:
        """A target that binds the drug and is made and lost meanwhile: a product of two states."""
        m = self.m
        free, complex_ = m.state("free", "1", initial=1.0, scale=1.0), m.state("complex", "1", scale=1.0)
        bind = self.parameter("bind", 0.01, 10.0) * concentration * free
        leave = self.parameter("leave", 0.01, 10.0) * complex_
        turnover = self.parameter("target.k", 1e-3, 0.3)
        m.rate("free", turnover * (1.0 - free) - bind + leave)
        m.rate("complex", bind - leave - self.parameter("internal", 1e-3, 0.3) * complex_)
        self.offer("t.free", free)
        self.offer("t.total", free + complex_)

    def burst(self) -> None:
        """``dx/dt = k x^2`` from one: infinite at ``1 / k``, which is beyond the horizon unless k says otherwise."""
        x = self.m.state("burst", "1", initial=1.0, scale=1.0)
        self.m.rate("burst", self.m.parameter("burst.k", 1e-4, "1/min") * x * x)
        self.offer("b", x)

    def events(self, concentration: Expr) -> None:
        """What happens when the concentration falls low (a dose, or a supply) or rises high (the run ends)."""
        m, what = self.m, self.rng.integers(4)
        low, high = (m.number(float(self.rng.uniform(*r))) for r in ((0.2, 2.0), (8.0, 40.0)))
        if what in (0, 3):
            more = m.quantity(float(self.rng.uniform(20.0, 80.0)), "nmol")
            m.event("rescue", low - concentration, (("add", "amount.0", more),), times=int(self.rng.integers(1, 6)))
        if what == 1:
            m.rate("amount.0", m.input("supply", "nmol/min"))
            supply = m.quantity(float(self.rng.uniform(0.05, 1.0)), "nmol/min")
            actions = (("set", "supply", supply), ("add", "depot", m.quantity(3.0, "nmol")))
            m.event("supply", low - concentration, actions)
        if what == 2:
            m.event("wash-out", concentration - high, (("set", "amount.0", m.quantity(5.0, "nmol")),), times=3)
        if what == 3:
            m.event("stop", concentration - high, (("end", "", None),))


def random_model(rng: np.random.Generator) -> System:
    """A drug with its fate, some of its effects, and perhaps events and a state that may blow up."""
    model = Model()
    s = Sketch(rng, model.module("random"), [])
    concentration = s.amounts()
    for n in range(rng.integers(0, 4)):
        s.receptor(n, concentration)
    for n in range(rng.integers(0, 3)):
        s.indirect(n, concentration)
    for share, part in ((0.4, s.target), (0.5, s.events)):
        if s.chance(share):
            part(concentration)
    if s.chance(0.3):
        s.burst()
    return compose(model, s.outputs)


def random_doses(rng: np.random.Generator, system: System) -> Schedule:
    """Boluses once and repeated, infusions that overlap, states and rates set, a reset; times differ by patient."""

    def each(low: float, high: float) -> Array:
        return rng.uniform(low, high, PATIENTS)

    central, depot = system.state_index["amount.0"], system.state_index["depot"]
    rate = next(i for i, x in enumerate(system.inputs) if x.name == "infusion.amount.0")
    first = each(0.0, 60.0)
    records = [(first, each(5.0, 100.0), each(10.0, 300.0), int(rng.integers(1, 6)), Kind.ADD_STATE, central)]
    last = 0.0
    for _ in range(rng.integers(0, 4)):
        start, amount = each(0.0, 100.0), each(0.5, 20.0)
        stop = start + each(1.0, 60.0)
        last = max(last, float(stop.max()))
        records += [(start, 0.0, amount, 1, Kind.ADD_INPUT, rate), (stop, 0.0, -amount, 1, Kind.ADD_INPUT, rate)]
    if rng.random() < 0.5:
        records.append((each(0.0, 50.0), 60.0, each(20.0, 200.0), int(rng.integers(1, 4)), Kind.ADD_STATE, depot))
    if rng.random() < 0.3:
        records.append((last + each(1.0, 50.0), 0.0, 0.0, 1, Kind.RESET, 0))
    if rng.random() < 0.3:
        records.append((first, 0.0, each(0.0, 50.0), 1, Kind.SET_STATE, central))
    if rng.random() < 0.2:
        records.append((last + each(10.0, 40.0), 0.0, each(0.0, 0.5), 1, Kind.SET_INPUT, rate))
    return Schedule.of(records)


@dataclass(frozen=True)
class Case:
    """A system, its patients and their doses; ``wild`` is a patient whose model blows up, if there is one."""

    system: System
    people: Batch
    schedule: Schedule
    times: Array
    before: bool
    wild: int | None

    @classmethod
    def of(cls, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        system = random_model(rng)
        schedule = random_doses(rng, system)
        base = np.array([p.value for p in system.parameters])
        varying = base * np.exp(0.3 * rng.standard_normal((PATIENTS, len(base))))
        wild = None
        if "burst" in system.state_index and rng.random() < 0.7:
            wild = int(rng.integers(PATIENTS))
            varying[wild, system.parameter_index["burst.k"]] = 1 / rng.uniform(5.0, 250.0)
        # Some outputs at the very time of a dose, where before and after differ.
        grid = np.unique(np.concatenate([np.linspace(0.0, END, 31), schedule.time[0][schedule.time[0] < END]]))
        return cls(system, Batch(base, np.arange(len(base)), varying), schedule, grid, bool(rng.random() < 0.5), wild)

    def calm(self) -> Case:
        """The same with nobody who blows up."""
        varying = self.people.varying.copy()
        varying[self.wild, self.system.parameter_index["burst.k"]] = 1e-4
        return replace(self, people=replace(self.people, varying=varying))

    @property
    def catastrophe(self) -> float:
        """When the wild patient's model reaches infinity; a reset starts it anew."""
        if self.wild is None:
            return np.inf
        lasts = 1 / self.people.varying[self.wild, self.system.parameter_index["burst.k"]]
        resets = self.schedule.time[self.wild][self.schedule.kind == Kind.RESET]
        return float(lasts + max((t for t in resets if t < lasts), default=0.0))

    def run(self, level: int, lanes: int) -> Solution:
        """By the kernel, compiled anew."""
        kernel = Kernel(self.system, lanes, machine.assemble(generate(self.system, lanes), level))
        return kernel.run(self.people, self.schedule, self.times, rtol=1e-8, before_doses=self.before)

    def truth(self, method: str, rtol: float, patient: int, times: Array) -> Solution:
        """One patient by a method of SciPy."""
        people, doses = self.people.rows(patient, patient + 1), self.schedule.rows(patient, patient + 1)
        given: Callable[..., Solution] = reference.solve
        return given(self.system, people, doses, times, rtol=rtol, before_doses=self.before, method=method)


def gap(found: Array, true: Array) -> float:
    """The largest difference relative to the value, or to a hundredth of its peak where it is small."""
    peak = np.abs(true).max(axis=0)
    return float(np.max(np.abs(found - true) / (np.abs(true) + 1e-2 * peak + 1e-12), initial=0.0))


def patient_agrees(case: Case, found: Solution, patient: int) -> None:
    """One patient against LSODA, and against Radau where the two differ."""
    times = case.times
    lost = patient == case.wild and case.catastrophe < END
    if lost:
        assert found.status[patient] in (*FAILED, Status.ENDED_BY_EVENT), f"patient {patient} survived infinity"
        assert found.status[patient] == Status.ENDED_BY_EVENT or np.isnan(found.values[patient, -1]).all()
        times = times[times < 0.8 * case.catastrophe]
    differences = {}
    for method, rtol in (("LSODA", 1e-11), ("Radau", 1e-10)):
        truth = case.truth(method, rtol, patient, times)
        if not lost and truth.status[0] != found.status[patient]:
            differences[method] = f"status {truth.status[0]}, not {found.status[patient]}"
            continue
        difference = gap(found.values[patient, : len(times)], truth.values[0])
        if difference < 1e-6:
            return
        differences[method] = f"{difference:.2e}"
    raise AssertionError(f"patient {patient}: {differences}")


def scenario_agrees(seed: int) -> None:
    """A scenario, whole: every patient, bits by lanes and levels, and nobody touched by a neighbour."""
    case = Case.of(seed)
    found = case.run(0, lanes=4)
    if seed % PRODUCTION == 0:
        np.testing.assert_array_equal(case.run(2, machine.best_lanes()).values, found.values)
    if case.wild is not None:
        calm, others = case.calm().run(0, lanes=4), np.arange(PATIENTS) != case.wild
        np.testing.assert_array_equal(calm.values[others], found.values[others])
    for patient in range(PATIENTS):
        patient_agrees(case, found, patient)


def main(first: int, count: int) -> None:
    """Run scenarios and say which."""
    for seed in range(first, first + count):
        print(f"scenario {seed}", flush=True)
        faulthandler.dump_traceback_later(LIMIT, exit=True)
        scenario_agrees(seed)
        faulthandler.cancel_dump_traceback_later()
        print("agrees", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
