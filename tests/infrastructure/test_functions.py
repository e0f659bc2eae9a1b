"""The deployed functions: each gets the environment that it reads, and accepts its sample event."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from autopatch import errors
from autopatch.execution_input import ExecutionInput
from autopatch.settings import (
    AmiOwnerSettings,
    BaseAmiCheckSettings,
    CalendarSettings,
    CloudFormationSettings,
    HoldSettings,
    NotificationSettings,
    PlanSettings,
    SavedAlarmsSettings,
    TriggerSettings,
    UpdateSettings,
)
from local_aws.aws import LocalAws
from rehearsal.deployment import deploy
from rehearsal.scenario import Scenario

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"


@pytest.fixture(scope="module")
def functions() -> Iterator[dict[str, Any]]:
    """The deployed functions, by their logical IDs in the template."""
    with LocalAws():
        deploy(Scenario())
        deployed = boto3.client("lambda").list_functions()["Functions"]
        yield {function["FunctionName"].split("-")[2]: function for function in deployed}


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("PlanRunFunction", PlanSettings),
        ("CheckTargetsFunction", UpdateSettings),
        ("CheckFreezeFunction", CalendarSettings),
        ("CheckFreezeFunction", HoldSettings),
        ("CheckCalendarFunction", CalendarSettings),
        ("PreviewUpdateFunction", UpdateSettings),
        ("PreviewUpdateFunction", SavedAlarmsSettings),
        ("RestoreAlarmsFunction", SavedAlarmsSettings),
        ("UpdateStackFunction", SavedAlarmsSettings),
        ("RollBackFunction", SavedAlarmsSettings),
        ("CheckReadinessFunction", AmiOwnerSettings),
        ("CheckReadinessFunction", HoldSettings),
        ("UpdateStackFunction", CalendarSettings),
        ("RollBackFunction", CloudFormationSettings),
        ("SummariseFunction", HoldSettings),
        ("NotifyFunction", NotificationSettings),
        ("NotifyEndingFunction", NotificationSettings),
        ("BaseAmiTriggerFunction", TriggerSettings),
        ("CheckBaseAmiFunction", BaseAmiCheckSettings),
    ],
)
def test_the_deployment_gives_each_function_the_environment_that_it_reads(
    functions: dict[str, Any], name: str, settings: Any
) -> None:
    settings.from_env({**functions[name]["Environment"]["Variables"], "AWS_REGION": "us-east-1"})


def test_there_is_an_event_for_every_function_and_every_trigger() -> None:
    handlers = {path.stem for path in (ROOT / "functions/autopatch/handlers").glob("[a-z]*.py")}
    named = {"notify": "notify-success", "base_ami_trigger": "trigger-base-ami"}
    wanted = {named.get(handler, handler.replace("_", "-")) for handler in handlers}
    assert wanted | {"trigger-manual", "trigger-schedule"} <= {path.stem for path in EVENTS.glob("*.json")}


def test_the_readme_says_of_every_sample_where_it_comes_from() -> None:
    """What an Amazon service sends is told by its envelope: SNS's records, EventBridge's source."""
    rows = re.findall(r"^\| `([\w.-]+)` \| ([a-z ]+) \| .+ \|$", (EVENTS / "README.md").read_text(), re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(path.name for path in EVENTS.glob("*.json"))
    for name, origin in rows:
        document = json.loads((EVENTS / name).read_text())
        assert origin == ("made up" if document.keys() & {"Records", "source"} else "ours"), name


@pytest.mark.parametrize("path", sorted([*EVENTS.glob("trigger-[ms]*.json"), *EVENTS.glob("input-*.json")]), ids=str)
def test_the_sample_inputs_are_accepted(path: Path) -> None:
    assert ExecutionInput.from_event(json.loads(path.read_text()))


@pytest.mark.parametrize(
    ("event", "function", "error"),
    [
        # What the samples name does not exist here: a function reads its whole event, then AWS answers with an error.
        ("plan-run", "PlanRun", None),
        ("start-image-build", "StartImageBuild", errors.AwsCallFailed),
        ("check-image", "CheckImage", errors.AwsCallFailed),
        ("read-ami", "ReadAmi", errors.AwsCallFailed),
        ("check-freeze", "CheckFreeze", None),
        ("check-calendar", "CheckCalendar", None),
        ("preview-update", "PreviewUpdate", None),
        ("check-readiness", "CheckReadiness", None),
        ("update-stack", "UpdateStack", errors.AwsCallFailed),
        ("check-deployment", "CheckDeployment", errors.AwsCallFailed),
        ("verify-instances", "VerifyInstances", None),
        ("roll-back", "RollBack", errors.TargetNotReady),
        ("summarise", "Summarise", None),
        ("notify-success", "Notify", None),
        ("notify-skipped", "Notify", None),
        ("notify-failure", "Notify", None),
        ("notify-ending", "NotifyEnding", errors.AwsCallFailed),
        ("trigger-base-ami", "BaseAmiTrigger", None),
        ("trigger-base-ami-version", "BaseAmiTrigger", None),
        ("check-base-ami", "CheckBaseAmi", None),
    ],
)
def test_the_functions_accept_their_sample_events(
    functions: dict[str, Any], event: str, function: str, error: type | None
) -> None:
    name = functions[f"{function}Function"]["FunctionName"]
    answer = boto3.client("lambda").invoke(FunctionName=name, Payload=(EVENTS / f"{event}.json").read_bytes())
    payload = json.loads(answer["Payload"].read())
    assert (payload or {}).get("errorType") == (error.__name__ if error else None), payload
