"""Non-compartmental analysis: what a concentration curve says of its drug without a model, under CDISC names.

Areas are linear where a curve rises and exponential where it falls. The terminal slope is the regression of the log
concentration over the last points: as many as give the best adjusted R2 (at least three, after the peak and after the
last dose has ended); among windows within ``TOLERANCE`` of the best, the longest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from racemate.result.summary import Statistic, area_unit, before_jumps

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

TOLERANCE = 1e-6  # measured curves need 1e-4; without their noise that would bend the slope by 1 %
LIMIT = 1e-5
"""Below this part of its peak a curve is not used: the integration's error would be read as a slope."""
LABELS = {
    "CMAX": "largest concentration", "TMAX": "time of CMAX", "CLST": "last measurable concentration",
    "TLST": "time of CLST", "AUCLST": "area to TLST", "AUCIFO": "area to infinity",
    "AUCPEO": "extrapolated part of AUCIFO",
    "LAMZ": "terminal rate constant", "LAMZHL": "terminal half-life", "LAMZNPT": "points of the terminal slope",
    "LAMZLL": "its first time", "LAMZUL": "its last time", "R2ADJ": "its adjusted R2", "CLO": "clearance",
    "CLFO": "clearance / F", "VZO": "volume of the terminal phase", "VZFO": "volume of the terminal phase / F",
    "MRTIBIFO": "mean residence time", "MRTICIFO": "mean residence time",
    "MRTEVIFO": "mean residence time, absorption included",
}  # fmt: skip
"""CDISC names (controlled terminology of PK parameters) and what they are."""


@dataclass(frozen=True)
class Given:
    """The doses behind a curve: what clearance and residence time need.

    Parameters
    ----------
    amount : ndarray, shape (n,)
        All that was given, in the curve's concentration unit times L.
    start, end : float, min
        First dose, and when the last one has ended.
    intravenous : bool
        Whether all of it went into a vein.
    infusion : float, min
        Length of a single infusion; 0 for a single bolus, NaN for several doses.
    boluses : tuple of float, min
        When a bolus went into a vein: there the curve jumps.
    """

    amount: Floats
    start: float
    end: float
    intravenous: bool
    infusion: float
    boluses: tuple[float, ...] = ()


@dataclass(frozen=True)
class Profile:
    """One output's parameters, an array over patients each; times in min of the scenario, rates and areas in hours."""

    name: str
    label: str
    values: Mapping[str, Floats]
    units: Mapping[str, str]

    def __getitem__(self, parameter: str) -> Floats:
        return self.values[parameter]

    def statistic(self, parameter: str) -> Statistic:
        """A parameter over the patients that have one."""
        found = self.values[parameter]
        return Statistic.of(found[np.isfinite(found)])


