"""The report of a run as a page."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

from rehearsal.report.document import RunReport
from rehearsal.report.page import to_html
from rehearsal.report.words import verdict
from rehearsal.state_machine import BUILD_WAIT
from tests.rehearsal.report.sample_runs import NEW_AMI, OLD_AMI, build_failed_run, each_run, failed_run, happy_run


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


def folded(report: RunReport) -> set[tuple[str | None, str]]:
    """The states that took no time to speak of and did not fail, each with its target."""
    totals: dict[tuple[str | None, str], float] = {}
    for visit in report.visits:
        key = (visit.iteration, visit.name)
        totals[key] = totals.get(key, 0) + (visit.exited or 0) - visit.entered + (10 if visit.error else 0)
    return {key for key, total in totals.items() if total < 1}


@each_run
def test_the_timeline_has_a_bar_for_every_visit_but_those_of_states_that_took_no_time(report: RunReport) -> None:
    page = Page(to_html(report))
    steps = [step for phase in report.phases for step in phase.steps]
    shown = [visit for visit in report.visits if (visit.iteration, visit.name) not in folded(report)]
    in_legend = page.bars("bar") - 2 * len(shown) - len(steps)
    failures = sum(visit.error is not None for visit in report.visits)
    waits = sum(visit.name == BUILD_WAIT for visit in shown)

    assert in_legend == len([meaning for meaning in LEGEND if meaning in page.text])
    assert page.bars("failed") == 2 * failures + sum(step.is_failure for step in steps) + (failures > 0)
    assert page.bars("build") == 2 * waits + (2 if report.phases else 0) + (waits > 0)
    assert not shown or len(shown) < len(report.visits)
    for _, name in folded(report):
        assert name in page.text.partition("that took less than a second")[2]


LEGEND = (
    "the image is built",
    "the stack is updated",
    "a task is at work",
    "waiting, or with states inside",
    "failed, or rolling back",
)


def test_the_legend_has_the_colours_that_the_timeline_has_and_no_others() -> None:
    text = Page(to_html(build_failed_run())).text
    assert [meaning for meaning in (*LEGEND, "an event") if meaning in text] == [LEGEND[0], LEGEND[2], LEGEND[4]]

    text = Page(to_html(failed_run())).text
    assert [meaning for meaning in (*LEGEND, "an event") if meaning in text] == [*LEGEND, "an event"]


def test_the_axis_is_above_the_phases_and_the_phases_are_above_the_states() -> None:
    run, _, target = Page(to_html(failed_run())).text.partition("Timeline")[2].partition("billing <internal>")

    assert run.index("minutes") < run.index("The run") < run.index("Image build") < run.index("Plan Run")
    assert target.index("Update of the stack") < target.index("Update Stack")


def test_a_phase_shows_its_statuses_and_its_events() -> None:
    html = to_html(failed_run())
    text = " ".join(Page(html).text.split())

    assert "<title>BUILDING: 00:00:03 to 03:20:00</title>" in html
    assert "<title>UPDATE_ROLLBACK_IN_PROGRESS: 05:33:20 to 05:5" in html, "it reaches to the end of the run"
    assert "+05:33:20 AppAutoScalingGroup UPDATE_FAILED Received 0 SUCCESS signals" in text
    assert "<title>05:33:20 AppAutoScalingGroup UPDATE_FAILED</title>" in html


def test_a_failure_is_told_once_beside_the_mail_which_is_folded() -> None:
    page = Page(to_html(failed_run()))
    assert page.text.count("received 0 of 3 signals in 15 minutes") == 1
    assert [attributes for tag, attributes in page.tags if tag == "details" and "open" in attributes] == []

    page = Page(to_html(build_failed_run()))
    assert page.text.count("The component update-linux failed in step UpdateOS.") == 1


def test_a_skipped_run_says_why() -> None:
    skipped = dataclasses.replace(happy_run(), skip_reason="the change calendar year-end is closed")

    assert "the change calendar year-end is closed" in Page(to_html(skipped)).text.partition("Application stacks")[0]


def test_no_line_breaks_inside_an_id_or_a_command() -> None:
    """A browser breaks lines after hyphens and slashes as well as at spaces."""
    command = "aws ssm delete-parameter --name /ami-autopatch/held/ami-0b0bb1e5caf3f00d2"
    reason = f"the AMI {NEW_AMI} is held; to release it:\n{command}"
    target = dataclasses.replace(failed_run().targets[1], reason=reason)
    sent = dataclasses.replace(failed_run().notifications[0], message=f"on {NEW_AMI} <b>:\n  {command}\n")
    html = to_html(dataclasses.replace(failed_run(), targets=(target,), notifications=(sent,)))

    assert f'<p>the AMI <span class="unbroken">{NEW_AMI}</span> is held; to release it:</p>' in html
    assert f'<pre class="whole">{command}</pre>' in html
    assert (
        f'<pre>on <span class="unbroken">{NEW_AMI}</span> &lt;b&gt;:\n<span class="unbroken">  {command}</span></pre>'
        in html
    )
    assert f'still runs <span class="unbroken">{OLD_AMI}.</span></h1>' in html
    assert "overflow-wrap: anywhere" not in html


def test_the_instances_of_a_stack_are_counted_by_their_ami() -> None:
    mixed = dataclasses.replace(failed_run().targets[1], instances={OLD_AMI: 3, NEW_AMI: 1})
    text = " ".join(Page(to_html(dataclasses.replace(failed_run(), targets=(mixed,)))).text.split())

    assert f"3 on {OLD_AMI} 1 on {NEW_AMI}" in text


def test_the_timeline_is_to_scale() -> None:
    report = happy_run()
    bars = [
        (float((attributes["x"] or "").rstrip("%")), float((attributes["width"] or "").rstrip("%")))
        for tag, attributes in Page(to_html(report)).tags
        if tag == "svg" and "x" in attributes and "width" in attributes
    ]
    start = next(visit for visit in report.visits if visit.name == "Start Image Build")
    percent = 100 / (report.seconds or 0)

    assert all(left >= 0 and left + width <= 100.001 for left, width in bars)
    assert (round(start.entered * percent, 3), round(1.1 * percent, 3)) in bars


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
    headings = re.findall(r"<h3[^>]*>(.*?)</h3>", to_html(failed_run()))

    assert headings == ["The run", "storefront", "billing &lt;internal&gt;"]
