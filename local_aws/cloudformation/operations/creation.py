"""The creation of a stack.

Sources: CloudFormation User Guide, "Stack failure options", "Roll back your CloudFormation stack on alarm breach with
rollback triggers".
"""

from __future__ import annotations

from collections.abc import Callable

from local_aws.cloudformation.errors import OperationFailed, ValidationError
from local_aws.cloudformation.evaluation import signatures
from local_aws.cloudformation.exports import Exports
from local_aws.cloudformation.operations.checks import check_inputs, monitor, set_outputs, watch_alarms
from local_aws.cloudformation.operations.deletion import delete_stack
from local_aws.cloudformation.operations.progress import Cancelled, Progress
from local_aws.cloudformation.operations.provisioning import Provisioner
from local_aws.cloudformation.operations.removal import delete_all
from local_aws.cloudformation.stacks import Stack
from local_aws.core import clock


def create_stack(exports: Exports, progress: Progress, on_failure: str, forget: Callable[[Stack], None]) -> None:
    """Create the stack, until its time is up or it is stopped.

    `on_failure` is ROLLBACK, DO_NOTHING or DELETE; `forget` is called with a stack that is deleted.
    """
    stack = progress.stack
    if stack.timeout_in_minutes is not None:
        progress.deadline = clock.current().time() + 60 * stack.timeout_in_minutes
    try:
        if progress.is_cancelled:
            raise Cancelled()
        check_inputs(stack, None)
        with watch_alarms(progress):
            Provisioner(exports, progress).deploy(_planned(exports, stack), is_update=False)
            monitor(progress)
        set_outputs(exports, stack)
    except Cancelled:
        pass
    except OperationFailed as error:
        progress.begin_rollback()
        reason = str(error)
        if on_failure == "DELETE":
            delete_stack(progress, set(), f"{reason}. Delete requested by user.".replace(". .", "."), forget)
            return
        if on_failure == "DO_NOTHING":
            progress.set_status("CREATE_FAILED", reason)
        else:
            _roll_back(progress, reason)
    else:
        progress.set_status("CREATE_COMPLETE")
    progress.end()


def _planned(exports: Exports, stack: Stack) -> dict[str, str]:
    """The signatures of the resources. An export that a change set did not find may still be missing."""
    try:
        return signatures(exports, stack, stack.inputs)
    except ValidationError as error:
        raise OperationFailed(error.message) from error


def _roll_back(progress: Progress, reason: str) -> None:
    stack = progress.stack
    progress.set_status("ROLLBACK_IN_PROGRESS", f"{reason.rstrip('. ')}. Rollback requested by user.")
    created = [*stack.resources.values(), *stack.garbage]
    stack.garbage = []
    left = delete_all(progress, created)
    stack.resources = {resource.logical_id: resource for resource in left}
    if left:
        names = ", ".join(resource.logical_id for resource in left)
        progress.set_status("ROLLBACK_FAILED", f"The following resource(s) failed to delete: [{names}]. ")
    else:
        progress.set_status("ROLLBACK_COMPLETE")
