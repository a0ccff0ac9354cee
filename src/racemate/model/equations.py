"""A composed system as people write it: differential equations, individual values, outputs, a table of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from racemate.errors import unknown
from racemate.model.graph import PARAMETER
from racemate.model.system import System
from racemate.units import parse_unit

FORMS = ("markdown", "latex")
_SILENT = ("parameters", "ligands", "sets", "kinetics", "disposition")  # levels of a key that say nothing
_LONG = 3  # operations from which a part of a formula gets a name of its own
_SUM, _PRODUCT, _POWER = 1, 2, 3


def render(system: System, form: str = "markdown") -> str:
    """The equations of a system as Markdown (with LaTeX formulas) or as a LaTeX fragment.

    Parameters
    ----------
    system : System
    form : {"markdown", "latex"}

    Examples
    --------
    >>> from racemate.model import Model, compose
    >>> model = Model()
    >>> m = model.module("decay")
    >>> x = m.state("amount.drug", "nmol", initial=1.0, scale=1.0)
    >>> m.rate("amount.drug", -m.parameter("k", 0.1, "1/min") * x)
    >>> m.offer("amount", x, "nmol")
    >>> print(render(compose(model, ["amount"])).splitlines()[3])
    \\frac{d}{dt} A_{\\text{drug}} &= -A_{\\text{drug}} \\, k \\\\
    """
    if form not in FORMS:
        raise unknown("format", form, FORMS, where="--format")
    writer = _Writer(system)
    parts = [
        ("Differential equations", writer.rates()),
        ("Outputs", writer.outputs()),
        ("Parts that occur more than once, and values of the individual", writer.named()),
    ]
    blocks = [_block(title, lines, form) for title, lines in parts if lines]
    return "\n\n".join([*blocks, writer.numbers(form)])


def _block(title: str, lines: Iterable[str], form: str) -> str:
    head = f"## {title}" if form == "markdown" else f"\\section*{{{title}}}"
    left, right = (
        ("$$\n\\begin{aligned}", "\\end{aligned}\n$$") if form == "markdown" else ("\\begin{align*}", "\\end{align*}")
    )
    return "\n".join([head, left, *(f"{line} \\\\" for line in lines), right])


@dataclass
class _Writer:
    system: System
    names: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        s = self.system
        self.parameters = _symbols([p.name for p in s.parameters])
        self.states = [_state(x.name) for x in s.states]
        roots = [x.rate for x in s.states] + [o.node for o in s.outputs] + [x.initial for x in s.states]
        order = s.graph.reachable(roots)
        users = self._users(order)
        level = s.graph.levels
        boundary = {j for i in order if level[i] > PARAMETER for j in s.graph.operands(i) if level[j] <= PARAMETER} | {
            r for r in roots if level[r] <= PARAMETER
        }
        size: dict[int, int] = {}
        individual = shared = 0
        for i in order:
            size[i] = 1 + sum(1 if j in self.names else size[j] for j in s.graph.operands(i))
            if not s.graph.operands(i) or s.graph.nodes[i][0] in ("inv", "neg"):
                continue
            if level[i] <= PARAMETER and size[i] > _LONG and (users.get(i, 0) > 1 or i in boundary):
                individual += 1
                self.names[i] = f"\\theta_{{{individual}}}"
            elif level[i] > PARAMETER and size[i] > _LONG and users.get(i, 0) > 1:
                shared += 1
                self.names[i] = f"y_{{{shared}}}"

    def _users(self, order: list[int]) -> dict[int, int]:
        """How often each node is used; a divisor as often as the quotients it stands in."""
        graph = self.system.graph
        users: dict[int, int] = {}
        for i in reversed(order):
            weight = users.get(i, 1) if graph.nodes[i][0] == "inv" else 1
            for j in graph.operands(i):
                users[j] = users.get(j, 0) + weight
        return users

    # -- sections -------------------------------------------------------------------------------
    def rates(self) -> list[str]:
        lines = []
        for symbol, state in zip(self.states, self.system.states, strict=True):
            lines.append(f"\\frac{{d}}{{dt}} {symbol} &= {self.text(state.rate)}")
            if self.system.graph.value(state.initial) != 0:
                lines.append(f"{symbol}(0) &= {self.text(state.initial)}")
        return lines

    def outputs(self) -> list[str]:
        return [f"\\text{{{_plain(o.name)}}} &= {self.text(o.node)}" for o in self.system.outputs]

    def named(self) -> list[str]:
        return [f"{name} &= {self._formula(i)[0]}" for i, name in self.names.items()]

    def numbers(self, form: str) -> str:
        rows = []
        for p, symbol in zip(self.system.parameters, self.parameters, strict=True):
            value = f"{p.value / parse_unit(p.unit).factor:.5g}"
            rows.append((f"${symbol}$", p.name, value, p.unit, p.kind, ", ".join(p.sources)))
        head = ("symbol", "name", "value", "unit", "kind", "source")
        if form == "markdown":
            lines = ["## Numbers", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
            return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
        body = [" & ".join((row[0], *(_plain(cell) for cell in row[1:]))) + " \\\\" for row in rows]
        table = ["\\begin{longtable}{llrlll}", " & ".join(head) + " \\\\ \\hline", *body, "\\end{longtable}"]
        return "\n".join(["\\section*{Numbers}", *table])

    # -- formulas -------------------------------------------------------------------------------
    def text(self, i: int, above: int = 0) -> str:
        """A node as a formula, in parentheses where what stands around binds tighter."""
        if i in self.names:
            return self.names[i]
        formula, own = self._formula(i)
        return f"\\left({formula}\\right)" if own and own <= above else formula

    def _formula(self, i: int) -> tuple[str, int]:
        """A node's own formula and how tightly it binds (0: as tightly as a symbol)."""
        graph = self.system.graph
        op, *rest = graph.nodes[i]
        if not graph.operands(i):
            return self._leaf(str(op), rest[0]), 0
        parts = graph.operands(i)
        if op == "add":
            return f"{self.text(parts[0])} + {self.text(parts[1])}", _SUM
        if op == "sub":
            return f"{self.text(parts[0])} - {self.text(parts[1], _SUM)}", _SUM
        if op == "neg":
            return f"-{self.text(parts[0], _SUM)}", _SUM
        if op in ("mul", "inv"):
            return self._product(i)
        if op == "pow":
            return f"{self.text(parts[0], _POWER)}^{{{self.text(parts[1])}}}", _POWER
        if op == "select":
            a, b, yes, no = (self.text(j) for j in parts)
            return f"\\begin{{cases}} {yes} & {a} > {b} \\\\ {no} & \\text{{otherwise}} \\end{{cases}}", _SUM
        if op == "delay":
            return f"{self.text(parts[0], _POWER)}(t - {self.text(parts[1], _SUM)})", 0
        inside = ", ".join(self.text(j) for j in parts)
        if op == "uniform":
            return f"\\text{{uniform}}\\left({inside}\\right)", 0
        return (f"\\sqrt{{{inside}}}" if op == "sqrt" else f"\\{op}\\left({inside}\\right)"), 0

    def _product(self, i: int) -> tuple[str, int]:
        """A product with all its divisors under one line."""
        above: list[int] = []
        below: list[int] = []
        stack = [(i, False, True)]
        while stack:
            node, under, first = stack.pop()
            op = self.system.graph.nodes[node][0]
            if (first or node not in self.names) and op in ("mul", "inv"):
                stack += [(j, under ^ (op == "inv"), False) for j in reversed(self.system.graph.operands(node))]
            elif self.system.graph.value(node) != 1:  # a one only carries a unit
                (below if under else above).append(node)
        alone = len(above) == 1
        top = " \\, ".join(self.text(j, 0 if below and alone else _SUM) for j in above) or "1"
        if not below:
            return top, _PRODUCT
        bottom = " \\, ".join(self.text(j, 0 if len(below) == 1 else _SUM) for j in below)
        return f"\\frac{{{top}}}{{{bottom}}}", 0

    def _leaf(self, op: str, key: object) -> str:
        if op == "const":
            assert isinstance(key, float)
            text = f"{key:.6g}"
            mantissa, e, exponent = text.partition("e")
            return f"{mantissa} \\cdot 10^{{{int(exponent)}}}" if e else text
        if op == "time":
            return "t"
        assert isinstance(key, int)
        if op == "state":
            return self.states[key]
        if op == "parameter":
            return self.parameters[key]
        return f"R_{{\\text{{{_plain(self.system.inputs[key].name.removeprefix('infusion.'))}}}}}"


