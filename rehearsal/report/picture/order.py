"""The order of the slots in each layer, with few crossings."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence

from rehearsal.report.picture.graph import Edge
from rehearsal.report.picture.layers import Lanes, Layers, Ranks, Slot

FOOT = "\0foot"
"""The node that carries the spine on in the layers below its last state."""

_SWEEPS = 12

Neighbours = Mapping[Slot, Sequence[Slot]]


def order(layers: Layers, lanes: Lanes, edges: Sequence[Edge], ranks: Ranks, spine: Sequence[str]) -> Layers:
    """The slots of each layer from left to right; every layer has one on the spine.

    The lane of a loop stands beside all that the loop goes round.
    """
    slot_of = {slot.node: slot for layer in layers for slot in layer if slot.node is not None}
    on_spine = {slot_of[name] for name in spine}
    onward = [edge for edge in edges if not edge.catch and edge not in ranks.backward]
    for edge in onward:
        # Where the spine's next state is some layers down, the lane between them is the spine.
        if (edge.source, edge.target) in set(itertools.pairwise(spine)):
            on_spine |= set(lanes[edge])
    feet = [
        Slot(number, slot_of[spine[-1]].width, node=FOOT)
        for number in range(ranks.layer_of[spine[-1]] + 1, len(layers))
    ]
    on_spine |= set(feet)
    caught = {edge.target for edge in edges if edge.catch}

    def side(slot: Slot) -> int:
        if slot in on_spine:
            return 0
        if slot.edge is not None:
            return -1
        return 2 if slot.node in caught else 1

    foot_of = {foot.layer: foot for foot in feet}
    rows = [
        sorted([*layer, *([foot_of[number]] if number in foot_of else [])], key=side)
        for number, layer in enumerate(layers)
    ]
    neighbours: dict[Slot, list[Slot]] = defaultdict(list)
    for edge in onward:
        for upper, lower in itertools.pairwise([slot_of[edge.source], *lanes[edge], slot_of[edge.target]]):
            neighbours[upper].append(lower)
            neighbours[lower].append(upper)
    rows = _untangled(rows, neighbours)
    down = [(edge.source, edge.target) for edge in edges if ranks.layer_of[edge.source] < ranks.layer_of[edge.target]]
    up = [(end, start) for start, end in down]
    for edge in sorted((edge for edge in lanes if edge in ranks.backward), key=lambda edge: len(lanes[edge])):
        body = _reached(edge.target, down) & _reached(edge.source, up)
        _insert_lane(rows, lanes[edge], body, on_spine)
    return rows


def _untangled(rows: Layers, neighbours: Neighbours) -> Layers:
    """The rows with as few crossings as sweeping down and up reaches: each slot goes to the mean of its neighbours."""
    current = [list(row) for row in rows]
    best, fewest = [list(row) for row in current], _crossings(current, neighbours)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        place = {slot: index for row in current for index, slot in enumerate(row)}
        for number in range(len(current)) if downwards else reversed(range(len(current))):
            beyond = number - 1 if downwards else number + 1
            weights = {
                slot: _mean([place[near] for near in neighbours[slot] if near.layer == beyond], place[slot])
                for slot in current[number]
            }
            current[number] = sorted(current[number], key=lambda slot: (weights[slot], place[slot]))
            place.update({slot: index for index, slot in enumerate(current[number])})
        crossings = _crossings(current, neighbours)
        if crossings < fewest:
            best, fewest = [list(row) for row in current], crossings
    return best


def _mean(values: Sequence[int], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(rows: Layers, neighbours: Neighbours) -> int:
    place = {slot: index for row in rows for index, slot in enumerate(row)}
    total = 0
    for number, row in enumerate(rows):
        segments = [
            (place[slot], place[lower]) for slot in row for lower in neighbours[slot] if lower.layer == number + 1
        ]
        total += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(segments, 2))
    return total


def _insert_lane(rows: Layers, lane: Sequence[Slot], body: set[str], on_spine: set[Slot]) -> None:
    """Put the lane of a loop into its rows, to the left of the loop's body or, where only so it stays on one side of
    the spine, to the right."""
    places: dict[Slot, tuple[int, int]] = {}
    middles: dict[Slot, int] = {}
    for slot in lane:
        row = rows[slot.layer]
        inside = [
            index
            for index, present in enumerate(row)
            if present.node in body or (present.edge and {present.edge.source, present.edge.target} <= body)
        ]
        middles[slot] = next(index for index, present in enumerate(row) if present in on_spine)
        # A Catch edge has no slot in the layers that it passes.
        inside = inside or [middles[slot]]
        places[slot] = (inside[0], inside[-1] + 1)
    on_one_side = [len({places[slot][side] <= middles[slot] for slot in lane}) == 1 for side in (0, 1)]
    chosen = 1 if on_one_side == [False, True] else 0
    for slot in lane:
        rows[slot.layer].insert(places[slot][chosen], slot)


def _reached(origin: str, steps: Sequence[tuple[str, str]]) -> set[str]:
    """The nodes that the steps lead to from `origin`, itself included."""
    reached = {origin}
    fresh = [origin]
    while fresh:
        fresh = [end for start, end in steps if start in fresh and end not in reached]
        reached |= set(fresh)
    return reached
