"""A wrong dosing text: one message that points at the word and names what would be right."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racemate.errors import RacemateError
from racemate.regimen import Catalogue, Regimen, format, parse
from regimens import regimens

NAMES = Catalogue({n: n for n in ("ketamine", "morphine", "fentanyl", "naloxone")})

# text, the word the caret is under, a part of what is wrong, a part of what would be right
WRONG = [
    ("fentanil 5 mg iv", "fentanil", "unknown drug", "'fentanyl'"),
    ("morphine 5 mgg iv", "mgg", "unknown unit", "'mg'"),
    ("morphine 5 mg/kgg iv", "kgg", "unknown unit", "'kg'"),
    ("morphine 5 tablets oral", "tablets", "unknown unit", "mg, g, ug"),
    ("morphine 5 mL oral", "mL", "not a unit of dose", "mg"),
    ("morphine 5 mg/lb iv", "mg/lb", "not a unit of dose", "mg/kg"),
    ("morphine 5 iv", "iv", "a unit is missing", "'5 mg iv'"),
    ("morphine 5", "", "a unit is missing", "mg/kg"),
    ("morphine 0,5 mg iv", ",", "comma", "0.5"),
    ("morphine 5 mg ivv over 4 min", "ivv", "unknown route", "'iv'"),
    ("morphine 5 mg oraly", "oraly", "unknown route", "'orally'"),
    ("morphine 5 mg over 4 min", "5 mg", "by which route", "iv, im, sc"),
    ("5 mg iv", "5 mg iv", "which drug", "name"),
    ("then 5 mg iv", "then", "no step before", "first dose"),
    ("morphine 5 mg iv ovr 4 min", "ovr", "did not expect", "'over'"),
    ("morphine 5 mg iv evry 10 min x 6", "evry", "did not expect", "'every'"),
    ("morphine 5 mg iv every 10 min untl 1 h", "untl", "did not expect", "'until'"),
    ("morphine 5 mg iv naloxone 2 mg im", "naloxone", "did not expect", "';'"),
    ("morphine 5 mg iv over 40 mn", "mn", "not a unit of time", "'min'"),
    ("morphine 5 mg iv over 40 m", "m", "not a unit of time", "'min'"),
    ("morphine 5 mg iv at", "", "ends too early", "a number"),
    ("", "", "ends too early", "a name"),
    ("morphine -5 mg iv", "-5", "negative", ""),
    ("morphine 0 mg iv", "0", "more than zero", ""),
    ("morphine 1e999 mg iv", "1e999", "too large", ""),
    ("morphine 5 mg iv over 0 min", "0 min", "more than zero", ""),
    ("morphine 5 mg iv over -3 min", "-3 min", "more than zero", ""),
    ("morphine 5 mg iv every 0 h x 3", "0 h", "more than zero", ""),
    ("morphine 5 mg iv every 4 h", "every 4 h", "how many doses", "'x 6'"),
    ("morphine 5 mg iv x 6", "x 6", "how often", "every"),
    ("morphine 5 mg iv every 4 h x 2.5", "x 2.5", "not a number of doses", "whole"),
    ("morphine 5 mg iv every 4 h x 0", "x 0", "not a number of doses", "whole"),
    ("morphine 5 mg iv every 4 h x 1e9", "x 1e9", "1000000000 doses are more than the most", "infusion"),
    ("morphine 5 mg iv every 1 s until 1000 days", "until 1000 days", "more than the most", "infusion"),
    ("morphine 5 mg iv every 4 h x 6 until 12 h", "until 12 h", "disagree", "keep one"),
    ("morphine 5 mg/h iv for 2 h until 3 h", "until 3 h", "disagree", "keep one"),
    ("morphine 5 mg/h iv at 2 h until 1 h", "until 1 h", "before it starts", "later"),
    ("morphine 5 mg iv at 2 h every 10 min until 1 h", "until 1 h", "before it starts", "later"),
    ("morphine 5 mg iv over 1 h, then 2 mg at 30 min", "at 30 min", "ends at 1 h", "later"),
    ("morphine 5 mg/h iv", "5 mg/h", "how long", "'for 8 h'"),
    ("fentanyl 5 mg patch", "5 mg", "how long", "'for 8 h'"),
    ("morphine 5 mg iv for 2 h", "for 2 h", "over a time", "'over 2 h'"),
    ("morphine 5 mg iv, 2 mg iv", "2 mg iv", "when is this given", "'then'"),
    ("morphine 5 mg iv, then every 4 h x 2", "then every 4 h x 2", "what is given", "again"),
    ("morphine 5 mg iv at 2 h at 3 h", "at 3 h", "said twice", "keep one"),
    ("morphine 5 mg iv at 2 h after 3 h", "after 3 h", "both say when", "keep one"),
    ("morphine 5 mg iv every 4 h x 2 for the first time", "for the first time", "belongs to a rule", "when"),
    ("naloxone 2 mg im when ventilation < 40 % at 2 h", "at 2 h", "a rule has no such words", "when"),
    ("naloxone 2 mg im when ventilation < 40 parsec", "parsec", "unknown unit", ""),
    ("naloxone 2 mg im when ventilation < 40 %, then 2 mg im", "2 mg im", "not known beforehand", "at 2 h"),
    ("morphine 5 mg iv at steady state", "at steady state", "which interval", "every"),
    ("ketamine 5 mg iv; ketamine: model = a; ketamine: model = b", "ketamine: model = b", "two models", "keep one"),
]


def message(text: str, names: Catalogue | None = NAMES) -> RacemateError:
    with pytest.raises(RacemateError) as caught:
        parse(text, names)
    return caught.value


@pytest.mark.parametrize(("text", "word", "what", "fix"), WRONG, ids=[w[0] for w in WRONG])
def test_the_caret_is_under_the_word_that_is_wrong(text: str, word: str, what: str, fix: str) -> None:
    error = message(text)
    assert what in error.what
    assert fix in (error.fix or "")
    line, carets = (error.where or "").split("\n")
    begin = carets.index("^")
    assert line[begin : begin + carets.count("^")] == word or (not word and begin >= len(line))


def test_only_the_line_that_is_wrong_is_shown() -> None:
    error = message("ketamine 1 mg/kg iv;\n  fentanil 5 ug iv;\n  naloxone 2 mg im")
    assert error.where == "  fentanil 5 ug iv;\n  ^^^^^^^^"


def test_a_very_long_line_is_cut_around_the_word() -> None:
    error = message("; ".join(["morphine 5 mg iv"] * 500 + ["fentanil 5 ug iv"] + ["morphine 5 mg iv"] * 500))
    line, carets = (error.where or "").split("\n")
    assert len(line) < 140
    assert line[carets.index("^") :].startswith("fentanil")


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_in_one_message(text: str) -> None:
    try:
        parse(text)
    except RacemateError as error:
        assert error.what


WORDS = (
    "morphine ketamine iv im patch 5 0.1 -3 1e9 mg mg/kg/h ug/h h min day days at then , ; over for every x x6 until "
    "daily when ventilation < % after load reset steady state at plus into compartment modelled duration "
    "for the first time : = model"
).split()


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
@settings(max_examples=600, deadline=None)
def test_any_words_of_the_language_are_read_or_refused(text: str) -> None:
    try:
        regimen = parse(text)
    except RacemateError as error:
        assert "^" in (error.where or "")
        return
    assert parse(format(regimen)) == regimen


@given(regimens(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_sentence_with_a_slip_is_read_or_refused(regimen: Regimen, data: st.DataObject) -> None:
    text = format(regimen)
    place = data.draw(st.integers(0, len(text) - 1))
    slip = data.draw(st.sampled_from(["", " ", "x", "0", ",", ";", "/", "-", '"', "é"]))
    try:
        parse(text[:place] + slip + text[place + 1 :])
    except RacemateError as error:
        assert "^" in (error.where or "")
