"""How CloudFormation carries an operation on a stack out: creation, update, rollback, clean-up, deletion.

An operation runs as a task of the clock, one resource after another in the order of their dependencies.

Sources: CloudFormation User Guide, "Understand update behaviors of stack resources", "UpdatePolicy attribute",
"CreationPolicy attribute", "Canceling a stack update", "Continue rolling back an update", "Roll back your
CloudFormation stack on alarm breach", "Stack failure options", "DeletionPolicy attribute", "UpdateReplacePolicy
attribute".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from local_aws.autoscaling import activities as scaling_activities
from local_aws.autoscaling import groups as autoscaling
from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.cloudformation import parameters, providers, schemas
from local_aws.cloudformation.errors import OperationFailed, ValidationError
from local_aws.cloudformation.functions import Evaluator, Scope
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.cloudformation.stacks import Inputs, Operation, Output, Signals, Stack, seconds
from local_aws.cloudwatch import alarms
from local_aws.core import clock, settings
from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceFailed
from local_aws.core.resources import Definition, Request, Resource

if TYPE_CHECKING:
    from local_aws.cloudformation.models import CloudFormationBackend

REPLACEMENT = "Requested update requires the creation of a new physical resource; hence creating one."
GROUP = "AWS::AutoScaling::AutoScalingGroup"
WAIT_CONDITION = "AWS::CloudFormation::WaitCondition"
INITIATED = "Resource creation Initiated"
_ALARM_POLL_SECONDS = 60.0


class Cancelled(Exception):
    """The update was cancelled while it waited."""


@dataclass
class Change:
    """What an update did to one resource, so that it can be undone.

    `before` is the resource as it was, None for one that was created. `replaced` says that another physical resource
    took its place.
    """

    logical_id: str
    before: Resource | None
    replaced: bool


def evaluator(backend: CloudFormationBackend, stack: Stack, inputs: Inputs, *, symbolic: bool = False) -> Evaluator:
    """What evaluates the template of `inputs` as the stack's."""

    def ref(logical_id: str) -> str:
        return stack.resources[logical_id].physical_id

    def get_att(logical_id: str, attribute: str) -> Any:
        return providers.attribute(stack.resources[logical_id], attribute)

    def export(name: str) -> str:
        if not symbolic:
            stack.imports.add(name)
        return backend.export_value(name)

    values = {
        name: parameters.reference(inputs.template.parameters[name], value) for name, value in inputs.parameters.items()
    }
    scope = Scope(
        account_id=stack.account_id,
        region=stack.region,
        stack_id=stack.stack_id,
        stack_name=stack.name,
        notification_arns=inputs.notification_arns,
        parameters=values,
        ref=ref,
        get_att=get_att,
        export=export,
    )
    return Evaluator(inputs.template, scope, symbolic)


def signatures(backend: CloudFormationBackend, stack: Stack, inputs: Inputs) -> dict[str, str]:
    """The signature of each resource that the stack would have, in the order of their dependencies."""
    symbolic = evaluator(backend, stack, inputs, symbolic=True)
    found = {}
    for logical_id in inputs.template.order:
        resource = inputs.template.resources[logical_id]
        if symbolic.exists(resource):
            said = {key: resource.get(key) for key in ("Type", "Properties", "Metadata")}
            found[logical_id] = json.dumps(symbolic.evaluate(said), sort_keys=True, default=str)
    return found


def output_signature(backend: CloudFormationBackend, stack: Stack, inputs: Inputs) -> str:
    """A text that changes when something is said differently of the outputs."""
    symbolic = evaluator(backend, stack, inputs, symbolic=True)
    said = {name: output for name, output in inputs.template.outputs.items() if symbolic.exists(output)}
    return json.dumps(symbolic.evaluate(said), sort_keys=True, default=str)


