"""How an operation deletes resources, as far as their policies let it.

Source: CloudFormation User Guide, "DeletionPolicy attribute", "UpdateReplacePolicy attribute".
"""

from __future__ import annotations

from local_aws.cloudformation import providers
from local_aws.cloudformation.operations.groups import empty, is_group
from local_aws.cloudformation.operations.progress import Progress
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.core import settings
from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceFailed
from local_aws.core.resources import Resource


def delete_all(progress: Progress, resources: list[Resource]) -> list[Resource]:
    """Delete the resources, the last first, by their DeletionPolicy; return those that could not be deleted."""
    return [
        resource
        for resource in reversed(resources)
        if not _delete(progress, resource, resource.definition.deletion_policy)
    ][::-1]


def clean_up(progress: Progress, removed: list[Resource]) -> None:
    """Delete the removed resources, and those that others have replaced. One that cannot be deleted is left behind."""
    stack = progress.stack
    replaced, stack.garbage = stack.garbage, []
    for resource in removed:
        _delete(progress, resource, resource.definition.deletion_policy)
    for resource in reversed(replaced):
        _delete(progress, resource, resource.definition.update_replace_policy)


def _delete(progress: Progress, resource: Resource, policy: str) -> bool:
    """Delete the resource under the policy; return whether the stack is rid of it."""
    if policy == "Retain" or (policy == "RetainExceptOnCreate" and not progress.is_rolling_back):
        progress.set_resource_status(resource, "DELETE_SKIPPED")
        return True
    progress.set_resource_status(resource, "DELETE_IN_PROGRESS")
    try:
        if is_group(resource):
            empty(progress, resource)
        else:
            progress.sleep(settings.current(CloudFormationSettings).resource_seconds)
        if policy == "Snapshot":
            providers.snapshot(resource)
        providers.delete(resource)
    except (ResourceFailed, NotModelled) as error:
        progress.set_resource_status(resource, "DELETE_FAILED", str(error))
        return False
    progress.set_resource_status(resource, "DELETE_COMPLETE")
    return True
