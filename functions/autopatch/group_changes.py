"""What an update does to the Auto Scaling groups of a stack, and what is found of that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopatch.aws.cloudformation.stacks import GROUP_TYPE
from autopatch.findings import Finding
from autopatch.templates import Template, Unresolved, completed, first_unresolved, truth, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from autopatch.aws.cloudformation.change_sets import Change
    from autopatch.fleet import GroupFleet

_CHECKPOINT_SECONDS = "3600"
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


@dataclass(frozen=True)
class GroupChange:
    """An Auto Scaling group that the update changes: as it runs, and as the template has it for the update.

    In what the template has, a value that nobody can know before the update is Unresolved.
    """

    fleet: GroupFleet
    update_policy: Mapping[str, Any] | Unresolved
    creation_policy: Mapping[str, Any] | Unresolved
    sizes: Mapping[str, Any]
    """The properties DesiredCapacity and MinSize, where it has them."""

    @classmethod
    def read(cls, fleet: GroupFleet, change: Change, template: Template) -> GroupChange:
        """The group's policies and sizes, from the template, and what that cannot say from the change set.

        Of the contexts that a change set shows, no sample and no record has an UpdatePolicy or a CreationPolicy; and
        a group that only reads an attribute of its launch template is shown without any context.
        """

        def attribute(name: str) -> Any:
            return completed(template.attribute(change.logical_id, name), change.after.get(name)) or {}

        properties = attribute("Properties")
        if isinstance(properties, Unresolved):
            properties = {"DesiredCapacity": properties}
        return cls(
            fleet,
            attribute("UpdatePolicy"),
            attribute("CreationPolicy"),
            {name: properties[name] for name in ("DesiredCapacity", "MinSize") if name in properties},
        )

    @property
    def logical_id(self) -> str:
        return self.fleet.logical_id

    @property
    def replaces_group(self) -> bool | Unresolved:
        """Whether a new group takes the place of this one."""
        return truth(_at(self.update_policy, "AutoScalingReplacingUpdate", "WillReplace"))

    @property
    def replaces_instances(self) -> bool | Unresolved:
        """Whether the instances are replaced at all (CloudFormation user guide, "UpdatePolicy attribute")."""
        in_place = [
            _at(self.update_policy, name) for name in ("AutoScalingRollingUpdate", "AutoScalingInstanceRefresh")
        ]
        if self.replaces_group is True or any(isinstance(policy, Mapping) for policy in in_place):
            return True
        return first_unresolved([self.replaces_group, *in_place]) or False

    @property
    def is_guarded(self) -> bool | Unresolved:
        """Whether the update fails when new instances do not come up.

        A new group waits for the signals of its CreationPolicy, a rolling update for signals only where it says so; an
        instance refresh waits for the instances' health.
        """
        if isinstance(self.replaces_group, Unresolved):
            return self.replaces_group
        if self.replaces_group:
            if _at(self.creation_policy, "ResourceSignal") is None:
                return False
            count = whole_number(_at(self.creation_policy, "ResourceSignal", "Count") or "1")
            return count if isinstance(count, Unresolved) else count > 0
        rolling = _at(self.update_policy, "AutoScalingRollingUpdate")
        return True if rolling is None else truth(_at(rolling, "WaitOnResourceSignals"))

    @property
    def capacity_after(self) -> int | Unresolved | None:
        """The desired capacity that the update sets, None when it leaves that alone.

        A new group has the template's; so has one that is updated in place, unless AutoScalingScheduledAction says that
        sizes which the template does not change are ignored (CloudFormation user guide, "UpdatePolicy attribute").
        """
        if isinstance(self.replaces_group, Unresolved):
            return self.replaces_group
        if not self.replaces_group:
            if "DesiredCapacity" not in self.sizes:
                return None
            ignored = truth(
                _at(self.update_policy, "AutoScalingScheduledAction", "IgnoreUnmodifiedGroupSizeProperties")
            )
            if ignored:
                return ignored if isinstance(ignored, Unresolved) else None
        return whole_number(self.sizes.get("DesiredCapacity", self.sizes.get("MinSize", "0")))

    @property
    def pauses_seconds(self) -> int | Unresolved:
        """How long the update pauses by what its policy tells it to.

        A rolling update that waits for no signals pauses after each batch. An instance refresh pauses at its
        checkpoints, for an hour unless the policy has another time, and bakes in the end (CDK API reference,
        CfnAutoScalingInstanceRefreshPreferences).
        """
        rolling = _at(self.update_policy, "AutoScalingRollingUpdate")
        if not self.replaces_group and _at(rolling, "PauseTime") and not truth(_at(rolling, "WaitOnResourceSignals")):
            pause, batch = _seconds(rolling["PauseTime"]), whole_number(rolling.get("MaxBatchSize", "1"))
            if isinstance(pause, Unresolved) or isinstance(batch, Unresolved):
                return first_unresolved([pause, batch]) or 0
            return pause * -(-self.fleet.group.desired_capacity // max(batch, 1))
        preferences = _at(self.update_policy, "AutoScalingInstanceRefresh", "Preferences")
        checkpoints = _at(preferences, "CheckpointPercentages") or []
        parts = [
            whole_number(_at(preferences, "BakeTime") or "0"),
            whole_number(_at(preferences, "CheckpointDelay") or _CHECKPOINT_SECONDS),
        ]
        if unresolved := first_unresolved([checkpoints, *parts]):
            return unresolved
        bake, delay = parts
        return bake + len(checkpoints) * delay  # type: ignore[operator]

    @property
    def unresolved(self) -> dict[str, Unresolved]:
        """What the update has to be judged by and is not known before it, in words of what it decides."""
        decided = {
            "whether the update replaces instances": self.replaces_instances,
            "whether the update waits for signals of the new instances": self.is_guarded,
            "how many instances the update leaves": self.capacity_after,
            "how long the update pauses": self.pauses_seconds,
        }
        return {what: value for what, value in decided.items() if isinstance(value, Unresolved)}

    @property
    def launches(self) -> int:
        """How many instances run beside the present ones until the update has ended.

        As many as there are, when the template does not say how many a new group has.
        """
        if not self.replaces_group:
            return 0
        after = self.capacity_after
        return after if isinstance(after, int) else self.fleet.group.desired_capacity


def changed_groups(
    fleet: Collection[GroupFleet], changes: Collection[Change], template: Template
) -> Iterator[GroupChange]:
    """The groups of the fleet that the update changes."""
    by_logical_id = {change.logical_id: change for change in changes if change.resource_type == GROUP_TYPE}
    for group in fleet:
        if group.logical_id in by_logical_id:
            yield GroupChange.read(group, by_logical_id[group.logical_id], template)


def minutes_of_pauses(changed: Collection[GroupChange]) -> int:
    """How long the groups pause one after another. What is not known of it is a finding of its own."""
    known = [group.pauses_seconds for group in changed if isinstance(group.pauses_seconds, int)]
    return -(-sum(known) // 60)


def group_findings(changed: Collection[GroupChange], ami_parameter: str) -> Iterator[Finding]:
    """Whether the update really replaces instances, guarded, and keeps as many as there are."""
    if not changed:
        yield Finding(
            "NoGroupChanges",
            f"the parameter {ami_parameter} to reach an Auto Scaling group of the stack",
            "that none changes with it",
            "name the parameter that the instances are launched from as amiParameter of the target",
        )
    for group in changed:
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
                "add AutoScalingReplacingUpdate with WillReplace: true, or AutoScalingRollingUpdate, to the template",
            )
        elif group.is_guarded is False:
            guard = "a CreationPolicy with a ResourceSignal" if group.replaces_group else "WaitOnResourceSignals: true"
            yield Finding(
                "NoCreationPolicy",
                f"a guard that fails the update of {group.logical_id} when new instances do not come up",
                "no CreationPolicy with signals"
                if group.replaces_group
                else "an AutoScalingRollingUpdate without WaitOnResourceSignals",
                f"add {guard} to the template, or let the target accept NoCreationPolicy",
            )
        live, after = group.fleet.group.desired_capacity, group.capacity_after
        if isinstance(after, int) and after < live:
            yield Finding(
                "CapacityShrinks",
                f"{group.logical_id} to keep its {live} instances",
                f"that the update would leave {after}",
                "name the stack's parameter for the desired capacity as capacityParameter of the target, or update the "
                "stack to the capacity that it needs",
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


def _seconds(value: Any) -> int | Unresolved:
    """The length of a duration such as PT1H30M; Unresolved when it is not known, or is none."""
    if isinstance(value, Unresolved):
        return value
    if not (match := _DURATION.fullmatch(str(value))):
        return Unresolved(str(value))
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _at(value: Any, *path: str) -> Any:
    """What a resolved value has at the path, None when it has nothing there; Unresolved when the way is not known."""
    for key in path:
        if isinstance(value, Unresolved):
            return value
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
