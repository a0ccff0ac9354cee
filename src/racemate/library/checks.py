"""What no single file can know: that names, sources and models of the whole library fit together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from racemate.errors import RacemateError, unknown
from racemate.library.attributes import covariate_names
from racemate.library.covariances import covariance_factor
from racemate.library.entries import Drug, Effect, KineticModel, ParameterSet, Substance, Target, effect_name, values
from racemate.provenance import Derived, Number, Spread
from racemate.units import describe, parse_unit

PLACES = ("central", "portal", "metabolite:SUBSTANCE", "formation:SUBSTANCE")
BODY = ("weight", "height", "age", "female", "male", "bmi", "bsa", "lbm", "ffm", "egfr")
COVARIATES = (*BODY, *covariate_names())
SETTLED_BY_A_DOSE = ("F", "lag", "duration", "rate")  # what is settled when a dose is given, so that its size may enter
SITES = ("arterial", "venous", "effect-site")
_LEVEL, _RATE, _PURE = ("nmol/L", "mg/L"), ("1/min",), ("1",)
ROLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ligands": {
        "c50": _LEVEL, "c_point": _LEVEL, "gamma": _PURE, "emax": _PURE, "ke0": _RATE, "koff": _RATE,
        "kon": ("1/(nmol/L)/min", "1/(mg/L)/min"),
    },
    "antagonists": {"c50": _LEVEL, "gamma": _PURE, "ke0": _RATE},
    "modifiers": {"c_double": _LEVEL, "share": _PURE, "gamma": _PURE, "ke0": _RATE},
    "drivers": {"e50": _PURE, "gamma": _PURE, "emax": _PURE},
}  # fmt: skip
"""What the numbers of an effect's set may be called, by the table they stand in, and in which units."""

Where = Callable[[str, str], str]  # (file, dotted path inside it) -> place for an error


@dataclass(frozen=True, slots=True)
class Names:
    """Every name of the library that another file may refer to."""

    substances: Mapping[str, Substance]
    targets: Collection[str]
    references: Collection[str]
    calibrations: Collection[str] | None


def check_drug(drug: Drug, names: Names, where: Where) -> Iterator[RacemateError]:
    """Everything in a drug file that refers to something else."""
    own = _At(drug.file, where)
    for product in drug.products.values():
        path = f"products.{product.name}"
        for component in product.composition:
            yield from own.known("substance", component.substance, names.substances, f"{path}.composition")
        for reach in product.ranges.values():
            yield from own.source(reach.source, names, f"{path}.range.{reach.route}.source")
    for model in drug.kinetics.values():
        yield from _check_model(model, names, own)
    for name in drug.effect_site:
        yield from own.known("substance", name, names.substances, f"effect_site.{name}")
    for target, ligands in drug.binding.items():
        yield from own.known("target", target, names.targets, f"binding.{target}")
        for name, binding in ligands.items():
            path = f"binding.{target}.{name}"
            yield from own.known("substance", name, names.substances, path)
            if (
                binding.concentration == "free"
                and name in names.substances
                and not names.substances[name].fraction_unbound
            ):
                yield own.error(
                    f"the free concentration of '{name}' is not known",
                    path,
                    f"add fraction_unbound to [substances.{name}], or write concentration = 'total'",
                )
    for value in values((drug.products, drug.substances, drug.effect_site, drug.binding)):
        yield from own.value(value, names, ())
    for model in drug.kinetics.values():
        given: list[str] = []
        for name, value in model.parameters.items():  # each may use those before it, so nothing goes in a circle
            yield from own.value(value, names, given)
            given.append(name)
        for value in values(replace(model, parameters={})):
            yield from own.value(value, names, given)


