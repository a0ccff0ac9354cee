"""Numbers, times and units as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Time units of an axis: name, minutes in one, and steps between ticks that read well.
_AXES = (
    ("s", 1 / 60, (1, 2, 5, 10, 15, 20, 30, 60)),
    ("min", 1.0, (1, 2, 5, 10, 15, 20, 30, 60, 120)),
    ("h", 60.0, (0.5, 1, 2, 3, 4, 6, 12, 24)),
    ("days", 1440.0, (0.5, 1, 2, 5, 7, 10, 14, 28, 56)),
    ("weeks", 10080.0, (1, 2, 4, 8, 12, 26, 52)),
    ("years", 525960.0, (0.5, 1, 2, 5, 10, 20)),
)
_LONGEST = (5.0, 150.0, 3.5 * 1440, 120 * 1440.0, 4 * 525960.0, math.inf)  # min, per unit


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """How a span of time is shown: unit, minutes in one of it, and where the ticks stand (in that unit)."""

    unit: str
    minutes: float
    start: float
    end: float
    ticks: tuple[float, ...]

    @classmethod
    def of(cls, start: float, end: float, most: int = 8) -> TimeAxis:
        """An axis for a span in min, with at most ``most`` ticks.

        Examples
        --------
        >>> TimeAxis.of(0, 280).unit, TimeAxis.of(0, 280).ticks
        ('h', (0, 1, 2, 3, 4))
        """
        span = max(end - start, 1e-9)
        index = next(i for i, longest in enumerate(_LONGEST) if span <= longest)
        unit, minutes, steps = _AXES[index]
        a, b = start / minutes, end / minutes
        step = next((s for s in steps if (b - a) / s + 1 <= most), None) or _nice((b - a) / most)
        first = math.ceil(a / step - 1e-9)
        ticks = tuple(round(i * step, 9) for i in range(first, math.floor(b / step + 1e-9) + 1))
        return cls(unit, minutes, a, b, ticks)


def _nice(x: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(x)) if x > 0 else 1.0
    return next((m * power for m in (1, 2, 5, 10) if m * power >= x * (1 - 1e-9)), 10 * power)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values that span ``low`` to ``high``, both ends within.

    Examples
    --------
    >>> ticks(0, 298)
    [0.0, 100.0, 200.0, 300.0]
    """
    step = _nice((high - low) / max(most - 1, 1)) if high > low else 1.0
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def figure(x: float) -> str:
    """A number with three significant figures.

    Examples
    --------
    >>> [figure(x) for x in (0.0, 0.01234, 1.5, 298.44, 1234.5, 2.3e-7, 4.2e8, float("nan"))]
    ['0', '0.0123', '1.5', '298', '1234', '2.3e-07', '4.2e+08', '–']
    """
    if x != x:
        return "–"
    if x == 0:
        return "0"
    size = abs(x)
    if size < 1e-4 or size >= 1e6:
        return f"{x:.2g}"
    if size >= 100:
        return f"{x:.0f}"
    digits = 2 - math.floor(math.log10(size))
    text = f"{x:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(minutes: float) -> str:
    """A time in the units people say it in.

    Examples
    --------
    >>> [duration(m) for m in (0, 0.5, 40, 65, 240, 2000, 14400, 1e6)]
    ['0 min', '30 s', '40 min', '1 h 5 min', '4 h', '33 h 20 min', '10 days', '1.9 years']
    """
    if minutes != minutes:
        return "–"
    if minutes < 0:
        return "-" + duration(-minutes)
    if 0 < minutes < 1:
        return f"{figure(minutes * 60)} s"
    if minutes < 60:
        return f"{figure(minutes)} min"
    if minutes < 3 * 1440:
        hours, rest = divmod(round(minutes), 60)
        return f"{hours} h" + (f" {rest} min" if rest else "")
    if minutes < 2 * 525960:
        return f"{figure(minutes / 1440)} days" if minutes < 365 * 1440 else f"{minutes / 525960:.1f} years"
    return f"{figure(minutes / 525960)} years"


def unit_text(unit: str) -> str:
    """A unit for reading: ``h*ng/mL`` as ``h·ng/mL``, ``ug`` as ``µg``; nothing for a pure number.

    Examples
    --------
    >>> unit_text("h*ug/mL"), unit_text("1")
    ('h·µg/mL', '')
    """
    if unit == "1":
        return ""
    text = unit.replace("*", "·")
    for prefixed in ("ug", "umol", "uM", "uL"):
        text = text.replace(prefixed, "µ" + prefixed[1:])
    return text


def listed(words: Sequence[str]) -> str:
    """Words as in a sentence.

    Examples
    --------
    >>> listed(["age", "height", "eGFR"])
    'age, height and eGFR'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
