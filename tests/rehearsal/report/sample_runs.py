"""Runs to report, made up here so that the report and the view can be tested without running anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from rehearsal.report.document import Event, Notification, Phase, RunReport, Step, TargetReport
from rehearsal.report.picture import StateVisit

OLD_AMI, NEW_AMI = "ami-0a11ce0fa11be5701", "ami-0b0bb1e5caf3f00d2"
ARN = "arn:aws:states:us-east-1:123456789012:execution:ami-autopatch:scheduled-2026-03-10"


def definition() -> dict[str, Any]:
    """A state machine with every kind of edge: choices, loops, a Map, Catches, a way past and two ends."""

    def task(following: str, caught_by: str | None = "Notify Failure") -> dict[str, Any]:
        state: dict[str, Any] = {"Type": "Task", "Resource": "arn:aws:lambda:::function:x", "Next": following}
        if caught_by:
            state["Catch"] = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": caught_by}]
        return state

    def choice(variable: str, following: str, otherwise: str) -> dict[str, Any]:
        rule = {"Variable": variable, "BooleanEquals": True, "Next": following}
        return {"Type": "Choice", "Choices": [rule], "Default": otherwise}

    target_states = {
        "Update Stack": task("Update Needed?", "Record Failure"),
        "Update Needed?": choice("$.update.started", "Wait For Deployment", "Record Result"),
        "Wait For Deployment": {"Type": "Wait", "SecondsPath": "$.deployment.wait", "Next": "Check Deployment"},
        "Check Deployment": task("Deployment Done?", "Record Failure"),
        "Deployment Done?": choice("$.deployment.done", "Record Result", "Wait For Deployment"),
        "Record Result": {"Type": "Pass", "End": True},
        "Record Failure": {"Type": "Pass", "End": True},
    }
    return {
        "StartAt": "Plan Run",
        "States": {
            "Plan Run": task("Build Needed?"),
            "Build Needed?": choice("$.run.buildNeeded", "Start Image Build", "Patch Targets"),
            "Start Image Build": task("Wait For Image"),
            "Wait For Image": {"Type": "Wait", "SecondsPath": "$.image.wait", "Next": "Check Image"},
            "Check Image": task("Image Ready?"),
            "Image Ready?": choice("$.image.ready", "Read AMI", "Wait For Image"),
            "Read AMI": task("Patch Targets"),
            "Patch Targets": {
                "Type": "Map",
                "ItemsPath": "$.run.targets",
                "ItemProcessor": {"StartAt": "Update Stack", "States": target_states},
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Notify Failure"}],
                "Next": "Summarise Run",
            },
            "Summarise Run": task("All Patched?"),
            "All Patched?": choice("$.summary.allPatched", "Notify Success", "Notify Failure"),
            "Notify Success": task("Patch Complete", "Patch Failed"),
            "Notify Failure": task("Patch Failed", "Patch Failed"),
            "Patch Complete": {"Type": "Succeed"},
            "Patch Failed": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
        },
    }


class _History:
    """Writes down visits one after the other; `now` is the virtual time."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.visits: list[StateVisit] = []

    def enter(self, name: str, kind: str, seconds: float, target: str | None = None, error: str | None = None) -> None:
        self.visits.append(StateVisit(name, kind, self.now, self.now + seconds, target, error))
        self.now += seconds

    def poll(self, names: tuple[str, str, str], until: float, every: float, target: str | None = None) -> None:
        while self.now < until:
            self.enter(names[0], "Wait", every, target)
            self.enter(names[1], "Task", 0.8, target)
            self.enter(names[2], "Choice", 0.01, target)


IMAGE_LOOP = ("Wait For Image", "Check Image", "Image Ready?")
DEPLOYMENT_LOOP = ("Wait For Deployment", "Check Deployment", "Deployment Done?")


def _build(history: _History, minutes: float, every: float) -> None:
    history.enter("Plan Run", "Task", 1.4)
    history.enter("Build Needed?", "Choice", 0.01)
    history.enter("Start Image Build", "Task", 1.1)
    history.poll(IMAGE_LOOP, minutes * 60, every)
    history.enter("Read AMI", "Task", 0.7)


def _deployment(start: float, stack: str, minutes: float, every: float, error: str | None) -> list[StateVisit]:
    history = _History(start)
    history.enter("Update Stack", "Task", 1.9, stack)
    history.enter("Update Needed?", "Choice", 0.01, stack)
    history.poll(DEPLOYMENT_LOOP, start + minutes * 60, every, stack)
    if error:
        history.enter("Wait For Deployment", "Wait", every, stack)
        history.enter("Check Deployment", "Task", 0.9, stack, error)
        history.enter("Record Failure", "Pass", 0.01, stack)
    else:
        history.enter("Record Result", "Pass", 0.01, stack)
    return history.visits


def _interleaved(*branches: list[StateVisit]) -> Iterator[StateVisit]:
    yield from sorted((visit for branch in branches for visit in branch), key=lambda visit: visit.entered)


MESSAGE = """\
The stack demo-application now runs on a freshly patched image.

  demo-application   PATCHED
    before           ami-0a11ce0fa11be5701
    after            ami-0b0bb1e5caf3f00d2
    took             9 min 40 s

Nothing needs to be done. <No mark-up is meant here.>
https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/arn:aws:states
"""


