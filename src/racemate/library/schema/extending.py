"""A kinetic model that extends another of its file: it says only what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from racemate.library.schema.numbers import Problem


def with_extended_models(data: Any) -> Any:
    """A drug file as read, every kinetic model completed from the one it extends."""
    models = data.get("kinetics") if isinstance(data, Mapping) else None
    if not isinstance(models, Mapping):
        return data
    return {**data, "kinetics": {name: _extended(models, name) for name in models}}


def _extended(models: Mapping[str, Any], name: str) -> Any:
    """A kinetic model with what it does not say taken from the one it extends, table by table."""
    own = models[name]
    if not isinstance(own, Mapping) or "extends" not in own:
        return own
    base = models.get(own["extends"]) if isinstance(own["extends"], str) else None
    if not isinstance(base, Mapping) or "extends" in base:
        known = [n for n, m in models.items() if isinstance(m, Mapping) and "extends" not in m]
        raise Problem("kinetic model to extend", name=str(own["extends"]), known=known, key="kinetics")
    return _merged({k: v for k, v in base.items() if k != "default"}, own)


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged; a number, a list or a word of ``own`` replaces that of ``base``."""
    merged = {**base, **own}
    for key in base.keys() & own.keys():
        tables = isinstance(base[key], Mapping) and isinstance(own[key], Mapping)
        if tables and not {"value", "expression"} & own[key].keys():
            merged[key] = _merged(base[key], own[key])
    return merged
