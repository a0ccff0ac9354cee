"""The one error a user meets: what was wrong, where, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RacemateError(Exception):
    """A wrong input, told in one message.

    Parameters
    ----------
    what : str
        What was wrong, one sentence.
    where : str, optional
        File, key, line or the offending text (may hold several lines, such as a caret mark).
    fix : str, optional
        What would be right.

    Examples
    --------
    >>> print(RacemateError("unknown unit 'mgg'", where="dose 1", fix="did you mean 'mg'?"))
    unknown unit 'mgg'
      where: dose 1
      fix:   did you mean 'mg'?
    """

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append("  where: " + self.where.replace("\n", "\n         "))
        if self.fix:
            lines.append("  fix:   " + self.fix.replace("\n", "\n         "))
        return "\n".join(lines)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to a misspelt one, or None when nothing is close.

    Examples
    --------
    >>> nearest("fentanil", ["fentanyl", "morphine"])
    'fentanyl'
    """
    lowered = {k.lower(): k for k in known}
    found = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def unknown(kind: str, name: str, known: Iterable[str], *, where: str | None = None) -> RacemateError:
    """The error for a name that is not known, naming the closest one and what exists.

    Examples
    --------
    >>> print(unknown("drug", "fentanil", ["fentanyl", "morphine"]))
    unknown drug 'fentanil'
      fix:   did you mean 'fentanyl'?
    """
    known = sorted(set(known))
    close = nearest(name, known)
    if close:
        fix: str | None = f"did you mean '{close}'?"
    else:
        shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
        fix = f"known: {shown}" if known else None
    return RacemateError(f"unknown {kind} '{name}'", where=where, fix=fix)
