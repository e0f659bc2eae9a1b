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
from autopatch.aws.sns import Notification, subject_line
from autopatch.contracts import Failure, Freeze, FreezeStatus, write
from autopatch.holds import Hold

EVENTS = Path(__file__).parents[2] / "events"
NOW = datetime(2026, 12, 8, 6, 41, tzinfo=UTC)
OLD, NEW = "ami-0f1e2d3c4b5a69788", "ami-0123456789abcdef0"


def state(**more: Any) -> dict[str, Any]:
    succeeded: dict[str, Any] = json.loads((EVENTS / "notify-success.json").read_text())["state"]
    return {**succeeded, **more}


def sample(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())["state"]
    return document


def flowing(email: Notification) -> str:
    """The body without its line breaks."""
    return " ".join(email.body.split())


def result(name: str = "web", outcome: str = "PATCHED", **more: Any) -> dict[str, Any]:
    base = state()["summary"]["targets"][0]
    after = {"PATCHED": NEW}.get(outcome, OLD)
    return {**base, "stackName": name, "outcome": outcome, "amiAfter": after, **more}


def summary(*targets: dict[str, Any]) -> dict[str, Any]:
    return {"targets": list(targets), "failure": None}


def test_a_patched_stack() -> None:
    email = messages.success(state(), NOW)
    assert email.subject == f"AMI Autopatch: PATCHED: web now on {NEW}"
    assert (email.outcome, email.stack_names) == ("PATCHED", ("web",))
    for part in (f"{OLD} before, {NEW} now", "41 min 0 s", "8 min 20 s", "by the schedule"):
        assert part in email.body
    assert f'Nothing for web. To go back, start the execution with {{"amiId": "{OLD}", "targets": ["web"]}}' in flowing(
        email
    )
    assert "2 of 2 instances run it, and serve" in email.body
    assert "Preview:" not in email.body, "what has been done already"
    assert "#/v2/executions/details/arn:aws:states:" in email.body
    assert "stackinfo?stackId=arn%3Aaws%3Acloudformation" in email.body


def test_several_stacks_of_which_one_was_current() -> None:
    email = messages.success(state(summary=summary(result("web"), result("api", "ALREADY_CURRENT"))), NOW)
    assert email.subject == f"AMI Autopatch: PATCHED: 1 of 2 stacks now on {NEW}"
    assert f"Patched: 1 of 2 stacks now on {NEW}; see below for the others." in email.body
    assert "api: ALREADY_CURRENT" in email.body


def test_nothing_to_patch_is_not_called_patched() -> None:
    email = messages.success(state(summary=summary(result("web", "ALREADY_CURRENT"))), NOW)
    assert "ALREADY CURRENT" in email.subject and "PATCHED" not in email.subject
    assert email.outcome == "ALREADY_CURRENT"


def test_a_dry_run_says_that_nothing_was_changed() -> None:
    run = {**state()["run"], "dryRun": True}
    email = messages.success(state(run=run, summary=summary(result("web", "DRY_RUN"))), NOW)
    assert email.outcome == "DRY_RUN" and "No stack was changed" in email.body and "without dryRun" in email.body


def test_a_dry_run_shows_what_would_change() -> None:
    change = f"would set AmazonMachineImage from {OLD} to {NEW}"
    email = messages.success(state(summary=summary(result("web", "DRY_RUN", reason=change))), NOW)
    assert email.subject == f"AMI Autopatch: DRY RUN: web would be updated to {NEW}"
    assert f"A dry run: web would be updated to {NEW}. No stack was changed." in email.body
    assert change in flowing(email)
    preview = email.body[email.body.index("Preview:") : email.body.index("What to do next")]
    assert "- AppLaunchTemplate (AWS::EC2::LaunchTemplate): changed in place" in preview
    assert "- AppAutoScalingGroup (AWS::AutoScaling::AutoScalingGroup): replaced if its new values need it" in preview


def test_a_run_that_did_not_begin_says_why_and_that_nothing_was_done() -> None:
    email = messages.skipped(sample("notify-skipped"), NOW)
    assert (email.outcome, email.stack_names) == ("SKIPPED", ("web",))
    assert email.subject == "AMI Autopatch: SKIPPED: nothing was built; web not touched"
    assert "The run was skipped. Nothing was built or changed." in email.body
    assert "the change calendar year-end is closed until 2027-01-04 06:00 UTC" in flowing(email)
    assert f"web: not touched; it still runs {OLD}" in email.body
    assert "the next scheduled run tries again" in flowing(email)


