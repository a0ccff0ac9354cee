"""The sources of a result in words, and what every exported file says once."""

from __future__ import annotations

from collections.abc import Iterable

from racemate.library import load

NOTICE = "For research and teaching. Not for the care of patients, and no advice for non-medical use."


def citations(keys: Iterable[str], *, full: bool = True) -> dict[str, str]:
    """Each key with its reference: everything needed to find it, or ``Author et al. year``.

    Keys that name no publication (a calibration of our own) stand for themselves.
    """
    known = load().references
    return {key: known[key].cite(full=full) if key in known else key for key in dict.fromkeys(keys)}
