"""From a scenario to a system: choose the kinetic models, gather the modules, compose what the outputs need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from racemate.effects import add_effects
from racemate.errors import RacemateError, unknown
from racemate.library.entries import KineticModel, Product
from racemate.library.library import Library
from racemate.model import Expr, Model, System, compose
from racemate.pharmacokinetics import add_kinetics
from racemate.scenario import Scenario
from racemate.targets import add_targets

SITES = ("arterial", "venous")
ENANTIOMERS = ("s-", "r-")
EFFECTS = ("analgesia", "analgesia.score-change", "ventilation")


@dataclass(frozen=True)
class Assembly:
    """The model of a scenario before composition, and what was chosen for it."""

    model: Model
    products: dict[str, Product]
    kinetics: dict[str, KineticModel]  # by drug
    library: Library

    def compose(self, outputs: Iterable[str]) -> System:
        """The smallest system that yields the outputs."""
        wanted = tuple(outputs)
        for name in wanted:
            self._check_site(name)
        return compose(self.model, wanted)

    def _check_site(self, name: str) -> None:
        """The other sampling site without a link is an error that says why, not an unknown name."""
        site, _, rest = name.partition(".")
        offers = self.model.offers
        if site not in SITES or name in offers:
            return
        for other in SITES:
            if f"{other}.{rest}" in offers:
                raise RacemateError(
                    f"no {site} concentration of {rest}: its kinetic model was built on {other} samples, "
                    "and no link between the two is published",
                    fix=f"ask for '{other}.{rest}', or choose another kinetic model",
                )

    @property
    def given(self) -> list[str]:
        """The substances that are dosed."""
        return list(dict.fromkeys(c.substance for p in self.products.values() for c in p.composition))


def assemble(scenario: Scenario, library: Library) -> Assembly:
    """Gather every module a scenario can use; nothing is computed and nothing compiled yet.

    Raises
    ------
    RacemateError
        For a route a drug has no data for (naming those it has) or an unknown kinetic model.
    """
    if scenario.regimen.rules:
        raise RacemateError(
            "rules that act on an effect ('when ...') cannot be simulated yet",
            where=str(scenario.regimen.rules[0]),
            fix="give the dose at a fixed time, such as 'at 5 min'",
        )
    products = {d.product: library.product(d.product) for d in scenario.regimen.doses if d.product}
    routes = _routes(scenario, library, products)
    kinetics = {drug: choose_model(scenario, library, products, drug, used) for drug, used in routes.items()}
    model = Model()
    for drug, kinetic in kinetics.items():
        add_kinetics(model, library, kinetic, routes[drug])
    substances = [s for k in kinetics.values() for s in k.disposition]
    _add_totals(model, library, substances)
    add_targets(model, library, substances)
    add_effects(model, library, kinetics.values(), scenario.models)
    return Assembly(model, products, kinetics, library)


def _routes(scenario: Scenario, library: Library, products: dict[str, Product]) -> dict[str, list[str]]:
    """Each drug (by the file that holds the substance) and the routes by which it is given."""
    routes: dict[str, list[str]] = {}
    for dose in scenario.regimen.doses:
        if not dose.product:
            continue
        for component in products[dose.product].composition:
            used = routes.setdefault(library.substances[component.substance].drug, [])
            if dose.route not in used:
                used.append(dose.route)
    return routes


def choose_model(
    scenario: Scenario, library: Library, products: dict[str, Product], drug: str, routes: list[str]
) -> KineticModel:
    """The kinetic model the scenario names, or the first that serves all its routes (their default before others)."""
    models = library.drugs[drug].kinetics
    members = set(library.drugs[drug].substances)
    for name, wanted in scenario.models.items():
        if name in library.effects:
            continue
        product = library.product(name)
        if {c.substance for c in product.composition} & members or product.drug == drug:
            if wanted not in models:
                raise unknown(f"kinetic model of {name}", wanted, models)
            return _serving(drug, [models[wanted]], routes)
    given = set(routes)
    ordered = sorted(models.values(), key=lambda k: (not given <= set(k.default_for), not k.default))
    for product in products.values():
        for component in product.composition:
            if component.substance in members and component.substance in product.kinetics:
                preferred = models[product.kinetics[component.substance]]
                ordered.sort(key=lambda k: k is not preferred)
    return _serving(drug, ordered, routes)


def _serving(drug: str, models: list[KineticModel], routes: list[str]) -> KineticModel:
    for kinetic in models:
        if set(routes) <= set(kinetic.routes):
            return kinetic
    served = {r for k in models for r in k.routes}
    missing = [r for r in routes if r not in served]
    if missing:
        raise RacemateError(
            f"no kinetic data for {drug} by the route '{missing[0]}'",
            fix=f"routes with data: {', '.join(sorted(served))}",
        )
    each = "; ".join(f"{k.name}: {', '.join(k.routes)}" for k in models)
    raise RacemateError(f"no one model of {drug} serves {' and '.join(routes)} together", fix=f"models are {each}")


def _add_totals(model: Model, library: Library, substances: list[str]) -> None:
    """Racemic totals: ``arterial.ketamine`` is the sum of ``arterial.s-ketamine`` and ``arterial.r-ketamine``."""
    m = model.module("racemic totals")
    for name in substances:
        stem = name.removeprefix("s-")
        pair = [prefix + stem for prefix in ENANTIOMERS]
        if stem == name or not set(pair) <= set(substances):
            continue
        mass = library.substances[name].molar_mass.value
        for place in (*SITES, "effect-site"):
            for tail in ("", ".free"):
                parts = [f"{place}.{p}{tail}" for p in pair]
                if not set(parts) <= set(model.offers):
                    continue
                total: Expr = m.read(parts[0], "nmol/L") + m.read(parts[1], "nmol/L")
                label = f"{place} {stem}" + (", unbound" if tail else "")
                m.offer(f"{place}.{stem}{tail}", total, "nmol/L", label=label, molar_mass=mass)


def default_outputs(assembly: Assembly) -> list[str]:
    """What most people want to see: concentrations of what was given, occupancies, and the effects that exist."""
    offers = assembly.model.offers
    names: list[str] = []
    given = assembly.given
    stems = [s.removeprefix("s-") for s in given if s.startswith("s-") and "r-" + s.removeprefix("s-") in given]
    shown = [*stems, *(s for s in given if s[2:] not in stems or s[:2] not in ENANTIOMERS)]
    for substance in shown:
        names += [f"{site}.{substance}" for site in SITES if f"{site}.{substance}" in offers]
    names += [n for n in ("block.nmda", "occupancy.mu", "activation.mu", *EFFECTS) if n in offers]
    return names
