"""The shape of a drug file."""
# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from racemate.library.entries import (
    Binding,
    Component,
    Correlation,
    Disposition,
    DoseRange,
    Drug,
    EffectSite,
    Formation,
    KineticModel,
    Pathway,
    Portal,
    Product,
    SiteLink,
    Substance,
    Value,
    effect_name,
    values,
)
from racemate.library.schema.extending import with_extended_models
from racemate.library.schema.numbers import (
    Affinity,
    Bioavailability,
    Clearance,
    Count,
    DoseRate,
    Either,
    Fraction,
    FractionNumber,
    HalfSaturation,
    MolarMass,
    Name,
    NumberEntry,
    Problem,
    Rate,
    Ratio,
    Route,
    Slope,
    Symbol,
    Table,
    Text,
    Time,
    Turnover,
    UnitText,
    Volume,
    unit_of,
)


def _values(entry: Table, key: str, names: tuple[str, ...]) -> dict[str, Value]:
    """The numbers among the named fields that are given, built under their dotted keys."""
    given = {name: getattr(entry, name) for name in names}
    return {name: value.build(f"{key}.{name}") for name, value in given.items() if value is not None}


def _is_table(data: Any) -> str:
    return "<number>" if isinstance(data, Mapping | NumberEntry) else "<plain>"


def _is_list(data: Any) -> str:
    return "<list>" if isinstance(data, list) else "<switch>"


PlainSlope = Annotated[
    Annotated[float, Field(gt=0, le=20), Tag("<plain>")] | Annotated[Slope, Tag("<number>")], Discriminator(_is_table)
]
Default = Annotated[
    Annotated[bool, Tag("<switch>")] | Annotated[list[Route], Field(min_length=1), Tag("<list>")],
    Discriminator(_is_list),
]


class ComponentEntry(Table):
    takes = '{ substance = "...", fraction = ... }'
    substance: Name
    fraction: Annotated[float, Field(gt=0, le=1)]


class RangeEntry(Table):
    low: Annotated[float, Field(ge=0)]
    high: Annotated[float, Field(gt=0)]
    unit: Annotated[UnitText, unit_of("a dose", "mg", "nmol", "mg/h", "nmol/h")]
    per: Literal["kg", "m2"] | None = None
    source: Text
    note: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> RangeEntry:
        if self.low > self.high:
            raise Problem(f"low ({self.low:g}) is above high ({self.high:g})", "swap them")
        return self


class ProductEntry(Table):
    label: Text
    aliases: list[Text] = []
    states: Text
    salt_factor: FractionNumber
    composition: Annotated[list[ComponentEntry], Field(min_length=1)]
    range: dict[Route, RangeEntry] = {}
    kinetics: dict[Name, Name] = {}
    note: str = ""

    @model_validator(mode="after")
    def _whole(self) -> ProductEntry:
        total = sum(c.fraction for c in self.composition)
        if abs(total - 1) > 1e-6:
            raise Problem(f"the fractions of the composition add up to {total:g}", "they must add up to 1")
        names = [c.substance for c in self.composition]
        if len(set(names)) < len(names):
            raise Problem("the composition names a substance twice", "add its fractions into one entry")
        return self

    def build(self, drug: str, name: str) -> Product:
        return Product(
            name, drug, self.label, tuple(self.aliases), self.states,
            self.salt_factor.build(f"{drug}.products.{name}.salt_factor"),
            tuple(Component(c.substance, float(c.fraction)) for c in self.composition),
            {route: DoseRange(route, float(r.low), float(r.high), r.unit, r.source, r.per, r.note)
             for route, r in self.range.items()},
            dict(self.kinetics), self.note,
        )  # fmt: skip


class SubstanceEntry(Table):
    label: Text
    molar_mass: MolarMass
    fraction_unbound: FractionNumber | None = None
    brain_partition: Ratio | None = None
    display_unit: Annotated[UnitText, unit_of("a concentration", "ng/mL", "nmol/L")] = "ng/mL"
    matrix: Literal["plasma", "whole blood", "serum"] = "plasma"
    note: str = ""

    def build(self, drug: str, name: str) -> Substance:
        key = f"{drug}.substances.{name}"
        return Substance(
            name, drug, self.label, self.molar_mass.build(f"{key}.molar_mass"),
            self.fraction_unbound.build(f"{key}.fraction_unbound") if self.fraction_unbound else None,
            self.brain_partition.build(f"{key}.brain_partition") if self.brain_partition else None,
            self.display_unit, self.matrix, self.note,
        )  # fmt: skip


