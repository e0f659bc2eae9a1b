"""The picture of a state machine: complete, legible, and true to the execution's path."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from rehearsal.diagrams import load_definition
from rehearsal.report.picture import DiagramError, StateVisit, state_machine_svg
from tests.rehearsal.report.picture.definitions import all_states
from tests.rehearsal.report.picture.drawn import SVG, drawn_states, picture
from tests.rehearsal.report.sample_runs import build_failed_run, definition, happy_run


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


def test_iterations_that_took_different_ways_are_not_mixed_up() -> None:
    """Visits of two Map iterations interleave in the history; an edge belongs to one of them."""
    visits = tuple(
        StateVisit(name, "Task", at, at + 1, iteration, None)
        for at, (iteration, name) in enumerate(
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


def test_a_picture_that_stands_alone_brings_its_colours_and_a_ground() -> None:
    alone = state_machine_svg(definition(), colours=":root { --ink: black; }")
    assert ":root { --ink: black; }" in alone
    assert 'class="ground"' in alone
    assert 'class="ground"' not in state_machine_svg(definition())
