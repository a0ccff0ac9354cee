"""The loaded library: everything by name, every number by its dotted key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from racemate.errors import RacemateError, unknown
from racemate.library.bibliography import Reference
from racemate.library.entries import (
    Binding,
    Drug,
    Effect,
    EffectSite,
    KineticModel,
    Product,
    Substance,
    Target,
    Value,
    values,
)
from racemate.provenance import KINDS, Number


@dataclass(frozen=True, slots=True)
class Library:
    """What is known of drugs, targets and effects, with the source of every number.

    Parameters
    ----------
    drugs, targets, effects : mapping
        By id.
    references : mapping
        By key.

    Examples
    --------
    >>> from racemate.library import load
    >>> library = load()
    >>> library.product("Ketamine").name
    'ketamine'
    """

    drugs: Mapping[str, Drug]
    targets: Mapping[str, Target]
    effects: Mapping[str, Effect]
    references: Mapping[str, Reference]
    products: Mapping[str, Product] = field(init=False)
    substances: Mapping[str, Substance] = field(init=False)
    _values: tuple[Value, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        products: dict[str, Product] = {}
        for drug in self.drugs.values():
            for product in drug.products.values():
                products[product.name] = product
        for product in list(products.values()):
            for alias in product.aliases:
                products.setdefault(alias.lower(), product)
        substances = {name: s for drug in self.drugs.values() for name, s in drug.substances.items()}
        object.__setattr__(self, "products", products)
        object.__setattr__(self, "substances", substances)
        object.__setattr__(self, "_values", tuple(values((self.drugs, self.targets, self.effects))))

    def product(self, name: str) -> Product:
        """A product by its name or an alias, in any case."""
        found = self.products.get(name) or self.products.get(name.lower())
        if found is None:
            raise unknown("drug", name, self.products)
        return found

    def substance(self, name: str) -> Substance:
        """A substance by its name."""
        if name not in self.substances:
            raise unknown("substance", name, self.substances)
        return self.substances[name]

    def target(self, name: str) -> Target:
        """A target by its id or an alias."""
        for target in self.targets.values():
            if name == target.id or name.lower() in (a.lower() for a in target.aliases):
                return target
        raise unknown("target", name, self.targets)

    def effect(self, name: str) -> Effect:
        """An effect by its id."""
        if name not in self.effects:
            raise unknown("effect", name, self.effects)
        return self.effects[name]

    def reference(self, key: str) -> Reference:
        """A reference by its key."""
        if key not in self.references:
            raise unknown("source", key, self.references)
        return self.references[key]

    def models(self, substance: str) -> dict[str, KineticModel]:
        """The kinetic models that hold a substance, by name, defaults first, intravenous ones before the rest."""
        self.substance(substance)
        found = [m for d in self.drugs.values() for m in d.kinetics.values() if substance in m.substances]
        return {m.name: m for m in sorted(found, key=lambda m: (not m.default_for, "iv" not in m.default_for))}

    def model(self, substance: str, name: str | None = None, routes: Collection[str] = ()) -> KineticModel:
        """The kinetic model of a substance: the named one, or the default for all the given routes.

        One substance has one disposition: when its routes have different defaults, the first model (a default
        before others) that serves all of them is taken.

        Raises
        ------
        RacemateError
            If the name is not known or no model serves all the routes.
        """
        models = self.models(substance)
        if name is not None and name not in models:
            raise unknown(f"kinetic model of {substance}", name, models)
        found = [models[name]] if name is not None else list(models.values())
        wanted = set(routes)
        serving = [m for m in found if wanted <= set(m.routes)]
        for model in serving:
            if (model.default_for and not wanted) or (wanted and wanted <= set(model.default_for)):
                return model
        if serving and (name is not None or wanted):
            return serving[0]
        asked = f" given {' and '.join(sorted(wanted))}" if wanted else " by default"
        served = "; ".join(f"{m.name}: {', '.join(m.routes)}" for m in found)
        raise RacemateError(
            f"no kinetic model of '{substance}'{asked}", fix=f"routes served: {served}" if served else None
        )

    def effect_site(self, substance: str) -> EffectSite | None:
        """The receptor biophase of a substance, where one is known."""
        return next((d.effect_site[substance] for d in self.drugs.values() if substance in d.effect_site), None)

    def ligands(self, target: str) -> dict[str, Binding]:
        """Every substance with a constant at a target."""
        if target not in self.targets:
            raise unknown("target", target, self.targets)
        return {s: b for d in self.drugs.values() for s, b in d.binding.get(target, {}).items()}

    def catalogue(self) -> dict[str, dict[str, str]]:
        """The names the dosing language may use: ``{"products": {name or alias: name}}``."""
        return {"products": {name: product.name for name, product in self.products.items()}}

    def values(self) -> Iterator[Value]:
        """Every number and every derived value."""
        yield from self._values

    def numbers(self) -> dict[str, Number]:
        """Every sourced number by its dotted key.

        Examples
        --------
        >>> from racemate.library import load
        >>> all(number.source for number in load().numbers().values())
        True
        """
        return {value.key: value for value in self._values if isinstance(value, Number)}

    def find_number(self, suffix: str) -> Number:
        """The number whose dotted key is, or alone ends with, ``suffix``.

        Raises
        ------
        RacemateError
            If no key or more than one ends so; the candidates are named.
        """
        numbers = self.numbers()
        if suffix in numbers:
            return numbers[suffix]
        found = [key for key in numbers if key.endswith("." + suffix)]
        if len(found) == 1:
            return numbers[found[0]]
        if found:
            shown = "\n".join(found[:8]) + ("\n..." if len(found) > 8 else "")
            raise RacemateError(
                f"'{suffix}' names {len(found)} numbers", fix=f"write more of the key, one of:\n{shown}"
            )
        raise unknown("number", suffix, _endings(numbers, suffix.count(".") + 1))

    def counts_by_kind(self) -> dict[str, int]:
        """How many numbers are measured, estimated, calibrated and assumed."""
        counts = Counter(number.kind for number in self.numbers().values())
        return {kind: counts[kind] for kind in KINDS}


def _endings(keys: Mapping[str, Any], parts: int) -> set[str]:
    """The keys, and their last ``parts`` parts, so that a suggestion is as long as what was asked for."""
    endings = {".".join(key.split(".")[-parts:]) for key in keys}
    return reduce(set.union, ({key} for key in keys), endings)
