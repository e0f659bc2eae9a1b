"""The pictures in the documentation are those of the definition."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rehearsal.diagrams import OVERVIEW, PAGES, PICTURE, MissingMarkers, load_definition, picture, with_overview
from rehearsal.report.picture import read_edges, scopes


def test_the_picture_in_the_repository_is_that_of_the_definition() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(), (
        "docs/state-machine.svg is not the picture of statemachine/patch.asl.yaml any more: run `make diagram`"
    )


@pytest.mark.parametrize("path", PAGES, ids=[path.name for path in PAGES])
def test_the_overview_on_a_page_is_that_of_the_definition(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert page == with_overview(page), (
        f"{path.name} does not have the overview of statemachine/patch.asl.yaml any more: run `make diagram`"
    )


def test_the_overview_has_about_a_dozen_boxes() -> None:
    assert 10 <= len(yaml.safe_load(OVERVIEW.read_text(encoding="utf-8"))) <= 16


@pytest.mark.parametrize("path", PAGES, ids=[path.name for path in PAGES])
def test_an_error_leads_where_the_page_says_unless_an_arrow_shows_it(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    boxes = yaml.safe_load(OVERVIEW.read_text(encoding="utf-8"))
    box_of = {state: box for box, states in boxes.items() for state in states}
    led_to = [
        {box_of[edge.target] for edge in read_edges(scope) if edge.catch and box_of[edge.target] != box_of[edge.source]}
        for scope in scopes(load_definition())
    ]
    assert led_to == [{"Notify of failure"}, {"Roll back and verify", "Restore alarms and record the result"}]
    assert "verify_the_instances -.-> roll_back_and_verify" in page
    words = " ".join(page.split())
    assert "An error that no arrow shows leads to *Restore alarms and record the result* for a target" in words


@pytest.mark.parametrize(
    "page",
    ["", "<!-- end of the overview -->\n<!-- overview: drawn by `make diagram` -->\n"],
)
def test_a_page_without_markers_is_refused(page: str) -> None:
    with pytest.raises(MissingMarkers, match="expected the page to have <!-- overview"):
        with_overview(page)