def test_a_command_in_the_reason_can_be_copied() -> None:
    hold = Hold("/ami-autopatch/held/2023.9.20261130.0", "loses its network")
    skipped = write(Freeze(FreezeStatus.SKIP, f"the parent image al2023 is {hold}; {hold.release}"))
    email = messages.skipped({**sample("notify-skipped"), "freeze": skipped}, NOW)
    assert "\n  aws ssm delete-parameter --name /ami-autopatch/held/2023.9.20261130.0\n" in email.body


def test_a_stack_that_a_calendar_kept_from_its_update_is_not_called_patched() -> None:
    late = result("web", "SKIPPED", reason="the change calendar year-end is closed until 2027-01-04 06:00 UTC")
    email = messages.success(state(summary=summary(late)), NOW)
    assert (email.outcome, email.subject) == ("SKIPPED", "AMI Autopatch: SKIPPED: web")
    assert "web not patched, because a change calendar is closed" in email.body and "2027-01-04" in email.body
    assert f'without another build, with {{"amiId": "{NEW}", "targets": ["web"]}}' in flowing(email)
    both = messages.success(state(summary=summary(result("api"), late)), NOW)
    assert both.subject == f"AMI Autopatch: PATCHED: 1 of 2 stacks now on {NEW}"
    assert f'{{"amiId": "{NEW}", "targets": ["web"]}}' in flowing(both)
    assert f'Nothing for api. To go back, start the execution with {{"amiId": "{OLD}", "targets": ["api"]}}' in flowing(
        both
    )


def failed_with(error: str, reason: str, **more: Any) -> dict[str, Any]:
    return result("web", "FAILED", error=error, reason=reason, **more)


def test_a_rolled_back_stack_tells_its_first_failure_and_what_runs() -> None:
    bad = failed_with(
        "DeploymentFailed", "AppAutoScalingGroup: 0 signals", stackStatus="UPDATE_ROLLBACK_COMPLETE", rolledBack=True
    )
    email = messages.failure(state(summary=summary(bad), failure={"Error": "DeploymentFailed", "Cause": ""}), NOW)
    assert email.subject == f"AMI Autopatch: FAILED: web rolled back to {OLD}"
    assert f"AMI: {OLD}, as before" in email.body
    assert "AppAutoScalingGroup: 0 signals" in email.body
    assert "UPDATE_ROLLBACK_COMPLETE" in email.body


def test_a_failed_rollback_calls_for_a_person() -> None:
    bad = failed_with("RollbackFailed", "stuck", stackStatus="UPDATE_ROLLBACK_FAILED", amiAfter=NEW)
    email = messages.failure(
        state(summary=summary(result("api"), bad), failure={"Error": "RollbackFailed", "Cause": ""}), NOW
    )
    assert email.subject == "AMI Autopatch: ACTION NEEDED: the rollback of web failed; 1 of 2 stacks fine"
    assert "An operator is needed" in email.body
    assert "web is stuck between two AMIs: fix what its events show, then continue its rollback" in flowing(email)
    assert "amiId" not in flowing(email), "nothing can update it until then"


VERIFICATION = "stack web: expected all its instances to run it and to serve, found i-1 Pending and Healthy"


def notified(*targets: dict[str, Any], error: str) -> Notification:
    return messages.failure(state(summary=summary(*targets), failure={"Error": error, "Cause": ""}), NOW)


def test_a_failed_verification_that_was_undone_says_on_what_the_stack_serves() -> None:
    bad = failed_with("VerificationFailed", VERIFICATION, stackStatus="UPDATE_COMPLETE", rolledBack=True)
    email = notified(bad, error="VerificationFailed")
    assert email.subject == f"AMI Autopatch: FAILED: web rolled back to {OLD}"
    assert f"web could not be patched and was rolled back to {OLD}." in email.body
    assert f"AMI: {OLD}, as before" in email.body and "i-1 Pending and Healthy" in email.body
    assert "see what kept the new instances from serving" in flowing(email).lower()
    assert "still on the new AMI" not in flowing(email)


