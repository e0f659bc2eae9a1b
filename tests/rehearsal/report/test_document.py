"""The report of a run: the JSON document, the words, and the page."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rehearsal.diagrams import load_definition
from rehearsal.report.document import (
    BUILD_WAIT,
    DEPLOYMENT_WAIT,
    RunReport,
    UnknownStatus,
    clock_time,
    duration,
    plain_cause,
    to_document,
    to_html,
    verdict,
    write_report,
)
from rehearsal.report.picture import DiagramError
from tests.rehearsal.report.picture.definitions import all_states
from tests.rehearsal.report.sample_runs import NEW_AMI, OLD_AMI, build_failed_run, failed_run, happy_run, ignored_run

RUNS = [happy_run(), failed_run(), build_failed_run(), ignored_run()]
each_run = pytest.mark.parametrize("report", RUNS, ids=[run.scenario for run in RUNS])


class Page(HTMLParser):
    """What the tests look for in the page."""

    VOID = frozenset({"meta", "link", "br", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(html)
        self.close()
        self.unbalanced += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data

    def bars(self, kind: str = "bar") -> int:
        """Timeline bars of a kind; each is drawn as its length and, so that none is too short to see, a stroke."""
        return sum(tag == "rect" and kind in (attributes.get("class") or "").split() for tag, attributes in self.tags)


# -- the JSON document ------------------------------------------------------------------------------------------------


def test_the_document_of_a_run_that_patched_one_stack() -> None:
    report = happy_run()

    assert to_document(report) == {
        "execution": {"status": "SUCCEEDED", "error": None, "cause": None, "seconds": round(report.seconds or 0, 3)},
        "targets": [
            {
                "stackName": "demo-application",
                "outcome": "PATCHED",
                "amiBefore": OLD_AMI,
                "amiAfter": NEW_AMI,
                "seconds": 580.25,
                "reason": None,
            }
        ],
        "notifications": [
            {
                "subject": report.notifications[0].subject,
                "message": report.notifications[0].message,
                "attributes": {"outcome": "SUCCEEDED", "stack": "demo-application"},
            }
        ],
        "buildSeconds": 1740.0,
        "deploySeconds": 580.25,
        "overheadSeconds": 23.457,
        "transitions": len(report.visits),
        "invocations": report.invocations,
    }


def test_the_document_of_a_trigger_that_started_nothing() -> None:
    document = to_document(ignored_run())

    assert document["execution"] == {
        "status": None,
        "error": None,
        "cause": "The notification is of an image that the name pattern does not match.",
        "seconds": None,
    }
    assert document["targets"] == []
    assert document["buildSeconds"] is None


@each_run
def test_what_is_written_is_the_document_and_the_page(report: RunReport, tmp_path: Path) -> None:
    directory = tmp_path / "some" / "out"

    write_report(report, directory)

    assert json.loads((directory / "report.json").read_text(encoding="utf-8")) == to_document(report)
    assert (directory / "report.html").read_text(encoding="utf-8") == to_html(report)
    assert sorted(path.name for path in directory.iterdir()) == ["report.html", "report.json"]


def test_a_report_that_cannot_be_made_leaves_the_last_one_alone(tmp_path: Path) -> None:
    write_report(happy_run(), tmp_path)
    before = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}

    with pytest.raises(DiagramError):
        write_report(dataclasses.replace(failed_run(), definition={}), tmp_path)

    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == before


# -- the words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (happy_run(), "demo-application is patched after 39 min 16 s."),
        (failed_run(), "The run failed with DeploymentFailed after 5 h 55 min. storefront is patched."),
        (build_failed_run(), "The run failed with ImageBuildFailed after 11 min 12 s. No stack was patched."),
        (ignored_run(), "No execution was started by the trigger 'base-image'."),
        (
            dataclasses.replace(build_failed_run(), status="ABORTED", error=None, seconds=90.0),
            "The run was aborted after 1 min 30 s. No stack was patched.",
        ),
        (
            dataclasses.replace(build_failed_run(), status="TIMED_OUT", error="States.Timeout", seconds=90.0),
            "The run timed out with States.Timeout after 1 min 30 s. No stack was patched.",
        ),
        (
            dataclasses.replace(
                happy_run(), targets=(dataclasses.replace(happy_run().targets[0], outcome="ALREADY_CURRENT"),)
            ),
            "demo-application is current already after 39 min 16 s.",
        ),
    ],
)
def test_the_verdict_says_it_in_a_sentence(report: RunReport, sentence: str) -> None:
    assert verdict(report) == sentence


def test_an_unknown_status_or_outcome_is_an_error() -> None:
    with pytest.raises(UnknownStatus, match="RUNNING"):
        dataclasses.replace(happy_run(), status="RUNNING")
    with pytest.raises(UnknownStatus, match="MAYBE"):
        dataclasses.replace(happy_run().targets[0], outcome="MAYBE")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (0, "0 s"),
        (0.01, "0 s"),
        (1.44, "1.4 s"),
        (59.6, "1 min"),
        (2352, "39 min 12 s"),
        (3599.7, "1 h"),
        (21720, "6 h 2 min"),
    ],
)
def test_durations_are_said_in_two_units_at_most(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_clock_times_go_past_a_day() -> None:
    assert clock_time(2352.9) == "00:39:12"
    assert clock_time(90061) == "25:01:01"


def test_the_cause_of_a_failed_function_is_its_message() -> None:
    """Lambda's error document is JSON with `errorMessage` (Lambda developer guide, "Understanding function errors")."""
    assert plain_cause('{"errorMessage": "no AMI here", "errorType": "ImageHasNoAmi"}') == "no AMI here"
    assert plain_cause("Stopped by an operator") == "Stopped by an operator"
    assert plain_cause('["not", "an", "error"]') == '["not", "an", "error"]'
    assert plain_cause(None) is None


