"""A page that stands alone: the panels drawn in the browser by a small script, with no library and no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from racemate.interchange.citations import citations
from racemate.report.caption import caption
from racemate.report.panels import Curve, panels, time_span
from racemate.report.words import TimeAxis, unit_text
from racemate.result import Result

POINTS = 700
DIGITS = 5


def page(results: Sequence[Result], labels: Sequence[str] = ()) -> str:
    """The page as text: charts with a reading line under the pointer, linear or logarithmic, and the sources."""
    title = " | ".join(str(r.scenario.regimen) for r in results)
    keys = dict.fromkeys(key for r in results for key in r.references)
    sources = "".join(f"<li>{escape(text)}</li>" for text in citations(keys).values())
    warnings = "".join(f"<li>{escape(text)}</li>" for r in results for text in r.warnings)
    parts = {
        "TITLE": escape(title), "CAPTION": escape(caption(results)), "SOURCES": sources, "WARNINGS": warnings,
        "DATA": json.dumps(_data(results, labels), allow_nan=False).replace("<", "\\u003c"),
    }  # fmt: skip
    text = files("racemate.report").joinpath("page.html").read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"@{name}@", part)
    return text


def _data(results: Sequence[Result], labels: Sequence[str]) -> dict[str, Any]:
    axis = TimeAxis.of(*time_span(results), most=8)
    found = [
        {
            "title": p.title,
            "unit": unit_text(p.unit),
            "log": p.logarithmic,
            "curves": [_curve(c, axis) for c in p.curves],
        }
        for p in panels(results, labels)
    ]
    letters = "ABCDEF" if len(results) > 1 else [""]
    doses = [
        {"label": f"{letter} {m.label}".strip(), "text": m.amount_text, "start": m.time / axis.minutes,
         "length": m.duration / axis.minutes}
        for letter, r in zip(letters, results, strict=False)
        for m in r.events
    ]  # fmt: skip
    return {
        "unit": axis.unit,
        "start": axis.start,
        "end": axis.end,
        "ticks": axis.ticks,
        "panels": found,
        "doses": doses,
    }


def _curve(curve: Curve, axis: TimeAxis) -> dict[str, Any]:
    """The curve at no more points than a screen shows; peaks and jumps stay, since both ends of a step are kept."""
    keep = _kept(curve)
    plain: dict[str, Any] = {
        "label": curve.label, "color": curve.color, "dash": curve.dash, "x": _short(curve.time[keep] / axis.minutes),
    }  # fmt: skip
    if not curve.fan:
        return plain | {"y": _short(curve.values[0][keep])}
    names = ("p5", "p25", "y", "p75", "p95")
    quantiles = curve.quantiles(5, 25, 50, 75, 95)
    return plain | {name: _short(q[keep]) for name, q in zip(names, quantiles, strict=True)}


def _kept(curve: Curve) -> np.ndarray[Any, Any]:
    count = curve.time.size
    if count <= POINTS:
        return np.arange(count)
    middle = curve.quantiles(50)[0]
    jumps = np.argsort(np.abs(np.diff(middle)))[-100:]
    even = np.linspace(0, count - 1, POINTS - 200).round().astype(int)
    return np.unique(np.concatenate([even, jumps, jumps + 1, [middle.argmax(), middle.argmin()]]))


def _short(values: np.ndarray[Any, Any]) -> list[float | None]:
    return [float(f"{v:.{DIGITS}g}") if np.isfinite(v) else None for v in values.tolist()]


def notebook(result: Result) -> str:
    """What a notebook shows of a result: the summary, and the page in a frame."""
    table = result.summary()._repr_html_()
    frame = escape(page([result]), quote=True)
    return f'{table}<iframe srcdoc="{frame}" style="width:100%;height:620px;border:0"></iframe>'