class DispositionEntry(Table):
    V1: Volume
    CL: Clearance | None = None
    V2: Volume | None = None
    Q2: Clearance | None = None
    V3: Volume | None = None
    Q3: Clearance | None = None
    Vmax: Turnover | None = None
    Km: HalfSaturation | None = None

    @model_validator(mode="after")
    def _complete(self) -> DispositionEntry:
        for volume, flow in (("V2", "Q2"), ("V3", "Q3")):
            if (getattr(self, volume) is None) != (getattr(self, flow) is None):
                raise Problem(f"{volume} and {flow} belong together and one of them is missing")
        if self.V3 is not None and self.V2 is None:
            raise Problem("a third compartment without a second one", "call it V2 and Q2")
        if (self.Vmax is None) != (self.Km is None):
            raise Problem("Vmax and Km belong together and one of them is missing")
        return self

    def build(self, key: str, substance: str) -> Disposition:
        return Disposition(substance, _values(self, key, ("V1", "V2", "V3", "CL", "Q2", "Q3", "Vmax", "Km")))


class FormationEntry(Table):
    parent: Annotated[Name, Field(alias="from")]
    to: Name
    fraction: Fraction | None = None
    clearance: Clearance | None = None
    transit_compartments: Count = 0
    MTT: Time | None = None
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> FormationEntry:
        if self.fraction is None and self.clearance is None:
            raise Problem("a formation needs a fraction (of the parent's elimination) or a clearance")
        if (self.transit_compartments > 0) != (self.MTT is not None):
            raise Problem("transit_compartments and MTT belong together and one of them is missing")
        return self

    def build(self, model: str) -> Formation:
        v = _values(self, f"{model}.formation.{self.parent}.{self.to}", ("fraction", "clearance", "MTT"))
        return Formation(
            self.parent,
            self.to,
            v.get("fraction"),
            v.get("clearance"),
            self.transit_compartments,
            v.get("MTT"),
            self.note,
        )


class PathwayEntry(Table):
    takes = "{ F = ..., ka = ... }"
    F: Bioavailability
    ka: Rate | None = None
    duration: Time | None = None
    rate: DoseRate | None = None
    lag: Time | None = None
    transit_compartments: Count = 0
    MTT: Time | None = None
    into: Text = "central"
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> PathwayEntry:
        if (self.transit_compartments > 0) != (self.MTT is not None):
            raise Problem("transit_compartments and MTT belong together and one of them is missing")
        if self.duration is not None and self.rate is not None:
            raise Problem("a zero-order input has a duration or a rate, not both")
        return self

    def build(self, key: str) -> Pathway:
        v = _values(self, key, ("F", "ka", "duration", "rate", "lag", "MTT"))
        return Pathway(
            v["F"],
            v.get("ka"),
            v.get("duration"),
            v.get("rate"),
            v.get("lag"),
            self.transit_compartments,
            v.get("MTT"),
            self.into,
            self.note,
        )


class AbsorptionEntry(Table):
    pathways: Annotated[list[PathwayEntry], Field(min_length=1)]

    def build(self, key: str) -> tuple[Pathway, ...]:
        return tuple(p.build(f"{key}.{i}") for i, p in enumerate(self.pathways, 1))


class PortalEntry(Table):
    Vh: Volume
    Qh: Clearance
    kel: Rate
    kmet: Rate | None = None
    metabolite: Name | None = None
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> PortalEntry:
        if (self.kmet is None) != (self.metabolite is None):
            raise Problem("kmet and metabolite belong together and one of them is missing")
        return self

    def build(self, key: str, substance: str) -> Portal:
        return Portal(substance, _values(self, key, ("Vh", "Qh", "kel", "kmet")), self.metabolite, self.note)


class SiteLinkEntry(Table):
    structure: Literal["first-order", "transit", "two-bed"]
    k: Rate
    fast: Fraction | None = None
    k_slow: Rate | None = None
    source: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> SiteLinkEntry:
        beds = [self.fast is not None, self.k_slow is not None]
        if self.structure == "two-bed" and not all(beds):
            raise Problem("a two-bed link needs fast (the share of the fast bed) and k_slow beside k")
        if self.structure != "two-bed" and any(beds):
            raise Problem(f"fast and k_slow have no meaning in a {self.structure} link", "write structure = 'two-bed'")
        return self

    def build(self, key: str, site: Literal["arterial", "venous"]) -> SiteLink:
        v = _values(self, key, ("k", "fast", "k_slow"))
        return SiteLink(site, self.structure, v["k"], v.get("fast"), v.get("k_slow"), self.source, self.note)


class CorrelationEntry(Table):
    takes = '{ a = "...", b = "...", covariance = ... }'
    a: Text
    b: Text
    covariance: float
    source: str = ""

    def build(self, effects: Mapping[str, str], source: str) -> Correlation:
        """Both ends by the full name of their random effect; an end that fits none or several stays as written."""
        ends = []
        for end in (self.a, self.b):
            fitting = [name for key, name in effects.items() if key == end or key.endswith("." + end)]
            ends.append(fitting[0] if len(fitting) == 1 else end)
        return Correlation(ends[0], ends[1], float(self.covariance), self.source or source)


