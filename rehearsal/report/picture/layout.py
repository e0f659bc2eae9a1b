"""Where the states and the edges of a state machine stand in its picture, computed from its definition.

A layered layout from top to bottom. The longest way through the machine is a straight spine; what branches off takes
columns beside it, a loop goes back up in a lane on the left, and the Catch edges run down a lane on the right. A Map's
or a Parallel's own states are laid out likewise in a box.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rehearsal.report.picture.columns import columns
from rehearsal.report.picture.graph import END, START, inner_definitions, read_edges
from rehearsal.report.picture.layers import fill, longest_way, rank
from rehearsal.report.picture.order import order
from rehearsal.report.picture.routes import Band, Placement, route_catches, route_flow
from rehearsal.report.picture.shapes import BOX_HEADER, COLUMN_GAP, DOT, LAYER_GAP, Box, Route, Scope, text_width

_NODE_HEIGHT = 36.0
_LEAST_NODE_WIDTH = 132.0
_BOX_PADDING = 18.0


def lay_out(definition: Mapping[str, Any]) -> Scope:
    """The states and edges of `definition`, each in its place."""
    states: Mapping[str, Mapping[str, Any]] = definition["States"]
    edges = read_edges(definition)
    flow = [edge for edge in edges if not edge.catch]
    catches = [edge for edge in edges if edge.catch]
    boxes = _measure(states, any(edge.target == END for edge in flow))
    ranks = rank(list(boxes), flow, catches)
    layers, lanes = fill(boxes, flow, ranks)
    spine = longest_way(boxes, flow, ranks.backward, states)
    rows = order(layers, lanes, edges, ranks, spine)
    column_of = columns(rows, lanes, spine)

    y = 0.0
    bands: list[Band] = []
    for row in rows:
        height = max((boxes[slot.node].height for slot in row if slot.node in boxes), default=0.0)
        bands.append(Band(y, y + height))
        for slot in row:
            if slot.node in boxes:
                box = boxes[slot.node]
                boxes[slot.node] = replace(box, x=column_of[slot], y=y + (height - box.height) / 2)
        y += height + LAYER_GAP
    placement = Placement(boxes, ranks, rows, lanes, column_of, bands)
    routes = (*route_flow(placement, flow), *route_catches(placement, catches))
    extents: list[Box | Route] = [*boxes.values(), *routes]
    return Scope(
        boxes,
        routes,
        left=min(item.left for item in extents),
        right=max(item.right for item in extents),
        height=y - LAYER_GAP,
    )


def _measure(states: Mapping[str, Mapping[str, Any]], has_end: bool) -> dict[str, Box]:
    """A box of the right size for every node, not in its place yet."""
    boxes = {START: Box(START, DOT, DOT, {})}
    widest = max((text_width(name) for name, state in states.items() if not inner_definitions(state)), default=0.0)
    for name, state in states.items():
        inner = tuple(lay_out(definition) for definition in inner_definitions(state))
        if inner:
            width = sum(scope.width for scope in inner) + COLUMN_GAP * (len(inner) - 1)
            boxes[name] = Box(
                name,
                max(width, text_width(name)) + 2 * _BOX_PADDING,
                max(scope.height for scope in inner) + BOX_HEADER + _BOX_PADDING,
                state,
                inner,
            )
        else:
            boxes[name] = Box(name, max(_LEAST_NODE_WIDTH, widest + 52), _NODE_HEIGHT, state)
    if has_end:
        boxes[END] = Box(END, DOT, DOT, {})
    return boxes
