"""What starts an execution: each trigger as it happens in an account."""

from __future__ import annotations

import json

import boto3

from local_aws.core import clock
from local_aws.core.ids import REGION
from local_aws.scheduler import schedules
from local_aws.sns import topics
from rehearsal.deployment import BASE_AMI_TOPIC, Deployment, fill
from rehearsal.scenario import Scenario

_RELEASE = "2023.9.20261130.0"


class NoSchedule(Exception):
    """The schedule is to start a run, and none is deployed that fires again."""


def pull(scenario: Scenario, deployment: Deployment) -> None:
    """Have the scenario's trigger start an execution; takes virtual time.

    Raises NoSchedule.
    """
    match scenario.trigger:
        case "schedule":
            _await_schedule()
        case "manual":
            _start_by_hand(scenario, deployment)
        case "base-image":
            _announce_base_image()


def _await_schedule() -> None:
    due = schedules.next_due(REGION)
    if due is None:
        raise NoSchedule("expected the deployment to have a schedule that fires again, found none")
    clock.current().sleep((due[1] - clock.current().now()).total_seconds())


def _start_by_hand(scenario: Scenario, deployment: Deployment) -> None:
    execution_input = fill({} if scenario.input is None else scenario.input, deployment.golden_ami)
    boto3.client("stepfunctions").start_execution(
        stateMachineArn=deployment.state_machine_arn, input=json.dumps(execution_input)
    )


def _announce_base_image() -> None:
    """As Amazon Linux announces it: user guide, "Receive notifications on new updates"."""
    image = {"Name": f"al2023-ami-{_RELEASE}-kernel-6.1-x86_64", "ImageId": "ami-0aaaabbbbccccdddd"}
    message = {
        "v1": {
            "ReleaseVersion": "2023",
            "ImageVersion": _RELEASE,
            "ReleaseNotes": "",
            "Regions": {REGION: [image], "eu-west-1": [{**image, "ImageId": "ami-02222333344445555"}]},
        }
    }
    topics.publish_as_owner(BASE_AMI_TOPIC, json.dumps(message), "New Amazon Linux 2023 AMIs")
