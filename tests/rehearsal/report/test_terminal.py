"""What remains on the screen when a run has gone by."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal.report.document import Notification, RunReport
from rehearsal.report.terminal import LiveView
from tests.rehearsal.report.sample_runs import NEW_AMI, failed_run, happy_run, ignored_run

ESCAPE = "\x1b"
COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7])(?:;[0-9]+)*m")


def replay(report: RunReport, terminal: bool = False) -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=80, highlight=False)
    with LiveView(console) as view:
        for visit in sorted(report.visits, key=lambda visit: visit.entered):
            view.on_state_entered(visit.name, visit.entered, visit.iteration)
        for notification in report.notifications:
            view.on_notification(notification)
    view.summary(report, Path("out/report.html"))
    return output.getvalue()


@pytest.fixture
def plain() -> tuple[LiveView, io.StringIO]:
    output = io.StringIO()
    return LiveView(Console(file=output, width=80, highlight=False)), output


def test_into_a_pipe_go_plain_lines_of_80_columns() -> None:
    printed = replay(happy_run())

    assert ESCAPE not in printed
    assert "\r" not in printed
    message = happy_run().notifications[0].message.splitlines()
    assert [line for line in printed.splitlines() if len(line) > 80 and line.strip() not in message] == []


def test_every_state_is_shown_when_it_is_entered() -> None:
    printed = replay(happy_run())

    for name in ("Plan Run", "Read AMI", "demo-application: Update Stack", "Notify Success", "Patch Complete"):
        assert re.search(rf"^\+\d\d:\d\d:\d\d  {name}$", printed, re.MULTILINE), name


def test_the_rounds_of_a_loop_are_one_line() -> None:
    lines = replay(happy_run()).splitlines()

    assert [line[11:] for line in lines if "Wait For Image" in line] == [
        "Wait For Image",
        "28 more rounds from Wait For Image",
    ]
    after = lines[lines.index(next(line for line in lines if "28 more rounds" in line)) + 1]
    assert after.endswith("Read AMI")


def test_two_targets_count_their_own_rounds() -> None:
    printed = replay(failed_run())

    assert "storefront: 37 more rounds from Wait For Deployment" in printed
    assert "billing <internal>: 62 more rounds from Wait For Deployment" in printed


def test_a_loop_that_the_end_of_the_run_cuts_short_is_shown(plain: tuple[LiveView, io.StringIO]) -> None:
    view, output = plain
    with view:
        for at, name in enumerate(["Wait", "Check", "Wait", "Check", "Wait"]):
            view.on_state_entered(name, at * 60.0, None)

    assert "+00:04:00  2 more rounds from Wait" in output.getvalue()


def test_progress_is_shown_when_it_changes(plain: tuple[LiveView, io.StringIO]) -> None:
    view, output = plain
    with view:
        for status, elapsed in (("BUILDING", 30.0), ("BUILDING", 90.0), ("TESTING", 600.0)):
            view.on_build_progress(status, elapsed)
        view.on_deployment_progress("blue", "UPDATE_IN_PROGRESS", 5.0, "")
        view.on_deployment_progress("green", "UPDATE_IN_PROGRESS", 6.0, "")
        view.on_deployment_progress("blue", "UPDATE_IN_PROGRESS", 65.0, "")
        view.on_deployment_progress("blue", "UPDATE_IN_PROGRESS", 120.0, "2 of 3 signals")

    assert [line.strip() for line in output.getvalue().splitlines()] == [
        "image BUILDING after 30 s",
        "image TESTING after 10 min",
        "blue: UPDATE_IN_PROGRESS after 5 s",
        "green: UPDATE_IN_PROGRESS after 6 s",
        "blue: UPDATE_IN_PROGRESS  2 of 3 signals after 2 min",
    ]


def test_a_notification_is_shown_as_it_was_sent(plain: tuple[LiveView, io.StringIO]) -> None:
    view, output = plain
    address = "https://console.example/" + "x" * 100
    view.on_notification(Notification("[bold]Patched[/bold]", f"first\n\n  {address}\n", {"b": "2", "a": "1"}))

    assert output.getvalue().splitlines() == [
        "",
        "Notification: [bold]Patched[/bold]",
        "  a=1, b=2",
        "  first",
        "",
        f"    {address}",
        "",
    ]


def test_the_summary_begins_with_the_verdict_and_ends_with_where_the_report_is() -> None:
    summary = replay(happy_run()).partition("SUCCEEDED  ")[2]

    assert summary.startswith("demo-application is patched after 39 min 16 s.\n")
    for fact in ("PATCHED", NEW_AMI, "9 min 40 s", "39 min 16 s", "23 s", str(len(happy_run().visits))):
        assert fact in summary, fact
    assert summary.rstrip().endswith("Report: out/report.html")


def test_the_summary_of_a_trigger_that_started_nothing() -> None:
    assert "NOT STARTED  No execution was started by the trigger 'base-image'." in replay(ignored_run())


def test_on_a_terminal_the_progress_of_a_wait_is_overwritten() -> None:
    printed = replay(happy_run(), terminal=True)

    assert "Wait For Image, round 12" in re.sub(r"\x1b\[[0-9;]*m", "", printed)
    assert f"{ESCAPE}[2K" in printed  # erase the line: ECMA-48, EL
    assert printed.count("more rounds") == 2


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """no-color.org: when the variable is present and not empty, no ANSI colour is added."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert COLOUR.search(replay(failed_run(), terminal=True))

    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search(replay(failed_run(), terminal=True))
