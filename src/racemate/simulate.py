"""``simulate(scenario) -> Result``: the one door that everything uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from racemate.engine import problem
from racemate.library import load
from racemate.library.library import Library
from racemate.model.system import Output, System
from racemate.result import DoseMark, Result, UsedNumber
from racemate.scenario import Scenario
from racemate.simulation import draws
from racemate.simulation.assemble import Assembly, assemble, default_outputs
from racemate.simulation.dosing import Dosing, dose_amount, nmol, schedule
from racemate.simulation.ranges import range_warnings
from racemate.units import convert, parse_unit

REFERENCE_WEIGHT = 70.0
CHUNK = 256
Progress = Callable[[int, int], None]


def simulate(scenario: Scenario | str, *, progress: Progress | None = None, **options: Any) -> Result:
    """Simulate a scenario, or a line of the dosing language with the options of ``Scenario.of``.

    Parameters
    ----------
    scenario : Scenario or str
    progress : callable, optional
        Called with the number of patients done and their total, a few hundred at a time.

    Returns
    -------
    Result
        Every output at every time for every patient, with units and sources.

    Raises
    ------
    RacemateError
        For anything wrong with the input. A patient whose integration fails is reported in the result.

    Examples
    --------
    >>> result = simulate("ketamine 0.5 mg/kg iv over 40 min", outputs="arterial.ketamine", until="1 h", reference=True)
    >>> 290 < float(result.values["arterial.ketamine"].max()) < 310
    True
    """
    if isinstance(scenario, str):
        scenario = Scenario.of(scenario, **options)
    prepared = prepare(scenario)
    return _result(prepared, prepared.solve(progress))


@dataclass(frozen=True)
class Prepared:
    """A scenario turned into what an engine integrates."""

    scenario: Scenario
    assembly: Assembly
    system: System
    batch: problem.Batch
    schedule: problem.Schedule
    times: problem.Array
    warnings: tuple[str, ...] = ()

    def solve(self, progress: Progress | None = None) -> problem.Solution:
        """Integrate with the compiled kernel; with SciPy where the scenario asks for it or no llvmlite is to be had."""
        scenario, run = self.scenario, _runner(self.scenario, self.system)
        size = self.batch.n if progress is None else CHUNK
        parts = []
        for first in range(0, self.batch.n, size):
            last = min(first + size, self.batch.n)
            batch, schedule = self.batch.rows(first, last), self.schedule.rows(first, last)
            options = {"start": scenario.start, "rtol": scenario.rtol, "before_doses": scenario.before_doses}
            parts.append(run(batch, schedule, self.times, **options))
            if progress is not None:
                progress(last, self.batch.n)
        return problem.Solution.joined(parts)


def _runner(scenario: Scenario, system: System) -> Callable[..., problem.Solution]:
    from racemate.engine import compile_system, supports

    if not scenario.reference and supports(system):
        return partial(compile_system(system, quick=scenario.n == 1).run, threads=scenario.jobs)
    from racemate.engine.reference import solve

    return partial(solve, system)


def prepare(scenario: Scenario) -> Prepared:
    """Choose the models, compose the system, and draw every patient's numbers and dosing records."""
    library = load()
    assembly = assemble(scenario, library)
    warnings = range_warnings(scenario, assembly)
    system = assembly.compose(list(scenario.outputs) or default_outputs(assembly))
    people = draws.batch(scenario, assembly, system, _dose_scales(scenario, assembly))
    weight = np.broadcast_to(np.asarray(scenario.people.covariates["weight"], float), (scenario.n,))
    dosing = Dosing(system, library, assembly.products, people.full(), weight)
    records = schedule(dosing, scenario.regimen.doses)
    used = {p.name.removeprefix("covariate.") for p in system.parameters if p.name.startswith("covariate.")}
    warnings = (*scenario.people.remarks(used), *warnings)
    return Prepared(scenario, assembly, system, people, records, np.array(scenario.times()), warnings)


def assembly_of(scenario: Scenario) -> Assembly:
    """The modules a scenario would use."""
    return assemble(scenario, load())


def composed(scenario: Scenario) -> System:
    """The composed system of a scenario, for reading its equations."""
    assembly = assembly_of(scenario)
    return assembly.compose(list(scenario.outputs) or default_outputs(assembly))


def available_outputs(scenario: Scenario) -> list[tuple[str, str, str]]:
    """Every output a scenario can give: ``(name, unit, label)``."""
    assembly = assembly_of(scenario)
    return [(name, o.unit, o.label) for name, o in sorted(assembly.model.offers.items())]


