"""What the library holds, as plain frozen objects: the vocabulary of the pharmacology in racemate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from racemate.provenance import Derived, Number

Value = Number | Derived
Tree = Mapping[str, Any]  # nested tables of Values, as an effect or a target file writes them
Site = Literal["arterial", "venous"]

ROUTES = (
    "iv", "im", "sc", "oral", "intranasal", "sublingual", "buccal", "transdermal", "inhaled", "rectal",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a product: a substance and its molar fraction."""

    substance: str
    fraction: float


@dataclass(frozen=True, slots=True)
class DoseRange:
    """The doses a product's model was built on; outside it a run carries a warning."""

    route: str
    low: float
    high: float
    unit: str
    source: str
    per: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """What is given: a drug as its label states it."""

    name: str
    drug: str
    label: str
    aliases: tuple[str, ...]
    states: str
    salt_factor: Number
    composition: tuple[Component, ...]
    ranges: Mapping[str, DoseRange] = field(default_factory=dict)
    kinetics: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Substance:
    """A molecule that is followed through the body."""

    name: str
    drug: str
    label: str
    molar_mass: Number
    fraction_unbound: Number | None
    brain_partition: Number | None
    display_unit: str
    matrix: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Disposition:
    """Mammillary disposition of one substance: V1 ... V3, CL, Q2, Q3 (or Vmax and Km)."""

    substance: str
    parameters: Mapping[str, Value]

    @property
    def compartments(self) -> int:
        """Number of compartments (1 to 3)."""
        return sum(name in self.parameters for name in ("V1", "V2", "V3"))


@dataclass(frozen=True, slots=True)
class Formation:
    """A metabolite made from its parent (molar), at once or through transit compartments."""

    parent: str
    metabolite: str
    fraction: Value | None = None
    clearance: Value | None = None
    transit_compartments: int = 0
    MTT: Value | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pathway:
    """One way of an absorbed dose: how much (F), how fast, after which delay, into where.

    A zero-order input has a ``duration``, or a ``rate`` from which its duration follows.
    """

    F: Value
    ka: Value | None = None
    duration: Value | None = None
    rate: Value | None = None
    lag: Value | None = None
    transit_compartments: int = 0
    MTT: Value | None = None
    into: str = "central"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Portal:
    """A hepato-portal compartment: inflow by Qh, all elimination there (kel; kmet makes the metabolite)."""

    substance: str
    parameters: Mapping[str, Value]
    metabolite: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SiteLink:
    """From the model's sampling site to the other one, as the tissue of the limb equilibrates.

    ``first-order`` follows with rate ``k``, ``transit`` in two equal steps; ``two-bed`` mixes the blood of a fast
    bed (rate ``k``, the share ``fast`` of the flow) and a slow one (rate ``k_slow``).
    """

    site: Site
    structure: str
    k: Value
    fast: Value | None = None
    k_slow: Value | None = None
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Correlation:
    """Covariance of two random effects, by their names: the shared name, or the dotted key of the number."""

    a: str
    b: str
    covariance: float
    source: str = ""


@dataclass(frozen=True, slots=True)
class EffectSite:
    """The receptor biophase of a substance."""

    substance: str
    ke0: Value
    note: str = ""


@dataclass(frozen=True, slots=True)
class KineticModel:
    """One published kinetic model of one or several substances.

    ``routes`` are those it can serve, ``default_for`` those it serves unless a scenario names another model. An
    ``effect_site`` that was estimated with the model comes before the one of the drug.
    """

    name: str
    drug: str
    label: str
    source: str
    site: Site
    population: str
    default_for: tuple[str, ...]
    routes: tuple[str, ...]
    substances: tuple[str, ...]
    disposition: Mapping[str, Disposition]
    parameters: Mapping[str, Value] = field(default_factory=dict)
    formation: tuple[Formation, ...] = ()
    absorption: Mapping[str, Mapping[str, tuple[Pathway, ...]]] = field(default_factory=dict)
    portal: Mapping[str, Portal] = field(default_factory=dict)
    site_link: Mapping[str, SiteLink] = field(default_factory=dict)
    effect_site: Mapping[str, EffectSite] = field(default_factory=dict)
    correlations: tuple[Correlation, ...] = ()
    note: str = ""

    @property
    def default(self) -> bool:
        """True when it is the model used for at least one route unless a scenario names another."""
        return bool(self.default_for)


@dataclass(frozen=True, slots=True)
class Binding:
    """A substance at a target."""

    target: str
    substance: str
    Ki: Number
    efficacy: Number | None
    concentration: Literal["free", "total"] = "free"
    site: str = "effect-site"
    slope: float | Number = 1.0
    mechanism: str = "competitive"
    numbers: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Drug:
    """All that is known of a drug."""

    id: str
    label: str
    aliases: tuple[str, ...]
    classes: tuple[str, ...]
    note: str
    products: Mapping[str, Product]
    substances: Mapping[str, Substance]
    kinetics: Mapping[str, KineticModel]
    effect_site: Mapping[str, EffectSite]
    binding: Mapping[str, Mapping[str, Binding]]
    file: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A receptor or channel: what is true of it whatever binds."""

    id: str
    label: str
    aliases: tuple[str, ...]
    note: str
    text: Mapping[str, Any]
    numbers: Tree
    file: str = ""


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """One published (or calibrated) set of numbers of an effect.

    ``numbers`` holds them as the file nests them (``numbers["c50"]["fentanyl"]``), ``text`` every word,
    list and switch of the set that is not a number.
    """

    name: str
    label: str
    source: str
    site: str
    population: str
    default: bool
    text: Mapping[str, Any]
    numbers: Tree
    note: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect with its alternative parameter sets."""

    id: str
    label: str
    note: str
    text: Mapping[str, Any]
    sets: Mapping[str, ParameterSet]
    file: str = ""

    @property
    def default(self) -> ParameterSet:
        """The set used unless a scenario names another."""
        return next((s for s in self.sets.values() if s.default), next(iter(self.sets.values())))


def effect_name(value: Value) -> str:
    """The name of a number's random effect: the one it shares, or its own key."""
    return (value.between_subject and value.between_subject.shared) or value.key


def values(entry: Any) -> Iterator[Value]:
    """Every Number and Derived inside an entry, in the order of its file.

    Examples
    --------
    >>> link = SiteLink("venous", "first-order", Number(0.2, "1/min", "assumed", "x2000", key="d.k"))
    >>> [v.key for v in values(link)]
    ['d.k']
    """
    if isinstance(entry, Number | Derived):
        yield entry
    elif isinstance(entry, Mapping):
        for part in entry.values():
            yield from values(part)
    elif isinstance(entry, tuple):
        for part in entry:
            yield from values(part)
    elif is_dataclass(entry):
        for part in fields(entry):
            yield from values(getattr(entry, part.name))
