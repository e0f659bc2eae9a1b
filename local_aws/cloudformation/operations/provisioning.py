"""How an operation creates and changes resources, and how it undoes that.

Sources: CloudFormation User Guide, "Understand update behaviors of stack resources", "UpdatePolicy attribute".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from local_aws.cloudformation import policies, providers, schemas, stack_policies
from local_aws.cloudformation.errors import OperationFailed, ValidationError
from local_aws.cloudformation.evaluation import evaluator
from local_aws.cloudformation.exports import Exports
from local_aws.cloudformation.functions import NO_VALUE, Evaluator
from local_aws.cloudformation.operations.groups import behave_anew, changes_instances
from local_aws.cloudformation.operations.progress import Progress
from local_aws.cloudformation.operations.rolling_update import RollingUpdate
from local_aws.cloudformation.operations.signals import await_creation, creation_signals, receiving
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.core import clock, settings
from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceFailed
from local_aws.core.resources import Definition, Request, Resource

REPLACEMENT = "Requested update requires the creation of a new physical resource; hence creating one."
INITIATED = "Resource creation Initiated"
_TWO_POLICIES = (
    'Resource handler returned message: "AutoScalingInstanceRefresh and AutoScalingRollingUpdate cannot be used '
    'together. Remove one of the update policies from your template and try again."'
)
_SIZES = ("DesiredCapacity", "MinSize", "MaxSize")


@dataclass
class Change:
    """What was done to one resource, so that it can be undone.

    `before` is the resource as it was, None for one that was created. `replaced`: another physical resource took its
    place.
    """

    logical_id: str
    before: Resource | None
    replaced: bool


class Provisioner:
    """Creates and changes the resources of a stack for one operation. `changes` are those done so far, in order."""

    def __init__(self, exports: Exports, progress: Progress) -> None:
        self._exports = exports
        self._progress = progress
        self._stack = progress.stack
        self.changes: list[Change] = []

    def deploy(self, planned: Mapping[str, str], *, is_update: bool) -> None:
        """Create and change resources until the stack has those of its template; those that it has besides stay.

        `planned` has the signature of each resource, in the order of their dependencies. Raises OperationFailed at the
        first resource that fails.
        """
        stack = self._stack
        evaluate = evaluator(self._exports, stack, stack.inputs)
        stack.imports = set()
        changed: set[str] = set()
        for logical_id, signature in planned.items():
            current = stack.resources.get(logical_id)
            is_touched = not changed.isdisjoint(stack.inputs.template.dependencies(logical_id))
            try:
                if current is not None and current.definition.signature == signature and not is_touched:
                    _take_over_policies(current, evaluate)
                    continue
                definition = _define(evaluate, logical_id, signature)
                if current is None:
                    self._create(logical_id, definition)
                elif not self._change(current, definition):
                    continue
            except (ResourceFailed, NotModelled, ValidationError) as error:
                reason = error.message if isinstance(error, ValidationError) else str(error)
                self._fail(logical_id, reason, is_new=current is None)
                verb = "update" if is_update and current is not None else "create"
                raise OperationFailed(f"The following resource(s) failed to {verb}: [{logical_id}]. ") from error
            changed.add(logical_id)

    def _fail(self, logical_id: str, reason: str, *, is_new: bool) -> None:
        self._progress.end_work()
        self._progress.failed = logical_id
        resource = self._stack.resources.get(logical_id) or self._never_created(logical_id)
        self._progress.set_resource_status(resource, "CREATE_FAILED" if is_new else "UPDATE_FAILED", reason)

    def _never_created(self, logical_id: str) -> Resource:
        """What the events of a resource are about that failed before it had a physical id."""
        resource_type = self._stack.inputs.template.resources[logical_id]["Type"]
        definition = Definition(resource_type, {}, None, {}, {}, "Delete", "Delete", "")
        request = self._request(logical_id, resource_type, "", {})
        return Resource(logical_id, definition, request, "", {}, "", None, clock.current().now())

    def _request(self, logical_id: str, resource_type: str, name: str, properties: dict[str, Any]) -> Request:
        stack = self._stack
        return Request(
            stack.account_id,
            stack.region,
            stack.stack_id,
            stack.name,
            logical_id,
            resource_type,
            name,
            properties,
            dict(stack.inputs.tags),
        )

    # -- creation ---------------------------------------------------------------------------------------------------

    def _create(self, logical_id: str, definition: Definition, replaces: Resource | None = None) -> None:
        stack, progress = self._stack, self._progress
        verb = "CREATE" if replaces is None else "UPDATE"
        in_progress = f"{verb}_IN_PROGRESS"
        name = providers.name_for(definition.type, stack.name, logical_id, definition.properties)
        request = self._request(logical_id, definition.type, name, definition.properties)
        physical_id = replaces.physical_id if replaces else ""
        resource = Resource(logical_id, definition, request, physical_id, {}, in_progress, None, clock.current().now())
        progress.begin_work(resource, in_progress)
        self.changes.append(Change(logical_id, replaces, replaced=replaces is not None))
        progress.set_resource_status(resource, in_progress, REPLACEMENT if replaces else None)
        if (
            replaces is not None
            and name == replaces.request.name
            and providers.name_property(definition.type) is not None
        ):
            raise ResourceFailed(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {name} and update the stack again."
            )
        awaited = creation_signals(definition)
        if awaited is None:
            self._provide(resource, replaces)
        else:
            with receiving(progress, resource, in_progress) as signals:
                self._provide(resource, replaces)
                await_creation(progress, resource, in_progress, signals, awaited)
        progress.end_work()
        progress.set_resource_status(resource, f"{verb}_COMPLETE")

    def _provide(self, resource: Resource, replaces: Resource | None) -> None:
        """Have the resource's service create it."""
        stack, progress = self._stack, self._progress
        resource.physical_id, resource.attributes = providers.create(resource.request)
        stack.resources[resource.logical_id] = resource
        if replaces is not None:
            stack.garbage.append(replaces)
        progress.set_resource_status(resource, resource.status, INITIATED)
        progress.sleep(settings.current(CloudFormationSettings).resource_seconds)

    # -- changes ----------------------------------------------------------------------------------------------------

    def _change(self, current: Resource, definition: Definition) -> bool:
        """Bring a resource to its new definition; return whether there was anything to do."""
        old = current.definition
        same_tags = dict(current.request.tags) == dict(self._stack.inputs.tags)
        if old.properties == definition.properties and old.metadata == definition.metadata and same_tags:
            current.definition = definition
            return False
        replaces = _needs_replacement(old, definition)
        action = "Update:Replace" if replaces else "Update:Modify"
        if refusal := stack_policies.refusal(self._stack.effective_policy, action, current.logical_id, old.type):
            raise ResourceFailed(refusal)
        if replaces:
            self._create(current.logical_id, definition, replaces=current)
            return True
        self.changes.append(Change(current.logical_id, replace(current), replaced=False))
        request = self._request(current.logical_id, definition.type, current.request.name, definition.properties)
        self.modify(current, definition, request)
        return True

    def check_removal(self, removed: list[Resource]) -> None:
        """Raise OperationFailed when the stack policy does not let the update delete one of the resources."""
        policy = self._stack.effective_policy
        for resource in removed:
            kind = resource.definition.type
            if refusal := stack_policies.refusal(policy, "Update:Delete", resource.logical_id, kind):
                self._fail(resource.logical_id, refusal, is_new=False)
                raise OperationFailed(f"The following resource(s) failed to update: [{resource.logical_id}]. ")

    def modify(self, resource: Resource, definition: Definition, request: Request) -> None:
        """Change a resource where it is, to the definition and its request.

        Raises ResourceFailed, NotModelled.
        """
        progress = self._progress
        progress.begin_work(resource, "UPDATE_IN_PROGRESS")
        progress.set_resource_status(resource, "UPDATE_IN_PROGRESS")
        progress.sleep(settings.current(CloudFormationSettings).resource_seconds)
        old = resource.definition
        if old.properties != definition.properties or dict(resource.request.tags) != dict(request.tags):
            rolling = definition.update_policy.get("AutoScalingRollingUpdate")
            is_of_instances = changes_instances(old, definition)
            if is_of_instances and "AutoScalingInstanceRefresh" in definition.update_policy:
                if rolling is not None:
                    raise ResourceFailed(_TWO_POLICIES)
                raise NotModelled("the embedded AWS does not model the UpdatePolicy AutoScalingInstanceRefresh")
            sized = _without_unmodified_sizes(definition, old, request)
            if is_of_instances:
                behave_anew(resource)
            if is_of_instances and rolling is not None:
                with receiving(progress, resource, "UPDATE_IN_PROGRESS") as signals:
                    providers.update(sized, resource)
                    resource.definition, resource.request = definition, request
                    RollingUpdate(progress, resource, rolling, signals).run()
            else:
                providers.update(sized, resource)
        resource.definition, resource.request = definition, request
        progress.end_work()
        progress.set_resource_status(resource, "UPDATE_COMPLETE")

    def undo(self, change: Change, skip: frozenset[str]) -> None:
        """Undo a change, but not of a resource that is to be skipped. What was created is left to the clean-up.

        Raises ResourceFailed, NotModelled.
        """
        stack, progress = self._stack, self._progress
        current = stack.resources.get(change.logical_id)
        if change.before is None:
            if current is not None:
                del stack.resources[change.logical_id]
                stack.garbage.append(current)
            return
        if change.replaced:
            change.before.status, change.before.status_reason = "UPDATE_COMPLETE", None
            self.bring_back(change)
            progress.set_resource_status(change.before, "UPDATE_IN_PROGRESS")
            progress.set_resource_status(change.before, "UPDATE_COMPLETE")
            return
        assert current is not None
        if change.logical_id in skip:
            progress.set_resource_status(current, "UPDATE_COMPLETE", "Resource update skipped")
            return
        self.modify(current, change.before.definition, change.before.request)

    def bring_back(self, change: Change) -> None:
        """Give the stack the resource again that was replaced, which only the clean-up would have deleted."""
        stack = self._stack
        assert change.before is not None
        current = stack.resources.get(change.logical_id)
        if current is not None and current is not change.before:
            stack.garbage.append(current)
        stack.resources[change.logical_id] = change.before
        stack.garbage = [resource for resource in stack.garbage if resource is not change.before]


