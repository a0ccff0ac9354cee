"""NONMEM-style dosing records and the dosing language say the same."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racemate.errors import RacemateError
from racemate.regimen import Amount, Dose, Regimen, format, parse
from regimens import regimens

Rows = list[dict[str, Any]]


def read(rows: Any, **options: Any) -> Regimen:
    return Regimen.from_records(rows, **{"product": "morphine", "route": "iv", **options})


# records (time in h, amounts in mg) and the words for them
SAME: list[tuple[str, Rows, str]] = [
    ("bolus", [{"TIME": 1, "AMT": 10, "EVID": 1}], "morphine 10 mg iv at 1 h"),
    ("without EVID", [{"TIME": 0, "AMT": 10}, {"TIME": 1, "AMT": 0}], "morphine 10 mg iv"),
    ("before zero", [{"TIME": -0.5, "AMT": 10}], "morphine 10 mg iv at -30 min"),
    ("repeats", [{"TIME": 0, "AMT": 10, "II": 4, "ADDL": 5}], "morphine 10 mg iv every 4 h x 6"),
    ("rate", [{"TIME": 0, "AMT": 48, "RATE": 2}], "morphine 2 mg/h iv for 24 h"),
    ("duration", [{"TIME": 0, "AMT": 48, "DUR": 0.5}], "morphine 48 mg iv over 30 min"),
    ("steady state", [{"TIME": 0, "AMT": 5, "II": 8, "SS": 1}], "morphine 5 mg iv every 8 h at steady state"),
    ("added", [{"TIME": 2, "AMT": 5, "II": 8, "SS": 2}], "morphine 5 mg iv at 2 h every 8 h plus steady state"),
    ("constant", [{"TIME": 0, "AMT": 0, "RATE": 2, "SS": 1}], "morphine 2 mg/h iv at steady state"),
    ("modelled rate", [{"TIME": 0, "AMT": 5, "RATE": -1}], "morphine 5 mg iv at modelled rate"),
    ("modelled duration", [{"TIME": 0, "AMT": 5, "RATE": -2}], "morphine 5 mg iv over modelled duration"),
    ("reset", [{"TIME": 0, "AMT": 5}, {"TIME": 2, "AMT": 0, "EVID": 3}], "morphine 5 mg iv; reset at 2 h"),
    ("reset and dose", [{"TIME": 2, "AMT": 5, "EVID": 4}], "morphine 5 mg iv at 2 h after reset"),
    ("compartment", [{"TIME": 0, "AMT": 5, "CMT": 2}], "morphine 5 mg iv into compartment 2"),
    ("named compartment", [{"TIME": 0, "AMT": 5, "CMT": "GUT"}], 'morphine 5 mg iv into compartment "GUT"'),
    ("observations", [{"TIME": 0, "AMT": 0, "EVID": 0}, {"TIME": 1, "AMT": 3, "EVID": 1}], "morphine 3 mg iv at 1 h"),
    ("tie", [{"TIME": 1, "AMT": 2}, {"TIME": 1, "AMT": 3}], "morphine 2 mg iv at 1 h, 3 mg at 1 h"),
]


@pytest.mark.parametrize(("rows", "text"), [s[1:] for s in SAME], ids=[s[0] for s in SAME])
def test_records_and_words_are_the_same_doses(rows: Rows, text: str) -> None:
    regimen = read(rows)
    assert regimen.doses == parse(text).doses
    assert parse(format(regimen)) == regimen


short = st.integers(1, 9999).map(lambda n: n / 100)


@given(
    short,
    short,
    short,
    st.integers(2, 1000),
    st.sampled_from(["rate", "over", "bolus"]),
    st.sampled_from("h min".split()),
)
@settings(max_examples=150, deadline=None)
def test_any_repeated_dose_is_the_same_in_words_and_records(
    value: float, at: float, long: float, count: int, form: str, unit: str
) -> None:
    every = f"at {at} {unit} every {long} {unit} x {count}"
    row: dict[str, Any] = {"time": at, "ii": long, "addl": count - 1}
    if form == "rate":
        words = f"morphine {value} mg/{unit} iv for {at} {unit} {every}"
        row |= {"amt": value * at, "rate": value}
    elif form == "over":
        words = f"morphine {value} mg iv over {at} {unit} {every}"
        row |= {"amt": value, "dur": at}
    else:
        words, row = f"morphine {value} mg iv {every}", row | {"amt": value}
    assert read([row], time_unit=unit).doses == parse(words).doses


def close(a: Dose, b: Dose, time_unit: str) -> bool:
    """Whether two doses say the same, whatever the unit of time in a rate."""
    numbers = [(a.time, b.time), (a.duration, b.duration), (a.interval, b.interval)]
    numbers += [(x.value, y.value) for x, y in [(a.amount, b.amount)] if x and y]
    words = [(d.product, d.route, d.mode, d.count, d.steady_state, d.reset, d.compartment) for d in (a, b)]
    units = [(d.amount.unit, d.amount.per) if d.amount else None for d in (a, b)]
    kinds = [d.rate is None for d in (a, b)]
    near = all(math.isclose(x, y, rel_tol=1e-13, abs_tol=1e-13) for x, y in numbers)
    return near and words[0] == words[1] and units[0] == units[1] and kinds[0] == kinds[1]


@given(regimens().filter(lambda r: not r.rules), st.sampled_from(["h", "min", "day"]))
@settings(max_examples=150, deadline=None)
def test_any_regimen_comes_back_from_its_records(regimen: Regimen, unit: str) -> None:
    again = Regimen.from_records(regimen.to_records(time_unit=unit), time_unit=unit)
    assert len(again.doses) == len(regimen.doses)
    assert all(close(a, b, unit) for a, b in zip(again.doses, regimen.doses, strict=True))


def test_amounts_per_kg_become_amounts_for_a_body_weight() -> None:
    regimen = parse("ketamine 0.5 mg/kg iv over 40 min; remifentanil 0.1 ug/kg/min iv for 60 min")
    rows = regimen.to_records(weight=70, amount_unit="mg", time_unit="min")
    assert [(r["AMT"], r["RATE"], r["DUR"], r["UNIT"]) for r in rows] == [(35, 0, 40, "mg"), (0.42, 0.007, 0, "mg")]
    with pytest.raises(RacemateError, match="body weight"):
        regimen.to_records(amount_unit="mg")
    assert Regimen.from_records(regimen.to_records(time_unit="min"), time_unit="min").doses == regimen.doses


def test_tables_of_every_kind_are_read() -> None:
    rows = [{"TIME": 0, "AMT": 10, "WT": 70}, {"TIME": 1, "AMT": 5, "WT": 70}]
    frame = pd.DataFrame(rows)
    columns = {"time": [0, 1], "amt": [10, 5], "wt": [70, 70]}
    assert read(rows) == read(frame) == read(columns) == read([{"TIME": "0", "AMT": "10"}, {"TIME": 1, "AMT": "5"}])


def test_empty_fields_and_points_are_nothing() -> None:
    rows = [{"TIME": 0, "AMT": 10, "RATE": ".", "II": math.nan, "SS": None, "CMT": ""}]
    assert read(rows) == read([{"TIME": 0, "AMT": 10}])


def test_several_drugs_have_a_column() -> None:
    rows = [
        {"TIME": 0, "AMT": 0.1, "PRODUCT": "Fentanyl", "ROUTE": "intravenous", "UNIT": "mg"},
        {"TIME": 0, "AMT": 40, "PRODUCT": "ethanol", "ROUTE": "po", "UNIT": "g"},
    ]
    assert [(d.product, d.route) for d in Regimen.from_records(rows).doses] == [("fentanyl", "iv"), ("ethanol", "oral")]


def test_an_amount_may_be_per_kg() -> None:
    (dose,) = read([{"TIME": 0, "AMT": 0.5, "DUR": 40}], time_unit="min", amount_unit="mg/kg").doses
    assert (dose.amount, dose.duration) == (Amount(0.5, "mg", "kg"), 40.0)


WRONG: list[tuple[Any, dict[str, Any], str, str]] = [
    ([{"TIME": 0, "amt": 1}], {}, "partly upper and partly lower", "all upper"),
    ([{"Time": 0, "Amt": 1}], {}, "partly upper and partly lower", "all upper"),
    ([{"TIM": 0, "AMT": 1}], {}, "no column TIME", "'TIM'"),
    ([{"TIME": 0, "AMT": 1, "EVID": 8}], {"dialect": "mrgsolve"}, "EVID 8 (replaces", "EVID 3"),
    ([{"TIME": 0, "AMT": 1, "EVID": 5}], {"dialect": "rxode2"}, "EVID 5 (replaces", "EVID 3"),
    ([{"TIME": 0, "AMT": 1, "EVID": 8}], {}, "unknown EVID 8 in nonmem", "in mrgsolve it replaces"),
    ([{"TIME": 0, "AMT": 1, "EVID": 9}], {}, "unknown EVID 9", "0 observe, 1 dose"),
    ([{"TIME": 0, "AMT": 1}], {"dialect": "nonmen"}, "unknown dialect", "'nonmem'"),
    ([{"TIME": 1, "AMT": 1}, {"TIME": 0, "AMT": 1}], {}, "time goes back", "sort"),
    ([{"TIME": "08:30", "AMT": 1}], {}, "TIME is not a number", "clock"),
    ([{"TIME": None, "AMT": 1}], {}, "no TIME", ""),
    ([{"TIME": 0, "AMT": -1}], {}, "cannot be negative", ""),
    ([{"TIME": 0, "AMT": 0, "EVID": 1}], {}, "more than zero", ""),
    ([{"TIME": 0, "AMT": 0, "RATE": 5, "EVID": 1}], {}, "more than zero", "SS 1"),
    ([{"TIME": 0, "AMT": 1, "RATE": -3}], {}, "RATE is -3", "-1"),
    ([{"TIME": 0, "AMT": 1, "RATE": 1, "DUR": 1}], {}, "both", "0"),
    ([{"TIME": 0, "AMT": 1, "ADDL": 3}], {}, "ADDL needs an interval", "II"),
    ([{"TIME": 0, "AMT": 1, "SS": 1}], {}, "SS needs an interval", "II"),
    ([{"TIME": 0, "AMT": 1, "SS": 3, "II": 4}], {}, "SS is 3", "steady state"),
    ([{"TIME": 0, "AMT": 1, "ADDL": -3, "II": 2}], {}, "ADDL is negative", ""),
    ([{"TIME": 0, "AMT": 1, "ADDL": 1.5, "II": 2}], {}, "not a whole number", ""),
    ([{"TIME": 0, "AMT": 1, "ADDL": 1e9, "II": 2}], {}, "more than the most", ""),
    ([{"TIME": 0, "AMT": 1, "CMT": -2}], {}, "CMT is -2", "numbered"),
    ([{"TIME": 0, "AMT": 1}], {"product": None}, "no product", "PRODUCT"),
    ([{"TIME": 0, "AMT": 1}], {"route": "ivv"}, "unknown route", "'iv'"),
    ([{"TIME": 0, "AMT": 1}], {"amount_unit": "mgg"}, "unknown unit", ""),
    ([{"TIME": 0, "AMT": 1}], {"amount_unit": "mg/h"}, "not a rate", "RATE"),
    ([{"TIME": 0, "AMT": 1}], {"time_unit": "mg"}, "not a unit of time", "min"),
    ([{"TIME": 0, "AMT": 1}], {"route": "patch"}, "how long", ""),
    ([{"ID": 1, "TIME": 0, "AMT": 1}, {"ID": 2, "TIME": 0, "AMT": 1}], {}, "2 people", "one ID"),
    ({"TIME": [0, 1], "AMT": [1]}, {}, "differ in length", ""),
    (5, {}, "not records", "DataFrame"),
]


@pytest.mark.parametrize(("rows", "options", "what", "fix"), WRONG, ids=[w[2] for w in WRONG])
def test_wrong_records_are_refused(rows: Any, options: dict[str, Any], what: str, fix: str) -> None:
    with pytest.raises(RacemateError) as caught:
        read(rows, **options)
    assert what in caught.value.what
    assert fix in (caught.value.fix or "")


def test_a_wrong_record_is_named_by_its_number() -> None:
    with pytest.raises(RacemateError) as caught:
        read([{"TIME": 0, "AMT": 1}, {"TIME": 1, "AMT": 0, "EVID": 0}, {"TIME": 2, "AMT": -1}])
    assert "record 3" in str(caught.value)


def test_rules_are_not_records() -> None:
    with pytest.raises(RacemateError, match="rule"):
        parse("naloxone 2 mg im when ventilation < 40 %").to_records()


@pytest.mark.parametrize(("slip", "meant"), [("RAET", "RATE"), ("ADL", "ADDL"), ("DUUR", "DUR"), ("evdi", "EVID")])
def test_a_slip_of_a_dose_column_is_refused(slip: str, meant: str) -> None:
    names = ("TIME", "AMT", slip) if slip.isupper() else ("time", "amt", slip)
    with pytest.raises(RacemateError, match=f"slip of {meant}"):
        Regimen.from_records([dict(zip(names, (0, 100, 1), strict=True))], product="morphine", route="iv")


@pytest.mark.parametrize("covariate", ["WT", "AGE", "SEX", "HT", "RACE", "DATE", "CRCL", "OCC", "ETIME"])
def test_a_covariate_is_no_slip(covariate: str) -> None:
    rows = [{"TIME": 0, "AMT": 100, covariate: 1}]
    (dose,) = Regimen.from_records(rows, product="morphine", route="iv").doses
    assert str(dose.amount) == "100 mg"


def test_a_rate_without_an_amount_is_never_dropped() -> None:
    with pytest.raises(RacemateError, match="more than zero"):
        Regimen.from_records([{"TIME": 0, "AMT": 0, "RATE": 20}], product="morphine", route="iv")
