"""Pictures as files: which kinds there are, and the writing of them whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from racemate.errors import RacemateError
from racemate.interchange.files import PathLike, check_writable, replacing
from racemate.result import Result

KINDS = (".png", ".svg", ".pdf", ".html")


def check_kind(path: PathLike) -> str:
    """The kind of picture a file name asks for.

    Raises
    ------
    RacemateError
        If it is none of those that can be drawn.
    """
    kind = Path(path).suffix.lower()
    if kind not in KINDS:
        what = f"cannot draw a '{kind}' picture" if kind else "the picture's name has no ending"
        raise RacemateError(what, where=str(path), fix=f"end it with {', '.join(KINDS)}")
    return kind


def save(results: Sequence[Result], path: PathLike, labels: Sequence[str] = (), **options: Any) -> Path:
    """Draw results into a file; its ending says how."""
    kind = check_kind(path)
    check_writable(path)
    with replacing(path) as place:
        if kind == ".html":
            from racemate.report.html import page

            place.write_text(page(results, labels), encoding="utf-8")
        else:
            from racemate.report.figure import draw

            draw(results, labels, **options).savefig(place, format=kind[1:], dpi=options.get("dpi", 160))
    return Path(path)
