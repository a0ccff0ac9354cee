"""Context-sensitive half-time: how long after an infusion that held the plasma level until half of it is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from racemate.engine.interpreter import at_parameters, function
from racemate.errors import RacemateError
from racemate.library import load
from racemate.people import Patient
from racemate.scenario import Scenario, minutes
from racemate.simulation.assemble import SITES, Assembly, assemble

Floats = NDArray[np.float64]
Time = str | float
RTOL = 1e-9
LONGEST = 365.25 * 1440  # min: what has not fallen after a year is not called a half-time


@overload
def context_sensitive_half_time(
    drug: str,
    duration: Time,
    *,
    site: str = ...,
    fraction: float = ...,
    patient: str | Patient | None = ...,
    model: str | None = ...,
    concentration: float = ...,
) -> float: ...
@overload
def context_sensitive_half_time(
    drug: str,
    duration: list[str] | list[float] | tuple[Time, ...],
    *,
    site: str = ...,
    fraction: float = ...,
    patient: str | Patient | None = ...,
    model: str | None = ...,
    concentration: float = ...,
) -> Floats: ...
def context_sensitive_half_time(
    drug: str,
    duration: Time | list[str] | list[float] | tuple[Time, ...],
    *,
    site: str = "plasma",
    fraction: float = 0.5,
    patient: str | Patient | None = None,
    model: str | None = None,
    concentration: float = 1.0,
) -> float | Floats:
    """The time for a concentration to fall by half after an infusion that held plasma constant (Hughes 1992).

    Parameters
    ----------
    drug : str
        A product of the library.
    duration : str, float or a sequence of them
        How long plasma was held: ``"3 h"`` or min, above zero.
    site : {"plasma", "effect-site", "arterial", "venous"}
        Where to wait for the fall; ``plasma`` is the site the kinetic model was built on.
    fraction : float
        The part that is left when the waiting ends.
    patient : str or Patient, optional
        To whom; the typical one of the model, without random effects.
    model : str, optional
        The kinetic model.
    concentration : float, nmol/L
        The level that is held; of no consequence in a linear model.

    Returns
    -------
    float or ndarray, min
        NaN where it has not fallen so far within a year.

    Raises
    ------
    RacemateError
        For an unknown drug, site or model, or a duration that is not positive.

    Notes
    -----
    Hughes, Glass and Jacobs 1992, Anesthesiology 76:334-341.

    Examples
    --------
    >>> short, long = context_sensitive_half_time("remifentanil", ["10 min", "8 h"])
    >>> bool(long - short < 2), bool(1 < short < 5)
    (True, True)
    """
    times = [minutes(t, "duration") for t in ([duration] if isinstance(duration, str | float | int) else duration)]
    if not times or min(times) <= 0 or not 0 < fraction < 1 or not concentration > 0:
        fix = "a duration above zero, a fraction between 0 and 1"
        raise RacemateError("a half-time needs an infusion and a fall", where=drug, fix=fix)
    held = _Held.of(drug, site, patient, model)
    states = held.hold(concentration, times)
    found = np.array([held.wait(state, fraction) for state in states])
    return float(found[0]) if isinstance(duration, str | float | int) else found


@dataclass(frozen=True)
class _Held:
    """The kinetic system of one drug in one person, with the level to hold and the level to wait for."""

    rates: Callable[[Floats], Floats]
    plasma: Callable[[Floats], float]
    waited: Callable[[Floats], float]
    initial: Floats
    into: Floats  # what one unit of infusion adds to each state
    scale: Floats

    @classmethod
    def of(cls, drug: str, site: str, patient: str | Patient | None, model: str | None) -> _Held:
        scenario = Scenario.of(f"{drug} 1 mg iv", patient=patient, model={drug: model} if model else None)
        assembly = assemble(scenario, load())
        plasma, waited = _outputs(assembly, site)
        system = assembly.compose(dict.fromkeys((plasma, waited)))
        p = np.array([x.value for x in system.parameters])
        for name, value in scenario.people.covariates.items():
            if f"covariate.{name}" in system.parameter_index:
                p[system.parameter_index[f"covariate.{name}"]] = value
        u = np.array([x.initial for x in system.inputs], float)
        (product,) = assembly.products.values()
        into = np.zeros(len(system.states))
        for component in product.composition:
            into[system.state_index[f"amount.{component.substance}.central"]] = component.fraction
        of_rates = function(system.graph, [s.rate for s in system.states])

        def reader(name: str) -> Callable[[Floats], float]:
            read = function(system.graph, [o.node for o in system.outputs if o.name == name])
            return lambda y: float(read(0.0, y, p, u)[0])

        nodes = [[s.initial for s in system.states], [s.scale for s in system.states]]
        initial, scale = (at_parameters(system, each, p[None])[0] for each in nodes)
        rates = lambda y: np.asarray(of_rates(0.0, y, p, u), float)  # noqa: E731 - a closure over the person
        return cls(rates, reader(plasma), reader(waited), initial, into, scale)

    def hold(self, level: float, times: Sequence[float]) -> list[Floats]:
        """The states after plasma was held at a level for each of these times (min)."""
        from scipy.integrate import solve_ivp

        gain = self.plasma(self.into) - self.plasma(np.zeros_like(self.into))
        zero = self.plasma(np.zeros_like(self.into))

        def held(_: float, y: Floats) -> Floats:
            free = self.rates(y)
            return free - self.into * (self.plasma(free) - zero) / gain  # the infusion that undoes the change

        start = self.initial + self.into * (level - self.plasma(self.initial)) / gain
        done: Any = solve_ivp(
            held, (0.0, max(times)), start, method="LSODA", rtol=RTOL, atol=self._atol(start), dense_output=True
        )
        return [done.sol(t) for t in times]

    def wait(self, state: Floats, fraction: float) -> float:
        """Minutes until the level has fallen to a fraction of what it is."""
        from scipy.integrate import solve_ivp

        wanted = fraction * self.waited(state)

        def fallen(_: float, y: Floats) -> float:
            return self.waited(y) - wanted

        fallen.terminal, fallen.direction = True, -1.0  # type: ignore[attr-defined]
        done: Any = solve_ivp(
            lambda _, y: self.rates(y), (0.0, LONGEST), state, method="LSODA", rtol=RTOL, atol=self._atol(state),
            events=fallen,
        )  # fmt: skip
        return float(done.t_events[0][0]) if len(done.t_events[0]) else float("nan")

    def _atol(self, state: Floats) -> Floats:
        return np.full(len(state), 1e-12 * float(np.abs(state).max()))


def _outputs(assembly: Assembly, site: str) -> tuple[str, str]:
    """The names of the level that is held and of the one that is waited for."""
    given = assembly.given
    stem = given[0] if len(given) == 1 else given[0].removeprefix("s-")
    own = {k.site for k in assembly.kinetics.values()}
    if len(own) != 1:
        raise RacemateError(
            "the parts of this drug were sampled at different sites", where=stem, fix="choose its model"
        )
    plasma = f"{own.pop()}.{stem}"
    if site not in ("plasma", "effect-site", *SITES):
        raise RacemateError(f"unknown site '{site}'", fix="plasma, effect-site, arterial or venous")
    return plasma, plasma if site == "plasma" else f"{site}.{stem}"