@dataclass(frozen=True)
class Noncompartmental(Mapping[str, Profile]):
    """The analysis of every concentration of a result, by output; ``ids`` are the patients, from 1."""

    profiles: tuple[Profile, ...]
    ids: NDArray[np.int_]

    def __getitem__(self, name: str) -> Profile:
        for profile in self.profiles:
            if profile.name == name:
                return profile
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (profile.name for profile in self.profiles)

    def __len__(self) -> int:
        return len(self.profiles)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain values: by output and parameter ``{"unit", "value"}``, for a population its median, p5 and p95."""
        plain: dict[str, dict[str, Any]] = {}
        for profile in self.profiles:
            plain[profile.name] = {}
            for parameter, values in profile.values.items():
                statistic = profile.statistic(parameter)
                told = {"value": _or_none(values[0])} if len(self.ids) == 1 else statistic.to_dict()
                plain[profile.name][parameter] = {"unit": profile.units[parameter], **told}
        return plain

    def to_dataframe(self) -> pd.DataFrame:
        """A long table ``id, name, parameter, value, unit``."""
        import pandas as pd

        parts = [
            pd.DataFrame({"id": self.ids, "name": p.name, "parameter": key, "value": values, "unit": p.units[key]})
            for p in self.profiles
            for key, values in p.values.items()
        ]
        return pd.concat(parts, ignore_index=True).sort_values(["id", "name"], kind="stable", ignore_index=True)

    def __repr__(self) -> str:
        lines = []
        for p in self.profiles:
            lines.append(f"{p.label} ({p.name})")
            lines += [f"  {k:<9}{p.statistic(k).median:>12.4g} {p.units[k]:<10} {LABELS[k]}" for k in p.values]
        return "\n".join(lines)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def profile(
    name: str, label: str, unit: str, time: Floats, values: Floats, given: Given | None = None, *, limit: float = LIMIT
) -> Profile:
    """Analyse one output's curves.

    Parameters
    ----------
    time : ndarray, shape (T,), min
    values : ndarray, shape (n, T)
        Concentrations in ``unit``.
    given : Given, optional
        The doses; without them there is no clearance, volume or residence time.
    limit : float
        The part of a curve's peak below which it is not used.

    Examples
    --------
    >>> t = np.linspace(0.0, 600.0, 61)
    >>> dose = Given(np.array([1000.0]), 0.0, 0.0, True, 0.0)
    >>> found = profile("c", "c", "ng/mL", t, 100.0 * np.exp2(-t / 60.0)[None, :], dose)
    >>> [round(float(found[key][0]), 3) for key in ("CMAX", "AUCIFO", "LAMZHL", "CLO", "VZO", "MRTIBIFO")]
    [100.0, 144.27, 1.0, 6.931, 10.0, 1.443]
    """
    start = given.start if given else float(time[0])
    hours, curve = (time[time >= start] - start) / 60.0, values[:, time >= start]
    peak = curve.argmax(axis=1)
    top = curve.max(axis=1)
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(curve) & (curve > limit * top[:, None]) & (top > 0)[:, None]
    last = np.where(usable.any(axis=1), usable.shape[1] - 1 - usable[:, ::-1].argmax(axis=1), 0)
    rows = np.arange(len(curve))
    boluses = [(t - start) / 60.0 for t in given.boluses] if given else []
    auc, aumc = _areas(hours, curve, last, boluses)
    ended = (given.end - start) / 60.0 if given else 0.0
    after = np.maximum(peak, int(np.searchsorted(hours, ended, side="right")) - 1)
    slope = _terminal(hours, curve, usable, after, last)
    rate, c_last, t_last = slope["LAMZ"], curve[rows, last], hours[last]
    auc_all = auc + c_last / rate
    aumc_all = aumc + t_last * c_last / rate + c_last / rate**2
    found = {
        "CMAX": top, "TMAX": hours[peak] * 60 + start, "CLST": c_last, "TLST": t_last * 60 + start, "AUCLST": auc,
        "AUCIFO": auc_all, "AUCPEO": 100.0 * (auc_all - auc) / auc_all, **slope,
    }  # fmt: skip
    for end in ("LAMZLL", "LAMZUL"):
        found[end] = found[end] * 60 + start
    if given is not None:
        found |= _of_dose(given, auc_all, aumc_all, rate)
    return Profile(name, label, found, {key: _unit(key, unit) for key in found})


def _of_dose(given: Given, auc: Floats, aumc: Floats, rate: Floats) -> dict[str, Floats]:
    clearance = given.amount / auc
    tail = "O" if given.intravenous else "FO"
    found = {f"CL{tail}": clearance, f"VZ{tail}": clearance / rate}
    if np.isfinite(given.infusion):
        if not given.intravenous:
            found["MRTEVIFO"] = aumc / auc
        else:
            key = "MRTICIFO" if given.infusion > 0 else "MRTIBIFO"
            found[key] = aumc / auc - given.infusion / 120.0
    return found


def _unit(parameter: str, unit: str) -> str:
    if parameter.startswith("AUC"):
        return "%" if parameter == "AUCPEO" else area_unit(unit)
    if parameter.startswith("CL") and parameter != "CLST":
        return "L/h"
    fixed = {"VZO": "L", "VZFO": "L", "LAMZ": "1/h", "LAMZHL": "h", "LAMZNPT": "1", "R2ADJ": "1"}
    in_minutes = ("TMAX", "TLST", "LAMZLL", "LAMZUL")
    return fixed.get(parameter) or ("min" if parameter in in_minutes else "h" if parameter.startswith("MRT") else unit)


def _areas(hours: Floats, curve: Floats, last: NDArray[np.int_], boluses: Sequence[float]) -> tuple[Floats, Floats]:
    """Area and first moment to each row's last point; straight lines up, exponentials down."""
    step, t1, t2 = np.diff(hours), hours[:-1], hours[1:]
    a, b = curve[:, :-1], before_jumps(hours, curve, boluses)
    area, moment = step * (a + b) / 2.0, step * (t1 * (2 * a + b) + t2 * (a + 2 * b)) / 6.0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        falling = (b > 0) & (a > b * (1.0 + 1e-6)) & (step > 0)
        rate = np.log(a / b) / step
        area = np.where(falling, (a - b) / rate, area)
        moment = np.where(falling, (t1 * a - t2 * b) / rate + (a - b) / rate**2, moment)
    inside = np.arange(len(step)) < last[:, None]
    return np.where(inside, area, 0.0).sum(axis=1), np.where(inside, moment, 0.0).sum(axis=1)