class Deployment:
    """One operation on a stack."""

    def __init__(self, backend: CloudFormationBackend, stack: Stack, operation: Operation, *, instant: bool) -> None:
        self._backend = backend
        self._stack = stack
        self._operation = operation
        self._operations = [operation]
        self._instant = instant
        self._wake = clock.current().event()
        self._cancelled = False
        self._cancellable = operation.kind == "UPDATE_STACK"
        self._rolling_back = False
        self._in_progress: tuple[Resource, str] | None = None
        self._changes: list[Change] = []
        self._previous: Inputs | None = None
        self._imports = set(stack.imports)
        self._failed: str | None = None
        stack.deployment = self

    # -- creation -----------------------------------------------------------------------------------------------

    def create(self, on_failure: str) -> None:
        """Create the stack; `on_failure` is ROLLBACK, DO_NOTHING or DELETE."""
        stack = self._stack
        try:
            self._check_parameters()
            self._deploy(signatures(self._backend, stack, stack.inputs), action="create")
            self._settle_outputs()
        except OperationFailed as error:
            self._creation_failed(on_failure, str(error))
            return
        stack.set_status(self._operation, "CREATE_COMPLETE")
        self._end()

    def _creation_failed(self, on_failure: str, reason: str) -> None:
        stack = self._stack
        self._rolling_back = True
        if on_failure == "DO_NOTHING":
            stack.set_status(self._operation, "CREATE_FAILED", reason)
            self._end()
            return
        if on_failure == "DELETE":
            self.delete(retain=set(), reason=f"{reason}. Delete requested by user.".replace(". .", "."))
            return
        stack.set_status(
            self._operation, "ROLLBACK_IN_PROGRESS", f"{reason.removesuffix('. ')}. Rollback requested by user."
        )
        made = [*stack.resources.values(), *stack.garbage]
        stack.garbage = []
        left = self._delete_all(made, "DeletionPolicy")
        stack.resources = {resource.logical_id: resource for resource in left}
        if left:
            names = ", ".join(resource.logical_id for resource in left)
            stack.set_status(
                self._operation, "ROLLBACK_FAILED", f"The following resource(s) failed to delete: [{names}]. "
            )
        else:
            stack.set_status(self._operation, "ROLLBACK_COMPLETE")
        self._end()

    # -- update -------------------------------------------------------------------------------------------------

    def update(self, previous: Inputs, planned: Mapping[str, str], *, disable_rollback: bool) -> None:
        """Bring the stack from `previous` to its inputs."""
        stack = self._stack
        self._previous = previous
        try:
            if self._cancelled:
                raise Cancelled()
            self._check_parameters()
            self._check_alarms()
            self._deploy(planned, action="update")
            self._monitor()
            removed = [stack.resources[name] for name in reversed(list(stack.resources)) if name not in planned]
            self._settle_outputs()
        except Cancelled:
            self._roll_back()
            return
        except OperationFailed as error:
            if disable_rollback:
                stack.set_status(self._operation, "UPDATE_FAILED", str(error))
                self._end(keep=True)
                return
            stack.set_status(self._operation, "UPDATE_ROLLBACK_IN_PROGRESS", str(error))
            self._roll_back()
            return
        self._cancellable = False
        stack.set_status(self._operation, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        for resource in removed:
            del stack.resources[resource.logical_id]
        self._clean_up(removed)
        stack.set_status(self._operation, "UPDATE_COMPLETE")
        self._end()

    def cancel(self, operation: Operation) -> None:
        """Stop the update where it is and roll it back; what happens from now on belongs to `operation`."""
        self._cancelled = True
        self._cancellable = False
        if self._in_progress is not None:
            resource, status = self._in_progress
            self._failed = resource.logical_id
            failed = f"{status.split('_')[0]}_FAILED"
            verb = "creation" if failed == "CREATE_FAILED" else "update"
            self._resource_event(resource, failed, f"Resource {verb} cancelled")
            self._in_progress = None
        self._operations.append(operation)
        self._operation = operation
        self._stack.set_status(operation, "UPDATE_ROLLBACK_IN_PROGRESS", "Stack update cancelled")
        self._wake.set()

    @property
    def cancellable(self) -> bool:
        return self._cancellable

    # -- rollback -----------------------------------------------------------------------------------------------

    def _roll_back(self, skip: frozenset[str] = frozenset(), *, may_fail: bool = True) -> None:
        stack, previous = self._stack, self._previous
        assert previous is not None
        self._cancellable = False
        self._rolling_back = True
        refused = settings.current(CloudFormationSettings).rollback_fails.get(stack.name, "") if may_fail else ""
        while self._changes:
            change = self._changes[0]
            try:
                if refused and (self._failed is None or change.logical_id == self._failed):
                    raise ResourceFailed(refused)
                self._undo(change, skip)
            except ResourceFailed as error:
                self._rollback_failed(change, str(error))
                return
            self._changes.pop(0)
        stack.inputs, stack.imports = previous, self._imports
        stack.set_status(self._operation, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self._clean_up([])
        stack.set_status(self._operation, "UPDATE_ROLLBACK_COMPLETE")
        self._end()

    def _undo(self, change: Change, skip: frozenset[str]) -> None:
        stack = self._stack
        now = stack.resources.get(change.logical_id)
        if change.before is None:
            if now is not None:
                del stack.resources[change.logical_id]
                stack.garbage.append(now)
            return
        if change.replaced:
            if now is not None and now is not change.before:
                stack.garbage.append(now)
            change.before.status, change.before.status_reason = "UPDATE_COMPLETE", None
            stack.resources[change.logical_id] = change.before
            # The resource that was to be replaced is still there: it is the clean-up that would have removed it.
            stack.garbage = [resource for resource in stack.garbage if resource is not change.before]
            self._resource_event(change.before, "UPDATE_IN_PROGRESS")
            self._resource_event(change.before, "UPDATE_COMPLETE")
            return
        assert now is not None
        if change.logical_id in skip:
            self._resource_event(now, "UPDATE_COMPLETE", "Resource update skipped")
            return
        self._modify(now, change.before.definition, change.before.request)

    def _rollback_failed(self, change: Change, reason: str) -> None:
        stack = self._stack
        resource = change.before or stack.resources.get(change.logical_id)
        if change.before is not None and change.replaced:
            now = stack.resources.get(change.logical_id)
            if now is not None and now is not change.before:
                stack.garbage.append(now)
            stack.resources[change.logical_id] = change.before
            stack.garbage = [kept for kept in stack.garbage if kept is not change.before]
        if resource is not None:
            self._resource_event(resource, "UPDATE_FAILED", reason)
        stack.set_status(
            self._operation,
            "UPDATE_ROLLBACK_FAILED",
            f"The following resource(s) failed to update: [{change.logical_id}]. ",
        )
        self._end(keep=True)

    def continue_rollback(self, operation: Operation, skip: frozenset[str]) -> None:
        """Go on with a rollback that failed, or begin the one that was disabled."""
        self._operation, self._operations = operation, [operation]
        self._cancelled = False
        self._roll_back(skip, may_fail=False)

    # -- deletion -----------------------------------------------------------------------------------------------

    def delete(self, retain: set[str], reason: str = "User Initiated") -> None:
        """Delete the stack, but not the resources of `retain`."""
        stack = self._stack
        stack.set_status(self._operation, "DELETE_IN_PROGRESS", reason)
        kept = [resource for resource in stack.resources.values() if resource.logical_id in retain]
        for resource in kept:
            self._resource_event(resource, "DELETE_SKIPPED")
        doomed = [resource for resource in stack.resources.values() if resource.logical_id not in retain]
        garbage, stack.garbage = stack.garbage, []
        left = self._delete_all([*doomed, *garbage], "DeletionPolicy")
        stack.resources = {resource.logical_id: resource for resource in left}
        if left:
            names = ", ".join(resource.logical_id for resource in left)
            stack.set_status(
                self._operation, "DELETE_FAILED", f"The following resource(s) failed to delete: [{names}]. "
            )
        else:
            stack.outputs, stack.imports = [], set()
            stack.deletion_time = clock.current().now()
            stack.set_status(self._operation, "DELETE_COMPLETE")
            self._backend.forget(stack)
        self._end()

    def _delete_all(self, resources: list[Resource], policy: str) -> list[Resource]:
        """Delete the resources, the last first, and give those that remain."""
        return [resource for resource in reversed(resources) if not self._delete(resource, policy)][::-1]

    def _delete(self, resource: Resource, policy: str) -> bool:
        definition = resource.definition
        chosen = definition.deletion_policy if policy == "DeletionPolicy" else definition.update_replace_policy
        if chosen == "Retain" or (chosen == "RetainExceptOnCreate" and not self._rolling_back):
            self._resource_event(resource, "DELETE_SKIPPED")
            return True
        self._resource_event(resource, "DELETE_IN_PROGRESS")
        is_group = definition.type == GROUP
        self._sleep(
            settings.current(AutoScalingSettings).terminate_seconds
            if is_group
            else settings.current(CloudFormationSettings).resource_seconds
        )
        try:
            providers.delete(resource)
        except (ResourceFailed, NotModelled) as error:
            self._resource_event(resource, "DELETE_FAILED", str(error))
            return False
        self._resource_event(resource, "DELETE_COMPLETE")
        return True

    def _clean_up(self, removed: list[Resource]) -> None:
        """Delete what an update left over. What cannot be deleted is left behind, as CloudFormation does."""
        garbage, self._stack.garbage = self._stack.garbage, []
        for resource in removed:
            self._delete(resource, "DeletionPolicy")
        for resource in reversed(garbage):
            self._delete(resource, "UpdateReplacePolicy")

    # -- the resources ------------------------------------------------------------------------------------------

    def _deploy(self, planned: Mapping[str, str], action: str) -> None:
        stack = self._stack
        evaluate = evaluator(self._backend, stack, stack.inputs)
        stack.imports = set()
        changed: set[str] = set()
        for logical_id, signature in planned.items():
            current = stack.resources.get(logical_id)
            touched = stack.inputs.template.dependencies(logical_id) & changed
            if current is not None and current.definition.signature == signature and not touched:
                self._note_policies(current, self._define(evaluate, logical_id, signature))
                continue
            try:
                definition = self._define(evaluate, logical_id, signature)
                if current is None:
                    self._create(logical_id, definition)
                elif not self._change(current, definition):
                    continue
            except (ResourceFailed, NotModelled, ValidationError) as error:
                self._fail(logical_id, current, error, action)
            changed.add(logical_id)

    def _fail(self, logical_id: str, current: Resource | None, error: Exception, action: str) -> None:
        """End the operation for the failure of a resource; `current` is what the stack had of it before."""
        reason = error.message if isinstance(error, ValidationError) else str(error)
        self._in_progress = None
        self._failed = logical_id
        resource = self._stack.resources.get(logical_id) or self._never_made(logical_id)
        self._resource_event(resource, "CREATE_FAILED" if current is None else "UPDATE_FAILED", reason)
        verb = "create" if current is None or action == "create" else "update"
        raise OperationFailed(f"The following resource(s) failed to {verb}: [{logical_id}]. ") from error

    def _never_made(self, logical_id: str) -> Resource:
        """What the events of a resource are about that failed before it had a physical id."""
        kind = self._stack.inputs.template.resources[logical_id]["Type"]
        definition = Definition(kind, {}, None, {}, {}, "Delete", "Delete", "")
        request = self._request(logical_id, kind, "", {})
        return Resource(logical_id, definition, request, "", {}, "", None, clock.current().now())

    def _note_policies(self, resource: Resource, definition: Definition) -> None:
        resource.definition = replace(
            resource.definition,
            creation_policy=definition.creation_policy,
            update_policy=definition.update_policy,
            deletion_policy=definition.deletion_policy,
            update_replace_policy=definition.update_replace_policy,
        )

    def _define(self, evaluate: Evaluator, logical_id: str, signature: str) -> Definition:
        said = evaluate.template.resources[logical_id]
        return Definition(
            type=said["Type"],
            properties=schemas.coerced(said["Type"], evaluate.evaluate(said.get("Properties") or {})),
            metadata=evaluate.evaluate(said.get("Metadata")),
            creation_policy=evaluate.evaluate(said.get("CreationPolicy") or {}),
            update_policy=evaluate.evaluate(said.get("UpdatePolicy") or {}),
            deletion_policy=str(evaluate.evaluate(said.get("DeletionPolicy", "Delete"))),
            update_replace_policy=str(evaluate.evaluate(said.get("UpdateReplacePolicy", "Delete"))),
            signature=signature,
        )

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

    def _create(self, logical_id: str, definition: Definition, replaces: Resource | None = None) -> None:
        stack = self._stack
        status = "CREATE" if replaces is None else "UPDATE"
        name = providers.name_for(definition.type, stack.name, logical_id, definition.properties)
        request = self._request(logical_id, definition.type, name, definition.properties)
        resource = Resource(
            logical_id,
            definition,
            request,
            replaces.physical_id if replaces else "",
            {},
            f"{status}_IN_PROGRESS",
            None,
            clock.current().now(),
        )
        self._in_progress = (resource, f"{status}_IN_PROGRESS")
        self._changes.append(Change(logical_id, replaces, replaced=replaces is not None))
        self._resource_event(resource, f"{status}_IN_PROGRESS", REPLACEMENT if replaces else None)
        if (
            replaces is not None
            and name == replaces.request.name
            and providers.name_property(definition.type) is not None
        ):
            raise ResourceFailed(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {name} and update the stack again."
            )
        resource.physical_id, resource.attributes = providers.create(request)
        stack.resources[logical_id] = resource
        if replaces is not None:
            stack.garbage.append(replaces)
        self._resource_event(resource, f"{status}_IN_PROGRESS", INITIATED)
        if definition.type == GROUP:
            self._decide_what_serves(resource, autoscaling.instance_ids(self._group(resource)))
        self._sleep(settings.current(CloudFormationSettings).resource_seconds)
        self._await_creation_policy(resource, f"{status}_IN_PROGRESS")
        self._in_progress = None
        self._resource_event(resource, f"{status}_COMPLETE")

    def _change(self, current: Resource, definition: Definition) -> bool:
        """Bring a resource to its new definition; say whether there was anything to do."""
        old = current.definition
        same_tags = dict(current.request.tags) == dict(self._stack.inputs.tags)
        if old.properties == definition.properties and old.metadata == definition.metadata and same_tags:
            current.definition = definition
            return False
        if self._replaces(old, definition):
            self._create(current.logical_id, definition, replaces=current)
            return True
        before = replace(current)
        self._changes.append(Change(current.logical_id, before, replaced=False))
        request = self._request(current.logical_id, definition.type, current.request.name, definition.properties)
        self._modify(current, definition, request)
        return True

    def _replaces(self, old: Definition, new: Definition) -> bool:
        if schemas.needs_replacement(new.type, old.properties, new.properties):
            return True
        policy = new.update_policy.get("AutoScalingReplacingUpdate", {})
        return (
            new.type == GROUP
            and str(policy.get("WillReplace", False)).lower() == "true"
            and autoscaling.changes_instances(old.properties, new.properties)
        )

    def _modify(self, resource: Resource, definition: Definition, request: Request) -> None:
        """Change a resource where it is."""
        self._in_progress = (resource, "UPDATE_IN_PROGRESS")
        self._resource_event(resource, "UPDATE_IN_PROGRESS")
        self._sleep(settings.current(CloudFormationSettings).resource_seconds)
        old = resource.definition
        if old.properties != definition.properties or dict(resource.request.tags) != dict(request.tags):
            rolling = definition.update_policy.get("AutoScalingRollingUpdate")
            changes_instances = definition.type == GROUP and autoscaling.changes_instances(
                old.properties, definition.properties
            )
            if changes_instances and rolling is None and "AutoScalingInstanceRefresh" in definition.update_policy:
                raise NotModelled("the embedded AWS does not model the UpdatePolicy AutoScalingInstanceRefresh")
            providers.update(self._without_unmodified_sizes(definition, old, request), resource)
            resource.definition, resource.request = definition, request
            if changes_instances and rolling is not None:
                self._roll(resource, rolling)
        resource.definition, resource.request = definition, request
        self._in_progress = None
        self._resource_event(resource, "UPDATE_COMPLETE")

    def _without_unmodified_sizes(self, definition: Definition, old: Definition, request: Request) -> Request:
        policy = definition.update_policy.get("AutoScalingScheduledAction", {})
        if str(policy.get("IgnoreUnmodifiedGroupSizeProperties", False)).lower() != "true":
            return request
        sizes = ("DesiredCapacity", "MinSize", "MaxSize")
        unmodified = {name for name in sizes if request.properties.get(name) == old.properties.get(name)}
        return replace(
            request, properties={key: value for key, value in request.properties.items() if key not in unmodified}
        )

    # -- signals ------------------------------------------------------------------------------------------------

    def _await_creation_policy(self, resource: Resource, status: str) -> None:
        if resource.definition.type == WAIT_CONDITION:
            properties = resource.definition.properties
            count, timeout = int(properties.get("Count", 1)), float(properties.get("Timeout", 0))
            if "Handle" not in properties:
                count, duration = resource.definition.success_signals or (1, "PT5M")
                timeout = seconds(duration)
        elif resource.definition.success_signals is not None:
            count, duration = resource.definition.success_signals
            timeout = _seconds(duration)
        else:
            return
        if count == 0:
            return
        if resource.definition.type == GROUP:
            senders = autoscaling.instance_ids(self._group(resource))
        else:
            senders = [resource.physical_id, *(f"{resource.physical_id}-{number}" for number in range(2, count + 1))]
        percent = resource.definition.minimum_success_percent
        successes = self._await_signals(resource, status, senders, count, percent, timeout)
        if successes >= math.ceil(count * percent / 100):
            return
        if resource.definition.type == WAIT_CONDITION:
            raise ResourceFailed(f"WaitCondition timed out. Received {successes} conditions when expecting {count}")
        raise ResourceFailed(
            f"Received {successes} SUCCESS signal(s) out of {count}.  "
            f"Unable to satisfy {percent}% MinSuccessfulInstancesPercent requirement"
        )

    def _await_signals(
        self, resource: Resource, status: str, senders: list[str], count: int, percent: int, timeout: float
    ) -> int:
        """Wait until `count` signals have come, so many that enough can no longer come, or for `timeout` seconds.

        Gives the number of successes.
        """
        stack, behaviour = self._stack, settings.current(AutoScalingSettings).instances_of(self._stack.name)
        signals = Signals(status)
        stack.awaiting[resource.logical_id] = signals
        try:
            if self._instant:
                for sender in senders[:count]:
                    self.signal(resource.logical_id, sender, "SUCCESS")
                return count
            wanted = "all" if self._rolling_back else behaviour.signals
            number = len(senders) if wanted == "all" else wanted if isinstance(wanted, int) else 0
            now = clock.current().time()
            for sender in senders[:number]:
                moment, said = now + settings.current(AutoScalingSettings).instance_signal_seconds, "SUCCESS"
                if resource.definition.type == GROUP:
                    moment, said = autoscaling.signal_of(self._group(resource), sender)
                clock.current().call_later(
                    max(0.0, moment - now),
                    self._sender(resource.logical_id, signals, sender, said),
                    f"signal of {sender}",
                )
            deadline = None if wanted == "hang" else clock.current().time() + timeout
            needed = math.ceil(count * percent / 100)
            while signals.count("SUCCESS") < count and signals.count("FAILURE") <= count - needed:
                left = None if deadline is None else deadline - clock.current().time()
                if left is not None and left <= 0:
                    missing = count - len(signals.received)
                    self._resource_event(
                        resource,
                        status,
                        f"Failed to receive {missing} resource signal(s) for the current batch.  "
                        "Each resource signal timeout is counted as a FAILURE.",
                    )
                    break
                self._pause(left)
            return signals.count("SUCCESS")
        finally:
            stack.awaiting.pop(resource.logical_id, None)

    def _group(self, resource: Resource) -> Any:
        return autoscaling.get(self._stack.account_id, self._stack.region, resource.physical_id)

    def _decide_what_serves(self, resource: Resource, ids: list[str]) -> None:
        """Instances of a stack made at once have served for long; those of an update do as the scenario says."""
        if self._instant:
            autoscaling.have_served_for_long(self._group(resource))
            return
        if self._rolling_back:
            return
        behaviour = settings.current(AutoScalingSettings).instances_of(self._stack.name)
        if behaviour.launches_fail:
            scaling_activities.fail_launches(self._group(resource), ids, behaviour.launches_fail)
        elif not behaviour.serves:
            autoscaling.never_serve(self._group(resource), ids)

    def _sender(self, logical_id: str, signals: Signals, sender: str, status: str) -> Callable[[], None]:
        def send() -> None:
            if self._stack.awaiting.get(logical_id) is signals:
                self.signal(logical_id, sender, status)

        return send

    def signal(self, logical_id: str, unique_id: str, status: str) -> None:
        """Take a signal for a resource that awaits some; one that came before is counted once."""
        signals = self._stack.awaiting[logical_id]
        if unique_id in signals.received:
            return
        signals.received[unique_id] = status
        resource = self._stack.resources[logical_id]
        self._resource_event(resource, signals.event_status, f"Received {status} signal with UniqueId {unique_id}")
        self._wake.set()

    # -- rolling update -----------------------------------------------------------------------------------------

    def _roll(self, resource: Resource, policy: Mapping[str, Any]) -> None:
        """Replace the instances of the group in batches, by its AutoScalingRollingUpdate policy."""
        group = self._group(resource)
        waits = str(policy.get("WaitOnResourceSignals", False)).lower() == "true"
        pause = str(policy.get("PauseTime", "PT5M" if waits else "PT0S"))
        percent = int(policy.get("MinSuccessfulInstancesPercent", 100))
        batch, least = int(policy.get("MaxBatchSize", 1)), int(policy.get("MinInstancesInService", 0))
        obsolete = autoscaling.obsolete_instance_ids(group)
        total = len(obsolete)
        if total == 0:
            return
        most = autoscaling.max_size(group)
        if least >= most:
            raise ResourceFailed(
                f"MinInstancesInService must be less than the autoscaling group's MaxSize ({least} >= {most})"
            )
        progress = (
            f"Rolling update initiated. Terminating {total} obsolete instance(s) in batches of {batch}, "
            f"while keeping at least {least} instance(s) in service."
        )
        if waits:
            progress += (
                f" Waiting on resource signals with a timeout of {pause} "
                "when new instances are added to the autoscaling group."
            )
        self._resource_event(resource, "UPDATE_IN_PROGRESS", progress)
        launched = failed = 0

        def add(number: int) -> int:
            """Launch so many, wait for them, and give the number of those that failed."""
            ids = autoscaling.launch(group, number)
            self._decide_what_serves(resource, ids)
            if not waits:
                if number:
                    self._sleep(_seconds(pause))
                return 0
            if not number:
                return 0
            self._resource_event(
                resource,
                "UPDATE_IN_PROGRESS",
                f"New instance(s) added to autoscaling group - Waiting on {number} resource signal(s) "
                f"with a timeout of {pause}.",
            )
            return number - self._await_signals(resource, "UPDATE_IN_PROGRESS", ids, number, 100, _seconds(pause))

        in_service = len(autoscaling.instance_ids(group))
        surge = min(max(0, least + min(batch, total) - in_service), most - in_service, total)
        if surge:
            self._resource_event(
                resource,
                "UPDATE_IN_PROGRESS",
                f"Temporarily setting autoscaling group MinSize and DesiredCapacity to {in_service + surge}.",
            )
            failed += add(surge)
            launched += surge
        while obsolete and failed <= total - math.ceil(total * percent / 100):
            size = min(batch, len(obsolete), max(1, len(autoscaling.instance_ids(group)) - least))
            doomed, obsolete = obsolete[:size], obsolete[size:]
            number = min(size, total - launched)
            self._resource_event(
                resource,
                "UPDATE_IN_PROGRESS",
                f"Terminating instance(s) [{','.join(doomed)}]; replacing with {number} new instance(s).",
            )
            self._sleep(settings.current(AutoScalingSettings).terminate_seconds)
            autoscaling.terminate(group, doomed)
            done = 100 * (total - len(obsolete)) // total
            self._resource_event(
                resource,
                "UPDATE_IN_PROGRESS",
                f"Successfully terminated instance(s) [{','.join(doomed)}] (Progress {done}%).",
            )
            failed += add(number)
            launched += number
        if failed > total - math.ceil(total * percent / 100):
            raise ResourceFailed(
                f"Received {failed} FAILURE signal(s) out of {total}.  "
                f"Unable to satisfy {percent}% MinSuccessfulInstancesPercent requirement"
            )

    # -- checks -------------------------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        stack = self._stack
        previous = self._previous.parameters if self._previous is not None else None
        parameters.check_existence(
            stack.inputs.template, stack.inputs.parameters, previous, stack.account_id, stack.region
        )

    def _check_alarms(self) -> None:
        """Raise OperationFailed when an alarm of the rollback triggers is missing or in ALARM."""
        stack = self._stack
        states = alarms.states(stack.account_id, stack.region)
        for trigger in stack.inputs.rollback_configuration.get("RollbackTriggers", []):
            if trigger["Arn"] not in states:
                raise OperationFailed(f"Rollback trigger {trigger['Arn']} does not exist")
            if states[trigger["Arn"]] == "ALARM":
                raise OperationFailed(f"Rollback trigger {trigger['Arn']} is in ALARM state")

    def _monitor(self) -> None:
        """Watch the rollback triggers for the monitoring time, before anything old is removed."""
        left = self._stack.inputs.monitoring_seconds
        while left > 0:
            self._check_alarms()
            self._sleep(min(left, _ALARM_POLL_SECONDS))
            left -= _ALARM_POLL_SECONDS
        self._check_alarms()

    def _settle_outputs(self) -> None:
        """Evaluate the outputs; exports must be unique, and those in use must stay as they are."""
        stack, backend = self._stack, self._backend
        evaluate = evaluator(backend, stack, stack.inputs)
        outputs = []
        for key, said in stack.inputs.template.outputs.items():
            if not evaluate.exists(said):
                continue
            try:
                value = evaluate.evaluate(said["Value"])
                name = evaluate.evaluate(said["Export"]["Name"]) if "Export" in said else None
                described = evaluate.evaluate(said.get("Description"))
            except (ResourceFailed, NotModelled, ValidationError) as error:
                reason = error.message if isinstance(error, ValidationError) else str(error)
                raise OperationFailed(f"Output {key}: {reason}") from error
            if not isinstance(value, str | int | float | bool):
                raise OperationFailed(
                    "Template format error: Output "
                    f"{key} is malformed. The Value field of every Outputs member must evaluate to a String."
                )
            text = str(value).lower() if isinstance(value, bool) else str(value)
            outputs.append(Output(key, text, described, name))
        backend.check_exports(stack, outputs)
        stack.outputs = outputs

    # -- time and events ----------------------------------------------------------------------------------------

    def _sleep(self, duration: float) -> None:
        """Let time pass; raises Cancelled as soon as the update is cancelled."""
        if self._instant:
            return
        until = clock.current().time() + duration
        while (left := until - clock.current().time()) > 0:
            self._pause(left)

    def _pause(self, duration: float | None) -> None:
        self._wake.clear()
        self._wake.wait(duration)
        if self._cancelled and not self._rolling_back:
            raise Cancelled()

    def _resource_event(self, resource: Resource, status: str, reason: str | None = None) -> None:
        resource.status, resource.status_reason, resource.updated = status, reason, clock.current().now()
        self._stack.add_event(
            self._operation,
            resource.logical_id,
            resource.physical_id,
            resource.definition.type,
            status,
            reason,
            resource.definition.properties,
        )

    def _end(self, *, keep: bool = False) -> None:
        for operation in self._operations:
            operation.ended = clock.current().now()
        if not keep:
            self._stack.deployment = None


def _seconds(duration: str) -> float:
    try:
        return seconds(duration)
    except ValueError as error:
        raise ResourceFailed(f"Invalid duration in a policy of the resource: {error}") from error
