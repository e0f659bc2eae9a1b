"""The picture of a state machine as SVG, with the path of an execution in it where one is given."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from rehearsal.report.picture.graph import END, START, Edge, check, scopes
from rehearsal.report.picture.layout import lay_out
from rehearsal.report.picture.path import Path, StateVisit, path_taken
from rehearsal.report.picture.shapes import BOX_HEADER, COLUMN_GAP, DOT, Box, Route, Scope, number

_STYLE = FilePath(__file__).with_name("state-machine.css")

_MARGIN = 14.0

_TERMINAL_TYPES = ("Succeed", "Fail")


def state_machine_svg(definition: Mapping[str, Any], visits: Sequence[StateVisit] = (), colours: str = "") -> str:
    """The picture of `definition` as an SVG element.

    With `visits`, in the order in which they began, the path taken stands out, and states entered more than once carry
    a count. `colours` is CSS that sets the custom properties which `state-machine.css` uses; it makes a picture that
    stands alone, with a ground of its own. Without it they are those of the page around the picture.

    Raises DiagramError for a definition without states, or without one to start at.
    """
    check(definition)
    path = path_taken(definition, visits)
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
    ET.SubElement(svg, "style").text = colours + _STYLE.read_text(encoding="utf-8")
    _define_arrows(svg)
    if colours:
        ET.SubElement(svg, "rect", {"class": "ground", "width": "100%", "height": "100%", "rx": "8"})
    _draw(ET.SubElement(svg, "g", {"transform": f"translate({_MARGIN:g} {_MARGIN:g})"}), scope, path)
    return ET.tostring(svg, encoding="unicode")


def _description(definition: Mapping[str, Any], path: Path) -> str:
    """The picture in words."""
    states = [name for scope in scopes(definition) for name in scope["States"]]
    if not path.counts:
        return f"A graph of {len(states)} states, from {definition['StartAt']}: {', '.join(states)}."
    entered = [
        name
        + (f" ({path.counts[name]} times)" if path.counts[name] > 1 else "")
        + (" (failed)" if name in path.failed else "")
        for name in states
        if path.counts[name]
    ]
    return f"A graph of {len(states)} states. The execution entered {len(entered)} of them: {', '.join(entered)}."


def _draw(parent: ET.Element, scope: Scope, path: Path) -> None:
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
        if box.name in (START, END):
            _draw_dot(group, box)
        else:
            _draw_state(group, box, path)
    for route in scope.routes:
        if route.edge.label:
            x, y = route.label_at
            place = {"x": number(x), "y": number(y), "text-anchor": route.label_anchor}
            ET.SubElement(group, "text", {"class": "label"} | place).text = route.edge.label


def _draw_dot(parent: ET.Element, box: Box) -> None:
    radius = DOT / 2
    kind = "dot" if box.name == START else "dot end"
    ET.SubElement(
        parent, "circle", {"class": kind, "cx": number(box.x), "cy": number(box.y + radius), "r": number(radius)}
    )


def _draw_state(parent: ET.Element, box: Box, path: Path) -> None:
    kind = box.state["Type"]
    count = path.counts[box.name]
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
        _draw_badge(group, box.right - 6, box.y, f"\N{MULTIPLICATION SIGN}{count}", "count")
    if box.name in path.failed:
        _draw_badge(group, box.left + 8, box.y, "failed", "failure")


def _draw_badge(parent: ET.Element, x: float, y: float, text: str, kind: str) -> None:
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


def _tooltip(box: Box, path: Path) -> str:
    if not path.counts:
        return f"{box.name} ({box.state['Type']})"
    lines = [f"{box.name} ({box.state['Type']})", f"entered {path.counts[box.name]} times"]
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


def _define_arrows(svg: ET.Element) -> None:
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
