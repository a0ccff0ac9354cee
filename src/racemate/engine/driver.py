"""The loop around the steps: patients come and go, each lane with its own time, doses and outputs."""

from __future__ import annotations

import math

from racemate.engine import delays, rodas, roots, summaries
from racemate.engine.builder import DOUBLE, INTEGER, Builder, Value
from racemate.engine.formulas import Formulas
from racemate.engine.layout import Frame, Layout
from racemate.engine.problem import Kind, Status
from racemate.engine.stepping import ARGUMENTS
from racemate.model.system import Event

SAFETY, SHRINK, GROW = 0.9, 0.2, 6.0

#: What the loop knows of each lane: times and steps, then flags and counts.
NUMBERS = ("t", "step", "h", "stop", "new_t", "full_t", "next_output", "upto", "low", "high")
WHOLE = (
    "live",
    "arrived",
    "fresh",
    "inclusive",
    "inside",
    "whole_step",
    "patient",
    "position",
    "taken",
    "scratch",
    "struck",
    "ended",
)


def layout(
    size: int, parameters: int, inputs: int, outputs: int, formulas: Formulas, events: tuple[Event, ...]
) -> Layout:
    """The workspace of a kernel; the counts of dosing records follow after it."""
    w = Layout()
    for name in (*NUMBERS, *WHOLE):
        w.take(name)
    for name in ("y", "u", "new", "initial", "absolute", "slope", "seen"):
        w.take(name, size)
    w.take("inputs", max(1, inputs))
    w.take("parameters", max(1, parameters))
    w.take("hoisted", max(1, formulas.hoisted))
    w.take("out", max(1, outputs))
    for name in summaries.NAMES:
        w.take(name, outputs)
    w.take("samples", len(summaries.POINTS) * outputs)
    for name in ("before", "after", "fired"):
        w.take(name, len(events) + bool(formulas.delayed))
    if formulas.delayed:
        delays.layout(w, size, formulas)
    w.take("acts", sum(len(e.actions) for e in events))
    w.take("stages", rodas.STAGES * size)
    w.take("dense", len(rodas.DENSE) * size)
    w.take("matrix", max(1, len(formulas.lu.entries)))
    w.take("spill", max(1, formulas.spilled))
    w.take("done_counts", 0)
    return w