class EffectSiteEntry(Table):
    ke0: Rate
    note: str = ""

    def build(self, key: str, substance: str) -> EffectSite:
        return EffectSite(substance, self.ke0.build(f"{key}.ke0"), self.note)


class KineticEntry(Table):
    extends: Name | None = None  # the model of this file whose tables it takes over
    label: Text
    source: Text
    site: Literal["arterial", "venous"]
    population: Text
    default: Default = False
    routes: Annotated[list[Route], Field(min_length=1)]
    substances: Annotated[list[Name], Field(min_length=1)]
    parameters: dict[Symbol, Either] = {}
    disposition: Annotated[dict[Name, DispositionEntry], Field(min_length=1)]
    formation: list[FormationEntry] = []
    absorption: dict[Route, dict[Name, AbsorptionEntry]] = {}
    portal: dict[Name, PortalEntry] = {}
    site_link: dict[Literal["arterial", "venous"], SiteLinkEntry] = {}
    effect_site: dict[Name, EffectSiteEntry] = {}
    correlations: list[CorrelationEntry] = []
    note: str = ""

    def _default_for(self) -> tuple[str, ...]:
        return tuple(self.default) if isinstance(self.default, list) else tuple(self.routes) if self.default else ()

    def build(self, drug: str, name: str) -> KineticModel:
        key = f"{drug}.kinetics.{name}"
        model = KineticModel(
            name, drug, self.label, self.source, self.site, self.population, self._default_for(),
            tuple(self.routes), tuple(self.substances),
            {s: d.build(f"{key}.disposition.{s}", s) for s, d in self.disposition.items()},
            {p: n.build(f"{key}.parameters.{p}") for p, n in self.parameters.items()},
            tuple(f.build(key) for f in self.formation),
            {route: {s: a.build(f"{key}.absorption.{route}.{s}") for s, a in by.items()}
             for route, by in self.absorption.items()},
            {s: p.build(f"{key}.portal.{s}", s) for s, p in self.portal.items()},
            {site: link.build(f"{key}.site_link.{site}", site) for site, link in self.site_link.items()},
            {s: e.build(f"{key}.effect_site.{s}", s) for s, e in self.effect_site.items()},
            note=self.note,
        )  # fmt: skip
        found = {v.key: effect_name(v) for v in values(model) if v.between_subject is not None}
        return replace(model, correlations=tuple(c.build(found, self.source) for c in self.correlations))


class BindingEntry(Table):
    Ki: Affinity
    efficacy: FractionNumber | None = None
    concentration: Literal["free", "total"] = "free"
    site: Literal["effect-site", "arterial", "venous"] = "effect-site"
    slope: PlainSlope = 1.0
    mechanism: Literal["competitive", "channel-block"] = "competitive"
    Ki_mg: Affinity | None = None  # with 1 mmol/L Mg2+, as in the resting brain; Ki is without
    slope_mg: Slope | None = None
    kon: NumberEntry | None = None
    koff: Rate | None = None
    trapped: FractionNumber | None = None  # share of blocked channels that keep the blocker when they close
    note: str = ""

    def build(self, drug: str, target: str, substance: str) -> Binding:
        key = f"{drug}.binding.{target}.{substance}"
        slope: Any = self.slope.build(f"{key}.slope") if isinstance(self.slope, NumberEntry) else float(self.slope)
        return Binding(
            target, substance, self.Ki.build(f"{key}.Ki"),
            self.efficacy.build(f"{key}.efficacy") if self.efficacy else None,
            self.concentration, self.site, slope, self.mechanism,
            _values(self, key, ("Ki_mg", "slope_mg", "kon", "koff", "trapped")), self.note,
        )  # fmt: skip


class DrugEntry(Table):
    """One drug file."""

    id: Name
    label: Text
    aliases: list[Text] = []
    classes: list[Text] = []
    note: str = ""
    products: dict[Name, ProductEntry] = {}
    substances: dict[Name, SubstanceEntry] = {}
    kinetics: dict[Name, KineticEntry] = {}
    effect_site: dict[Name, EffectSiteEntry] = {}
    binding: dict[Name, dict[Name, BindingEntry]] = {}
    references: dict[str, dict[str, str | int]] = {}

    @model_validator(mode="before")
    @classmethod
    def _extend_models(cls, data: Any) -> Any:
        return with_extended_models(data)

    def build(self, file: str) -> Drug:
        return Drug(
            self.id, self.label, tuple(self.aliases), tuple(self.classes), self.note,
            {n: p.build(self.id, n) for n, p in self.products.items()},
            {n: s.build(self.id, n) for n, s in self.substances.items()},
            {n: k.build(self.id, n) for n, k in self.kinetics.items()},
            {s: e.build(f"{self.id}.effect_site.{s}", s) for s, e in self.effect_site.items()},
            {t: {s: b.build(self.id, t, s) for s, b in by.items()} for t, by in self.binding.items()},
            file,
        )  # fmt: skip