def test_a_rollback_of_which_the_stack_could_not_be_read_names_no_ami() -> None:
    email = notified(failed_with("VerificationFailed", "", rolledBack=True, amiAfter=None), error="VerificationFailed")
    assert email.subject == "AMI Autopatch: FAILED: web rolled back" and "None" not in email.body


def test_a_failed_verification_that_is_left_to_a_person_says_how_to_go_back() -> None:
    bad = failed_with("VerificationFailed", VERIFICATION, stackStatus="UPDATE_COMPLETE", amiAfter=NEW)
    email = notified(bad, error="VerificationFailed")
    assert email.subject == "AMI Autopatch: FAILED: web updated, but not verified"
    assert "web was updated, but not all instances run the AMI and serve." in email.body
    assert f"AMI: {OLD} before, {NEW} now" in email.body
    go_back = (
        f'web is still on the new AMI. To go back, start the execution with {{"amiId": "{OLD}", "targets": '
        '[{"stackName": "web", "accept": ["AlarmNotOk", "UnhealthyInstances"]}]}'
    )
    assert go_back in flowing(email)


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_rollback_that_failed_calls_for_a_person_who_is_told_where_the_stack_is(status: str) -> None:
    reason = f"{VERIFICATION}\nThe rollback to {OLD} failed as well (DeploymentFailed): no capacity"
    email = notified(failed_with("RollbackFailed", reason, stackStatus=status, amiAfter=NEW), error="RollbackFailed")
    assert email.subject == "AMI Autopatch: ACTION NEEDED: the rollback of web failed"
    assert f"AMI: {OLD} before, {NEW} now" in email.body and "no capacity" in email.body
    assert "web is still on the new AMI. To go back, start the execution with" in flowing(email)
    assert "stuck between two AMIs" not in email.body


def test_a_way_back_whose_instances_do_not_serve_is_not_said_to_be_still_ahead() -> None:
    reason = f"{VERIFICATION}\nThe rollback to {OLD} failed as well (VerificationFailed): i-2 is Unhealthy"
    email = notified(failed_with("RollbackFailed", reason, stackStatus="UPDATE_COMPLETE"), error="RollbackFailed")
    assert f"AMI: {OLD}, as before" in email.body and "still on the new AMI" not in flowing(email)
    assert f"web has been updated back to {OLD}, and not all its instances run that and serve" in flowing(email)
    assert "amiId" not in flowing(email), "a run would find that there is nothing to update"


def test_a_rollback_that_failed_does_not_say_that_the_ami_did() -> None:
    """It may have been capacity, or an alarm: the reason says it."""
    reason = f"no capacity\n{NEW} is not held, because nothing shows that its instances failed: no capacity."
    email = notified(
        failed_with("RollbackFailed", reason, stackStatus="UPDATE_ROLLBACK_FAILED"), error="RollbackFailed"
    )
    assert "The new AMI failed" not in flowing(email)
    assert "web could not be patched, and the rollback failed as well. An operator is needed." in flowing(email)


def test_what_somebody_has_given_a_stack_since_it_was_rolled_back_is_not_what_it_was_rolled_back_to() -> None:
    other = "ami-0000000000000000a"
    email = notified(failed_with("VerificationFailed", "", rolledBack=True, amiAfter=other), error="VerificationFailed")
    assert email.subject == "AMI Autopatch: FAILED: web rolled back"
    assert f"AMI: {OLD} before, {other} now" in email.body


def test_unexpected_changes_are_listed_a_line_each() -> None:
    reason = (
        "stack web: expected that only its instances would change, found:\n"
        "- Server (AWS::EC2::Instance): replaced (ImageId); cause: ParameterReference AmazonMachineImage\n"
        "- Topic (AWS::SNS::Topic): remove; cause: unknown\n"
        "give what is not to change with the AMI a parameter of its own"
    )
    email = notified(failed_with("UnexpectedChanges", reason, stackStatus="UPDATE_COMPLETE"), error="UnexpectedChanges")
    assert email.subject == "AMI Autopatch: FAILED: web not patched (UnexpectedChanges)"
    assert "web could not be patched, and was not changed." in email.body
    assert "      - Server (AWS::EC2::Instance): replaced (ImageId);" in email.body
    assert "      - Topic (AWS::SNS::Topic): remove; cause: unknown\n" in email.body
    assert "its own parameter, or make those changes in a separate update" in flowing(email)


