"""The overview of a state machine: a box for several states, and the arrows that their transitions give."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.overview import InvalidOverview, flowchart

CAUGHT = [{"ErrorEquals": ["States.ALL"], "Next": "Complain"}]
CAUGHT_INSIDE = [{"ErrorEquals": ["States.ALL"], "Next": "Undo"}]

INSIDE: dict[str, Any] = {
    "StartAt": "Write",
    "States": {
        "Write": {"Type": "Task", "Next": "Written", "Catch": CAUGHT_INSIDE},
        "Undo": {"Type": "Task", "Next": "Written", "Catch": CAUGHT_INSIDE},
        "Written": {"Type": "Pass", "End": True},
    },
}
DEFINITION: dict[str, Any] = {
    "StartAt": "Read",
    "States": {
        "Read": {"Type": "Task", "Next": "Empty?", "Catch": CAUGHT},
        "Empty?": {"Type": "Choice", "Choices": [{"Next": "Done"}], "Default": "Wait"},
        "Wait": {"Type": "Wait", "Next": "Each"},
        "Each": {"Type": "Map", "ItemProcessor": INSIDE, "Next": "Done"},
        "Done": {"Type": "Succeed"},
        "Complain": {"Type": "Task", "Next": "Give Up"},
        "Give Up": {"Type": "Fail"},
    },
}
BOXES = {
    "Take stock": ["Read", "Empty?"],
    "Wait a bit": ["Wait"],
    "For each item": ["Each"],
    "Write it": ["Write"],
    "Undo it": ["Undo"],
    "Written": ["Written"],
    "The end": ["Done"],
    "Bad end": ["Complain", "Give Up"],
}


def test_the_arrows_are_those_of_the_transitions_between_the_boxes() -> None:
    assert flowchart(DEFINITION, BOXES) == (
        "flowchart TD\n"
        '    take_stock["Take stock"]\n'
        '    wait_a_bit["Wait a bit"]\n'
        '    subgraph for_each_item["For each item"]\n'
        "        direction TB\n"
        '        write_it["Write it"]\n'
        '        undo_it["Undo it"]\n'
        '        written["Written"]\n'
        "        write_it --> written\n"
        "        undo_it --> written\n"
        "        write_it -.-> undo_it\n"
        "    end\n"
        '    the_end(["The end"])\n'
        '    bad_end(["Bad end"])\n'
        "    take_stock --> the_end\n"
        "    take_stock --> wait_a_bit\n"
        "    wait_a_bit --> for_each_item\n"
        "    for_each_item --> the_end\n"
        "    take_stock -.-> bad_end\n"
    )


def test_a_catch_is_left_out_where_something_else_leads_to_its_box() -> None:
    together = {name: states for name, states in BOXES.items() if name not in ("The end", "Bad end")}
    assert "-.-> the_end" not in flowchart(DEFINITION, {**together, "The end": ["Done", "Complain", "Give Up"]})


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"Bad end": ["Complain"]}, "the state 'Give Up' is in no box"),
        ({"Wait a bit": ["Wait", "Read"]}, "the state 'Read' is in 2 boxes"),
        ({"Wait a bit": ["Wait", "Sleep"]}, "there is no state 'Sleep'"),
        ({"Wait a bit": ["Wait", "Written"], "Written": []}, "the box 'Wait a bit' has states of several levels"),
        ({"Wait a bit": ["Wait", "Each"], "For each item": []}, "the box 'Wait a bit' has states besides a Map"),
    ],
)
def test_boxes_that_do_not_fit_the_states_are_refused(changed: dict[str, list[str]], problem: str) -> None:
    with pytest.raises(InvalidOverview) as refused:
        flowchart(DEFINITION, {**BOXES, **changed})
    assert str(refused.value) == (
        f"expected each state in one box of the overview, found: {problem}; correct statemachine/overview.yaml"
    )
