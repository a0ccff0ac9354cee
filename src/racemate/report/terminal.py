"""A small plot in text: curves in braille dots, doses under the time axis, names at the ends of the curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from racemate.report.panels import Curve, Floats, Panel, dose_lanes, panels, time_span
from racemate.report.style import Style
from racemate.report.words import TimeAxis, figure, ticks, unit_text
from racemate.result import Result

_COLORS = ("39", "208", "36", "175", "117", "220")
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_MARKS = "*o+x#@"
HEIGHT = 9
GUTTER = 9


class Canvas:
    """A grid of cells of 2 x 4 dots; every cell remembers which curve drew there last."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.dots = np.zeros((height, width), dtype=int)
        self.owner = np.full((height, width), -1)

    def draw(self, x: Floats, y: Floats, owner: int, *, sparse: bool = False) -> None:
        """Draw a line through points given as fractions (0 to 1) of the canvas; sparse draws every third dot."""
        columns = np.arange(2 * self.width)
        heights = np.interp((columns + 0.5) / (2 * self.width), x, y)
        rows = np.clip(((1 - heights) * (4 * self.height - 1)).round().astype(int), 0, 4 * self.height - 1)
        previous = rows[0]
        for column, row in zip(columns.tolist(), rows.tolist(), strict=True):
            if sparse and column % 3:
                continue
            step = 1 if row >= previous else -1
            for each in [row] if sparse else range(previous, row + step, step):
                self._dot(column, each, owner)
            previous = row

    def _dot(self, column: int, row: int, owner: int) -> None:
        cell = row // 4, column // 2
        self.dots[cell] |= _DOTS[row % 4][column % 2]
        self.owner[cell] = owner

    def lines(self, style: Style) -> list[str]:
        """The canvas as text, one string a row."""
        return ["".join(self._cell(r, c, style) for c in range(self.width)) for r in range(self.height)]

    def _cell(self, row: int, column: int, style: Style) -> str:
        dots, owner = int(self.dots[row, column]), int(self.owner[row, column])
        if not dots:
            return " "
        if not style.unicode:
            return _MARKS[owner % len(_MARKS)]
        return style.paint(chr(0x2800 + dots), _COLORS[owner % len(_COLORS)])


def plot(results: Sequence[Result], style: Style, labels: Sequence[str] = (), most: int = 2) -> str:
    """The first panels of a result, or of several laid over each other, as text.

    Populations show the median as a line and the 5 and 95 % as dots.
    """
    chosen = panels(results, labels)
    by_family = list({p.family: p for p in reversed(chosen)}.values())[::-1]
    axis = TimeAxis.of(*time_span(results), most=7)
    texts = [_panel(panel, axis, style) for panel in by_family[:most]]
    return "\n\n".join(texts + [_doses(result, axis, style) for result in results[:1] if result.events])


def _width(style: Style) -> int:
    return max(24, min(72, style.width - GUTTER - 24))


def _panel(panel: Panel, axis: TimeAxis, style: Style) -> str:
    width = _width(style)
    low = min(0.0, panel.lowest())
    levels = ticks(low, max(panel.highest(), low + 1e-12), most=4)
    bottom, top = levels[0], levels[-1]
    canvas = Canvas(width, HEIGHT)
    ends: list[tuple[float, int, Curve]] = []
    for i, curve in enumerate(panel.curves[:6]):
        x = (curve.time / axis.minutes - axis.start) / (axis.end - axis.start)
        p5, median, p95 = ((q - bottom) / (top - bottom) for q in curve.quantiles(5, 50, 95))
        if curve.fan:
            canvas.draw(x, p5, i, sparse=True)
            canvas.draw(x, p95, i, sparse=True)
        canvas.draw(x, median, i)
        ends.append((float(np.interp(1.0, x, median)), i, curve))
    names = _placed(ends)
    marks = {round((1 - (v - bottom) / (top - bottom)) * (HEIGHT - 1)): figure(v) for v in levels}
    unit = unit_text(panel.unit)
    title = panel.title + (f" ({unit})" if unit else "")
    lines = [" " * GUTTER + style.paint(title, "bold")]
    for row, drawn in enumerate(canvas.lines(style)):
        tick = marks.get(row, "")
        name = ""
        if row in names:
            i, curve = names[row]
            key = "" if style.unicode else _MARKS[i % len(_MARKS)] + " "
            text = _short(key + curve.label, style.width - GUTTER - width - 1)
            name = " " + style.paint(text, _COLORS[i % len(_COLORS)])
        lines.append((f"{tick:>{GUTTER - 2}} " + ("┤" if tick else "│") + drawn + name).rstrip())
    return style.plain("\n".join([*lines, *_time_axis(axis, width)]))


def _short(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _placed(ends: list[tuple[float, int, Curve]]) -> dict[int, tuple[int, Curve]]:
    """Each curve's name on the row where the curve ends, or the nearest free one, in the order of the ends."""
    taken: dict[int, tuple[int, Curve]] = {}
    if len(ends) == 1:
        return {}
    ordered = sorted(ends, key=lambda e: -e[0])
    rows = [min(HEIGHT - 1, max(0, round((1 - y) * (HEIGHT - 1)))) for y, _, _ in ordered]
    for k in range(1, len(rows)):
        rows[k] = max(rows[k], rows[k - 1] + 1)
    for k in range(len(rows) - 1, -1, -1):
        rows[k] = min(rows[k], HEIGHT - 1 - (len(rows) - 1 - k))
    for row, (_, i, curve) in zip(rows, ordered, strict=True):
        taken[row] = (i, curve)
    return taken


def _time_axis(axis: TimeAxis, width: int) -> list[str]:
    rule = ["─"] * width
    labels = [" "] * (width + 12)
    for tick in axis.ticks:
        at = round((tick - axis.start) / (axis.end - axis.start) * (width - 1))
        rule[at] = "┬"
        text = figure(tick)
        start = max(0, at - len(text) // 2)
        labels[start : start + len(text)] = text
    unit = f" {axis.unit}"
    last = len("".join(labels).rstrip())
    labels[last : last + len(unit)] = unit
    pad = " " * (GUTTER - 1)
    return [pad + "└" + "".join(rule), pad + " " + "".join(labels).rstrip()]


def _doses(result: Result, axis: TimeAxis, style: Style) -> str:
    """One row for each drug and route: a triangle for a bolus, a bar for an infusion."""
    width = _width(style)
    lines = []
    for label, marks in list(dose_lanes(result).items())[:6]:
        row = [" "] * width
        for mark in marks:
            ends = (mark.time, mark.time + mark.duration)
            a, b = ((t / axis.minutes - axis.start) / (axis.end - axis.start) for t in ends)
            first, last = round(a * (width - 1)), round(min(b, 1.0) * (width - 1))
            if 0 <= first < width:
                row[first : last + 1] = "━" * (last - first + 1) if mark.duration > 0 else ["▲"]
        lines.append((" " * GUTTER + "".join(row) + " " + label).rstrip())
    return style.plain(style.paint("\n".join(lines), "dim") if style.color else "\n".join(lines))
