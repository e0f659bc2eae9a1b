"""The update of a stack, its cancellation and its rollback.

Sources: CloudFormation User Guide, "Understand update behaviors of stack resources", "Canceling a stack update",
"Continue rolling back an update", "Stack failure options".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from local_aws.cloudformation.errors import OperationFailed
from local_aws.cloudformation.exports import Exports
from local_aws.cloudformation.operations.checks import check_inputs, monitor, set_outputs, watch_alarms
from local_aws.cloudformation.operations.progress import Cancelled, Progress
from local_aws.cloudformation.operations.provisioning import Change, Provisioner
from local_aws.cloudformation.operations.removal import clean_up
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.cloudformation.stacks import Inputs, Operation
from local_aws.core import settings
from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceFailed
from local_aws.core.resources import Resource


class Update:
    """An update that brings a stack from its `previous` inputs to those that it has.

    `planned` has the signature of each resource that the stack will have. `new_policy` is the stack policy that it has
    afterwards, None when that stays; an update does not heed it (on record, test_set_policy_with_update_operation).
    """

    def __init__(
        self,
        exports: Exports,
        progress: Progress,
        previous: Inputs,
        planned: Mapping[str, str],
        new_policy: str | None = None,
    ) -> None:
        self._exports = exports
        self._progress = progress
        self._stack = progress.stack
        self._previous = previous
        self._previous_imports = set(progress.stack.imports)
        self._planned = planned
        self._new_policy = new_policy
        self._provisioner = Provisioner(exports, progress)
        self.is_cancellable = True

    def run(self, *, disable_rollback: bool) -> None:
        """Update the stack. Without a rollback, one that fails stays as it is then, and can be rolled back later."""
        stack, progress = self._stack, self._progress
        try:
            removed = self._deploy()
        except Cancelled:
            self._roll_back()
            return
        except OperationFailed as error:
            if disable_rollback:
                progress.set_status("UPDATE_FAILED", str(error))
                progress.end()
                return
            progress.set_status("UPDATE_ROLLBACK_IN_PROGRESS", str(error))
            self._roll_back()
            return
        self.is_cancellable = False
        progress.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        for resource in removed:
            del stack.resources[resource.logical_id]
        clean_up(progress, removed)
        if self._new_policy is not None:
            stack.policy = self._new_policy
        progress.set_status("UPDATE_COMPLETE")
        progress.end()

    def _deploy(self) -> list[Resource]:
        """All of an update that can be rolled back; returns the resources that the template has no longer.

        Raises OperationFailed, Cancelled.
        """
        stack, progress = self._stack, self._progress
        if progress.is_cancelled:
            raise Cancelled()
        check_inputs(stack, self._previous)
        with watch_alarms(progress):
            self._provisioner.deploy(self._planned, is_update=True)
            monitor(progress)
        removed = [stack.resources[name] for name in reversed(list(stack.resources)) if name not in self._planned]
        self._provisioner.check_removal(removed)
        set_outputs(self._exports, stack)
        return removed

    def cancel(self, operation: Operation) -> None:
        """Stop the update where it is and roll it back; what happens from now on belongs to `operation`."""
        self.is_cancellable = False
        self._progress.cancel(operation)

    def continue_rollback(self, operation: Operation, skip: frozenset[str]) -> None:
        """Go on with a rollback that failed, or begin the one that was disabled, as `operation`.

        The resources of `skip` stay as they are.
        """
        self._progress.resume(operation)
        self._roll_back(skip, may_fail=False)

    def _roll_back(self, skip: frozenset[str] = frozenset(), *, may_fail: bool = True) -> None:
        stack, progress, changes = self._stack, self._progress, self._provisioner.changes
        self.is_cancellable = False
        progress.begin_rollback()
        refusal = settings.current(CloudFormationSettings).rollback_fails.get(stack.name, "") if may_fail else ""
        while changes:
            change = changes[0]
            try:
                if refusal and progress.failed in (None, change.logical_id):
                    raise ResourceFailed(refusal)
                self._provisioner.undo(change, skip)
            except (ResourceFailed, NotModelled) as error:
                self._rollback_failed(change, str(error))
                return
            changes.pop(0)
        kept = self._previous
        if not settings.current(CloudFormationSettings).reverts_rollback_configuration:
            kept = replace(kept, rollback_configuration=stack.inputs.rollback_configuration)
        stack.inputs, stack.imports = kept, self._previous_imports
        progress.set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        clean_up(progress, [])
        progress.set_status("UPDATE_ROLLBACK_COMPLETE")
        progress.end()

    def _rollback_failed(self, change: Change, reason: str) -> None:
        resource = change.before or self._stack.resources.get(change.logical_id)
        if change.replaced:
            self._provisioner.bring_back(change)
        if resource is not None:
            self._progress.set_resource_status(resource, "UPDATE_FAILED", reason)
        self._progress.set_status(
            "UPDATE_ROLLBACK_FAILED", f"The following resource(s) failed to update: [{change.logical_id}]. "
        )
        self._progress.end()
