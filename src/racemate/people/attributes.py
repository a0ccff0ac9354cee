"""What is said of a person besides the body: genotypes, liver, pregnancy, opioid tolerance, ancestry, conditions.

One set of phrases for a patient and for a group of people.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from racemate.errors import RacemateError, nearest, unknown
from racemate.library.attributes import Ancestry, Condition, ancestries, conditions, phenotypes

Value = str | float | bool
CHILD_PUGH = ("none", "A", "B", "C")
ALLELES = ("*1", "*6")
HIGHEST_SCORE = 6.0
FERTILE = (10.0, 60.0)  # years: outside them a pregnancy is a slip
REFERENCE: Mapping[str, Value] = {
    "cyp2b6": "*1/*1", "cyp2d6": 2.0, "oprm1": "AA", "child_pugh": "none", "pregnant": False, "opioid_tolerant": False,
}  # fmt: skip
"""What is taken of a person where nothing is said; every published model was built on such people."""
COVARIATE_OF = {
    "cyp2b6": "cyp2b6_star6", "cyp2d6": "cyp2d6", "oprm1": "oprm1_g118", "child_pugh": "child_pugh",
    "pregnant": "pregnant", "opioid_tolerant": "opioid_tolerant",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing said of a person, and where its words end."""

    name: str
    value: Value
    end: int


def covariates(values: Mapping[str, Value], named: tuple[str, ...]) -> dict[str, float]:
    """The attributes as plain numbers.

    Examples
    --------
    >>> found = covariates({**REFERENCE, "cyp2b6": "*1/*6", "oprm1": "AG"}, ("chronic-pain",))
    >>> found["cyp2b6_star6"], found["cyp2d6"], found["oprm1_g118"], found["condition_chronic_pain"]
    (1.0, 2.0, 1.0, 1.0)
    """
    numbers = {
        "cyp2b6_star6": float(str(values["cyp2b6"]).split("/").count("*6")),
        "cyp2d6": float(values["cyp2d6"]),
        "oprm1_g118": float(str(values["oprm1"]).count("G")),
        "child_pugh": float(CHILD_PUGH.index(str(values["child_pugh"]))),
        "pregnant": float(values["pregnant"]),
        "opioid_tolerant": float(values["opioid_tolerant"]),
    }
    return numbers | {c.covariate: float(name in named) for name, c in conditions().items()}


def say(name: str, value: Value) -> str:
    """An attribute in the words that :func:`read` understands.

    Examples
    --------
    >>> say("cyp2d6", 0.5), say("opioid_tolerant", False), say("ancestry", "east-asian")
    ('CYP2D6 score 0.5', 'opioid-naive', 'East Asian')
    """
    if name == "condition":
        return conditions()[str(value)].label
    if name == "ancestry":
        return ancestries()[str(value)].label
    if name == "cyp2d6":
        return f"CYP2D6 {value}" if isinstance(value, str) else f"CYP2D6 score {float(value):g}"
    if name in ("cyp2b6", "oprm1"):
        return f"{name.upper()} {value}"
    if name == "child_pugh":
        return f"Child-Pugh {value}"
    if name == "pregnant":
        return "pregnant" if value else "not pregnant"
    return "opioid-tolerant" if value else "opioid-naive"


# -- values -----------------------------------------------------------------------------------------
def check(name: str, value: object, where: str | None = None) -> Value:
    """An attribute's value in its own form.

    Raises
    ------
    RacemateError
        For a value nobody has.

    Examples
    --------
    >>> check("cyp2b6", "*6/*1"), check("cyp2d6", "poor"), check("child_pugh", "b"), check("oprm1", "ga")
    ('*1/*6', 0.0, 'B', 'AG')
    """
    if name in ("pregnant", "opioid_tolerant"):
        return _flag(name, value, where)
    if name == "cyp2d6":
        return _score(value, where)
    text = str(value).strip()
    if name == "cyp2b6":
        return _diplotype(text, where)
    if name == "oprm1":
        genotype = "".join(sorted(text.upper().replace("/", "")))
        if genotype not in ("AA", "AG", "GG"):
            raise RacemateError(f"OPRM1 118 cannot be '{text}'", where=where, fix="AA, AG or GG")
        return genotype
    if name == "child_pugh":
        found = text.lower() if text.lower() == "none" else text.upper()
        if found not in CHILD_PUGH:
            raise RacemateError(f"there is no Child-Pugh class '{text}'", where=where, fix="A, B or C")
        return found
    return find(name, text, where)


def find(kind: str, text: str, where: str | None = None) -> str:
    """The id of an ancestry or a condition, by its id, label or alias."""
    entries: Mapping[str, Ancestry] | Mapping[str, Condition] = ancestries() if kind == "ancestry" else conditions()
    names = {_plain(word): id_ for id_, e in entries.items() for word in (id_, e.label, *e.aliases)}
    if _plain(text) not in names:
        raise unknown(kind, text, names, where=where)
    return names[_plain(text)]


def _plain(words: str) -> str:
    """Words joined by a hyphen or several spaces are the same words."""
    return re.sub(r"[\s-]+", " ", words.strip().lower())


def _flag(name: str, value: object, where: str | None) -> bool:
    if value in (0, 1, True, False):
        return bool(value)
    raise RacemateError(f"'{name}' cannot be {value!r}", where=where, fix="True or False")


