"""What is found of the groups that an update changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from autopatch.dependents import refers
from autopatch.findings import Finding
from autopatch.group_changes import launch_template_sources
from autopatch.templates import Unresolved

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from autopatch.fleet import GroupFleet
    from autopatch.group_changes import GroupChange
    from autopatch.templates import Template

# A template in which nothing but policies has changed is no update (CloudFormation user guide, "Modify a stack
# template").
_NOT_ALONE = "together with a change of a resource, such as its Metadata, for policies alone are no update"

# Without these, CloudFormation cannot replace an instance, and a new one gets no requests (CloudFormation user guide,
# "UpdatePolicy attribute", SuspendProcesses).
_NEEDED_PROCESSES = ("Launch", "Terminate", "AddToLoadBalancer")


def reach_findings(
    fleet: Collection[GroupFleet], changing: Collection[str], template: Template, ami_parameter: str
) -> Iterator[Finding]:
    """Whether the update reaches the groups: each that is launched from a launch template which it changes, and any.

    `changing` has the logical ids of the resources that it changes.
    """
    reached = any(group.logical_id in changing for group in fleet)
    for group in fleet:
        for source in launch_template_sources(template, group.logical_id):
            if source.logical_id in changing and not source.moves:
                reached = True
                yield Finding(
                    "VersionDoesNotMove",
                    f"{group.logical_id} to be launched from the version of {source.logical_id} that the update makes",
                    f"the Version {source.version}",
                    f"set Version to !GetAtt {source.logical_id}.LatestVersionNumber in the template",
                )
    if not reached:
        yield Finding(
            "NoGroupChanges",
            f"the parameter {ami_parameter} to reach an Auto Scaling group of the stack",
            "that none changes with it",
            "name the parameter that the instances are launched from as amiParameter of the target",
        )


def capacity_parameter_findings(
    changed: Collection[GroupChange], template: Template, parameter: str | None
) -> Iterator[Finding]:
    """Whether the parameter that is to carry the capacity is that of a group, and not that of another property."""
    properties = {group.logical_id: template.document["Resources"][group.logical_id]["Properties"] for group in changed}
    capacities = {name: it["DesiredCapacity"] for name, it in properties.items() if "DesiredCapacity" in it}
    if parameter and capacities and not any(refers(capacity, parameter) for capacity in capacities.values()):
        yield Finding(
            "NotTheCapacity",
            f"{parameter} to be the DesiredCapacity of {', '.join(capacities)} in the template",
            ", ".join(json.dumps(capacity) for capacity in capacities.values()),
            "correct capacityParameter of the target, or CapacityParameterName of the deployment",
        )


def group_findings(changed: Collection[GroupChange], capacity_parameter: str | None = None) -> Iterator[Finding]:
    """Whether the update really replaces instances, guarded, and keeps the groups as large as they are."""
    for group in changed:
        yield from _policy_findings(group)
        yield from _size_findings(group, capacity_parameter)
        yield from _replacement_findings(group)
        yield from _process_findings(group)


def _policy_findings(group: GroupChange) -> Iterator[Finding]:
    for what, value in group.unresolved.items():
        yield Finding(
            "NotKnownBefore",
            f"to know of {group.logical_id}, before it is changed, {what}",
            f"that it depends on {value.source}",
            "write it into the template, or let parameters, conditions and mappings decide it",
        )
    if group.replaces_instances is False:
        yield Finding(
            "NoUpdatePolicy",
            f"an UpdatePolicy of {group.logical_id} that replaces instances",
            "none, so that the update would succeed and patch nothing",
            "add AutoScalingReplacingUpdate with WillReplace: true, or AutoScalingRollingUpdate, to the template, "
            f"{_NOT_ALONE}",
        )
    elif group.is_guarded is False:
        found = (
            "no CreationPolicy with signals"
            if group.replaces_group
            else "an AutoScalingRollingUpdate without WaitOnResourceSignals"
        )
        add = "a CreationPolicy with a ResourceSignal" if group.replaces_group else "WaitOnResourceSignals: true"
        fix = f"add {add} to the template"
        if group.has_to_succeed is False:
            found, fix = "MinSuccessfulInstancesPercent: 0", "raise it in the template"
        yield Finding(
            "NoCreationPolicy",
            f"a guard that fails the update of {group.logical_id} when new instances do not come up",
            found,
            f"{fix}, {_NOT_ALONE}; or let the target accept NoCreationPolicy",
        )


def _size_findings(group: GroupChange, capacity_parameter: str | None) -> Iterator[Finding]:
    live, after = group.fleet.group, group.capacity_after
    if isinstance(after, int) and after < live.desired_capacity:
        yield Finding(
            "CapacityShrinks",
            f"{group.logical_id} to keep its {live.desired_capacity} instances",
            f"that the update would leave {after}",
            _to_keep_the_capacity(group, capacity_parameter),
        )
    has = (live.min_size, live.max_size)
    least, most = group.range_after
    if isinstance(least, int) and isinstance(most, int) and has != (least, most):
        yield Finding(
            "GroupSizeChanges",
            f"{group.logical_id} to stay between {live.min_size} (MinSize) and {live.max_size} (MaxSize) instances",
            f"that the update would set them to {least} and {most}",
            "update the stack to the sizes that the group is to have; if the parameter for the desired capacity moves "
            "them, give them one of their own; or let the target accept GroupSizeChanges",
        )
    if isinstance(most, int) and isinstance(group.least_in_service, int) and group.least_in_service >= most:
        yield Finding(
            "NoRoomToReplace",
            f"a MinInstancesInService of {group.logical_id} below its MaxSize, {most}",
            str(group.least_in_service),
            f"raise MaxSize; or lower MinInstancesInService in the template, {_NOT_ALONE}",
        )


def _to_keep_the_capacity(group: GroupChange, capacity_parameter: str | None) -> str:
    """What helps against an update that leaves too few instances.

    A parameter helps a new group alone: one that is updated in place would get the parameter's old value when
    CloudFormation rolls the update back.
    """
    update = "update the stack to the capacity that it needs"
    if not group.replaces_group:
        return (
            "take DesiredCapacity out of the template; or add AutoScalingScheduledAction with "
            f"IgnoreUnmodifiedGroupSizeProperties: true to the UpdatePolicy, {_NOT_ALONE}; or {update}"
        )
    if capacity_parameter is None:
        return f"name the stack's parameter for the desired capacity as capacityParameter of the target, or {update}"
    return f"{update}, because its parameter {capacity_parameter} cannot be set to what all its groups have"


def _replacement_findings(group: GroupChange) -> Iterator[Finding]:
    """Whether a new group can take the place of the old one, and the old one go."""
    if group.replaces_group is not True:
        return
    if (name := group.properties.get("AutoScalingGroupName")) is not None:
        yield Finding(
            "CustomName",
            f"{group.logical_id} to have a name that CloudFormation makes, for a new group cannot have the old one's",
            f"the AutoScalingGroupName {group.fleet.group.name if isinstance(name, Unresolved) else name}",
            "take AutoScalingGroupName out of the template; or replace AutoScalingReplacingUpdate by "
            f"AutoScalingRollingUpdate, {_NOT_ALONE}",
        )
    if group.retained is True:
        yield Finding(
            "OldGroupStays",
            f"the old {group.logical_id} to go when the new one serves",
            "UpdateReplacePolicy: Retain, by which it keeps running, unpatched",
            "set UpdateReplacePolicy: Delete in the template, or replace AutoScalingReplacingUpdate by "
            f"AutoScalingRollingUpdate, {_NOT_ALONE}",
        )
    if protected := [instance.instance_id for instance in group.fleet.group.instances if instance.is_protected]:
        yield Finding(
            "ProtectedInstances",
            f"no instance of {group.logical_id} protected from scale-in, so that CloudFormation can delete the group",
            ", ".join(protected),
            "take the protection off:\n"
            f"aws autoscaling set-instance-protection --auto-scaling-group-name {group.fleet.group.name} "
            f"--no-protected-from-scale-in --instance-ids {' '.join(protected)}",
        )


def _process_findings(group: GroupChange) -> Iterator[Finding]:
    """Whether a group that is updated in place can launch and terminate instances."""
    suspended = [process for process in group.fleet.group.suspended_processes if process in _NEEDED_PROCESSES]
    if suspended and group.replaces_group is False:
        yield Finding(
            "SuspendedProcesses",
            f"the processes of {group.logical_id} that replace its instances to be active",
            f"{', '.join(suspended)} suspended",
            "resume them:\n"
            f"aws autoscaling resume-processes --auto-scaling-group-name {group.fleet.group.name} "
            f"--scaling-processes {' '.join(suspended)}",
        )


def room_findings(
    changed: Collection[GroupChange],
    free_addresses: Callable[[Collection[str]], Mapping[str, int]],
    used_and_quota: Callable[[], tuple[int, int]],
) -> Iterator[Finding]:
    """Whether there is room for the new group beside the old one.

    `free_addresses` and `used_and_quota` are those of a Situation.
    """
    new_cpus = 0
    for group in changed:
        if group.launches == 0:
            continue
        if group.fleet.group.subnet_ids:
            free = free_addresses(group.fleet.group.subnet_ids)
            if sum(free.values()) < group.launches:
                yield Finding(
                    "NoFreeAddresses",
                    f"{group.launches} free addresses in the subnets of {group.logical_id}",
                    ", ".join(f"{count} in {subnet}" for subnet, count in free.items()),
                    "free addresses, or give the group more subnets",
                )
        instances = [member.instance for member in group.fleet.members if member.instance]
        standard = [instance for instance in instances if instance.is_standard]
        new_cpus += group.launches * max((instance.virtual_cpus for instance in standard), default=0)
    if new_cpus == 0:
        return
    used, quota = used_and_quota()
    if used + new_cpus > quota:
        yield Finding(
            "QuotaExceeded",
            f"room for {new_cpus} more vCPUs of running On-Demand Standard instances while both groups run",
            f"a quota of {quota}, of which {used} are in use",
            "ask for a higher quota (Service Quotas, Amazon EC2, L-1216C47A), or stop what is not needed",
        )
