"""Patch runs on the embedded AWS, and the state that AWS is in afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import boto3

from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.aws import LocalAws
from local_aws.core import faults
from local_aws.imagebuilder.settings import ImageBuilderSettings
from rehearsal import scenario
from rehearsal.deployment import Deployment, deploy
from rehearsal.report.document import RunReport
from rehearsal.run import PatchRun
from rehearsal.scenario import Scenario


@dataclass(frozen=True)
class Ran:
    """A run that has ended, with the AWS that it ran on."""

    aws: LocalAws
    deployment: Deployment
    report: RunReport
    instances_before: dict[str, set[str]]

    def amis(self, stack: str) -> list[str]:
        """The AMI of each instance in the stack's Auto Scaling groups, as EC2 returns it."""
        return sorted(instance["ImageId"] for instance in instances(stack))

    def instance_ids(self, stack: str) -> set[str]:
        return {instance["InstanceId"] for instance in instances(stack)}

    def stack_status(self, stack: str) -> str:
        return str(describe(stack)["StackStatus"])

    def image_statuses(self) -> list[str]:
        images = boto3.client("imagebuilder").list_image_pipeline_images(imagePipelineArn=self.deployment.pipeline_arn)
        return [image["state"]["status"] for image in images["imageSummaryList"]]

    def executions(self) -> list[Any]:
        answer = boto3.client("stepfunctions").list_executions(stateMachineArn=self.deployment.state_machine_arn)
        return list(answer["executions"])

    def words(self) -> str:
        """The subject and the message of the only notification, without line breaks."""
        (notification,) = self.report.notifications
        return " ".join(f"{notification.subject} {notification.message}".split())

    def visited(self) -> list[str]:
        return [visit.name for visit in self.report.visits]

    def undelivered_triggers(self) -> list[str]:
        """The bodies of the messages in the dead-letter queue."""
        sqs, queue_url = boto3.client("sqs"), outputs("ami-autopatch")["UndeliveredTriggersUrl"]
        messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
        return [message["Body"] for message in messages.get("Messages", [])]

    def log_lines(self, text: str) -> list[str]:
        """The lines of the functions' logs that contain `text`."""
        logs = boto3.client("logs")
        events = logs.filter_log_events(logGroupName="/aws/lambda/ami-autopatch")["events"]
        return [event["message"] for event in events if text in event["message"]]


# Most tests are not about how long things take. In those, a build takes two minutes of virtual time instead of twenty,
# an instance half a minute instead of three, and the state machine polls them that much less often.
_SHORT_BUILD = ImageBuilderSettings(building_seconds=70, testing_seconds=20, distributing_seconds=10)
_SHORT_BOOT: dict[str, Any] = {"instance_boot_seconds": 25.0, "instance_signal_seconds": 30.0}


def shortened(chosen: Scenario) -> Scenario:
    """The scenario, with a short build and short boots unless it sets its own."""
    usual = AutoScalingSettings()
    if chosen.image_builder == ImageBuilderSettings():
        chosen = replace(chosen, image_builder=_SHORT_BUILD)
    if all(getattr(chosen.autoscaling, name) == getattr(usual, name) for name in _SHORT_BOOT):
        chosen = replace(chosen, autoscaling=replace(chosen.autoscaling, **_SHORT_BOOT))
    return chosen


@contextmanager
def patch_run(wanted: str | Scenario, *, as_long_as_on_aws: bool = False) -> Iterator[Ran]:
    """Run the scenario to its end; inside the context its AWS can be asked, and no more faults occur.

    The scenario is `shortened`, unless everything is to take as long as on AWS.
    """
    chosen = scenario.load(wanted) if isinstance(wanted, str) else wanted
    if not as_long_as_on_aws:
        chosen = shortened(chosen)
    with LocalAws(*chosen.behaviour) as aws:
        deployment = deploy(chosen)
        with faults.spared():
            before = {name: {instance["InstanceId"] for instance in instances(name)} for name in deployment.stacks}
        report = PatchRun(aws, chosen, deployment).run()
        with faults.spared():
            yield Ran(aws, deployment, report, before)


def service_role(name: str) -> str:
    """The ARN of a new role that CloudFormation may assume."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "cloudformation.amazonaws.com"},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return str(boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])


def instances(stack: str) -> list[Any]:
    resources = boto3.client("cloudformation").list_stack_resources(StackName=stack)["StackResourceSummaries"]
    groups = [
        resource["PhysicalResourceId"]
        for resource in resources
        if resource["ResourceType"] == "AWS::AutoScaling::AutoScalingGroup"
    ]
    answer = boto3.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=groups)
    ids = [instance["InstanceId"] for group in answer["AutoScalingGroups"] for instance in group["Instances"]]
    assert ids, "an empty list would describe all instances"
    reservations = boto3.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    return [instance for reservation in reservations for instance in reservation["Instances"]]


def describe(stack: str) -> Any:
    return boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]


def parameters(stack: str) -> dict[str, str]:
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in describe(stack)["Parameters"]}


def outputs(stack: str) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in describe(stack).get("Outputs", [])}