def _check_model(model: KineticModel, names: Names, own: _At) -> Iterator[RacemateError]:
    path = f"kinetics.{model.name}"
    yield from own.source(model.source, names, f"{path}.source")
    for link in model.site_link.values():
        if link.source:
            yield from own.source(link.source, names, f"{path}.site_link.{link.site}.source")
        if link.site == model.site:
            yield own.error(f"the model is {model.site} itself", f"{path}.site_link.{link.site}", "link the other site")
    for name in model.substances:
        yield from own.known("substance", name, names.substances, f"{path}.substances")
        if name not in model.disposition:
            yield own.error(f"'{name}' has no disposition", path, f"add [{path}.disposition.{name}]")
    for name, disposition in model.disposition.items():
        yield from own.known("substance", name, model.substances, f"{path}.disposition.{name}")
        if not {"CL", "Vmax"} & set(disposition.parameters) and name not in model.portal:
            yield own.error(
                f"nothing eliminates '{name}'", f"{path}.disposition.{name}", "add CL, Vmax and Km, or a portal"
            )
    for parent in model.disposition:
        parts = [f.fraction for f in model.formation if f.parent == parent]
        total = sum(f.value * f.factor for f in parts if isinstance(f, Number))
        if total > 1 + 1e-9:
            yield own.error(f"{total:g} of '{parent}' becomes metabolites", f"{path}.formation", "at most 1 can")
    for formation in model.formation:
        yield from own.known("substance", formation.parent, model.substances, f"{path}.formation")
        yield from own.known("substance", formation.metabolite, names.substances, f"{path}.formation")
    for name, portal in model.portal.items():
        yield from own.known("substance", name, model.substances, f"{path}.portal.{name}")
        if portal.metabolite:
            yield from own.known("substance", portal.metabolite, names.substances, f"{path}.portal.{name}.metabolite")
    for name in model.effect_site:
        yield from own.known("substance", name, model.substances, f"{path}.effect_site.{name}")
    for route in model.default_for:
        yield from own.known("route", route, model.routes, f"{path}.default")
    yield from _check_absorption(model, path, names, own)
    numbers = [v for v in values(model) if v.between_subject is not None]
    for correlation in model.correlations:
        for end in (correlation.a, correlation.b):
            if end not in map(effect_name, numbers):
                known = [v.key.removeprefix(f"{model.drug}.{path}.") for v in numbers]
                yield own.unknown("random effect", end, known, f"{path}.correlations")
    yield from _check_covariances(model, path, own)


def _check_covariances(model: KineticModel, path: str, own: _At) -> Iterator[RacemateError]:
    """Random effects whose correlations no people can have."""
    spreads = {effect_name(v): v.between_subject.sigma for v in values(model) if v.between_subject is not None}
    pairs = [(c.a, c.b, c.covariance) for c in model.correlations if {c.a, c.b} <= spreads.keys()]
    if pairs:
        try:
            covariance_factor(spreads, pairs)
        except RacemateError as error:
            yield own.error(error.what, f"{path}.correlations", error.fix or "")


def _check_absorption(model: KineticModel, path: str, names: Names, own: _At) -> Iterator[RacemateError]:
    for route in model.routes:
        if route != "iv" and route not in model.absorption:
            yield own.error(f"route '{route}' has no absorption", path, f"add [{path}.absorption.{route}.SUBSTANCE]")
    for route, by_substance in model.absorption.items():
        here = f"{path}.absorption.{route}"
        yield from own.known("route", route, model.routes, here)
        for name, pathways in by_substance.items():
            yield from own.known("substance", name, model.substances, f"{here}.{name}")
            for pathway in pathways:
                into, _, metabolite = pathway.into.partition(":")
                if into == "portal" and name not in model.portal:
                    yield own.error(f"'{name}' has no portal", f"{here}.{name}", f"add [{path}.portal.{name}]")
                elif into == "metabolite":
                    yield from own.known("substance", metabolite, names.substances, f"{here}.{name}")
                elif into == "formation":
                    formed = [f.metabolite for f in model.formation]
                    yield from own.known("formation", metabolite, formed, f"{here}.{name}")
                elif into not in ("central", "portal"):
                    yield own.unknown("place", pathway.into, PLACES, f"{here}.{name}")


