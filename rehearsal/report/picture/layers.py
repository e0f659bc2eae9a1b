"""The layers of a state machine's picture: which state stands in which, and the slots that a layer is made of.

A layer is a row from left to right. The longest way through the machine is the spine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from rehearsal.report.picture.graph import START, Edge
from rehearsal.report.picture.shapes import LANE, Box, text_width


@dataclass(frozen=True)
class Ranks:
    """The number of each node's layer, from the top, and the edges that lead back up."""

    layer_of: Mapping[str, int]
    backward: frozenset[Edge]


@dataclass(frozen=True, eq=False)
class Slot:
    """A place in a layer: a node's, or that of a lane through which an edge passes."""

    layer: int
    width: float
    node: str | None = None
    edge: Edge | None = None


Layers = list[list[Slot]]
Lanes = Mapping[Edge, Sequence[Slot]]


def rank(nodes: Sequence[str], flow: Sequence[Edge], catches: Sequence[Edge]) -> Ranks:
    """Each node in the layer below the last of those that lead to it.

    A state that only Catches lead to comes below their states; all other Catches are left out of account.
    """
    entered = {edge.target for edge in flow}
    ranking = [*flow, *(edge for edge in catches if edge.target not in entered)]
    backward = _backward(nodes, ranking)
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(nodes, ()))
    incoming: dict[str, list[str]] = defaultdict(list)
    for edge in ranking:
        if edge not in backward:
            sorter.add(edge.target, edge.source)
            incoming[edge.target].append(edge.source)
    layer_of: dict[str, int] = {}
    for node in sorter.static_order():
        layer_of[node] = max((layer_of[source] + 1 for source in incoming[node]), default=0)
    return Ranks(layer_of, backward)


def _backward(nodes: Sequence[str], edges: Iterable[Edge]) -> frozenset[Edge]:
    """The edges that close a loop, in a search that goes deep first."""
    outgoing: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        outgoing[edge.source].append(edge)
    backward: set[Edge] = set()
    done: set[str] = set()
    for root in nodes:
        if root in done:
            continue
        trail: list[tuple[str, Iterator[Edge]]] = [(root, iter(outgoing[root]))]
        open_nodes = {root}
        while trail:
            node, remaining = trail[-1]
            onward = next(remaining, None)
            if onward is None:
                trail.pop()
                open_nodes.discard(node)
                done.add(node)
            elif onward.target in open_nodes:
                backward.add(onward)
            elif onward.target not in done:
                open_nodes.add(onward.target)
                trail.append((onward.target, iter(outgoing[onward.target])))
    return frozenset(backward)


def fill(boxes: Mapping[str, Box], flow: Sequence[Edge], ranks: Ranks) -> tuple[Layers, Lanes]:
    """A slot for every node in its layer, and a lane of slots for every edge that goes past nodes or back up.

    The lanes of the edges that lead back up are not in their layers yet.
    """
    layer_of = ranks.layer_of
    layers: Layers = [[] for _ in range(max(layer_of.values()) + 1)]
    for name, box in boxes.items():
        layers[layer_of[name]].append(Slot(layer_of[name], box.width, node=name))
    lanes: dict[Edge, list[Slot]] = {}
    for edge in flow:
        first, last = layer_of[edge.source], layer_of[edge.target]
        is_backward = edge in ranks.backward
        passed = range(last, first + 1) if is_backward else range(first + 1, last)
        width = LANE + (text_width(edge.label) if is_backward else 0.0)
        lanes[edge] = [Slot(layer, width, edge=edge) for layer in passed]
        if not is_backward:
            for slot in lanes[edge]:
                layers[slot.layer].append(slot)
    return layers, lanes


def longest_way(
    nodes: Iterable[str], flow: Sequence[Edge], backward: frozenset[Edge], states: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """The longest way from the start through the states, with another ending than a Fail if there is one."""
    types = {name: state["Type"] for name, state in states.items()}
    outgoing: dict[str, list[str]] = defaultdict(list)
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(nodes, ()))
    for edge in flow:
        if edge not in backward:
            outgoing[edge.source].append(edge.target)
            sorter.add(edge.source, edge.target)
    best: dict[str, list[str]] = {}
    for name in sorter.static_order():
        onward = [best[target] for target in outgoing[name]]
        best[name] = [name, *max(onward, key=lambda way: (types.get(way[-1]) != "Fail", len(way)), default=[])]
    return best[START]
