"""The path that an execution took through a state machine: the states and the edges that it used."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rehearsal.report.picture.graph import END, START, read_edges, scopes


@dataclass(frozen=True)
class StateVisit:
    """One visit of a state by an execution.

    `type` is the state's ("Task", "Wait", "Choice", "Map", ...). `entered` and `exited` are seconds since the
    execution's start; `exited` is None for a state that the end of the execution cut short. `iteration` is any name
    that no other iteration of the Map has; it is None outside. `error` is the error's name when the state failed.
    """

    name: str
    type: str
    entered: float
    exited: float | None
    iteration: str | None
    error: str | None


@dataclass(frozen=True)
class Path:
    """Where an execution went: how often it entered each state, which failed, and the edges (source, target, catch)."""

    counts: Counter[str]
    failed: frozenset[str]
    edges: frozenset[tuple[str, str, bool]]


def path_taken(definition: Mapping[str, Any], visits: Sequence[StateVisit]) -> Path:
    """The path of the execution that made `visits`, in their order.

    Of two visits in a row, within a scope and within an iteration, it took the edge between them.
    """
    edges = {edge for scope in scopes(definition) for edge in _edges_taken(scope, visits)}
    return Path(
        counts=Counter(visit.name for visit in visits),
        failed=frozenset(visit.name for visit in visits if visit.error),
        edges=frozenset(edges),
    )


def _edges_taken(scope: Mapping[str, Any], visits: Sequence[StateVisit]) -> set[tuple[str, str, bool]]:
    possible = {(edge.source, edge.target, edge.catch) for edge in read_edges(scope)}
    by_iteration: dict[str | None, list[StateVisit]] = defaultdict(list)
    for visit in visits:
        if visit.name in scope["States"]:
            by_iteration[visit.iteration].append(visit)
    taken: set[tuple[str, str, bool]] = set()
    for sequence in by_iteration.values():
        taken.add((START, sequence[0].name, False))
        for before, after in itertools.pairwise(sequence):
            taken |= {(before.name, after.name, before.error is not None)} & possible
        last = sequence[-1]
        if last.exited is not None and last.error is None:
            taken |= {(last.name, END, False)} & possible
    return taken
