"""What an update does to the Auto Scaling groups of a stack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopatch.aws.cloudformation.stacks import GROUP_TYPE
from autopatch.templates import Template, Unresolved, completed, first_unresolved, truth, whole_number

if TYPE_CHECKING:
    from collections.abc import Collection

    from autopatch.aws.cloudformation.change_sets import Change
    from autopatch.fleet import GroupFleet

_CHECKPOINT_SECONDS = "3600"
_PROPERTIES = ("AutoScalingGroupName", "DesiredCapacity", "MaxSize", "MinSize")
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


@dataclass(frozen=True)
class GroupChange:
    """An Auto Scaling group that the update changes: as it runs, and as the template has it for the update.

    In what the template has, a value that nobody can know before the update is Unresolved.
    """

    fleet: GroupFleet
    update_policy: Mapping[str, Any] | Unresolved
    creation_policy: Mapping[str, Any] | Unresolved
    properties: Mapping[str, Any]
    """Its name and its sizes, where it has them."""
    retained: bool | Unresolved = False
    """Whether the old group stays when a new one takes its place."""

    @classmethod
    def read(cls, fleet: GroupFleet, shown: Mapping[str, Any], template: Template) -> GroupChange:
        """The group's policies and sizes, from the template, and what that cannot say from what a change set has shown.

        Of the contexts that a change set shows, no sample and no record has an UpdatePolicy or a CreationPolicy; and
        a group that only reads an attribute of its launch template is shown without any context.
        """

        def attribute(name: str) -> Any:
            return completed(template.attribute(fleet.logical_id, name), shown.get(name)) or {}

        properties, kept = attribute("Properties"), attribute("UpdateReplacePolicy")
        if isinstance(properties, Unresolved):
            properties = {"DesiredCapacity": properties}
        return cls(
            fleet,
            attribute("UpdatePolicy"),
            attribute("CreationPolicy"),
            {name: properties[name] for name in _PROPERTIES if name in properties},
            kept if isinstance(kept, Unresolved) else str(kept).startswith("Retain"),
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
            return count if isinstance(count, Unresolved) else count > 0 and self.has_to_succeed
        rolling = _at(self.update_policy, "AutoScalingRollingUpdate")
        if rolling is None:
            return True
        waits = truth(_at(rolling, "WaitOnResourceSignals"))
        return waits if isinstance(waits, Unresolved) else waits and self.has_to_succeed

    @property
    def has_to_succeed(self) -> bool | Unresolved:
        """Whether any of the new instances has to signal success: of 0 percent, none has to."""
        if self.replaces_group:
            percent = _at(self.creation_policy, "AutoScalingCreationPolicy", "MinSuccessfulInstancesPercent")
        else:
            percent = _at(self.update_policy, "AutoScalingRollingUpdate", "MinSuccessfulInstancesPercent")
        number = whole_number("100" if percent is None else percent)
        return number if isinstance(number, Unresolved) else number > 0

    @property
    def leaves_sizes(self) -> bool | Unresolved:
        """Whether the group keeps the sizes that it has.

        A new group has the template's; so has one that is updated in place, unless AutoScalingScheduledAction says that
        sizes which the template does not change are ignored (CloudFormation user guide, "UpdatePolicy attribute").
        """
        if self.replaces_group:
            return self.replaces_group if isinstance(self.replaces_group, Unresolved) else False
        return truth(_at(self.update_policy, "AutoScalingScheduledAction", "IgnoreUnmodifiedGroupSizeProperties"))

    @property
    def capacity_after(self) -> int | Unresolved | None:
        """The desired capacity that the update sets, None when it leaves that alone."""
        if isinstance(self.replaces_group, Unresolved):
            return self.replaces_group
        if not self.replaces_group:
            if "DesiredCapacity" not in self.properties:
                return None
            if self.leaves_sizes:
                return self.leaves_sizes if isinstance(self.leaves_sizes, Unresolved) else None
        return whole_number(self.properties.get("DesiredCapacity", self.properties.get("MinSize", "0")))

    @property
    def is_resized(self) -> bool:
        """Whether a new group takes its place that has another desired capacity."""
        after = self.capacity_after
        return self.replaces_group is True and after not in (None, self.fleet.group.desired_capacity)

    @property
    def range_after(self) -> tuple[int | Unresolved, int | Unresolved]:
        """The MinSize and the MaxSize that the group has after the update."""
        group = self.fleet.group
        has = {"MinSize": group.min_size, "MaxSize": group.max_size}
        if isinstance(self.leaves_sizes, Unresolved):
            return self.leaves_sizes, self.leaves_sizes
        after = has if self.leaves_sizes else {**has, **self.properties}
        return whole_number(after["MinSize"]), whole_number(after["MaxSize"])

    @property
    def least_in_service(self) -> int | Unresolved:
        """How many instances a rolling update keeps in service; 0 for any other update."""
        if self.replaces_group:
            return 0
        return whole_number(_at(self.update_policy, "AutoScalingRollingUpdate", "MinInstancesInService") or "0")

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
            "how many instances the update leaves": first_unresolved([self.capacity_after, *self.range_after]),
            "how many instances the update keeps in service": self.least_in_service,
            "whether the old group stays": self.retained,
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


@dataclass(frozen=True)
class LaunchTemplateSource:
    """A launch template of the stack that a group is launched from, and the version of it that the group names."""

    logical_id: str
    version: str
    moves: bool
    """Whether the group follows each update of the launch template, as far as is known."""


def launch_template_sources(template: Template, logical_id: str) -> Iterator[LaunchTemplateSource]:
    """The launch templates of the stack that the group is launched from.

    CloudFormation makes a new version of a launch template, and replaces instances only where the version that the
    group names is another one then. The default version stays (template reference, AWS::EC2::LaunchTemplate).
    """
    properties = template.attribute(logical_id, "Properties")
    mixed = _at(properties, "MixedInstancesPolicy", "LaunchTemplate", "LaunchTemplateSpecification")
    for named in (_at(properties, "LaunchTemplate"), mixed):
        names = [_at(named, name) for name in ("LaunchTemplateId", "LaunchTemplateName")]
        version = _at(named, "Version")
        for name in names:
            if isinstance(name, Unresolved) and name.source.startswith("Ref "):
                found = version.source if isinstance(version, Unresolved) else str(version)
                stays = not isinstance(version, Unresolved) or found.endswith(".DefaultVersionNumber")
                yield LaunchTemplateSource(name.source.removeprefix("Ref "), found, moves=not stays)


def changed_groups(
    fleet: Collection[GroupFleet], changes: Collection[Change], template: Template
) -> Iterator[GroupChange]:
    """The groups of the fleet that the update changes."""
    by_logical_id = {change.logical_id: change for change in changes if change.resource_type == GROUP_TYPE}
    for group in fleet:
        if group.logical_id in by_logical_id:
            yield GroupChange.read(group, by_logical_id[group.logical_id].after, template)


def minutes_of_pauses(changed: Collection[GroupChange]) -> int:
    """How long the groups pause one after another. What is not known of it is a finding of its own."""
    known = [group.pauses_seconds for group in changed if isinstance(group.pauses_seconds, int)]
    return -(-sum(known) // 60)


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
