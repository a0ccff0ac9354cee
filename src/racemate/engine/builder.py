"""A small writer of LLVM code: values with operators, variables, loops and conditions.

It writes LLVM's text form, which is quicker than building objects and the same for every LLVM since 19. Nothing is
left to the optimiser's taste: multiply-adds are written where they are meant, and no flag allows a value to
change, so a kernel gives the same bits for any number of lanes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

DOUBLE, INTEGER, BOOLEAN, POINTER = "double", "i64", "i1", "ptr"


def literal(value: float) -> str:
    """A double as LLVM writes it, exact."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


class Value:
    """A value of the code being written; arithmetic on it writes an instruction."""

    __slots__ = ("builder", "text", "type")

    def __init__(self, builder: Builder, text: str, kind: str) -> None:
        self.builder, self.text, self.type = builder, text, kind

    @property
    def floating(self) -> bool:
        return DOUBLE in self.type

    def _lift(self, other: Value | float) -> Value:
        return other if isinstance(other, Value) else self.builder.constant(other, self.type)

    def _binary(self, floating: str, integer: str, other: Value | float, swap: bool = False) -> Value:
        a, b = self, self._lift(other)
        if swap:
            a, b = b, a
        op = floating if self.floating else integer
        return self.builder.emit(f"{op} {self.type} {a.text}, {b.text}", self.type)

    def _compare(self, how: str, other: Value | float) -> Value:
        op = f"fcmp o{how}" if self.floating else f"icmp {how if how in ('eq', 'ne') else 's' + how}"
        kind = self.type.replace(DOUBLE, BOOLEAN).replace(INTEGER, BOOLEAN)
        return self.builder.emit(f"{op} {self.type} {self.text}, {self._lift(other).text}", kind)

    def __add__(self, other: Value | float) -> Value:
        return self._binary("fadd", "add", other)

    def __radd__(self, other: float) -> Value:
        return self._binary("fadd", "add", other, swap=True)

    def __sub__(self, other: Value | float) -> Value:
        return self._binary("fsub", "sub", other)

    def __rsub__(self, other: float) -> Value:
        return self._binary("fsub", "sub", other, swap=True)

    def __mul__(self, other: Value | float) -> Value:
        return self._binary("fmul", "mul", other)

    def __rmul__(self, other: float) -> Value:
        return self._binary("fmul", "mul", other, swap=True)

    def __truediv__(self, other: Value | float) -> Value:
        return self._binary("fdiv", "sdiv", other)

    def __rtruediv__(self, other: float) -> Value:
        return self._binary("fdiv", "sdiv", other, swap=True)

    def __neg__(self) -> Value:
        return self.builder.emit(f"fneg {self.type} {self.text}", self.type)

    def __lt__(self, other: Value | float) -> Value:
        return self._compare("lt", other)

    def __le__(self, other: Value | float) -> Value:
        return self._compare("le", other)

    def __gt__(self, other: Value | float) -> Value:
        return self._compare("gt", other)

    def __ge__(self, other: Value | float) -> Value:
        return self._compare("ge", other)

    def equals(self, other: Value | float) -> Value:
        return self._compare("eq", other)

    def __and__(self, other: Value) -> Value:
        return self.builder.emit(f"and {self.type} {self.text}, {other.text}", self.type)

    def __or__(self, other: Value) -> Value:
        return self.builder.emit(f"or {self.type} {self.text}, {other.text}", self.type)

    def __xor__(self, other: Value) -> Value:
        return self.builder.emit(f"xor {self.type} {self.text}, {other.text}", self.type)

    def __invert__(self) -> Value:
        return self.builder.emit(f"xor {self.type} {self.text}, {self.builder.constant(-1, self.type).text}", self.type)

    def __lshift__(self, bits: int) -> Value:
        return self._binary("", "shl", bits)

    def __rshift__(self, bits: int) -> Value:
        return self._binary("", "ashr", bits)

    def shifted_down(self, bits: int) -> Value:
        """Shifted towards the low end, zeros coming in."""
        return self._binary("", "lshr", bits)


@dataclass(frozen=True, slots=True)
class Variable:
    """A place for a value that changes."""

    builder: Builder
    address: str
    type: str

    def get(self) -> Value:
        return self.builder.emit(f"load {self.type}, ptr {self.address}", self.type)

    def set(self, value: Value | float) -> None:
        text = value.text if isinstance(value, Value) else self.builder.constant(value, self.type).text
        self.builder.line(f"store {self.type} {text}, ptr {self.address}")


