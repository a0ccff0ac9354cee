"""One person: what is given in words or fields, checked, completed from the reference, never changed after."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from racemate.errors import RacemateError, unknown
from racemate.library.attributes import conditions as known_conditions
from racemate.library.bodies import Sex, typical_adults
from racemate.people import attributes, bodysize
from racemate.people.attributes import COVARIATE_OF, REFERENCE
from racemate.people.words import LABELS, RANGES, check_range, describe, read_sex, read_value

ADULT = 18.0
FIELDS = ("sex", "age", "weight", "height", "egfr", *REFERENCE, "ancestry", "conditions")


@dataclass(frozen=True, init=False, repr=False)
class Patient:
    """A person.

    What is left out is taken from the reference adult of that sex and named in :attr:`assumed`. A weight left
    out follows the height at the reference's body mass index. Children (below 18 years) need weight and height.

    Parameters
    ----------
    sex : {"female", "male"}, optional
    age : float or str, optional
        Years, or text with a unit (``"8 months"``).
    weight : float or str, optional
        kg, or text with a unit (``"137 lb"``).
    height : float or str, optional
        cm, or text with a unit (``"5'4\\""``).
    egfr : float or str, optional
        Estimated glomerular filtration rate, mL/min (per 1.73 m2).
    cyp2b6 : str, optional
        Diplotype: ``"*1/*1"``, ``"*1/*6"`` or ``"*6/*6"``.
    cyp2d6 : float or str, optional
        Activity score (2 for two normal alleles), or ``"poor"``, ``"intermediate"``, ``"normal"``, ``"ultrarapid"``.
    oprm1 : str, optional
        Genotype at A118G: ``"AA"``, ``"AG"`` or ``"GG"``.
    child_pugh : {"none", "A", "B", "C"}, optional
        Class of liver disease.
    pregnant, opioid_tolerant : bool, optional
    ancestry : str, optional
        Such as ``"East Asian"``; of one person it only tells who was drawn or meant.
    conditions : sequence of str, optional
        Such as ``("chronic pain", "sleep apnoea")``; a condition of the kidney also sets the eGFR.

    Raises
    ------
    RacemateError
        For values no person has, and values that do not fit together.

    Examples
    --------
    >>> patient = Patient(sex="female", age=35, weight=62, height=163)
    >>> patient
    Patient.parse('female, 35 y, 62 kg, 163 cm')
    >>> round(patient.bmi, 1), round(patient.bsa, 2), round(patient.lbm, 1), round(patient.ffm, 1)
    (23.3, 1.68, 44.9, 39.7)
    >>> print(Patient(), "| assumed:", *Patient(sex="male", weight=80).assumed)
    male, 35 y, 70 kg, 176 cm | assumed: age height egfr cyp2b6 cyp2d6 oprm1 child_pugh opioid_tolerant
    >>> Patient.parse("woman, 62 kg, CYP2B6 *1/*6, opioid-tolerant, chronic pain").covariates["cyp2b6_star6"]
    1.0
    """

    sex: Sex
    age: float
    weight: float
    height: float
    egfr: float
    cyp2b6: str
    cyp2d6: float
    oprm1: str
    child_pugh: str
    pregnant: bool
    opioid_tolerant: bool
    ancestry: str | None
    conditions: tuple[str, ...]
    assumed: tuple[str, ...] = field(default=(), init=False, compare=False)

    def __init__(
        self,
        sex: str | None = None,
        age: float | str | None = None,
        weight: float | str | None = None,
        height: float | str | None = None,
        egfr: float | str | None = None,
        *,
        cyp2b6: str | None = None,
        cyp2d6: float | str | None = None,
        oprm1: str | None = None,
        child_pugh: str | None = None,
        pregnant: bool | None = None,
        opioid_tolerant: bool | None = None,
        ancestry: str | None = None,
        conditions: Sequence[str] = (),
    ) -> None:
        given = {
            name: _number(name, value)
            for name, value in (("age", age), ("weight", weight), ("height", height), ("egfr", egfr))
            if value is not None
        }
        told = {
            name: attributes.check(name, value)
            for name, value in (
                ("cyp2b6", cyp2b6), ("cyp2d6", cyp2d6), ("oprm1", oprm1), ("child_pugh", child_pugh),
                ("pregnant", pregnant), ("opioid_tolerant", opioid_tolerant),
            ) if value is not None
        }  # fmt: skip
        known: Sex = "male" if sex is None else _sex(sex)
        named = _conditions(conditions)
        values = _complete(known, given, named)
        _check_together(values)
        told_of = {**REFERENCE, **told}
        attributes.check_together(known, values["age"], told_of, named)
        _check_kidney(values["egfr"], named)
        left_out = [n for n in (*RANGES, *REFERENCE) if n not in given and n not in told]
        assumed = (() if sex is not None else ("sex",)) + tuple(n for n in left_out if n != "pregnant")
        fields = {"ancestry": None if ancestry is None else attributes.check("ancestry", ancestry), "conditions": named}
        for name, value in {"sex": known, **values, **told_of, **fields, "assumed": assumed}.items():
            object.__setattr__(self, name, value)

    @classmethod
    def parse(cls, text: str) -> Patient:
        """A person in words, in any order, with the units people use.

        Understood are sex (``female, woman, girl, f, male, man, boy, m``), age (``35 y``, ``35-year-old``,
        ``8 months``), weight (``62 kg``, ``137 lb``, ``9 st 11 lb``), height (``163 cm``, ``1.63 m``, ``5'4"``,
        ``5 ft 4 in``), ``eGFR 45``, genotypes (``CYP2B6 *1/*6``, ``CYP2D6 poor``, ``OPRM1 AG``), ``Child-Pugh B``,
        ``pregnant``, ``opioid-tolerant``, an ancestry and conditions (``docs/people.md`` lists them).

        Raises
        ------
        RacemateError
            With the word marked, and the closest known one.

        Examples
        --------
        >>> print(Patient.parse("62 kg woman, 35-year-old, 1.63 m, eGFR 45"))
        female, 35 y, 62 kg, 163 cm, eGFR 45 mL/min
        >>> Patient.parse("femal, 35 y")
        Traceback (most recent call last):
            ...
        racemate.errors.RacemateError: cannot understand 'femal'
          where: femal, 35 y
                 ^^^^^
          fix:   did you mean 'female'?
        """
        if not text.strip():
            raise RacemateError("the description of the patient is empty", fix="such as 'female, 35 y, 62 kg, 163 cm'")
        said = describe(text)
        try:
            return cls(sex=said.sex, conditions=said.conditions, **said.values, **said.told)  # type: ignore[arg-type]
        except RacemateError as error:
            raise RacemateError(error.what, where=error.where or text, fix=error.fix) from None

    @classmethod
    def of(cls, who: Patient | str | Mapping[str, object] | None) -> Patient:
        """A patient from whatever describes one: words, a table of fields, a patient, or None for the reference.

        Examples
        --------
        >>> Patient.of({"sex": "female", "weight": "62 kg"}) == Patient.of("woman, 62 kg")
        True
        """
        if isinstance(who, Patient):
            return who
        if who is None:
            return cls()
        if isinstance(who, str):
            return cls.parse(who)
        if not isinstance(who, Mapping):
            raise RacemateError(
                f"a {type(who).__name__} does not describe a patient", fix="'female, 35 y, 62 kg, 163 cm'"
            )
        for name in who:
            if name not in FIELDS:
                raise unknown("field of a patient", str(name), FIELDS)
        return cls(**dict(who))  # type: ignore[arg-type]  # every value is checked by __init__

    @property
    def bmi(self) -> float:
        """Body mass index, kg/m2."""
        return self.covariates["bmi"]

    @property
    def bsa(self) -> float:
        """Body surface area, m2 (Mosteller 1987)."""
        return self.covariates["bsa"]

    @property
    def lbm(self) -> float:
        """Lean body mass, kg (James 1976, held at the top of his parabola; see :attr:`notes`)."""
        return self.covariates["lbm"]

    @property
    def ffm(self) -> float:
        """Fat-free mass, kg (Janmahasatian 2005)."""
        return self.covariates["ffm"]

    @cached_property
    def covariates(self) -> Mapping[str, float]:
        """The names covariate models use, as plain numbers (:func:`racemate.people.bodysize.covariates`).

        Examples
        --------
        >>> list(Patient().covariates)[:10]
        ['weight', 'height', 'age', 'female', 'male', 'bmi', 'bsa', 'lbm', 'ffm', 'egfr']
        >>> list(Patient().covariates)[10:14]
        ['cyp2b6_star6', 'cyp2d6', 'oprm1_g118', 'child_pugh']
        """
        female = 1.0 if self.sex == "female" else 0.0
        body = bodysize.covariates(female, self.age, self.weight, self.height, self.egfr)
        return body | attributes.covariates({name: getattr(self, name) for name in REFERENCE}, self.conditions)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of a result should know: what was assumed, and where body-size formulas end.

        Examples
        --------
        >>> for note in Patient.parse("man, 200 kg, 176 cm, 40 y, eGFR 90").notes: print(note)
        lean body mass (James 1976) is held at 73.2 kg: the formula turns over above a body mass index of 43 kg/m2
        """
        found = []
        body = [name for name in self.assumed if name not in REFERENCE]
        if body:
            told = ", ".join(f"{LABELS.get(name, name)} {self._say(name)}" for name in body)
            found.append(f"assumed, not given: {told}")
        top = bodysize.JAMES_LARGEST_BMI[self.sex]
        if self.bmi > top:
            held = f"is held at {self.lbm:.1f} kg: the formula turns over above a body mass index of {top:.0f} kg/m2"
            found.append(f"lean body mass (James 1976) {held}")
        if self.age < ADULT:
            found.append("lean body mass and fat-free mass come from formulas of adults")
        return tuple(found)

    def remarks(self, used: Container[str]) -> tuple[str, ...]:
        """What to say of a run whose models use these covariates.

        What they use and nobody said is told as assumed; what was said and they do not use is told to be without
        effect.

        Examples
        --------
        >>> Patient.parse("woman, pregnant, CYP2D6 poor").remarks({"weight", "cyp2b6_star6"})
        ('assumed, not given: CYP2B6 *1/*1', 'no model in this run knows of: CYP2D6 score 0, pregnant')
        """
        found = []
        taken = [n for n in self.assumed if n in REFERENCE and COVARIATE_OF[n] in used]
        if taken:
            found.append("assumed, not given: " + ", ".join(attributes.say(n, getattr(self, n)) for n in taken))
        told = [attributes.say(n, v) for n, v in self._told() if COVARIATE_OF[n] not in used]
        told += [
            c.label
            for c in map(known_conditions().get, self.conditions)
            if c and not c.egfr and c.covariate not in used
        ]
        if told:
            found.append("no model in this run knows of: " + ", ".join(told))
        return tuple(found)

    def _told(self) -> list[tuple[str, attributes.Value]]:
        """Attributes that differ from the reference."""
        return [(n, getattr(self, n)) for n, usual in REFERENCE.items() if getattr(self, n) != usual]

    def to_dict(self) -> dict[str, object]:
        """Every field as a plain value; ``Patient.of`` of it is the same person."""
        plain: dict[str, object] = {name: getattr(self, name) for name in FIELDS}
        return plain | {"conditions": list(self.conditions)}

    def _say(self, name: str) -> str:
        value = getattr(self, name)
        if name == "sex":
            return str(value)
        if name == "age":
            months = round(value * 12)
            return f"{months} months" if value < 2 and months and months / 12 == value else f"{_plain(value)} y"
        return f"{_plain(value)} {RANGES[name][2]}"

    def __str__(self) -> str:
        told = [self._say(name) for name in ("sex", "age", "weight", "height")]
        told += [] if "egfr" in self.assumed else [f"eGFR {self._say('egfr')}"]
        told += [attributes.say(name, value) for name, value in self._told()]
        told += [attributes.say("condition", name) for name in self.conditions]
        return ", ".join(told + ([] if self.ancestry is None else [attributes.say("ancestry", self.ancestry)]))

    def __repr__(self) -> str:
        return f"Patient.parse('{self}')"


def _plain(value: float) -> str:
    return repr(value).removesuffix(".0")


def _sex(sex: object) -> Sex:
    if not isinstance(sex, str):
        raise RacemateError(f"sex must be a word, not {sex!r}", fix="'female' or 'male'")
    return "female" if read_sex(sex) == "female" else "male"


def _number(name: str, value: object) -> float:
    if isinstance(value, str):
        return read_value(name, value)
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise RacemateError(f"the {LABELS.get(name, name)} of a patient cannot be {value!r}", fix=RANGES[name][3])
    check_range(name, number)
    return number


def _conditions(names: Sequence[str]) -> tuple[str, ...]:
    """The ids of conditions, in the order of the library, each once."""
    if isinstance(names, str):
        names = (names,)
    found = {str(attributes.check("condition", name)) for name in names}
    return tuple(name for name in known_conditions() if name in found)


def _check_kidney(egfr: float, named: tuple[str, ...]) -> None:
    for condition in (known_conditions()[name] for name in named):
        if condition.egfr and not condition.egfr[0] <= egfr <= condition.egfr[1]:
            low, high = condition.egfr
            what = f"'{condition.label}' contradicts an eGFR of {egfr:g} mL/min"
            raise RacemateError(what, fix=f"between {low:g} and {high:g} mL/min, or leave one of the two out")


def _complete(sex: Sex, given: Mapping[str, float], named: tuple[str, ...]) -> dict[str, float]:
    """Fill what was not said from the reference adult of that sex; the eGFR from the middle of a condition's band."""
    if given.get("age", ADULT) < ADULT:
        for name, example in (("weight", "20 kg"), ("height", "115 cm")):
            if name not in given:
                raise RacemateError(
                    f"a child's {name} is not assumed, and none was given", fix=f"add the {name}, such as '{example}'"
                )
    typical = {name: number.value for name, number in typical_adults()[sex].items()}
    values = {name: given.get(name, typical[name]) for name in RANGES}
    if "height" in given and "weight" not in given:
        values["weight"] = round(typical["weight"] * (given["height"] / typical["height"]) ** 2, 1)
    for band in (known_conditions()[name].egfr for name in named):
        if band and "egfr" not in given:
            values["egfr"] = sum(band) / 2
    return values


def _check_together(values: Mapping[str, float]) -> None:
    weight, height, age = values["weight"], values["height"], values["age"]
    index = bodysize.body_mass_index(weight, height)
    if not 5.0 <= index <= 200.0:
        raise RacemateError(
            f"{weight:g} kg and {height:g} cm do not fit together: the body mass index would be {index:.3g} kg/m2",
            fix="check the units of weight and height",
        )
    if age >= ADULT and (weight < 15.0 or height < 50.0):
        raise RacemateError(
            f"{weight:g} kg and {height:g} cm are not an adult's", fix="give the age, such as '6 y' or '8 months'"
        )
