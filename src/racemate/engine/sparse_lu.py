"""Sparse LU factors decided once: order of elimination, fill, and the operations in a row.

The matrix of a Rosenbrock step is ``W = I/(h gamma) - J``: its diagonal dominates when h is small, so pivots stay
on the diagonal and only the order is chosen (Markowitz 1957, https://doi.org/10.1287/mnsc.3.3.255).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Elimination:
    """One pivot: ``rows`` holds ``(row, its multiplier's entry, [(entry, pivot row's entry), ...])``."""

    pivot: int
    diagonal: int
    rows: tuple[tuple[int, int, tuple[tuple[int, int], ...]], ...]
    right: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Factorisation:
    """The plan: ``entries`` numbers every non-zero of ``L + U`` by ``(row, column)``."""

    size: int
    entries: dict[tuple[int, int], int]
    steps: tuple[Elimination, ...]

    @property
    def operations(self) -> int:
        """Divisions and multiply-adds of one factorisation."""
        return sum(1 + sum(1 + len(updates) for _, _, updates in s.rows) for s in self.steps)


def plan(size: int, pattern: Iterable[tuple[int, int]]) -> Factorisation:
    """Plan the elimination of a matrix with this pattern; the diagonal is always taken as non-zero.

    Examples
    --------
    An arrow matrix fills nothing when its tip goes last.

    >>> arrow = [(0, j) for j in range(5)] + [(j, 0) for j in range(5)]
    >>> f = plan(5, arrow)
    >>> len(f.entries), f.steps[-1].pivot in (0, 4)
    (13, True)
    """
    rows = {i: {i} for i in range(size)}
    columns = {i: {i} for i in range(size)}
    for i, j in pattern:
        rows[i].add(j)
        columns[j].add(i)
    full = {(i, j) for i in rows for j in rows[i]}
    order = _markowitz(rows, columns, full)
    return _schedule(size, order, full)


def _markowitz(rows: dict[int, set[int]], columns: dict[int, set[int]], full: set[tuple[int, int]]) -> list[int]:
    """Pivot where the product of row and column counts is least; adds the fill to ``full``."""
    order: list[int] = []
    left = set(rows)
    while left:
        k = min(left, key=lambda k: ((len(rows[k]) - 1) * (len(columns[k]) - 1), len(rows[k]), k))
        row, column = rows.pop(k) - {k}, columns.pop(k) - {k}
        for i in column:
            full.update((i, j) for j in row)
            rows[i] |= row
            rows[i].discard(k)
        for j in row:
            columns[j] |= column
            columns[j].discard(k)
        order.append(k)
        left.remove(k)
    return order


def _schedule(size: int, order: list[int], full: set[tuple[int, int]]) -> Factorisation:
    position = {k: n for n, k in enumerate(order)}
    # Entries in the order the elimination meets them, so that memory is walked forwards.
    by_use = sorted(full, key=lambda e: (min(position[e[0]], position[e[1]]), position[e[0]], position[e[1]]))
    entries = {e: n for n, e in enumerate(by_use)}
    below: dict[int, list[int]] = {k: [] for k in order}
    right: dict[int, list[int]] = {k: [] for k in order}
    for i, j in by_use:
        if position[i] > position[j]:
            below[j].append(i)
        elif position[i] < position[j]:
            right[i].append(j)
    steps = []
    for k in order:
        rows = tuple((i, entries[i, k], tuple((entries[i, j], entries[k, j]) for j in right[k])) for i in below[k])
        steps.append(Elimination(k, entries[k, k], rows, tuple((j, entries[k, j]) for j in right[k])))
    return Factorisation(size, entries, tuple(steps))
