"""From doses as people write them to the records an engine runs, with every patient's own amounts and times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from racemate.engine.interpreter import at_parameters
from racemate.engine.problem import Array, Kind, Schedule
from racemate.errors import RacemateError
from racemate.library.entries import Product
from racemate.library.library import Library
from racemate.model.system import Pathway, System
from racemate.regimen import Amount, Dose
from racemate.units import parse_unit

NMOL_PER_MMOL = 1e6
Record = tuple[Array | float, Array | float, Array | float, int, Kind, int]


@dataclass(frozen=True)
class Arrival:
    """One pathway of one dose, for every patient: how much enters which state, when, over how long."""

    pathway: Pathway
    time: Array
    amount: Array
    duration: Array
    interval: float
    count: int

    def records(self) -> list[Record]:
        """A bolus is one record; an infusion is a rate that starts and a rate that stops."""
        if not np.any(self.duration > 0):
            return [(self.time, self.interval, self.amount, self.count, Kind.ADD_STATE, self.pathway.state)]
        rate = self.amount / self.duration
        return [
            (self.time, self.interval, rate, self.count, Kind.ADD_INPUT, self.pathway.input),
            (self.time + self.duration, self.interval, -rate, self.count, Kind.ADD_INPUT, self.pathway.input),
        ]


@dataclass(frozen=True)
class Dosing:
    """Turns doses into arrivals for the patients of a batch."""

    system: System
    library: Library
    products: dict[str, Product]
    parameters: Array  # (n, P)
    weight: Array  # (n,)

    def arrivals(self, dose: Dose) -> list[Arrival]:
        """Every pathway by which a dose enters, of every substance in the product."""
        product = self.products[dose.product]
        found = []
        for component in product.composition:
            target = self.system.targets.get(f"{component.substance}/{dose.route}")
            given = nmol(self.library, product, dose_amount(dose), self.weight) * component.fraction
            for pathway in target.pathways if target else ():
                found.append(self._arrival(dose, pathway, given))
        return found

    def _arrival(self, dose: Dose, pathway: Pathway, given: Array) -> Arrival:
        fraction, lag = self._at(pathway.fraction), self._at(pathway.lag)
        amount = given * fraction
        duration = np.full(len(given), dose.duration)
        # a patch is its nominal rate times the time worn, put into the skin depot at once: the model says how it leaves
        if dose.mode in ("bolus", "patch", "modelled-duration", "modelled-rate"):
            duration = self._modelled(dose, pathway, amount)
        elif dose.mode == "infusion" and dose.rate is not None:
            duration = duration * fraction  # a fixed rate: bioavailability shortens the infusion
        return Arrival(pathway, dose.time + lag, amount, duration, dose.interval, dose.count)

    def _modelled(self, dose: Dose, pathway: Pathway, amount: Array) -> Array:
        """The duration of a zero-order pathway; 0 for one that takes a bolus at once."""
        if pathway.duration is not None and dose.mode != "modelled-rate":
            return self._at(pathway.duration)
        if pathway.rate is not None and dose.mode != "modelled-duration":
            return amount / self._at(pathway.rate)
        if dose.mode in ("bolus", "patch"):
            return np.zeros(len(amount))
        what = f"'{dose.label}' asks for a {dose.mode.replace('-', ' ')}, which the model does not have"
        raise RacemateError(what, where=f"{dose.product} {dose.route}", fix="a model with a zero-order pathway")

    def _at(self, node: int) -> Array:
        return at_parameters(self.system, [node], self.parameters)[:, 0]


def nmol(library: Library, product: Product, amount: Amount, weight: Array) -> Array:
    """The amount of substance in a dose of a product, for patients of the given weights (kg)."""
    unit = parse_unit(amount.unit)
    value = amount.value * unit.factor * (weight if amount.per else np.ones_like(weight))
    if unit.dimension == parse_unit("nmol").dimension:
        return np.asarray(value)
    mass = sum(c.fraction * library.substances[c.substance].molar_mass.value for c in product.composition)
    return np.asarray(value * product.salt_factor.value / mass * NMOL_PER_MMOL)


def dose_amount(dose: Dose) -> Amount:
    """The whole amount of one dose; of a constant infusion, what it gives in a minute."""
    if dose.amount is not None:
        return dose.amount
    assert dose.rate is not None
    return dose.rate.times(1.0 if dose.mode == "constant" else dose.duration)


def schedule(dosing: Dosing, doses: Sequence[Dose]) -> Schedule:
    """The dosing records of a batch, in the order in which ties happen."""
    records: list[Record] = []
    for dose in doses:
        if dose.reset:
            records = [r for record in records for r in _until(record, dose.time)]
            records.append((dose.time, 0.0, 0.0, 1, Kind.RESET, 0))
        if dose.steady_state:
            from racemate.simulation.steady_state import steady_state_records

            records += steady_state_records(dosing, dose)
        if dose.product and dose.mode != "constant":
            for arrival in dosing.arrivals(dose):
                records += arrival.records()
    return Schedule.of(records)


def _until(record: Record, time: float) -> list[Record]:
    """A record cut off by a reset: what would happen at or after it does not, and a running infusion has stopped."""
    start, interval, value, count, kind, index = record
    start = np.asarray(start, float)
    if kind == Kind.RESET:
        return [record]
    kept: list[Record] = []
    for k in range(count):
        at = start + k * np.asarray(interval, float)
        if np.any(at < time):
            kept.append((at, 0.0, np.where(at < time, value, 0.0), 1, kind, index))
    return kept
