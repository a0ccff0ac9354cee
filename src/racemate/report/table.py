"""The summary of a result as a compact table, with what was assumed and what to beware of."""

from __future__ import annotations

import math
from collections.abc import Sequence

from racemate.report.panels import percent, shown_unit
from racemate.report.style import Style, table
from racemate.report.words import duration, figure, unit_text
from racemate.result import Result, Row, Statistic

LOWEST = "▼"


def summary_table(result: Result, style: Style) -> str:
    """Peak (or trough), its time, exposure and the last value of every output; over patients median and 5-95 %."""
    single = result.n == 1
    rows = [_cells(row, single) for row in result.summary().rows]
    head = ["output", "peak", "at", "AUC (h x unit)", f"at {duration(float(result.time[-1]))}", "unit"]
    text = table(head, rows, style, right=(1, 2, 3, 4))
    notes = []
    if any(row.falls for row in result.summary().rows):
        notes.append(f"{LOWEST} lowest value instead of the peak")
    if not single:
        notes.append("median (5-95 % of patients)" + _known_to(result))
    return style.plain("\n".join([text, *(style.paint(note, "dim") for note in notes)]))


def _known_to(result: Result) -> str:
    """How well so many patients know the medians: the widest 95 % interval of a peak or an area."""
    widths = []
    for row in result.summary().rows:
        for statistic in (row.CMIN if row.falls else row.CMAX, row.AUCLST):
            low, high = statistic.intervals.get("median", (math.nan, math.nan))
            if statistic.median and math.isfinite(high - low):
                widths.append((high - low) / 2 / abs(statistic.median))
    return (
        f"; Monte-Carlo error of the medians of peak and AUC: at most ±{figure(100 * max(widths))} %" if widths else ""
    )


def _cells(row: Row, single: bool) -> list[str]:
    factor = percent(row.unit)
    extreme, when = (row.CMIN, row.TMIN) if row.falls else (row.CMAX, row.TMAX)
    peak = (f"{LOWEST} " if row.falls else "") + _number(extreme, factor, single)
    time = duration(when.median)
    area, last = _number(row.AUCLST, factor, single), _number(row.CLST, factor, single)
    return [row.name, peak, time, area, last, unit_text(shown_unit(row.unit))]


def _number(value: Statistic, factor: float, single: bool) -> str:
    middle = figure(value.median * factor)
    return middle if single else f"{middle} ({figure(value.p5 * factor)}-{figure(value.p95 * factor)})"


def heading(result: Result, style: Style) -> str:
    """Who gets what."""
    people = str(result.scenario.people) if result.n == 1 else f"{result.n} patients: {_spec(result)}"
    models = ", ".join(f"{drug}: {model}" for drug, model in result.models.items())
    regimen = style.paint(str(result.scenario.regimen), "bold")
    return style.plain("\n".join([regimen, style.paint(" · ".join(x for x in (people, models) if x), "dim")]))


def _spec(result: Result) -> str:
    return str(getattr(result.scenario.people, "spec", ""))


def remarks(result: Result, style: Style) -> str:
    """Failed patients, warnings, and one line on what was assumed about the patient."""
    lines = []
    if result.messages:
        first = next(iter(result.messages.items()))
        who = f"{len(result.messages)} of {result.n} patients, left out above"
        failed = f"   {who}; patient {result.ids[first[0]]}: {first[1]}"
        lines.append(style.paint("failed", "red") + failed)
    for warning in result.warnings:
        if warning.startswith("assumed"):
            lines.append(style.paint(warning, "dim"))
        else:
            lines.append(style.paint("warning", "yellow") + f"  {warning}")
    return style.plain("\n".join(lines))


def comparison_table(results: Sequence[Result], labels: Sequence[str], style: Style) -> str:
    """The summaries of several results, output by output, with the ratio of each to the first."""
    lines = [f"{letter}  {style.paint(text, 'bold')}" for letter, text in zip("ABCDEF", labels, strict=False)]
    names = list(dict.fromkeys(name for result in results for name in result.values))
    rows = []
    for name in names:
        first: Row | None = None
        for letter, result in zip("ABCDEF", results, strict=False):
            found = result.summary().get(name)
            if found is None:
                continue
            cells = _cells(found, result.n == 1)
            rows.append([cells[0] if first is None else "", letter, *cells[1:], _ratio(found, first)])
            first = first or found
    head = ["output", "", "peak", "at", "AUC (h x unit)", "at the end", "unit", "peak, AUC ratio"]
    return style.plain("\n".join([*lines, "", table(head, rows, style, right=(2, 3, 4, 5))]))


def _ratio(row: Row, first: Row | None) -> str:
    if first is None or first.unit != row.unit:
        return ""
    a, b = (first.CMIN, row.CMIN) if first.falls else (first.CMAX, row.CMAX)
    parts = [(a.median, b.median), (first.AUCLST.median, row.AUCLST.median)]
    return ", ".join(figure(new / old) if old else "–" for old, new in parts)