def happy_run() -> RunReport:
    """One stack patched, in forty minutes."""
    history = _History()
    _build(history, 29, 60)
    patching = history.now
    inner = _deployment(patching, "demo-application", 9.5, 30, None)
    history.enter("Patch Targets", "Map", (inner[-1].exited or 0.0) - patching)
    history.visits += inner
    history.enter("Summarise Run", "Task", 0.6)
    history.enter("All Patched?", "Choice", 0.01)
    history.enter("Notify Success", "Task", 0.9)
    history.enter("Patch Complete", "Succeed", 0)
    return _report(
        history,
        scenario="happy-path",
        status="SUCCEEDED",
        error=None,
        cause=None,
        targets=(TargetReport("demo-application", "PATCHED", OLD_AMI, NEW_AMI, 580.25, None, 3, {NEW_AMI: 3}),),
        notifications=(
            Notification(
                "Patched: demo-application runs on ami-0b0bb1e5caf3f00d2",
                MESSAGE,
                {"outcome": "SUCCEEDED", "stack": "demo-application"},
            ),
        ),
    )


def failed_run() -> RunReport:
    """Two stacks, six hours; the second is rolled back."""
    history = _History()
    _build(history, 290, 300)
    patching = history.now
    blue = _deployment(patching, "storefront", 38, 60, None)
    green = _deployment(patching, "billing <internal>", 62, 60, "DeploymentFailed")
    end = max(branch[-1].exited or 0.0 for branch in (blue, green))
    history.enter("Patch Targets", "Map", end - patching)
    history.visits += _interleaved(blue, green)
    history.enter("Summarise Run", "Task", 0.6)
    history.enter("All Patched?", "Choice", 0.01)
    history.enter("Notify Failure", "Task", 0.9)
    history.enter("Patch Failed", "Fail", 0, error="DeploymentFailed")
    reason = "AppAutoScalingGroup: received 0 of 3 signals in 15 minutes; the stack is rolled back and runs as before"
    return _report(
        history,
        scenario="two-stacks-one-fails",
        status="FAILED",
        error="DeploymentFailed",
        cause=json.dumps({"errorMessage": reason, "errorType": "DeploymentFailed", "stackTrace": []}),
        targets=(
            TargetReport("storefront", "PATCHED", OLD_AMI, NEW_AMI, 2330.5, None, 6, {NEW_AMI: 6}),
            TargetReport("billing <internal>", "FAILED", OLD_AMI, OLD_AMI, 3790.25, reason, 0, {OLD_AMI: 3}),
        ),
        notifications=(
            Notification(
                "Patching failed for billing: rolled back", MESSAGE, {"outcome": "FAILED", "stack": "billing"}
            ),
        ),
        phases=(
            Phase(
                None,
                (Step("BUILDING", 3, 12000, False), Step("TESTING", 12000, 17500, False)),
                (Event(17500, "the image", "AVAILABLE", "", False),),
            ),
            Phase(
                "billing <internal>",
                (
                    Step("UPDATE_IN_PROGRESS", 17510, 20000, False),
                    Step("UPDATE_ROLLBACK_IN_PROGRESS", 20000, None, True),
                ),
                (
                    Event(17510, "the stack", "UPDATE_IN_PROGRESS", "User Initiated", False),
                    Event(20000, "AppAutoScalingGroup", "UPDATE_FAILED", "Received 0 SUCCESS signals", True),
                ),
            ),
        ),
    )


def build_failed_run() -> RunReport:
    """The image could not be built: nothing was deployed."""
    history = _History()
    history.enter("Plan Run", "Task", 1.4)
    history.enter("Build Needed?", "Choice", 0.01)
    history.enter("Start Image Build", "Task", 1.1)
    history.poll(IMAGE_LOOP, 600, 60)
    history.enter("Wait For Image", "Wait", 60)
    history.enter("Check Image", "Task", 0.8, error="ImageBuildFailed")
    history.enter("Notify Failure", "Task", 0.9)
    history.enter("Patch Failed", "Fail", 0, error="ImageBuildFailed")
    return _report(
        history,
        scenario="image-build-fails",
        status="FAILED",
        error="ImageBuildFailed",
        cause="The component update-linux failed in step UpdateOS.",
        targets=(TargetReport("demo-application", None, OLD_AMI, None, None, None, 0, {OLD_AMI: 2}),),
        notifications=(),
    )


def ignored_run() -> RunReport:
    """A trigger that started nothing."""
    return RunReport(
        scenario="other-base-image",
        trigger="base-image",
        execution_arn=None,
        started_at=None,
        status=None,
        error=None,
        cause="The notification is of an image that the name pattern does not match.",
        skip_reason=None,
        seconds=None,
        targets=(),
        notifications=(),
        build_seconds=None,
        deploy_seconds=None,
        overhead_seconds=None,
        transitions=0,
        invocations=1,
        visits=(),
        phases=(),
        definition=definition(),
    )


def _report(
    history: _History,
    scenario: str,
    status: str,
    error: str | None,
    cause: str | None,
    targets: tuple[TargetReport, ...],
    notifications: tuple[Notification, ...],
    phases: tuple[Phase, ...] = (),
) -> RunReport:
    visits = tuple(history.visits)
    return RunReport(
        scenario=scenario,
        trigger="schedule",
        execution_arn=ARN,
        started_at=datetime(2026, 3, 10, 3, 0, tzinfo=UTC),
        status=status,
        error=error,
        cause=cause,
        skip_reason=None,
        seconds=history.now,
        targets=targets,
        notifications=notifications,
        build_seconds=sum((visit.exited or 0.0) - visit.entered for visit in visits if visit.name == "Wait For Image"),
        deploy_seconds=max((target.seconds for target in targets if target.seconds), default=None),
        overhead_seconds=23.4567,
        transitions=len(visits),
        invocations=sum(visit.type == "Task" for visit in visits),
        visits=visits,
        phases=phases,
        definition=definition(),
    )


RUNS = [happy_run(), failed_run(), build_failed_run(), ignored_run()]
each_run = pytest.mark.parametrize("report", RUNS, ids=[run.scenario for run in RUNS])
