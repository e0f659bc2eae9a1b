"""A state machine in a few boxes, each of which stands for several states, as a Mermaid flowchart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rehearsal.report.picture import END, START, inner_definitions, read_edges, scopes

Boxes = Mapping[str, Sequence[str]]
"""The names of the boxes, each with the states that it stands for."""

_TERMINAL_TYPES = ("Succeed", "Fail")


class InvalidOverview(Exception):
    """The boxes of an overview and the states of its state machine do not fit together."""


def flowchart(definition: Mapping[str, Any], boxes: Boxes) -> str:
    """The overview of `definition`, a Mermaid flowchart.

    An arrow joins two boxes where a transition leads from a state of the first to a state of the second.
    Of the Catches only those are drawn, dashed, that lead to a box to which nothing else does. A Map's box is drawn
    around those of its states. A box in which an execution can end is rounded.

    Raises InvalidOverview unless every state is in one box, a box has states of one level only, and a Map has a box for
    itself.
    """
    _check(definition, boxes)
    return "\n".join(["flowchart TD", *_lines(definition, boxes, "    ")]) + "\n"


def _check(definition: Mapping[str, Any], boxes: Boxes) -> None:
    levels = [scope["States"] for scope in scopes(definition)]
    states = {name: state for level in levels for name, state in level.items()}
    listed = Counter(name for names in boxes.values() for name in names)
    problems = [
        *(f"the state {name!r} is in no box" for name in states if name not in listed),
        *(f"the state {name!r} is in {count} boxes" for name, count in listed.items() if count > 1),
        *(f"there is no state {name!r}" for name in listed if name not in states),
        *(
            f"the box {box!r} has states of several levels"
            for box, names in boxes.items()
            if sum(any(name in level for name in names) for level in levels) > 1
        ),
        *(
            f"the box {box!r} has states besides a Map"
            for box, names in boxes.items()
            if len(names) > 1 and any(name in states and inner_definitions(states[name]) for name in names)
        ),
    ]
    if problems:
        raise InvalidOverview(
            f"expected each state in one box of the overview, found: {'; '.join(problems)}; correct "
            "statemachine/overview.yaml"
        )


def _lines(definition: Mapping[str, Any], boxes: Boxes, indent: str) -> Iterator[str]:
    """The boxes of one level, those inside a Map's box among them, and the arrows between them."""
    for box, names in boxes.items():
        states = [definition["States"][name] for name in names if name in definition["States"]]
        inner = [inner for state in states for inner in inner_definitions(state)]
        if inner:
            yield f'{indent}subgraph {_identifier(box)}["{box}"]'
            yield f"{indent}    direction TB"
            for inner_definition in inner:
                yield from _lines(inner_definition, boxes, f"{indent}    ")
            yield f"{indent}end"
        elif any(state["Type"] in _TERMINAL_TYPES for state in states):
            yield f'{indent}{_identifier(box)}(["{box}"])'
        elif states:
            yield f'{indent}{_identifier(box)}["{box}"]'
    boxes_joined = _arrows(definition, boxes, catches=False)
    for source, target in boxes_joined:
        yield f"{indent}{_identifier(source)} --> {_identifier(target)}"
    reached = {target for _, target in boxes_joined}
    for source, target in _arrows(definition, boxes, catches=True):
        if target not in reached:
            yield f"{indent}{_identifier(source)} -.-> {_identifier(target)}"


def _arrows(definition: Mapping[str, Any], boxes: Boxes, *, catches: bool) -> list[tuple[str, str]]:
    """Which box leads to which other: by Catches, or by all else."""
    box_of = {name: box for box, names in boxes.items() for name in names}
    pairs = [
        (box_of[edge.source], box_of[edge.target])
        for edge in read_edges(definition)
        if edge.catch == catches and edge.source != START and edge.target != END
    ]
    return list(dict.fromkeys((source, target) for source, target in pairs if source != target))


def _identifier(box: str) -> str:
    return re.sub(r"\W+", "_", box.lower())
