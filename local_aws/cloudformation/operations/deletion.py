"""The deletion of a stack.

Source: CloudFormation User Guide, "Delete a stack from the CloudFormation console".
"""

from __future__ import annotations

from collections.abc import Callable

from local_aws.cloudformation.operations.progress import Progress
from local_aws.cloudformation.operations.removal import delete_all
from local_aws.cloudformation.stacks import Stack
from local_aws.core import clock


def delete_stack(progress: Progress, retain: set[str], reason: str, forget: Callable[[Stack], None]) -> None:
    """Delete the stack, but not the resources with the logical ids of `retain`; then call `forget` with it.

    A stack of which a resource cannot be deleted stays, with those that are left.
    """
    stack = progress.stack
    progress.set_status("DELETE_IN_PROGRESS", reason)
    all_resources = dict(stack.resources)
    for resource in stack.resources.values():
        if resource.logical_id in retain:
            progress.set_resource_status(resource, "DELETE_SKIPPED")
    doomed = [resource for resource in stack.resources.values() if resource.logical_id not in retain]
    garbage, stack.garbage = stack.garbage, []
    left = delete_all(progress, [*doomed, *garbage])
    stack.resources = {resource.logical_id: resource for resource in left}
    if left:
        names = ", ".join(resource.logical_id for resource in left)
        progress.set_status("DELETE_FAILED", f"The following resource(s) failed to delete: [{names}]. ")
    else:
        # A deleted stack still shows its resources.
        stack.resources, stack.outputs, stack.imports = all_resources, [], set()
        stack.deletion_time = clock.current().now()
        progress.set_status("DELETE_COMPLETE")
        forget(stack)
    progress.end()
