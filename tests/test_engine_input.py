"""What makes no sense is refused in one sentence before any code of a model runs, by the kernel and the reference."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from racemate.engine import Batch, Kind, Schedule, compile_system, reference
from racemate.engine.problem import Solution
from racemate.errors import RacemateError
from racemate.model import Model, compose
from racemate.model.system import System

TIMES = np.array([0.0, 1.0])


def turnover() -> System:
    """A state that begins at its balance, ``kin / kout``."""
    model = Model()
    m = model.module("turnover")
    kin, kout = m.parameter("kin", 2.0, "nmol/min"), m.parameter("kout", 0.1, "1/min")
    x = m.state("x", "nmol", initial=kin / kout, scale=kin / kout)
    m.rate("x", kin - kout * x)
    m.offer("amount", x, "nmol")
    m.dose("drug/iv", into="x")
    return compose(model, ["amount"])


SYSTEM = turnover()
ENGINES: list[Callable[..., Solution]] = [compile_system(SYSTEM).run, partial(reference.solve, SYSTEM)]


def people(**values: float) -> Batch:
    base = np.array([values.get(p.name, p.value) for p in SYSTEM.parameters])
    return Batch(base, np.array([SYSTEM.parameter_index["kout"]]), np.array([[0.1], [values.get("kout", 0.1)]]))


def bolus(time: float = 0.0, interval: float = 0.0, amount: float = 1.0, index: int = 0) -> Schedule:
    return Schedule.of([(time, interval, amount, 2, Kind.ADD_STATE, index)])


WRONG = [
    ({"times": [0.0, 0.0]}, "output times must increase"),
    ({"times": [1.0, 0.5]}, "output times must increase"),
    ({"times": []}, "output times must increase"),
    ({"times": [0.0, math.inf]}, "be finite"),
    ({"times": [-1.0, 1.0]}, "not lie before the start"),
    ({"rtol": 0.0}, "relative tolerance of 0"),
    ({"rtol": 1.0}, "relative tolerance of 1"),
    ({"rtol": -1e-6}, "relative tolerance of -1e-06"),
    ({"rtol": math.nan}, "relative tolerance of nan"),
    ({"batch": people(kin=math.nan)}, "parameter 'kin' is not a number"),
    ({"batch": people(kout=math.nan)}, "parameter 'kout' is not a number"),
    ({"batch": people(kout=0.0)}, "state 'x' begins at inf"),
    ({"batch": people(kin=math.inf)}, "state 'x' begins at inf"),
    ({"batch": Batch(np.ones(3), np.zeros(0, np.int64), np.zeros((1, 0)))}, "3 parameter values for 2 parameters"),
    ({"schedule": bolus(interval=-5.0)}, "negative interval"),
    ({"schedule": bolus(time=math.nan)}, "not a number"),
    ({"schedule": bolus(amount=math.inf)}, "not a number"),
    ({"schedule": bolus(index=7)}, "state or input that the system does not have"),
]


@pytest.mark.parametrize("engine", ENGINES, ids=["kernel", "reference"])
@pytest.mark.parametrize(("given", "text"), WRONG)
def test_what_makes_no_sense_is_one_clear_error(
    engine: Callable[..., Solution], given: dict[str, object], text: str
) -> None:
    call: dict[str, object] = {"batch": people(), "schedule": bolus(), "times": TIMES, "rtol": 1e-6} | given
    times = np.array(call.pop("times"), float)
    with pytest.raises(RacemateError, match=text):
        engine(call.pop("batch"), call.pop("schedule"), times, **call)


def test_a_patient_whose_state_cannot_begin_is_named() -> None:
    with pytest.raises(RacemateError) as error:
        ENGINES[0](people(kout=0.0), Schedule.empty(), TIMES)
    assert error.value.where == "patient 2"


def test_a_state_does_not_begin_at_infinity() -> None:
    with pytest.raises(RacemateError, match="not a finite number but inf"):
        Model().module("m").state("x", "nmol", initial=math.inf, scale=1.0)
