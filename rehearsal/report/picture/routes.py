"""The routes of the edges: down between the layers, back up in a lane beside a loop, out to the right for a Catch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rehearsal.report.picture.graph import Edge
from rehearsal.report.picture.layers import Lanes, Layers, Ranks, Slot
from rehearsal.report.picture.shapes import LANE, LAYER_GAP, Box, Route, number, text_width

_CORNER = 8.0


@dataclass(frozen=True)
class Band:
    """The height that a layer takes."""

    top: float
    bottom: float


@dataclass(frozen=True)
class Placement:
    """Where everything but the edges stands."""

    boxes: Mapping[str, Box]
    ranks: Ranks
    rows: Layers
    lanes: Lanes
    columns: Mapping[Slot, float]
    bands: Sequence[Band]

    def band_of(self, name: str) -> Band:
        return self.bands[self.ranks.layer_of[name]]

    def is_rightmost(self, box: Box) -> bool:
        """Whether nothing stands to the right of the box in its layer."""
        return all(self.columns[slot] <= box.x for slot in self.rows[self.ranks.layer_of[box.name]])


def route_flow(placement: Placement, flow: Sequence[Edge]) -> list[Route]:
    """The routes of all edges but the Catches."""
    leaving: dict[str, list[float]] = defaultdict(list)
    for edge in flow:
        if edge not in placement.ranks.backward:
            lane = placement.lanes[edge]
            leaving[edge.source].append(placement.columns[lane[0]] if lane else placement.boxes[edge.target].x)
    return [
        _back_up(placement, edge) if edge in placement.ranks.backward else _down(placement, edge, leaving[edge.source])
        for edge in flow
    ]


def _back_up(placement: Placement, edge: Edge) -> Route:
    source, target, lane = placement.boxes[edge.source], placement.boxes[edge.target], placement.lanes[edge]
    outward = 1 if min(placement.columns[slot] for slot in lane) > max(source.x, target.x) else -1
    turn = max(outward * placement.columns[slot] + slot.width / 2 for slot in lane) * outward
    low, high = source.middle, target.middle
    if edge.source == edge.target:
        low, high = low + 8, high - 8
    begin, end = (source.right, target.right) if outward > 0 else (source.left, target.left)
    outline = f"M{number(begin)} {number(low)}" + _turn(turn, low, high, end, outward)
    return Route(
        edge,
        outline,
        left=min(turn, begin, end),
        right=max(turn, begin, end),
        label_at=(turn - outward * 8, low - 5),
        label_anchor="end" if outward > 0 else "start",
    )


def _down(placement: Placement, edge: Edge, leaving: Sequence[float]) -> Route:
    """`leaving` has the columns that all edges of the source go to."""
    source, target, lane = placement.boxes[edge.source], placement.boxes[edge.target], placement.lanes[edge]
    columns = [placement.columns[slot] for slot in lane]
    first = columns[0] if columns else target.x
    last = columns[-1] if columns else source.x
    start, end = _port(source, first), _port(target, last)
    # Edges change column in the gaps between layers only, so that they run clear of the boxes in a layer.
    x, y = start, placement.band_of(edge.source).bottom
    outline = f"M{number(start)} {number(source.bottom)}V{number(y)}"
    for slot, column in zip(lane, columns, strict=True):
        band = placement.bands[slot.layer]
        outline += _curve(x, y, column, band.top) + f"V{number(band.bottom)}"
        x, y = column, band.bottom
    top = placement.band_of(edge.target).top
    outline += _curve(x, y, end, top)
    if target.y > top:  # nothing of no length at the end, which would turn the arrow
        outline += f"V{number(target.y)}"
    # A label stands beside a lane, or where the edge arrives, or, for an edge straight down, where it begins.
    if lane:
        outward, label_y = 1, placement.bands[lane[0].layer].top + 14
    elif end != start:
        outward, label_y = (1 if end > start else -1), target.y - 9
    else:
        outward, label_y = (-1 if any(column > start for column in leaving) else 1), source.bottom + 11
    label_x = (first if lane else end) + outward * 6
    spanned = (start, end, *columns, label_x + outward * text_width(edge.label))
    anchor = "end" if outward < 0 else "start"
    return Route(edge, outline, min(spanned), max(spanned), (label_x, label_y), anchor)


def route_catches(placement: Placement, catches: Sequence[Edge]) -> list[Route]:
    """Catch edges go out to the right, down a lane that those with the same target share, and back in."""
    routes: list[Route] = []
    by_target: dict[str, list[Edge]] = defaultdict(list)
    for edge in catches:
        by_target[edge.target].append(edge)
    used: list[tuple[float, int, int]] = []
    layer_of = placement.ranks.layer_of
    for target_name, group in by_target.items():
        passed = [layer_of[target_name], *(layer_of[edge.source] for edge in group)]
        first, last = min(passed), max(passed)
        slots = [slot for row in placement.rows[first : last + 1] for slot in row]
        lane = max(placement.columns[slot] + slot.width / 2 for slot in slots) + LANE
        while any(abs(lane - taken) < LANE and top <= last and first <= bottom for taken, top, bottom in used):
            lane += LANE
        used.append((lane, first, last))
        routes += [_caught(placement, edge, lane) for edge in group]
    return routes


def _caught(placement: Placement, edge: Edge, lane: float) -> Route:
    source, target = placement.boxes[edge.source], placement.boxes[edge.target]
    if placement.is_rightmost(source):
        outline, low = f"M{number(source.right)} {number(source.middle)}", source.middle
    else:
        low = placement.band_of(edge.source).bottom + LAYER_GAP / 3
        outline = f"M{number(source.right - 16)} {number(source.bottom)}V{number(low)}"
    if placement.is_rightmost(target):
        outline += _turn(lane, low, target.middle, target.right, outward=1)
    else:
        high = placement.band_of(edge.target).top - LAYER_GAP / 3
        outline += _turn(lane, low, high, target.right - 16, outward=1) + f"V{number(target.y)}"
    return Route(edge, outline, min(source.left, target.left), lane)


def _port(box: Box, towards: float) -> float:
    """Where on the box's width an edge meets it, coming from a column."""
    if abs(towards - box.x) < 1:
        return box.x
    reach = box.width / 2 - 22 if box.inner else box.width * 0.28
    return box.x + max(-reach, min(reach, towards - box.x))


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    if abs(x - to_x) < 0.5:
        return f"V{number(to_y)}"
    half = (y + to_y) / 2
    return f"C{number(x)} {number(half)} {number(to_x)} {number(half)} {number(to_x)} {number(to_y)}"


def _turn(lane: float, low: float, high: float, end: float, outward: int) -> str:
    """From the side of a box into a lane beside it, along the lane, and out of it to `end`."""
    direction = 1 if high > low else -1
    corner = min(_CORNER, abs(high - low) / 2)
    return (
        f"H{number(lane - outward * corner)}"
        f"Q{number(lane)} {number(low)} {number(lane)} {number(low + direction * corner)}"
        f"V{number(high - direction * corner)}"
        f"Q{number(lane)} {number(high)} {number(lane - outward * corner)} {number(high)}"
        f"H{number(end)}"
    )