@dataclass(frozen=True, slots=True)
class Array:
    """Values in memory: ``a[i]`` of the array's own type, ``a.lane(i, l)`` one lane of a vector."""

    builder: Builder
    pointer: Value
    type: str

    def address(self, i: Value | int, kind: str | None = None) -> Value:
        index = i.text if isinstance(i, Value) else str(i)
        return self.builder.emit(f"getelementptr {kind or self.type}, ptr {self.pointer.text}, i64 {index}", POINTER)

    def __getitem__(self, i: Value | int) -> Value:
        return self.builder.load(self.address(i), self.type)

    def __setitem__(self, i: Value | int, value: Value | float) -> None:
        self.builder.store(
            self.address(i), value if isinstance(value, Value) else self.builder.constant(value, self.type)
        )

    def _element(self, i: Value | int, lane: Value) -> tuple[Value, str]:
        kind = DOUBLE if DOUBLE in self.type else INTEGER
        index = i * self.builder.lanes + lane if isinstance(i, Value) else lane + i * self.builder.lanes
        return self.address(index, kind), kind

    def lane(self, i: Value | int, lane: Value) -> Value:
        """Element ``i`` of one lane."""
        return self.builder.load(*self._element(i, lane))

    def set_lane(self, i: Value | int, lane: Value, value: Value | float) -> None:
        address, kind = self._element(i, lane)
        self.builder.store(address, value if isinstance(value, Value) else self.builder.constant(value, kind))

    def part(self, i: Value | int) -> Array:
        """The array from element ``i`` on."""
        return Array(self.builder, self.address(i), self.type)


