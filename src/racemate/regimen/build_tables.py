"""Compile `grammar.lark` to `tables.json` with lark.

The parser reads the tables, so that a run of racemate pays for neither `import lark` nor the
construction of the automaton (together 0.2 s). Run it after changing the grammar::

    python -m racemate.regimen.build_tables
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHIFT, REDUCE = 1, 0


def lark_parser() -> Any:
    """The parser lark itself builds from the grammar (the reference the tests compare with)."""
    from lark import Lark

    return Lark((HERE / "grammar.lark").read_text(encoding="utf-8"), parser="lalr", lexer="contextual")


def build() -> str:
    """The text of tables.json: terminals in the order they are tried, rules and the LALR automaton."""
    lark = lark_parser()
    table = lark.parser.parser._parse_table
    terminals = sorted(lark.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
    order = _walk(table.states, table.start_states["start"])
    number = {state: i for i, state in enumerate(order)}
    rules = sorted({_rule(rule) for actions in table.states.values() for kind, rule in actions.values() if _is(kind)})
    states = [
        {name: _action(kind, what, number, rules) for name, (kind, what) in table.states[state].items()}
        for state in order
    ]
    tables = {
        "terminals": [[t.name, t.pattern.to_regexp()] for t in terminals],
        "ignored": sorted(lark.ignore_tokens),
        "rules": rules,
        "states": states,
        "end": number[table.end_states["start"]],
    }
    return json.dumps(tables, separators=(",", ":"), sort_keys=True) + "\n"


def _walk(states: Any, start: Any) -> list[Any]:
    """States in an order that does not depend on lark's numbering: breadth first from the start."""
    order, seen = [start], {start}
    for state in order:
        for _, (kind, argument) in sorted(states[state].items()):
            if not _is(kind) and argument not in seen:
                seen.add(argument)
                order.append(argument)
    return order


def _is(kind: Any) -> bool:
    """Whether an action is a reduction."""
    return str(kind) == "Reduce"


def _rule(rule: Any) -> tuple[str, str, int]:
    """What a reduction does: the name of the node, the symbol it becomes, how many symbols it takes."""
    origin = str(rule.origin.name)
    return (str(rule.alias or origin), origin, len(rule.expansion))


def _action(kind: Any, argument: Any, number: dict[Any, int], rules: list[tuple[str, str, int]]) -> list[int]:
    return [REDUCE, rules.index(_rule(argument))] if _is(kind) else [SHIFT, number[argument]]


if __name__ == "__main__":
    (HERE / "tables.json").write_text(build(), encoding="utf-8")
