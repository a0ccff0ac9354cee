"""Regimens of every form the dosing language has, for hypothesis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from racemate.regimen import Amount, Item, Regimen, Span, Step
from racemate.regimen.syntax import ROUTES, Condition

PRODUCTS = ("ketamine", "morphine", "s-ketamine", "morphine-6-glucuronide", "fentanyl citrate", "mdma2")
TIME_UNITS = ("s", "min", "h", "day", "week")
values = st.one_of(
    st.integers(1, 5000).map(float),
    st.integers(1, 99999).map(lambda n: n / 1000),
    st.floats(1e-6, 1e6, allow_nan=False),
)
products = st.sampled_from(PRODUCTS)
routes = st.sampled_from(sorted(set(ROUTES.values())))
terms = st.tuples(values, st.sampled_from(TIME_UNITS))
spans = st.builds(Span, st.lists(terms, min_size=1, max_size=2).map(tuple))
moments = st.one_of(
    st.builds(Span, st.lists(terms, min_size=1, max_size=2).map(tuple), negative=st.booleans()),
    st.builds(Span, st.lists(terms, max_size=1).map(tuple), day=st.integers(0, 400).map(float)),
)
per_kg = st.sampled_from([None, "kg"])
amounts = st.builds(Amount, values, st.sampled_from(["mg", "ug", "g", "ng", "nmol"]), per_kg)
rates = st.builds(Amount, values, st.sampled_from(["mg/h", "ug/min", "ug/h", "ng/s", "mg/day"]), per_kg)
conditions = st.builds(
    Condition,
    st.sampled_from(["ventilation", "effect-site.morphine", "p.loss-of-responsiveness"]),
    st.sampled_from(["<", ">", "<=", ">="]),
    values,
    st.sampled_from(["1", "%", "ng/mL", "mmHg"]),
    st.booleans(),
)


@st.composite
def how(draw: st.DrawFn, product: str, route: str, *, rule: bool = False) -> dict[str, Any]:
    """What one dose is and how it goes in."""
    if route == "transdermal":
        amount = draw(st.one_of(amounts, rates))
        return {"amount": amount, "lasting": draw(spans)}
    forms = ["bolus", "over", "rate"] + ([] if rule else ["modelled"])
    match draw(st.sampled_from(forms)):
        case "over":
            return {"amount": draw(amounts), "over": draw(spans)}
        case "rate":
            return {"amount": draw(rates), "lasting": draw(spans)}
        case "modelled":
            return {"amount": draw(amounts), "modelled": draw(st.sampled_from(["rate", "duration"]))}
    return {"amount": draw(amounts)}


@st.composite
def repeats(draw: st.DrawFn) -> dict[str, Any]:
    match draw(st.sampled_from(["none", "count", "steady"])):
        case "count":
            steady = draw(st.sampled_from([0, 0, 1, 2]))
            return {"every": draw(spans), "count": draw(st.integers(1, 10**6)), "steady_state": steady}
        case "steady":
            return {"every": draw(spans), "steady_state": draw(st.sampled_from([1, 2]))}
    return {}


compartments = st.one_of(st.none(), st.integers(1, 9), st.sampled_from(["gut", "central", "left lung"]))


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """A step that stands first in its item."""
    product, route = draw(products), draw(routes)
    if draw(st.integers(0, 9)) == 0:
        again = draw(st.one_of(st.none(), st.tuples(spans, st.integers(1, 50))))
        form = draw(how(product, route, rule=True))
        times = {"every": again[0], "count": again[1]} if again else {}
        after = draw(st.one_of(st.none(), spans))
        return Step(product, route, when=draw(conditions), after=after, **form, **times)
    return Step(
        product,
        route,
        at=draw(st.one_of(st.none(), moments)),
        reset=draw(st.integers(0, 9)) == 0,
        compartment=draw(compartments),
        **draw(how(product, route)),
        **draw(repeats()),
    )


@st.composite
def items(draw: st.DrawFn) -> Item:
    if draw(st.integers(0, 15)) == 0:
        return Item((Step("", "", None, at=draw(moments), reset=True),))
    chain = [draw(steps())]
    while chain[-1].when is None and len(chain) < 3 and draw(st.booleans()):
        step = draw(steps())
        timed = step.when is None and draw(st.booleans())
        after = draw(spans) if timed else step.after
        chain.append(replace(step, then=True, at=None, after=after))
    return Item(tuple(chain))


@st.composite
def regimens(draw: st.DrawFn) -> Regimen:
    """A regimen of one to three items, now and then with a choice of model."""
    models = draw(st.dictionaries(products, st.sampled_from(["otto-2021", "Simons 2022"]), max_size=1))
    return Regimen(tuple(draw(st.lists(items(), min_size=1, max_size=3))), tuple(sorted(models.items())))
