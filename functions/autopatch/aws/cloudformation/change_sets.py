"""CloudFormation's change sets: updates of stacks that can be read before they are executed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from autopatch.aws.client import create_client, error_code, is_transient, named_errors
from autopatch.aws.cloudformation.refusals import Refusal, refusal, says_no_changes
from autopatch.aws.cloudformation.stacks import Stack, UpdateRequest, refused, update_request
from autopatch.errors import TargetNotReady, UnknownStatus

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient


class ChangeSetState(Enum):
    """What the status of a change set means to someone who is waiting to execute it."""

    CREATING = auto()
    READY = auto()
    NO_CHANGES = auto()
    GONE = auto()
    """Deleted, executed or made obsolete by another operation on the stack."""


_STATES = {
    "CREATE_PENDING": ChangeSetState.CREATING,
    "CREATE_IN_PROGRESS": ChangeSetState.CREATING,
    "CREATE_COMPLETE": ChangeSetState.READY,
    "DELETE_PENDING": ChangeSetState.GONE,
    "DELETE_IN_PROGRESS": ChangeSetState.GONE,
    "DELETE_COMPLETE": ChangeSetState.GONE,
    "DELETE_FAILED": ChangeSetState.GONE,
}

# Whether one can still be executed is not in its status (CloudFormation API reference, DescribeChangeSet).
_STILL_THERE = {
    "UNAVAILABLE": True,
    "AVAILABLE": True,
    "EXECUTE_IN_PROGRESS": False,
    "EXECUTE_COMPLETE": False,
    "EXECUTE_FAILED": False,
    "OBSOLETE": False,
}


@dataclass(frozen=True)
class Cause:
    """Why a property of a resource changes: the source, and the parameter or resource behind it, if there is one.

    `evaluation` is Static or Dynamic; a DirectModification that only repeats a reference is Dynamic, on record without
    exception, and one that stands for itself is Static.
    """

    source: str
    entity: str | None
    evaluation: str = "Static"

    @property
    def is_repetition(self) -> bool:
        """Whether it only says that a function in the template evaluates to something else, for another cause."""
        return self.source == "DirectModification" and self.evaluation == "Dynamic"


@dataclass(frozen=True)
class Change:
    """What an update would do to one resource.

    `after` is the resource as it would be, as far as CloudFormation shows it: attributes such as Properties, by name.
    """

    action: str
    logical_id: str
    resource_type: str
    replacement: str
    properties: tuple[str, ...]
    causes: tuple[Cause, ...]
    after: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        how = {"True": "replaced", "Conditional": "replaced if its new values need it", "False": "changed in place"}
        done = how.get(self.replacement, self.replacement) if self.action == "Modify" else self.action.lower()
        properties = f" ({', '.join(self.properties)})" if self.properties else ""
        return f"{self.logical_id} ({self.resource_type}): {done}{properties}"


@dataclass(frozen=True)
class ChangeSet:
    """A change set as it is now; all but its state is known when it is READY."""

    change_set_id: str
    state: ChangeSetState
    changes: tuple[Change, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The values that the stack's parameters would have; of one that names an SSM parameter, that one's value."""
    template: str | Mapping[str, Any] = field(default_factory=dict)
    """The template that would be used, its transforms processed: a text, or what boto3 has read from JSON."""


