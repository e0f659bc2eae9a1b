"""The column of each slot: how far from the spine it stands."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from rehearsal.report.picture.layers import Lanes, Layers, Slot
from rehearsal.report.picture.order import FOOT
from rehearsal.report.picture.shapes import COLUMN_GAP


def columns(rows: Layers, lanes: Lanes, spine: Sequence[str]) -> Mapping[Slot, float]:
    """The middle of each slot: 0 on the spine; beside it as near as the neighbours in all layers permit.

    A lane is kept straight, its slots in one column, unless it crosses the spine or the order of the layers forbids it.
    """
    spine_names = {*spine, FOOT}
    pairs = set(itertools.pairwise(spine))
    centre = {
        slot
        for row in rows
        for slot in row
        if slot.node in spine_names or (slot.edge and (slot.edge.source, slot.edge.target) in pairs)
    }
    alone: dict[Slot, object] = {slot: slot for row in rows for slot in row}
    left_of_spine = {slot for row in rows for slot in itertools.takewhile(lambda slot: slot not in centre, row)}
    straight = dict(alone)
    for lane in lanes.values():
        if len({slot in left_of_spine for slot in lane}) == 1 and not centre.intersection(lane):
            straight |= dict.fromkeys(lane, id(lane))
    try:
        unit, offsets = straight, _push_out(rows, straight, centre)
    except CycleError:
        unit, offsets = alone, _push_out(rows, alone, centre)
    return {slot: offsets[unit[slot]] for slot in alone}


def _push_out(rows: Layers, unit: Mapping[Slot, object], centre: set[Slot]) -> Mapping[object, float]:
    """The column of each unit, given that every row has one slot at 0 and the others keep their distance outward."""
    distances: dict[object, list[tuple[object, float]]] = defaultdict(list)
    sorter: TopologicalSorter[object] = TopologicalSorter({unit[slot]: () for row in rows for slot in row})
    for row in rows:
        middle = next(index for index, slot in enumerate(row) if slot in centre)
        for outward, half in ((1, row[middle:]), (-1, row[middle::-1])):
            for inner, outer in itertools.pairwise(half):
                distance = outward * ((inner.width + outer.width) / 2 + COLUMN_GAP)
                distances[unit[outer]].append((unit[inner], distance))
                sorter.add(unit[outer], unit[inner])
    offsets: dict[object, float] = {}
    for item in sorter.static_order():
        candidates = [offsets[inner] + distance for inner, distance in distances[item]]
        offsets[item] = max(candidates, key=abs, default=0.0)
    return offsets