class Driver:
    """Writes the driver of one kernel.

    Parameters
    ----------
    k : Builder
    w : Layout
    size, inputs, outputs : int
        Numbers of states, inputs and outputs.
    events : tuple of Event
    past : Delays, optional
        Of a system with delays.
    """

    def __init__(
        self,
        k: Builder,
        w: Layout,
        size: int,
        inputs: int,
        outputs: int,
        events: tuple[Event, ...],
        past: delays.Delays | None = None,
    ) -> None:
        self.k, self.w, self.past = k, w, past
        self.size, self.inputs, self.outputs, self.events = size, inputs, outputs, events

    def write(self) -> None:
        """Write the functions from the innermost to ``run``."""
        k = self.k
        for name, body in (
            ("emit", self._emit),
            ("admit", self._admit),
            ("dose", self._dose),
            ("attend", self._attend),
            ("settle", self._settle),
        ):
            with k.function(name, ARGUMENTS) as (task, work):
                body(Frame(k, self.w, task, work))
        with k.function("workspace", [], INTEGER, export=True):
            k.give(k.integer(self.w.size * k.lanes))
        with k.function("entry", [], INTEGER, export=True):
            k.give(k.integer(delays.fields(self.past.formulas.delayed) * k.lanes if self.past else 0))
        with k.function("run", ARGUMENTS, export=True) as (task, work):
            self._run(Frame(k, self.w, task, work))

    def _run(self, f: Frame) -> None:
        k = self.k
        for name in ("live", "arrived", "fresh", "struck"):
            f.whole(name)[0] = 0
        f["t"][0] = 0.0
        f["h"][0] = 1.0
        f["step"][0] = 1.0
        f["stop"][0] = 1.0
        f["next_output"][0] = math.inf
        for name, count in (("y", self.size), ("inputs", self.inputs), ("parameters", None)):
            total = f.given("parameters") if count is None else k.integer(count)
            with k.loop(total) as i:
                f[name][i] = 0.0
        k.call("attend", f.task, f.work)
        with k.repeat(lambda: k.any(f.flag("live"))):
            self._next_step(f)
            k.call("settle", f.task, f.work)

    def _next_step(self, f: Frame) -> None:
        """Cut the step at the next stop, and avoid a sliver before it."""
        if self.past:
            self.k.call("follow", f.task, f.work)
        k, t, stop, step = self.k, f["t"][0], f["stop"][0], f["step"][0]
        left = stop - t
        last = left <= step * 1.0001
        cut = k.select(last, left, k.select(left < step * 2.0, left * 0.5, step))
        f["h"][0] = k.select(f.flag("live"), cut, k.numbers(1.0))
        f["new_t"][0] = f["full_t"][0] = k.select(last, stop, t + cut)
        f.set_flag("whole_step", last)

    def _settle(self, f: Frame) -> None:
        """Try a step; keep it where its error allows, choose the next."""
        k = self.k
        error = k.call("persist" if self.past else "attempt", f.task, f.work, returns=k.vector)
        live, h, t = f.flag("live"), f["h"][0], f["t"][0]
        kept = (error <= 1.0) & live
        bounded = k.maximum(k.select(error < 1e10, error, k.numbers(1e10)), k.numbers(1e-10))
        factor = SAFETY * k.call("power", bounded, k.numbers(-1 / rodas.ORDER), returns=k.vector)
        factor = k.minimum(k.maximum(factor, k.numbers(SHRINK)), k.numbers(GROW))
        f.whole("taken")[0] = f.whole("taken")[0] + f.whole("live")[0]
        if cuts := bool(self.events or self.past):
            k.call("dense", f.task, f.work)
            roots.locate(k, f, self.events, kept, self.past is not None)
            roots.cut(k, f)
        new_t, last = f["new_t"][0], f.flag("whole_step")
        self._outputs_of_step(f, kept, last)
        with k.when(f.given("summarised").equals(1)):
            k.call("dense", f.task, f.work)
            summaries.add_step(k, f, self.outputs, kept)
        if cuts:
            roots.land(k, f, self.size)
        with k.loop(self.size) as i:
            f["y"][i] = k.select(kept, f["new"][i], f["y"][i])
        f["t"][0] = k.select(kept, new_t, t)
        if self.past:
            self.past.keep(f, kept)
        proposed = h * factor
        longer = k.maximum(f["step"][0], proposed)
        f["step"][0] = k.select(kept & last, longer, proposed)
        f.set_flag("arrived", kept & last)
        struck = self._act(f) if self.events else kept & ~kept
        # Written so that a step that is not a number counts as too small.
        room = k.fma(k.abs(t), k.numbers(1e-14), k.numbers(1e-14))
        stuck = live & ~kept & ~(proposed > room)
        spent = live & (f.whole("taken")[0] >= self._everywhere(f.given("max_steps"))) & ~(kept & last)
        if self.past:
            stuck = stuck | (live & f.flag("lost"))
        with k.when(k.any(stuck | spent)):
            broken = ~(error < math.inf)
            why = k.select(broken, self._code(Status.NOT_FINITE), self._code(Status.STEP_TOO_SMALL))
            if self.past:
                why = k.select(f.flag("lost"), self._code(Status.DELAY_OVERFLOW), why)
            self._give_up(f, stuck, why)
            self._give_up(f, spent & ~stuck, self._code(Status.TOO_MANY_STEPS))
        with k.when(k.any((kept & last) | stuck | spent | struck)):
            k.call("attend", f.task, f.work)

    def _act(self, f: Frame) -> Value:
        """Carry out the events of the lanes that one struck; those lanes count as arrived, unless their run ends."""
        k = self.k
        struck = roots.acting(f, self.events)
        with k.when(k.any(struck)):
            f.set_flag("struck", struck)
            f.evaluate("act", f["y"], f["t"][0], f["acts"])
            f.whole("scratch")[0] = 0
            with k.loop(k.lanes) as lane, k.when(f.whole("struck").lane(0, lane).equals(1)):
                f.whole("arrived").set_lane(0, lane, 1)
                f.whole("scratch").set_lane(0, lane, roots.act(k, f, self.events, lane))
            # A run that ended stays as it was left, at every output time to come.
            ended = f.flag("scratch")
            f.set_flag("ended", ended)
            f["upto"][0] = k.select(ended, k.numbers(math.inf), k.numbers(-math.inf))
            f.whole("inside")[0] = 0
            k.call("emit", f.task, f.work)
            with k.loop(k.lanes) as lane, k.when(f.whole("ended").lane(0, lane).equals(1)):
                self._leave(f, lane, k.integer(int(Status.ENDED_BY_EVENT)))
        return struck

    def _code(self, status: Status) -> Value:
        return self.k.constant(int(status), self.k.integers)

    def _everywhere(self, value: Value) -> Value:
        k = self.k
        one = k.emit(f"insertelement {k.integers} poison, i64 {value.text}, i64 0", k.integers)
        zero = f"<{k.lanes} x i32> zeroinitializer"
        return k.emit(f"shufflevector {k.integers} {one.text}, {k.integers} poison, {zero}", k.integers)

    def _give_up(self, f: Frame, lanes: Value, status: Value) -> None:
        k = self.k
        f.whole("scratch")[0] = status
        f.set_flag("inclusive", lanes)
        with k.loop(k.lanes) as lane, k.when(f.whole("inclusive").lane(0, lane).equals(1)):
            self._leave(f, lane, f.whole("scratch").lane(0, lane))

    def _leave(self, f: Frame, lane: Value, status: Value) -> None:
        """A patient is finished; the lane is free."""
        patient = f.whole("patient").lane(0, lane)
        f.table("status", INTEGER)[patient] = status
        f.table("steps", INTEGER)[patient] = f.whole("taken").lane(0, lane)
        summaries.finish(self.k, f, self.outputs, lane, patient)
        f.whole("live").set_lane(0, lane, 0)
        f.whole("arrived").set_lane(0, lane, 0)
        f["next_output"].set_lane(0, lane, math.inf)

    # -- outputs --------------------------------------------------------------------------------
    def _outputs_of_step(self, f: Frame, kept: Value, last: Value) -> None:
        """Outputs inside the step; at its end too, unless doses come first."""
        k = self.k
        with k.when(k.any(kept & (f["next_output"][0] <= f["new_t"][0]))):
            k.call("dense", f.task, f.work)
            before = self._everywhere(f.given("before"))._compare("ne", 0)
            f["upto"][0] = k.select(kept, f["new_t"][0], k.numbers(-math.inf))
            f.set_flag("inclusive", before | ~last)
            f.whole("inside")[0] = 1
            k.call("emit", f.task, f.work)

    def _present(self, f: Frame, lanes: Value) -> None:
        """Outputs at the present time of some lanes, from the present state."""
        k = self.k
        f["upto"][0] = k.select(lanes, f["t"][0], k.numbers(-math.inf))
        f.whole("inclusive")[0] = 1
        f.whole("inside")[0] = 0
        k.call("emit", f.task, f.work)

    def _due(self, f: Frame) -> Value:
        at, upto = f["next_output"][0], f["upto"][0]
        return ((at < upto) | (at.equals(upto) & f.flag("inclusive"))) & (at < math.inf)

    def _emit(self, f: Frame) -> None:
        k = self.k
        with k.repeat(lambda: k.any(self._due(f))):
            at = f["next_output"][0]
            s = (at - f["t"][0]) / f["h"][0]
            s = k.select(at.equals(f["full_t"][0]), k.numbers(1.0), s)
            k.call("look", f.task, f.work, s)
            f.evaluate("observe", f["seen"], at, f["out"])
            f.set_flag("scratch", self._due(f))
            with k.loop(k.lanes) as lane, k.when(f.whole("scratch").lane(0, lane).equals(1)):
                self._scatter(f, lane)

    def _scatter(self, f: Frame, lane: Value) -> None:
        k, points = self.k, f.given("points")
        position = f.whole("position").lane(0, lane)
        start = (f.whole("patient").lane(0, lane) * points + position) * self.outputs
        with k.loop(self.outputs) as o:
            f.table("values")[start + o] = f["out"].lane(o, lane)
        f.whole("position").set_lane(0, lane, position + 1)
        self._find_output(f, lane)

    def _find_output(self, f: Frame, lane: Value) -> None:
        k, position = self.k, f.whole("position").lane(0, lane)
        f["next_output"].set_lane(0, lane, math.inf)
        with k.when(position < f.given("points")):
            f["next_output"].set_lane(0, lane, f.table("times")[position])

    # -- patients and doses ---------------------------------------------------------------------
    def _attend(self, f: Frame) -> None:
        """See to the lanes that arrived at a stop or are free, until all have work or none is left."""
        k = self.k
        again = k.variable(k.integer(1))
        with k.repeat(lambda: again.get() > 0):
            again.set(0)
            k.call("admit", f.task, f.work)
            with k.when(k.any(f.flag("fresh"))):
                self._set_up(f)
            with k.loop(k.lanes) as lane, k.when(f.whole("arrived").lane(0, lane).equals(1)):
                f.whole("scratch").set_lane(0, k.integer(0), lane)
                k.call("dose", f.task, f.work)
            if self.past:
                k.call("follow", f.task, f.work)
            self._present(f, f.flag("arrived"))
            with k.loop(k.lanes) as lane:
                ended = f["t"].lane(0, lane) >= f.given("end")
                with k.when(ended & f.whole("arrived").lane(0, lane).equals(1)):
                    self._leave(f, lane, k.integer(int(Status.DONE)))
                    again.set(1)
        with k.when(k.any(f.flag("arrived"))):
            k.call("begin", f.task, f.work)
            f.whole("arrived")[0] = 0

    def _admit(self, f: Frame) -> None:
        """Draw the next patients from the queue that all threads share."""
        k = self.k
        f.whole("fresh")[0] = 0
        with k.loop(k.lanes) as lane, k.when(f.whole("live").lane(0, lane).equals(0)):
            patient = k.fetch_add(f.table("queue").pointer, 1)
            with k.when(patient < f.given("patients")):
                for name, value in (("live", 1), ("arrived", 1), ("fresh", 1), ("position", 0), ("taken", 0)):
                    f.whole(name).set_lane(0, lane, value)
                f.whole("patient").set_lane(0, lane, patient)
                f["t"].set_lane(0, lane, f.given("start"))
                f["h"].set_lane(0, lane, 1.0)
                with k.loop(f.given("parameters")) as i:
                    f["parameters"].set_lane(i, lane, f.table("base")[i])
                columns = f.given("varying_columns")
                with k.loop(columns) as c:
                    i = f.table("columns", INTEGER)[c]
                    f["parameters"].set_lane(i, lane, f.table("varying")[patient * columns + c])
                with k.loop(f.given("records")) as r:
                    f.whole("done_counts").set_lane(r, lane, 0)
                with k.loop(len(self.events)) as e:
                    f.whole("fired").set_lane(e, lane, 0)
                summaries.start(k, f, self.outputs, lane)
                if self.past:
                    self.past.start(f, lane)
                self._find_output(f, lane)

    def _set_up(self, f: Frame) -> None:
        """Compute what depends on the patient, for lanes with a new one."""
        k, fresh = self.k, f.flag("fresh")
        names = ("parameters", "hoisted", "initial", "absolute", "spill")
        k.call("prepare", *(f[name].pointer for name in names))
        small = k.spread(f.given("rtol")) * 1e-3
        with k.loop(self.size) as i:
            scale = k.abs(f["absolute"][i])
            # A scale of zero (a drug not given) counts as one canonical unit.
            f["absolute"][i] = small * k.select(scale > 0.0, scale, k.numbers(1.0))
            f["y"][i] = k.select(fresh, f["initial"][i], f["y"][i])
        with k.loop(self.inputs) as i:
            f["inputs"][i] = k.select(fresh, k.spread(f.table("inputs")[i]), f["inputs"][i])
        if self.past:
            k.call("recall", f.task, f.work)
        with k.when(f.given("before").equals(1)):
            self._present(f, fresh)

    def _dose(self, f: Frame) -> None:
        """Carry out one lane's records up to now, in order of time, and find its next stop."""
        k = self.k
        lane = f.whole("scratch").lane(0, k.integer(0))
        now, end = f["t"].lane(0, lane), f.given("end")
        row = f.whole("patient").lane(0, lane) * f.given("stride")
        soonest, which = k.variable(k.number(math.inf)), k.variable(k.integer(-1))
        more = k.variable(k.integer(1))
        with k.repeat(lambda: more.get() > 0):
            soonest.set(math.inf)
            with k.loop(f.given("records")) as r:
                done = f.whole("done_counts").lane(r, lane)
                with k.when(done < f.table("count", INTEGER)[r]):
                    at = f.table("time")[row + r] + k.to_number(done) * f.table("interval")[row + r]
                    with k.when(at < soonest.get()):
                        soonest.set(at)
                        which.set(r)
            more.set(0)
            with k.when(soonest.get() <= now):
                more.set(1)
                self._apply(f, lane, row, which.get())
        f["stop"].set_lane(0, lane, k.minimum(soonest.get(), end))

    def _apply(self, f: Frame, lane: Value, row: Value, r: Value) -> None:
        k = self.k
        kind, i, value = f.table("kind", INTEGER)[r], f.table("index", INTEGER)[r], f.table("value", DOUBLE)[row + r]
        f.whole("done_counts").set_lane(r, lane, f.whole("done_counts").lane(r, lane) + 1)
        for name, add, put in (("y", Kind.ADD_STATE, Kind.SET_STATE), ("inputs", Kind.ADD_INPUT, Kind.SET_INPUT)):
            with k.when(kind.equals(int(add))):
                f[name].set_lane(i, lane, f[name].lane(i, lane) + value)
            with k.when(kind.equals(int(put))):
                f[name].set_lane(i, lane, value)
        with k.when(kind.equals(int(Kind.RESET))):
            with k.loop(self.size) as j:
                f["y"].set_lane(j, lane, f["initial"].lane(j, lane))
            with k.loop(self.inputs) as j:
                f["inputs"].set_lane(j, lane, f.table("inputs")[j])