class Builder:
    """Writes a module, function by function.

    Parameters
    ----------
    lanes : int
        How many patients one vector holds.

    Examples
    --------
    >>> k = Builder(lanes=4)
    >>> with k.function("twice", [POINTER]) as (p,):
    ...     a = k.array(p)
    ...     a[0] = a[0] * 2.0
    >>> "fmul <4 x double>" in k.text()
    True
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.vector = f"<{lanes} x double>"
        self.integers = f"<{lanes} x i64>"
        self.mask = f"<{lanes} x i1>"
        self._declared: dict[str, str] = {}
        self._functions: list[str] = []
        self._lines: list[str] = []
        self._entry: list[str] = []
        self._count = 0

    # -- writing --------------------------------------------------------------------------------
    def line(self, text: str) -> None:
        self._lines.append("  " + text)

    def _name(self, prefix: str = "v") -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def emit(self, text: str, kind: str) -> Value:
        """Write an instruction that yields a value."""
        name = "%" + self._name()
        self._lines.append(f"  {name} = {text}")
        return Value(self, name, kind)

    def text(self) -> str:
        """The module as LLVM text."""
        return "\n".join([*self._declared.values(), *self._functions, ""])

    # -- values ---------------------------------------------------------------------------------
    def constant(self, value: float, kind: str) -> Value:
        if kind.startswith("<"):
            element = DOUBLE if DOUBLE in kind else kind.split()[-1][:-1]
            return Value(self, f"splat ({element} {self.constant(value, element).text})", kind)
        if kind == BOOLEAN:
            return Value(self, "true" if value else "false", kind)
        return Value(self, literal(value) if kind == DOUBLE else str(int(value)), kind)

    def numbers(self, value: float) -> Value:
        """A constant in every lane."""
        return self.constant(value, self.vector)

    def integer(self, value: int) -> Value:
        return self.constant(value, INTEGER)

    def number(self, value: float) -> Value:
        return self.constant(value, DOUBLE)

    def spread(self, value: Value) -> Value:
        """One number in every lane."""
        one = self.emit(f"insertelement {self.vector} poison, double {value.text}, i64 0", self.vector)
        places = f"<{self.lanes} x i32> zeroinitializer"
        return self.emit(f"shufflevector {self.vector} {one.text}, {self.vector} poison, {places}", self.vector)

    def select(self, condition: Value, yes: Value, no: Value) -> Value:
        text = f"select {condition.type} {condition.text}, {yes.type} {yes.text}, {no.type} {no.text}"
        return self.emit(text, yes.type)

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger; b where either is not a number."""
        return self.select(a > b, a, b)

    def minimum(self, a: Value, b: Value) -> Value:
        """The smaller; b where either is not a number."""
        return self.select(a < b, a, b)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """``a b + c``, rounded once."""
        return self._intrinsic("fma", a, b, c)

    def sqrt(self, a: Value) -> Value:
        return self._intrinsic("sqrt", a)

    def abs(self, a: Value) -> Value:
        return self._intrinsic("fabs", a)

    def _intrinsic(self, name: str, *arguments: Value) -> Value:
        kind = arguments[0].type
        suffix = f"v{self.lanes}f64" if kind == self.vector else "f64"
        full = f"@llvm.{name}.{suffix}"
        self._declared.setdefault(full, f"declare {kind} {full}({', '.join([kind] * len(arguments))})")
        return self.emit(f"call {kind} {full}({', '.join(f'{kind} {a.text}' for a in arguments)})", kind)

    def bits(self, a: Value, kind: str) -> Value:
        """The same bits under another type."""
        return self.emit(f"bitcast {a.type} {a.text} to {kind}", kind)

    def any(self, mask: Value) -> Value:
        """Whether any lane is true."""
        packed = self.bits(mask, f"i{self.lanes}")
        return self.emit(f"icmp ne i{self.lanes} {packed.text}, 0", BOOLEAN)

    def to_number(self, a: Value) -> Value:
        """An integer as a double."""
        return self.emit(f"sitofp i64 {a.text} to double", DOUBLE)

    def to_integer(self, a: Value) -> Value:
        """A small double as an integer."""
        return self.emit(f"fptosi double {a.text} to i64", INTEGER)

    # -- memory ---------------------------------------------------------------------------------
    def array(self, pointer: Value, kind: str | None = None) -> Array:
        return Array(self, pointer, kind or self.vector)

    def load(self, address: Value, kind: str) -> Value:
        return self.emit(f"load {kind}, ptr {address.text}, align 8", kind)

    def store(self, address: Value, value: Value) -> None:
        self.line(f"store {value.type} {value.text}, ptr {address.text}, align 8")

    def variable(self, value: Value) -> Variable:
        """A variable of this function, with its first value."""
        name = "%" + self._name("x")
        self._entry.append(f"  {name} = alloca {value.type}")
        variable = Variable(self, name, value.type)
        variable.set(value)
        return variable

    def fetch_add(self, address: Value, amount: int) -> Value:
        """Add to an integer that threads share; yields what it was."""
        return self.emit(f"atomicrmw add ptr {address.text}, i64 {amount} monotonic", INTEGER)

    # -- control --------------------------------------------------------------------------------
    @contextmanager
    def function(
        self,
        name: str,
        arguments: Sequence[str],
        returns: str = "void",
        *,
        attributes: str = "noinline",
        export: bool = False,
    ) -> Iterator[list[Value]]:
        """Write a function; pointer arguments never overlap. Without an own ``give`` it returns nothing."""
        self._lines, self._entry = [], []
        values = [Value(self, f"%a{i}", kind) for i, kind in enumerate(arguments)]
        yield values
        if returns == "void":
            self.line("ret void")
        declared = ", ".join(f"{v.type}{' noalias' if v.type == POINTER else ''} {v.text}" for v in values)
        head = f"define {'' if export else 'internal '}{returns} @{name}({declared}) nounwind {attributes} {{"
        self._functions.append("\n".join([head, "entry:", *self._entry, *self._lines, "}"]))

    def give(self, value: Value) -> None:
        self.line(f"ret {value.type} {value.text}")

    def call(self, name: str, *arguments: Value, returns: str = "void") -> Value:
        passed = ", ".join(f"{a.type} {a.text}" for a in arguments)
        text = f"call {returns} @{name}({passed})"
        if returns == "void":
            self.line(text)
            return Value(self, "", "void")
        return self.emit(text, returns)

    def _label(self, name: str) -> None:
        self._lines.append(f"{name}:")

    @contextmanager
    def loop(self, stop: Value | int, start: Value | int = 0) -> Iterator[Value]:
        """Count from ``start`` up to, not including, ``stop``."""
        first = start if isinstance(start, Value) else self.integer(start)
        last = stop if isinstance(stop, Value) else self.integer(stop)
        i = self.variable(first)
        with self.repeat(lambda: i.get() < last):
            now = i.get()
            yield now
            i.set(now + 1)

    @contextmanager
    def repeat(self, condition: Callable[[], Value]) -> Iterator[None]:
        """While the condition holds."""
        head, body, after = self._name("head"), self._name("body"), self._name("after")
        self.line(f"br label %{head}")
        self._label(head)
        self.line(f"br i1 {condition().text}, label %{body}, label %{after}")
        self._label(body)
        yield
        self.line(f"br label %{head}")
        self._label(after)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """If the condition holds."""
        then, after = self._name("then"), self._name("after")
        self.line(f"br i1 {condition.text}, label %{then}, label %{after}")
        self._label(then)
        yield
        self.line(f"br label %{after}")
        self._label(after)
