"""Arithmetic of library files: covariate models such as ``(weight/70)^0.75``, parsed once and evaluated anywhere.

The tree is plain tuples, so that the same expression runs on floats, on NumPy arrays of a population and on
the symbols of a composed model.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from racemate.errors import RacemateError, unknown

Tree = tuple[Any, ...]
FUNCTIONS: Mapping[str, int | None] = {"exp": 1, "log": 1, "sqrt": 1, "min": None, "max": None}  # None: two or more
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|([-+*/^(),]))")


@dataclass(frozen=True, slots=True)
class Expression:
    """An arithmetic expression of a library file, parsed.

    Parameters
    ----------
    text : str
        As written.
    tree : tuple
        ``("num", v)``, ``("name", s)``, ``("neg", a)``, ``("add" | "sub" | "mul" | "div" | "pow", a, b)`` or
        ``("call", function, a, ...)`` with the functions exp, log, sqrt, min and max.
    names : tuple of str
        The names it reads, sorted.
    """

    text: str
    tree: Tree
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Parse ``+ - * / ^``, parentheses and the functions; ``^`` binds tightest and to the right.

        Raises
        ------
        RacemateError
            With a caret under the place that cannot be read.

        Examples
        --------
        >>> Expression.parse("(weight/70)^0.75").names
        ('weight',)
        >>> Expression.parse("-2^2").evaluate({})
        -4.0
        """
        tree = _Parser(text).whole()
        return cls(text, tree, tuple(sorted(set(_names(tree)))))

    def evaluate(self, env: Mapping[str, Any], ops: Operations | None = None) -> Any:
        """Evaluate with floats (default), NumPy arrays or symbols: see :func:`evaluate`."""
        return evaluate(self.tree, env, ops)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Operations:
    """The meaning of the operations of an expression; the arithmetic defaults to Python's operators."""

    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    min: Callable[[Any, Any], Any]
    max: Callable[[Any, Any], Any]
    number: Callable[[float], Any] = float
    neg: Callable[[Any], Any] = operator.neg
    add: Callable[[Any, Any], Any] = operator.add
    sub: Callable[[Any, Any], Any] = operator.sub
    mul: Callable[[Any, Any], Any] = operator.mul
    div: Callable[[Any, Any], Any] = operator.truediv
    pow: Callable[[Any, Any], Any] = operator.pow


FLOATS = Operations(math.exp, math.log, math.sqrt, min, max)


def numpy_operations() -> Operations:
    """Operations that work elementwise on NumPy arrays."""
    import numpy as np

    return Operations(np.exp, np.log, np.sqrt, np.minimum, np.maximum)


def evaluate(tree: Tree, env: Mapping[str, Any], ops: Operations | None = None) -> Any:
    """Evaluate an expression tree with the names of ``env`` and the operations of ``ops``.

    Examples
    --------
    >>> evaluate(Expression.parse("max(weight - 50, 0) * 2").tree, {"weight": 70.0})
    40.0
    >>> import numpy as np
    >>> evaluate(Expression.parse("(weight/70)^2").tree, {"weight": np.array([70.0, 140.0])}, numpy_operations())
    array([1., 4.])
    """
    ops = FLOATS if ops is None else ops
    head = tree[0]
    if head == "num":
        return ops.number(tree[1])
    if head == "name":
        if tree[1] not in env:
            raise unknown("name", tree[1], env)
        return env[tree[1]]
    if head == "call":
        return _apply(getattr(ops, tree[1]), [evaluate(a, env, ops) for a in tree[2:]])
    return getattr(ops, head)(*[evaluate(a, env, ops) for a in tree[1:]])


def _apply(function: Callable[..., Any], arguments: list[Any]) -> Any:
    """Apply a function of one argument, or fold one of two over many."""
    if len(arguments) == 1:
        return function(arguments[0])
    result = arguments[0]
    for argument in arguments[1:]:
        result = function(result, argument)
    return result


def _names(tree: Tree) -> Iterator[str]:
    if tree[0] == "name":
        yield tree[1]
    elif tree[0] != "num":
        for part in tree[2:] if tree[0] == "call" else tree[1:]:
            yield from _names(part)


class _Parser:
    """Recursive descent: sum -> product -> sign -> power -> atom."""

    _DEPTH = 60

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at, self.depth = text, list[tuple[str, str, int]](), 0, 0
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if not match:
                place += len(text[place:]) - len(text[place:].lstrip())
                raise self.error("cannot read", place)
            kind = ("num", "name", "op")[(match.lastindex or 1) - 1]
            self.tokens.append((kind, match.group(match.lastindex or 1), match.start(match.lastindex or 1)))
            place = match.end()
        self.tokens.append(("end", "", len(text)))

    def error(self, what: str, place: int | None = None) -> RacemateError:
        place = self.tokens[self.at][2] if place is None else place
        return RacemateError(
            f"{what} in the expression '{self.text}'",
            where=f"{self.text}\n{' ' * place}^",
            fix="use numbers, names, + - * / ^, parentheses and exp, log, sqrt, min, max",
        )

    def take(self, *symbols: str) -> str | None:
        kind, text, _ = self.tokens[self.at]
        if kind == "op" and text in symbols:
            self.at += 1
            return text
        return None

    def whole(self) -> Tree:
        tree = self.sum()
        if self.tokens[self.at][0] != "end":
            raise self.error(f"unexpected '{self.tokens[self.at][1]}'")
        return tree

    def sum(self) -> Tree:
        self.depth += 1
        if self.depth > self._DEPTH:
            raise self.error("too many nested parentheses")
        left = self.product()
        while symbol := self.take("+", "-"):
            left = ("add" if symbol == "+" else "sub", left, self.product())
        self.depth -= 1
        return left

    def product(self) -> Tree:
        left = self.signed()
        while symbol := self.take("*", "/"):
            left = ("mul" if symbol == "*" else "div", left, self.signed())
        return left

    def signed(self) -> Tree:
        minus = False
        while symbol := self.take("-", "+"):
            minus ^= symbol == "-"
        power = self.power()
        return ("neg", power) if minus else power

    def power(self) -> Tree:
        base = self.atom()
        if not self.take("^"):
            return base
        minus = bool(self.take("-"))
        self.depth += 1
        if self.depth > self._DEPTH:
            raise self.error("too many nested powers")
        exponent = self.power()
        self.depth -= 1
        return ("pow", base, ("neg", exponent) if minus else exponent)

    def atom(self) -> Tree:
        kind, text, _ = self.tokens[self.at]
        if kind == "num":
            self.at += 1
            return ("num", float(text))
        if kind == "name":
            self.at += 1
            return self.call(text) if self.take("(") else ("name", text)
        if self.take("("):
            inner = self.sum()
            if not self.take(")"):
                raise self.error("a ')' is missing")
            return inner
        raise self.error(f"unexpected '{text}'" if text else "something is missing")

    def call(self, function: str) -> Tree:
        if function not in FUNCTIONS:
            self.at -= 2
            raise unknown("function", function, FUNCTIONS, where=self.error("").where)
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        if not self.take(")"):
            raise self.error("a ')' is missing")
        wanted = FUNCTIONS[function]
        if (wanted and len(arguments) != wanted) or (wanted is None and len(arguments) < 2):
            raise self.error(f"{function} takes {'one argument' if wanted else 'two or more arguments'}")
        return ("call", function, *arguments)
