"""Numbers, expressions and names as files write them: units, bounds and completeness checked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from racemate.errors import RacemateError
from racemate.expressions import Expression
from racemate.library.entries import ROUTES
from racemate.provenance import Derived, Number, Spread, Uncertainty
from racemate.units import describe, parse_unit

NUMBER = '{ value = ..., unit = "...", kind = "measured|estimated|calibrated|assumed", source = "..." }'


class Problem(ValueError):
    """What is wrong and what would be right; ``known`` names what a misspelt ``name`` could have meant."""

    def __init__(self, what: str, fix: str = "", *, name: str = "", known: Collection[str] = (), key: str = "") -> None:
        super().__init__(what)
        self.what, self.fix, self.name, self.known, self.key = what, fix, name, known, key


class Table(BaseModel):
    """A table of a file: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    takes: ClassVar[str] = "a table"

    @model_validator(mode="before")
    @classmethod
    def _is_table_with_known_keys(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise Problem(f"{data!r} is not enough here", f"write {cls.takes}")
        known = [f.alias or name for name, f in cls.model_fields.items()]
        for key in data:
            if key not in known and cls.model_config.get("extra") != "allow":
                raise Problem("key", name=str(key), known=known, key=str(key))
        return data


def _unit(text: str) -> str:
    try:
        parse_unit(text)
    except RacemateError as error:
        raise Problem(error.what, error.fix or "") from None
    return text


def _expression(text: str) -> str:
    try:
        Expression.parse(text)
    except RacemateError as error:
        raise Problem(error.what, (error.where or "") + "\n" + (error.fix or "")) from None
    return text


def _name(text: str) -> str:
    good = text and text == text.lower() and not set(text) - set("abcdefghijklmnopqrstuvwxyz0123456789-")
    if not good or text[0] == "-" or text[-1] == "-":
        raise Problem(f"'{text}' is not a name", "use lower-case letters, digits and '-', such as 's-ketamine'")
    return text


def _symbol(text: str) -> str:
    if not text.isidentifier():
        raise Problem(f"'{text}' is not a parameter name", "use letters, digits and '_', such as 'V1_age'")
    return text


def _route(text: str) -> str:
    if text not in ROUTES:
        raise Problem("route", name=text, known=ROUTES)
    return text


UnitText = Annotated[str, AfterValidator(_unit)]


def unit_of(what: str, *units: str) -> AfterValidator:
    """A unit that stands alone, of the dimension of one of those given."""
    dimensions = {parse_unit(u).dimension for u in units}

    def check(text: str) -> str:
        dimension = parse_unit(text).dimension
        if dimension not in dimensions:
            raise Problem(
                f"{what} cannot be in '{text}', which is {describe(dimension)}", f"such as {' or '.join(units)}"
            )
        return text

    return AfterValidator(check)


ExpressionText = Annotated[str, AfterValidator(_expression)]
Name = Annotated[str, AfterValidator(_name)]
Symbol = Annotated[str, AfterValidator(_symbol)]
Route = Annotated[str, AfterValidator(_route)]
Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0, le=100)]


class SpreadEntry(Table):
    takes = '{ cv = ... } or { sd = ..., on = "logit" }'
    cv: Annotated[float, Field(ge=0, le=5)] | None = None
    omega2: Annotated[float, Field(ge=0, le=25)] | None = None
    sd: Annotated[float, Field(ge=0, le=10)] | None = None
    on: Literal["log", "logit"] = "log"
    shared: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> SpreadEntry:
        if sum(x is not None for x in (self.cv, self.omega2, self.sd)) != 1:
            raise Problem("give exactly one of cv, omega2 and sd", "for example { cv = 0.24 }; a fraction, not percent")
        if self.on == "logit" and self.cv is not None:
            raise Problem("a coefficient of variation has no meaning on the logit scale", "give sd or omega2")
        return self

    def build(self) -> Spread:
        if self.cv is not None:
            return Spread("cv", self.cv, self.on, self.shared)
        if self.omega2 is not None:
            return Spread("omega2", self.omega2, self.on, self.shared)
        return Spread("sd", self.sd or 0.0, self.on, self.shared)


class UncertaintyEntry(Table):
    takes = '{ kind = "SE", value = ... } or { kind = "CI95", low = ..., high = ... }'
    kind: Literal["SE", "CV", "CI95", "CI90", "range"]
    low: float | None = None
    high: float | None = None
    value: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> UncertaintyEntry:
        if self.kind in ("SE", "CV"):
            if self.value is None or self.low is not None or self.high is not None:
                raise Problem(f"an uncertainty of kind {self.kind} has a value, and no low and high")
            if self.kind == "CV" and self.value > 5:
                raise Problem(f"a CV of {self.value:g} is too large", "write it as a fraction, not percent")
        elif self.low is None or self.high is None or self.value is not None:
            raise Problem(f"an uncertainty of kind {self.kind} has low and high, and no value")
        elif self.low > self.high:
            raise Problem(f"low ({self.low:g}) is above high ({self.high:g})", "swap them")
        return self

    def build(self) -> Uncertainty:
        return Uncertainty(self.kind, self.low, self.high, self.value)


