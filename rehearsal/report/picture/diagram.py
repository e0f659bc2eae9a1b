"""The picture of a state machine, from its definition, with the path of an execution in it where one is given.

`python -m rehearsal.report.picture.diagram` writes the picture for the README.
"""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rehearsal.report.picture.layout import (
    BOX_HEADER,
    COLUMN_GAP,
    DOT,
    END,
    START,
    Box,
    Edge,
    Route,
    Scope,
    inner_definitions,
    lay_out,
    number,
    read_edges,
)

ROOT = Path(__file__).parent.parent.parent.parent
DEFINITION = ROOT / "statemachine" / "patch.asl.yaml"
PICTURE = ROOT / "docs" / "state-machine.svg"
TEMPLATES = Path(__file__).parent.parent / "templates"

_MARGIN = 14.0

_TERMINAL_TYPES = ("Succeed", "Fail")


class DiagramError(Exception):
    """A definition that is no state machine's."""


@dataclass(frozen=True)
class StateVisit:
    """One visit of a state by an execution, from its history.

    `type` is the ASL type ("Task", "Wait", "Choice", "Map", ...). `entered` and `exited` are seconds of virtual time
    since the execution's start; `exited` is None for a state that the end of the execution cut short. `target` is the
    stack's name inside the Map over the targets, else None. `error` is the error's name when the state failed.
    """

    name: str
    type: str
    entered: float
    exited: float | None
    target: str | None
    error: str | None


@dataclass
class _Path:
    """Where an execution went."""

    visits: Counter[str] = field(default_factory=Counter)
    failed: set[str] = field(default_factory=set)
    edges: set[tuple[str, str, bool]] = field(default_factory=set)


def state_machine_svg(definition: dict[str, Any], visits: Sequence[StateVisit] = (), standalone: bool = False) -> str:
    """The picture of `definition` (the ASL as a dict) as an SVG element.

    With `visits`, in the order of the execution's history, the path taken stands out, and states entered more than
    once carry a count. A `standalone` picture brings its own colours, for light and dark; otherwise they are those of
    the page around it. Raises DiagramError for a definition without states.
    """
    if not definition.get("States") or definition.get("StartAt") not in definition["States"]:
        raise DiagramError(
            "expected a state machine's definition with `States` and a `StartAt` that names one of them, "
            f"found the keys {', '.join(sorted(definition)) or 'none'}"
        )
    path = _path(definition, visits)
    scope = lay_out(definition)
    width, height = scope.width + 2 * _MARGIN, scope.height + 2 * _MARGIN
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {number(width)} {number(height)}",
            "width": number(width),
            "height": number(height),
            "role": "img",
            "class": "machine traced" if visits else "machine",
            "aria-labelledby": "machine-title machine-desc",
        },
    )
    ET.SubElement(svg, "title", {"id": "machine-title"}).text = "The state machine"
    ET.SubElement(svg, "desc", {"id": "machine-desc"}).text = _description(definition, path)
    sheets = ("colours.css", "state-machine.css") if standalone else ("state-machine.css",)
    ET.SubElement(svg, "style").text = "".join((TEMPLATES / sheet).read_text(encoding="utf-8") for sheet in sheets)
    _markers(svg)
    if standalone:
        ET.SubElement(svg, "rect", {"class": "ground", "width": "100%", "height": "100%", "rx": "8"})
    _draw(ET.SubElement(svg, "g", {"transform": f"translate({_MARGIN:g} {_MARGIN:g})"}), scope, path)
    return ET.tostring(svg, encoding="unicode")


# -- the path taken --------------------------------------------------------------------------------------------------


