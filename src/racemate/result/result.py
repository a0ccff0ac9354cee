"""The result of a simulation: every curve, its unit, what it rests on, and the scenario to run it again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from racemate.errors import RacemateError, unknown
from racemate.provenance import KINDS
from racemate.result.summary import Summary, is_concentration, row

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from racemate.result.nca import Noncompartmental
    from racemate.scenario import Scenario

Floats = NDArray[np.float64]
PathLike = str | Path


@dataclass(frozen=True, slots=True)
class UsedNumber:
    """A number of the library that a run rests on, with the value it had in this run."""

    key: str
    value: float
    unit: str
    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class DoseMark:
    """One dose as a picture shows it: when (min), how long (min, 0 for a bolus), what and how much."""

    time: float
    duration: float
    label: str
    amount_text: str


@dataclass(frozen=True)
class Result:
    """What a simulation yields.

    Parameters
    ----------
    scenario : Scenario
        What was simulated; ``rerun`` simulates it again.
    time : ndarray, shape (T,), min
    values : dict of str to ndarray, shape (n, T)
        Every output of every patient, in the unit of ``units``.
    units, labels : dict of str to str
        By output.
    sources : dict of str to tuple of str
        The keys of ``references.bib`` each output rests on.
    numbers : tuple of UsedNumber
        The library's numbers the run rests on.
    status : ndarray of int, shape (n,)
        0 where the integration was completed; patients with another status are left out of summaries and
        pictures, and ``messages`` says why.
    messages : dict of int to str
        By patient (position in the arrays, from 0).
    warnings : tuple of str
    events : tuple of DoseMark
    version : str
        The version of racemate that ran it.
    models : dict of str to str
        The kinetic model that was used for each drug.

    Examples
    --------
    >>> from racemate import simulate
    >>> result = simulate("ketamine 0.5 mg/kg iv over 40 min", until="4 h", outputs=["arterial.ketamine"])
    >>> result.units, result["arterial.ketamine"].shape == (1, result.time.size)
    ({'arterial.ketamine': 'ng/mL'}, True)
    >>> peak = result.summary()["arterial.ketamine"]
    >>> peak.TMAX.median
    40.0
    """

    scenario: Scenario
    time: Floats
    values: dict[str, Floats]
    units: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: tuple[UsedNumber, ...] = ()
    status: NDArray[np.int_] = field(default_factory=lambda: np.zeros(1, dtype=int))
    messages: dict[int, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    events: tuple[DoseMark, ...] = ()
    version: str = ""
    models: dict[str, str] = field(default_factory=dict)

    # -- reading --------------------------------------------------------------------------------
    def __getitem__(self, name: str) -> Floats:
        if name not in self.values:
            raise unknown("output", name, self.values)
        return self.values[name]

    @property
    def n(self) -> int:
        """Number of patients, those that failed included."""
        return len(self.status)

    @property
    def ids(self) -> NDArray[np.int_]:
        """The number of each patient in the population, from 1; who is replayed keeps the number."""
        numbers = getattr(self.scenario.people, "indices", None)
        return np.arange(1, self.n + 1) if numbers is None or len(numbers) != self.n else np.asarray(numbers) + 1

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which patients were simulated to the end, shape (n,)."""
        return np.asarray(self.status == 0)

    def completed(self, name: str) -> Floats:
        """An output of the patients that were simulated to the end, shape (patients, T)."""
        values = self[name]
        return values if self.done.all() else values[self.done]

    def label(self, name: str) -> str:
        """What an output is called in words."""
        return self.labels.get(name) or name

    @property
    def references(self) -> tuple[str, ...]:
        """The keys of every source the run rests on: outputs' first, then those of its numbers."""
        keys = [key for name in self.values for key in self.sources.get(name, ())]
        return tuple(dict.fromkeys([*keys, *(n.source for n in self.numbers)]))

    def kinds(self) -> dict[str, int]:
        """How many numbers of the run are measured, estimated, calibrated and assumed."""
        counts = Counter(number.kind for number in self.numbers)
        return {kind: counts[kind] for kind in KINDS}

    def summary(self) -> Summary:
        """Peak, trough, exposure and last value of each output; over patients, the median and 5-95 %.

        The area is that of the curve through the output times: linear where it rises, exponential where a
        concentration falls.
        """
        return self._summary

    @cached_property
    def _summary(self) -> Summary:
        boluses = [mark.time for mark in self.events if mark.duration == 0 and mark.label.endswith(" iv")]
        rows = tuple(
            row(name, self.label(name), self.units[name], self.time, self.completed(name), boluses)
            for name in self.values
        )
        done = int(self.done.sum())
        return Summary(rows, patients=done, failed=self.n - done)

    def nca(self, *names: str) -> Noncompartmental:
        """Non-compartmental analysis of each patient's concentrations, under CDISC names.

        Parameters
        ----------
        *names : str
            Outputs to analyse; without any, every concentration at a sampling site.

        Examples
        --------
        >>> from racemate import simulate
        >>> result = simulate("remifentanil 1 ug/kg iv", until="3 h", outputs=["arterial.remifentanil"])
        >>> found = result.nca()["arterial.remifentanil"]
        >>> round(float(found["CLO"][0]) / 60, 1), found.units["CLO"]
        (2.7, 'L/h')
        """
        from racemate.result.nca import analyse
        from racemate.simulation.given import given

        known = [n for n in self.values if is_concentration(self.units[n])]
        for name in names:
            if name not in known:
                raise unknown("concentration", name, known)
        chosen = list(names) or [n for n in known if n.split(".")[0] in ("arterial", "venous")]
        done = self.done
        doses = {n: found for n in chosen if (found := given(self.scenario, n, self.units[n])) is not None}
        doses = {n: replace(found, amount=found.amount[done]) for n, found in doses.items()}
        return analyse(
            chosen, self.labels, self.units, self.time, {n: self.completed(n) for n in chosen}, doses, self.ids[done]
        )

    # -- for other tools ------------------------------------------------------------------------
    @property
    def dataset(self) -> xr.Dataset:
        """An xarray dataset over (patient, time); every variable with ``units``, ``long_name`` and ``sources``.

        ``patient`` counts from 1.
        """
        return self._dataset

    @cached_property
    def _dataset(self) -> xr.Dataset:
        dataset: xr.Dataset = _late("interchange.tables").dataset(self)
        return dataset

    def to_dataframe(self) -> pd.DataFrame:
        """A long table ``id, time, name, value, unit``; ``id`` counts patients from 1, ``time`` is in min."""
        frame: pd.DataFrame = _late("interchange.tables").dataframe(self)
        return frame

    def to_dict(self) -> dict[str, Any]:
        """The plain values that ``to_json`` writes; `docs/result-json.md` describes them."""
        plain: dict[str, Any] = _late("interchange.results").to_dict(self)
        return plain

    def to_csv(self, path: PathLike) -> Path:
        """Write the long table as CSV."""
        return self._write("csv", path)

    def to_parquet(self, path: PathLike) -> Path:
        """Write the long table as Parquet."""
        return self._write("parquet", path)

    def to_netcdf(self, path: PathLike) -> Path:
        """Write the dataset as NetCDF 4."""
        return self._write("netcdf", path)

    def to_zarr(self, path: PathLike) -> Path:
        """Write the dataset as a Zarr store (a folder)."""
        return self._write("zarr", path)

    def to_json(self, path: PathLike | None = None) -> str | Path:
        """The result as JSON: its text, or with a path the file it was written to."""
        if path is None:
            text: str = _late("interchange.results").to_json(self)
            return text
        return self._write("json", path)

    def plot(self, path: PathLike | None = None, **options: Any) -> Any:
        """A figure of the result; with a path (``.png``, ``.svg``, ``.pdf`` or ``.html``) it is written there.

        Parameters
        ----------
        path : str or Path, optional
        **options
            Passed to :func:`racemate.report.figure.draw`.

        Returns
        -------
        matplotlib Figure, or Path when a path was given
        """
        if path is None:
            return _late("report.figure").draw([self], **options)
        return _late("report.pictures").save([self], path, **options)

    def rerun(self) -> Result:
        """Simulate the same scenario again."""
        from racemate.simulate import simulate

        return simulate(self.scenario)

    def _write(self, form: str, path: PathLike) -> Path:
        written: Path = _late("interchange.results").write(self, form, path)
        return written

    # -- showing --------------------------------------------------------------------------------
    def __repr__(self) -> str:
        people = "1 patient" if self.n == 1 else f"{self.n} patients"
        span = f"{self.time[0]:g} to {self.time[-1]:g} min, {self.time.size} times"
        return f"<Result: {self.scenario.regimen} | {people} | {span} | {', '.join(self.values)}>"

    def _repr_html_(self) -> str:
        page: str = _late("report.html").notebook(self)
        return page

    def __post_init__(self) -> None:
        for name, values in self.values.items():
            if values.shape != (self.n, self.time.size):
                raise RacemateError(
                    f"output '{name}' has shape {values.shape}, not {(self.n, self.time.size)}",
                    fix="one row a patient, one column a time",
                )


def _late(part: str) -> Any:
    """A part of the house that stands after results: its writers and pictures are offered here as methods."""
    return import_module(f"racemate.{part}")