def _plain(text: str) -> str:
    return text.replace("_", "\\_").replace("%", "\\%")


def _state(name: str) -> str:
    head, _, rest = name.partition(".")
    letter = {"amount": "A", "concentration": "C"}.get(head)
    subscript = _plain((rest if letter else name).replace(".", ", "))
    return f"{letter or 'x'}_{{\\text{{{subscript}}}}}"


def _symbols(names: list[str]) -> list[str]:
    """A symbol for each dotted key: its last part, with as much of the rest as tells it from the others."""
    taken: set[str] = set()
    found = []
    for name in names:
        greek = name.startswith("eta.")
        parts = [p for p in name.removeprefix("eta.").removeprefix("covariate.").split(".") if p not in _SILENT]
        base = parts[-1]
        for depth in range(2 if len(parts) > 1 else 1, len(parts) + 1):
            subscript = ", ".join(_plain(p) for p in parts[-depth:-1])
            symbol = _symbol(base, subscript, greek=greek)
            if symbol not in taken:
                break
        taken.add(symbol)
        found.append(symbol)
    return found


def _symbol(base: str, subscript: str, *, greek: bool) -> str:
    letters = base if len(base) <= 2 else f"\\mathrm{{{_plain(base)}}}"
    if greek:
        inside = ", ".join(x for x in (_plain(base), subscript) if x)
        return f"\\eta_{{\\text{{{inside}}}}}"
    return f"{letters}_{{\\text{{{subscript}}}}}" if subscript else letters
