"""CloudFormation: the application stacks, their parameters and their updates."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from autopatch.aws.client import create_client, error_text, named_errors
from autopatch.aws.cloudformation.refusals import Refusal, refusal
from autopatch.aws.cloudformation.rollback_configuration import RollbackConfiguration, RollbackTrigger
from autopatch.aws.cloudformation.statuses import StackState, remedy, state_of
from autopatch.errors import TargetNotReady

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient


GROUP_TYPE = "AWS::AutoScaling::AutoScalingGroup"
_LAUNCH_TEMPLATE_TYPE = "AWS::EC2::LaunchTemplate"
_STACK_TYPE = "AWS::CloudFormation::Stack"
_IMAGE_TYPE = "AWS::EC2::Image::Id"
_EXPANSION = "CAPABILITY_AUTO_EXPAND"
_SSM_TYPE_PREFIX = "AWS::SSM::Parameter::"

# The beginnings of the reasons of a group whose instances were not accepted, as public threads show them
# (aws-quickstart/quickstart-linux-bastion#144, widdix/aws-cf-templates#565).
_LACKS_SIGNALS = re.compile(
    r"Received \d+ (SUCCESS|FAILURE) signal\(s\) out of \d+|Failed to receive \d+ resource signal\(s\)"
)


@dataclass(frozen=True)
class Stack:
    """A stack as DescribeStacks returns it; the value of a NoEcho parameter is `****`."""

    stack_id: str
    name: str
    status: str
    status_reason: str | None
    role_arn: str | None
    capabilities: tuple[str, ...]
    parameters: Mapping[str, str]
    resolved_parameters: Mapping[str, str] = field(default_factory=dict)
    """The same, but of a parameter that names an SSM parameter, that one's value."""
    rollback_configuration: RollbackConfiguration = field(default_factory=RollbackConfiguration)
    deployment_mode: str | None = None
    """EXPRESS: its operations end before the resources are ready."""

    @property
    def state(self) -> StackState:
        """Raises UnknownStatus when the status is none that CloudFormation documents."""
        return state_of(self.status, self.name)


@dataclass(frozen=True)
class TemplateSummary:
    """The types of a stack's parameters, and whether its template uses transforms, or one that is nested in it may.

    `hidden` has the names of those with NoEcho.
    """

    parameter_types: Mapping[str, str]
    has_transforms: bool
    hidden: frozenset[str] = frozenset()

    def is_ssm_parameter(self, name: str) -> bool:
        """Whether the value of that stack parameter is the name of an SSM parameter."""
        return self.parameter_types.get(name, "").startswith(_SSM_TYPE_PREFIX)

    def is_image_parameter(self, name: str) -> bool:
        """Whether that stack parameter is declared to hold the id of an AMI."""
        return self.parameter_types.get(name) == _IMAGE_TYPE


@dataclass(frozen=True)
class UpdateRequest:
    """An update of a stack: some of its parameters, its rollback configuration, or both.

    `role_arn` is for a stack that has no service role; without a `rollback_configuration`, the stack's own applies.
    """

    stack: Stack
    new_values: Mapping[str, str]
    has_transforms: bool
    role_arn: str | None = None
    rollback_configuration: RollbackConfiguration | None = None


class UpdateAnswer(Enum):
    """CloudFormation's answer to UpdateStack."""

    STARTED = auto()
    NOTHING_TO_UPDATE = auto()
    BUSY = auto()


@dataclass(frozen=True)
class ResourceFailure:
    """The event of a resource that failed."""

    logical_id: str
    physical_id: str
    resource_type: str
    status: str
    reason: str
    at: datetime

    @property
    def lacks_signals(self) -> bool:
        """Whether instances were awaited, and did not signal, or signalled that they had failed."""
        return _LACKS_SIGNALS.match(self.reason) is not None

    def __str__(self) -> str:
        return f"{self.logical_id} ({self.resource_type}) {self.status}: {self.reason}"


