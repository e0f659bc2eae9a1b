"""What people receive: every subject fits, every body says what happened, what is now and what to do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopatch import errors, messages
from autopatch.contracts import Failure
from autopatch.notifications import Notification, subject_line

EVENTS = Path(__file__).parents[2] / "events"
NOW = datetime(2026, 12, 8, 6, 41, tzinfo=UTC)
OLD, NEW = "ami-0f1e2d3c4b5a69788", "ami-0123456789abcdef0"


def state(**more: Any) -> dict[str, Any]:
    succeeded: dict[str, Any] = json.loads((EVENTS / "notify-success.json").read_text())["state"]
    return {**succeeded, **more}


def result(name: str = "web", outcome: str = "PATCHED", **more: Any) -> dict[str, Any]:
    base = state()["summary"]["targets"][0]
    after = {"PATCHED": NEW}.get(outcome, OLD)
    return {**base, "stackName": name, "outcome": outcome, "amiAfter": after, **more}


def summary(*targets: dict[str, Any]) -> dict[str, Any]:
    return {"allPatched": True, "targets": list(targets), "failure": None}


def test_a_patched_stack() -> None:
    told = messages.success(state(), NOW)
    assert told.subject == f"AMI Autopatch: PATCHED: web now on {NEW}"
    assert (told.outcome, told.stack_names) == ("PATCHED", ("web",))
    for part in (f"{OLD} before, {NEW} now", "41 min 0 s", "8 min 20 s", "by the schedule", f'{{"amiId": "{OLD}"}}'):
        assert part in told.body
    assert "#/v2/executions/details/arn:aws:states:" in told.body
    assert "stackinfo?stackId=arn%3Aaws%3Acloudformation" in told.body


def test_several_stacks_of_which_one_was_current() -> None:
    told = messages.success(state(summary=summary(result("web"), result("api", "ALREADY_CURRENT"))), NOW)
    assert told.subject == f"AMI Autopatch: PATCHED: 1 of 2 stacks now on {NEW}"
    assert "the others already did" in told.body


def test_nothing_to_patch_is_not_called_patched() -> None:
    told = messages.success(state(summary=summary(result("web", "ALREADY_CURRENT"))), NOW)
    assert "ALREADY CURRENT" in told.subject and "PATCHED" not in told.subject
    assert told.outcome == "ALREADY_CURRENT"


def test_a_dry_run_says_that_nothing_was_changed() -> None:
    run = {**state()["run"], "dryRun": True}
    told = messages.success(state(run=run, summary=summary(result("web", "DRY_RUN"))), NOW)
    assert told.outcome == "DRY_RUN" and "No stack was changed" in told.body and "without dryRun" in told.body


def failed_with(error: str, reason: str, **more: Any) -> dict[str, Any]:
    return result("web", "FAILED", error=error, reason=reason, **more)


def test_a_rolled_back_stack_tells_its_first_failure_and_what_runs() -> None:
    bad = failed_with("DeploymentFailed", "AppAutoScalingGroup: 0 signals", stackStatus="UPDATE_ROLLBACK_COMPLETE")
    told = messages.failure(state(summary=summary(bad), failure={"Error": "DeploymentFailed", "Cause": ""}), NOW)
    assert told.subject == f"AMI Autopatch: FAILED: web rolled back to {OLD}"
    assert f"AMI: {OLD}, as before" in told.body
    assert "AppAutoScalingGroup: 0 signals" in told.body
    assert "UPDATE_ROLLBACK_COMPLETE" in told.body


def test_a_failed_rollback_calls_for_a_person() -> None:
    bad = failed_with("RollbackFailed", "stuck", stackStatus="UPDATE_ROLLBACK_FAILED", amiAfter=NEW)
    told = messages.failure(
        state(summary=summary(result("api"), bad), failure={"Error": "RollbackFailed", "Cause": ""}), NOW
    )
    assert told.subject == "AMI Autopatch: ACTION NEEDED: the rollback of web failed; 1 of 2 stacks fine"
    assert "A person is needed" in told.body


def test_a_failed_build_leaves_the_stacks_alone_and_says_so() -> None:
    failed: dict[str, Any] = json.loads((EVENTS / "notify-failure.json").read_text())["state"]
    told = messages.failure(failed, NOW)
    assert told.subject == "AMI Autopatch: FAILED: the image build failed; web not touched"
    assert f"web: not touched, it still runs {OLD}" in told.body
    assert "found FAILED" in told.body and "stackTrace" not in told.body


@pytest.mark.parametrize("lost", [("summary",), ("summary", "results")], ids=["summarising failed", "the Map failed"])
def test_a_run_that_lost_sight_of_its_updates_does_not_say_that_nothing_was_touched(lost: tuple[str, ...]) -> None:
    known = {key: value for key, value in state().items() if key not in lost}
    told = messages.failure({**known, "failure": {"Error": "States.Timeout", "Cause": ""}}, NOW)
    assert told.subject == "AMI Autopatch: FAILED: States.Timeout; web may have been updated"
    assert "not touched" not in told.body and "before any stack" not in told.body
    assert f"web: its update may have begun; it ran {OLD} before" in told.body


def test_a_refused_input_is_told_without_a_plan() -> None:
    early = {"execution": state()["execution"], "input": [], "failure": {"Error": "InvalidInput", "Cause": "why"}}
    told = messages.failure(early, NOW)
    assert "InvalidInput" in told.body and "No stack was changed." in told.body and told.stack_names == ()


def test_a_success_that_could_not_be_told_does_not_deny_the_success() -> None:
    told = messages.failure(state(failure={"Error": "NotificationFailed", "Cause": "no topic"}), NOW)
    assert told.subject.startswith("AMI Autopatch: FAILED in the end (NotificationFailed): PATCHED: web")


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
def test_an_ending_outside_the_catch_says_where_it_was(status: str) -> None:
    known = {key: value for key, value in state().items() if key in ("execution", "run", "image")}
    told = messages.ending(known, messages.Ending(status, "Wait For Image", Failure(status, "")), NOW)
    assert told.subject.startswith(f"AMI Autopatch: {status}: the run for web was")
    assert "'Wait For Image'" in told.body and told.outcome == status


def test_every_error_that_we_raise_has_a_next_step() -> None:
    ours = {
        error.__name__
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.AutopatchError)
    }
    assert ours - {"AutopatchError", "UnknownStatus"} <= set(messages._NEXT_STEPS)


@given(st.text(), st.lists(st.from_regex(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", fullmatch=True), min_size=1, max_size=10))
def test_any_cause_and_any_names_make_a_subject_that_sns_takes(cause: str, names: list[str]) -> None:
    """Subjects are ASCII, without line breaks or control characters, and under 100 characters (SNS API, Publish)."""
    bad = [{**failed_with("DeploymentFailed", cause), "stackName": name} for name in names]
    told = messages.failure(state(summary=summary(*bad), failure={"Error": "X", "Cause": cause}), NOW)
    assert isinstance(told, Notification)
    line = subject_line(told.subject)
    assert line.isascii() and line.isprintable() and 0 < len(line) < 100