class ChangeSets:
    """The calls that a patch run makes about change sets."""

    def __init__(self, client: CloudFormationClient | None = None) -> None:
        self._client: CloudFormationClient = client or create_client("cloudformation")

    def begin(self, wanted: UpdateRequest, name: str, description: str) -> str | None:
        """Create a change set for the update; returns its id, None for a busy stack.

        It is created once, however often this is called with the same `name`. The description is for people.

        Raises TargetNotReady when CloudFormation refuses it.
        """
        stack = wanted.stack
        with named_errors(f"previewing the update of the stack {stack.name}"):
            try:
                answer = self._client.create_change_set(
                    **update_request(wanted), ChangeSetName=name, Description=description
                )
            except ClientError as error:
                if error_code(error) == "AlreadyExistsException":
                    return self._id(stack, name)
                meaning = refusal(error)
                if meaning is Refusal.STATE:
                    return None
                if meaning is Refusal.INVALID:
                    raise refused(stack, error) from error
                raise
        return answer["Id"]

    def _id(self, stack: Stack, name: str) -> str:
        return self._client.describe_change_set(ChangeSetName=name, StackName=stack.stack_id)["ChangeSetId"]

    def change_set(self, change_set_id: str, stack_name: str) -> ChangeSet:
        """The change set with all its changes.

        Raises TargetNotReady when CloudFormation could not make it, which is deleted then; UnknownStatus for a status
        that is not documented.
        """
        with named_errors(f"reading the preview of the stack {stack_name}"):
            try:
                return self._described(change_set_id, stack_name)
            except ClientError as error:
                if error_code(error) == "ChangeSetNotFound":
                    return ChangeSet(change_set_id, ChangeSetState.GONE)
                raise

    def _described(self, change_set_id: str, stack_name: str) -> ChangeSet:
        # The description without property values is the one that lists every change: with them, CloudFormation leaves
        # out what only reads an attribute of a resource that is changed in place, may warn that it is incomplete, and
        # may give no reason (on record for all of 8 change sets; aws/aws-cdk-cli#1780, boto/boto3#4178).
        pages = self._pages(ChangeSetName=change_set_id)
        try:
            state = _state(pages[0], stack_name)
        except TargetNotReady:
            self.delete(change_set_id, stack_name)
            raise
        if state is not ChangeSetState.READY:
            return ChangeSet(change_set_id, state)
        contexts = self._contexts(change_set_id)
        template = self._client.get_template(
            StackName=stack_name, ChangeSetName=change_set_id, TemplateStage="Processed"
        )
        return ChangeSet(
            change_set_id,
            state,
            tuple(
                _change(change, contexts.get(change["LogicalResourceId"], {})) for change in _resource_changes(pages)
            ),
            {
                parameter["ParameterKey"]: parameter.get("ResolvedValue", parameter.get("ParameterValue", ""))
                for parameter in pages[0].get("Parameters", [])
            },
            template["TemplateBody"],
        )

    def _pages(self, **request: Any) -> list[Any]:
        return list(self._client.get_paginator("describe_change_set").paginate(**request))

    def _contexts(self, change_set_id: str) -> dict[str, Mapping[str, Any]]:
        """The resources as they would be, by their logical ids, as far as CloudFormation shows any.

        What it answers where it shows none at all is neither documented nor on record: any refusal is taken for that.
        """
        try:
            pages = self._pages(ChangeSetName=change_set_id, IncludePropertyValues=True)
        except ClientError as error:
            if is_transient(error):
                raise
            return {}
        return {
            change["LogicalResourceId"]: _context(change.get("AfterContext", "")) for change in _resource_changes(pages)
        }

    def execute(self, change_set_id: str, stack_name: str, token: str) -> bool:
        """Start the update; False when the change set can no longer be executed, because another operation came first.

        `token` marks the events of the update; sent again, it starts nothing twice.
        """
        with named_errors(f"executing the change set of the stack {stack_name}"):
            try:
                self._client.execute_change_set(ChangeSetName=change_set_id, ClientRequestToken=token)
            except ClientError as error:
                if refusal(error) is Refusal.TOKEN_IN_USE:
                    return True
                if error_code(error) in ("ChangeSetNotFound", "InvalidChangeSetStatus"):
                    return False
                if refusal(error) is Refusal.STATE:
                    return False
                raise
        return True

    def delete(self, change_set_id: str, stack_name: str) -> None:
        """Delete a change set that will not be executed.

        One that is already gone is fine; so is one that cannot be deleted just now, since it changes nothing.
        """
        with named_errors(f"deleting the change set of the stack {stack_name}"):
            try:
                self._client.delete_change_set(ChangeSetName=change_set_id)
            except ClientError as error:
                if error_code(error) not in ("ChangeSetNotFound", "InvalidChangeSetStatus"):
                    raise


def _state(document: Mapping[str, Any], stack_name: str) -> ChangeSetState:
    status, execution_status = document["Status"], document.get("ExecutionStatus", "UNAVAILABLE")
    reason = document.get("StatusReason", "")
    if status not in {*_STATES, "FAILED"} or execution_status not in _STILL_THERE:
        raise UnknownStatus(
            f"stack {stack_name}: expected a change set in one of CloudFormation's documented statuses, found "
            f"{status!r}, {execution_status!r}; look at the stack's change sets in the console, and update "
            "AMI Autopatch"
        )
    if not _STILL_THERE[execution_status]:
        return ChangeSetState.GONE
    if status == "FAILED":
        # Only its reason shows that a change set is FAILED for having no changes (API reference, DescribeChangeSet).
        if says_no_changes(reason):
            return ChangeSetState.NO_CHANGES
        raise TargetNotReady(
            f"stack {stack_name}: expected a change set of its AMI parameter alone, found that CloudFormation could "
            f"not make it: {reason or 'no reason given'}; correct the stack or the target"
        )
    return _STATES[status]


def _context(text: str) -> Mapping[str, Any]:
    """The context of a resource, empty when there is none or it cannot be read, as one that was cut off."""
    try:
        context = json.loads(text)
    except ValueError:
        return {}
    return context if isinstance(context, dict) else {}


def _resource_changes(pages: list[Any]) -> list[Mapping[str, Any]]:
    return [change["ResourceChange"] for page in pages for change in page.get("Changes", [])]


def _change(document: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    details = document.get("Details", [])
    return Change(
        action=document["Action"],
        logical_id=document["LogicalResourceId"],
        resource_type=document["ResourceType"],
        replacement=document.get("Replacement", "False"),
        properties=tuple(
            dict.fromkeys(detail["Target"].get("Name") or detail["Target"]["Attribute"] for detail in details)
        ),
        causes=tuple(
            Cause(detail["ChangeSource"], detail.get("CausingEntity"), detail.get("Evaluation", "Static"))
            for detail in details
        ),
        after=after,
    )
