"""Random formulas, many to a kernel, compiled against interpreted; ``formulas.py FIRST COUNT`` runs blocks of them.

A process of its own runs a block and names the seed before it starts, so that a crash has an address.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import enclosure
from racemate.engine import Batch, Schedule, Status, machine
from racemate.engine.compile import Kernel, generate
from racemate.engine.interpreter import function, scalar
from racemate.errors import RacemateError
from racemate.model.graph import Expr, Graph, exp, hill, log, maximum, minimum, sqrt, where
from racemate.model.system import Input, Output, Parameter, State, System

Array = npt.NDArray[np.float64]

#: Formulas of one block, each of them a small system by itself.
PER_BLOCK = 50
PATIENTS = 48
STATES, PARAMETERS, INPUTS = 4, 4, 2
#: One block in so many is compiled as in production; the others at the first level, which takes half the time.
PRODUCTION = 5

EXTREME = [0.0, -0.0, 1e-320, 1e-300, -1e-300, -1e-18, 1e-12, 0.5, 1.0, -1.0, 2.0, -745.2, 709.7, 709.9, 1e30]
EXTREME += [-708.4, 1e154, -1e155, 1e300, -1e300, 1.7e308, 2.2250738585072014e-308, 3e-308]
EXPONENTS = [0.5, -0.5, 1.7, -3.3, 5.0, 12.0, 1e-9, 400.0]


def grow(rng: np.random.Generator, pool: list[Expr]) -> Expr:
    """One more operation on formulas that are there."""
    a, b, c, d = (pool[i] for i in rng.integers(len(pool), size=4))
    choices = [
        lambda: a + b,
        lambda: a - b,
        lambda: a * b,
        lambda: a * b + c,
        lambda: c - a * b,
        lambda: a * b - c * d,
        lambda: a / b,
        lambda: -a,
        lambda: exp(a),
        lambda: exp(-(a * a)),
        lambda: log(a),
        lambda: log(1.0 + a * a),
        lambda: sqrt(a),
        lambda: a**b,
        lambda: a ** float(rng.choice(EXPONENTS)),
        lambda: a ** int(rng.integers(-4, 5)),
        lambda: where(a, b, c, d),
        lambda: where(a, 0.0, b, -c),
        lambda: maximum(a, b) - minimum(c, d),
        lambda: hill(a, 1.0 + b * b, float(rng.uniform(0.3, 6.0))),
    ]
    return choices[rng.integers(len(choices))]()


def system(rng: np.random.Generator) -> System:
    """A block of formulas of shared states, parameters, inputs and time, as outputs of a system that stands still."""
    g, outputs = Graph(), []
    leaves = [Expr(g, g.leaf("state", i)) for i in range(STATES)]
    leaves += [Expr(g, g.leaf("parameter", i)) for i in range(PARAMETERS)]
    leaves += [Expr(g, g.leaf("input", i)) for i in range(INPUTS)] + [Expr(g, g.leaf("time", "t"))]
    while len(outputs) < PER_BLOCK:
        pool = [*leaves, Expr(g, g.const(float(rng.normal()))), Expr(g, g.const(float(rng.choice(EXTREME[2:]))))]
        first = len(pool)
        for _ in range(rng.integers(2, 12)):
            with suppress(RacemateError):  # a constant such as log(-1) is refused as it is written
                pool.append(grow(rng, pool if rng.random() < 0.4 else [*pool[first:], *pool]))
        if g.value(pool[-1].id) is None:
            outputs.append(pool[-1].id)
    initial = [g.leaf("parameter", PARAMETERS + i) for i in range(STATES)]
    states = tuple(State(f"y{i}", "1", p, g.const(1.0), g.const(0.0)) for i, p in enumerate(initial))
    inputs = tuple(Input(f"u{i}", "1", float(rng.choice([*EXTREME, 0.3]))) for i in range(INPUTS))
    parameters = tuple(Parameter(f"p{i}", 1.0, "1") for i in range(PARAMETERS + STATES))
    return System(g, states, parameters, inputs, _outputs(outputs), {})


def _outputs(nodes: list[int]) -> tuple[Output, ...]:
    return tuple(Output(f"o{n}", i, "1") for n, i in enumerate(nodes))


def numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Ordinary and extreme values."""
    usual = rng.normal(size=shape) * np.exp(rng.normal(size=shape) * rng.choice([0.1, 1.0, 6.0], size=shape))
    return np.where(rng.random(shape) < 0.25, rng.choice(EXTREME, size=shape), usual)