def _scopes(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The definition itself and, at any depth, those inside its Maps and Parallels."""
    yield definition
    for state in definition["States"].values():
        for inner in inner_definitions(state):
            yield from _scopes(inner)


def _path(definition: dict[str, Any], visits: Sequence[StateVisit]) -> _Path:
    """Which states and edges the visits used: of two visits in a row within a scope, the edge between them."""
    path = _Path(
        visits=Counter(visit.name for visit in visits),
        failed={visit.name for visit in visits if visit.error},
    )
    for scope in _scopes(definition):
        edges = {(edge.source, edge.target, edge.catch) for edge in read_edges(scope)}
        by_target: dict[str | None, list[StateVisit]] = defaultdict(list)
        for visit in visits:
            if visit.name in scope["States"]:
                by_target[visit.target].append(visit)
        for sequence in by_target.values():
            path.edges.add((START, sequence[0].name, False))
            for before, after in itertools.pairwise(sequence):
                path.edges |= {(before.name, after.name, before.error is not None)} & edges
            last = sequence[-1]
            if last.exited is not None and last.error is None:
                path.edges |= {(last.name, END, False)} & edges
    return path


def _description(definition: dict[str, Any], path: _Path) -> str:
    states = [name for scope in _scopes(definition) for name in scope["States"]]
    if not path.visits:
        return f"A graph of {len(states)} states, from {definition['StartAt']}: {', '.join(states)}."
    entered = [
        name
        + (f" ({path.visits[name]} times)" if path.visits[name] > 1 else "")
        + (" (failed)" if name in path.failed else "")
        for name in states
        if path.visits[name]
    ]
    return f"A graph of {len(states)} states. The execution entered {len(entered)} of them: {', '.join(entered)}."


# -- drawing ---------------------------------------------------------------------------------------------------------


def _draw(parent: ET.Element, scope: Scope, path: _Path) -> None:
    """Draw the scope with its left edge at 0: edges first, those taken over those not taken, then the boxes."""
    group = ET.SubElement(parent, "g", {"transform": f"translate({number(-scope.left)} 0)"})

    def taken(route: Route) -> bool:
        return (route.edge.source, route.edge.target, route.edge.catch) in path.edges

    for route in sorted(scope.routes, key=lambda route: (taken(route), not route.edge.catch)):
        kinds = [kind for kind, is_so in (("catch", route.edge.catch), ("taken", taken(route))) if is_so]
        marker = "-".join(["machine-arrow", *kinds])
        outline = ET.SubElement(
            group, "path", {"class": " ".join(["edge", *kinds]), "d": route.outline, "marker-end": f"url(#{marker})"}
        )
        ET.SubElement(outline, "title").text = _edge_tooltip(route.edge)
    for box in scope.boxes.values():
        _draw_box(group, box, path)
    for route in scope.routes:
        if route.edge.label:
            x, y = route.label_at
            place = {"x": number(x), "y": number(y), "text-anchor": route.label_anchor}
            ET.SubElement(group, "text", {"class": "label"} | place).text = route.edge.label


def _draw_box(parent: ET.Element, box: Box, path: _Path) -> None:
    if box.name in (START, END):
        radius = DOT / 2
        kind = "dot" if box.name == START else "dot end"
        ET.SubElement(
            parent, "circle", {"class": kind, "cx": number(box.x), "cy": number(box.y + radius), "r": number(radius)}
        )
        return
    kind = box.state["Type"]
    count = path.visits[box.name]
    classes = ["state", kind.lower()]
    classes += [mark for mark, is_so in (("entered", count > 0), ("failed", box.name in path.failed)) if is_so]
    group = ET.SubElement(parent, "g", {"class": " ".join(classes)})
    ET.SubElement(group, "title").text = _tooltip(box, path)
    ET.SubElement(group, "path", {"class": "shape", "d": _outline(box)})
    heading = box.y + (19 if box.inner else box.height / 2 + 1)
    name = ET.SubElement(group, "text", {"class": "name", "x": number(box.x), "y": number(heading)})
    name.text = box.name
    if box.inner:
        caption = ET.SubElement(
            group, "text", {"class": "type", "x": number(box.left + 12), "y": number(heading), "text-anchor": "start"}
        )
    else:
        caption = ET.SubElement(group, "text", {"class": "type", "x": number(box.x), "y": number(box.bottom - 6)})
    caption.text = kind
    left = box.x - (sum(scope.width for scope in box.inner) + COLUMN_GAP * (len(box.inner) - 1)) / 2
    for scope in box.inner:
        place = f"translate({number(left)} {number(box.y + BOX_HEADER)})"
        _draw(ET.SubElement(group, "g", {"transform": place}), scope, path)
        left += scope.width + COLUMN_GAP
    if count > 1:
        _badge(group, box.right - 6, box.y, f"\N{MULTIPLICATION SIGN}{count}", "count")
    if box.name in path.failed:
        _badge(group, box.left + 8, box.y, "failed", "failure")


def _badge(parent: ET.Element, x: float, y: float, text: str, kind: str) -> None:
    width = 6.4 * len(text) + 10
    group = ET.SubElement(parent, "g", {"class": f"badge {kind}"})
    ET.SubElement(
        group,
        "rect",
        {"x": number(x - width / 2), "y": number(y - 8), "width": number(width), "height": "16", "rx": "8"},
    )
    ET.SubElement(group, "text", {"x": number(x), "y": number(y + 4)}).text = text


def _edge_tooltip(edge: Edge) -> str:
    source = "Start" if edge.source == START else edge.source
    target = "End" if edge.target == END else edge.target
    return f"{source} to {target}{' (Catch)' if edge.catch else ''}"


def _tooltip(box: Box, path: _Path) -> str:
    if not path.visits:
        return f"{box.name} ({box.state['Type']})"
    lines = [f"{box.name} ({box.state['Type']})", f"entered {path.visits[box.name]} times"]
    if box.state.get("Comment"):
        lines.append(box.state["Comment"])
    return "\n".join(lines)


def _outline(box: Box) -> str:
    """The shape of a state: a Choice is pointed at its sides, an ending is round, all others are rectangles."""
    left, right, top, bottom = (number(value) for value in (box.left, box.right, box.y, box.bottom))
    middle = number(box.middle)
    if box.state["Type"] == "Choice":
        return (
            f"M{number(box.left + 14)} {top}H{number(box.right - 14)}L{right} {middle}"
            f"L{number(box.right - 14)} {bottom}H{number(box.left + 14)}L{left} {middle}Z"
        )
    r = box.height / 2 if box.state["Type"] in _TERMINAL_TYPES else 6.0
    return (
        f"M{number(box.left + r)} {top}H{number(box.right - r)}A{r:g} {r:g} 0 0 1 {right} {number(box.y + r)}"
        f"V{number(box.bottom - r)}A{r:g} {r:g} 0 0 1 {number(box.right - r)} {bottom}"
        f"H{number(box.left + r)}A{r:g} {r:g} 0 0 1 {left} {number(box.bottom - r)}"
        f"V{number(box.y + r)}A{r:g} {r:g} 0 0 1 {number(box.left + r)} {top}Z"
    )


def _markers(svg: ET.Element) -> None:
    definitions = ET.SubElement(svg, "defs")
    for kind in ("", "-catch", "-taken", "-catch-taken"):
        marker = ET.SubElement(
            definitions,
            "marker",
            {
                "id": f"machine-arrow{kind}",
                "class": f"arrow {kind.replace('-', ' ').strip()}".strip(),
                "viewBox": "0 0 8 8",
                "refX": "7",
                "refY": "4",
                "markerWidth": "8",
                "markerHeight": "8",
                "markerUnits": "userSpaceOnUse",
                "orient": "auto",
            },
        )
        ET.SubElement(marker, "path", {"d": "M0.5 0.8 7.5 4 0.5 7.2Z"})


def load_definition(path: Path = DEFINITION) -> dict[str, Any]:
    """The ASL definition in the YAML file at `path`."""
    definition = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(definition, dict):
        raise DiagramError(f"expected a mapping in {path}, found {type(definition).__name__}")
    return definition


def main() -> None:
    """Write the picture that the README shows."""
    PICTURE.write_text(state_machine_svg(load_definition(), standalone=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