def _diplotype(text: str, where: str | None) -> str:
    alleles = [part.strip() for part in text.split("/")]
    if len(alleles) != 2 or any(a not in ALLELES for a in alleles):
        fix = "*1/*1, *1/*6 or *6/*6: other alleles are not told apart here"
        raise RacemateError(f"CYP2B6 cannot be '{text}'", where=where, fix=fix)
    return "/".join(sorted(alleles))


def _score(value: object, where: str | None) -> float:
    known = phenotypes()
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()].typical
    try:
        score = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise unknown("phenotype of CYP2D6", str(value), known, where=where) from None
    if not 0.0 <= score <= HIGHEST_SCORE:
        fix = f"an activity score from 0 (poor) over 2 (two normal alleles) to {HIGHEST_SCORE:g}"
        raise RacemateError(
            f"CYP2D6 activity score {value if score != score else format(score, 'g')} is out of range",
            where=where,
            fix=fix,
        )
    return score


def check_together(sex: str, age: float, values: Mapping[str, Value], named: tuple[str, ...]) -> None:
    """Refuse what no one person is."""
    if values["pregnant"] and sex == "male":
        raise RacemateError("a pregnant man is a contradiction")
    if values["pregnant"] and not FERTILE[0] <= age <= FERTILE[1]:
        raise RacemateError(f"'pregnant' contradicts an age of {age:g} years")
    for name in named:
        if conditions()[name].women_only and sex == "male":
            raise RacemateError(f"'{conditions()[name].label}' contradicts 'male'")
    kidney = [conditions()[name].label for name in named if conditions()[name].egfr]
    if len(kidney) > 1:
        raise RacemateError(f"'{kidney[0]}' contradicts '{kidney[1]}'")


# -- words ------------------------------------------------------------------------------------------
@lru_cache(maxsize=1)
def _phrases() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What is looked for at a place of a text, in order; ``said`` is the value."""
    scores = "|".join(phenotypes())
    suffix = r"(?:\s+metaboli[sz]ers?)?"
    gene = r"CYP\s?2D6\b\s*(?:[:=]\s*)?(?:(?:activity\s*)?score\s*(?:[:=]|of\b)?\s*|activity\s+|AS\s+)?"
    return (
        ("cyp2b6", re.compile(r"CYP\s?2B6\b\s*[:=]?\s*(?P<said>\*\w+\s*/\s*\*\w+|[^\s,;]*)", re.IGNORECASE)),
        ("cyp2d6", re.compile(rf"{gene}(?P<said>(?:{scores})\b|[^\s,;]*){suffix}", re.IGNORECASE)),
        ("cyp2d6", re.compile(rf"(?P<said>{scores})\s+metaboli[sz]ers?(?:\s+(?:of|by)\s+CYP\s?2D6)\b", re.IGNORECASE)),
        (
            "oprm1",
            re.compile(r"OPRM1\b\s*[:=]?\s*(?:(?:A118G|A?118(?:A>G)?|rs1799971)\s*)?(?P<said>[^\s,;]*)", re.IGNORECASE),
        ),
        ("child_pugh", re.compile(r"Child[\s-]*Pugh\b\s*(?:class\s*)?[:=]?\s*(?P<said>[^\s,;]*)", re.IGNORECASE)),
        ("pregnant", re.compile(r"(?P<no>(?:not|non)[\s-]+)?(?P<said>pregnant)\b", re.IGNORECASE)),
        ("opioid_tolerant", re.compile(r"opioid[\s-]+(?P<said>tolerant|na[iï]ve)\b", re.IGNORECASE)),
        (
            "ancestry",
            re.compile(rf"(?P<said>{_names(ancestries())})\b(?:\s+(?:ancestry|descent|origin))?", re.IGNORECASE),
        ),
        ("condition", re.compile(rf"(?P<said>{_names(conditions())})\b", re.IGNORECASE)),
    )


def _names(entries: Mapping[str, Ancestry] | Mapping[str, Condition]) -> str:
    """Every word for one of the entries, longest first."""
    found = {_plain(word) for entry in entries.values() for word in (entry.id, entry.label, *entry.aliases)}
    return "|".join(r"[\s-]+".join(map(re.escape, w.split())) for w in sorted(found, key=len, reverse=True))


def read(text: str, place: int, caret: Callable[[int, int], str], *, phenotype: bool = False) -> Saying | None:
    """What is said at a place of a text, or None.

    Parameters
    ----------
    caret : callable
        The text with a span marked, for errors.
    phenotype : bool
        Keep a phenotype of CYP2D6 as its word, for a group; else it is the activity score it stands for.
    """
    for name, pattern in _phrases():
        if match := pattern.match(text, place):
            where, said = caret(match.start(), match.end()), match["said"]
            if name == "pregnant":
                value: Value = not match["no"]
            elif name == "opioid_tolerant":
                value = said.lower() == "tolerant"
            elif name in ("ancestry", "condition"):
                value = find(name, said, where)
            elif phenotype and name == "cyp2d6" and said.lower() in phenotypes():
                value = said.lower()
            else:
                value = check(name, re.sub(r"\s+", "", said), where)
            return Saying(name, value, match.end())
    return None


def words() -> Iterator[str]:
    """Words that begin or make a phrase, to find the nearest to a misspelt one."""
    yield from ("pregnant", "opioid-tolerant", "opioid-naive", "CYP2B6", "CYP2D6", "OPRM1", "Child-Pugh")
    entries: list[Ancestry | Condition] = [*ancestries().values(), *conditions().values()]
    for entry in entries:
        yield from (entry.label, *entry.aliases)


def close_to(word: str) -> str | None:
    """The nearest phrase to a word."""
    return nearest(word, [w for w in words() if len(w) > 3])
