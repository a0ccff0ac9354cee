"""From the syntax tree to items: names looked up, units read, what a step leaves out taken from the step before."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Any

from racemate.errors import RacemateError, nearest
from racemate.regimen.parser import KEYWORDS, Node, Token, Unexpected, error_at, parse_tree
from racemate.regimen.syntax import Amount, Catalogue, Condition, Item, Span, Step
from racemate.units import ALIASES, parse_unit

DOSE_UNITS = ("mg", "g", "ug", "mcg", "ng", "nmol", "umol", "mmol", "mol", "pmol")
TIME_UNITS = ("s", "sec", "min", "h", "hr", "hours", "minutes", "seconds", "day", "days", "week", "weeks")
_COMPARISONS = {"below": "<", "above": ">"}
_PER_DAY = {
    "daily": 1, "od": 1, "bd": 2, "bid": 2, "tid": 3, "tds": 3, "qid": 4, "qds": 4,
    "once": 1, "twice": 2, "thrice": 3, "two": 2, "three": 3, "four": 4, "six": 6,
}  # fmt: skip
Place = tuple[int, int]
"""Where in the text something stands: start and end."""


@dataclass
class Reading:
    """What was read: items, model choices, and where each clause of each step stands."""

    items: list[Item] = field(default_factory=list)
    models: dict[str, str] = field(default_factory=dict)
    places: dict[tuple[int, int], dict[str, Place]] = field(default_factory=dict)


def read(text: str, catalogue: Catalogue) -> Reading:
    """Read a dosing text.

    Raises
    ------
    RacemateError
        At the first word that is wrong, with a caret.
    """
    return _Reader(text, catalogue).read()


class _Reader:
    def __init__(self, text: str, catalogue: Catalogue) -> None:
        self.text, self.catalogue = text, catalogue
        self.steps: list[list[Step]] = []
        self.reading = Reading()

    def wrong(self, what: str, place: Node | Token, fix: str | None = None) -> RacemateError:
        return error_at(what, self.text, place.start, place.end, fix=fix)

    def read(self) -> Reading:
        for entry in self.tree().children:
            assert isinstance(entry, Node)
            if entry.kind == "choice":
                self.choice(entry)
            elif entry.kind == "reset":
                self.reset(entry)
            else:
                self.entry(entry)
        self.reading.items = [Item(tuple(steps)) for steps in self.steps]
        return self.reading

    def tree(self) -> Node:
        try:
            return parse_tree(self.text)
        except Unexpected as error:
            before = error.before
            if before is not None and before.text.lower() not in self.catalogue.routes:
                raise self.leftover(before) from None
            raise

    def choice(self, node: Node) -> None:
        words, name = node.children
        assert isinstance(words, Node) and isinstance(name, Node)
        product, model = self.product(words), _name(name)
        if self.reading.models.setdefault(product, model) != model:
            raise self.wrong(f"two models are chosen for {product}", node, "keep one")

    def reset(self, node: Node) -> None:
        at = node.node("time")
        assert at is not None
        self.steps.append([Step("", "", None, at=self.moment(at), reset=True)])
        self.reading.places[len(self.steps) - 1, 0] = {"": (node.start, node.end), "at": (at.start, at.end)}

    def entry(self, node: Node) -> None:
        if node.kind == "continued":
            if not self.steps or not self.steps[-1][-1].product:
                raise self.wrong("there is no step before this 'then'", node.children[0], "begin with the first dose")
        else:
            self.steps.append([])
        parts = list(node.children)
        then = parts[0].kind == "THEN"
        self.step(parts[1] if then else parts[0], then=then)
        for tail in parts[2 if then else 1 :]:
            assert isinstance(tail, Node)
            if tail.kind == "more":
                self.more(tail)
            else:
                then = tail.kind == "then_step"
                self.step(tail.children[-1], then=then, comma=not then)

    def more(self, node: Node) -> None:
        """Further clauses of the step before, after a comma."""
        step = self.steps[-1].pop()
        if not step.product:
            raise self.wrong("a reset has no such words", node, "write 'reset at 5 h'")
        if node.children[0].kind == "THEN" and step.when is None:
            raise self.wrong("what is given then?", node, f"write the dose again: 'then {step.amount} every ...'")
        self.finish(step, node.nodes("clause"), len(self.steps[-1]))

    def step(self, node: Node | Token, *, then: bool, comma: bool = False) -> None:
        assert isinstance(node, Node)
        head, amount, words = node.node("head"), node.node("amount"), node.node("words")
        assert head is not None and amount is not None
        before = self.steps[-1][-1] if self.steps[-1] else None
        place = len(self.steps[-1])
        named = head.node("words")
        dose = self.amount(amount)
        product, route = self.names(node, named, words, before)
        where = {"": (node.start, node.end), "amount": (amount.start, amount.end)}
        where["route"] = (words.start, words.end) if words else where["amount"]
        where["product"] = (named.start, named.end) if named else where["amount"]
        self.reading.places[len(self.steps) - 1, place] = where
        self.finish(Step(product, route, dose, then=then), node.nodes("clause"), place)
        if comma and self.steps[-1][-1].at is None:
            raise self.wrong("when is this given?", node, "write 'then' before it, or 'at' and a time after it")

    def names(self, node: Node, named: Node | None, words: Node | None, before: Step | None) -> tuple[str, str]:
        """The product and the route of a step; what is not said is as in the step before."""
        tokens = words.tokens() if words else []
        names = named.tokens() if named else []
        if not tokens and len(names) > 1 and self.route_of(names[-1:]):  # morphine iv 10 mg
            names, tokens = names[:-1], names[-1:]
        if not names and tokens:  # 10 mg morphine iv
            split = next((i for i in range(1, len(tokens)) if self.route_of(tokens[i:])), 0)
            text = _words(tokens[:split]).lower()
            if split and (text in (self.catalogue.products or {}) or (self.catalogue.products is None and not before)):
                names, tokens = tokens[:split], tokens[split:]
        if not names and before is None:
            raise self.wrong("which drug is given?", node, "begin with its name: 'morphine 10 mg iv'")
        if not tokens and before is None:
            known = ", ".join(dict.fromkeys(self.catalogue.routes.values()))
            fix = f"after the amount, one of: {known}"
            raise self.wrong("by which route is it given?", node.nodes("amount")[0], fix)
        product = self.product_of(names) if names else before.product if before else ""
        return product, self.route(tokens) if tokens else before.route if before else ""

    def product(self, node: Node) -> str:
        return self.product_of(node.tokens())

    def product_of(self, tokens: list[Token]) -> str:
        try:
            return self.catalogue.product(_words(tokens))
        except RacemateError as error:
            raise error_at(error.what, self.text, tokens[0].start, tokens[-1].end, fix=error.fix) from None

    def route_of(self, tokens: list[Token]) -> str | None:
        return self.catalogue.routes.get(_words(tokens).lower())

    def route(self, tokens: list[Token]) -> str:
        """The route; a word left over after it is most often a misspelt word of the language."""
        for size in range(len(tokens), 0, -1):
            route = self.route_of(tokens[:size])
            if route and size == len(tokens):
                return route
            if route:
                raise self.leftover(tokens[size])
        first = tokens[0]
        close = nearest(_words(tokens), self.catalogue.routes) or nearest(first.text, self.catalogue.routes)
        if close is None and nearest(first.text, KEYWORDS):
            raise self.leftover(first)
        known = ", ".join(dict.fromkeys(self.catalogue.routes.values()))
        fix = f"did you mean '{close}'?" if close else f"known: {known}"
        raise error_at(f"unknown route '{_words(tokens)}'", self.text, first.start, tokens[-1].end, fix=fix)

    def leftover(self, word: Token) -> RacemateError:
        if word.text.lower() in (self.catalogue.products or {}):
            return self.wrong(f"did not expect '{word.text}' here", word, "write ';' before the next drug")
        close = nearest(word.text, KEYWORDS)
        words = "here come words such as: over, for, at, every, then; or ';' and a drug"
        fix = f"did you mean '{close}'?" if close else words
        return self.wrong(f"did not expect '{word.text}' here", word, fix)

    def amount(self, node: Node) -> Amount:
        value, unit = node.tokens()
        dose = self.value(value)
        if dose <= 0:
            raise self.wrong("a dose must be more than zero" if dose == 0 else "a dose cannot be negative", value)
        if unit.text.lower() in self.catalogue.routes:
            raise self.wrong(f"a unit is missing before '{unit.text}'", unit, f"write '{value.text} mg {unit.text}'")
        try:
            return Amount.parse(dose, unit.text)
        except RacemateError as error:
            wrong = re.search(r"unknown unit '(.+)'$", error.what)
            start = unit.start + (unit.text.find(wrong.group(1)) if wrong else 0)
            end = start + len(wrong.group(1)) if wrong else unit.end
            fix = error.fix
            if wrong:
                known = DOSE_UNITS if start == unit.start else ("kg", *TIME_UNITS)
                close = nearest(wrong.group(1), known)
                fix = f"did you mean '{close}'?" if close else "known: " + ", ".join(known)
            raise error_at(error.what, self.text, start, end, fix=fix) from None

    def value(self, token: Token) -> float:
        value = float(token.text)
        if not math.isfinite(value):
            raise self.wrong(f"the number {token.text} is too large", token)
        return value

    def unit_of_time(self, token: Token) -> str:
        unit = ALIASES.get(token.text, ALIASES.get(token.text.lower(), token.text))
        try:
            if parse_unit(unit).dimension == parse_unit("min").dimension:
                return unit
        except RacemateError:
            pass
        close = "min" if unit == "m" else nearest(token.text, TIME_UNITS)
        fix = f"did you mean '{close}'?" if close else "known: s, min, h, day, week"
        raise self.wrong(f"'{token.text}' is not a unit of time", token, fix)

    def span(self, node: Node) -> Span:
        """A length of time; it must be more than zero."""
        span = self.moment(node)
        if span.minutes <= 0:
            raise self.wrong("a length of time must be more than zero", node)
        return span

    def moment(self, node: Node) -> Span:
        """A moment: a length of time counted from time zero, perhaps from a day, perhaps before it."""
        inner = node.node("span") if node.kind == "time" else node
        day = next((self.value(t) for t in node.tokens() if t.kind == "NUMBER"), None)
        terms: list[tuple[float, str]] = []
        negative = False
        for i, term in enumerate(inner.nodes("term") if inner else []):
            value, unit = term.tokens()
            size = self.value(value)
            if size < 0 and (i or day is not None):
                raise self.wrong("only the first part of a time may carry a sign", value, "write '-1 h 30 min'")
            negative = negative or size < 0
            terms.append((abs(size), self.unit_of_time(unit)))
        return Span(tuple(terms), day, negative)

    def finish(self, step: Step, clauses: list[Node], place: int) -> None:
        """Add clauses to a step and the step to its item."""
        where = self.reading.places[len(self.steps) - 1, place]
        said: dict[str, Any] = {
            name: getattr(step, name) for name in Step.__dataclass_fields__ if getattr(step, name) is not None
        }
        for node in clauses:
            name, value = self.clause(node, said)
            if name in where:
                raise self.wrong(f"'{self.text[node.start : node.end]}' is said twice", node, "keep one")
            said["when" if name == "first_time" else name] = value
            where[name] = (node.start, node.end)
        self.steps[-1].append(Step(**said))

    def clause(self, node: Node, said: dict[str, Any]) -> tuple[str, Any]:
        """The field of Step that a clause fills, and its value."""
        first, inner = node.children[0], node.children[-1]
        assert isinstance(first, Token)
        match first.kind, inner.kind:
            case "COUNT", _:
                return "count", self.count(first)
            case "FREQUENCY", _:
                return "every", _frequency(first.text)
            case "EVERY", _:
                return "every", self.every(inner)
            case "WHEN", _:
                return "when", self.condition(node)
            case "FIRST_TIME", _:
                return self.first_time(node, said)
            case "INTO", _:
                return "compartment", _compartment(inner)
            case _, "STEADY_STATE":
                return "steady_state", 1 if first.kind == "AT" else 2
            case _, "RESET":
                return "reset", True
            case _, "MODELLED_RATE":
                return "modelled", "rate"
            case _, "MODELLED_DURATION":
                return "modelled", "duration"
        assert isinstance(inner, Node)
        if first.kind in ("AT", "UNTIL"):
            return first.kind.lower(), self.moment(inner)
        amount, patch = said["amount"], said["route"] == "transdermal"
        goes_on = amount.is_rate or patch
        if first.kind == "OVER":
            return ("lasting" if amount.is_rate else "over"), self.span(inner)
        if first.kind == "AFTER":
            return "after", self.moment(inner)
        return ("lasting" if goes_on and "lasting" not in said else "during"), self.span(inner)

    def first_time(self, node: Node, said: dict[str, Any]) -> tuple[str, Any]:
        condition = said.get("when")
        if condition is None:
            raise self.wrong("'for the first time' belongs to a rule", node, "write 'when OUTPUT < NUMBER' before it")
        return "first_time", replace(condition, first_time=True)

    def count(self, token: Token) -> int:
        found = re.search(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?", token.text, re.IGNORECASE)
        text = found.group() if found else ""
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if value < 1 or not value.is_integer():
            raise self.wrong(f"'{token.text}' is not a number of doses", token, "write a whole number, as in 'x 6'")
        return int(value)

    def every(self, node: Node | Token) -> Span:
        assert isinstance(node, Node)
        inner = node.children[0]
        if isinstance(inner, Token):
            return Span(((1.0, self.unit_of_time(inner)),))
        return self.span(inner)

    def condition(self, node: Node) -> Condition:
        _, output, comparison, threshold, *unit = node.tokens()
        sign: Any = _COMPARISONS.get(comparison.text.split()[-1].lower(), comparison.text)
        if unit:
            try:
                parse_unit(unit[0].text)
            except RacemateError as error:
                raise self.wrong(error.what, unit[0], error.fix) from None
        written = re.sub(r"\s*/\s*", "/", unit[0].text) if unit else "1"
        return Condition(output.text, sign, self.value(threshold), written)


def _words(tokens: list[Token]) -> str:
    return " ".join(t.text for t in tokens)


def _name(node: Node) -> str:
    token = node.tokens()[0]
    return token.text[1:-1] if token.kind == "STRING" else token.text


def _compartment(node: Node | Token) -> str | int:
    assert isinstance(node, Node)
    token = node.tokens()[0]
    return int(float(token.text)) if token.kind == "NUMBER" else _name(node)


def _frequency(text: str) -> Span:
    first = text.lower().split()[0]
    if first in ("hourly", "weekly"):
        return Span(((1.0, "h" if first == "hourly" else "week"),))
    times = _PER_DAY[first] if first in _PER_DAY else int(first)
    period = 168.0 if "week" in text.lower() else 24.0
    if times == 1:
        return Span(((1.0, "week" if period > 24 else "day"),))
    return Span(((period / times, "h"),))
