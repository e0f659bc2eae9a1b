"""What starts an execution: each trigger as it happens in an account."""

from __future__ import annotations

import json

import boto3

from local_aws.core import clock
from local_aws.core.ids import ACCOUNT, REGION
from local_aws.ec2 import images
from local_aws.scheduler import schedules
from local_aws.sns import topics
from local_aws.ssm import parameters
from rehearsal.deployment import BASE_AMI_TOPIC, STACK, Deployment, fill
from rehearsal.scenario import Scenario

BASE_AMI_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
"""The public parameter that the image pipeline builds on."""

_RELEASE = "2023.9.20261130.0"
_AMI_NAME = f"al2023-ami-{_RELEASE}-kernel-6.1-x86_64"


class NoSchedule(Exception):
    """The schedule is to start a run, and none is deployed that fires again."""


def pull(scenario: Scenario, deployment: Deployment) -> None:
    """Have the scenario's trigger start an execution; takes virtual time.

    Raises NoSchedule.
    """
    match scenario.trigger:
        case "schedule":
            _await_schedule("MonthlySchedule")
        case "manual":
            _start_by_hand(scenario, deployment)
        case "base-image":
            _announce_base_image()
        case "base-image-check":
            publish_base_ami(_AMI_NAME)
            _await_schedule("BaseAmiCheckSchedule")


def publish_base_ami(name: str) -> str:
    """Publish a base AMI of that name, to which the public parameter moves; returns its ID. Nobody announces it."""
    last = images.find(ACCOUNT, REGION, parameters.read(ACCOUNT, REGION, BASE_AMI_PARAMETER) or "")
    assert last is not None, "the embedded AWS has the AMIs that its public parameters name"
    ami_id = images.publish(ACCOUNT, REGION, last, name)
    parameters.publish(ACCOUNT, REGION, BASE_AMI_PARAMETER, ami_id)
    return ami_id


def _await_schedule(logical_id: str) -> None:
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    names = [each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == logical_id]
    due = schedules.next_due(REGION, names[0]) if names else None
    if due is None:
        raise NoSchedule(f"expected the deployment's {logical_id} to fire again, found that it does not")
    clock.current().sleep((due[1] - clock.current().now()).total_seconds())


def _start_by_hand(scenario: Scenario, deployment: Deployment) -> None:
    execution_input = fill({} if scenario.input is None else scenario.input, deployment.golden_ami)
    boto3.client("stepfunctions").start_execution(
        stateMachineArn=deployment.state_machine_arn, input=json.dumps(execution_input)
    )


def _announce_base_image() -> None:
    """As Amazon Linux announces it: user guide, "Receive notifications on new updates"."""
    image = {"Name": _AMI_NAME, "ImageId": "ami-0aaaabbbbccccdddd"}
    message = {
        "v1": {
            "ReleaseVersion": "2023",
            "ImageVersion": _RELEASE,
            "ReleaseNotes": "",
            "Regions": {REGION: [image], "eu-west-1": [{**image, "ImageId": "ami-02222333344445555"}]},
        }
    }
    topics.publish_as_owner(BASE_AMI_TOPIC, json.dumps(message), "New Amazon Linux 2023 AMIs")
