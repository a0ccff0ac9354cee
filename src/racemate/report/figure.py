"""A figure fit for a lecture: doses above, concentrations linear and logarithmic, targets and effects below."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from racemate.report.caption import caption
from racemate.report.panels import Curve, Panel, dose_lanes, panels, time_span
from racemate.report.words import TimeAxis, figure, unit_text
from racemate.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 11.0
LANE, ROW, GAP, TITLE, FOOT = 0.42, 2.3, 0.8, 0.55, 1.2  # inches
INDIVIDUALS = 12
INK, QUIET = "#222222", "#777777"
DECADES = 4
STYLE: dict[str, Any] = {
    "font.size": 10.5, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": QUIET,
    "axes.labelcolor": INK, "text.color": INK, "xtick.color": QUIET, "ytick.color": QUIET, "axes.titlesize": 11,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "svg.fonttype": "none", "svg.hashsalt": "racemate",
    "font.family": "sans-serif", "axes.grid": True, "grid.color": "#E6E6E6", "grid.linewidth": 0.7,
    "axes.axisbelow": True,
}  # fmt: skip


def draw(results: Sequence[Result], labels: Sequence[str] = (), *, title: str | None = None, **_: Any) -> Figure:
    """Draw one result, or several laid over each other.

    Parameters
    ----------
    results : sequence of Result
    labels : sequence of str
        What to call them, when there are several.
    title : str, optional
        Instead of the regimen.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):  # type: ignore[arg-type]  # matplotlib types its keys as literals
        cells = _cells(panels(results, labels))
        lanes = _lanes(results)
        rows = (len(cells) + 1) // 2
        strip = LANE * max(1, len(lanes))
        height = TITLE + strip + GAP * 0.6 + rows * ROW + (rows - 1) * GAP + FOOT
        sheet = Figure(figsize=(WIDTH, height))
        FigureCanvasAgg(sheet)
        axis = TimeAxis.of(*time_span(results), most=7)
        sides = {"left": 0.065, "right": 0.985, "wspace": 0.18}
        above = sheet.add_gridspec(1, 2, top=1 - TITLE / height, bottom=1 - (TITLE + strip) / height, **sides)
        top = 1 - (TITLE + strip + GAP * 0.6) / height
        grid = sheet.add_gridspec(rows, 2, top=top, bottom=FOOT / height, hspace=GAP / ROW, **sides)
        columns = min(2, len(cells))
        for column in range(columns):
            span = above[0, column] if columns == 2 else above[0, :]
            _strip(sheet.add_subplot(span), lanes, axis, named=column == 0)
        for i, (panel, logarithmic) in enumerate(cells):
            place = grid[0, :] if len(cells) == 1 else grid[i // 2, i % 2]
            _panel(sheet.add_subplot(place), panel, axis, logarithmic=logarithmic, last=i >= len(cells) - 2)
        _words(sheet, results, title, height)
        return sheet


def _cells(found: list[Panel]) -> list[tuple[Panel, bool]]:
    """Every concentration panel twice, linear and logarithmic; the others once."""
    cells: list[tuple[Panel, bool]] = []
    for panel in found:
        cells.append((panel, False))
        if panel.logarithmic and panel.highest() > 0:
            cells.append((panel, True))
    return cells


# -- doses ------------------------------------------------------------------------------------------
def _lanes(results: Sequence[Result]) -> list[tuple[str, list[Any]]]:
    """What is given, a lane each; with several results, lanes of all."""
    letters = "ABCDEF" if len(results) > 1 else [""]
    return [
        (f"{letter}: {name}" if letter else name, marks)
        for letter, result in zip(letters, results, strict=False)
        for name, marks in dose_lanes(result).items()
    ]


def _strip(ax: Axes, lanes: list[tuple[str, list[Any]]], axis: TimeAxis, *, named: bool) -> None:
    for lane, (name, marks) in enumerate(lanes):
        y = -lane
        for mark in marks:
            start, length = mark.time / axis.minutes, mark.duration / axis.minutes
            if length > 0:
                ax.barh(y, min(length, axis.end - start), left=start, height=0.34, color="#8A8A8A", linewidth=0)
            else:
                ax.plot([start], [y], marker="v", color=INK, markersize=6, clip_on=False)
        if named and marks:
            text = f"{name} {marks[0].amount_text}" + (f" × {len(marks)}" if len(marks) > 1 else "")
            first = marks[0].time / axis.minutes
            late = first - axis.start > 0.5 * (axis.end - axis.start)
            ax.text(first, y + 0.3, text, va="bottom", ha="right" if late else "left", fontsize=8.5)
    ax.set_xlim(axis.start, axis.end)
    ax.set_ylim(-len(lanes) + 0.75, 0.75)
    ax.axis("off")


# -- curves -----------------------------------------------------------------------------------------
def _panel(ax: Axes, panel: Panel, axis: TimeAxis, *, logarithmic: bool, last: bool) -> None:
    for curve in panel.curves:
        _curve(ax, curve, axis, logarithmic=logarithmic)
    unit = unit_text(panel.unit)
    ax.set_title(panel.title + (", logarithmic" if logarithmic else ""))
    ax.set_ylabel(unit)
    ax.set_xlim(axis.start, axis.end)
    ax.set_xticks(axis.ticks, [figure(t) for t in axis.ticks])
    ax.tick_params(length=3)
    if last:
        ax.set_xlabel(f"time ({axis.unit})")
    _limits(ax, panel, logarithmic=logarithmic)
    if len(panel.curves) > 1 and not (logarithmic and len(panel.curves) > 4):
        _headroom(ax, panel, axis, logarithmic=logarithmic)
        ax.legend(loc="upper right", frameon=True, framealpha=0.85, edgecolor="none", fontsize=8.5, handlelength=2.2)
    if panel.unit == "%" and panel.highest() <= 100.001:
        low, high = ax.get_ylim()
        ax.set_yticks([t for t in ax.get_yticks() if low <= t <= min(high, 100)])


def _headroom(ax: Axes, panel: Panel, axis: TimeAxis, *, logarithmic: bool) -> None:
    """Room above the curves for the legend, where they reach into its corner."""
    from_time = (axis.start + 0.35 * (axis.end - axis.start)) * axis.minutes
    tallest = max(float(np.max(c.quantiles(95)[0][c.time >= from_time], initial=0.0)) for c in panel.curves)
    low, high = ax.get_ylim()
    lines = 0.11 * len(panel.curves) + 0.03
    if logarithmic and np.log(max(tallest, low) / low) > (1 - lines) * np.log(high / low):
        ax.set_ylim(low, high * (high / low) ** lines)
    elif not logarithmic and tallest - low > (1 - lines) * (high - low):
        ax.set_ylim(low, high + (high - low) * lines / (1 - lines))


def _limits(ax: Axes, panel: Panel, *, logarithmic: bool) -> None:
    high = panel.highest()
    if logarithmic:
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        tails = [q[q.argmax() :] for q in (c.quantiles(5)[0] for c in panel.curves)]
        low = min((float(v[v > 0].min()) for v in tails if (v > 0).any()), default=high / 10)
        low = max(min(low / 1.5, high / 20), high * 10.0**-DECADES)
        ax.set_yscale("log")
        ax.set_ylim(low, high * 1.7)
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 150 else (1,)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: figure(v)))
        ax.yaxis.set_minor_formatter(NullFormatter())
        return
    low = panel.lowest()
    bottom = 0.0 if low >= 0 else low * 1.05
    ax.set_ylim(bottom, max(high, bottom + 1e-9) * 1.06 if high > 0 else 1.0)