def _define(evaluate: Evaluator, logical_id: str, signature: str) -> Definition:
    part = evaluate.template.resources[logical_id]
    metadata = evaluate.evaluate(part.get("Metadata"))
    return Definition(
        type=part["Type"],
        properties=schemas.coerced(part["Type"], evaluate.evaluate(part.get("Properties") or {})),
        metadata=None if metadata is NO_VALUE else metadata,
        **_policies(evaluate, logical_id),
        signature=signature,
    )


def _policies(evaluate: Evaluator, logical_id: str) -> dict[str, Any]:
    part = evaluate.template.resources[logical_id]
    return {
        "creation_policy": policies.creation_policy(evaluate, logical_id),
        "update_policy": policies.update_policy(evaluate, logical_id),
        "deletion_policy": part.get("DeletionPolicy", "Delete"),
        "update_replace_policy": part.get("UpdateReplacePolicy", "Delete"),
    }


def _take_over_policies(resource: Resource, evaluate: Evaluator) -> None:
    """Give a resource that stays as it is the policies of the template."""
    resource.definition = replace(resource.definition, **_policies(evaluate, resource.logical_id))


def _needs_replacement(old: Definition, new: Definition) -> bool:
    if schemas.needs_replacement(new.type, old.properties, new.properties):
        return True
    policy = new.update_policy.get("AutoScalingReplacingUpdate", {})
    return str(policy.get("WillReplace", False)).lower() == "true" and changes_instances(old, new)


def _without_unmodified_sizes(definition: Definition, old: Definition, request: Request) -> Request:
    """The request without the sizes of a group that are to stay as they are."""
    policy = definition.update_policy.get("AutoScalingScheduledAction", {})
    if str(policy.get("IgnoreUnmodifiedGroupSizeProperties", False)).lower() != "true":
        return request
    unmodified = {name for name in _SIZES if request.properties.get(name) == old.properties.get(name)}
    kept = {name: value for name, value in request.properties.items() if name not in unmodified}
    return replace(request, properties=kept)
