"""Whom to draw, in words: "women, 20-40 y, BMI 30-40, East Asian", "adults, 30 % opioid-tolerant, CYP2D6 poor"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from racemate.errors import RacemateError
from racemate.library.attributes import conditions
from racemate.library.bodies import SEXES, BodyTable, Sex, body_table
from racemate.people import attributes
from racemate.people.attributes import FERTILE, Value

WHO: Mapping[str, tuple[Sex, ...]] = {
    **dict.fromkeys(("men", "males"), ("male",)), **dict.fromkeys(("women", "females"), ("female",)),
    **dict.fromkeys(("adults", "people", "persons", "patients", "volunteers"), SEXES),
}  # fmt: skip
BMI_CLASSES: Mapping[str, tuple[float, float]] = {
    "underweight": (12.0, 18.5), "normal weight": (18.5, 25.0), "overweight": (25.0, 30.0), "obese": (30.0, 80.0),
    "severely obese": (40.0, 80.0),
}  # fmt: skip
"""Classes of the World Health Organization, kg/m2; the open ends are where the table of adults ends."""
LOWEST_BMI, HIGHEST_BMI = 12.0, 80.0
_FILLERS = {"adult", "and", "aged", "of", "with", "or", "healthy"}
_N = r"(\d+(?:\.\d+)?)"
_TO = r"\s*(?:-|–|to)\s*"
_YEARS = r"(?:years|year|yrs|yr|y)\b(?:\s+old)?"
_GAP = re.compile(r"[\s,;]+")
_SHARE = re.compile(rf"{_N}\s*(?:%|per cent|percent)\s*", re.IGNORECASE)
_AGES = re.compile(rf"{_N}{_TO}{_N}\s*(?:{_YEARS})?", re.IGNORECASE)
_SIDED_AGE = re.compile(rf"(?P<side>over|above|from|under|below)\s*{_N}\s*{_YEARS}", re.IGNORECASE)
_BMI = re.compile(rf"BMI\s*(?:of\s*)?{_N}{_TO}{_N}(?:\s*kg/m(?:2|²))?", re.IGNORECASE)
_SIDED_BMI = re.compile(rf"BMI\s*(?P<side>over|above|under|below|>=?|<=?|≥|≤)\s*{_N}", re.IGNORECASE)
_EGFR = re.compile(rf"eGFR\s*(?:of\s*)?{_N}(?:{_TO}{_N})?(?:\s*mL/min)?", re.IGNORECASE)
_CLASS = re.compile(r"severely obese|underweight|normal[\s-]weight|overweight|obese", re.IGNORECASE)
_WORD = re.compile(r"[^\s,;]+")


@dataclass(frozen=True, slots=True)
class Choice:
    """An attribute that a share of the group has."""

    name: str
    value: Value
    share: float

    def __str__(self) -> str:
        return ("" if self.share == 1 else f"{100 * self.share:g} % ") + attributes.say(self.name, self.value)


@dataclass(frozen=True)
class Group:
    """Who is drawn.

    Parameters
    ----------
    table : BodyTable
        The table of adults.
    sexes : tuple of str
    youngest, oldest : float, years
    women : float, optional
        The share of women, where it is not the table's.
    bmi, egfr : (float, float), optional
        Within which kg/m2 and mL/min everybody lies.
    choices : tuple of Choice
        Attributes and the shares that have them; an ancestry is one.
    """

    table: BodyTable
    sexes: tuple[Sex, ...]
    youngest: float
    oldest: float
    women: float | None = None
    bmi: tuple[float, float] | None = None
    egfr: tuple[float, float] | None = None
    choices: tuple[Choice, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Group | None:
        """A group in words; None when the text speaks of one patient.

        Examples
        --------
        >>> print(Group.parse("women, 20-40 y"))
        women, 20-40 y (US adults, 2009-2012)
        >>> print(Group.parse("obese adults, 60 % women, 70 % European, 30 % East Asian, CYP2D6 poor"))
        adults, 20-90 y, 60 % women, BMI 30-80, 70 % European, 30 % East Asian, CYP2D6 poor (US adults, 2009-2012)
        """
        if not set(re.findall(r"[a-z]+", _SHARE.sub(" of_", text).lower())) & set(WHO):
            return None
        return _Reader(text).group()

    def choices_of(self, name: str) -> list[tuple[Value, float]]:
        """The values of an attribute that were asked for, with their shares."""
        return [(c.value, c.share) for c in self.choices if c.name == name]

    def __str__(self) -> str:
        who = "adults" if len(self.sexes) == 2 else "women" if self.sexes == ("female",) else "men"
        parts = [who, f"{self.youngest:g}-{self.oldest:g} y"]
        parts += [] if self.women is None else [f"{100 * self.women:g} % women"]
        parts += [] if self.bmi is None else [f"BMI {self.bmi[0]:g}-{self.bmi[1]:g}"]
        parts += [] if self.egfr is None else [f"eGFR {self.egfr[0]:g}-{self.egfr[1]:g}"]
        return ", ".join([*parts, *map(str, self.choices)]) + f" ({self.table.label})"


@dataclass
class _Reader:
    """Reads a group phrase by phrase."""

    text: str
    sexes: set[Sex] = field(default_factory=set)
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    women: float | None = None
    choices: list[Choice] = field(default_factory=list)

    def group(self) -> Group:
        place = 0
        while place < len(self.text):
            gap = _GAP.match(self.text, place)
            place = gap.end() if gap else self._phrase(place)
        table = body_table()
        sexes = tuple(sex for sex in SEXES if sex in self.sexes)
        youngest, oldest = self.spans.get("age", (table.youngest, table.oldest))
        youngest, oldest = max(youngest, table.youngest if youngest == 0 else youngest), min(oldest, 1e3)
        oldest = table.oldest if oldest == 1e3 else oldest
        if not table.youngest <= youngest < oldest <= table.oldest:
            known = f"{table.youngest:g} to {table.oldest:g} years"
            what = f"ages {youngest:g} to {oldest:g} are not in the table"
            raise RacemateError(what, where=self.text, fix=f"{table.label}: {known}")
        found = Group(
            table,
            sexes,
            youngest,
            oldest,
            self.women,
            self.spans.get("bmi"),
            self.spans.get("egfr"),
            tuple(self.choices),
        )
        self._agree(found)
        return found

    def caret(self, start: int, end: int) -> str:
        """The text with the offending part underlined."""
        return f"{self.text}\n{' ' * start}{'^' * max(1, end - start)}"

    def _phrase(self, start: int) -> int:
        """Read one phrase and return where it ends."""
        if share := _SHARE.match(self.text, start):
            return self._shared(start, share)
        if saying := attributes.read(self.text, start, self.caret, phenotype=True):
            self._choose(saying, 1.0, start)
            return saying.end
        for name, pattern in (("age", _SIDED_AGE), ("bmi", _SIDED_BMI), ("bmi", _BMI), ("egfr", _EGFR), ("age", _AGES)):
            if match := pattern.match(self.text, start):
                self._span(name, match)
                return match.end()
        if match := _CLASS.match(self.text, start):
            self._put("bmi", *BMI_CLASSES[re.sub(r"[\s-]+", " ", match.group().lower())], match.span())
            return match.end()
        return self._word(start)

    def _shared(self, start: int, share: re.Match[str]) -> int:
        part = float(share[1]) / 100
        if not 0 <= part <= 1:
            raise RacemateError(f"{share[1]} % is not a share", where=self.caret(*share.span()), fix="0 to 100 %")
        if saying := attributes.read(self.text, share.end(), self.caret, phenotype=True):
            self._choose(saying, part, start)
            return saying.end
        word = _WORD.match(self.text, share.end())
        sexes = (
            WHO.get(word.group().lower()) or {"female": ("female",), "male": ("male",)}.get(word.group().lower())
            if word
            else None
        )
        if word is None or sexes is None or len(sexes) != 1:
            where = self.caret(start, word.end() if word else share.end())
            raise RacemateError("a share of what?", where=where, fix="such as '60 % women' or '20 % opioid-tolerant'")
        women = part if sexes == ("female",) else 1 - part
        if self.women is not None and abs(self.women - women) > 1e-9:
            raise RacemateError("the shares of women and men do not add up to 100 %", where=self.text)
        self.women = women
        return word.end()

    def _choose(self, saying: attributes.Saying, share: float, start: int) -> None:
        name = saying.name
        taken = [c for c in self.choices if c.name == name and (name != "condition" or c.value == saying.value)]
        total = share + sum(c.share for c in taken)
        if total > 1 + 1e-9:
            what = f"more than everybody: {attributes.say(name, saying.value)} and " + " and ".join(map(str, taken))
            raise RacemateError(what, where=self.caret(start, saying.end), fix="shares that add up to at most 100 %")
        self.choices.append(Choice(name, saying.value, share))

    def _span(self, name: str, match: re.Match[str]) -> None:
        side = match.groupdict().get("side")
        ends = {"age": (0.0, 1e3), "bmi": (LOWEST_BMI, HIGHEST_BMI), "egfr": (1.0, 250.0)}[name]
        numbers = [float(x) for x in match.groups() if x is not None and x != side]
        if side is None:
            low, high = numbers[0], numbers[-1]
        elif side.lower() in ("under", "below", "<", "<=", "≤"):
            low, high = ends[0], numbers[0]
        else:
            low, high = numbers[0], ends[1]
        if name != "age" and not ends[0] <= low <= high <= ends[1]:
            label = {"bmi": "BMI", "egfr": "eGFR"}[name]
            what = f"{label} {low:g} to {high:g} is out of range"
            raise RacemateError(what, where=self.caret(*match.span()), fix=f"within {ends[0]:g} to {ends[1]:g}")
        self._put(name, low, high, match.span())

    def _put(self, name: str, low: float, high: float, span: tuple[int, int]) -> None:
        if self.spans.get(name, (low, high)) != (low, high):
            label = {"age": "age", "bmi": "BMI", "egfr": "eGFR"}[name]
            raise RacemateError(f"the {label} is given twice", where=self.caret(*span))
        self.spans[name] = (low, high)

    def _word(self, start: int) -> int:
        match = _WORD.match(self.text, start)
        assert match is not None  # the gap was passed
        word = match.group().strip(".:()").lower()
        if word in WHO:
            self.sexes |= set(WHO[word])
        elif word not in _FILLERS:
            close = attributes.close_to(word)
            fix = "such as 'women, 20-40 y, BMI 30-40, East Asian, 20 % opioid-tolerant'"
            where = self.caret(*match.span())
            raise RacemateError(
                f"cannot understand '{match.group()}' of a group",
                where=where,
                fix=f"did you mean '{close}'?" if close else fix,
            )
        return match.end()

    def _agree(self, group: Group) -> None:
        """Refuse a group that nobody belongs to."""
        where = self.text
        if group.women is not None and len(group.sexes) == 1:
            raise RacemateError("a share of women among one sex", where=where, fix="'adults, 60 % women'")
        for choice in group.choices:
            condition = conditions().get(str(choice.value)) if choice.name == "condition" else None
            if (choice.name == "pregnant" and choice.value) or (condition and condition.women_only):
                if group.sexes != ("female",):
                    what = f"'{attributes.say(choice.name, choice.value)}' is of women"
                    raise RacemateError(what, where=where, fix="say 'women, 20-40 y, ...'")
                if choice.name == "pregnant" and group.oldest > FERTILE[1]:
                    what = f"'pregnant' contradicts ages up to {group.oldest:g} years"
                    raise RacemateError(what, where=where, fix=f"such as 'women, 20-40 y', at most {FERTILE[1]:g} y")
            if condition and condition.egfr and group.egfr:
                raise RacemateError(
                    f"'{condition.label}' and an eGFR say the same thing", where=where, fix="leave one out"
                )
        self._agree_on_shares(group)

    def _agree_on_shares(self, group: Group) -> None:
        ancestry = group.choices_of("ancestry")
        if ancestry and abs(sum(share for _, share in ancestry) - 1) > 0.005:
            total = 100 * sum(share for _, share in ancestry)
            raise RacemateError(
                f"the ancestries add up to {total:g} %", where=self.text, fix="shares that add up to 100 %"
            )
        kidney = sum(c.share for c in group.choices if c.name == "condition" and conditions()[str(c.value)].egfr)
        if kidney > 1 + 1e-9:
            raise RacemateError("more than everybody has a renal impairment", where=self.text)