@dataclass(frozen=True)
class Operation:
    """One update of a stack, from the events that carry its token."""

    state: StackState
    status: str
    status_since: datetime
    began_at: datetime
    first_failure: ResourceFailure | None
    given_up: tuple[str, ...]
    """The resources that were not complete when the update failed or was cancelled."""
    rollback_reason: str | None = None
    """Why CloudFormation began to roll the stack back: all there is when an alarm went off and no resource failed."""


class Stacks:
    """The calls that a patch run makes to CloudFormation."""

    def __init__(self, client: CloudFormationClient | None = None) -> None:
        self._client: CloudFormationClient = client or create_client("cloudformation")

    def stack(self, name_or_id: str) -> Stack:
        """Raises TargetNotReady when there is no such stack in this account and Region."""
        with named_errors(f"reading the stack {name_or_id}"):
            try:
                document = self._client.describe_stacks(StackName=name_or_id)["Stacks"][0]
            except ClientError as error:
                if refusal(error) is Refusal.NO_SUCH_STACK:
                    raise TargetNotReady(
                        f"stack {name_or_id}: expected a stack of that name in this account and Region, found none; "
                        "correct the deployment's application stacks or the input's targets"
                    ) from error
                raise
        rollback = document.get("RollbackConfiguration", {})
        return Stack(
            stack_id=document["StackId"],
            name=document["StackName"],
            status=document["StackStatus"],
            status_reason=document.get("StackStatusReason"),
            role_arn=document.get("RoleARN"),
            capabilities=tuple(document.get("Capabilities", [])),
            parameters={
                parameter["ParameterKey"]: parameter.get("ParameterValue", "")
                for parameter in document.get("Parameters", [])
            },
            resolved_parameters={
                parameter["ParameterKey"]: parameter.get("ResolvedValue", parameter.get("ParameterValue", ""))
                for parameter in document.get("Parameters", [])
            },
            rollback_configuration=RollbackConfiguration(
                tuple(RollbackTrigger(it["Arn"], it["Type"]) for it in rollback.get("RollbackTriggers", [])),
                rollback.get("MonitoringTimeInMinutes", 0),
            ),
            deployment_mode=document.get("DeploymentConfig", {}).get("Mode"),
        )

    def template_summary(self, stack_name: str) -> TemplateSummary:
        with named_errors(f"reading the template of the stack {stack_name}"):
            answer = self._client.get_template_summary(StackName=stack_name)
        return TemplateSummary(
            parameter_types={
                parameter["ParameterKey"]: parameter["ParameterType"] for parameter in answer.get("Parameters", [])
            },
            # A nested stack's template may use them, too, and is not in the summary.
            has_transforms=bool(answer.get("DeclaredTransforms"))
            or _EXPANSION in answer.get("Capabilities", [])
            or _STACK_TYPE in answer.get("ResourceTypes", []),
            hidden=frozenset(
                parameter["ParameterKey"] for parameter in answer.get("Parameters", []) if parameter.get("NoEcho")
            ),
        )

    def template(self, stack_name: str) -> str | Mapping[str, Any]:
        """The stack's template, its transforms processed: a text, or what boto3 has read from JSON."""
        with named_errors(f"reading the template of the stack {stack_name}"):
            return self._client.get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]

    def policy(self, stack_name: str) -> str | None:
        """The stack's policy, a JSON text; None when it has none."""
        with named_errors(f"reading the policy of the stack {stack_name}"):
            return self._client.get_stack_policy(StackName=stack_name).get("StackPolicyBody") or None

    def group_names(self, stack_name: str) -> dict[str, str]:
        """The names of the stack's Auto Scaling groups, by their logical ids."""
        return self._physical_ids(stack_name, GROUP_TYPE)

    def launch_template_ids(self, stack_name: str) -> tuple[str, ...]:
        """The ids of the stack's launch templates."""
        return tuple(self._physical_ids(stack_name, _LAUNCH_TEMPLATE_TYPE).values())

    def _physical_ids(self, stack_name: str, resource_type: str) -> dict[str, str]:
        """Those of the stack's resources of that type, by their logical ids."""
        with named_errors(f"listing the resources of the stack {stack_name}"):
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=stack_name)
            return {
                resource["LogicalResourceId"]: resource["PhysicalResourceId"]
                for page in pages
                for resource in page["StackResourceSummaries"]
                if resource["ResourceType"] == resource_type and "PhysicalResourceId" in resource
            }

    def update(self, wanted: UpdateRequest, token: str) -> UpdateAnswer:
        """Update the stack as wanted, and in nothing else.

        `token` marks the events of this update, at most 128 characters of `[a-zA-Z0-9][-a-zA-Z0-9]*`; sent again, it
        starts nothing twice.

        Raises TargetNotReady when CloudFormation refuses the update.
        """
        with named_errors(f"updating the stack {wanted.stack.name}"):
            try:
                self._client.update_stack(**update_request(wanted), ClientRequestToken=token)
            except ClientError as error:
                # Whether the summary of a template lists what an Fn::Transform inside of it uses is not documented.
                if not wanted.has_transforms and refusal(error) is Refusal.MACROS_NOT_ACKNOWLEDGED:
                    return self.update(replace(wanted, has_transforms=True), token)
                return self._answer_to(error, wanted.stack)
        return UpdateAnswer.STARTED

    def _answer_to(self, error: ClientError, stack: Stack) -> UpdateAnswer:
        meaning = refusal(error)
        if meaning is Refusal.NOTHING_TO_UPDATE:
            return UpdateAnswer.NOTHING_TO_UPDATE
        if meaning is Refusal.TOKEN_IN_USE:
            return UpdateAnswer.STARTED
        if meaning is Refusal.STATE:
            now = self.stack(stack.stack_id)
            if not now.state.is_busy and not now.state.is_ready:
                raise not_updatable(now) from error
            return UpdateAnswer.BUSY
        if meaning is Refusal.INVALID:
            raise refused(stack, error) from error
        raise error

    def cancel_update(self, stack_id: str, token: str) -> bool:
        """Cancel the update, so that CloudFormation rolls it back; False when it can no longer be cancelled."""
        with named_errors(f"cancelling the update of {stack_id}"):
            try:
                self._client.cancel_update_stack(StackName=stack_id, ClientRequestToken=token)
            except ClientError as error:
                # Only an update that is UPDATE_IN_PROGRESS can be cancelled; it may have left that status just now.
                meaning = refusal(error)
                if meaning is Refusal.TOKEN_IN_USE:
                    return True
                if meaning is Refusal.INVALID:
                    return False
                raise
        return True

    def operation(
        self, stack_id: str, stack_name: str, tokens: Collection[str], not_before: datetime
    ) -> Operation | None:
        """The operation whose events carry one of `tokens`, or None when there is no such event since `not_before`.

        Every event of an operation carries its client request token (CloudFormation API reference, StackEvent), so
        that another operation on the stack is never taken for ours.
        """
        ours = [event for event in self._events(stack_id, not_before) if event.get("ClientRequestToken") in tokens]
        of_the_stack = [event for event in ours if event["PhysicalResourceId"] == event["StackId"]]
        if not of_the_stack:
            return None
        status = of_the_stack[0]["ResourceStatus"]
        failures = [_failure(event) for event in ours if _is_cause(event)]
        return Operation(
            state=state_of(status, stack_name),
            status=status,
            status_since=of_the_stack[0]["Timestamp"],
            began_at=of_the_stack[-1]["Timestamp"],
            first_failure=failures[-1] if failures else None,
            given_up=tuple(event["LogicalResourceId"] for event in ours if _was_given_up(event)),
            rollback_reason=next(
                (
                    event.get("ResourceStatusReason")
                    for event in reversed(of_the_stack)
                    if state_of(event["ResourceStatus"], stack_name) is StackState.ROLLING_BACK
                ),
                None,
            ),
        )

    def _events(self, stack_id: str, not_before: datetime) -> Iterator[Any]:
        """The events since `not_before`, newest first."""
        with named_errors(f"reading the events of {stack_id}"):
            pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
            for page in pages:
                for event in page["StackEvents"]:
                    if event["Timestamp"] < not_before:
                        return
                    yield event


