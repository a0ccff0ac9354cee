"""Many people: copies of one body, or adults drawn by sex, age, height and weight."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import TYPE_CHECKING

from racemate.errors import RacemateError
from racemate.library.bodies import SEXES, BodyRow, BodyTable, Sex, body_table, typical_adults
from racemate.people import bodysize
from racemate.people.patient import Patient

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MEN, _WOMEN, _EVERYBODY = {"men", "males"}, {"women", "females"}, {"adults", "people"}
_FILLERS = {"adult", "and", "aged", "of"}
_AGES = re.compile(r"(\d+(?:\.\d+)?)\s*(?:-|–|to)\s*(\d+(?:\.\d+)?)\s*(?:years|year|yrs|yr|y)?", re.IGNORECASE)


@dataclass(frozen=True)
class Group:
    """Who is drawn: a table of adults, the sexes and the span of ages (years)."""

    table: BodyTable
    sexes: tuple[Sex, ...]
    youngest: float
    oldest: float

    @classmethod
    def parse(cls, text: str) -> Group | None:
        """``adults``, ``men``, ``women, 20-40 y``; None when the text describes one patient.

        Examples
        --------
        >>> group = Group.parse("women, 20-40 y")
        >>> print(group)
        women, 20-40 y (US adults, 2009-2012)
        """
        words = set(_AGES.sub(" ", text).replace(",", " ").lower().split())
        if not words & (_MEN | _WOMEN | _EVERYBODY) or words - (_MEN | _WOMEN | _EVERYBODY | _FILLERS):
            return None
        table = body_table()
        told: dict[Sex, bool] = {"female": bool(words & _WOMEN), "male": bool(words & _MEN)}
        sexes = tuple(sex for sex in SEXES if told[sex]) or SEXES
        span = _AGES.search(text)
        youngest, oldest = (float(span[1]), float(span[2])) if span else (table.youngest, table.oldest)
        if not table.youngest <= youngest < oldest <= table.oldest:
            known = f"{table.youngest:g} to {table.oldest:g} years"
            raise RacemateError(
                f"ages {youngest:g} to {oldest:g} are not in the table", where=text, fix=f"{table.label}: {known}"
            )
        return cls(table, sexes, youngest, oldest)

    def __str__(self) -> str:
        who = "adults" if len(self.sexes) == 2 else "women" if self.sexes == ("female",) else "men"
        return f"{who}, {self.youngest:g}-{self.oldest:g} y ({self.table.label})"


class Population:
    """People to simulate, each the same whatever the size of the population, the order or the worker.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        Seed of everything random about them.
    spec : str or Patient
        ``"adults"``, ``"men"``, ``"women, 20-40 y"``: bodies drawn from a table of adults. A patient (or one in
        words): ``n`` people of that very body, who differ by what varies in the model.
    only : sequence of int, optional
        Take only these of the ``n`` (to replay some).

    Attributes
    ----------
    indices : ndarray of int64
        Each person's number in the whole population; the key of everything random about them.

    Examples
    --------
    >>> people = Population(n=1000, seed=1)
    >>> people
    Population(n=1000, seed=1, spec='adults, 20-90 y (US adults, 2009-2012)')
    >>> people.covariates["weight"].mean().round(0) > 70
    np.True_
    >>> people.patient(471) == Population(n=10**6, seed=1, only=[471]).patient(471)
    True
    """

    def __init__(
        self, n: int = 1000, seed: int = 1, spec: str | Patient = "adults", *, only: Sequence[int] | None = None
    ) -> None:
        self.n, self.seed = _whole("n", n, 1, 2**40), _whole("seed", seed, 0, 2**64 - 1)
        self.spec = (Group.parse(spec) or Patient.parse(spec)) if isinstance(spec, str) else Patient.of(spec)
        self.indices, self._everybody = self._chosen(only), only is None

    def _chosen(self, only: Sequence[int] | None) -> NDArray[np.int64]:
        import numpy as np

        if only is None:
            return np.arange(self.n, dtype=np.int64)
        chosen = np.array([_whole("index", i, 0, self.n - 1) for i in only], dtype=np.int64)
        if not chosen.size:
            raise RacemateError("nobody is chosen", fix="only=[4711]")
        return chosen

    def subset(self, only: Sequence[int]) -> Population:
        """The same people, only these (by their number in the whole population)."""
        return Population(self.n, self.seed, self._source, only=only)

    @property
    def _source(self) -> str | Patient:
        if isinstance(self.spec, Patient):
            return self.spec
        return str(self.spec).partition(" (")[0]

    @cached_property
    def covariates(self) -> dict[str, Floats]:
        """Arrays by covariate name, in the order of :attr:`indices`; names and units as a patient's.

        Examples
        --------
        >>> Population(3, spec="woman, 62 kg, 163 cm").covariates["ffm"].round(1)
        array([39.7, 39.7, 39.7])
        """
        import numpy as np

        if isinstance(self.spec, Patient):
            return {name: np.full(len(self), value) for name, value in self.spec.covariates.items()}
        sexes, age, height, weight = _draw(self.spec, self.seed, self.indices)
        typical = typical_adults()
        egfr = np.where(sexes, typical["female"]["egfr"].value, typical["male"]["egfr"].value)
        return bodysize.covariates(sexes, age, weight, height, egfr)

    def patient(self, number: int) -> Patient:
        """The person of that number in the whole population.

        Examples
        --------
        >>> print(Population(n=5000, seed=1).patient(4711))
        female, 48.3 y, 62.6 kg, 161.3 cm
        """
        number = _whole("index", number, 0, self.n - 1)
        if isinstance(self.spec, Patient):
            return self.spec
        one = self.subset([number]).covariates
        sex = "female" if one["female"][0] else "male"
        return Patient(sex, float(one["age"][0]), float(one["weight"][0]), float(one["height"][0]))

    def to_dict(self) -> dict[str, object]:
        """Plain values; ``Population(**values)`` is the same people.

        Examples
        --------
        >>> Population(n=100, seed=7, spec="men").to_dict()
        {'n': 100, 'seed': 7, 'spec': 'men, 20-90 y'}
        """
        values: dict[str, object] = {"n": self.n, "seed": self.seed, "spec": str(self._source)}
        return values if self._everybody else {**values, "only": self.indices.tolist()}

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of ``references.bib`` that the bodies rest on."""
        return () if isinstance(self.spec, Patient) else self.spec.table.sources

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of a result should know: what was assumed, and where body-size formulas end.

        Examples
        --------
        >>> Population(n=3, spec="woman, 35 y, 62 kg, 163 cm, eGFR 90").notes
        ()
        """
        if isinstance(self.spec, Patient):
            return self.spec.notes
        female, bmi = self.covariates["female"] > 0, self.covariates["bmi"]
        tops = bodysize.JAMES_LARGEST_BMI
        held = int((bmi > tops["female"])[female].sum() + (bmi > tops["male"])[~female].sum())
        found = [f"assumed, not drawn: eGFR {typical_adults()['male']['egfr'].value:g} mL/min for everybody"]
        if held:
            who = f"{held} of {len(self)}, who are too obese for the formula"
            found.append(f"lean body mass (James 1976) is held at its largest value in {who}")
        return tuple(found)

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Patient]:
        return (self.patient(int(number)) for number in self.indices)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Population):
            return NotImplemented
        same = (self.n, self.seed, self.spec) == (other.n, other.seed, other.spec)
        return same and self.indices.tolist() == other.indices.tolist()

    def __hash__(self) -> int:
        return hash((self.n, self.seed, str(self.spec), len(self)))

    def __repr__(self) -> str:
        only = "" if self._everybody else f", only=<{len(self)} of them>"
        return f"Population(n={self.n}, seed={self.seed}, spec='{self.spec}'{only})"


def _whole(name: str, value: object, low: int, high: int) -> int:
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise RacemateError(f"{name} must be a whole number, not {value!r}") from None
    if isinstance(value, bool) or not low <= number <= high:
        raise RacemateError(f"{name} {value} is out of range", fix=f"{low} to {high}")
    return number


def _draw(group: Group, seed: int, indices: NDArray[np.int64]) -> tuple[Floats, Floats, Floats, Floats]:
    """Female (0 or 1), age, height and weight of each person, to a tenth of a year, cm and kg.

    Sex and age come first, then height, then weight given height.
    """
    import numpy as np

    from racemate.people.random import normal, uniform

    rows, spans, shares = _rows(group)
    row = np.searchsorted(np.cumsum(shares)[:-1], uniform(seed, indices, "body.sex-and-age-group"), side="right")
    column = {name: np.array([getattr(r, name) for r in rows])[row] for name in BodyRow.__slots__ if name != "sex"}
    youngest, oldest = (np.array([span[i] for span in spans])[row] for i in (0, 1))
    age = youngest + (oldest - youngest) * uniform(seed, indices, "body.age")
    z_height = normal(seed, indices, "body.height")
    skew = np.array([group.table.residual_skew[r.sex].value for r in rows])[row]
    residual = _skewed(normal(seed, indices, "body.weight"), skew)
    correlation = column["correlation"]
    z_weight = correlation * z_height + np.sqrt(1.0 - correlation**2) * residual
    height = column["height_mean"] + column["height_sd"] * z_height
    limits = group.table.weight_limits
    weight = np.exp(column["ln_weight_mean"] + column["ln_weight_sd"] * z_weight)
    weight = np.clip(weight, limits["low"].value, limits["high"].value)
    female = np.array([float(r.sex == "female") for r in rows])[row]
    age, height, weight = (np.round(values, 1) for values in (age, height, weight))
    return female, age, height, weight


def _rows(group: Group) -> tuple[list[BodyRow], list[tuple[float, float]], list[float]]:
    """The rows that overlap the group, the overlapping ages, and the share of the group in each."""
    rows, spans, shares = [], [], []
    for row in group.table.rows:
        low, high = max(row.youngest, group.youngest), min(row.oldest, group.oldest)
        if row.sex in group.sexes and low < high:
            rows.append(row)
            spans.append((low, high))
            shares.append(row.share * (high - low) / (row.oldest - row.youngest))
    return rows, spans, [share / sum(shares) for share in shares]


def _skewed(z: Floats, skew: Floats) -> Floats:
    """A shifted lognormal of mean 0, standard deviation 1 and the given positive skewness, from a standard normal."""
    import numpy as np

    tau = np.zeros_like(skew)
    for value in np.unique(skew):
        tau[skew == value] = _log_sd(float(value))
    return (np.exp(tau * z - tau**2 / 2.0) - 1.0) / np.sqrt(np.expm1(tau**2))


def _log_sd(skew: float) -> float:
    """Standard deviation on the log scale of the lognormal with that skewness (bisection on a rising function)."""
    low, high = 1e-6, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        square = math.expm1(middle**2)
        low, high = (middle, high) if (square + 3.0) * math.sqrt(square) < skew else (low, middle)
    return (low + high) / 2