def _dose_scales(scenario: Scenario, assembly: Assembly) -> dict[str, float]:
    """The largest single dose of each drug in nmol, in a person of the reference weight."""
    weight = np.array([REFERENCE_WEIGHT])
    scales = dict.fromkeys(assembly.kinetics, 0.0)
    for dose in scenario.regimen.doses:
        if not dose.product:
            continue
        product = assembly.products[dose.product]
        total = float(nmol(assembly.library, product, dose_amount(dose), weight)[0])
        for component in product.composition:
            drug = assembly.library.substances[component.substance].drug
            scales[drug] = max(scales[drug], total * component.fraction)
    return {drug: scale or 1.0 for drug, scale in scales.items()}


def _result(prepared: Prepared, solution: problem.Solution) -> Result:
    from racemate import __version__

    scenario, assembly, system = prepared.scenario, prepared.assembly, prepared.system
    units = {o.name: display_unit(assembly.library, o, scenario.molar) for o in system.outputs}
    values = {
        o.name: np.ascontiguousarray(solution.values[:, :, i]) * display_factor(o, units[o.name])
        for i, o in enumerate(system.outputs)
    }
    messages = {
        int(i): problem.MESSAGES[problem.Status(int(solution.status[i]))] for i in np.flatnonzero(solution.status)
    }
    return Result(
        scenario=scenario,
        time=prepared.times,
        values=values,
        units=units,
        labels={o.name: o.label or o.name for o in system.outputs},
        sources={o.name: _sources(system, o) for o in system.outputs},
        numbers=used_numbers(system, prepared.batch.base),
        status=solution.status,
        messages=messages,
        warnings=(*scenario.people.notes, *prepared.warnings, *system.notes),
        events=tuple(_marks(scenario)),
        version=__version__,
        models={drug: k.name for drug, k in assembly.kinetics.items()},
    )


def display_unit(library: Library, output: Output, molar: bool) -> str:
    """The unit an output is shown in: mass concentrations as the drug's file says, unless molar is asked for."""
    if output.molar_mass is None or molar:
        return output.unit
    stem = output.name.split(".")[1]
    for name in (stem, "s-" + stem):
        if name in library.substances:
            return library.substances[name].display_unit
    return "ng/mL"


def display_factor(output: Output, unit: str) -> float:
    """What the canonical value is multiplied with to be in ``unit``."""
    shown = parse_unit(unit)
    if shown.dimension == parse_unit(output.unit).dimension:
        return 1.0 / shown.factor
    assert output.molar_mass is not None  # nmol/L x g/mol = ng/L
    return output.molar_mass * convert(1.0, "ng/L", unit)


def _sources(system: System, output: Output) -> tuple[str, ...]:
    """The references an output rests on, through every rate it depends on."""
    graph = system.graph
    seen: set[int] = set()
    todo, states, found = [output.node], set[int](), dict.fromkeys(output.sources)
    while todo:
        for i in graph.reachable([todo.pop()]):
            if i in seen:
                continue
            seen.add(i)
            op, index = graph.nodes[i][0], graph.nodes[i][1]
            if op == "parameter":
                found |= dict.fromkeys(system.parameters[int(str(index))].sources)
            elif op == "state" and index not in states:
                state = system.states[int(str(index))]
                states.add(int(str(index)))
                todo += [state.rate, state.initial]
    return tuple(found)


def used_numbers(system: System, values: problem.Array | None = None) -> tuple[UsedNumber, ...]:
    """Every sourced number a composed system holds, with its value in the library or, if given, in a run."""
    used = [p.value for p in system.parameters] if values is None else values.tolist()
    return tuple(
        UsedNumber(p.name, value / parse_unit(p.unit).factor, p.unit, p.kind, p.sources[0])
        for p, value in zip(system.parameters, used, strict=True)
        if p.sources
    )


def _marks(scenario: Scenario) -> list[DoseMark]:
    marks = []
    for dose in scenario.regimen.doses:
        for k in range(min(dose.count, 500)):
            at = dose.time + k * dose.interval
            if dose.product and at <= scenario.end:
                amount = dose.rate if dose.mode == "patch" and dose.rate is not None else dose_amount(dose)
                marks.append(DoseMark(at, dose.duration, f"{dose.product} {dose.route}", str(amount)))
    return marks
