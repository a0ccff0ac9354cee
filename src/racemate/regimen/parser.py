"""A small LALR parser that runs the tables lark made of `grammar.lark`.

It builds the same tree as lark (a test holds the two together) and, on a wrong text, knows what was
possible at the place where it stopped, which is what a helpful error needs.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from racemate.errors import RacemateError, nearest

SHIFT = 1
_HINTS = {
    "NUMBER": "a number", "UNIT": "a unit", "WORD": "a name", "STRING": "a name in quotes", "DAY": "'day'",
    "_COMMA": "','", "_SEMICOLON": "';'", "_COLON": "':'", "_EQUALS": "'='", "COUNT": "'x 3'", "_LOAD": "'load'",
    "FREQUENCY": "'daily'", "COMPARISON": "'<' or '>'", "FIRST_TIME": "'for the first time'",
    "STEADY_STATE": "'steady state'", "MODELLED_DURATION": "'modelled duration'",
    "MODELLED_RATE": "'modelled rate'", "$END": "the end",
}  # fmt: skip
KEYWORDS = ("then at from on over for after plus every until when into day reset steady modelled compartment model "
             "load twice daily hourly weekly three times below above").split()  # fmt: skip


class Unexpected(RacemateError):
    """A word that cannot stand where it stands; `before` is the name just before a number that cannot follow it."""

    before: Token | None = None


class Token(NamedTuple):
    """A piece of the text: the terminal it is, its text and where it stands."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Node:
    """A rule of the grammar with what it was made of, and the part of the text it covers."""

    kind: str
    children: tuple[Node | Token, ...]
    start: int
    end: int

    def nodes(self, kind: str) -> list[Node]:
        """The children that are nodes of this kind."""
        return [c for c in self.children if isinstance(c, Node) and c.kind == kind]

    def node(self, kind: str) -> Node | None:
        """The first child of this kind, or None."""
        found = self.nodes(kind)
        return found[0] if found else None

    def tokens(self) -> list[Token]:
        """The children that are tokens."""
        return [c for c in self.children if isinstance(c, Token)]


class _Tables:
    def __init__(self) -> None:
        data: dict[str, Any] = json.loads(Path(__file__).with_name("tables.json").read_text(encoding="utf-8"))
        self.patterns: dict[str, str] = dict(data["terminals"])
        self.rank = {name: i for i, name in enumerate(self.patterns)}
        self.rules: list[tuple[str, str, int]] = [(a, b, n) for a, b, n in data["rules"]]
        self.states: list[dict[str, list[int]]] = data["states"]
        self.ignored: list[str] = data["ignored"]
        self.end: int = data["end"]
        self._compiled: dict[str, re.Pattern[str]] = {}
        self._tried: dict[int, list[str]] = {}

    def pattern(self, name: str) -> re.Pattern[str]:
        if name not in self._compiled:
            self._compiled[name] = re.compile(self.patterns[name])
        return self._compiled[name]

    def tried(self, state: int) -> list[str]:
        """The terminals possible in a state, in the order they are tried."""
        if state not in self._tried:
            possible = [n for n in (*self.states[state], *self.ignored) if n in self.rank]
            self._tried[state] = sorted(possible, key=self.rank.__getitem__)
        return self._tried[state]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    return _Tables()


def parse_tree(text: str) -> Node:
    """The syntax tree of a dosing text.

    Raises
    ------
    RacemateError
        At the first word that cannot stand where it stands.
    """
    tables, position = _tables(), 0
    states: list[int] = [0]
    values: list[list[Node | Token]] = []  # what each symbol on the stack is, spliced for '_' rules
    while True:
        token = _next(tables, text, position, states[-1], values)
        position = token.end
        while True:
            action = tables.states[states[-1]].get(token.kind)
            if action is None:
                raise _unexpected(tables, text, token.start, states[-1], values)
            if action[0] == SHIFT:
                break
            _reduce(tables, action[1], states, values, token.start)
            if states[-1] == tables.end:
                root = values[0][0]
                assert isinstance(root, Node)
                return root
        states.append(action[1])
        values.append([] if token.kind.startswith("_") else [token])


def _reduce(tables: _Tables, rule: int, states: list[int], values: list[list[Node | Token]], position: int) -> None:
    name, origin, size = tables.rules[rule]
    parts = [child for part in values[len(values) - size :] for child in part]
    del values[len(values) - size :], states[len(states) - size :]
    if not origin.startswith("_"):
        start, end = (parts[0].start, parts[-1].end) if parts else (position, position)
        parts = [Node(name, tuple(parts), start, end)]
    values.append(parts)
    states.append(tables.states[states[-1]][origin][1])


def _next(tables: _Tables, text: str, position: int, state: int, values: list[list[Node | Token]]) -> Token:
    while position < len(text):
        for name in tables.tried(state):
            match = tables.pattern(name).match(text, position)
            if match and match.end() > position:
                break
        else:
            raise _unexpected(tables, text, position, state, values)
        if name not in tables.ignored:
            return Token(name, match.group(), position, match.end())
        position = match.end()
    return Token("$END", "", len(text), len(text))


def _unexpected(
    tables: _Tables, text: str, position: int, state: int, values: list[list[Node | Token]]
) -> RacemateError:
    """The error for a word that cannot stand here: what could, and the nearest word of the language."""
    possible = {name for name in tables.states[state] if name in tables.rank or name == "$END"}
    found = re.compile(r"[^\s,;]+|[,;]").match(text, position)
    word = found.group() if found else ""
    start, end = (found.start(), found.end()) if found else (len(text), len(text))
    if possible == {"UNIT"}:
        if word == "," and text[end : end + 1].isdigit():
            return error_at("a comma separates steps", text, start, end, fix="write decimals with a point, as in 0.5")
        what = f"a unit is missing before '{word}'" if word else "a unit is missing"
        return error_at(what, text, start, end, fix="write the number with its unit, as in '0.5 mg/kg' or '40 min'")
    what = f"did not expect '{word}' here" if word else "the text ends too early"
    close = nearest(word, KEYWORDS) if len(word) > 2 else None
    shown = sorted({_HINTS.get(n, f"'{n.lower()}'") for n in possible - {"_COMMENT", "_BLANK"}})
    fix = f"did you mean '{close}'?" if close else "possible here: " + ", ".join(shown)
    found_at = error_at(what, text, start, end, fix=fix)
    error = Unexpected(found_at.what, where=found_at.where, fix=found_at.fix)
    last: Node | Token | None = values[-1][-1] if values and values[-1] else None
    if isinstance(last, Node) and last.kind == "words":
        last = last.children[-1]
    error.before = last if word[:1].isdigit() and isinstance(last, Token) and last.kind == "WORD" else None
    return error


def error_at(what: str, text: str, start: int, end: int, *, fix: str | None = None) -> RacemateError:
    """An error that shows the line of the text with a caret under the part that is wrong.

    Examples
    --------
    >>> print(error_at("unknown unit 'mgg'", "morphine 5 mgg iv", 11, 14, fix="did you mean 'mg'?"))
    unknown unit 'mgg'
      where: morphine 5 mgg iv
                        ^^^
      fix:   did you mean 'mg'?
    """
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", start)
    line = text[begin : len(text) if stop < 0 else stop].replace("\t", " ").rstrip("\r")
    width = max(1, min(end, begin + len(line)) - start)
    column = start - begin
    if column > 70:  # keep the caret in sight on very long lines
        line, column = "..." + line[column - 50 :], 53
    if len(line) > column + width + 40:
        line = line[: column + width + 37] + "..."
    return RacemateError(what, where=f"{line}\n{' ' * column}{'^' * width}", fix=fix)
