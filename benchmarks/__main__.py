"""Time racemate against other engines at equal error, alternating, and write ``docs/benchmarks.md``.

The error of an engine is the worst of |y - truth| / (|truth| + 1e-3 peak) over states, times and patients; each
engine runs at the loosest tolerance of a grid that keeps it within 1e-5.
"""

from __future__ import annotations

import platform
import statistics
import time
from pathlib import Path

import numpy as np

from benchmarks.engines import Solve, installed, racemate_engine
from benchmarks.problems import Problem, forty_five_states, three_compartments
from racemate.engine import compile_system, machine
from racemate.engine.compile import generate
from racemate.engine.problem import Array

LIMIT, ROUNDS, CHECKED = 1e-5, 3, 4
GRID = (1e-5, 5e-6, 2e-6, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8)


def error(values: Array, truth: Array) -> float:
    peak = np.abs(truth).max(axis=1, keepdims=True)
    return float(np.max(np.abs(values - truth) / (np.abs(truth) + 1e-3 * peak + 1e-300)))


def tolerance(solve: Solve, problem: Problem, patients: int, truth: Array) -> tuple[float, float] | None:
    """The loosest tolerance within the limit, and the error there."""
    n = min(patients, CHECKED)
    for rtol in GRID:
        found = error(solve(problem, n, rtol), truth[:n])
        if found <= LIMIT:
            return rtol, found
    return None


def compare(problem: Problem) -> list[str]:
    truth = racemate_engine(problem, CHECKED, 1e-11)
    chosen: dict[str, tuple[Solve, int, float, float]] = {}
    lines = [
        f"## {problem.name}",
        "",
        "| engine | CPU ms a patient | times ours | rtol | error |",
        "|---|---|---|---|---|",
    ]
    for name, (solve, patients) in installed().items():
        if fit := tolerance(solve, problem, patients, truth):
            chosen[name] = (solve, patients, *fit)
        else:
            lines.append(f"| {name} | does not reach the error | | | |")
    spent: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(ROUNDS):
        for name, (solve, patients, rtol, _) in chosen.items():
            start = time.process_time()
            solve(problem, patients, rtol)
            spent[name].append((time.process_time() - start) / patients * 1e3)
    ours = statistics.median(spent["racemate"])
    for name, (_, _, rtol, found) in chosen.items():
        ms = statistics.median(spent[name])
        lines.append(f"| {name} | {ms:.3g} | {ms / ours:.3g} | {rtol:g} | {found:.1e} |")
    print("\n".join(lines), flush=True)
    return [*lines, ""]


def alone(problem: Problem, n: int) -> str:
    """Ours alone, where the others would take too long or have no such thing."""
    start = time.process_time()
    racemate_engine(problem, n, 1e-6)
    first = time.process_time() - start
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        racemate_engine(problem, n, 1e-6)
        times.append((time.process_time() - start) / n * 1e3)
    print(problem.name, statistics.median(times), first, flush=True)
    return f"| {problem.name} | {n} | {statistics.median(times):.3g} |"


def compiling(problem: Problem) -> str:
    start = time.perf_counter()
    text = generate(problem.system, machine.best_lanes())
    written = time.perf_counter()
    machine.assemble(text)
    done = time.perf_counter()
    compile_system(problem.system)
    again = time.perf_counter()
    compile_system(problem.system)
    cached = time.perf_counter() - again
    return f"| {problem.name} | {written - start:.2f} | {done - written:.2f} | {cached * 1e3:.1f} |"


def main() -> None:
    stiff, large = forty_five_states(), forty_five_states(copies=4)
    page = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {platform.machine()}, {machine.identity().split()[1]}, "
        f"Python {platform.python_version()}. CPU time on one core,",
        f"engines taken in turn, medians of {ROUNDS} rounds; every engine at the loosest tolerance of a grid whose",
        f"worst error is at most {LIMIT:g} (relative to the value plus 0.001 of the peak). Seven days, dosing every",
        "day, some 200 output times. numbalsoda, diffrax, mrgsolve and the kernel as C++ are not in this table yet.",
        "Timings of one shared machine: read the ratios, not the milliseconds.",
        "",
    ]
    page += compare(stiff) + compare(three_compartments())
    page += ["## racemate alone, rtol 1e-6", "", "| problem | patients | CPU ms a patient |", "|---|---|---|"]
    page += [alone(large, 64), alone(three_compartments(unequal=True, n=256), 256), ""]
    page += ["## Compiling", "", "| problem | write, s | compile, s | from the cache, ms |", "|---|---|---|---|"]
    page += [compiling(three_compartments()), compiling(stiff), compiling(large), ""]
    Path(__file__).parents[1].joinpath("docs", "benchmarks.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
