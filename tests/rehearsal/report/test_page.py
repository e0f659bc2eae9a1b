"""The report of a run as a page."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

from rehearsal.report.document import RunReport
from rehearsal.report.page import to_html
from rehearsal.report.words import verdict
from rehearsal.state_machine import BUILD_WAIT, DEPLOYMENT_WAIT
from tests.rehearsal.report.sample_runs import build_failed_run, each_run, failed_run, happy_run


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
