"""What people have besides a body: genotypes with their frequencies, kidney function by age, conditions.

Read straight from the three TOML files of ``library/people/attributes``, like the bodies.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from racemate.errors import RacemateError, unknown
from racemate.library.bodies import FOLDER, read_number, read_toml, required_table
from racemate.provenance import Number

ATTRIBUTES = FOLDER / "attributes"
GENERAL = ("cyp2b6_star6", "cyp2d6", "oprm1_g118", "child_pugh", "pregnant", "opioid_tolerant")
"""Covariates of every person: alleles *6 and 118G (0, 1, 2), activity score, Child-Pugh class (0 to 3), and 0 or 1."""
FUNCTIONS = ("none", "quarter", "half", "double")  # of an allele of CYP2D6; the rest is of full function


@dataclass(frozen=True, slots=True)
class Ancestry:
    """A group of people whose allele frequencies are published.

    ``cyp2d6`` holds the share of alleles by what each adds to the activity score; ``survey`` names the group of
    the table of adults whose height and weight are taken.
    """

    id: str
    label: str
    aliases: tuple[str, ...]
    survey: str
    cyp2b6_star6: Number
    oprm1_g118: Number
    cyp2d6: Mapping[float, float]
    cyp2d6_source: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of ``references.bib``, sorted."""
        return tuple(sorted({self.cyp2b6_star6.source, self.oprm1_g118.source, self.cyp2d6_source}))

    def scores(self) -> dict[float, float]:
        """The share of people by activity score of CYP2D6: the sum of two alleles drawn independently.

        Examples
        --------
        >>> european = ancestries()["european"]
        >>> round(european.scores()[0.0], 3)
        0.048
        """
        found: dict[float, float] = {}
        for (a, p), (b, q) in itertools.product(self.cyp2d6.items(), repeat=2):
            found[a + b] = found.get(a + b, 0.0) + p * q
        return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Phenotype:
    """A word for the activity of CYP2D6: the scores it spans, and the one it stands for in one patient."""

    name: str
    low: float
    high: float
    typical: float


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition a person may have; one of the kidney says between which eGFRs (mL/min)."""

    id: str
    label: str
    aliases: tuple[str, ...]
    egfr: tuple[float, float] | None = None
    women_only: bool = False
    source: str = ""

    @property
    def covariate(self) -> str:
        """The name of its covariate: 1 in who has it."""
        return "condition_" + self.id.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Kidney:
    """Mean eGFR (mL/min) by age (years), and its relative spread among people of one age."""

    ages: tuple[float, ...]
    means: tuple[float, ...]
    cv: Number
    sources: tuple[str, ...]


def covariate_names() -> tuple[str, ...]:
    """Every covariate of a person besides the body's, which expressions of the library may name.

    Examples
    --------
    >>> covariate_names()[:4]
    ('cyp2b6_star6', 'cyp2d6', 'oprm1_g118', 'child_pugh')
    """
    return (*GENERAL, *(condition.covariate for condition in conditions().values()))


@lru_cache(maxsize=1)
def ancestries(folder: Path = ATTRIBUTES) -> Mapping[str, Ancestry]:
    """The ancestries whose allele frequencies are known, by id.

    Examples
    --------
    >>> list(ancestries())
    ['european', 'african', 'african-american', 'hispanic', 'east-asian', 'south-asian']
    """
    where, data = read_toml(folder / "genotypes.toml")
    activity = required_table(data, "cyp2d6_activity", where)
    tables = required_table(data, "ancestry", where)
    return {name: _ancestry(name, table, activity, f"{where}, ancestry.{name}") for name, table in tables.items()}


def _ancestry(name: str, table: Mapping[str, Any], activity: Mapping[str, Any], where: str) -> Ancestry:
    alleles = required_table(table, "cyp2d6", where)
    source = _provenance(alleles, f"{where}, cyp2d6", f"people.genotypes.{name}.cyp2d6")
    shares = {float(activity[key]): _share(alleles.get(key), f"{where}, cyp2d6.{key}") for key in FUNCTIONS}
    shares[float(activity["full"])] = _share(1.0 - sum(shares.values()), f"{where}, cyp2d6")
    frequency = {
        key: read_number(table.get(key), "1", f"{where}, {key}", f"people.genotypes.{name}.{key}")
        for key in ("cyp2b6_star6", "oprm1_g118")
    }
    for key, number in frequency.items():
        _share(number.value, f"{where}, {key}")
    label, aliases = str(table["label"]), tuple(table.get("aliases", ()))
    return Ancestry(name, label, aliases, str(table["survey"]), **frequency, cyp2d6=shares, cyp2d6_source=source)


@lru_cache(maxsize=1)
def phenotypes(folder: Path = ATTRIBUTES) -> Mapping[str, Phenotype]:
    """Phenotypes of CYP2D6 by name.

    Examples
    --------
    >>> phenotypes()["poor"].high
    0.0
    """
    where, data = read_toml(folder / "genotypes.toml")
    table = required_table(data, "cyp2d6_phenotype", where)
    _provenance(table, f"{where}, cyp2d6_phenotype", "people.genotypes.cyp2d6_phenotype")
    spans = {name: span for name, span in table.items() if name != "provenance"}
    return {name: Phenotype(name, s["from"], s["to"], s["typical"]) for name, s in spans.items()}


@lru_cache(maxsize=1)
def conditions(folder: Path = ATTRIBUTES) -> Mapping[str, Condition]:
    """The conditions a person may be said to have, by id.

    Examples
    --------
    >>> conditions()["renal-failure"].egfr, conditions()["chronic-pain"].covariate
    ((1.0, 15.0), 'condition_chronic_pain')
    """
    where, data = read_toml(folder / "conditions.toml")
    return {name: _condition(name, t, f"{where}, {name}") for name, t in data.items() if isinstance(t, dict)}


def _condition(name: str, table: Mapping[str, Any], where: str) -> Condition:
    known = ("label", "aliases", "egfr", "women_only")
    for key in table:
        if key not in known:
            raise unknown("key", key, known, where=where)
    label, aliases, women = (
        str(table.get("label", name)),
        tuple(table.get("aliases", ())),
        bool(table.get("women_only")),
    )
    if "egfr" not in table:
        return Condition(name, label, aliases, women_only=women)
    band = {key: value for key, value in table["egfr"].items() if key not in ("low", "high")}
    low, high = (
        read_number(band, "mL/min", f"{where}, egfr", f"people.conditions.{name}.egfr", value=table["egfr"].get(end))
        for end in ("low", "high")
    )
    if not 0 < low.value < high.value:
        raise RacemateError("the band of eGFR must rise", where=where)
    return Condition(name, label, aliases, (low.value, high.value), women, low.source)


@lru_cache(maxsize=1)
def kidney(folder: Path = ATTRIBUTES) -> Kidney:
    """Kidney function by age.

    Examples
    --------
    >>> kidney().means[0], kidney().cv.value
    (116.0, 0.16)
    """
    where, data = read_toml(folder / "kidney.toml")
    mean = required_table(data, "mean", where)
    source = _provenance(mean, f"{where}, mean", "people.kidney.mean", unit="mL/min")
    ages, means = (tuple(float(x) for x in mean.get(key, ())) for key in ("ages", "values"))
    if not ages or len(ages) != len(means) or list(ages) != sorted(set(ages)) or min(means) <= 0:
        raise RacemateError("ages must rise, with one positive mean each", where=f"{where}, mean")
    spread = required_table(data, "between_subject", where)
    cv = read_number(spread.get("cv"), "1", f"{where}, between_subject.cv", "people.kidney.cv")
    return Kidney(ages, means, cv, tuple(sorted({source, cv.source})))


def _provenance(table: Mapping[str, Any], where: str, address: str, unit: str = "1") -> str:
    """The source behind the numbers of a table, checked like that of one number."""
    return read_number(table.get("provenance"), unit, f"{where}, provenance", address, value=0.0).source


def _share(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 <= value <= 1 and math.isfinite(value)):
        raise RacemateError(f"'{value}' is not a share", where=where, fix="a number from 0 to 1")
    return float(value)