def not_updatable(stack: Stack) -> TargetNotReady:
    """The error for a stack in which no update can begin and no operation is in progress."""
    return TargetNotReady(
        f"stack {stack.name}: expected a status that allows an update, such as UPDATE_COMPLETE, "
        f"found {stack.status}; {remedy(stack.status)}"
    )


def _is_cause(event: Any) -> bool:
    """Whether the event is of a resource that failed, not of one given up because another had failed."""
    return (
        event["ResourceStatus"].endswith("_FAILED")
        and event["PhysicalResourceId"] != event["StackId"]
        and not _was_given_up(event)
    )


def _was_given_up(event: Any) -> bool:
    return event.get("ResourceStatusReason") in _GIVEN_UP


# The reasons of resources that CloudFormation gives up when another one has failed or the update is cancelled.
_GIVEN_UP = frozenset({"Resource creation cancelled", "Resource update cancelled"})


def _failure(event: Any) -> ResourceFailure:
    return ResourceFailure(
        logical_id=event["LogicalResourceId"],
        physical_id=event.get("PhysicalResourceId", ""),
        resource_type=event["ResourceType"],
        status=event["ResourceStatus"],
        reason=event.get("ResourceStatusReason", "no reason given"),
        at=event["Timestamp"],
    )


def update_request(wanted: UpdateRequest) -> dict[str, Any]:
    """What UpdateStack and CreateChangeSet take.

    Every other parameter is sent with its previous value: one that is left out would be reset to the template's
    default (CloudFormation API reference, UpdateStack). What CloudFormation keeps when it is not sent is not sent:
    tags, notification topics, the stack's own role.
    """
    stack = wanted.stack
    parameters = [
        {"ParameterKey": name, "ParameterValue": wanted.new_values[name]}
        if name in wanted.new_values
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in stack.parameters
    ]
    capabilities = list(stack.capabilities)
    if wanted.has_transforms and _EXPANSION not in capabilities:
        capabilities.append(_EXPANSION)
    request: dict[str, Any] = {
        "StackName": stack.stack_id,
        "UsePreviousTemplate": True,
        "Parameters": parameters,
        "Capabilities": capabilities,
    }
    if wanted.role_arn is not None and stack.role_arn is None:
        request["RoleARN"] = wanted.role_arn
    if wanted.rollback_configuration is not None:
        request["RollbackConfiguration"] = rollback_request(wanted.rollback_configuration)
    return request


def rollback_request(configuration: RollbackConfiguration) -> dict[str, Any]:
    """What an operation takes to replace the stack's rollback configuration; an empty list of triggers removes all."""
    return {
        "RollbackTriggers": [{"Arn": trigger.arn, "Type": trigger.type} for trigger in configuration.triggers],
        "MonitoringTimeInMinutes": configuration.minutes,
    }


def rollback_option(configuration: RollbackConfiguration) -> str:
    """The same for a person, as an option of `aws cloudformation update-stack`."""
    return f"--rollback-configuration {shlex.quote(json.dumps(rollback_request(configuration)))}"


def refused(stack: Stack, error: ClientError) -> TargetNotReady:
    """The error for an update that CloudFormation refuses as invalid."""
    return TargetNotReady(
        f"stack {stack.name}: expected an update of its AMI parameter alone, found CloudFormation refusing it: "
        f"{error_text(error)}; correct the stack or the target"
    )
