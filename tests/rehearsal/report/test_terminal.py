"""What remains on the screen when a run has gone by."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal.report.document import Notification, RunReport
from rehearsal.report.terminal import LiveView
from rehearsal.report.words import plain_cause
from tests.rehearsal.report.sample_runs import NEW_AMI, OLD_AMI, failed_run, happy_run, ignored_run

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


def test_into_a_pipe_go_plain_lines_that_are_wrapped_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    report = replace(failed_run(), notifications=())
    long_name = "stack-with-a-long-name-" * 5
    stack = replace(report.targets[0], stack_name=long_name)
    with LiveView() as view:
        view.on_state_entered("Update Stack", 1, long_name)
    view.summary(replace(report, targets=(stack, report.targets[1])), Path("out/" + "x" * 90))
    printed, _ = capfd.readouterr()

    assert ESCAPE not in printed
    assert "\r" not in printed
    lines = printed.splitlines()
    assert f"+00:00:01  {long_name}: Update Stack" in lines
    assert any(line.startswith(f"{long_name}   PATCHED   {OLD_AMI}") for line in lines)
    assert plain_cause(report.cause) in lines
    assert f"Report: out/{'x' * 90}" in lines


def test_a_failure_is_told_once() -> None:
    """By the notification, where there is one."""
    cause = "received 0 of 3 signals in 15 minutes"

    assert cause not in replay(failed_run())
    assert cause in " ".join(replay(replace(failed_run(), notifications=())).split())


def test_the_lines_of_one_of_several_runs_have_its_label() -> None:
    output = io.StringIO()
    view = LiveView(Console(file=output, width=80, highlight=False), "[2] ")
    for at, name in enumerate(["Wait", "Check", "Wait", "Check", "Wait"]):
        view.on_state_entered(name, at, "web")
    view.on_deployment_progress("web", "UPDATE_IN_PROGRESS", 5, "")
    view.leave_loops()

    assert output.getvalue().splitlines() == [
        "[2] +00:00:00  web: Wait",
        "[2] +00:00:01  web: Check",
        "[2]            web: UPDATE_IN_PROGRESS after 5 s",
        "[2] +00:00:04  web: 2 more rounds from Wait",
    ]


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
