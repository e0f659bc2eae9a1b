"""The CloudFormation of one account and Region, in the shape of a moto backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.moto_api._internal import mock_random
from moto.utilities.utils import get_partition

from local_aws.cloudformation import schemas, types
from local_aws.cloudformation.change_sets import changes
from local_aws.cloudformation.deployment import Deployment, output_signature, signatures
from local_aws.cloudformation.errors import (
    AlreadyExists,
    ChangeSetNotFound,
    InsufficientCapabilities,
    InvalidChangeSetStatus,
    OperationFailed,
    StackDoesNotExist,
    TokenAlreadyExists,
    ValidationError,
)
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.cloudformation.stacks import UPDATABLE, Inputs, Operation, Output, Stack
from local_aws.cloudformation.template import Template
from local_aws.core import clock, settings

NOTHING_TO_UPDATE = "No updates are to be performed."
NOTHING_IN_CHANGE_SET = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)


@dataclass
class ChangeSet:
    """A change set: the inputs that a stack would have, and what would change. It is made when `made_at` has come."""

    id: str
    name: str
    kind: str
    stack: Stack
    inputs: Inputs
    description: str | None
    changes: list[dict[str, Any]]
    created: datetime
    made_at: float
    has_changes: bool = True
    executed: bool = False
    obsolete: bool = False
    """Whether the stack has been updated in another way since."""

    @property
    def status(self) -> str:
        if clock.current().time() < self.made_at:
            return "CREATE_IN_PROGRESS"
        return "CREATE_COMPLETE" if self.has_changes else "FAILED"

    @property
    def status_reason(self) -> str | None:
        return NOTHING_IN_CHANGE_SET if self.status == "FAILED" else None

    @property
    def execution_status(self) -> str:
        if self.executed:
            return "EXECUTE_COMPLETE"
        if self.obsolete:
            return "OBSOLETE"
        return "AVAILABLE" if self.status == "CREATE_COMPLETE" else "UNAVAILABLE"


class CloudFormationBackend(BaseBackend, TaggableResourcesMixin):  # type: ignore[misc]
    """Stacks, change sets and exports."""

    SERVICE_NAMESPACE = "cloudformation"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.stacks: dict[str, Stack] = {}
        self.deleted_stacks: dict[str, Stack] = {}
        self.change_sets: dict[str, ChangeSet] = {}

    # -- finding ------------------------------------------------------------------------------------------------

    def find(self, name_or_id: str) -> Stack | None:
        """The stack of that name, or of that id: by its id a deleted one is found as well."""
        for stack in self.stacks.values():
            if name_or_id in (stack.name, stack.stack_id):
                return stack
        return self.deleted_stacks.get(name_or_id)

    def get(self, name_or_id: str) -> Stack:
        """The stack of that name or id.

        Raises StackDoesNotExist, with the text of the calls that describe.
        """
        stack = self.find(name_or_id)
        if stack is None:
            raise StackDoesNotExist(name_or_id)
        return stack

    def _get_live(self, name_or_id: str) -> Stack:
        stack = self.find(name_or_id)
        if stack is None or stack.status == "DELETE_COMPLETE":
            raise ValidationError(f"Stack [{name_or_id}] does not exist")
        return stack

    def forget(self, stack: Stack) -> None:
        """Move a deleted stack to where only its id finds it."""
        self.stacks.pop(stack.stack_id, None)
        self.deleted_stacks[stack.stack_id] = stack
        self.change_sets = {key: value for key, value in self.change_sets.items() if value.stack is not stack}

    # -- exports ------------------------------------------------------------------------------------------------

    def exports(self) -> list[tuple[Stack, Output]]:
        return [(stack, output) for stack in self.stacks.values() for output in stack.exports]

    def export_value(self, name: str) -> str:
        """The value of the export of that name.

        Raises ValidationError when no stack exports it.
        """
        for _, output in self.exports():
            if output.export_name == name:
                return output.value
        raise ValidationError(f"No export named {name} found.")

    def importers(self, name: str) -> list[Stack]:
        return [stack for stack in self.stacks.values() if name in stack.imports]

    def check_exports(self, stack: Stack, outputs: list[Output]) -> None:
        """Raise OperationFailed unless the stack may have these outputs instead of those that it has."""
        for output in outputs:
            for owner, other in self.exports():
                if owner is not stack and output.export_name is not None and output.export_name == other.export_name:
                    raise OperationFailed(
                        f"Export with name {output.export_name} is already exported by stack {owner.name}. "
                    )
        new = {output.export_name: output.value for output in outputs if output.export_name}
        for output in stack.exports:
            users = [user.name for user in self.importers(str(output.export_name)) if user is not stack]
            if not users or new.get(str(output.export_name)) == output.value:
                continue
            verb = "updated" if output.export_name in new else "deleted"
            raise OperationFailed(f"Export {output.export_name} cannot be {verb} as it is in use by {', '.join(users)}")

    # -- checks -------------------------------------------------------------------------------------------------

    def check_template(self, template: Template) -> None:
        """Raise ValidationError when the template needs what AWS, or the embedded AWS, does not have."""
        if template.transforms:
            raise ValidationError(
                f"the embedded AWS does not expand transforms, found [{', '.join(template.transforms)}]: "
                "transform the template first (AWS::Serverless: with samtranslator)"
            )
        unknown = [name for name in template.resource_types if types.find(name) is None]
        if unknown:
            nowhere = [name for name in unknown if not schemas.exists(name)]
            known_to_aws = [name for name in unknown if schemas.exists(name)]
            said = f" AWS has {', '.join(known_to_aws)}." if known_to_aws else ""
            said += f" AWS does not have {', '.join(nowhere)} either." if nowhere else ""
            raise ValidationError(
                f"Template format error: Unrecognized resource types: [{', '.join(unknown)}] "
                f"(the embedded AWS does not model them.{said})"
            )

    def check_capabilities(self, template: Template, acknowledged: list[str]) -> None:
        """Raise InsufficientCapabilities when the template needs what is not acknowledged."""
        given = set(acknowledged)
        if "CAPABILITY_NAMED_IAM" in given:
            given.add("CAPABILITY_IAM")
        missing = [name for name in template.required_capabilities if name not in given]
        if missing:
            raise InsufficientCapabilities(missing)

    def _check_token(self, stack: Stack, kind: str, token: str | None, request: str) -> Operation | None:
        """The operation that the same request with the same token began, None when the token is new."""
        if token is None:
            return None
        for operation in stack.operations:
            if operation.token == token:
                if (operation.kind, operation.request) == (kind, request):
                    return operation
                raise TokenAlreadyExists()
        return None

    def _begin(self, stack: Stack, kind: str, token: str | None, request: str = "") -> Operation:
        operation = Operation(str(mock_random.uuid4()), kind, token, request, clock.current().now())
        stack.operations.append(operation)
        return operation

    def _run(self, task: Callable[[], object], stack: Stack, *, instant: bool) -> None:
        if instant:
            task()
        else:
            clock.current().spawn(task, f"CloudFormation: {stack.name}")

    # -- create -------------------------------------------------------------------------------------------------

    def _arn(self, what: str) -> str:
        partition = get_partition(self.region_name)
        return f"arn:{partition}:cloudformation:{self.region_name}:{self.account_id}:{what}/{mock_random.uuid4()}"

    def _new_stack(self, name: str, inputs: Inputs) -> Stack:
        if any(stack.name == name for stack in self.stacks.values()):
            raise AlreadyExists(f"Stack [{name}] already exists")
        return Stack(self._arn(f"stack/{name}"), name, self.account_id, self.region_name, inputs)

    def create_stack(
        self,
        name: str,
        inputs: Inputs,
        *,
        token: str | None = None,
        request: str = "",
        on_failure: str = "ROLLBACK",
        attributes: Mapping[str, Any] | None = None,
    ) -> tuple[Stack, Operation]:
        """Begin to create a stack; `attributes` are set on the new Stack."""
        for stack in self.stacks.values():
            if stack.name == name and (repeated := self._check_token(stack, "CREATE_STACK", token, request)):
                return stack, repeated
        stack = self._new_stack(name, inputs)
        for key, value in (attributes or {}).items():
            setattr(stack, key, value)
        signatures(self, stack, inputs)
        self.stacks[stack.stack_id] = stack
        return stack, self._begin_creation(stack, token, request, on_failure)

    def _begin_creation(self, stack: Stack, token: str | None, request: str, on_failure: str) -> Operation:
        operation = self._begin(stack, "CREATE_STACK", token, request)
        instant = settings.current(CloudFormationSettings).instant_create_and_delete
        deployment = Deployment(self, stack, operation, instant=instant)
        stack.set_status(operation, "CREATE_IN_PROGRESS", "User Initiated")
        self._run(partial(deployment.create, on_failure), stack, instant=instant)
        return operation

    # -- update -------------------------------------------------------------------------------------------------

    def update_stack(
        self,
        stack: Stack,
        inputs: Inputs,
        *,
        token: str | None = None,
        request: str = "",
        disable_rollback: bool = False,
    ) -> Operation:
        """Begin to update a stack.

        Raises ValidationError when it is busy or wedged, or when nothing is to be done.
        """
        if repeated := self._check_token(stack, "UPDATE_STACK", token, request):
            return repeated
        self.check_updatable(stack)
        planned = signatures(self, stack, inputs)
        if not self.differs(stack, inputs, planned):
            raise ValidationError(NOTHING_TO_UPDATE)
        self._check_types(stack, inputs.template)
        previous, stack.inputs = stack.inputs, inputs
        operation = self._begin(stack, "UPDATE_STACK", token, request)
        for change_set in self.change_sets.values():
            change_set.obsolete |= change_set.stack is stack and change_set.id != request
        stack.last_updated = clock.current().now()
        deployment = Deployment(self, stack, operation, instant=False)
        stack.set_status(operation, "UPDATE_IN_PROGRESS", "User Initiated")
        self._run(
            partial(deployment.update, previous, planned, disable_rollback=disable_rollback),
            stack,
            instant=False,
        )
        return operation

    def check_updatable(self, stack: Stack) -> None:
        """Raise ValidationError, in CloudFormation's words, when the stack's status allows no update."""
        if stack.status not in UPDATABLE:
            raise ValidationError(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")

    def differs(self, stack: Stack, inputs: Inputs, planned: Mapping[str, str]) -> bool:
        """Whether the inputs say anything of the resources, outputs or tags that the stack does not have yet."""
        current = {name: resource.definition.signature for name, resource in stack.resources.items()}
        return (
            dict(planned) != current
            or stack.status in ("UPDATE_FAILED", "CREATE_FAILED")
            or dict(inputs.tags) != dict(stack.inputs.tags)
            or output_signature(self, stack, inputs) != output_signature(self, stack, stack.inputs)
        )

    def _check_types(self, stack: Stack, template: Template) -> None:
        changed = [
            name
            for name, resource in stack.resources.items()
            if name in template.resources and template.resources[name]["Type"] != resource.definition.type
        ]
        if changed:
            raise ValidationError(
                "Update of resource type is not permitted. The new template modifies resource type of the following "
                f"resources: [{', '.join(changed)}]"
            )

    def cancel_update(self, name: str, token: str | None) -> None:
        """Begin to roll a running update back."""
        stack = self._get_live(name)
        if self._check_token(stack, "CANCEL_UPDATE", token, ""):
            return
        if stack.status != "UPDATE_IN_PROGRESS" or not stack.deployment.cancellable:
            raise ValidationError("CancelUpdateStack cannot be called from current stack status")
        # Without a token of its own, what follows still belongs to the update.
        running = stack.operations[-1]
        operation = self._begin(stack, "CANCEL_UPDATE", token or running.token)
        operation.id = running.id
        stack.deployment.cancel(operation)

    def continue_rollback(self, name: str, skip: list[str], token: str | None) -> None:
        """Go on with the rollback of an update that could not be rolled back."""
        stack = self._get_live(name)
        if self._check_token(stack, "CONTINUE_ROLLBACK", token, ",".join(skip)):
            return
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise ValidationError("ContinueUpdateRollback cannot be called from current stack status")
        unknown = [item for item in skip if item not in stack.resources]
        if unknown:
            raise ValidationError(f"Resources: [{', '.join(unknown)}] do not exist in stack {stack.name}")
        operation = self._begin(stack, "CONTINUE_ROLLBACK", token, ",".join(skip))
        stack.set_status(operation, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
        self._run(partial(stack.deployment.continue_rollback, operation, frozenset(skip)), stack, instant=False)

    def roll_back(self, name: str, token: str | None) -> tuple[Stack, Operation]:
        """Roll back an update that failed with its rollback disabled."""
        stack = self._get_live(name)
        if stack.status != "UPDATE_FAILED" or stack.deployment is None:
            raise ValidationError("RollbackUpdatedStack cannot be called from current stack status")
        operation = self._begin(stack, "ROLLBACK", token)
        stack.set_status(operation, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
        self._run(partial(stack.deployment.continue_rollback, operation, frozenset()), stack, instant=False)
        return stack, operation

    def signal(self, name: str, logical_id: str, unique_id: str, status: str) -> None:
        """Take a signal for a resource of the stack.

        Raises ValidationError when the resource is not there or awaits none.
        """
        stack = self._get_live(name)
        if logical_id not in stack.resources:
            raise ValidationError(f"Resource {logical_id} does not exist for stack {stack.name}")
        if logical_id not in stack.awaiting:
            if not stack.status.endswith("_IN_PROGRESS"):
                raise ValidationError(f"Stack:{stack.stack_id} is in {stack.status} state and can not be signaled.")
            state = stack.resources[logical_id].status
            raise ValidationError(f"Resource {logical_id} is in {state} state and can not be signaled.")
        stack.deployment.signal(logical_id, unique_id, status)

    # -- delete -------------------------------------------------------------------------------------------------

    def delete_stack(self, name: str, retain: list[str], token: str | None) -> None:
        """Begin to delete a stack; one that is not there is deleted already."""
        stack = self.find(name)
        if stack is None or stack.status in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
            return
        if stack.termination_protection:
            raise ValidationError(f"Stack [{stack.stack_id}] cannot be deleted while TerminationProtection is enabled")
        if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
            raise ValidationError(f"Stack [{stack.stack_id}] cannot be deleted while in status {stack.status}")
        if retain and stack.status != "DELETE_FAILED":
            raise ValidationError(
                f"Invalid operation on stack [{stack.stack_id}]. Resources can only be retained when the stack is in "
                "the DELETE_FAILED state."
            )
        for output in stack.exports:
            users = [user.name for user in self.importers(str(output.export_name)) if user is not stack]
            if users:
                raise ValidationError(
                    f"Export {output.export_name} cannot be deleted as it is in use by {', '.join(users)}"
                )
        operation = self._begin(stack, "DELETE_STACK", token)
        instant = settings.current(CloudFormationSettings).instant_create_and_delete
        deployment = Deployment(self, stack, operation, instant=instant)
        self._run(partial(deployment.delete, set(retain)), stack, instant=instant)

    # -- change sets --------------------------------------------------------------------------------------------

    def create_change_set(
        self, name: str, kind: str, stack: Stack, inputs: Inputs, description: str | None
    ) -> ChangeSet:
        """Make a change set for the stack; one without changes is there too, FAILED."""
        if any(other.name == name and other.stack is stack for other in self.change_sets.values()):
            raise AlreadyExists(f"ChangeSet {name} already exists")
        identifier = self._arn(f"changeSet/{name}")
        planned = signatures(self, stack, inputs)
        change_set = ChangeSet(
            identifier,
            name,
            kind,
            stack,
            inputs,
            description,
            changes(self, stack, inputs, planned),
            clock.current().now(),
            clock.current().time() + settings.current(CloudFormationSettings).change_set_seconds,
        )
        if kind == "UPDATE":
            self._check_types(stack, inputs.template)
            change_set.has_changes = self.differs(stack, inputs, planned)
        self.stacks.setdefault(stack.stack_id, stack)
        self.change_sets[identifier] = change_set
        return change_set

    def new_stack_in_review(self, name: str, inputs: Inputs) -> Stack:
        """The stack that a change set of the type CREATE is made for."""
        for stack in self.stacks.values():
            if stack.name == name and stack.status == "REVIEW_IN_PROGRESS":
                return stack
        stack = self._new_stack(name, inputs)
        stack.set_status(self._begin(stack, "CREATE_CHANGESET", None), "REVIEW_IN_PROGRESS", "User Initiated")
        return stack

    def find_change_set(self, name_or_id: str, stack_name: str | None) -> ChangeSet:
        """The change set of that id, or of that name for that stack.

        Raises ChangeSetNotFound.
        """
        for change_set in self.change_sets.values():
            if change_set.id == name_or_id or (
                change_set.name == name_or_id and stack_name in (change_set.stack.name, change_set.stack.stack_id)
            ):
                return change_set
        raise ChangeSetNotFound(name_or_id)

    def execute_change_set(self, change_set: ChangeSet, token: str | None, *, disable_rollback: bool) -> None:
        """Begin the operation that the change set describes."""
        if change_set.execution_status == "OBSOLETE":
            raise InvalidChangeSetStatus(
                f"ChangeSet [{change_set.id}] cannot be executed in its current execution status of [OBSOLETE]"
            )
        if change_set.execution_status != "AVAILABLE":
            raise InvalidChangeSetStatus(
                f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]"
            )
        stack = change_set.stack
        if change_set.kind == "CREATE":
            if stack.status != "REVIEW_IN_PROGRESS":
                raise InvalidChangeSetStatus(f"Stack [{stack.stack_id}] is in {stack.status} state")
            stack.inputs = change_set.inputs
            change_set.executed = True
            self._begin_creation(stack, token, change_set.id, "DO_NOTHING" if disable_rollback else "ROLLBACK")
        else:
            self.update_stack(
                stack, change_set.inputs, token=token, request=change_set.id, disable_rollback=disable_rollback
            )
            change_set.executed = True
        # Executing one makes the others of the stack obsolete.
        self.change_sets = {
            key: value for key, value in self.change_sets.items() if value.stack is not stack or value is change_set
        }

    # -- moto's resource groups tagging API -----------------------------------------------------------------------

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        for stack in self.stacks.values():
            yield TaggedResource(arn=stack.stack_id, tags=dict(stack.inputs.tags), resource_type="cloudformation:stack")


cloudformation_backends = BackendDict(CloudFormationBackend, "cloudformation")
