"""What starts a run and what does not, and the notification of an execution that cannot send its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_aws.aws import LocalAws
from local_aws.core import faults, settings
from local_aws.core.faults import Fault
from local_aws.sns import topics as sns
from rehearsal.deployment import BASE_AMI_TOPIC, Deployment, deploy
from rehearsal.scenario import Scenario
from tests.workflow.running import shortened

EVENTS = Path(__file__).parents[2] / "events"


class Deployed:
    """A deployment in an embedded AWS in which nothing has run yet."""

    def __init__(self, aws: LocalAws, deployment: Deployment) -> None:
        self.clock = aws.clock
        self.machine = deployment.state_machine_arn
        self.topic = deployment.notification_topic_arn
        self.stepfunctions = boto3.client("stepfunctions")

    def executions(self) -> list[Any]:
        return list(self.stepfunctions.list_executions(stateMachineArn=self.machine)["executions"])

    def notifications(self) -> list[sns.Published]:
        return [message for message in sns.published() if message.topic_arn == self.topic]

    def log(self, function: str) -> list[dict[str, Any]]:
        events = boto3.client("logs").filter_log_events(logGroupName="/aws/lambda/ami-autopatch")["events"]
        lines = [json.loads(event["message"]) for event in events if '"level"' in event["message"]]
        return [line for line in lines if function in line["function_name"]]

    def metric(self, name: str) -> float:
        """The sum of a metric that functions have written to their log, where CloudWatch takes it from.

        The format is CloudWatch's embedded metric format (CloudWatch User Guide, "Specification: Embedded metric
        format").
        """
        events = boto3.client("logs").filter_log_events(logGroupName="/aws/lambda/ami-autopatch")["events"]
        documents = [json.loads(event["message"]) for event in events if '"CloudWatchMetrics"' in event["message"]]
        return sum(
            sum(document[name]) if isinstance(document[name], list) else document[name]
            for document in documents
            for directive in document["_aws"]["CloudWatchMetrics"]
            if directive["Namespace"] == "AmiAutopatch" and {"Name": name, "Unit": "Count"} in directive["Metrics"]
        )


@pytest.fixture
def deployed() -> Iterator[Deployed]:
    chosen = shortened(Scenario())
    with LocalAws(*chosen.behaviour) as aws:
        yield Deployed(aws, deploy(chosen))


def sample(name: str) -> str:
    """The message in a sample of what SNS delivers."""
    return str(json.loads((EVENTS / f"{name}.json").read_text())["Records"][0]["Sns"]["Message"])


def test_the_sample_announcement_starts_one_run_however_often_it_comes(deployed: Deployed) -> None:
    """SNS delivers at least once; an execution's name cannot be used again for 90 days (Step Functions API reference,
    StartExecution)."""
    message = sample("trigger-base-ami")
    for pause in (30, 7200, 60):
        sns.publish_as_owner(BASE_AMI_TOPIC, message)
        deployed.clock.sleep(pause)
    (execution,) = deployed.executions()
    assert (execution["name"], execution["status"]) == ("base-image-2023-9-20261130-0", "SUCCEEDED")
    assert "was started for" in deployed.log("BaseAmiTrigger")[-1]["reason"]
    assert (deployed.metric("BaseAmisAnnounced"), deployed.metric("BaseAmisIgnored")) == (3, 0)


def test_an_announcement_of_nothing_but_a_release_starts_the_same_run(deployed: Deployed) -> None:
    """Amazon Linux 2023 User Guide, "Receiving notifications on new updates": the message includes the version."""
    for name in ("trigger-base-ami-version", "trigger-base-ami"):
        sns.publish_as_owner(BASE_AMI_TOPIC, sample(name))
        deployed.clock.sleep(60)
    (execution,) = deployed.executions()
    assert (execution["name"], execution["status"]) == ("base-image-2023-9-20261130-0", "RUNNING")
    # Name and input are those of an execution that is still running: the second start gives it once more.
    started = [line["execution_arn"] for line in deployed.log("BaseAmiTrigger")]
    assert started == [execution["executionArn"]] * 2


def test_an_execution_that_times_out_as_a_whole_is_reported_from_outside(deployed: Deployed) -> None:
    definition = json.loads(
        deployed.stepfunctions.describe_state_machine(stateMachineArn=deployed.machine)["definition"]
    )
    deployed.stepfunctions.update_state_machine(
        stateMachineArn=deployed.machine, definition=json.dumps({**definition, "TimeoutSeconds": 90})
    )
    deployed.stepfunctions.start_execution(stateMachineArn=deployed.machine, input="{}")
    deployed.clock.sleep(3600)
    assert deployed.executions()[0]["status"] == "TIMED_OUT"
    (notification,) = deployed.notifications()
    assert notification.attributes["outcome"] == "TIMED_OUT"
    assert "web: not touched" in notification.message


def test_a_failure_that_was_reported_is_not_reported_again_from_outside(deployed: Deployed) -> None:
    deployed.stepfunctions.start_execution(stateMachineArn=deployed.machine, input='{"nonsense": 1}')
    deployed.clock.sleep(1800)
    assert deployed.executions()[0]["status"] == "FAILED"
    assert len(deployed.notifications()) == 1
    assert "has sent a notification of it" in deployed.log("NotifyEnding")[0]["message"]


def test_a_failure_that_could_not_be_reported_is_reported_from_outside_with_the_first_error(deployed: Deployed) -> None:
    settings.use(faults.Faults((Fault("sns", "Publish", "AuthorizationError", status=403, times=1),)))
    arn = deployed.stepfunctions.start_execution(stateMachineArn=deployed.machine, input='{"nonsense": 1}')
    deployed.clock.sleep(1800)
    execution = deployed.stepfunctions.describe_execution(executionArn=arn["executionArn"])
    assert (execution["status"], execution["error"]) == ("FAILED", "InvalidInput")
    (notification,) = deployed.notifications()
    assert "nonsense" in notification.message and "'Patch Failed'" in notification.message
    assert "NotifyEnding" in deployed.log("NotifyEnding")[0]["function_name"]