# -- the page ---------------------------------------------------------------------------------------------------------


@each_run
def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(report: RunReport) -> None:
    html = to_html(report)
    page = Page(html)

    assert page.unbalanced == []
    fetching = {"src", "href", "xlink:href", "srcset", "data", "action", "poster"}
    assert [(tag, attributes) for tag, attributes in page.tags if fetching & set(attributes)] == []
    assert not {"script", "iframe", "link", "img"} & {tag for tag, _ in page.tags}
    assert re.findall(r"@import|url\((?!#)", html) == []
    policies = [attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_names_and_messages_are_text_never_mark_up() -> None:
    html = to_html(failed_run())

    assert "<No mark-up" not in html
    assert "billing <internal>" in Page(html).text
    assert "<No mark-up is meant here.>" in Page(html).text
    assert "internal" not in {tag for tag, _ in Page(html).tags}


@each_run
def test_the_page_begins_with_the_verdict(report: RunReport) -> None:
    text = " ".join(Page(to_html(report)).text.split())

    assert verdict(report) in text
    assert text.index(verdict(report)) < text.index("Application stacks")


@each_run
def test_the_timeline_has_a_bar_for_every_visit(report: RunReport) -> None:
    page = Page(to_html(report))
    in_legend = 4 if report.visits else 0
    failures = sum(visit.error is not None for visit in report.visits)

    assert page.bars() - in_legend == 2 * len(report.visits)
    assert page.bars("failed") - in_legend // 4 == 2 * failures
    assert page.bars("build") - in_legend // 4 == 2 * sum(visit.name == BUILD_WAIT for visit in report.visits)
    assert page.bars("deployment") - in_legend // 4 == 2 * sum(visit.name == DEPLOYMENT_WAIT for visit in report.visits)


def test_the_timeline_is_to_scale() -> None:
    report = happy_run()
    bars = [
        (float((attributes["x"] or "").rstrip("%")), float((attributes["width"] or "").rstrip("%")))
        for tag, attributes in Page(to_html(report)).tags
        if tag == "svg" and "x" in attributes and "width" in attributes
    ]
    read_ami = next(visit for visit in report.visits if visit.name == "Read AMI")
    percent = 100 / (report.seconds or 0)

    assert all(left >= 0 and left + width <= 100.001 for left, width in bars)
    assert (round(read_ami.entered * percent, 3), round(0.7 * percent, 3)) in bars


def test_failures_are_marked_in_words_and_with_a_cross() -> None:
    page = Page(to_html(build_failed_run()))

    assert "\N{MULTIPLICATION X} ImageBuildFailed" in page.text
    crosses = [attributes for tag, attributes in page.tags if tag == "path" and attributes.get("class") == "cross"]
    assert len(crosses) == 1 + 2  # the legend's, and two failed states'


def test_a_state_that_the_end_cut_short_reaches_to_the_end() -> None:
    report = happy_run()
    cut_short = tuple(dataclasses.replace(visit, exited=None) for visit in report.visits[:4])
    aborted = dataclasses.replace(report, status="ABORTED", visits=cut_short[3:], seconds=100.0, targets=())

    assert f"{BUILD_WAIT}: 00:00:02 to 00:01:40" in to_html(aborted)


def test_each_target_has_a_part_of_the_timeline_of_its_own() -> None:
    headings = re.findall(r"<h3>(.*?)</h3>", to_html(failed_run()))

    assert headings == ["The run", "storefront", "billing &lt;internal&gt;"]


def test_the_waits_that_the_timeline_tells_apart_are_those_of_the_state_machine() -> None:
    assert {BUILD_WAIT, DEPLOYMENT_WAIT} <= set(all_states(load_definition()))