def _curve(ax: Axes, curve: Curve, axis: TimeAxis, *, logarithmic: bool) -> None:
    x = curve.time / axis.minutes
    style: Any = (0, tuple(float(d) for d in curve.dash.split())) if curve.dash else "-"
    floor = 1e-300 if logarithmic else -np.inf
    if not curve.fan:
        y = np.where(curve.values[0] > floor, curve.values[0], np.nan)
        ax.plot(x, y, color=curve.color, linestyle=style, linewidth=2.0, label=curve.label)
        return
    p5, p25, p50, p75, p95 = (np.maximum(q, floor) for q in curve.quantiles(5, 25, 50, 75, 95))
    step = max(1, len(curve.values) // INDIVIDUALS)
    for values in curve.values[::step][:INDIVIDUALS]:
        ax.plot(x, np.maximum(values, floor), color=curve.color, linewidth=0.6, alpha=0.28)
    ax.fill_between(x, p5, p95, color=curve.color, alpha=0.14, linewidth=0)
    ax.fill_between(x, p25, p75, color=curve.color, alpha=0.26, linewidth=0)
    ax.plot(x, p50, color=curve.color, linestyle=style, linewidth=2.2, label=curve.label)


# -- words ------------------------------------------------------------------------------------------
def _words(sheet: Figure, results: Sequence[Result], title: str | None, height: float) -> None:
    text = title or "  |  ".join(
        (f"{letter}: " if len(results) > 1 else "") + str(r.scenario.regimen)
        for letter, r in zip("ABCDEF", results, strict=False)
    )
    sheet.text(0.015, 1 - 0.18 / height, textwrap.shorten(text, 150), fontsize=13 if len(text) < 95 else 10,
               fontweight="bold", va="top")  # fmt: skip
    lines = textwrap.wrap(caption(results, INDIVIDUALS), 165)[:4]
    sheet.text(0.015, 0.06 / height, "\n".join(lines), fontsize=7.5, color=QUIET, va="bottom", linespacing=1.35)
