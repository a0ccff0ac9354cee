"""From a refused file to sentences: file, line, key, what is wrong and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from racemate.errors import RacemateError, unknown

if TYPE_CHECKING:
    from pydantic import ValidationError

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[\w.-]+(?:\s*\.\s*[\w-]+)*)\s*=""")
_PLAIN = {
    "string_type": "text in quotes is needed",
    "string_too_short": "the text is empty",
    "float_type": "a plain number is needed",
    "int_type": "a whole number is needed",
    "bool_type": "true or false is needed",
    "list_type": "a list is needed",
    "dict_type": "a table is needed",
    "finite_number": "a finite number is needed",
}


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line of a TOML text where the longest known beginning of a dotted path stands.

    Examples
    --------
    >>> line_of('id = "x"\\n[products.x]\\nlabel = "X"\\n', ["products", "x", "label"])
    3
    """
    wanted = [str(p) for p in path]
    best, found = 0, None
    for number, full in _lines(text):
        shared = 0
        while shared < min(len(full), len(wanted)) and full[shared] == wanted[shared]:
            shared += 1
        if shared > best and shared == len(full):
            best, found = shared, number
    return found


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    header: list[str] = []
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            header = [p.strip().strip("\"'") for p in match.group(2).split(".")]
            if match.group(1) == "[[":
                counts[match.group(2)] = counts.get(match.group(2), -1) + 1
                header.append(str(counts[match.group(2)]))
            yield number, header
        elif match := _KEY.match(line):
            yield number, header + [p.strip().strip("\"'") for p in match.group(1).split(".")]


def place(file: str, path: Sequence[str | int], text: str = "") -> str:
    """``file, line n, key`` for an error."""
    line = line_of(text, path) if text and path else None
    key = ".".join(f"{p + 1}" if isinstance(p, int) else p for p in path)
    return ", ".join(x for x in (file, f"line {line}" if line else "", key) if x)


def explain(error: ValidationError, file: str, text: str) -> list[RacemateError]:
    """Every complaint of pydantic about one file in our words."""
    found = [(_path(e["loc"]), e) for e in error.errors()]
    problems = []
    for (parent, missing), group in groupby(found, key=lambda f: (f[0][:-1], f[1]["type"] == "missing")):
        if missing:
            names = [str(path[-1]) for path, _ in group]
            problems.append(_missing(names, place(file, parent, text)))
        else:
            problems += [_one(e, file, path, text) for path, e in group]
    return problems


def _path(loc: Sequence[str | int]) -> list[str | int]:
    """The keys as the file has them: pydantic's own tags and marks left out."""
    return [p for p in loc if not (isinstance(p, str) and (p.startswith("<") or p == "[key]" or "[" in p))]


def _missing(names: list[str], where: str) -> RacemateError:
    listed = " and ".join(filter(None, (", ".join(f"'{n}'" for n in names[:-1]), f"'{names[-1]}'")))
    many = len(names) > 1
    return RacemateError(
        f"key{'s' if many else ''} {listed} {'are' if many else 'is'} missing",
        where=where,
        fix="add " + ", ".join(f"{n} = ..." for n in names),
    )


def _one(error: Any, file: str, path: list[str | int], text: str) -> RacemateError:
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "value_error":
        problem = context["error"]
        where = place(file, [*path, problem.key] if problem.key else path, text)
        if problem.name:
            return unknown(problem.what, problem.name, problem.known, where=where)
        return RacemateError(problem.what, where=where, fix=problem.fix or None)
    where = place(file, path, text)
    if kind == "literal_error":
        return unknown(
            str(path[-1]) if path else "word",
            str(error["input"]),
            re.findall(r"'([^']+)'", context["expected"]),
            where=where,
        )
    if kind in _PLAIN:
        return RacemateError(f"{_PLAIN[kind]}, not {_shown(error['input'])}", where=where)
    return RacemateError(f"{_lower(error['msg'])}, not {_shown(error['input'])}", where=where)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _lower(message: str) -> str:
    message = message.removeprefix("Input should be ")
    return f"it should be {message}" if message[:1].islower() else message
