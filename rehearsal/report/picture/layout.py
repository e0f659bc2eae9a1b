"""Where the states and the edges of a state machine stand in its picture, computed from its definition.

A layered layout from top to bottom. The longest way through the machine is a straight spine; what branches off takes
columns beside it, a loop goes back up in a lane on the left, and the Catch edges run down a lane on the right. A Map's
or a Parallel's own states are laid out likewise in a box.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

START, END, _FOOT = "\0start", "\0end", "\0foot"
"""Nodes that are no states; a state's name holds no control characters (Step Functions API reference, "Name")."""

_NODE_HEIGHT = 36.0
_LEAST_NODE_WIDTH = 132.0
DOT = 14.0
_LANE = 14.0
_LAYER_GAP = 30.0
COLUMN_GAP = 28.0
_BOX_PADDING = 18.0
BOX_HEADER = 30.0
_MARGIN = 14.0
_CORNER = 8.0


@dataclass(frozen=True)
class Edge:
    source: str
    target: str
    catch: bool = False
    label: str = ""


@dataclass
class Box:
    """A laid-out node: `x` is its middle, `y` its top, in the coordinates of its scope."""

    name: str
    width: float
    height: float
    state: dict[str, Any]
    inner: list[Scope] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> float:
        """Where an edge meets the side: the heading's height, for a box with states inside."""
        return self.y + (BOX_HEADER if self.inner else self.height) / 2


@dataclass(frozen=True)
class Route:
    """An edge as it is drawn: its outline, the columns that it spans with its label, and where the label stands."""

    edge: Edge
    outline: str
    left: float
    right: float
    label_at: tuple[float, float] = (0.0, 0.0)
    label_anchor: str = "start"


@dataclass(frozen=True)
class Scope:
    """One laid-out set of states: the machine's own, or those of a Map or of a Parallel's branch."""

    boxes: dict[str, Box]
    routes: list[Route]
    left: float
    right: float
    height: float

    @property
    def width(self) -> float:
        return self.right - self.left


def inner_definitions(state: dict[str, Any]) -> list[dict[str, Any]]:
    if state["Type"] == "Map":
        return [state.get("ItemProcessor") or state["Iterator"]]
    if state["Type"] == "Parallel":
        return list(state["Branches"])
    return []


def read_edges(definition: dict[str, Any]) -> list[Edge]:
    """Every edge of one scope, from its start to its ends, each pair of states once for a kind."""
    edges: dict[tuple[str, str, bool], Edge] = {}

    def add(source: str, target: str, catch: bool = False, label: str = "") -> None:
        known = edges.get((source, target, catch))
        if known and known.label and label:
            label = f"{known.label} or {label}"
        edges[source, target, catch] = Edge(source, target, catch, label)

    add(START, definition["StartAt"])
    for name, state in definition["States"].items():
        for rule in state.get("Choices", ()):
            add(name, rule["Next"], label=_condition(rule))
        if "Default" in state:
            add(name, state["Default"], label="else")
        if "Next" in state:
            add(name, state["Next"])
        if state.get("End"):
            add(name, END)
        for catcher in state.get("Catch", ()):
            add(name, catcher["Next"], catch=True)
    return list(edges.values())


def _condition(rule: dict[str, Any]) -> str:
    """A choice rule in a few words, or "" for one that has no short form."""
    words = rule.get("Variable", "").rpartition(".")[2]
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in words)
    match rule:
        case {"BooleanEquals": bool(value)}:
            return spaced if value else f"not {spaced}"
        case {"StringEquals": str(value)}:
            return value
        case {"IsPresent": bool(value)}:
            return f"with {spaced}" if value else f"no {spaced}"
        case _:
            return ""


@dataclass(eq=False)
class _Slot:
    """A place in a layer: a node's, or that of a lane through which an edge passes."""

    layer: int
    width: float
    node: str | None = None
    edge: Edge | None = None