def test_a_stack_that_an_earlier_update_had_rolled_back_is_not_said_to_be_rolled_back_by_this_run() -> None:
    bad = failed_with("TargetNotReady", "stack web is not ready:", stackStatus="UPDATE_ROLLBACK_COMPLETE")
    email = notified(bad, error="TargetNotReady")
    assert email.subject == "AMI Autopatch: FAILED: web not patched (TargetNotReady)"


def test_an_input_to_start_with_stands_on_a_line_of_its_own() -> None:
    email = messages.success(state(), NOW)
    assert f'\n  {{"amiId": "{OLD}", "targets": ["web"]}}\n' in email.body


def test_several_failed_stacks_are_told_in_the_plural_with_their_own_ways_back() -> None:
    bad = [
        {**failed_with("VerificationFailed", "", stackStatus="UPDATE_COMPLETE", amiAfter=NEW), "stackName": name}
        for name in ("web", "api")
    ]
    email = notified(*bad, error="VerificationFailed")
    assert "web, api were updated, but not all instances run the AMI and serve." in email.body
    assert '"targets": [{"stackName": "web", ' in flowing(email) and '"targets": [{"stackName": "api", ' in flowing(
        email
    )


def test_a_failed_build_leaves_the_stacks_alone_and_says_so() -> None:
    failed: dict[str, Any] = json.loads((EVENTS / "notify-failure.json").read_text())["state"]
    email = messages.failure(failed, NOW)
    assert email.subject == "AMI Autopatch: FAILED: the image build failed; web not touched"
    assert f"web: not touched; it still runs {OLD}" in email.body
    assert "found FAILED" in email.body and "stackTrace" not in email.body


@pytest.mark.parametrize("lost", [("summary",), ("summary", "results")], ids=["summarising failed", "the Map failed"])
def test_a_run_that_lost_sight_of_its_updates_does_not_say_that_nothing_was_touched(lost: tuple[str, ...]) -> None:
    known = {key: value for key, value in state().items() if key not in lost}
    email = messages.failure({**known, "failure": {"Error": "States.Timeout", "Cause": ""}}, NOW)
    assert email.subject == "AMI Autopatch: UNKNOWN: States.Timeout; web may have been updated"
    assert email.outcome == "UNKNOWN"
    assert email.body.startswith("The run failed with States.Timeout, possibly after updates of its stacks had begun.")
    assert "not touched" not in email.body
    assert f"web: its update may have begun; it ran {OLD} before" in email.body
    assert "    aws cloudformation describe-stacks --stack-name web" in email.body.splitlines()


def test_a_refused_input_is_told_without_a_plan() -> None:
    early = {"execution": state()["execution"], "input": [], "failure": {"Error": "InvalidInput", "Cause": "why"}}
    email = messages.failure(early, NOW)
    assert "InvalidInput" in email.body and "No stack was changed." in email.body and email.stack_names == ()


def test_a_success_that_could_not_be_told_does_not_deny_the_success() -> None:
    email = messages.failure(state(failure={"Error": "NotificationFailed", "Cause": "no topic"}), NOW)
    assert email.subject.startswith("AMI Autopatch: FAILED at the end (NotificationFailed), after: PATCHED: web")


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
def test_an_ending_outside_the_catch_says_where_it_was(status: str) -> None:
    known = {key: value for key, value in state().items() if key in ("execution", "run", "image")}
    email = messages.ending(known, messages.Ending(status, "Wait For Image", Failure(status, "")), NOW)
    assert email.subject.startswith(f"AMI Autopatch: {status}: the run for web was")
    assert "'Wait For Image'" in email.body and email.outcome == status


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
    email = messages.failure(state(summary=summary(*bad), failure={"Error": "X", "Cause": cause}), NOW)
    assert isinstance(email, Notification)
    line = subject_line(email.subject)
    assert line.isascii() and line.isprintable() and 0 < len(line) < 100
