"""Random formulas with extreme numbers, many to a kernel: the compiled code gives what the graph says."""

from __future__ import annotations

import numpy as np
import pytest

import blocks
from formulas import PER_BLOCK, PRODUCTION, Case
from racemate.errors import RacemateError
from racemate.model.graph import Graph

#: Blocks of one process: together with the start of the process about ten seconds.
TOGETHER = 10


def test_random_formulas_compiled_and_interpreted_agree_to_the_last_bits() -> None:
    blocks.run("formulas.py", PRODUCTION - 1, 2)


@pytest.mark.full
@pytest.mark.parametrize("first", range(0, 10_000 // PER_BLOCK, TOGETHER))
def test_ten_thousand_random_formulas_agree(first: int) -> None:
    blocks.run("formulas.py", first, TOGETHER)


@pytest.mark.parametrize(("name", "value"), [("exp", 1e3), ("log", 0.0), ("log", -1.0), ("sqrt", -2.0)])
def test_a_function_of_a_constant_that_has_no_value_is_refused_as_it_is_written(name: str, value: float) -> None:
    g = Graph()
    with pytest.raises(RacemateError, match=f"{name}.*is not a finite number"):
        g.function(name, g.const(value))


def test_one_over_a_constant_zero_and_a_power_out_of_range_are_refused() -> None:
    g = Graph()
    with pytest.raises(RacemateError, match="division by zero"):
        g.pow(g.const(0.0), g.const(-1.0))
    with pytest.raises(RacemateError, match="is not a finite number"):
        g.pow(g.const(1e300), g.const(1.5))


def test_ten_thousand_formulas_are_many_kinds_of_operation() -> None:
    """A generator that had lost an operation would prove nothing about it."""
    graph = Case.of(1).system.graph
    found = {str(node[0]) for node in graph.nodes}
    assert found >= {"add", "sub", "mul", "neg", "inv", "exp", "log", "sqrt", "pow", "select", "time", "input"}
    assert np.ptp([len(graph.reachable([o.node])) for o in Case.of(1).system.outputs]) > 10