def check_target(target: Target, names: Names, where: Where) -> Iterator[RacemateError]:
    """The numbers of a target file."""
    own = _At(target.file, where)
    for value in values(target.numbers):
        yield from own.value(value, names, _first_level(target.numbers))


def check_effect(effect: Effect, names: Names, where: Where) -> Iterator[RacemateError]:
    """The sets of an effect file: sources, ligands, one default."""
    own = _At(effect.file, where)
    defaults = [s.name for s in effect.sets.values() if s.default]
    if len(defaults) > 1:
        yield own.error(f"the sets {' and '.join(defaults)} are both default", "sets", "keep one default = true")
    elif not defaults and len(effect.sets) > 1:
        yield own.error("no set is the default", "sets", "write default = true in one of them")
    for chosen in effect.sets.values():
        yield from _check_set(chosen, names, own)


def _check_set(chosen: ParameterSet, names: Names, own: _At) -> Iterator[RacemateError]:
    path = f"sets.{chosen.name}"
    yield from own.source(chosen.source, names, f"{path}.source")
    if chosen.site:
        yield from own.known("site", chosen.site, SITES, f"{path}.site")
    for group, meanings in ROLES.items():
        for name, entry in chosen.numbers.get(group, {}).items():
            here = f"{path}.{group}.{name}"
            if group != "drivers":
                yield from own.known("substance", name, names.substances, here)
            for role, value in entry.items() if isinstance(entry, Mapping) else ():
                yield from _check_role(role, value, meanings, f"{here}.{role}", own)
        for name, words in chosen.text.get(group, {}).items():
            here = f"{path}.{group}.{name}"
            if "site" in words:
                yield from own.known("site", words["site"], SITES, f"{here}.site")
            for other in words.get("acts_on", ()):
                yield from own.known("ligand", other, chosen.numbers.get("ligands", {}), f"{here}.acts_on")
    scope = _first_level(chosen.numbers)
    for value in values(chosen.numbers):
        yield from own.value(value, names, scope)


def _check_role(
    role: str, value: Any, meanings: Mapping[str, tuple[str, ...]], path: str, own: _At
) -> Iterator[RacemateError]:
    """A number of a ligand has a name that means something and a unit that fits it."""
    yield from own.known("key", role, meanings, path)
    wanted = meanings.get(role, ())
    if wanted and not isinstance(value, Mapping):
        dimension = parse_unit(value.unit).dimension
        if dimension not in [parse_unit(unit).dimension for unit in wanted]:
            what = f"{role} cannot be in '{value.unit}', which is {describe(dimension)}"
            yield own.error(what, path, f"give it in {' or '.join(wanted)}")


def check_library(drugs: Iterable[Drug], where: Where) -> Iterator[RacemateError]:
    """Names given twice, and one default kinetic model for every substance that is given."""
    products: dict[str, str] = {}
    substances: dict[str, str] = {}
    models: dict[str, list[tuple[KineticModel, Drug]]] = {}
    drugs = list(drugs)
    for drug in drugs:
        own = _At(drug.file, where)
        for product in drug.products.values():
            for name in {n.lower() for n in (product.name, *product.aliases)}:
                if products.setdefault(name, product.name) != product.name:
                    other = products[name]
                    yield own.error(
                        f"'{name}' already means the product '{other}'", f"products.{product.name}", "take another name"
                    )
        for substance in drug.substances:
            if substances.setdefault(substance, drug.id) != drug.id:
                yield own.error(
                    f"'{substance}' is already in {substances[substance]}", f"substances.{substance}", "keep one"
                )
        for model in drug.kinetics.values():
            for substance in model.substances:
                models.setdefault(substance, []).append((model, drug))
    yield from _check_shared(drugs, where)
    for substance, found in models.items():
        yield from _check_defaults(substance, found, where)
    for drug in drugs:
        yield from _check_given(drug, models, _At(drug.file, where))