@dataclass(frozen=True)
class Case:
    """A block of formulas with the values of its leaves in many patients."""

    system: System
    lanes: int
    level: int
    values: Array
    time: float

    @classmethod
    def of(cls, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        made = system(rng)
        level = 2 if seed % PRODUCTION == 0 else 1
        values = numbers(rng, (PATIENTS, PARAMETERS + STATES))
        return cls(made, int(rng.choice([1, 2, 4, 8])), level, values, float(rng.choice([0.0, 0.7, 1e-9, 1e6])))

    def leaves(self) -> dict[int, Array]:
        """Values of the leaves by node."""
        g, full = self.system.graph, np.ones(PATIENTS)
        found = {g.leaf("parameter", i): self.values[:, i] for i in range(PARAMETERS + STATES)}
        found |= {g.leaf("state", i): self.values[:, PARAMETERS + i] for i in range(STATES)}
        found |= {g.leaf("input", i): full * u.initial for i, u in enumerate(self.system.inputs)}
        return found | {g.leaf("time", "t"): full * self.time}

    def compiled(self, nodes: list[int]) -> Array:
        """The nodes by a kernel, shape (nodes, patients)."""
        s = self.system
        asked = System(s.graph, s.states, s.parameters, s.inputs, _outputs(nodes), {})
        kernel = Kernel(asked, self.lanes, machine.assemble(generate(asked, self.lanes), self.level))
        people = Batch(np.ones(len(s.parameters)), np.arange(len(s.parameters)), self.values)
        found = kernel.run(people, Schedule.empty(), np.array([self.time]), start=self.time)
        assert np.all(found.status == Status.DONE)
        return found.values[:, 0].T


def results_agree(case: Case) -> float:
    """Whole formulas stay within the bound of rounding; gives the share of values that the bound could judge."""
    roots = [o.node for o in case.system.outputs]
    judged = 0
    for i, (found, (value, bound)) in enumerate(
        zip(case.compiled(roots), enclosure.enclose(case.system.graph, roots, case.leaves()), strict=True)
    ):
        sure = np.isfinite(bound) & ~((np.abs(value) > 1e307) & np.isfinite(value))
        same = (found == value) | (np.isnan(found) & np.isnan(value))
        with np.errstate(invalid="ignore"):
            near = np.abs(found - value) <= 2 * bound
        wrong = np.flatnonzero(sure & ~same & ~near)
        assert not len(wrong), f"formula {i}, patient {wrong[0]}: {found[wrong[0]]!r}, not {value[wrong[0]]!r}"
        judged += int(sure.sum())
    return judged / (len(roots) * PATIENTS)


def interpreters_agree(case: Case) -> None:
    """The interpreter of arrays gives the values that the bounds stand beside, the one of plain floats stays near."""
    g, roots = case.system.graph, [o.node for o in case.system.outputs]
    own, y = case.values.T, case.values.T[PARAMETERS:]
    u = np.array([x.initial for x in case.system.inputs])
    with np.errstate(all="ignore"):
        arrays = function(g, roots)(case.time, y, own, u)
    of = scalar(g, roots)
    floats = np.array([of(own[:, p])(case.time, y[:, p], u) for p in range(PATIENTS)]).T
    enclosed = enclosure.enclose(g, roots, case.leaves())
    for array, number, (value, bound) in zip(arrays, floats, enclosed, strict=True):
        np.testing.assert_array_equal(np.broadcast_to(array, PATIENTS), value)
        sure = np.isfinite(bound) & (np.abs(value) < 1e307)
        assert np.all(np.abs(number - value)[sure] <= 2 * bound[sure])
        certain = (bound == 0) & ~np.isfinite(value)
        np.testing.assert_array_equal(number[certain], value[certain])


def operations_agree(case: Case) -> None:
    """Every single operation gives the bits of IEEE arithmetic; exp, log and power stay within a few last bits."""
    g = case.system.graph
    order = g.reachable([o.node for o in case.system.outputs])
    inner = [i for i in order if g.operands(i)]
    found = dict(zip(inner, case.compiled(inner), strict=True)) | case.leaves()
    found |= {i: np.full(PATIENTS, g.value(i)) for i in order if g.value(i) is not None}
    for i in inner:
        op, x = str(g.nodes[i][0]), [found[j] for j in g.operands(i)]
        with np.errstate(all="ignore"):
            value, bound = enclosure.RULES[op](*((v, np.zeros(PATIENTS)) for v in x))
            exact = op not in ("exp", "log", "pow")
            near = np.abs(found[i] - value) <= (0.0 if exact else bound)
        same = (found[i] == value) | (np.isnan(found[i]) & np.isnan(value))
        edge = (not exact) & (np.abs(value) > 1e307) & (found[i] > 1e307)
        wrong = np.flatnonzero(~same & ~near & ~edge)
        operands = [float(v[wrong[0]]) for v in x] if len(wrong) else []
        assert not len(wrong), f"{op} of {operands}: {found[i][wrong[0]]!r}, not {value[wrong[0]]!r}"


def main(first: int, count: int) -> None:
    """Run blocks and say which."""
    for seed in range(first, first + count):
        print(f"block {seed}", flush=True)
        case = Case.of(seed)
        interpreters_agree(case)
        operations_agree(case)
        judged = results_agree(case)
        assert judged > 0.5, f"only {judged:.0%} of the values could be judged"
        print(f"agrees; {judged:.0%} judged", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
