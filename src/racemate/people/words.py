"""A person in words: "female, 35 y, 62 kg, 163 cm" in any order, with the units people use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from racemate.errors import RacemateError, nearest, unknown
from racemate.people import attributes

RANGES = {
    "age": (0.0, 120.0, "years", "a person is 0 to 120 years old"),
    "weight": (0.4, 500.0, "kg", "a person weighs 0.4 to 500 kg"),
    "height": (25.0, 260.0, "cm", "a person is 25 to 260 cm tall"),
    "egfr": (1.0, 250.0, "mL/min", "an eGFR lies between 1 and 250 mL/min (per 1.73 m2)"),
}
LABELS = {"egfr": "eGFR"}

_UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("years", "year", "yrs", "yr", "y", "yo", "y/o", "y.o"), ("age", 1.0)),
    **dict.fromkeys(("months", "month", "mos", "mo"), ("age", 1 / 12)),
    **dict.fromkeys(("weeks", "week", "wks", "wk"), ("age", 7 / 365.25)),
    **dict.fromkeys(("days", "day", "d"), ("age", 1 / 365.25)),
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"), ("weight", 1.0)),
    **dict.fromkeys(("g", "gram", "grams"), ("weight", 1e-3)),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), ("weight", 0.45359237)),
    **dict.fromkeys(("st", "stone", "stones"), ("weight", 6.35029318)),
    **dict.fromkeys(("cm", "cms", "centimetre", "centimetres", "centimeter", "centimeters"), ("height", 1.0)),
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), ("height", 100.0)),
    **dict.fromkeys(("mm", "millimetres", "millimeters"), ("height", 0.1)),
    **dict.fromkeys(("ft", "foot", "feet", "'", "′", "’"), ("height", 30.48)),
    **dict.fromkeys(("in", "inch", "inches", '"', "″", "”", "''"), ("height", 2.54)),
}
SHOWN_UNITS = ("years", "months", "weeks", "days", "kg", "g", "lb", "st", "cm", "m", "ft", "in")
_SECOND = {"ft": ("in", 2.54), "st": ("lb", 0.45359237)}  # 5 ft 4 in, 11 st 4 lb
_SEXES = {
    **dict.fromkeys(("female", "woman", "lady", "girl", "f"), "female"),
    **dict.fromkeys(("male", "man", "gentleman", "boy", "m"), "male"),
}
# Words that say something of age: at least, and below (years).
_AGES = {
    "adult": (18.0, 200.0), **dict.fromkeys(("man", "woman", "gentleman", "lady"), (12.0, 200.0)),
    "boy": (0.0, 18.0), "girl": (0.0, 18.0), "child": (0.0, 18.0), "infant": (0.0, 2.0), "newborn": (0.0, 0.25),
}  # fmt: skip
_FILLERS = set(
    "a an and of with is the old tall aged person patient volunteer healthy typical reference standard average".split()
)
_LABELS = {
    **dict.fromkeys(("weight", "weighs", "weighing", "bodyweight"), "weight"),
    "height": "height",
    **dict.fromkeys(("age", "aged"), "age"),
    **dict.fromkeys(("egfr", "gfr"), "egfr"),
}

_NUMBER = r"(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
_GAP = re.compile(r"(?:[\s,;]|\.(?!\d))+")
_LABEL = re.compile(rf"(?P<label>{'|'.join(_LABELS)})(?:\s*(?:[:=]|of\b|is\b))?\s*(?=[+-]?\.?\d)", re.IGNORECASE)
_MEASURE = re.compile(rf"{_NUMBER}(?:[\s-]*(?P<unit>[A-Za-z]+(?:[./][A-Za-z]+)*|''|[\"'′″’”]))?", re.IGNORECASE)
_MORE = {
    "ft": re.compile(rf"\s*{_NUMBER}\s*(?:inches|inch|in\b|''|[\"″”]|(?=\s*(?:[,;]|$)))", re.IGNORECASE),
    "st": re.compile(rf"\s*{_NUMBER}\s*(?:lbs|lb|pounds|pound)\b", re.IGNORECASE),
}
_OLD = re.compile(r"[\s-]*old\b", re.IGNORECASE)
_EGFR_UNIT = re.compile(r"\s*mL/min(?:\s*/\s*1\.73\s*m(?:2|²|\^2))?", re.IGNORECASE)
_WORD = re.compile(r"[^\s,;]+")


@dataclass
class Description:
    """What was said of a person, in years, kg, cm and mL/min, and where in the text."""

    text: str
    sex: str | None = None
    values: dict[str, float] = field(default_factory=dict)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    sayings: list[tuple[str, int, int]] = field(default_factory=list)
    told: dict[str, attributes.Value] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)

    def caret(self, start: int, end: int) -> str:
        """The text with the offending part underlined."""
        return f"{self.text}\n{' ' * start}{'^' * max(1, end - start)}"

    def put(self, name: str, value: float, start: int, end: int) -> None:
        """Note a value once, inside its range."""
        where = self.caret(start, end)
        if name in self.values:
            raise RacemateError(f"the {LABELS.get(name, name)} is given twice", where=where)
        check_range(name, value, where)
        self.values[name], self.spans[name] = value, (start, end)

    def add(self, saying: attributes.Saying, start: int) -> None:
        """Note an attribute once; conditions may be many."""
        where = self.caret(start, saying.end)
        if saying.name == "condition":
            self.conditions.append(str(saying.value))
            return
        if self.told.get(saying.name, saying.value) != saying.value:
            before = attributes.say(saying.name, self.told[saying.name])
            raise RacemateError(f"'{attributes.say(saying.name, saying.value)}' contradicts '{before}'", where=where)
        self.told[saying.name], self.spans[saying.name] = saying.value, (start, saying.end)


def check_range(name: str, value: float, where: str | None = None) -> None:
    """Raise unless a value is one that people have."""
    low, high, unit, fix = RANGES[name]
    if not low <= value <= high:
        if name == "height" and 0.4 <= value <= 2.6:
            fix = f"a height is in cm: did you mean {value * 100:g} cm?"
        raise RacemateError(f"{LABELS.get(name, name)} {value:g} {unit} is out of range", where=where, fix=fix)


def describe(text: str) -> Description:
    """Read what is said of a person; every word must be understood.

    Raises
    ------
    RacemateError
        With the word marked and the closest known one.

    Examples
    --------
    >>> said = describe("35-year-old woman, 5'4\\", 10 st 2 lb")
    >>> said.sex, {name: round(value, 1) for name, value in said.values.items()}
    ('female', {'age': 35.0, 'height': 162.6, 'weight': 64.4})
    """
    said = Description(text)
    place = 0
    while place < len(text):
        if gap := _GAP.match(text, place):
            place = gap.end()
        elif saying := attributes.read(text, place, said.caret):
            said.add(saying, place)
            place = saying.end
        elif label := _LABEL.match(text, place):
            place = _measure(said, label.end(), _LABELS[label["label"].lower()], label.start())
        elif _MEASURE.match(text, place):
            place = _measure(said, place, None, place)
        else:
            place = _word(said, place)
    _agree(said)
    return said


def read_value(name: str, text: str) -> float:
    """One quantity with its unit, such as ``"163 cm"`` for a height; a bare age is in years."""
    said = Description(text)
    end = _measure(said, len(text) - len(text.lstrip()), name, 0) if _MEASURE.match(text.lstrip()) else -1
    if end < 0 or text[end:].strip():
        raise RacemateError(
            f"cannot read the {LABELS.get(name, name)} '{text}'",
            fix=f"such as '{RANGES[name][1] / 5:g} {RANGES[name][2]}'",
        )
    return said.values[name]


def read_sex(word: str) -> str:
    """``female`` or ``male`` from the words people use."""
    sex = _SEXES.get(word.strip().lower())
    if sex is None:
        raise unknown("sex", word, ["female", "male"])
    return sex


def _measure(said: Description, place: int, label: str | None, start: int) -> int:
    match = _MEASURE.match(said.text, place)
    assert match is not None  # both callers looked ahead
    number, unit, end = float(match["number"]), (match["unit"] or "").lower(), match.end()
    if label == "egfr":
        scale = _EGFR_UNIT.match(said.text, match.end("number"))
        end = scale.end() if scale else match.end("number")
        said.put("egfr", number, start, end)
        return end
    if label == "age" and _UNITS.get(unit, ("", 0.0))[0] != "age":  # "age 35": years
        end = match.end("number")
        said.put("age", number, start, end)
        return end
    if unit not in _UNITS:
        raise _no_unit(said, match)
    name, factor = _UNITS[unit]
    value = number * factor if factor != 1 / 12 else number / 12
    for first, (_, second_factor) in _SECOND.items():
        if factor == _UNITS[first][1] and (more := _MORE[first].match(said.text, end)):
            value, end = value + float(more["number"]) * second_factor, more.end()
    if factor not in (1.0, 1 / 12):
        value = float(f"{value:.12g}")  # 137 lb is 62.14215469 kg, not 62.142154690000005 kg
    if name == "age" and (old := _OLD.match(said.text, end)):
        end = old.end()
    if label not in (None, name):
        raise RacemateError(f"'{match.group()}' is not a {label}", where=said.caret(start, end))
    said.put(name, value, start, end)
    return end


def _no_unit(said: Description, match: re.Match[str]) -> RacemateError:
    where = said.caret(match.start(), match.end())
    if match["unit"]:
        close = nearest(match["unit"], _UNITS) or next(
            (u for u in SHOWN_UNITS if u[0] == match["unit"][0].lower()), None
        )
        return RacemateError(
            f"unknown unit '{match['unit']}'",
            where=where,
            fix=f"did you mean '{close}'?" if close else f"known: {', '.join(SHOWN_UNITS)}",
        )
    fix = (
        "write a decimal point, not a comma"
        if re.match(r",\d", said.text[match.end() :])
        else "such as '35 y', '62 kg' or '163 cm'"
    )
    return RacemateError(f"'{match['number']}' has no unit", where=where, fix=fix)


def _word(said: Description, place: int) -> int:
    match = _WORD.match(said.text, place)
    assert match is not None
    word, start, end = match.group().strip("-.:()").lower(), match.start(), match.end()
    where = said.caret(start, end)
    if word in _LABELS:
        raise RacemateError(f"there is no number after '{match.group()}'", where=where)
    if word in _SEXES:
        if said.sex not in (None, _SEXES[word]):
            raise RacemateError(f"'{match.group()}' contradicts '{said.sex}'", where=where)
        said.sex = _SEXES[word]
    if word in _AGES:
        said.sayings.append((word, start, end))
    elif word not in _SEXES and word not in _FILLERS:
        known = [*_SEXES, *_AGES, *_LABELS, *_UNITS, *attributes.words()]
        close = nearest(word, [name for name in known if len(name) > 2])
        fix = (
            f"did you mean '{close}'?"
            if close
            else "say sex, age, weight, height, eGFR: 'female, 35 y, 62 kg, 163 cm, eGFR 90'"
        )
        raise RacemateError(f"cannot understand '{match.group()}'", where=where, fix=fix)
    return end


def _agree(said: Description) -> None:
    """Words that say more than one thing must agree with the rest."""
    if said.told.get("pregnant") and said.sex == "male":
        raise RacemateError("a pregnant man is a contradiction", where=said.caret(*said.spans["pregnant"]))
    for word, start, end in said.sayings:
        where = said.caret(start, end)
        low, high = _AGES[word]
        age = said.values.get("age")
        if age is None and high <= 18:
            raise RacemateError(f"how old is the {word}?", where=where, fix=f"'{word}, 6 y' or '{word}, 8 months'")
        if age is not None and not low <= age < high:
            span = f"below {high:g}" if age >= high else f"at least {low:g}"
            raise RacemateError(
                f"'{word}' contradicts an age of {age:g} years", where=where, fix=f"a {word} is {span} years old"
            )