def lay_out(definition: dict[str, Any]) -> Scope:
    states: dict[str, dict[str, Any]] = definition["States"]
    edges = read_edges(definition)
    flow = [edge for edge in edges if not edge.catch]
    catches = [edge for edge in edges if edge.catch]
    boxes = _measure(states, any(edge.target == END for edge in flow))
    layer_of, backward = _rank(list(boxes), flow, catches)
    layers, lanes = _fill_layers(boxes, flow, layer_of, backward)
    spine = _spine(boxes, flow, backward, states)
    layers = _order(layers, lanes, edges, layer_of, spine, backward)
    position = _columns(layers, lanes, spine)

    y = 0.0
    tops: list[tuple[float, float]] = []
    for layer in layers:
        height = max((boxes[slot.node].height for slot in layer if slot.node in boxes), default=0.0)
        tops.append((y, height))
        for slot in layer:
            if slot.node in boxes:
                box = boxes[slot.node]
                box.x, box.y = position[slot], y + (height - box.height) / 2
        y += height + _LAYER_GAP
    routes = _route_flow(boxes, flow, lanes, position, layer_of, tops, backward)
    routes += _route_catches(boxes, catches, layers, layer_of, tops, position)
    extents: list[Box | Route] = [*boxes.values(), *routes]
    return Scope(
        boxes,
        routes,
        left=min(item.left for item in extents),
        right=max(item.right for item in extents),
        height=y - _LAYER_GAP,
    )


def _measure(states: dict[str, dict[str, Any]], has_end: bool) -> dict[str, Box]:
    boxes = {START: Box(START, DOT, DOT, {})}
    plain = max((_text_width(name) for name, state in states.items() if not inner_definitions(state)), default=0.0)
    for name, state in states.items():
        inner = [lay_out(definition) for definition in inner_definitions(state)]
        if inner:
            width = sum(scope.width for scope in inner) + COLUMN_GAP * (len(inner) - 1)
            boxes[name] = Box(
                name,
                max(width, _text_width(name)) + 2 * _BOX_PADDING,
                max(scope.height for scope in inner) + BOX_HEADER + _BOX_PADDING,
                state,
                inner,
            )
        else:
            boxes[name] = Box(name, max(_LEAST_NODE_WIDTH, plain + 52), _NODE_HEIGHT, state)
    if has_end:
        boxes[END] = Box(END, DOT, DOT, {})
    return boxes


def _text_width(text: str) -> float:
    """The width in pixels of `text` at the size of a state's name, near enough and rather too wide."""
    return sum(4.2 if letter in "iljtfr .,:;!'I|()-" else 10.4 if letter in "mwMW@" else 7.6 for letter in text)


def _rank(nodes: list[str], flow: list[Edge], catches: list[Edge]) -> tuple[dict[str, int], set[Edge]]:
    """The layer of each node, and the edges that lead back up.

    A state that only a Catch leads to comes below those who catch; any other Catch has no say.
    """
    entered = {edge.target for edge in flow}
    ranking = flow + [edge for edge in catches if edge.target not in entered]
    outgoing: dict[str, list[Edge]] = defaultdict(list)
    for edge in ranking:
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
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(nodes, ()))
    incoming: dict[str, list[str]] = defaultdict(list)
    for edge in ranking:
        if edge not in backward:
            sorter.add(edge.target, edge.source)
            incoming[edge.target].append(edge.source)
    layer_of: dict[str, int] = {}
    for node in sorter.static_order():
        layer_of[node] = max((layer_of[source] + 1 for source in incoming[node]), default=0)
    return layer_of, backward


def _fill_layers(
    boxes: dict[str, Box], flow: list[Edge], layer_of: dict[str, int], backward: set[Edge]
) -> tuple[list[list[_Slot]], dict[Edge, list[_Slot]]]:
    """A slot for every node in its layer, and a lane of slots for every edge that goes past nodes or back up.

    The lanes of the edges that lead back up are not in their layers yet.
    """
    layers: list[list[_Slot]] = [[] for _ in range(max(layer_of.values()) + 1)]
    for name, box in boxes.items():
        layers[layer_of[name]].append(_Slot(layer_of[name], box.width, node=name))
    lanes: dict[Edge, list[_Slot]] = {}
    for edge in flow:
        first, last = layer_of[edge.source], layer_of[edge.target]
        passed = range(last, first + 1) if edge in backward else range(first + 1, last)
        width = _LANE + (_text_width(edge.label) if edge in backward else 0.0)
        lanes[edge] = [_Slot(layer, width, edge=edge) for layer in passed]
        if edge not in backward:
            for slot in lanes[edge]:
                layers[slot.layer].append(slot)
    return layers, lanes


