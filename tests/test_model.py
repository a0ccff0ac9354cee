"""The symbolic core: units are checked, names resolve once, nothing loops, and only what is needed is composed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from racemate.engine.interpreter import function
from racemate.errors import RacemateError
from racemate.model import Graph, Model, compose, exp, hill, where

NONE = np.zeros(0)


def decay(model: Model, name: str = "x", k: float = 0.1) -> None:
    m = model.module(f"decay of {name}")
    x = m.state(name, "nmol", initial=1.0, scale=1.0)
    m.rate(name, -m.parameter(f"k.{name}", k, "1/min") * x)
    m.offer(f"amount.{name}", x, "nmol")


def test_only_what_the_outputs_need_is_composed() -> None:
    model = Model()
    decay(model, "a")
    decay(model, "b")
    system = compose(model, ["amount.a"])
    assert [s.name for s in system.states] == ["a"]
    assert [p.name for p in system.parameters] == ["k.a"]


def test_a_parameter_value_is_not_structure() -> None:
    keys = set()
    for k in (0.1, 0.2):
        model = Model()
        decay(model, k=k)
        keys.add(compose(model, ["amount.x"]).key)
    assert len(keys) == 1


def test_modules_may_read_names_offered_later() -> None:
    model = Model()
    m = model.module("reader")
    m.offer("double", 2.0 * m.read("amount.x", "nmol"), "nmol")
    decay(model)
    system = compose(model, ["double"])
    value = function(system.graph, [system.outputs[0].node])(0.0, np.array([3.0]), NONE, NONE)[0]
    assert float(value) == 6.0


@pytest.mark.parametrize(("kind", "neutral", "expected"), [("sum", 0.0, 5.0), ("product", 1.0, 6.0)])
def test_a_slot_gathers_any_number_of_contributions(kind: str, neutral: float, expected: float) -> None:
    model = Model()
    m = model.module("owner")
    m.offer("total", m.slot("slot", kind), "1")
    assert compose(model, ["total"]).graph.value(compose(model, ["total"]).outputs[0].node) == neutral
    for value in (2.0, 3.0):
        model.module(f"adds {value}").contribute("slot", m.number(value))
    system = compose(model, ["total"])
    assert system.graph.value(system.outputs[0].node) == expected


def test_a_dangling_name_is_refused_with_the_nearest_known_one() -> None:
    model = Model()
    decay(model)
    m = model.module("reader")
    m.offer("double", 2.0 * m.read("amont.x", "nmol"), "nmol")
    with pytest.raises(RacemateError, match=r"unknown output 'amont.x'") as error:
        compose(model, ["double"])
    assert "reader" in str(error.value)
    assert "did you mean 'amount.x'" in str(error.value)


def test_a_name_is_offered_exactly_once() -> None:
    model = Model()
    decay(model)
    m = model.module("second")
    with pytest.raises(RacemateError, match="declared twice"):
        m.offer("amount.x", m.quantity(1.0, "nmol"), "nmol")


def test_an_algebraic_loop_is_told_with_its_path() -> None:
    model = Model()
    m = model.module("loop")
    m.offer("a", m.read("b", "1") + 1.0, "1")
    m.offer("b", m.read("a", "1") * 2.0, "1")
    with pytest.raises(RacemateError, match="algebraic loop") as error:
        compose(model, ["a"])
    assert "a" in str(error.value)
    assert "->" in str(error.value)


def test_units_are_checked_while_formulas_are_written() -> None:
    model = Model()
    m = model.module("clash")
    volume, clearance = m.parameter("V", 1.0, "L"), m.parameter("CL", 1.0, "L/h")
    with pytest.raises(RacemateError, match="cannot add"):
        volume + clearance
    with pytest.raises(RacemateError, match="cannot raise to a real power"):
        volume ** m.number(0.75)
    with pytest.raises(RacemateError, match="cannot take exp"):
        exp(volume)
    with pytest.raises(RacemateError, match="offered in nmol"):
        m.offer("wrong", volume, "nmol")


def test_a_rate_has_the_unit_of_its_state_per_time() -> None:
    model = Model()
    m = model.module("wrong rate")
    x = m.state("x", "nmol", scale=1.0)
    m.rate("x", x)
    m.offer("x-out", x, "nmol")
    with pytest.raises(RacemateError, match=r"rate of 'x' is in nmol, not nmol/min"):
        compose(model, ["x-out"])


def test_reader_and_offerer_agree_on_the_unit() -> None:
    model = Model()
    decay(model)
    m = model.module("reader")
    m.offer("y", m.read("amount.x", "nmol/L"), "nmol/L")
    with pytest.raises(RacemateError, match="offered in nmol but read in"):
        compose(model, ["y"])


def test_a_parameter_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(RacemateError, match="not a number"):
        Model().module("nan").parameter("k", math.nan, "1/min")


def test_a_rate_or_a_dose_for_a_state_nobody_declared_is_refused() -> None:
    model = Model()
    decay(model)
    model.module("ghost").rate("y", model.module("ghost").quantity(1.0, "nmol/min"))
    with pytest.raises(RacemateError, match="unknown state 'y'"):
        compose(model, ["amount.x"])
    model = Model()
    decay(model)
    model.module("ghost").dose("drug/iv", into="depot")
    with pytest.raises(RacemateError, match="unknown state 'depot'"):
        compose(model, ["amount.x"])


numbers = st.floats(-50, 50).filter(lambda x: abs(x) > 1e-3)


@given(numbers, numbers, numbers)
def test_the_graph_simplifies_without_changing_values(a: float, b: float, c: float) -> None:
    model = Model()
    m = model.module("values")
    x, y, z = (m.state(n, "1", scale=1.0) for n in "xyz")
    k = m.parameter("k", 2.0, "1")
    formulas = [
        ((x - y) - (x - y), 0.0),
        (-(x - y) + z, -(a - b) + c),
        ((x * k) * k, 4 * a),
        (x / y * y, a),
        (1.0 / (1.0 / z), c),
        ((x + 0.0) * 1.0, a),
        (0.0 - (0.0 - x), a),
        ((x * y) / (x * y), 1.0),
        (where(x, y, z, -z), c if a > b else -c),
        ((x * x + 1.0) ** 0.5, math.sqrt(a * a + 1)),
        (x**3, a**3),
    ]
    for i, (formula, _) in enumerate(formulas):
        m.offer(f"f{i}", formula, "1")
    system = compose(model, [f"f{i}" for i in range(len(formulas))])
    y0 = np.array([{"x": a, "y": b, "z": c}[s.name] for s in system.states])
    values = function(system.graph, [o.node for o in system.outputs])(0.0, y0, np.array([2.0]), NONE)
    assert np.allclose([float(v) for v in values], [e for _, e in formulas], rtol=1e-12, atol=1e-12)


@given(st.floats(-1e-6, 1e6), st.floats(0.3, 8.0))
def test_a_hill_term_survives_tiny_negative_and_huge_concentrations(c: float, gamma: float) -> None:
    g = Graph()
    from racemate.model import Expr

    node = hill(Expr(g, g.leaf("state", 0)), Expr(g, g.const(3.0)), gamma)
    value = float(function(g, [node.id])(0.0, np.array([c]), NONE, NONE)[0])
    assert 0.0 <= value <= 1.0
    if c > 1e-3:
        assert value == pytest.approx((c / 3) ** gamma / (1 + (c / 3) ** gamma), rel=1e-9)
