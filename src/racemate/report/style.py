"""Where text goes: a colour terminal, a plain one, a pipe; and text tables that fit all three."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "yellow": "33"}
_ASCII = str.maketrans({
    "·": "*", "µ": "u", "–": "-", "−": "-", "▼": "v", "▲": "^", "━": "=", "─": "-", "│": "|", "┤": "|", "└": "+",
    "┬": "+", "≥": ">=", "≤": "<=", "×": "x", "…": "...", "→": "->",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """What the place that is written to can show."""

    color: bool = False
    unicode: bool = True
    width: int = 100

    @classmethod
    def of(cls, stream: TextIO | None = None) -> Style:
        """What a stream can show; ``NO_COLOR`` is honoured, and nothing but a terminal gets colours."""
        stream = stream or sys.stdout
        terminal = stream.isatty()
        color = terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
        width = shutil.get_terminal_size((100, 24)).columns if terminal else 100
        return cls(color, encoding.startswith("utf"), max(48, min(width, 140)))

    def paint(self, text: str, *looks: str) -> str:
        """Text in a look (``bold``, ``dim``, ``red``, ``yellow`` or a number of the 256 colours)."""
        if not (self.color and text and looks):
            return text
        codes = ";".join(_CODES.get(look) or f"38;5;{look}" for look in looks)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def plain(self, text: str) -> str:
        """The text in the characters the place can show."""
        if self.unicode:
            return text
        return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], style: Style, *, right: Sequence[int] = ()) -> str:
    """A table in columns: a quiet head, no rules; the columns in ``right`` are flush right.

    The last column that is flush left is folded when the table would be wider than the place.

    Examples
    --------
    >>> print(table(["drug", "dose"], [["ketamine", "35 mg"], ["morphine", "7 mg"]], Style(), right=[1]))
    drug       dose
    ketamine  35 mg
    morphine   7 mg
    """
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    gap = 2
    fold = max((i for i in range(len(head)) if i not in right), default=0)
    excess = sum(widths) + gap * (len(head) - 1) - style.width
    if excess > 0:
        widths[fold] = max(24, widths[fold] - excess)
    lines = [style.paint(_line(head, widths, right, gap), "dim")]
    for row in rows:
        folded = _folded(row[fold], widths[fold])
        for k, part in enumerate(folded):
            cells = [part if i == fold else (cell if k == 0 else "") for i, cell in enumerate(row)]
            lines.append(_line(cells, widths, right, gap))
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[int], gap: int) -> str:
    padded = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
    return (" " * gap).join(padded).rstrip()


def _folded(text: str, width: int) -> list[str]:
    if len(text) <= width:
        return [text]
    import textwrap

    return textwrap.wrap(text, width) or [""]