class NumberEntry(Table):
    takes = NUMBER
    value: float
    unit: UnitText
    kind: Literal["measured", "estimated", "calibrated", "assumed"]
    source: Text
    where: str = ""
    covariates: ExpressionText | None = None
    between_subject: SpreadEntry | None = None
    between_occasion: SpreadEntry | None = None
    uncertainty: UncertaintyEntry | None = None
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> NumberEntry:
        u = self.uncertainty
        if u is not None and u.low is not None and u.high is not None and not u.low <= self.value <= u.high:
            raise Problem(
                f"the value {self.value:g} lies outside its own {u.kind} of {u.low:g} to {u.high:g}",
                f"low and high are in the unit of the value ({self.unit}); widen the range or correct the value",
            )
        if (self.kind == "calibrated") != self.source.startswith("calibration:"):
            raise Problem(
                f"kind '{self.kind}' does not go with source '{self.source}'",
                "a calibrated number has source = 'calibration:NAME'; a published one has a key of references.bib",
            )
        for spread in (self.between_subject, self.between_occasion):
            if spread and spread.on == "logit" and not 0 < self.value < 1:
                raise Problem(f"a logit spread needs a value between 0 and 1, not {self.value:g}")
        return self

    def build(self, key: str) -> Number:
        return Number(
            self.value, self.unit, self.kind, self.source, self.where,
            Expression.parse(self.covariates) if self.covariates else None,
            self.between_subject.build() if self.between_subject else None,
            self.between_occasion.build() if self.between_occasion else None,
            self.uncertainty.build() if self.uncertainty else None,
            self.note, key,
        )  # fmt: skip


class DerivedEntry(Table):
    takes = '{ expression = "...", unit = "..." }'
    expression: ExpressionText
    unit: UnitText
    between_subject: SpreadEntry | None = None
    between_occasion: SpreadEntry | None = None
    note: str = ""

    def build(self, key: str) -> Derived:
        return Derived(
            Expression.parse(self.expression), self.unit,
            self.between_subject.build() if self.between_subject else None,
            self.between_occasion.build() if self.between_occasion else None,
            self.note, key,
        )  # fmt: skip


def number_or_derived(data: Any) -> str:
    """Which of the two a table is; the tags are dropped again from error paths."""
    return "<derived>" if isinstance(data, Mapping) and "expression" in data else "<number>"


ValueEntry: TypeAlias = NumberEntry | DerivedEntry
Either = Annotated[
    Annotated[NumberEntry, Tag("<number>")] | Annotated[DerivedEntry, Tag("<derived>")],
    Discriminator(number_or_derived),
]


def of(what: str, *units: str, low: float | None = 0.0, high: float | None = None) -> Callable[[Any], Any]:
    """A check of dimension and bounds; ``low`` and ``high`` are in the first unit, the bounds included."""
    dimensions = {parse_unit(u).dimension for u in units}

    def check(entry: Any) -> Any:
        unit = parse_unit(entry.unit)
        if unit.dimension not in dimensions:
            raise Problem(
                f"{what} cannot be in '{entry.unit}', which is {describe(unit.dimension)}",
                f"give it in {' or '.join(units)}",
            )
        if isinstance(entry, NumberEntry):
            value = entry.value * unit.factor / parse_unit(units[0]).factor
            if (low is not None and value < low) or (high is not None and value > high):
                bounds = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
                raise Problem(
                    f"{what} of {entry.value:g} {entry.unit} is impossible", f"it must be {bounds} {units[0]}"
                )
        return entry

    return check


def _bioavailable(entry: Any) -> Any:
    of("a bioavailability", "1", high=1.5)(entry)
    if isinstance(entry, NumberEntry) and entry.value * parse_unit(entry.unit).factor > 1 and not entry.note:
        raise Problem(
            f"a bioavailability of {entry.value:g} {entry.unit} is above 1", "say why in a note, or correct it"
        )
    return entry


Volume = Annotated[Either, AfterValidator(of("a volume", "L", "L/kg", low=1e-6, high=1e6))]
Clearance = Annotated[Either, AfterValidator(of("a clearance", "L/min", "L/min/kg"))]
Rate = Annotated[Either, AfterValidator(of("a rate constant", "1/min"))]
Time = Annotated[Either, AfterValidator(of("a time", "min"))]
DoseRate = Annotated[Either, AfterValidator(of("a rate of dosing", "mg/min", "nmol/min"))]
Fraction = Annotated[Either, AfterValidator(of("a fraction", "1", high=1.0))]
Bioavailability = Annotated[Either, AfterValidator(_bioavailable)]
Turnover = Annotated[
    Either, AfterValidator(of("a maximal elimination rate", "nmol/min", "mg/min", "nmol/min/kg", "mg/min/kg"))
]
HalfSaturation = Annotated[Either, AfterValidator(of("a concentration", "nmol/L", "mg/L", low=1e-9))]
FractionNumber = Annotated[NumberEntry, AfterValidator(of("a fraction", "1", high=1.0))]
Ratio = Annotated[NumberEntry, AfterValidator(of("a ratio", "1"))]
MolarMass = Annotated[NumberEntry, AfterValidator(of("a molar mass", "g/mol", low=1.0, high=1e5))]
Affinity = Annotated[NumberEntry, AfterValidator(of("a dissociation constant", "nmol/L", "mg/L", low=1e-9))]
Slope = Annotated[NumberEntry, AfterValidator(of("a slope", "1", low=0.05, high=20.0))]
