"""A scenario: who is given what, and what one wants to know. Everything a run depends on, in one immutable value."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from racemate.errors import RacemateError
from racemate.people import Patient, Population
from racemate.regimen import Catalogue, Regimen, parse
from racemate.units import parse_unit

DAY = 1440.0
LONGEST = 100 * 365.25 * DAY
# Minutes after a dose starts or ends at which a default grid also looks: curves are sharp there, whatever the horizon.
AFTER_DOSE = (
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    1.25,
    1.5,
    2,
    2.5,
    3,
    4,
    5,
    6,
    7.5,
    10,
    12.5,
    15,
    20,
    25,
    30,
    40,
    50,
    60,
    75,
    90,
    120,
)
CLOSELY = 60  # so many starts and ends are looked at closely; the rest only at their time
NICE_STEPS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 7200, 14400)


@dataclass(frozen=True)
class Scenario:
    """Regimen, people, horizon, outputs and options of one simulation.

    Parameters
    ----------
    regimen : Regimen
        What is given.
    people : Patient or Population
        To whom.
    until : float, min
        End of the horizon; ``None`` ends four hours after the last dose has ended.
    every : float, min
        Spacing of the outputs; ``None`` chooses one.
    outputs : tuple of str
        Names of outputs; empty for the default ones.
    settings : mapping
        Library numbers replaced for this run: dotted key (or a unique end of it) to a value such as ``"1.2 L/min"``.
    models : mapping
        Product to the kinetic model to use for it.
    molar : bool
        Show concentrations in nmol/L.
    variability : bool
        Whether patients of a population differ in their parameters.
    uncertainty : bool
        Whether each patient also draws the typical values from their uncertainty.
    rtol : float
        Relative tolerance of the integration.
    seed, jobs : int
        Seed of the random numbers; threads to use (the result does not depend on them).
    reference : bool
        Integrate with SciPy on the interpreted equations instead of compiled code.
    before_doses : bool
        Whether an output at a dosing time is the value just before the dose.

    Examples
    --------
    >>> s = Scenario.of("ketamine 0.5 mg/kg iv over 40 min", patient="male, 70 kg", until="4 h")
    >>> s.until, s.people.weight
    (240.0, 70.0)
    >>> again = Scenario.of("ketamine 0.5 mg/kg iv over 40 min", patient="4711 of women, 20-40 y")
    >>> print(again.people)
    patient 4711 of women, 20-40 y (US adults, 2009-2012): female, ...
    """

    regimen: Regimen
    people: Patient | Population = field(default_factory=Patient)
    until: float | None = None
    every: float | None = None
    outputs: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    molar: bool = False
    variability: bool = True
    uncertainty: bool = False
    rtol: float = 1e-6
    seed: int = 1
    jobs: int = 1
    reference: bool = False
    before_doses: bool = False

    @classmethod
    def of(
        cls,
        regimen: str | Regimen,
        *,
        patient: str | int | Patient | None = None,
        population: int | str | Population | None = None,
        until: str | float | None = None,
        every: str | float | None = None,
        outputs: Sequence[str] | str = (),
        set: Mapping[str, str | float] | None = None,
        model: Mapping[str, str] | None = None,
        seed: int = 1,
        **options: Any,
    ) -> Scenario:
        """A scenario from words: each argument may be text, as on the command line, or the object itself.

        Raises
        ------
        RacemateError
            Saying what was wrong, where, and what would be right.
        """
        from racemate.library import load

        if not isinstance(regimen, Regimen):
            regimen = parse(regimen, Catalogue(**load().catalogue()))
        people: Patient | Population
        if isinstance(population, Population):
            people = population
        elif (again := _replayed(patient)) is not None:
            people = _again(*again, population, seed)
        elif population:
            assert not isinstance(patient, int)
            people = Population(_count(population), seed, patient if patient is not None else "adults")
        else:
            assert not isinstance(patient, int)
            people = Patient.of(patient) if patient is not None else Patient()
        models = {**regimen.models, **(model or {})}
        scenario = cls(
            regimen=regimen,
            people=people,
            until=minutes(until, "until") if until is not None else None,
            every=minutes(every, "every") if every is not None else None,
            outputs=(outputs,) if isinstance(outputs, str) else tuple(outputs),
            settings={k: str(v) for k, v in (set or {}).items()},
            models=models,
            seed=seed,
            **options,
        )
        scenario.check()
        return scenario

    def check(self) -> None:
        """Refuse a horizon or a grid that makes no sense."""
        if not self.start < self.end <= LONGEST:
            raise RacemateError(
                f"the simulation would end at {self.end:g} min and start at {self.start:g} min",
                where="until",
                fix="an end after the start, and at most 100 years",
            )
        first = min((d.time for d in self.regimen.doses), default=self.start)
        if first > self.end:
            raise RacemateError(
                f"the simulation ends at {self.end:g} min, before the first dose at {first:g} min",
                where="until",
                fix="a later end, or an earlier dose",
            )
        if self.every is not None and not (self.every > 0 and (self.end - self.start) / self.every <= 1e6):
            raise RacemateError(
                f"outputs every {self.every:g} min over {self.end - self.start:g} min",
                where="every",
                fix="a positive spacing that gives at most a million output times",
            )

    @property
    def n(self) -> int:
        """Number of patients."""
        return len(self.people) if isinstance(self.people, Population) else 1

    @property
    def start(self) -> float:
        """Start of the horizon in min: zero, or the first dose if that is earlier."""
        return min([0.0, *(d.time for d in self.regimen.doses)])

    @property
    def end(self) -> float:
        """End of the horizon in min."""
        if self.until is not None:
            return self.until
        last = max([0.0, *(d.time + (d.count - 1) * d.interval + d.duration for d in self.regimen.doses)])
        return last + 240.0

    def times(self) -> list[float]:
        """Output times in min: an even grid; where none was asked for, also closely after doses start and end."""
        step = self.every
        if step is None:
            step = next((s for s in NICE_STEPS if (self.end - self.start) / s <= 600), NICE_STEPS[-1])
        count = math.floor((self.end - self.start) / step + 1e-9)
        grid = {self.start + i * step for i in range(count + 1)} | {0.0, self.end}
        if self.every is None:
            marks = self._marks()
            grid |= set(marks) | {mark + after for mark in sorted(set(marks))[:CLOSELY] for after in AFTER_DOSE}
        return sorted(t for t in grid if self.start <= t <= self.end)

    def _marks(self) -> list[float]:
        """Starts and ends of doses, of the first few hundred repeats."""
        marks = []
        for d in self.regimen.doses:
            for k in range(min(d.count, 400)):
                marks += [d.time + k * d.interval, d.time + k * d.interval + d.duration]
        return marks[:2000]

    def with_(self, **changes: Any) -> Scenario:
        """The same scenario with some fields changed."""
        changed = replace(self, **changes)
        changed.check()
        return changed

    def to_dict(self) -> dict[str, Any]:
        """Plain values from which ``from_dict`` makes the scenario again."""
        people: dict[str, Any] = {"patient": str(self.people)}
        if isinstance(self.people, Population):
            plain_people = self.people.to_dict()
            people = {"population": plain_people["n"], "patient": plain_people["spec"]}
            if "only" in plain_people:
                people["patient"] = f"{', '.join(str(i + 1) for i in self.people.indices)} of {plain_people['spec']}"
        plain = {
            "regimen": str(self.regimen), **people, "until": self.until, "every": self.every,
            "outputs": list(self.outputs), "set": dict(self.settings), "model": dict(self.models), "seed": self.seed,
            "molar": self.molar, "variability": self.variability, "uncertainty": self.uncertainty, "rtol": self.rtol,
        }  # fmt: skip
        return {k: v for k, v in plain.items() if v not in (None, [], {})}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Scenario:
        """A scenario from the plain values of ``to_dict`` or of a scenario file."""
        return cls.of(**plain)


def minutes(value: str | float, what: str = "time") -> float:
    """A time in min from ``"24 h"``, ``"2 days"``, ``"1 h 30 min"`` or a number of minutes.

    Examples
    --------
    >>> minutes("2 days"), minutes("1 h 30 min"), minutes(5)
    (2880.0, 90.0, 5.0)
    """
    if isinstance(value, int | float):
        return float(value)
    words = value.replace(",", " ").split()
    if len(words) == 1:
        head = words[0].rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        words = [head, words[0][len(head) :] or "min"]
    total = 0.0
    try:
        if not words or len(words) % 2:
            raise ValueError
        for number, unit in zip(words[::2], words[1::2], strict=True):
            parsed = parse_unit(unit)
            if parsed.dimension != parse_unit("min").dimension:
                raise ValueError
            total += float(number) * parsed.factor
    except (ValueError, RacemateError):
        fix = "such as '90 min', '24 h' or '3 days'"
        raise RacemateError(f"cannot read '{value}' as a time", where=what, fix=fix) from None
    if not math.isfinite(total):
        raise RacemateError(f"'{value}' is not a finite time", where=what)
    return total


_REPLAY = re.compile(r"\s*(\d+(?:\s*,\s*\d+)*)\s*(?:of\s+(.+))?", re.IGNORECASE | re.DOTALL)


def _replayed(patient: str | int | Patient | None) -> tuple[list[int], str] | None:
    """The numbers (from 1) and the group, where a patient is said by its number: ``4711``, ``"4711 of women"``."""
    if isinstance(patient, int) and not isinstance(patient, bool):
        return [patient], "adults"
    match = _REPLAY.fullmatch(patient) if isinstance(patient, str) else None
    return None if match is None else ([int(x) for x in match[1].split(",")], match[2] or "adults")


def _again(numbers: list[int], spec: str, population: int | str | None, seed: int) -> Population:
    """Those people of a population, each the same whatever its size."""
    n = _count(population) if population else max(numbers)
    for number in numbers:
        if not 1 <= number <= max(n, 1):
            what = (
                f"there is no patient {number} in a population of {n}"
                if population
                else f"there is no patient {number}"
            )
            raise RacemateError(what, where="patient", fix=f"1 to {n}" if population else "patients are counted from 1")
    return Population(n, seed, spec, only=[number - 1 for number in numbers])


def _count(population: int | str) -> int:
    try:
        return int(population)
    except ValueError:
        raise RacemateError(f"a population of '{population}'", fix="a whole number of patients") from None
