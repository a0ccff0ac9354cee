"""Events the model itself brings about: a root rises through zero inside a step, and something happens.

Each step's dense output is looked at in quarters; the first quarter in which a root rises is halved until its
ends are a rounding error apart. The step then ends there, and the actions are carried out.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

from racemate.engine.builder import Builder, Value
from racemate.engine.layout import Frame
from racemate.engine.problem import Status
from racemate.engine.stepping import interpolated
from racemate.model.system import Event

HALVINGS = 48
QUARTERS = 4


def locate(k: Builder, f: Frame, events: tuple[Event, ...], kept: Value, delays: bool) -> None:
    """Find the first rise in each lane's step; sets ``struck``, and ``low`` and ``high`` around it.

    With delays, a delayed time that reaches a break counts as a root after those of the events.
    """
    _roots_at(k, f, events, delays, k.numbers(0.0), "before")
    f["low"][0], f["high"][0] = 0.0, 1.0
    found = k.variable(kept & ~kept)
    for quarter in range(1, QUARTERS + 1):
        s = k.numbers(quarter / QUARTERS)
        _roots_at(k, f, events, delays, s, "after")
        rises = _rises(f, events, delays) & kept & ~found.get()
        f["high"][0] = k.select(rises, s, f["high"][0])
        found.set(found.get() | rises)
        _move_low(k, f, len(events) + delays, ~found.get(), s)
    f.set_flag("struck", found.get())
    with k.when(k.any(found.get())):
        _halve(k, f, events, delays)


def _halve(k: Builder, f: Frame, events: tuple[Event, ...], delays: bool) -> None:
    with k.loop(HALVINGS):
        middle = (f["low"][0] + f["high"][0]) * 0.5
        _roots_at(k, f, events, delays, middle, "after")
        rises = _rises(f, events, delays)
        f["high"][0] = k.select(rises, middle, f["high"][0])
        _move_low(k, f, len(events) + delays, ~rises, middle)
    _roots_at(k, f, events, delays, f["high"][0], "after")


def _move_low(k: Builder, f: Frame, roots: int, lanes: Value, s: Value) -> None:
    f["low"][0] = k.select(lanes, s, f["low"][0])
    for e in range(roots):
        f["before"][e] = k.select(lanes, f["after"][e], f["before"][e])


def _roots_at(k: Builder, f: Frame, events: tuple[Event, ...], delays: bool, s: Value, into: str) -> None:
    f.whole("inside")[0] = 1
    k.call("look", f.task, f.work, s)
    at = k.fma(s, f["h"][0], f["t"][0])
    f.evaluate("roots", f["seen"], at, f[into])
    if delays:
        f[into][len(events)] = k.call("blocked", f.task, f.work, f["seen"].pointer, at, returns=k.vector)


def _rises(f: Frame, events: tuple[Event, ...], delays: bool = False) -> Value:
    risen = [(f["before"][e] < 0.0) & (f["after"][e] >= 0.0) for e in range(len(events) + delays)]
    for e, event in enumerate(events):
        risen[e] = risen[e] & (f.whole("fired")[e] < event.times)
    return reduce(or_, risen)


def acting(f: Frame, events: tuple[Event, ...]) -> Value:
    """The lanes whose step was cut by an event, not by a delay alone."""
    return f.flag("struck") & _rises(f, events)


def cut(k: Builder, f: Frame) -> None:
    """End the step of a struck lane where the root rose."""
    struck, s = f.flag("struck"), f["high"][0]
    f["new_t"][0] = k.select(struck, k.fma(s, f["h"][0], f["t"][0]), f["new_t"][0])
    whole = f.whole("whole_step")
    whole[0] = k.select(struck, k.constant(0, k.integers), whole[0])


def land(k: Builder, f: Frame, size: int) -> None:
    """The state at the end of a step that was cut; needs the whole step's polynomial."""
    struck, s = f.flag("struck"), f["high"][0]
    with k.loop(size) as i:
        f["new"][i] = k.select(struck, interpolated(k, f, size, i, s), f["new"][i])


def act(k: Builder, f: Frame, events: tuple[Event, ...], lane: Value) -> Value:
    """Carry out what a struck lane's events do, in the order they were declared; the status if one ends the run."""
    status, position = k.variable(k.integer(int(Status.DONE))), 0
    for e, event in enumerate(events):
        fired = f.whole("fired")
        rose = (f["before"].lane(k.integer(e), lane) < 0.0) & (f["after"].lane(k.integer(e), lane) >= 0.0)
        with k.when(rose & (fired.lane(k.integer(e), lane) < event.times)):
            fired.set_lane(k.integer(e), lane, fired.lane(k.integer(e), lane) + 1)
            for n, action in enumerate(event.actions):
                if action.kind == "end":
                    with k.when(f["acts"].lane(k.integer(position + n), lane) > 0.0):
                        status.set(int(Status.ENDED_BY_EVENT))
                    continue
                target = f["y" if action.on == "state" else "inputs"]
                index, value = k.integer(action.index), f["acts"].lane(k.integer(position + n), lane)
                target.set_lane(index, lane, target.lane(index, lane) + value if action.kind == "add" else value)
        position += len(event.actions)
    return status.get()