def _spine(
    boxes: dict[str, Box], flow: list[Edge], backward: set[Edge], states: dict[str, dict[str, Any]]
) -> list[str]:
    """The longest way from the start through the states, with another ending than a Fail if there is one."""
    kinds = {name: state["Type"] for name, state in states.items()}
    outgoing: dict[str, list[str]] = defaultdict(list)
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(boxes, ()))
    for edge in flow:
        if edge not in backward:
            outgoing[edge.source].append(edge.target)
            sorter.add(edge.source, edge.target)
    best: dict[str, list[str]] = {}
    for name in sorter.static_order():
        onward = [best[target] for target in outgoing[name]]
        best[name] = [name, *max(onward, key=lambda way: (kinds.get(way[-1]) != "Fail", len(way)), default=[])]
    return best[START]


def _order(
    layers: list[list[_Slot]],
    lanes: dict[Edge, list[_Slot]],
    edges: list[Edge],
    layer_of: dict[str, int],
    spine: list[str],
    backward: set[Edge],
) -> list[list[_Slot]]:
    """The slots of each layer from left to right, with few crossings; every layer gets a slot on the spine.

    The lane of a loop stands beside all that the loop goes round.
    """
    node_slots = {slot.node: slot for layer in layers for slot in layer}
    onward = [edge for edge in edges if not edge.catch and edge not in backward]
    caught = {edge.target for edge in edges if edge.catch}
    on_spine = {node_slots[name] for name in spine}
    for edge in onward:
        # Where the spine's next state is some layers down, the lane between them is the spine.
        if (edge.source, edge.target) in set(itertools.pairwise(spine)):
            on_spine |= set(lanes[edge])
    foot_width = node_slots[spine[-1]].width
    for number in range(layer_of[spine[-1]] + 1, len(layers)):
        foot = _Slot(number, foot_width, node=_FOOT)
        layers[number].append(foot)
        on_spine.add(foot)

    def side(slot: _Slot) -> int:
        if slot in on_spine:
            return 0
        if slot.edge is not None:
            return -1
        return 2 if slot.node in caught else 1

    current = [sorted(layer, key=side) for layer in layers]
    neighbours: dict[_Slot, list[_Slot]] = defaultdict(list)
    for edge in onward:
        for upper, lower in itertools.pairwise([node_slots[edge.source], *lanes[edge], node_slots[edge.target]]):
            neighbours[upper].append(lower)
            neighbours[lower].append(upper)
    best, fewest = [list(layer) for layer in current], _crossings(current, neighbours)
    for sweep in range(12):
        place = {slot: index for layer in current for index, slot in enumerate(layer)}
        numbers = range(len(current)) if sweep % 2 == 0 else range(len(current) - 1, -1, -1)
        for number in numbers:
            beyond = number - 1 if sweep % 2 == 0 else number + 1
            weights = {
                slot: _mean([place[other] for other in neighbours[slot] if other.layer == beyond], place[slot])
                for slot in current[number]
            }
            current[number] = sorted(current[number], key=lambda slot: (weights[slot], place[slot]))
            place.update({slot: index for index, slot in enumerate(current[number])})
        crossings = _crossings(current, neighbours)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in current], crossings
    down = [(edge.source, edge.target) for edge in edges if layer_of[edge.source] < layer_of[edge.target]]
    loops = sorted((edge for edge in lanes if edge in backward), key=lambda edge: len(lanes[edge]))
    for edge in loops:
        body = _reached(edge.target, down) & _reached(edge.source, [(end, start) for start, end in down])
        _insert_lane(best, lanes[edge], body, on_spine)
    return best


def _insert_lane(layers: list[list[_Slot]], lane: list[_Slot], body: set[str], on_spine: set[_Slot]) -> None:
    """Put the lane of a loop into its layers, to the left of the loop's body or, where only so it stays on one side of
    the spine, to the right."""
    places: dict[_Slot, tuple[int, int]] = {}
    middles: dict[_Slot, int] = {}
    for slot in lane:
        row = layers[slot.layer]
        inside = [
            index
            for index, other in enumerate(row)
            if other.node in body or (other.edge and {other.edge.source, other.edge.target} <= body)
        ]
        middles[slot] = next(index for index, other in enumerate(row) if other in on_spine)
        # A Catch edge has no slot in the layers that it passes.
        inside = inside or [middles[slot]]
        places[slot] = (inside[0], inside[-1] + 1)
    on_one_side = [len({places[slot][side] <= middles[slot] for slot in lane}) == 1 for side in (0, 1)]
    chosen = 1 if on_one_side == [False, True] else 0
    for slot in lane:
        layers[slot.layer].insert(places[slot][chosen], slot)


