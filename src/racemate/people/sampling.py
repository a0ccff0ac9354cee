"""Drawing the people of a group: each number belongs to a person and a variable, so nobody depends on anybody else.

A new attribute takes a new key and reshuffles nothing that was there before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from racemate.errors import RacemateError
from racemate.library.attributes import Ancestry, ancestries, conditions, kidney, phenotypes
from racemate.library.bodies import BodyRow
from racemate.people import bodysize
from racemate.people.attributes import CHILD_PUGH
from racemate.people.random import normal_quantile, uniform

if TYPE_CHECKING:
    from racemate.people.group import Group

Floats = NDArray[np.float64]
Rank = Callable[[str], Floats]
ASSUMED_ANCESTRY = "european"
_GRID = np.linspace(-5.0, 5.0, 1001)  # of heights, in standard deviations


@dataclass(frozen=True)
class People:
    """Who was drawn: covariates by name, and each person's place in ``ancestries`` (-1 where none was asked for)."""

    covariates: dict[str, Floats]
    ancestry: NDArray[np.int64]
    ancestries: tuple[str, ...]


def draw(group: Group, seed: int, indices: NDArray[np.int64]) -> People:
    """The people of these numbers in the whole population.

    Parameters
    ----------
    indices : ndarray of int64, shape (n,)

    Returns
    -------
    People
        Covariates of shape (n,); age, height, weight and eGFR to a tenth.
    """
    rank: Rank = partial(_ranks, seed, indices)
    mix = tuple(str(name) for name, _ in group.choices_of("ancestry"))
    origin = np.full(len(indices), -1, dtype=np.int64)
    if len(mix) == 1:
        origin[:] = 0
    elif mix:
        origin[:] = _pick([share for _, share in group.choices_of("ancestry")], rank("person.ancestry"))
    female, age, height, weight = _bodies(group, mix, origin, rank)
    named = _conditions(group, rank, len(indices))
    egfr = _kidneys(group, age, named, rank)
    covariates = bodysize.covariates(female, age, weight, height, egfr)
    return People(
        covariates | _genotypes(group, mix, origin, rank) | _others(group, rank, len(indices)) | named, origin, mix
    )


def _ranks(seed: int, indices: NDArray[np.int64], variable: str) -> Floats:
    return uniform(seed, indices, variable)


def _pick(shares: Iterable[float], rank: Floats) -> NDArray[np.int64]:
    """Which of several things each person has; the number of things where it is none of them."""
    return np.searchsorted(np.cumsum(list(shares)), rank, side="right")


# -- bodies -----------------------------------------------------------------------------------------
def _bodies(
    group: Group, mix: tuple[str, ...], origin: NDArray[np.int64], rank: Rank
) -> tuple[Floats, Floats, Floats, Floats]:
    """Female (0 or 1), age, height and weight, to a tenth of a year, cm and kg."""
    ranks = [rank(f"body.{name}") for name in ("sex-and-age-group", "age", "height", "weight")]
    if not mix:
        return _of_rows(group, None, *ranks)
    found = np.empty((4, len(origin)))
    for place, name in enumerate(mix):
        of_it = origin == place
        found[:, of_it] = _of_rows(group, ancestries()[name].survey, *(r[of_it] for r in ranks))
    return found[0], found[1], found[2], found[3]


