"""Stacks, their events and the operations on them, as CloudFormation remembers them.

Sources: CloudFormation API Reference, Stack, StackEvent; User Guide, "Understand CloudFormation stack creation events",
"Stack status codes", "Managing events with CloudFormation and Amazon EventBridge".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local_aws.cloudformation.parameters import ParameterValue
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.cloudformation.template import Template
from local_aws.core import clock, settings
from local_aws.core.ids import random_uuid
from local_aws.core.resources import Resource
from local_aws.core.times import iso
from local_aws.events.rules import put_aws_event
from local_aws.sns import topics

STACK_TYPE = "AWS::CloudFormation::Stack"

UPDATABLE = {
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
}


@dataclass(frozen=True)
class Inputs:
    """All that a request gives of a stack: its template, the values of its parameters, its tags and so on."""

    template: Template
    parameters: Mapping[str, ParameterValue]
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    notification_arns: tuple[str, ...] = ()
    role_arn: str | None = None
    rollback_configuration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def monitored(self) -> tuple[list[Any], int]:
        """The rollback triggers and the monitoring time, which are none where they are left out."""
        configuration = self.rollback_configuration
        return list(configuration.get("RollbackTriggers", [])), int(configuration.get("MonitoringTimeInMinutes", 0))

    @property
    def monitoring_seconds(self) -> float:
        return 60.0 * int(self.rollback_configuration.get("MonitoringTimeInMinutes", 0))


@dataclass(frozen=True)
class Event:
    """One event of a stack."""

    event_id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    properties: str | None
    timestamp: datetime
    token: str | None
    operation_id: str

    @property
    def is_of_the_stack(self) -> bool:
        return self.type == STACK_TYPE


@dataclass
class Operation:
    """One operation on a stack: the request for it, when it began and when it ended."""

    id: str
    kind: str
    token: str | None
    request: str
    began: datetime
    ended: datetime | None = None


@dataclass(frozen=True)
class Output:
    """An output of a stack, evaluated."""

    key: str
    value: str
    description: str | None
    export_name: str | None


@dataclass
class Signals:
    """The signals that one resource awaits: SUCCESS or FAILURE by their unique id.

    `announce` is called with the id and the outcome of each.
    """

    announce: Callable[[str, str], None]
    received: dict[str, str] = field(default_factory=dict)

    def receive(self, unique_id: str, outcome: str) -> None:
        """Take a signal. One whose id came before is none."""
        if unique_id not in self.received:
            self.received[unique_id] = outcome
            self.announce(unique_id, outcome)

    def count(self, outcome: str, since: int = 0) -> int:
        """How many signals had this outcome, but for the first `since` of all."""
        return list(self.received.values())[since:].count(outcome)


class Stack:
    """A stack: its inputs, its resources and outputs, and its history.

    `garbage` are the resources that were replaced, which the next clean-up deletes. `imports` are the names of the
    exports that it uses. `policy` is its stack policy, and `policy_during_update` the one that takes its place while an
    update runs. `change_set_id` is the last change set that was executed. `awaiting` are the signals that its resources
    wait for, by logical id.
    """

    def __init__(self, stack_id: str, name: str, account_id: str, region: str, inputs: Inputs) -> None:
        self.stack_id = stack_id
        self.name = name
        self.account_id = account_id
        self.region = region
        self.inputs = inputs
        self.status = "REVIEW_IN_PROGRESS"
        self.status_reason: str | None = None
        self.disable_rollback = False
        self.termination_protection = False
        self.timeout_in_minutes: int | None = None
        self.policy: str | None = None
        self.policy_during_update: str | None = None
        self.creation_time = clock.current().now()
        self.last_updated: datetime | None = None
        self.change_set_id: str | None = None
        self.deletion_time: datetime | None = None
        self.resources: dict[str, Resource] = {}
        self.garbage: list[Resource] = []
        self.outputs: list[Output] = []
        self.imports: set[str] = set()
        self.events: list[Event] = []
        self.operations: list[Operation] = []
        self.awaiting: dict[str, Signals] = {}
        self.rollback_configuration_before: Mapping[str, Any] = {}

    @property
    def shown_rollback_configuration(self) -> Mapping[str, Any]:
        """The rollback configuration that DescribeStacks has: while the stack is updated, by the settings."""
        at_once = settings.current(CloudFormationSettings).shows_rollback_configuration_at_once
        if at_once or all(operation.ended is not None for operation in self.operations):
            return self.inputs.rollback_configuration
        return self.rollback_configuration_before

    @property
    def exports(self) -> list[Output]:
        return [output for output in self.outputs if output.export_name]

    @property
    def effective_policy(self) -> str | None:
        """The stack policy that an update heeds, as GetStackPolicy shows it (on record, test_policy_during_update)."""
        return self.policy if self.policy_during_update is None else self.policy_during_update

    def set_status(self, operation: Operation, status: str, reason: str | None = None) -> None:
        """Move to the status: with an event of the stack, its notifications, and an event on the default bus."""
        self.status = status
        self.status_reason = reason
        self.add_event(operation, self.name, self.stack_id, STACK_TYPE, status, reason, None)
        detail: dict[str, Any] = {
            "stack-id": self.stack_id,
            "status-details": {"status": status, "status-reason": reason or ""},
        }
        if operation.token:
            detail["client-request-token"] = operation.token
        put_aws_event("aws.cloudformation", "CloudFormation Stack Status Change", [self.stack_id], detail, self.region)

    def break_off(self, reason: str) -> None:
        """End the running operation as a failed one, wherever it is."""
        what = self.status.removesuffix("_IN_PROGRESS").removesuffix("_CLEANUP").removesuffix("_COMPLETE")
        self.set_status(self.operations[-1], f"{what}_FAILED", reason)
        self.awaiting.clear()
        self.policy_during_update = None
        for operation in self.operations:
            operation.ended = operation.ended or clock.current().now()

    def add_event(
        self,
        operation: Operation,
        logical_id: str,
        physical_id: str,
        resource_type: str,
        status: str,
        reason: str | None,
        properties: Mapping[str, Any] | None,
    ) -> None:
        """Add an event to the stack, and publish it to the stack's notification topics."""
        now = clock.current().now()
        identifier = random_uuid()
        if resource_type != STACK_TYPE:
            identifier = f"{logical_id}-{identifier}"
        text = None if properties is None else json.dumps(properties, default=str)
        event = Event(
            identifier, logical_id, physical_id, resource_type, status, reason, text, now, operation.token, operation.id
        )
        self.events.append(event)
        for arn in self.inputs.notification_arns:
            self._notify(arn, event)

    def _notify(self, topic_arn: str, event: Event) -> None:
        lines = {
            "StackId": self.stack_id,
            "Timestamp": iso(event.timestamp),
            "EventId": event.event_id,
            "LogicalResourceId": event.logical_id,
            "Namespace": self.account_id,
            "PhysicalResourceId": event.physical_id,
            "ResourceProperties": event.properties or "null",
            "ResourceStatus": event.status,
            "ResourceStatusReason": event.reason or "",
            "ResourceType": event.type,
            "StackName": self.name,
            "ClientRequestToken": event.token or "null",
        }
        text = "".join(f"{key}='{value}'\n" for key, value in lines.items())
        region = topic_arn.split(":")[3]
        topics.publish(self.account_id, region, topic_arn, text, "AWS CloudFormation Notification")


def seconds(duration: str) -> float:
    """The length of an ISO 8601 duration such as PT1H30M, in seconds.

    Raises ValueError when the text is not such a duration.
    """
    match = re.fullmatch(r"PT(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", duration)
    if match is None:
        raise ValueError(f"expected a duration such as PT15M or PT1H30M, found {duration!r}")
    hours, minutes, left = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + left)
