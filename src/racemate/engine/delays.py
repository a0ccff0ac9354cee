"""Delayed values: what each lane remembers of its past, and how a formula looks back.

Every accepted step leaves an entry in its lane's ring: when it began, its length, and each delayed value on it as a
polynomial of degree four. The step being tried is the entry at the ring's head; a look back into it is iterated
until it agrees with itself, so steps may be longer than a delay. A look back never crosses a break (a dose or an
event, and what follows from one a delay later): it continues the smooth piece it began on, and the step is cut
where the delayed time reaches the break. Bellen and Zennaro, Numerical Methods for Delay Differential Equations,
Oxford 2003, https://doi.org/10.1093/acprof:oso/9780198506546.001.0001, chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from racemate.engine.builder import DOUBLE, INTEGER, POINTER, Array, Builder, Value
from racemate.engine.formulas import Formulas
from racemate.engine.layout import Frame, Layout
from racemate.engine.stepping import ARGUMENTS

#: Points of a step at which a delayed value is taken, and the polynomial through them.
POINTS = (0.0, 0.25, 0.5, 0.75, 1.0)
TO_POWERS = (
    (1.0, 0.0, 0.0, 0.0, 0.0),
    (-25 / 3, 16.0, -12.0, 16 / 3, -1.0),
    (70 / 3, -208 / 3, 76.0, -112 / 3, 22 / 3),
    (-80 / 3, 96.0, -128.0, 224 / 3, -16.0),
    (32 / 3, -128 / 3, 64.0, -128 / 3, 32 / 3),
)
#: Fields of an entry before the polynomials.
BEGIN, LENGTH, LEVEL = range(3)
#: A break's follower is one order smoother; after so many it no longer counts.
SMOOTHINGS = 3
#: Passes over a step that looks back into itself, and the change (in tolerances) at which it agrees with itself.
PASSES, AGREED = 8, 0.02
NOT_AGREED = 16.0


def layout(w: Layout, size: int, formulas: Formulas) -> None:
    """The workspace of delays; the ring follows after the counts of dosing records."""
    for name in ("ask", "told", "pending", "reached", "lost", "entries", "kink"):
        w.take(name)
    w.take("again", size)
    w.take("cursor", len(formulas.delays) or 1)
    w.take("taus", len(formulas.delays) or 1)
    w.take("present", formulas.delayed)
    w.take("course", len(POINTS) * formulas.delayed)


def fields(delayed: int) -> int:
    """Numbers an entry holds."""
    return 3 + len(POINTS) * delayed


@dataclass(frozen=True)
class Ring:
    """The entries of all lanes; one number is at ``(lane, entry, field)``."""

    f: Frame
    delayed: int

    def _cells(self) -> Array:
        start = self.f.given("records") + self.f.layout.size
        return Array(self.f.k, Array(self.f.k, self.f.work, self.f.k.vector).address(start), DOUBLE)

    def _place(self, lane: Value, entry: Value, field: Value | int) -> Value:
        slot = entry & (self.f.given("capacity") + -1)
        return (slot * fields(self.delayed) + field) * self.f.k.lanes + lane

    def get(self, lane: Value, entry: Value, field: Value | int) -> Value:
        return self._cells()[self._place(lane, entry, field)]

    def put(self, lane: Value, entry: Value, field: Value | int, value: Value | float) -> None:
        self._cells()[self._place(lane, entry, field)] = value


def polynomial_field(k: Builder, value: Value, power: int) -> Value:
    """The field of a power of the polynomial of a delayed value."""
    return value * len(POINTS) + (3 + power)


class Delays:
    """Writes what a kernel with delays needs besides: remembering, looking back, and steps that do both."""

    def __init__(self, k: Builder, w: Layout, size: int, formulas: Formulas) -> None:
        self.k, self.w, self.size, self.formulas = k, w, size, formulas

    def ring(self, f: Frame) -> Ring:
        return Ring(f, self.formulas.delayed)

    def write(self) -> None:
        """Write ``past.delayed``, ``past.slope``, ``blocked``, ``follow``, ``remember`` and ``persist``.

        The formulas call the first two, so every kernel with delays has them before it is optimised.
        """
        k = self.k
        with k.function("find", [*ARGUMENTS, INTEGER, INTEGER, DOUBLE], INTEGER) as (task, work, lane, cursor, at):
            k.give(self._find(Frame(k, self.w, task, work), lane, cursor, at))
        for name, one in (("delayed", self._value), ("slope", self._slope)):
            with k.function(f"past.{name}", [*ARGUMENTS, k.vector, INTEGER], k.vector) as (task, work, at, number):
                f = Frame(k, self.w, task, work)
                f["ask"][0] = at
                with k.loop(k.lanes) as lane:
                    q = f["ask"].lane(0, lane)
                    entry = k.call("find", task, work, lane, self._cursor_of(number), q, returns=INTEGER)
                    f["told"].set_lane(0, lane, one(f, lane, entry, number, q))
                k.give(f["told"][0])
        for name, body in (("follow", self._follow), ("remember", self._remember), ("recall", self._recall)):
            with k.function(name, ARGUMENTS) as (task, work):
                body(Frame(k, self.w, task, work))
        with k.function("blocked", [*ARGUMENTS, POINTER, k.vector], k.vector) as (task, work, states, t):
            k.give(self._blocked(Frame(k, self.w, task, work), states, t))
        with k.function("persist", ARGUMENTS, k.vector) as (task, work):
            k.give(self._persist(Frame(k, self.w, task, work)))

    # -- looking back -----------------------------------------------------------------------------
    def _cursor_of(self, number: Value) -> Value:
        """The first delay of a delayed value: its cursor is a good place to begin a search."""
        firsts = [self.formulas.delays.index(n) for n in range(self.formulas.delayed)]
        result = self.k.integer(firsts[-1])
        for n, first in enumerate(firsts[:-1]):
            result = self.k.select(number.equals(n), self.k.integer(first), result)
        return result

    def _find(self, f: Frame, lane: Value, cursor: Value, at: Value) -> Value:
        """The entry of a time, on the smooth piece the cursor stands on."""
        k, ring = self.k, self.ring(f)
        entry = k.variable(f.whole("cursor").lane(cursor, lane))
        head = f.whole("entries").lane(0, lane)
        more = k.variable(k.integer(1))
        with k.repeat(lambda: more.get() > 0):
            more.set(0)
            after = entry.get() + 1
            with k.when(entry.get() < head):
                smooth = ring.get(lane, after, LEVEL) <= 0.0
                with k.when((ring.get(lane, after, BEGIN) <= at) & smooth):
                    entry.set(after)
                    more.set(1)
        more.set(1)
        with k.repeat(lambda: more.get() > 0):
            more.set(0)
            here = entry.get()
            with k.when(here > 0):
                smooth = ring.get(lane, here, LEVEL) <= 0.0
                with k.when((ring.get(lane, here, BEGIN) > at) & smooth):
                    entry.set(here + -1)
                    more.set(1)
        self._note(f, lane, entry.get(), at, head)
        return entry.get()

    def _note(self, f: Frame, lane: Value, entry: Value, at: Value, head: Value) -> None:
        """Note a look into the step being tried, and one further back than the ring reaches."""
        k = self.k
        with k.when(entry.equals(head)), k.when(at > f["t"].lane(0, lane)):
            f.whole("reached").set_lane(0, lane, 1)
        with k.when(entry < head - f.given("capacity") + 2):
            f.whole("lost").set_lane(0, lane, 1)

    def _share(self, ring: Ring, lane: Value, entry: Value, at: Value) -> Value:
        return (at - ring.get(lane, entry, BEGIN)) / ring.get(lane, entry, LENGTH)

    def _value(self, f: Frame, lane: Value, entry: Value, number: Value, at: Value) -> Value:
        k, ring = self.k, self.ring(f)
        s = self._share(ring, lane, entry, at)
        value = ring.get(lane, entry, polynomial_field(k, number, 4))
        for power in (3, 2, 1, 0):
            value = k.fma(value, s, ring.get(lane, entry, polynomial_field(k, number, power)))
        return value

    def _slope(self, f: Frame, lane: Value, entry: Value, number: Value, at: Value) -> Value:
        k, ring = self.k, self.ring(f)
        s = self._share(ring, lane, entry, at)
        value = ring.get(lane, entry, polynomial_field(k, number, 4)) * 4.0
        for power in (3, 2, 1):
            value = k.fma(value, s, ring.get(lane, entry, polynomial_field(k, number, power)) * float(power))
        return value / ring.get(lane, entry, LENGTH)

    def _times(self, f: Frame, states: Array, t: Value) -> None:
        """How far every delay reaches, into ``taus``, from some states."""
        f.evaluate("delays", states, t, f["taus"])

    def _asked(self, f: Frame, delay: Value, lane: Value, t: Value) -> Value:
        tau = f["taus"].lane(delay, lane)
        return t - self.k.maximum(tau, self.k.number(0.0))

    def _blocked(self, f: Frame, states: Value, t: Value) -> Value:
        """Above zero in the lanes where a delayed time lies beyond a break."""
        k, ring = self.k, self.ring(f)
        self._times(f, k.array(states), t)
        f["told"][0], f["ask"][0] = k.numbers(-1.0), t
        with k.loop(k.lanes) as lane, k.loop(len(self.formulas.delays)) as delay:
            at = self._asked(f, delay, lane, f["ask"].lane(0, lane))
            entry = k.call("find", f.task, f.work, lane, delay, at, returns=INTEGER)
            with k.when(entry < f.whole("entries").lane(0, lane)), k.when(ring.get(lane, entry + 1, BEGIN) <= at):
                f["told"].set_lane(0, lane, 1.0)
            with k.when(entry > 0), k.when(ring.get(lane, entry, BEGIN) > at):
                f["told"].set_lane(0, lane, 1.0)
        return f["told"][0]

    # -- remembering ------------------------------------------------------------------------------
    def start(self, f: Frame, lane: Value) -> None:
        """A new patient: nothing to remember yet."""
        for name, value in (("entries", 1), ("kink", 1), ("lost", 0)):
            f.whole(name).set_lane(0, lane, value)
        with self.k.loop(len(self.formulas.delays)) as delay:
            f.whole("cursor").set_lane(delay, lane, 0)

    def _recall(self, f: Frame) -> None:
        """The past of fresh lanes: every delayed value has always been what it is at the start."""
        k, ring = self.k, self.ring(f)
        with k.loop(self.formulas.delayed):  # values that look back themselves settle one after another
            f.evaluate("delaying", f["y"], f["t"][0], f["present"])
            with k.loop(k.lanes) as lane, k.when(f.whole("fresh").lane(0, lane).equals(1)):
                first = k.integer(0)
                for field, value in ((BEGIN, f["t"].lane(0, lane) - 1.0), (LENGTH, 1.0), (LEVEL, 0.0)):
                    ring.put(lane, first, field, value)
                ring.put(lane, k.integer(1), LEVEL, 1.0)
                ring.put(lane, k.integer(1), BEGIN, f["t"].lane(0, lane))
                with k.loop(self.formulas.delayed) as number:
                    ring.put(lane, first, polynomial_field(k, number, 0), f["present"].lane(number, lane))
                    for power in (1, 2, 3, 4):
                        ring.put(lane, first, polynomial_field(k, number, power), 0.0)

    def _follow(self, f: Frame) -> None:
        """Open the head of the ring at the present time, and move each delay's cursor to where it looks."""
        k, ring = self.k, self.ring(f)
        arrived = f.flag("arrived")
        f.whole("kink")[0] = k.select(arrived, k.constant(1, k.integers), f.whole("kink")[0])
        with k.loop(k.lanes) as lane, k.when(f.whole("live").lane(0, lane).equals(1)):
            head = f.whole("entries").lane(0, lane)
            ring.put(lane, head, BEGIN, f["t"].lane(0, lane))
            ring.put(lane, head, LEVEL, k.to_number(f.whole("kink").lane(0, lane)))
        self._times(f, f["y"], f["t"][0])
        f.evaluate("delaying", f["y"], f["t"][0], f["present"])
        with k.loop(k.lanes) as lane, k.when(f.whole("live").lane(0, lane).equals(1)):
            head, t = f.whole("entries").lane(0, lane), f["t"].lane(0, lane)
            with k.loop(len(self.formulas.delays)) as delay:
                self._move(f, lane, delay, self._asked(f, delay, lane, t))
            ring.put(lane, head, LEVEL, k.to_number(f.whole("kink").lane(0, lane)))
            self._predict(f, ring, lane, head, t)

    def _move(self, f: Frame, lane: Value, delay: Value, at: Value) -> None:
        """A cursor that passes a break leaves one behind, a degree smoother."""
        k, ring = self.k, self.ring(f)
        cursor, head = f.whole("cursor"), f.whole("entries").lane(0, lane)
        level = k.variable(k.number(0.0))
        here = k.variable(cursor.lane(delay, lane))
        more = k.variable(k.integer(1))
        with k.repeat(lambda: more.get() > 0):
            more.set(0)
            with k.when(here.get() < head), k.when(ring.get(lane, here.get() + 1, BEGIN) <= at):
                here.set(here.get() + 1)
                level.set(k.maximum(level.get(), self._follower(ring, lane, here.get(), head)))
                more.set(1)
        more.set(1)
        with k.repeat(lambda: more.get() > 0):
            more.set(0)
            with k.when(here.get() > 0), k.when(ring.get(lane, here.get(), BEGIN) > at):
                level.set(k.maximum(level.get(), self._follower(ring, lane, here.get(), head)))
                here.set(here.get() + -1)
                more.set(1)
        cursor.set_lane(delay, lane, here.get())
        kink = f.whole("kink").lane(0, lane)
        with k.when(kink.equals(0)):
            f.whole("kink").set_lane(0, lane, k.to_integer(level.get()))

    def _follower(self, ring: Ring, lane: Value, entry: Value, head: Value) -> Value:
        """The level of the break that passing an entry's beginning brings about; 0 for none."""
        k = self.k
        level = ring.get(lane, entry, LEVEL)
        counts = (level > 0.0) & (level < float(SMOOTHINGS)) & (entry < head)
        return k.select(counts, level + 1.0, k.number(0.0))

    def _predict(self, f: Frame, ring: Ring, lane: Value, head: Value, t: Value) -> None:
        """What a first try supposes beyond the present: a straight line on; a constant after a break."""
        k = self.k
        ring.put(lane, head, LENGTH, 1.0)
        kinked = f.whole("kink").lane(0, lane) > 0
        with k.loop(self.formulas.delayed) as number:
            slope = self._slope(f, lane, head + -1, number, t)
            ring.put(lane, head, polynomial_field(k, number, 0), f["present"].lane(number, lane))
            ring.put(lane, head, polynomial_field(k, number, 1), k.select(kinked, k.number(0.0), slope))
            for power in (2, 3, 4):
                ring.put(lane, head, polynomial_field(k, number, power), 0.0)

    def _remember(self, f: Frame) -> None:
        """Put the delayed values on the step that was tried into the head, in the lanes marked pending."""
        k, ring, count = self.k, self.ring(f), self.formulas.delayed
        k.call("dense", f.task, f.work)
        f.whole("inside")[0] = 1
        for n, s in enumerate(POINTS):
            k.call("look", f.task, f.work, k.numbers(s))
            at = k.fma(k.numbers(s), f["h"][0], f["t"][0])
            f.evaluate("delaying", f["seen"], at, f["course"].part(n * count))
        with k.loop(k.lanes) as lane, k.when(f.whole("pending").lane(0, lane).equals(1)):
            head = f.whole("entries").lane(0, lane)
            ring.put(lane, head, LENGTH, f["h"].lane(0, lane))
            with k.loop(count) as number:
                values = [f["course"].lane(number + n * count, lane) for n in range(len(POINTS))]
                for power, weights in enumerate(TO_POWERS):
                    total = values[0] * weights[0]
                    for weight, value in zip(weights[1:], values[1:], strict=True):
                        total = k.fma(k.number(weight), value, total)
                    ring.put(lane, head, polynomial_field(k, number, power), total)

    def keep(self, f: Frame, kept: Value) -> None:
        """The step was accepted: its entry stays, and the next one opens."""
        k = self.k
        one, none = k.constant(1, k.integers), k.constant(0, k.integers)
        f.whole("entries")[0] = f.whole("entries")[0] + k.select(kept, one, none)
        f.whole("kink")[0] = k.select(kept, none, f.whole("kink")[0])

    # -- a step that looks into itself --------------------------------------------------------------
    def _persist(self, f: Frame) -> Value:
        """Try a step, again where it looked into itself, until it agrees; gives the error."""
        k = self.k
        f.whole("reached")[0] = 0
        error = k.variable(k.call("attempt", f.task, f.work, returns=k.vector))
        f.set_flag("pending", f.flag("reached") & f.flag("live"))
        passes = k.variable(k.integer(0))
        with k.repeat(lambda: k.any(f.flag("pending")) & (passes.get() < PASSES)):
            passes.set(passes.get() + 1)
            with k.loop(self.size) as i:
                f["again"][i] = f["new"][i]
            k.call("remember", f.task, f.work)
            found = k.call("attempt", f.task, f.work, returns=k.vector)
            pending = f.flag("pending")
            error.set(k.select(pending, found, error.get()))
            f.set_flag("pending", pending & ~(self._change(f) <= AGREED))
        error.set(k.select(f.flag("pending"), k.maximum(error.get(), k.numbers(NOT_AGREED)), error.get()))
        # Only now may the others' heads move: until then their steps were repeated bit by bit.
        f.set_flag("pending", f.flag("live"))
        k.call("remember", f.task, f.work)
        return error.get()

    def _change(self, f: Frame) -> Value:
        """How far the new values moved since the last try, in tolerances."""
        k, rtol = self.k, self.k.spread(f.given("rtol"))
        total = k.variable(k.numbers(0.0))
        with k.loop(self.size) as i:
            new = f["new"][i]
            moved = (new - f["again"][i]) / k.fma(rtol, k.abs(new), f["absolute"][i])
            total.set(k.fma(moved, moved, total.get()))
        return k.sqrt(total.get() * (1.0 / self.size))