def _terminal(
    hours: Floats, curve: Floats, usable: NDArray[np.bool_], after: NDArray[np.int_], last: NDArray[np.int_]
) -> dict[str, Floats]:
    """The terminal slope of each row (NaN where a curve has none), over all windows that end at the last point."""
    rows = np.arange(len(curve))
    places = np.arange(curve.shape[1])
    chosen = usable & (places > after[:, None]) & (places <= last[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.where(chosen, np.log(curve) - np.log(curve[rows, last])[:, None], 0.0)
    x = np.where(chosen, hours - hours[last][:, None], 0.0)

    def from_last(values: Floats) -> Floats:
        return np.cumsum(values[:, ::-1], axis=1)[:, ::-1]

    n = from_last(chosen.astype(float))
    sx, sy, sxx, syy, sxy = (from_last(v) for v in (x, y, x * x, y * y, x * y))
    with np.errstate(divide="ignore", invalid="ignore"):
        dxx, dyy, dxy = sxx - sx * sx / n, syy - sy * sy / n, sxy - sx * sy / n
        adjusted = 1.0 - (1.0 - np.minimum(dxy**2 / (dxx * dyy), 1.0)) * (n - 1.0) / (n - 2.0)
        good = chosen & (n >= 3) & (dxy < 0) & np.isfinite(adjusted)
        adjusted = np.where(good, adjusted, -np.inf)
        best = adjusted.max(axis=1, initial=-np.inf)
        first = (adjusted >= best[:, None] - TOLERANCE).argmax(axis=1)
        rate = np.where(np.isfinite(best), -(dxy / dxx)[rows, first], np.nan)
    there = np.isfinite(rate)
    return {
        "LAMZ": rate, "LAMZHL": np.log(2.0) / rate, "LAMZNPT": np.where(there, n[rows, first], np.nan),
        "LAMZLL": np.where(there, hours[first], np.nan), "LAMZUL": np.where(there, hours[last], np.nan),
        "R2ADJ": np.where(there, best, np.nan),
    }  # fmt: skip


def analyse(
    names: Sequence[str], labels: Mapping[str, str], units: Mapping[str, str], time: Floats,
    values: Mapping[str, Floats], given: Mapping[str, Given | None], ids: NDArray[np.int_],
) -> Noncompartmental:  # fmt: skip
    """Analyse several outputs of the same patients."""
    found = tuple(profile(n, labels.get(n) or n, units[n], time, values[n], given.get(n)) for n in names)
    return Noncompartmental(found, ids)