def _check_shared(drugs: Iterable[Drug], where: Where) -> Iterator[RacemateError]:
    """Numbers that share one random effect must agree on how large it is."""
    first: dict[tuple[str, str], tuple[str, Spread]] = {}
    for drug in drugs:
        for value in values(drug):
            for name in ("between_subject", "between_occasion"):
                spread = getattr(value, name)
                if spread is None or spread.shared is None:
                    continue
                other, known = first.setdefault((name, spread.shared), (value.key, spread))
                if spread != known:
                    path = f"{value.key.partition('.')[2]}.{name}"
                    what = f"the random effect '{spread.shared}' has another size in {other}"
                    yield _At(drug.file, where).error(what, path, "give both the same spread, or another name")


def _check_defaults(substance: str, models: list[tuple[KineticModel, Drug]], where: Where) -> Iterator[RacemateError]:
    """At most one default model of a substance for a route."""
    first: dict[str, str] = {}
    for model, drug in models:
        for route in model.default_for:
            if route in first:
                what = f"'{substance}' given {route} has two default models: {first[route]} and {model.name}"
                fix = f"keep one default = true, or name routes: default = ['{model.routes[0]}']"
                yield _At(drug.file, where).error(what, f"kinetics.{model.name}.default", fix)
                break
            first[route] = model.name


def _check_given(
    drug: Drug, models: Mapping[str, list[tuple[KineticModel, Drug]]], own: _At
) -> Iterator[RacemateError]:
    for product in drug.products.values():
        path = f"products.{product.name}"
        for component in product.composition:
            here = models.get(component.substance, [])
            if not any(m.default for m, _ in here):
                yield own.error(
                    f"no kinetic model of '{component.substance}' is the default",
                    f"{path}.composition",
                    "write default = true in one of its models"
                    if here
                    else "add a [kinetics.NAME] with its disposition",
                )
        for substance, name in product.kinetics.items():
            yield from own.known(
                "substance", substance, [c.substance for c in product.composition], f"{path}.kinetics.{substance}"
            )
            yield from own.known(
                "model", name, [m.name for m, _ in models.get(substance, [])], f"{path}.kinetics.{substance}"
            )


@dataclass(frozen=True, slots=True)
class _At:
    """Makes the errors of one file."""

    file: str
    where: Where

    def error(self, what: str, path: str, fix: str | None = None) -> RacemateError:
        return RacemateError(what, where=self.where(self.file, path), fix=fix)

    def unknown(self, kind: str, name: str, known: Iterable[str], path: str) -> RacemateError:
        return unknown(kind, name, known, where=self.where(self.file, path))

    def known(
        self, kind: str, name: str, known: Collection[str] | Mapping[str, Any], path: str
    ) -> Iterator[RacemateError]:
        if name not in known:
            yield self.unknown(kind, name, known, path)

    def source(self, source: str, names: Names, path: str) -> Iterator[RacemateError]:
        if source.startswith("calibration:"):
            name = source.removeprefix("calibration:")
            if names.calibrations is not None and name not in names.calibrations:
                yield self.unknown("calibration", name, names.calibrations, path)
        elif source not in names.references:
            yield self.unknown("source", source, names.references, path)

    def value(self, value: Number | Derived, names: Names, scope: Collection[str]) -> Iterator[RacemateError]:
        path = value.key.partition(".")[2]
        if isinstance(value, Number):
            yield from self.source(value.source, names, f"{path}.source")
        expression = value.covariates if isinstance(value, Number) else value.expression
        for name in expression.names if expression else ():
            if name == "dose" and name not in scope:
                if ".absorption." not in value.key or value.key.rpartition(".")[2] not in SETTLED_BY_A_DOSE:
                    yield self.error(
                        "the size of a dose is not known here", path, f"only in {', '.join(SETTLED_BY_A_DOSE)}"
                    )
            elif name not in COVARIATES and name not in scope:
                yield self.unknown("name", name, [*COVARIATES, *scope], path)
            elif name == value.key.rpartition(".")[2] and name in scope:
                yield self.error(f"'{name}' is computed from itself", path)


def _first_level(numbers: Mapping[str, Any]) -> list[str]:
    return [name for name, value in numbers.items() if isinstance(value, Number)]
