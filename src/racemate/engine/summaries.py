"""What a trajectory comes to, without keeping it: the highest value, when it was, and the integral.

The dense output of a step is a polynomial of degree four, so five points of it say everything: Boole's rule
integrates it exactly, and its peak is read off the same polynomial.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from racemate.engine.builder import Builder, Value
from racemate.engine.layout import Frame

#: In the order in which a kernel writes them.
NAMES = ("max", "time_of_max", "integral")
POINTS = (0.0, 0.25, 0.5, 0.75, 1.0)
BOOLE = (7 / 90, 32 / 90, 12 / 90, 32 / 90, 7 / 90)


def start(k: Builder, f: Frame, outputs: int, lane: Value) -> None:
    """A new patient in a lane."""
    for name, value in zip(NAMES, (-math.inf, math.nan, 0.0), strict=True):
        with k.loop(outputs) as o:
            f[name].set_lane(o, lane, value)


def finish(k: Builder, f: Frame, outputs: int, lane: Value, patient: Value) -> None:
    """The patient leaves: write what was found."""
    with k.when(f.given("summarised").equals(1)):
        for n, name in enumerate(NAMES):
            with k.loop(outputs) as o:
                f.table("summaries")[(patient * len(NAMES) + n) * outputs + o] = f[name].lane(o, lane)


def add_step(k: Builder, f: Frame, outputs: int, kept: Value) -> None:
    """Add the step that was just taken; ``h`` is its length, ``dense`` its polynomial."""
    # A step cut short by an event counts up to the event only.
    share = (f["new_t"][0] - f["t"][0]) / f["h"][0]
    f.whole("inside")[0] = 1
    for q, s in enumerate(POINTS):
        at = share * s
        k.call("look", f.task, f.work, at)
        f.evaluate("observe", f["seen"], k.fma(at, f["h"][0], f["t"][0]), f["samples"].part(q * outputs))
    length = f["new_t"][0] - f["t"][0]
    with k.loop(outputs) as o:
        values = [f["samples"][o + q * outputs] for q in range(len(POINTS))]
        area = values[0] * BOOLE[0]
        for weight, value in zip(BOOLE[1:], values[1:], strict=True):
            area = k.fma(k.numbers(weight), value, area)
        f["integral"][o] = k.select(kept, k.fma(area, length, f["integral"][o]), f["integral"][o])
        place, top = _peak(k, values)
        higher = kept & (top > f["max"][o])
        f["max"][o] = k.select(higher, top, f["max"][o])
        f["time_of_max"][o] = k.select(higher, k.fma(length * 0.25, place, f["t"][0]), f["time_of_max"][o])


def _peak(k: Builder, values: Sequence[Value]) -> tuple[Value, Value]:
    """Place (in quarters of the step) and height of the peak of the polynomial through five points."""
    place, top = k.numbers(0.0), values[0]
    for q, value in enumerate(values[1:], start=1):
        above = value > top
        place, top = k.select(above, k.numbers(q), place), k.select(above, value, top)
    vertex = _vertex(k, values)
    height = _polynomial(k, values, vertex)
    above = height > top
    return k.select(above, vertex, place), k.select(above, height, top)


def _vertex(k: Builder, values: Sequence[Value]) -> Value:
    """The vertex of the parabola through the highest inner point and its neighbours; that point if it opens up."""
    centre, (left, middle, right) = k.numbers(1.0), values[:3]
    for q in (2, 3):
        above = values[q] > middle
        centre = k.select(above, k.numbers(float(q)), centre)
        left, right = k.select(above, values[q - 1], left), k.select(above, values[q + 1], right)
        middle = k.select(above, values[q], middle)
    curvature = left - 2.0 * middle + right
    shift = 0.5 * (left - right) / k.select(curvature < 0.0, curvature, k.numbers(-math.inf))
    return centre + k.minimum(k.maximum(shift, k.numbers(-1.0)), k.numbers(1.0))


def _polynomial(k: Builder, values: Sequence[Value], x: Value) -> Value:
    """Newton's forward differences at x quarters."""
    differences, row = [values[0]], list(values)
    while len(row) > 1:
        row = [b - a for a, b in pairwise(row)]
        differences.append(row[0])
    result = differences[-1]
    for n in range(len(differences) - 2, -1, -1):
        result = k.fma((x - float(n)) * (1.0 / (n + 1)), result, differences[n])
    return result
