"""The dosing language: what a sentence of dosing means, and that its canonical text means the same."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import racemate.regimen as language
from racemate.regimen import Amount, Catalogue, Dose, Regimen, format, parse
from racemate.regimen.build_tables import build, lark_parser
from racemate.regimen.parser import Node, Token, parse_tree
from regimens import regimens

SENTENCES = """
ketamine 0.5 mg/kg iv over 40 min
morphine 0.1 mg/kg iv at 30 min, then 2 mg iv every 10 min x 6
fentanyl 50 ug/h transdermal for 72 h; naloxone 4 mg intranasal at 2 h; ethanol 40 g oral at -30 min
buprenorphine 8 mg sublingual daily x 14
naloxone 2 mg im when ventilation < 40 % for the first time, after 60 s, then every 150 s x 2
ketamine load 0.5 mg/kg iv over 5 min then 0.2 mg/kg/h for 8 h; ketamine: model = "otto-2021"
morphine 10 mg oral three times daily until day 3; reset at 4 days
morphine 2 mg/h iv at steady state; morphine 5 mg oral every 4 h x 3 plus steady state
drug 5 mg oral over modelled duration into compartment "gut" at day 2 8 h after reset
""".strip().splitlines()


def only(text: str) -> Dose:
    (dose,) = parse(text).doses
    return dose


def course(text: str) -> list[tuple[float, float, float, int]]:
    """(start, duration, interval, count) of each dose, in min."""
    return [(d.time, d.duration, d.interval, d.count) for d in parse(text).doses]


def test_an_infusion_is_an_amount_over_a_time() -> None:
    dose = only("ketamine 0.5 mg/kg iv over 40 min")
    assert dose == Dose("ketamine", "iv", Amount(0.5, "mg", "kg"), None, 0.0, 40.0, "infusion")
    assert dose.label == "ketamine 0.5 mg/kg iv over 40 min"


def test_a_rate_gives_rate_times_time() -> None:
    dose = only("ketamine 0.2 mg/kg/h iv for 8 h")
    assert (dose.rate, dose.amount, dose.duration) == (Amount(0.2, "mg/h", "kg"), Amount(1.6, "mg", "kg"), 480.0)
    assert only("remifentanil 0.1 mcg/kg per min iv for 60 min").amount == Amount(6.0, "ug", "kg")
    assert only("morphine 2 mg/h iv until 24 h") == only("morphine 2 mg/h iv for 24 h")


def test_a_patch_lasts_as_long_as_it_is_worn() -> None:
    dose = only("fentanyl 50 ug/h transdermal for 72 h")
    assert (dose.mode, dose.amount, dose.duration) == ("patch", Amount(3600.0, "ug"), 4320.0)
    assert only("fentanyl 50 ug/h patch for 72 h every 72 h for 30 days").count == 10


def test_then_starts_after_what_came_before_has_ended() -> None:
    text = "ketamine 0.5 mg/kg iv over 40 min at 20 min, then 0.2 mg/kg/h for 2 h, then naloxone 2 mg im after 10 min"
    assert course(text) == [(20, 40, 0, 1), (60, 120, 0, 1), (190, 0, 0, 1)]


def test_then_every_has_its_first_dose_one_interval_after() -> None:
    assert course("morphine 0.1 mg/kg iv at 30 min, then 2 mg iv every 10 min x 6") == [(30, 0, 0, 1), (40, 0, 10, 6)]


def test_a_chain_goes_on_after_a_semicolon() -> None:
    assert parse("morphine 5 mg iv at 1 h; then 2 mg") == parse("morphine 5 mg iv at 1 h, then 2 mg")


def test_what_a_step_leaves_out_is_as_in_the_step_before() -> None:
    second = parse("morphine 5 mg im, then naloxone 0.4 mg iv, then 0.4 mg after 2 min").doses[2]
    assert (second.product, second.route, second.time) == ("naloxone", "iv", 2.0)


def test_at_is_absolute_and_may_lie_before_zero() -> None:
    assert course("ethanol 40 g oral at -1 h 30 min; morphine 5 mg iv, 2 mg at 20 min") == [
        (-90, 0, 0, 1),
        (0, 0, 0, 1),
        (20, 0, 0, 1),
    ]


def test_day_k_is_24_k_hours() -> None:
    assert only("morphine 5 mg iv at day 3").time == 3 * 1440
    assert only("morphine 5 mg iv on day 3 8 h").time == 3 * 1440 + 480


@pytest.mark.parametrize(
    ("words", "interval", "count"),
    [
        ("daily x 14", 1440, 14),
        ("every day for 2 weeks", 1440, 14),
        ("once daily until day 14", 1440, 14),
        ("twice daily for 7 days", 720, 14),
        ("three times daily x 3", 480, 3),
        ("3 times a day x 3", 480, 3),
        ("q8h x 3", 480, 3),
        ("tid ×3", 480, 3),
        ("hourly until 90 min", 60, 2),
        ("every 1 h 30 min x 4 doses", 90, 4),
        ("weekly x 2", 10080, 2),
        ("every 4 h x 6 until 24 h", 240, 6),
        ("every 4 h 6 times", 240, 6),
    ],
)
def test_repeats_count_every_dose_and_end_before_until(words: str, interval: float, count: int) -> None:
    dose = only(f"morphine 10 mg oral {words}")
    assert (dose.interval, dose.count) == (interval, count)


@pytest.mark.parametrize(
    ("words", "route"),
    [
        ("i.v.", "iv"),
        ("intravenous", "iv"),
        ("iv bolus", "iv"),
        ("by mouth", "oral"),
        ("PO", "oral"),
        ("nasal", "intranasal"),
        ("in", "intranasal"),
        ("SL", "sublingual"),
        ("patch for 3 days", "transdermal"),
        ("subcutaneously", "sc"),
    ],
)
def test_routes_have_many_names(words: str, route: str) -> None:
    assert only(f"drug 5 mg {words}").route == route


def test_the_order_of_drug_amount_and_route_is_free() -> None:
    assert parse("morphine 10 mg iv") == parse("morphine iv 10 mg") == parse("10 mg morphine iv")


def test_micrograms_have_one_spelling() -> None:
    assert parse("fentanyl 100 mcg iv") == parse("fentanyl 100 µg iv") == parse("fentanyl 100 ug iv")


def test_a_catalogue_gives_canonical_names_and_names_of_several_words() -> None:
    names = Catalogue({"morphine": "morphine", "fentanyl citrate": "fentanyl", "heroin": "diamorphine"})
    assert parse("Fentanyl Citrate 1 ug/kg iv; Heroin 5 mg iv", names).products == ("fentanyl", "diamorphine")


def test_a_rescue_rule_is_kept_as_a_rule() -> None:
    text = "naloxone 2 mg im when ventilation < 40 % for the first time, after 60 s, then every 150 s x 2"
    regimen = parse(text)
    (rule,) = regimen.rules
    assert regimen.doses == ()
    assert (rule.output, rule.comparison, rule.threshold, rule.unit, rule.first_time) == (
        "ventilation",
        "<",
        40.0,
        "%",
        True,
    )
    assert (rule.delay, rule.interval, rule.repeats) == (1.0, 2.5, 2)
    assert str(regimen) == text
    assert parse("naloxone 2 mg im when ventilation falls below 40 % for the first time").rules[0].comparison == "<"


def test_a_model_is_chosen_for_a_drug() -> None:
    regimen = parse('ketamine 1 mg/kg iv; ketamine: model = "otto-2021"')
    assert regimen.models == {"ketamine": "otto-2021"}
    assert regimen.routes() == {"ketamine": ("iv",)}


def test_comments_and_lines_are_free() -> None:
    assert parse("# anaesthesia\nketamine 1 mg/kg iv; # then\n  naloxone 2 mg im at 1 h") == parse(
        "ketamine 1 mg/kg iv; naloxone 2 mg im at 1 h;"
    )


def test_doses_are_in_order_of_time_and_ties_as_written() -> None:
    doses = parse("a 1 mg iv at 1 h; b 1 mg iv; c 1 mg iv at 1 h; d 1 mg iv").doses
    assert [d.product for d in doses] == ["b", "d", "a", "c"]


def test_a_million_repeats_cost_one_record() -> None:
    begin = time.perf_counter()
    dose = only("morphine 1 ug iv every 1 s x 1e6")
    assert dose.count == 1_000_000
    assert dose.end == pytest.approx(999_999 / 60)
    assert time.perf_counter() - begin < 0.5


def test_regimens_are_values() -> None:
    a, b = parse(SENTENCES[1]), parse(SENTENCES[1])
    assert a == b
    assert hash(a) == hash(b)
    with pytest.raises(dataclasses.FrozenInstanceError):
        a.items = ()  # type: ignore[misc]
    assert Regimen.from_dict(json.loads(json.dumps(a.to_dict()))) == a


@pytest.mark.parametrize("text", SENTENCES)
def test_the_canonical_text_of_a_sentence_is_its_own_canonical_text(text: str) -> None:
    regimen = parse(text)
    assert parse(format(regimen)) == regimen
    assert format(parse(format(regimen))) == format(regimen)


@given(regimens())
@settings(max_examples=300, deadline=None)
def test_parsing_the_canonical_text_gives_the_regimen_back(regimen: Regimen) -> None:
    again = parse(format(regimen))
    assert again == regimen
    assert again.doses == regimen.doses
    assert again.rules == regimen.rules


@given(regimens())
@settings(max_examples=60, deadline=None)
def test_case_and_spacing_mean_nothing(regimen: Regimen) -> None:
    text = format(Regimen(regimen.items))  # names of models keep their case
    spaced = text.replace(", ", " ,\n ").replace("; ", " ;  ").replace(" then ", " THEN ").replace(" every ", " Every ")
    assert parse(spaced) == parse(text)


def same_tree(ours: Node | Token, larks: object) -> bool:
    """Whether our node and lark's are the same."""
    if isinstance(ours, Token):
        return str(larks) == ours.text and getattr(larks, "type", None) == ours.kind
    children = getattr(larks, "children", [])
    return (
        str(getattr(larks, "data", "")) == ours.kind
        and len(children) == len(ours.children)
        and all(map(same_tree, ours.children, children))
    )


@given(st.one_of(st.sampled_from(SENTENCES), regimens().map(format)))
@settings(max_examples=60, deadline=None)
def test_the_tree_is_the_one_lark_builds(text: str) -> None:
    assert same_tree(parse_tree(text), LARK.parse(text))


LARK = lark_parser()


def test_the_tables_are_those_of_the_grammar() -> None:
    tables = Path(language.__file__).with_name("tables.json")
    fix = "run: python -m racemate.regimen.build_tables"
    assert json.loads(tables.read_text(encoding="utf-8")) == json.loads(build()), fix


def test_parsing_does_not_import_lark() -> None:
    code = "import sys; from racemate.regimen import parse; parse('morphine 5 mg iv'); assert 'lark' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
