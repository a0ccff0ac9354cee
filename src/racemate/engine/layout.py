"""Where a kernel keeps things: the workspace of its lanes, and the task it is given."""

from __future__ import annotations

from dataclasses import dataclass, field

from racemate.engine.builder import DOUBLE, INTEGER, POINTER, Array, Builder, Value

#: Fields of a task, eight bytes each; numbers marked with a star are doubles.
TASK = tuple(
    "queue patients base parameters columns varying_columns varying records stride time interval value count kind "
    "index inputs points times start* end* rtol* before max_steps values status steps "
    "summarised summaries capacity".split()
)
FIELDS = {name.rstrip("*"): (n, DOUBLE if name.endswith("*") else INTEGER) for n, name in enumerate(TASK)}


@dataclass
class Layout:
    """Named arrays of a workspace, in vectors."""

    places: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def take(self, name: str, count: int = 1) -> None:
        self.places[name] = self.size
        self.size += count


@dataclass(frozen=True)
class Frame:
    """The task and workspace as one function sees them."""

    k: Builder
    layout: Layout
    task: Value
    work: Value

    def __getitem__(self, name: str) -> Array:
        """An array of doubles of the workspace."""
        return self._array(name, self.k.vector)

    def whole(self, name: str) -> Array:
        """An array of whole numbers of the workspace."""
        return self._array(name, self.k.integers)

    def _array(self, name: str, kind: str) -> Array:
        start = self.k.array(self.work).address(self.layout.places[name])
        return Array(self.k, start, kind)

    def flag(self, name: str) -> Value:
        """The lanes in which a whole number is not zero."""
        return self.whole(name)[0]._compare("ne", 0)

    def set_flag(self, name: str, lanes: Value) -> None:
        """Store which lanes."""
        self.whole(name)[0] = self.k.emit(f"zext {lanes.type} {lanes.text} to {self.k.integers}", self.k.integers)

    def given(self, name: str) -> Value:
        """A number of the task."""
        n, kind = FIELDS[name]
        return Array(self.k, self.task, kind)[n]

    def evaluate(self, name: str, states: Array, t: Value, out: Array) -> None:
        """Call ``observe``, ``roots`` and the like at some states and a time."""
        pointers = [states.pointer, self["hoisted"].pointer, self["inputs"].pointer]
        self.k.call(name, self.task, self.work, *pointers, t, out.pointer, self["spill"].pointer)

    def table(self, name: str, kind: str = DOUBLE) -> Array:
        """An array the task points to."""
        return Array(self.k, Array(self.k, self.task, POINTER)[FIELDS[name][0]], kind)
