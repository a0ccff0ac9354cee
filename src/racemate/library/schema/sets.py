"""The shape of target and effect files: free tables of sourced numbers, because each effect has its own."""
# ruff: noqa: RUF012 - pydantic copies mutable defaults

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field, RootModel, Tag

from racemate.library.entries import Effect, ParameterSet, Target
from racemate.library.schema.numbers import DerivedEntry, Name, NumberEntry, Table, Text


def _node(data: Any) -> str:
    """A number wherever one is meant, so that a bare or half-written number is told what it misses."""
    if isinstance(data, Mapping):
        if "expression" in data:
            return "<derived>"
        return "<number>" if "value" in data or {"unit", "source"} <= set(data) else "<table>"
    if isinstance(data, list):
        return "<list>"
    return "<word>" if isinstance(data, str | bool) else "<number>"


class Nested(RootModel[dict[str, "Node"]]):
    """A table inside a free table."""


Node = Annotated[
    Annotated[NumberEntry, Tag("<number>")]
    | Annotated[DerivedEntry, Tag("<derived>")]
    | Annotated[Nested, Tag("<table>")]
    | Annotated[list[str], Tag("<list>")]
    | Annotated[str | bool, Tag("<word>")],
    Discriminator(_node),
]


def _numbers(nodes: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The numbers of free tables, nested as written; tables without any number are dropped."""
    built: dict[str, Any] = {}
    for name, node in nodes.items():
        if isinstance(node, NumberEntry | DerivedEntry):
            built[name] = node.build(f"{key}.{name}")
        elif isinstance(node, Nested) and (inner := _numbers(node.root, f"{key}.{name}")):
            built[name] = inner
    return built


def _text(nodes: Mapping[str, Any]) -> dict[str, Any]:
    """The words, lists and switches of free tables, nested as written."""
    return dict(_words(nodes))


def _words(nodes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, node in nodes.items():
        if isinstance(node, Nested):
            if inner := _text(node.root):
                yield name, inner
        elif isinstance(node, list):
            yield name, tuple(node)
        elif isinstance(node, str | bool):
            yield name, node


class _Free(Table):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Node] = Field(init=False)

    @property
    def free(self) -> dict[str, Any]:
        return self.__pydantic_extra__ or {}


class TargetEntry(_Free):
    """One target file."""

    id: Name
    label: Text
    aliases: list[Text] = []
    note: str = ""

    def build(self, file: str) -> Target:
        numbers = _numbers(self.free, self.id)
        return Target(self.id, self.label, tuple(self.aliases), self.note, _text(self.free), numbers, file)


class SetEntry(_Free):
    label: Text
    source: Text
    site: str = ""
    population: str = ""
    default: bool = False
    note: str = ""

    def build(self, effect: str, name: str) -> ParameterSet:
        numbers = _numbers(self.free, f"{effect}.sets.{name}")
        return ParameterSet(
            name,
            self.label,
            self.source,
            self.site,
            self.population,
            self.default,
            _text(self.free),
            numbers,
            self.note,
        )


class EffectEntry(_Free):
    """One effect file."""

    id: Name
    label: Text
    note: str = ""
    sets: Annotated[dict[Name, SetEntry], Field(min_length=1)]

    def build(self, file: str) -> Effect:
        sets = {name: s.build(self.id, name) for name, s in self.sets.items()}
        return Effect(self.id, self.label, self.note, _text(self.free), sets, file)
