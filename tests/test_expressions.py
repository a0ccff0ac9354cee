"""The arithmetic of library files means what mathematics means, and nothing else can be written in it."""

from __future__ import annotations

import ast
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from racemate.errors import RacemateError
from racemate.expressions import FUNCTIONS, Expression, Operations, evaluate, numpy_operations

COVARIATES = {"weight": 82.0, "age": 61.0, "female": 1.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2*3", 7), ("(1 + 2)*3", 9), ("2^3^2", 512), ("-2^2", -4), ("2^-1", 0.5), ("8/4/2", 1), ("8 - 4 - 2", 2),
        ("1e3 + .5", 1000.5), ("--3", 3), ("+3", 3), ("exp(0)", 1), ("log(exp(2))", 2), ("sqrt(16)", 4),
        ("min(3, 1, 2)", 1), ("max(1, 2 + 3)", 5), ("(weight/70)^0.75", (82 / 70) ** 0.75),
        ("5.1 - 0.0201*(age - 40)", 5.1 - 0.0201 * 21), ("1 + 0.2*female", 1.2), ("2E-3", 0.002), ("3*-2", -6),
    ],
)  # fmt: skip
def test_an_expression_means_what_mathematics_means(text: str, value: float) -> None:
    assert Expression.parse(text).evaluate(COVARIATES) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "1 +", "(1", "1)", "1 2", "weight age", "exp()", "exp(1, 2)", "min(1)", "sin(1)", "a.b", "a[0]", "a = 1",
     "age > 60", "__import__('os')", "1 if age else 2", "2 ** 3", "()", "exp 1", "'text'", "1_000",
     "(" * 500 + ")" * 500, "2^" * 500 + "2", "lambda: 1", "0x10", "1e", "9" * 400 + "e", "µ"],
)  # fmt: skip
def test_nothing_else_can_be_written(text: str) -> None:
    with pytest.raises(RacemateError):
        Expression.parse(text)


def test_the_error_points_at_the_place() -> None:
    with pytest.raises(RacemateError) as error:
        Expression.parse("(weight/70)^^0.75")
    assert error.value.where == "(weight/70)^^0.75\n            ^"


def test_a_name_without_a_value_is_told() -> None:
    with pytest.raises(RacemateError, match="unknown name 'wieght'"):
        Expression.parse("wieght/70").evaluate(COVARIATES)


numbers = st.floats(0.1, 9, allow_nan=False).map(lambda x: f"{x:.3f}")
atoms = numbers | st.sampled_from(sorted(COVARIATES))
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda x: f"-{x}"),
        st.tuples(inner, st.sampled_from(["2", "3", "0.5"])).map(lambda t: f"max({t[0]}, 0.1)^{t[1]}"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
    ),
    max_leaves=12,
)


def python_value(text: str) -> float:
    """Python's own reading of the same text: an independent referee."""
    code = compile(ast.parse(text.replace("^", "**"), mode="eval"), "expression", "eval")
    return float(eval(code, {"__builtins__": {}}, COVARIATES | {"min": min, "max": max}))


@given(expressions)
def test_it_agrees_with_python(text: str) -> None:
    try:
        expected = python_value(text)
    except (ZeroDivisionError, OverflowError):
        return
    assert Expression.parse(text).evaluate(COVARIATES) == pytest.approx(expected, rel=1e-12, nan_ok=True)


@given(expressions, st.lists(st.floats(30, 150), min_size=1, max_size=5))
def test_a_population_is_evaluated_as_its_persons_one_by_one(text: str, weights: list[float]) -> None:
    expression = Expression.parse(text)
    env = COVARIATES | {"weight": np.array(weights)}
    with np.errstate(all="ignore"):
        together = np.broadcast_to(expression.evaluate(env, numpy_operations()), len(weights))
        for weight, value in zip(weights, together, strict=True):
            try:
                alone = expression.evaluate(COVARIATES | {"weight": weight})
            except (ZeroDivisionError, OverflowError):
                continue
            assert value == pytest.approx(alone, rel=1e-12, nan_ok=True)


def test_the_same_tree_runs_on_symbols() -> None:
    """Operations that write text: any algebra can stand behind an expression."""

    def call(name: str):  # type: ignore[no-untyped-def]
        return lambda *arguments: f"{name}({', '.join(arguments)})"

    words = {n: call(n) for n in ("number", "neg", "add", "sub", "mul", "div", "pow", *FUNCTIONS)}
    words["number"] = lambda x: f"{x:g}"
    tree = Expression.parse("exp(-k*min(age, 60, 80))").tree
    assert evaluate(tree, {"k": "k", "age": "a"}, Operations(**words)) == "exp(mul(neg(k), min(min(a, 60), 80)))"


@given(st.floats(0.01, 100), st.floats(-2, 2))
def test_powers_are_those_of_the_covariate_models(weight: float, exponent: float) -> None:
    value = Expression.parse(f"(weight/70)^({exponent!r})").evaluate({"weight": weight})
    assert value == pytest.approx(math.exp(exponent * math.log(weight / 70)), rel=1e-9)
