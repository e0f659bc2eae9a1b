"""What AWS has of a run when it is over: how long the build and the updates took, and which instances there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3

from local_aws.core.ids import ACCOUNT, REGION
from local_aws.imagebuilder import imagebuilder_backends
from rehearsal import interventions
from rehearsal.report.document import Event, Phase, Step

if TYPE_CHECKING:
    from types_boto3_autoscaling.type_defs import InstanceTypeDef
    from types_boto3_cloudformation.type_defs import StackEventTypeDef

_STACK_TYPE = "AWS::CloudFormation::Stack"
_FAILED_BUILDS = ("FAILED", "CANCELLED")
_END_STATUSES = ("UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")


@dataclass(frozen=True)
class Span:
    """From when to when something lasted; `end` is None while it still does."""

    begin: datetime
    end: datetime | None

    def within(self, begin: datetime, end: datetime) -> Span:
        """The part of it that lies between two moments."""
        return Span(max(self.begin, begin), min(self.end or end, end))


def covered_seconds(spans: Iterable[Span]) -> float | None:
    """The seconds in which at least one of the spans lasted; None without spans, or when one has no end."""
    total: float | None = None
    reached: datetime | None = None
    for span in sorted(spans, key=lambda span: span.begin):
        if span.end is None:
            return None
        total = (total or 0.0) + max(0.0, (span.end - max(span.begin, reached or span.begin)).total_seconds())
        reached = max(span.end, reached or span.end)
    return total


def build_spans(image_arn: str | None) -> list[Span]:
    """From when to when the image was built, as Image Builder has it; none when the run had no build."""
    if image_arn is None:
        return []
    image = imagebuilder_backends[ACCOUNT][REGION].images[image_arn]
    ended_at = None if image.ended_at is None else datetime.fromtimestamp(image.ended_at, UTC)
    return [Span(datetime.fromtimestamp(image.started_at, UTC), ended_at)]


def update_spans(stack_names: Sequence[str], since: datetime) -> list[Span]:
    """From when to when the stacks were updated after `since`, as CloudFormation's events have it; what interventions
    did is left out."""
    return [span for name in stack_names for span in _updates(name, since)]


def _updates(stack_name: str, since: datetime) -> list[Span]:
    spans: list[Span] = []
    for event in _stack_events(stack_name, since):
        status = event.get("ResourceStatus")
        if not _is_of_stack(event):
            continue
        if status == "UPDATE_IN_PROGRESS":
            spans.append(Span(event["Timestamp"], None))
        elif status in _END_STATUSES and spans and spans[-1].end is None:
            spans[-1] = Span(spans[-1].begin, event["Timestamp"])
    return spans


def _stack_events(stack_name: str, since: datetime) -> list[StackEventTypeDef]:
    """The events of the stack since then, the oldest first, without those of interventions."""
    pages = boto3.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack_name)
    return [
        event
        for event in reversed([event for page in pages for event in page["StackEvents"]])
        if event["Timestamp"] >= since and event.get("ClientRequestToken") != interventions.TOKEN
    ]


def _is_of_stack(event: StackEventTypeDef) -> bool:
    """Whether the event is one of the stack itself, not of a resource of it, such as a nested stack."""
    return event.get("ResourceType") == _STACK_TYPE and event.get("PhysicalResourceId") == event["StackId"]


def build_phase(image_arn: str, start: datetime) -> Phase:
    """The states of the image's build, as Image Builder has them; their seconds count from `start`."""
    image = imagebuilder_backends[ACCOUNT][REGION].images[image_arn]
    entered = [(state, moment - start.timestamp()) for state, moment in image.history]
    leaving = [*(moment for _, moment in entered[1:]), None]
    steps = [
        Step(state, begin, end, state in _FAILED_BUILDS)
        for (state, begin), end in zip(entered, leaving, strict=True)
        if image.is_building or end is not None
    ]
    events = [Event(at, "the image", state, "", state in _FAILED_BUILDS) for state, at in entered]
    events[-1] = replace(events[-1], reason=image.reason or "")
    return Phase(None, tuple(steps), tuple(events))


def update_phase(stack_name: str, start: datetime) -> Phase | None:
    """The statuses of the stack since `start`, and the events of its resources, as CloudFormation has them.

    None when it has not been updated. Their seconds count from `start`.
    """
    steps: list[Step] = []
    events = []
    for event in _stack_events(stack_name, start):
        at = (event["Timestamp"] - start).total_seconds()
        status = event.get("ResourceStatus", "")
        is_failure = "FAILED" in status or "ROLLBACK" in status
        if _is_of_stack(event):
            if steps and steps[-1].end is None:
                steps[-1] = replace(steps[-1], end=at)
            if status not in _END_STATUSES:
                steps.append(Step(status, at, None, is_failure))
        resource = "the stack" if _is_of_stack(event) else event.get("LogicalResourceId", "")
        events.append(Event(at, resource, status, event.get("ResourceStatusReason", ""), is_failure))
    return Phase(stack_name, tuple(steps), tuple(events)) if steps else None


def stack_status(stack_name: str) -> str:
    """The status that the stack has now."""
    return boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]["StackStatus"]


def stack_parameter(stack_name: str, parameter: str) -> str | None:
    """The value that the stack has for a parameter."""
    stack = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    values = {entry["ParameterKey"]: entry["ParameterValue"] for entry in stack.get("Parameters", [])}
    return values.get(parameter)


def instances(stack_name: str) -> set[str]:
    """The instances in the Auto Scaling groups of the stack."""
    return {instance["InstanceId"] for instance in _members(stack_name)}


def amis(stack_name: str) -> dict[str, int]:
    """How many instances in the Auto Scaling groups of the stack run each AMI; those that are going do not count."""
    staying = [
        instance["InstanceId"]
        for instance in _members(stack_name)
        if not instance["LifecycleState"].startswith("Terminat")
    ]
    if not staying:
        return {}
    pages = boto3.client("ec2").get_paginator("describe_instances").paginate(InstanceIds=staying)
    found = [instance for page in pages for group in page["Reservations"] for instance in group["Instances"]]
    return dict(Counter(instance["ImageId"] for instance in found))


def _members(stack_name: str) -> list[InstanceTypeDef]:
    """The members of the Auto Scaling groups of the stack, as these have them."""
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=stack_name)["StackResources"]
    names = [
        resource["PhysicalResourceId"]
        for resource in resources
        if resource["ResourceType"] == "AWS::AutoScaling::AutoScalingGroup"
    ]
    if not names:
        return []
    groups = boto3.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=names)["AutoScalingGroups"]
    return [instance for group in groups for instance in group["Instances"]]
