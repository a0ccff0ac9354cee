"""What a curve comes to: peak, trough, exposure and last value, as non-compartmental analysis names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from racemate.units import parse_unit

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

FUNCTIONS = ("1", "%")  # units of what has a resting value and may be depressed
METRICS = ("CMAX", "TMAX", "CMIN", "TMIN", "AUCLST", "CLST")
"""CDISC names: largest value and its time, smallest value and its time, area to the last time, last value."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number over patients: its median and where the middle 90 % lie (all equal for one patient).

    Examples
    --------
    >>> Statistic.of(np.arange(101.0))
    Statistic(median=50.0, p5=5.0, p95=95.0)
    >>> float(Statistic.of(np.array([3.0])))
    3.0
    """

    median: float
    p5: float
    p95: float
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict, repr=False, compare=False)
    """Of a population: between which values each percentile of all such people lies (95 %), by order statistics."""

    @classmethod
    def of(cls, values: Floats) -> Statistic:
        """The statistic of one value a patient; NaN when there is none."""
        if values.size == 1:
            only = float(values[0])
            return cls(only, only, only)
        if values.size == 0 or np.isnan(values).all():
            return cls(np.nan, np.nan, np.nan)
        p5, median, p95 = (float(q) for q in np.nanpercentile(values, (5, 50, 95)))
        ordered = np.sort(values[~np.isnan(values)])
        levels = {"p5": 0.05, "median": 0.5, "p95": 0.95}
        return cls(median, p5, p95, {name: order_interval(ordered, level) for name, level in levels.items()})

    def to_dict(self) -> dict[str, Any]:
        """Plain values; an interval that this many patients cannot give is None."""
        plain: dict[str, Any] = {"median": self.median, "p5": self.p5, "p95": self.p95}
        for name, (low, high) in self.intervals.items():
            plain[f"{name}_95ci"] = [None if np.isnan(end) else end for end in (low, high)]
        return plain

    def __float__(self) -> float:
        return self.median


def order_interval(ordered: Floats, level: float) -> tuple[float, float]:
    """The 95 % interval of a percentile from sorted values, whatever their distribution.

    So many of n people lie below it as a binomial says; NaN where too few do.

    Examples
    --------
    >>> order_interval(np.arange(1.0, 101.0), 0.5), order_interval(np.arange(1.0, 21.0), 0.05)
    ((40.0, 61.0), (nan, 4.0))
    """
    from scipy.special import bdtr

    n = len(ordered)
    below = bdtr(np.arange(n), n, level)  # P(at most k of n below), k = 0 .. n - 1
    low = int(np.searchsorted(below, 0.025, side="right"))
    high = int(np.searchsorted(below, 0.975, side="left")) + 1
    return float(ordered[low - 1]) if low else np.nan, float(ordered[high - 1]) if high <= n else np.nan


@dataclass(frozen=True, slots=True)
class Row:
    """One output's summary; values in ``unit``, times in min, the area in ``area_unit``."""

    name: str
    label: str
    unit: str
    area_unit: str
    CMAX: Statistic
    TMAX: Statistic
    CMIN: Statistic
    TMIN: Statistic
    AUCLST: Statistic
    CLST: Statistic
    falls: bool
    """Whether the curve goes further below its first value than above it, so that the trough is what matters."""