def _of_rows(
    group: Group, survey: str | None, which: Floats, years: Floats, tall: Floats, heavy: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Sex and age come first, then height, then weight given height; all from ranks between 0 and 1."""
    rows, spans, shares = _rows(group, survey)
    limits = None if group.bmi is None else _Within(group, rows, group.bmi)
    if limits is not None:
        shares = [share * part for share, part in zip(shares, limits.parts, strict=True)]
    shares = _to_sum(group, rows, shares)
    row = np.searchsorted(np.cumsum(shares)[:-1], which, side="right")
    column = {name: np.array([getattr(r, name) for r in rows])[row] for name in BodyRow.__slots__ if name != "sex"}
    youngest, oldest = (np.array([span[i] for span in spans])[row] for i in (0, 1))
    age = youngest + (oldest - youngest) * years
    skew = np.array([group.table.residual_skew[r.sex].value for r in rows])[row]
    z_height = normal_quantile(tall) if limits is None else limits.heights(row, tall)
    height = column["height_mean"] + column["height_sd"] * z_height
    if limits is not None:
        heavy = limits.ranks(row, height, z_height, heavy)
    residual = _skewed(normal_quantile(heavy), skew)
    correlation = column["correlation"]
    z_weight = correlation * z_height + np.sqrt(1.0 - correlation**2) * residual
    weight = np.exp(column["ln_weight_mean"] + column["ln_weight_sd"] * z_weight)
    low, high = (group.table.weight_limits[end].value for end in ("low", "high"))
    weight = np.clip(weight, low, high)
    female = np.array([float(r.sex == "female") for r in rows])[row]
    age, height, weight = (np.round(values, 1) for values in (age, height, weight))
    if group.bmi is not None:
        least, most = (bmi * (height / 100.0) ** 2 * 10 for bmi in group.bmi)
        weight = np.clip(weight, np.ceil(least - 1e-9) / 10, np.floor(most + 1e-9) / 10)
    return female, age, height, weight


def _rows(group: Group, survey: str | None) -> tuple[list[BodyRow], list[tuple[float, float]], list[float]]:
    """The rows that overlap the group, the overlapping ages, and the share of the group in each."""
    rows, spans, shares = [], [], []
    for row in group.table.rows:
        low, high = max(row.youngest, group.youngest), min(row.oldest, group.oldest)
        if row.sex in group.sexes and low < high:
            rows.append(row if survey is None else group.table.of_group(row, survey))
            spans.append((low, high))
            shares.append(row.share * (high - low) / (row.oldest - row.youngest))
    return rows, spans, [share / sum(shares) for share in shares]


def _to_sum(group: Group, rows: list[BodyRow], shares: list[float]) -> list[float]:
    """Shares that add up to 1, with as many women as were asked for."""
    wanted = {"female": group.women, "male": None if group.women is None else 1.0 - group.women}
    of_sex = {sex: sum(s for r, s in zip(rows, shares, strict=True) if r.sex == sex) for sex in wanted}
    total = sum(shares)
    if total <= 0 or any(w and not of_sex[sex] for sex, w in wanted.items()):
        raise RacemateError("nobody in the table of adults is like that", where=str(group))
    if group.women is None:
        return [share / total for share in shares]
    return [share / of_sex[r.sex] * (wanted[r.sex] or 0.0) for r, share in zip(rows, shares, strict=True)]


class _Within:
    """Heights and weights of people whose body mass index lies within limits.

    Exact conditional distributions instead of rejection: sex and age by how many of a row lie within, then height
    by its tabulated distribution, then weight between the two weights that the height allows.
    """

    def __init__(self, group: Group, rows: list[BodyRow], bmi: tuple[float, float]) -> None:
        self.rows, self.bmi = rows, bmi
        self.skew = [group.table.residual_skew[row.sex].value for row in rows]
        self.kept = [(group.table.weight_limits[end].value) for end in ("low", "high")]
        self.parts, self.cumulative = [], []
        density = np.exp(-(_GRID**2) / 2.0)
        for i in range(len(rows)):
            low, high = self._limits(np.full(_GRID.shape, i), self._height(i, _GRID), _GRID)
            inside = density * (high - low)
            running = np.concatenate([[0.0], np.cumsum((inside[1:] + inside[:-1]) / 2.0)])
            self.parts.append(float(running[-1] / density.sum()))
            self.cumulative.append(running)

    def heights(self, row: NDArray[np.int64], rank: Floats) -> Floats:
        """Standardised heights of these ranks among those of a row who lie within."""
        z = np.empty_like(rank)
        for i in np.unique(row):
            running = self.cumulative[i]
            z[row == i] = np.interp(rank[row == i] * running[-1], running, _GRID)
        return z

    def ranks(self, row: NDArray[np.int64], height: Floats, z_height: Floats, rank: Floats) -> Floats:
        """The rank of a weight among all of that height, from its rank among those who lie within."""
        low, high = self._limits(row, height, z_height)
        return np.clip(low + (high - low) * rank, 1e-300, 1.0 - 1e-16)

    def _height(self, i: int, z: Floats) -> Floats:
        return self.rows[i].height_mean + self.rows[i].height_sd * z

    def _limits(self, row: NDArray[np.int64], height: Floats, z_height: Floats) -> tuple[Floats, Floats]:
        """The ranks of the lightest and heaviest weight allowed at a height."""
        from scipy.special import ndtr

        column = {
            name: np.array([getattr(r, name) for r in self.rows])[row]
            for name in ("ln_weight_mean", "ln_weight_sd", "correlation")
        }
        tau = np.array([_log_sd(skew) for skew in self.skew])[row]
        found = []
        for bmi in self.bmi:
            z = (np.log(bmi * (height / 100.0) ** 2) - column["ln_weight_mean"]) / column["ln_weight_sd"]
            residual = (z - column["correlation"] * z_height) / np.sqrt(1.0 - column["correlation"] ** 2)
            inner = residual * np.sqrt(np.expm1(tau**2)) + 1.0
            normal = np.where(inner > 0, (np.log(np.maximum(inner, 1e-300)) + tau**2 / 2.0) / tau, -np.inf)
            found.append(ndtr(normal))
        return found[0], found[1]


def _skewed(z: Floats, skew: Floats) -> Floats:
    """A shifted lognormal of mean 0, standard deviation 1 and the given positive skewness, from a standard normal."""
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


# -- attributes -------------------------------------------------------------------------------------
def _constant(value: float, n: int) -> Floats:
    return np.broadcast_to(np.float64(value), (n,))


def _conditions(group: Group, rank: Rank, n: int) -> dict[str, Floats]:
    """Who has which condition; those of the kidney shut each other out."""
    asked = {str(value): share for value, share in group.choices_of("condition")}
    found = {c.covariate: _constant(0.0, n) for c in conditions().values()}
    kidneys = [name for name in asked if conditions()[name].egfr]
    if kidneys:
        has = _pick([asked[name] for name in kidneys], rank("person.condition.kidney"))
        found |= {conditions()[name].covariate: (has == i).astype(float) for i, name in enumerate(kidneys)}
    for name, share in asked.items():
        if name not in kidneys:
            everyone = share >= 1
            covariate = conditions()[name].covariate
            drawn = _constant(1.0, n) if everyone else (rank(f"person.condition.{name}") < share).astype(float)
            found[covariate] = drawn
    return found


def _kidneys(group: Group, age: Floats, named: dict[str, Floats], rank: Rank) -> Floats:
    """The eGFR by age; between its limits where the group or a condition gives some."""
    known, u = kidney(), rank("person.egfr")
    if group.egfr is not None:
        low, high = group.egfr
        return np.round(low + (high - low) * u, 1)
    sigma = math.sqrt(math.log1p(known.cv.value**2))
    mean = np.interp(age, known.ages, known.means)
    egfr = mean * np.exp(sigma * normal_quantile(u) - sigma**2 / 2.0)
    for condition in conditions().values():
        if condition.egfr is not None and named[condition.covariate].any():
            low, high = condition.egfr
            egfr = np.where(named[condition.covariate] > 0, low + (high - low) * u, egfr)
    return np.round(egfr, 1)


def _genotypes(group: Group, mix: tuple[str, ...], origin: NDArray[np.int64], rank: Rank) -> dict[str, Floats]:
    """Two alleles a person at the frequencies of the ancestry, or what the group says."""
    names = mix or (ASSUMED_ANCESTRY,)
    place = np.maximum(origin, 0)
    found = {}
    for gene, covariate, count in (("cyp2b6", "cyp2b6_star6", "*6"), ("oprm1", "oprm1_g118", "G")):
        frequency = np.array([getattr(ancestries()[name], covariate).value for name in names])[place]
        u = rank(f"genotype.{gene}")
        drawn = (u > (1.0 - frequency) ** 2).astype(float) + (u > 1.0 - frequency**2)
        asked = [(float(str(value).count(count)), share) for value, share in group.choices_of(gene)]
        found[covariate] = _instead(asked, drawn, rank, f"person.{gene}")
    u = rank("genotype.cyp2d6")
    chosen = group.choices_of("cyp2d6")
    scores = _scores(names, place, u, None)
    values = [_scores(names, place, u, v) if isinstance(v, str) else np.full(u.shape, float(v)) for v, _ in chosen]
    has = _pick([share for _, share in chosen], rank("person.cyp2d6")) if chosen else None
    for i, value in enumerate(values):
        scores = np.where(has == i, value, scores)
    return {**found, "cyp2d6": scores}


def _scores(names: tuple[str, ...], place: NDArray[np.int64], u: Floats, phenotype: str | None) -> Floats:
    """Activity scores of CYP2D6, of all people or of those of a phenotype."""
    found = np.empty_like(u)
    for i, name in enumerate(names):
        shares = _within(ancestries()[name], phenotype)
        cumulative = np.cumsum(list(shares.values())) / sum(shares.values())
        of_it = place == i
        found[of_it] = np.array(list(shares))[np.searchsorted(cumulative[:-1], u[of_it], side="right")]
    return found


def _within(ancestry: Ancestry, phenotype: str | None) -> dict[float, float]:
    scores = {score: share for score, share in ancestry.scores().items() if share > 0}
    if phenotype is None:
        return scores
    known = phenotypes()[phenotype]
    return {s: p for s, p in scores.items() if known.low <= s <= known.high} or {known.typical: 1.0}


def _instead(asked: list[tuple[float, float]], drawn: Floats, rank: Rank, variable: str) -> Floats:
    """What was asked for in the shares that have it, what was drawn in the others."""
    if not asked:
        return drawn
    if len(asked) == 1 and asked[0][1] >= 1:
        return _constant(asked[0][0], len(drawn))
    values = np.array([value for value, _ in asked])
    has = _pick([share for _, share in asked], rank(variable))
    return np.where(has < len(values), values[np.minimum(has, len(values) - 1)], drawn)


def _others(group: Group, rank: Rank, n: int) -> dict[str, Floats]:
    """Liver, pregnancy and tolerance: nobody, unless the group says so."""
    number: dict[str, Callable[[object], float]] = {
        "child_pugh": lambda v: float(CHILD_PUGH.index(str(v))),
        "pregnant": lambda v: float(bool(v)),
        "opioid_tolerant": lambda v: float(bool(v)),
    }
    return {
        name: _instead(
            [(to(v), share) for v, share in group.choices_of(name)], _constant(0.0, n), rank, f"person.{name}"
        )
        for name, to in number.items()
    }