def _reached(origin: str, steps: list[tuple[str, str]]) -> set[str]:
    """The nodes that the steps lead to from `origin`, itself included."""
    reached = {origin}
    fresh = [origin]
    while fresh:
        fresh = [end for start, end in steps if start in fresh and end not in reached]
        reached |= set(fresh)
    return reached


def _mean(values: list[int], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(layers: list[list[_Slot]], neighbours: dict[_Slot, list[_Slot]]) -> int:
    place = {slot: index for layer in layers for index, slot in enumerate(layer)}
    total = 0
    for number, layer in enumerate(layers):
        segments = [
            (place[slot], place[other]) for slot in layer for other in neighbours[slot] if other.layer == number + 1
        ]
        total += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(segments, 2))
    return total


def _columns(layers: list[list[_Slot]], lanes: dict[Edge, list[_Slot]], spine: list[str]) -> dict[_Slot, float]:
    """The middle of each slot: 0 on the spine; beside it as near as the neighbours in all layers permit.

    A lane is kept straight, its slots in one column, unless it crosses the spine or the order of the layers forbids it.
    """
    spine_names = {*spine, _FOOT}
    pairs = set(itertools.pairwise(spine))
    centre = {
        slot
        for layer in layers
        for slot in layer
        if slot.node in spine_names or (slot.edge and (slot.edge.source, slot.edge.target) in pairs)
    }
    alone: dict[_Slot, object] = {slot: slot for layer in layers for slot in layer}
    left_of_spine = {slot for layer in layers for slot in itertools.takewhile(lambda slot: slot not in centre, layer)}
    straight = dict(alone)
    for lane in lanes.values():
        if len({slot in left_of_spine for slot in lane}) == 1 and not centre.intersection(lane):
            straight |= dict.fromkeys(lane, id(lane))
    try:
        unit, columns = straight, _push_out(layers, straight, centre)
    except CycleError:
        unit, columns = alone, _push_out(layers, alone, centre)
    return {slot: columns[unit[slot]] for slot in alone}


def _push_out(layers: list[list[_Slot]], unit: dict[_Slot, object], centre: set[_Slot]) -> dict[object, float]:
    """The column of each unit, given that every layer has one slot at 0 and the others keep their distance outward."""
    distances: dict[object, list[tuple[object, float]]] = defaultdict(list)
    sorter: TopologicalSorter[object] = TopologicalSorter({unit[slot]: () for layer in layers for slot in layer})
    for layer in layers:
        middle = next(index for index, slot in enumerate(layer) if slot in centre)
        for outward, row in ((1, layer[middle:]), (-1, layer[middle::-1])):
            for inner, outer in itertools.pairwise(row):
                distance = outward * ((inner.width + outer.width) / 2 + COLUMN_GAP)
                distances[unit[outer]].append((unit[inner], distance))
                sorter.add(unit[outer], unit[inner])
    offsets: dict[object, float] = {}
    for item in sorter.static_order():
        candidates = [offsets[inner] + distance for inner, distance in distances[item]]
        offsets[item] = max(candidates, key=abs, default=0.0)
    return offsets


# -- edges -----------------------------------------------------------------------------------------------------------