@dataclass(frozen=True, slots=True)
class Summary(Mapping[str, Row]):
    """The summary of every output of a result, by name.

    Patients whose integration failed are left out; ``patients`` counts those that are in.
    """

    rows: tuple[Row, ...]
    patients: int
    failed: int = 0

    def __getitem__(self, name: str) -> Row:
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (row.name for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain numbers: one a metric for one patient, else ``{"median", "p5", "p95"}``."""
        single = self.patients + self.failed == 1
        plain: dict[str, dict[str, Any]] = {}
        for row in self.rows:
            metrics = {m: getattr(row, m) for m in METRICS}
            plain[row.name] = {m: s.median if single else s.to_dict() for m, s in metrics.items()}
            plain[row.name]["AUC_unit"] = row.area_unit
        return plain

    def to_dataframe(self) -> pd.DataFrame:
        """One row an output, one column a metric (for a population: median, p5 and p95 of each)."""
        import pandas as pd

        single = self.patients + self.failed == 1
        rows = []
        for row in self.rows:
            cells: dict[str, Any] = {"name": row.name, "unit": row.unit}
            for metric in METRICS:
                statistic: Statistic = getattr(row, metric)
                parts = {metric: statistic.median}
                if not single:
                    parts |= {f"{metric}.p5": statistic.p5, f"{metric}.p95": statistic.p95}
                cells |= parts
            rows.append(cells | {"AUC_unit": row.area_unit})
        return pd.DataFrame(rows).set_index("name")

    def __repr__(self) -> str:
        lines = [f"{'output':<28}{'CMAX':>11}{'TMAX/min':>11}{'AUCLST':>12}{'CLST':>11}  unit"]
        for r in self.rows:
            numbers = f"{r.CMAX.median:>11.4g}{r.TMAX.median:>11.4g}{r.AUCLST.median:>12.4g}{r.CLST.median:>11.4g}"
            lines.append(f"{r.name:<28}{numbers}  {r.unit} (AUC {r.area_unit})")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return str(self.to_dataframe().to_html(float_format=lambda x: f"{x:.4g}"))


def is_concentration(unit: str) -> bool:
    """Whether a unit is an amount or a mass in a volume.

    Examples
    --------
    >>> is_concentration("ng/mL"), is_concentration("nmol/L"), is_concentration("%")
    (True, True, False)
    """
    return parse_unit(unit).dimension in _CONCENTRATIONS


_CONCENTRATIONS = tuple(parse_unit(u).dimension for u in ("nmol/L", "mg/L"))


def area_unit(unit: str) -> str:
    """The unit of an area under a curve: hours times the unit, as exposure is reported.

    Examples
    --------
    >>> area_unit("ng/mL"), area_unit("1")
    ('h*ng/mL', 'h')
    """
    return "h" if unit in ("", "1") else f"h*{unit}"


def before_jumps(time: Floats, values: Floats, jumps: Sequence[float] | Floats) -> Floats:
    """The right end of every step, with the value just before a bolus in the place of the one just after it.

    A curve holds the value after a dose; that before it is what the fall of the step before leads to.

    Examples
    --------
    >>> before_jumps(np.array([0.0, 60.0, 120.0]), np.array([[8.0, 4.0, 9.0]]), [120.0])
    array([[4., 2.]])
    """
    b = values[:, 1:].copy()
    for place in np.flatnonzero(np.isin(time, np.asarray(jumps))):
        if place < 2:
            continue
        older, old, new = (values[:, place - k] for k in (2, 1, 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (time[place] - time[place - 1]) / (time[place - 1] - time[place - 2])
            expected = old * np.minimum(old / older, 1.0) ** ratio
        jumped = (new > old * (1.0 + 1e-6)) & (old < older) & (old > 0)
        b[:, place - 1] = np.where(jumped, expected, new)
    return b


def area(time: Floats, values: Floats, *, log_down: bool, jumps: Sequence[float] | Floats = ()) -> Floats:
    """Area under each row of ``values`` (n, T) over ``time`` (min, T), in hours times their unit.

    Linear trapezoids; with ``log_down`` falling positive stretches are taken as exponential, as
    non-compartmental analysis does for concentrations. ``jumps`` are the times (min) of boluses into a vein.

    Examples
    --------
    >>> t = np.array([0.0, 60.0, 120.0])
    >>> area(t, np.array([[0.0, 10.0, 10.0]]), log_down=True)
    array([15.])
    >>> fall = np.exp(-t / 60.0)[None, :]
    >>> bool(abs(area(t, fall, log_down=True)[0] - (1 - np.exp(-2.0))) < 1e-12)
    True
    """
    step = np.diff(time) / 60.0
    a, b = values[:, :-1], values[:, 1:]
    b = before_jumps(time, values, jumps) if len(jumps) else b
    mean = (a + b) / 2.0
    if log_down:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            falling = (b > 0) & (a > b * (1.0 + 1e-6))
            mean = np.where(falling, (a - b) / np.log(a / b), mean)
    return np.asarray(mean @ step)


def row(name: str, label: str, unit: str, time: Floats, values: Floats, jumps: Sequence[float] = ()) -> Row:
    """The summary of one output over its patients (n, T)."""
    concentration = is_concentration(unit)
    area_of_each = area(time, values, log_down=concentration, jumps=jumps if concentration else ())
    top, bottom = values.max(axis=1), values.min(axis=1)
    first = float(np.median(values[:, 0])) if len(values) else 0.0
    highest, lowest = (float(np.median(v)) if len(values) else 0.0 for v in (top, bottom))
    return Row(
        name, label, unit, area_unit(unit),
        CMAX=Statistic.of(top), TMAX=Statistic.of(time[values.argmax(axis=1)]),
        CMIN=Statistic.of(bottom), TMIN=Statistic.of(time[values.argmin(axis=1)]),
        AUCLST=Statistic.of(area_of_each), CLST=Statistic.of(values[:, -1]),
        falls=unit in FUNCTIONS and first - lowest > highest - first,  # a bolus also starts at its highest
    )  # fmt: skip
