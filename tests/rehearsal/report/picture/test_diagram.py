"""The picture of a state machine: complete, legible, and true to the execution's path."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.report.picture.diagram import PICTURE, DiagramError, StateVisit, load_definition, state_machine_svg
from rehearsal.report.picture.layout import Box, Scope, inner_definitions, lay_out
from tests.rehearsal.report.sample_runs import build_failed_run, definition, happy_run

SVG = "{http://www.w3.org/2000/svg}"


def picture(machine: dict[str, Any], visits: tuple[StateVisit, ...] = ()) -> ET.Element:
    return ET.fromstring(state_machine_svg(machine, visits, standalone=True))


def drawn_states(svg: ET.Element) -> list[str]:
    return [name.text or "" for name in svg.iter(f"{SVG}text") if name.get("class") == "name"]


def taken_edges(svg: ET.Element) -> set[str]:
    return {
        edge.findtext(f"{SVG}title") or ""
        for edge in svg.iter(f"{SVG}path")
        if {"edge", "taken"} <= set((edge.get("class") or "").split())
    }


def state(svg: ET.Element, name: str) -> ET.Element:
    return next(
        group
        for group in svg.iter(f"{SVG}g")
        if "state" in (group.get("class") or "").split() and group.findtext(f"{SVG}text") == name
    )


def badges(svg: ET.Element, name: str) -> list[str]:
    return [
        group.findtext(f"{SVG}text") or ""
        for group in state(svg, name).findall(f"{SVG}g")
        if "badge" in (group.get("class") or "")
    ]


def all_states(machine: dict[str, Any]) -> list[str]:
    nested = [inner for one in machine["States"].values() for inner in inner_definitions(one)]
    return [*machine["States"], *(name for inner in nested for name in all_states(inner))]


@pytest.mark.parametrize("machine", [definition(), load_definition()], ids=["sample", "patch"])
def test_every_state_is_drawn_once(machine: dict[str, Any]) -> None:
    assert sorted(drawn_states(picture(machine))) == sorted(all_states(machine))


def test_the_path_of_an_execution_that_succeeded() -> None:
    svg = picture(definition(), happy_run().visits)

    assert taken_edges(svg) == {
        "Start to Plan Run",
        "Plan Run to Build Needed?",
        "Build Needed? to Start Image Build",
        "Start Image Build to Wait For Image",
        "Wait For Image to Check Image",
        "Check Image to Image Ready?",
        "Image Ready? to Wait For Image",
        "Image Ready? to Read AMI",
        "Read AMI to Patch Targets",
        "Start to Update Stack",
        "Update Stack to Update Needed?",
        "Update Needed? to Wait For Deployment",
        "Wait For Deployment to Check Deployment",
        "Check Deployment to Deployment Done?",
        "Deployment Done? to Wait For Deployment",
        "Deployment Done? to Record Result",
        "Record Result to End",
        "Patch Targets to Summarise Run",
        "Summarise Run to All Patched?",
        "All Patched? to Notify Success",
        "Notify Success to Patch Complete",
    }
    assert badges(svg, "Wait For Image") == ["\N{MULTIPLICATION SIGN}29"]
    assert badges(svg, "Plan Run") == []


def test_a_caught_failure_takes_the_catch_edge_and_is_marked_in_words() -> None:
    svg = picture(definition(), build_failed_run().visits)

    assert "Check Image to Notify Failure (Catch)" in taken_edges(svg)
    assert "Image Ready? to Read AMI" not in taken_edges(svg)
    assert "failed" in badges(svg, "Check Image")
    assert "failed" not in badges(svg, "Wait For Image")


def test_targets_that_took_different_ways_are_not_mixed_up() -> None:
    """Visits of two Map iterations interleave in the history; an edge belongs to one of them."""
    visits = tuple(
        StateVisit(name, "Task", at, at + 1, target, None)
        for at, (target, name) in enumerate(
            [
                ("blue", "Update Stack"),
                ("blue", "Update Needed?"),
                ("green", "Update Stack"),
                ("blue", "Wait For Deployment"),
                ("blue", "Check Deployment"),
                ("blue", "Deployment Done?"),
                ("green", "Update Needed?"),
                ("blue", "Record Result"),
                ("green", "Wait For Deployment"),
            ]
        )
    )
    svg = picture(definition(), visits)

    assert "Deployment Done? to Record Result" in taken_edges(svg)
    assert "Update Needed? to Record Result" not in taken_edges(svg)
    assert badges(svg, "Update Stack") == ["\N{MULTIPLICATION SIGN}2"]


def test_the_text_alternative_names_what_was_entered() -> None:
    described = picture(definition(), build_failed_run().visits).findtext(f"{SVG}desc") or ""

    assert "Check Image (11 times) (failed)" in described
    assert "Read AMI" not in described


@pytest.mark.parametrize("broken", [{}, {"StartAt": "A", "States": {}}, {"StartAt": "B", "States": {"A": {}}}])
def test_what_is_no_definition_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(DiagramError, match="expected a state machine's definition"):
        state_machine_svg(broken)


def test_the_picture_in_the_repository_is_that_of_the_definition() -> None:
    assert PICTURE.read_text(encoding="utf-8") == state_machine_svg(load_definition(), standalone=True) + "\n", (
        "docs/state-machine.svg is not the picture of statemachine/patch.asl.yaml any more: run `make diagram`"
    )


# -- any definition ---------------------------------------------------------------------------------------------------


@st.composite
def definitions(draw: st.DrawFn, prefix: str = "S", depth: int = 1) -> dict[str, Any]:
    names = [f"{prefix}{number} {'x' * draw(st.integers(0, 20))}" for number in range(draw(st.integers(1, 7)))]
    anywhere = st.sampled_from(names)
    kinds = ["Task", "Wait", "Choice", "Succeed", "Fail", *(["Map", "Parallel"] if depth else [])]
    states: dict[str, Any] = {}
    for number, name in enumerate(names):
        kind = draw(st.sampled_from(kinds))
        one: dict[str, Any] = {"Type": kind}
        if kind == "Choice":
            rules = draw(st.lists(anywhere, min_size=1, max_size=3))
            one["Choices"] = [{"Variable": "$.x.someThing", "BooleanEquals": True, "Next": rule} for rule in rules]
            one["Default"] = draw(anywhere)
        elif kind not in ("Succeed", "Fail"):
            one |= {"Next": draw(anywhere)} if draw(st.booleans()) else {"End": True}
        if kind in ("Task", "Map", "Parallel"):
            caught = draw(st.lists(anywhere, max_size=2))
            one["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": catcher} for catcher in caught]
        if kind == "Map":
            one["ItemProcessor"] = draw(definitions(f"{prefix}{number}m", depth - 1))
        if kind == "Parallel":
            one["Branches"] = [draw(definitions(f"{prefix}{number}{branch}", depth - 1)) for branch in "ab"]
        states[name] = one
    return {"StartAt": draw(anywhere), "States": states}


def overlap(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.y < other.bottom and other.y < one.bottom


def check_layout(scope: Scope) -> None:
    for one, other in itertools.combinations(scope.boxes.values(), 2):
        assert not overlap(one, other), f"{one.name} lies over {other.name}"
    for box in scope.boxes.values():
        assert scope.left <= box.left
        assert box.right <= scope.right
        assert box.y >= 0
        assert box.bottom <= scope.height + 0.01
        for inner in box.inner:
            assert inner.width <= box.width
            assert inner.height < box.height
            check_layout(inner)


@given(definitions())
@settings(max_examples=150, deadline=None)
def test_any_definition_is_drawn_whole_and_without_overlap(machine: dict[str, Any]) -> None:
    check_layout(lay_out(machine))
    assert sorted(drawn_states(picture(machine))) == sorted(all_states(machine))
