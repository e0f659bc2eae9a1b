"""The CloudFormation of one account and Region, in the shape of a moto backend: its stacks and what is done to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.utilities.utils import get_partition

from local_aws.cloudformation import preview
from local_aws.cloudformation.change_sets import NOTHING_TO_UPDATE, ChangeSet
from local_aws.cloudformation.errors import (
    AlreadyExists,
    ChangeSetNotFound,
    InvalidChangeSetStatus,
    StackDoesNotExist,
    TokenAlreadyExists,
    ValidationError,
)
from local_aws.cloudformation.evaluation import has_changes, signatures
from local_aws.cloudformation.exports import Exports
from local_aws.cloudformation.operations.creation import create_stack
from local_aws.cloudformation.operations.deletion import delete_stack
from local_aws.cloudformation.operations.progress import Progress
from local_aws.cloudformation.operations.update import Update
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.cloudformation.stacks import UPDATABLE, Inputs, Operation, Stack
from local_aws.cloudformation.validation import check_unchanged_types
from local_aws.core import clock, settings
from local_aws.core.ids import random_uuid

_REMEMBERED = timedelta(days=90)
BY_USER = "User Initiated"


class CloudFormationBackend(BaseBackend, TaggableResourcesMixin):  # type: ignore[misc]
    """Stacks, change sets and exports."""

    SERVICE_NAMESPACE = "cloudformation"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.stacks: dict[str, Stack] = {}
        self.deleted_stacks: dict[str, Stack] = {}
        self.change_sets: dict[str, ChangeSet] = {}
        self.exports = Exports(self.stacks)
        self._updates: dict[str, Update] = {}
        """The last update of each stack, by the stack's id."""
        self._creations: dict[str, Progress] = {}
        """The creation of each stack, likewise."""

    # -- stacks -------------------------------------------------------------------------------------------------

    def find(self, name_or_id: str) -> Stack | None:
        """The stack of that name, or of that id: by its id a deleted one is found as well, for 90 days."""
        for stack in self.stacks.values():
            if name_or_id in (stack.name, stack.stack_id):
                return stack
        return next((stack for stack in self.remembered() if stack.stack_id == name_or_id), None)

    def remembered(self) -> list[Stack]:
        """The stacks that were deleted in the last 90 days."""
        oldest = clock.current().now() - _REMEMBERED
        return [stack for stack in self.deleted_stacks.values() if (stack.deletion_time or oldest) >= oldest]

    def get(self, name_or_id: str) -> Stack:
        """The stack of that name or id.

        Raises StackDoesNotExist, with the text of the calls that describe.
        """
        stack = self.find(name_or_id)
        if stack is None:
            raise StackDoesNotExist(name_or_id)
        return stack

    def get_live(self, name_or_id: str) -> Stack:
        """The stack of that name or id.

        Raises ValidationError when there is none, or it is deleted, with the text of the calls that change.
        """
        stack = self.find(name_or_id)
        if stack is None or stack.status == "DELETE_COMPLETE":
            raise ValidationError(f"Stack [{name_or_id}] does not exist")
        return stack

    def _forget(self, stack: Stack) -> None:
        """Move a deleted stack to where only its id finds it."""
        self.stacks.pop(stack.stack_id, None)
        self.deleted_stacks[stack.stack_id] = stack
        self._updates.pop(stack.stack_id, None)
        self._creations.pop(stack.stack_id, None)
        self.change_sets = {key: value for key, value in self.change_sets.items() if value.stack is not stack}

    # -- operations ---------------------------------------------------------------------------------------------

    def _check_token(self, stack: Stack, kind: str, token: str | None, request: str) -> Operation | None:
        """The operation that the same request with the same token began, None when the token is new.

        Raises TokenAlreadyExists when another request had the token.
        """
        if token is None:
            return None
        for operation in stack.operations:
            if operation.token == token:
                if (operation.kind, operation.request) == (kind, request):
                    return operation
                raise TokenAlreadyExists()
        return None

    def _begin(self, stack: Stack, kind: str, token: str | None, request: str = "") -> Operation:
        operation = Operation(random_uuid(), kind, token, request, clock.current().now())
        stack.operations.append(operation)
        return operation

    def _run(self, task: Callable[[], object], stack: Stack, *, instant: bool = False) -> None:
        """Run an operation: as a task of the clock, unless it is instant and takes no time.

        An error that is no failure of the operation's is a defect: it ends the operation, and whoever waits gets it.
        """

        def run() -> None:
            try:
                task()
            except Exception as error:
                stack.break_off(f"the embedded AWS failed, with {type(error).__name__}: {error}")
                raise

        if instant:
            run()
        else:
            clock.current().spawn(run, f"CloudFormation: {stack.name}")

    # -- creation -----------------------------------------------------------------------------------------------

    def _arn(self, what: str) -> str:
        partition = get_partition(self.region_name)
        return f"arn:{partition}:cloudformation:{self.region_name}:{self.account_id}:{what}/{random_uuid()}"

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
        signatures(self.exports, stack, inputs)
        self.stacks[stack.stack_id] = stack
        return stack, self._begin_creation(stack, token, request, on_failure)

    def _begin_creation(self, stack: Stack, token: str | None, request: str, on_failure: str) -> Operation:
        operation = self._begin(stack, "CREATE_STACK", token, request)
        instant = settings.current(CloudFormationSettings).instant_create_and_delete
        progress = Progress(stack, operation, instant=instant)
        self._creations[stack.stack_id] = progress
        progress.set_status("CREATE_IN_PROGRESS", BY_USER)
        self._run(partial(create_stack, self.exports, progress, on_failure, self._forget), stack, instant=instant)
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
        new_policy: str | None = None,
        policy_during_update: str | None = None,
    ) -> Operation:
        """Begin to update a stack; the stack policies are as in Stack, and the new one is for later updates.

        Raises ValidationError when its status allows no update, or when nothing is to be done.
        """
        if repeated := self._check_token(stack, "UPDATE_STACK", token, request):
            return repeated
        self.check_updatable(stack)
        planned = signatures(self.exports, stack, inputs)
        if not has_changes(self.exports, stack, inputs, planned):
            raise ValidationError(NOTHING_TO_UPDATE)
        check_unchanged_types(stack, inputs.template)
        previous, stack.inputs = stack.inputs, inputs
        stack.rollback_configuration_before = previous.rollback_configuration
        operation = self._begin(stack, "UPDATE_STACK", token, request)
        for change_set in self.change_sets.values():
            change_set.obsolete |= change_set.stack is stack and change_set.id != request
        stack.last_updated = clock.current().now()
        stack.policy_during_update = policy_during_update
        progress = Progress(stack, operation, instant=False)
        update = self._updates[stack.stack_id] = Update(self.exports, progress, previous, planned, new_policy)
        progress.set_status("UPDATE_IN_PROGRESS", BY_USER)
        self._run(partial(update.run, disable_rollback=disable_rollback), stack)
        return operation

    def check_updatable(self, stack: Stack) -> None:
        """Raise ValidationError, in CloudFormation's words, when the stack's status allows no update."""
        if stack.status not in UPDATABLE:
            raise ValidationError(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")

    def cancel_update(self, name: str, token: str | None) -> None:
        """Begin to roll a running update back.

        Raises ValidationError when no update runs, or the one that runs is past that.
        """
        stack = self.get_live(name)
        if self._check_token(stack, "CANCEL_UPDATE", token, ""):
            return
        if stack.status != "UPDATE_IN_PROGRESS" or not self._updates[stack.stack_id].is_cancellable:
            raise ValidationError("CancelUpdateStack cannot be called from current stack status")
        # Without a token of its own, what follows still belongs to the update.
        running = stack.operations[-1]
        operation = self._begin(stack, "CANCEL_UPDATE", token or running.token)
        operation.id = running.id
        self._updates[stack.stack_id].cancel(operation)

    def continue_rollback(self, name: str, skip: list[str], token: str | None) -> None:
        """Go on with the rollback of an update that could not be rolled back.

        Raises ValidationError when there is none, or the stack does not have a resource that is to be skipped.
        """
        stack = self.get_live(name)
        if self._check_token(stack, "CONTINUE_ROLLBACK", token, ",".join(skip)):
            return
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise ValidationError("ContinueUpdateRollback cannot be called from current stack status")
        unknown = [item for item in skip if item not in stack.resources]
        if unknown:
            raise ValidationError(f"Resources: [{', '.join(unknown)}] do not exist in stack {stack.name}")
        self._roll_back(stack, self._begin(stack, "CONTINUE_ROLLBACK", token, ",".join(skip)), frozenset(skip))

    def roll_back(self, name: str, token: str | None) -> tuple[Stack, Operation]:
        """Roll back an update that failed with its rollback disabled.

        Raises ValidationError when there is none.
        """
        stack = self.get_live(name)
        if stack.status != "UPDATE_FAILED":
            raise ValidationError("RollbackUpdatedStack cannot be called from current stack status")
        operation = self._begin(stack, "ROLLBACK", token)
        self._roll_back(stack, operation, frozenset())
        return stack, operation

    def _roll_back(self, stack: Stack, operation: Operation, skip: frozenset[str]) -> None:
        stack.set_status(operation, "UPDATE_ROLLBACK_IN_PROGRESS", BY_USER)
        self._run(partial(self._updates[stack.stack_id].continue_rollback, operation, skip), stack)

    def signal(self, name: str, logical_id: str, unique_id: str, status: str) -> None:
        """Take a signal for a resource of the stack.

        Raises ValidationError when the resource is not there or awaits none.
        """
        stack = self.get_live(name)
        if logical_id not in stack.resources:
            raise ValidationError(f"Resource {logical_id} does not exist for stack {stack.name}")
        if logical_id not in stack.awaiting:
            if not stack.status.endswith("_IN_PROGRESS"):
                raise ValidationError(f"Stack:{stack.stack_id} is in {stack.status} state and can not be signaled.")
            state = stack.resources[logical_id].status
            raise ValidationError(f"Resource {logical_id} is in {state} state and can not be signaled.")
        stack.awaiting[logical_id].receive(unique_id, status)

    # -- deletion -----------------------------------------------------------------------------------------------

    def delete_stack(self, name: str, retain: list[str], token: str | None) -> None:
        """Begin to delete a stack; one that is not there is deleted already.

        Raises ValidationError when the stack may not be deleted as it is.
        """
        stack = self.find(name)
        if stack is None or stack.status in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
            return
        if stack.termination_protection:
            raise ValidationError(f"Stack [{stack.stack_id}] cannot be deleted while TerminationProtection is enabled")
        if stack.status.endswith("_IN_PROGRESS") and stack.status not in ("REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS"):
            raise ValidationError(f"Stack [{stack.stack_id}] cannot be deleted while in status {stack.status}")
        if retain and stack.status != "DELETE_FAILED":
            raise ValidationError(
                f"Invalid operation on stack [{stack.stack_id}]. Resources can only be retained when the stack is in "
                "the DELETE_FAILED state."
            )
        self.exports.check_deletion(stack)
        if stack.status == "CREATE_IN_PROGRESS":
            self._creations[stack.stack_id].stop()
        operation = self._begin(stack, "DELETE_STACK", token)
        instant = settings.current(CloudFormationSettings).instant_create_and_delete
        progress = Progress(stack, operation, instant=instant)
        self._run(partial(delete_stack, progress, set(retain), BY_USER, self._forget), stack, instant=instant)

    # -- change sets --------------------------------------------------------------------------------------------

    def create_change_set(
        self,
        name: str,
        kind: str,
        stack: Stack,
        inputs: Inputs,
        description: str | None,
        *,
        on_failure: str | None,
        includes_nested_stacks: bool,
        imports_existing_resources: bool,
    ) -> ChangeSet:
        """Make a change set for the stack; one without changes, or whose transforms failed, is there too, FAILED.

        Raises AlreadyExists when the stack has one of that name.
        """
        if any(change_set.name == name and change_set.stack is stack for change_set in self.change_sets.values()):
            raise AlreadyExists(f"ChangeSet {name} already exists")
        identifier = self._arn(f"changeSet/{name}")
        # An import without its export is an error only when the change set is executed.
        exports = replace(self.exports, missing=preview.KNOWN_AFTER_APPLY)
        planned = signatures(exports, stack, inputs)
        change_set = ChangeSet(
            identifier,
            name,
            kind,
            stack,
            inputs,
            description,
            [] if inputs.template.failure is not None else preview.changes(exports, stack, inputs, planned),
            clock.current().now(),
            clock.current().time() + settings.current(CloudFormationSettings).change_set_seconds,
            on_failure,
            includes_nested_stacks,
            imports_existing_resources,
        )
        if kind == "UPDATE":
            check_unchanged_types(stack, inputs.template)
            change_set.has_changes = has_changes(exports, stack, inputs, planned)
        self.stacks.setdefault(stack.stack_id, stack)
        self.change_sets[identifier] = change_set
        return change_set

    def new_stack_in_review(self, name: str, inputs: Inputs) -> Stack:
        """The stack that a change set of the type CREATE is made for."""
        for stack in self.stacks.values():
            if stack.name == name and stack.status == "REVIEW_IN_PROGRESS":
                return stack
        stack = self._new_stack(name, inputs)
        stack.set_status(self._begin(stack, "CREATE_CHANGESET", None), "REVIEW_IN_PROGRESS", BY_USER)
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

    def execute_change_set(self, change_set: ChangeSet, token: str | None, on_failure: str) -> None:
        """Begin the operation that the change set describes.

        `on_failure` is ROLLBACK, DO_NOTHING or DELETE; an update is rolled back also then.
        Raises InvalidChangeSetStatus when it cannot be executed, or not any more.
        """
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
            # On record (test_base_global_macro): a stack that a change set has created was updated, too.
            stack.last_updated = clock.current().now()
            self._begin_creation(stack, token, change_set.id, on_failure)
        else:
            disable_rollback = on_failure == "DO_NOTHING"
            self.update_stack(
                stack, change_set.inputs, token=token, request=change_set.id, disable_rollback=disable_rollback
            )
            change_set.executed = True
        stack.change_set_id = change_set.id
        # Executing one deletes the other change sets of the stack.
        self.change_sets = {
            key: value for key, value in self.change_sets.items() if value.stack is not stack or value is change_set
        }

    # -- moto's resource groups tagging API -----------------------------------------------------------------------

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        for stack in self.stacks.values():
            yield TaggedResource(arn=stack.stack_id, tags=dict(stack.inputs.tags), resource_type="cloudformation:stack")


cloudformation_backends = BackendDict(CloudFormationBackend, "cloudformation")