def _route_flow(
    boxes: dict[str, Box],
    flow: list[Edge],
    lanes: dict[Edge, list[_Slot]],
    position: dict[_Slot, float],
    layer_of: dict[str, int],
    tops: list[tuple[float, float]],
    backward: set[Edge],
) -> list[Route]:
    routes: list[Route] = []
    leaving: dict[str, list[float]] = defaultdict(list)
    for edge in flow:
        if edge not in backward:
            lane = [position[slot] for slot in lanes[edge]]
            leaving[edge.source].append(lane[0] if lane else boxes[edge.target].x)
    for edge in flow:
        source, target = boxes[edge.source], boxes[edge.target]
        lane = [position[slot] for slot in lanes[edge]]
        if edge in backward:
            outward = 1 if min(lane) > max(source.x, target.x) else -1
            turn = max(outward * position[slot] + slot.width / 2 for slot in lanes[edge]) * outward
            low, high = source.middle, target.middle
            if source is target:
                low, high = low + 8, high - 8
            begin, end = (source.right, target.right) if outward > 0 else (source.left, target.left)
            outline = f"M{number(begin)} {number(low)}" + _turn(turn, low, high, end, outward)
            anchor = "end" if outward > 0 else "start"
            left, right = min(turn, begin, end), max(turn, begin, end)
            routes.append(Route(edge, outline, left, right, (turn - outward * 8, low - 5), anchor))
            continue
        first = lane[0] if lane else target.x
        last = lane[-1] if lane else source.x
        start, end = _port(source, first), _port(target, last)
        # Edges change column in the gaps between layers only, so that they run clear of the boxes in a layer.
        x, y = start, _bottom(tops[layer_of[edge.source]])
        outline = f"M{number(start)} {number(source.bottom)}V{number(y)}"
        for slot, column in zip(lanes[edge], lane, strict=True):
            outline += _curve(x, y, column, tops[slot.layer][0])
            x, y = column, _bottom(tops[slot.layer])
            outline += f"V{number(y)}"
        top = tops[layer_of[edge.target]][0]
        outline += _curve(x, y, end, top)
        if target.y > top:  # nothing of no length at the end, which would turn the arrow
            outline += f"V{number(target.y)}"
        # A label stands beside a lane, or where the edge arrives, or, for an edge straight down, where it begins.
        if lane:
            outward, label_y = 1, tops[lanes[edge][0].layer][0] + 14
        elif end != start:
            outward, label_y = (1 if end > start else -1), target.y - 9
        else:
            outward, label_y = (-1 if any(column > start for column in leaving[edge.source]) else 1), source.bottom + 11
        label = ((first if lane else end) + outward * 6, label_y)
        columns = (start, end, *lane, label[0] + outward * _text_width(edge.label))
        anchor = "end" if outward < 0 else "start"
        routes.append(Route(edge, outline, min(columns), max(columns), label, anchor))
    return routes


def _bottom(layer: tuple[float, float]) -> float:
    top, height = layer
    return top + height


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


def _route_catches(
    boxes: dict[str, Box],
    catches: list[Edge],
    layers: list[list[_Slot]],
    layer_of: dict[str, int],
    tops: list[tuple[float, float]],
    position: dict[_Slot, float],
) -> list[Route]:
    """Catch edges go out to the right, down a lane that those with the same target share, and back in."""
    routes: list[Route] = []
    by_target: dict[str, list[Edge]] = defaultdict(list)
    for edge in catches:
        by_target[edge.target].append(edge)
    used: list[tuple[float, int, int]] = []
    for target_name, group in by_target.items():
        target = boxes[target_name]
        rows = [layer_of[target_name], *(layer_of[edge.source] for edge in group)]
        span = range(min(rows), max(rows) + 1)
        lane = max(position[slot] + slot.width / 2 for row in span for slot in layers[row]) + _LANE
        while any(abs(lane - other) < _LANE and first <= span[-1] and span[0] <= last for other, first, last in used):
            lane += _LANE
        used.append((lane, span[0], span[-1]))
        for edge in group:
            source = boxes[edge.source]
            if _is_rightmost(source, layers[layer_of[edge.source]], position):
                outline, low = f"M{number(source.right)} {number(source.middle)}", source.middle
            else:
                low = _bottom(tops[layer_of[edge.source]]) + _LAYER_GAP / 3
                port = source.right - 16
                outline = f"M{number(port)} {number(source.bottom)}V{number(low)}"
            if _is_rightmost(target, layers[layer_of[target_name]], position):
                outline += _turn(lane, low, target.middle, target.right, outward=1)
            else:
                high = tops[layer_of[target_name]][0] - _LAYER_GAP / 3
                port = target.right - 16
                outline += _turn(lane, low, high, port, outward=1) + f"V{number(target.y)}"
            routes.append(Route(edge, outline, min(source.left, target.left), lane))
    return routes


def _is_rightmost(box: Box, layer: list[_Slot], position: dict[_Slot, float]) -> bool:
    return all(position[slot] <= box.x for slot in layer)


def number(value: float) -> str:
    return f"{round(value, 1):g}"
