"""What has to be true of a target before its update is executed.

Each check yields its findings instead of raising, so that an operator sees all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopatch.aws.cloudformation.change_sets import Cause, Change
from autopatch.aws.cloudformation.stacks import GROUP_TYPE, Stack
from autopatch.aws.cloudwatch import Alarm, AlarmState
from autopatch.aws.ec2 import MachineImage
from autopatch.errors import TargetNotReady, UnexpectedChanges
from autopatch.fleet import GroupFleet
from autopatch.templates import Template, Unresolved, completed, first_unresolved, truth, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from autopatch.aws.cloudformation.rollback_configuration import RollbackConfiguration
    from autopatch.contracts import Target
    from autopatch.holds import Hold

# What launches instances, and may change or be replaced for another AMI.
_LAUNCHES_INSTANCES = frozenset({GROUP_TYPE, "AWS::EC2::LaunchTemplate", "AWS::AutoScaling::LaunchConfiguration"})
_BY_REFERENCE = frozenset({"ResourceReference", "ResourceAttribute"})

ALARM_NOT_OK = "AlarmNotOk"
"""The finding of an alarm that is not OK. A target that accepts it is updated without the alarms that have gone off."""

_LONGEST_PAUSES_MINUTES = 2 * 24 * 60
_CHECKPOINT_SECONDS = "3600"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it has to be; the name is what a target accepts it by, where it can.

    `may_pass` says that it may resolve itself within minutes.
    """

    name: str
    expected: str
    found: str
    fix: str
    may_pass: bool = False

    def __str__(self) -> str:
        return f"{self.name}: expected {self.expected}, found {self.found}; {self.fix}"


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
        """How long an instance refresh of the group pauses at its checkpoints, and bakes in the end.

        A checkpoint has a pause of an hour, unless the policy has another (CDK API reference,
        CfnAutoScalingInstanceRefreshPreferences).
        """
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


@dataclass(frozen=True)
class Situation:
    """What a target is judged by: its stack, what runs in it, what the update would change, and the AMI."""

    target: Target
    stack: Stack
    fleet: tuple[GroupFleet, ...]
    changes: tuple[Change, ...]
    template: Template
    ami_id: str
    image: MachineImage | None
    """None when there is no such AMI in this Region for this account."""
    hold: Hold | None
    """The one that covers the AMI."""
    monitoring: RollbackConfiguration
    """The alarms and the bake time of the update."""
    alarms: Mapping[str, Alarm]
    """The alarms of `monitoring` that exist in this account and Region, by their ARNs."""
    free_addresses: Callable[[Collection[str]], Mapping[str, int]]
    """Gives the free addresses of subnets, by their ids."""
    used_and_quota: Callable[[], tuple[int, int]]
    """Gives the vCPUs of On-Demand Standard instances that run in the account, and those that may."""


@dataclass(frozen=True)
class Assessment:
    """Whether an update may be made: when there are neither findings nor unexpected changes."""

    changed: tuple[GroupChange, ...]
    findings: tuple[Finding, ...]
    unexpected: tuple[str, ...]
    pauses_minutes: int
    """How long the update pauses by what it is told to: its bake time, and its groups' own pauses one after another."""

    @property
    def may_pass(self) -> bool:
        """Whether there are findings, all of which may resolve themselves within minutes."""
        return bool(self.findings) and all(finding.may_pass for finding in self.findings)


def assess(situation: Situation) -> Assessment:
    """All that is found of the target, without what it accepts."""
    target, fleet, ami_id = situation.target, situation.fleet, situation.ami_id
    changed = tuple(_changed_groups(fleet, situation.changes, situation.template))
    pauses_minutes = situation.monitoring.minutes + _minutes_of_pauses(changed)
    findings = [
        *hold_findings(ami_id, situation.hold),
        *stack_findings(situation.stack),
        *ami_findings(ami_id, situation.image, fleet),
        *fleet_findings(fleet),
        *group_findings(changed, target.ami_parameter),
        *alarm_findings(situation.monitoring.alarm_arns, situation.alarms),
        *pause_findings(pauses_minutes),
        *room_findings(changed, situation.free_addresses, situation.used_and_quota),
    ]
    our_parameters = {target.ami_parameter, target.capacity_parameter or ""}
    return Assessment(
        changed,
        tuple(finding for finding in findings if finding.name not in target.accepted),
        unexpected_changes(situation.changes, our_parameters),
        pauses_minutes,
    )


def not_ready(
    stack_name: str, findings: Sequence[Finding], unexpected: Sequence[str] = ()
) -> TargetNotReady | UnexpectedChanges:
    """The error that lists all the findings, and the unexpected changes before them where there are any."""
    if not unexpected:
        return TargetNotReady(_list(f"stack {stack_name} is not ready:", findings))
    text = (
        _list(f"stack {stack_name}: expected that only its instances would change, found:", unexpected)
        + "\ngive what is not to change with the AMI a parameter of its own, or make these changes by an update of "
        "their own, and start the execution again"
    )
    return UnexpectedChanges(text + (_list("\nand the stack is not ready:", findings) if findings else ""))


def _minutes_of_pauses(changed: Collection[GroupChange]) -> int:
    """What is not known of it is a finding of its own."""
    known = [group.pauses_seconds for group in changed if isinstance(group.pauses_seconds, int)]
    return -(-sum(known) // 60)


def _changed_groups(
    fleet: Collection[GroupFleet], changes: Collection[Change], template: Template
) -> Iterator[GroupChange]:
    by_logical_id = {change.logical_id: change for change in changes if change.resource_type == GROUP_TYPE}
    for group in fleet:
        if group.logical_id in by_logical_id:
            yield GroupChange.read(group, by_logical_id[group.logical_id], template)


def hold_findings(ami_id: str, hold: Hold | None) -> Iterator[Finding]:
    """Whether the AMI may be rolled out. `hold` is the one that covers it, if there is one."""
    if hold is not None:
        yield Finding("Held", f"an AMI that may be rolled out, not {ami_id}", str(hold), hold.release)


def stack_findings(stack: Stack) -> Iterator[Finding]:
    """What is wrong with how the stack is deployed."""
    if stack.deployment_mode == "EXPRESS":
        yield Finding(
            "DoesNotWait",
            "a deployment mode that waits for resources",
            "EXPRESS, in which an update completes before its instances are ready",
            "set the stack's deployment mode to STANDARD",
        )


def ami_findings(ami_id: str, image: MachineImage | None, fleet: Collection[GroupFleet]) -> Iterator[Finding]:
    """Whether the AMI can be launched in place of what runs; `image` is None when there is no such AMI here."""
    if image is None:
        yield Finding(
            "NoSuchAmi",
            f"the AMI {ami_id} in this Region, for this account",
            "none",
            "copy or share it, or name another",
        )
        return
    if image.state != "available":
        yield Finding(
            "AmiNotAvailable",
            f"the AMI {ami_id} to be available",
            image.state,
            "wait until it is, or name another",
        )
    others = sorted(
        {
            f"{member.instance.architecture} ({member.instance.instance_type})"
            for group in fleet
            for member in group.members
            if image.architecture and member.instance
            if member.instance.architecture not in (None, image.architecture)
        }
    )
    if others:
        yield Finding(
            "OtherArchitecture",
            f"instances of the AMI's architecture, {image.architecture}",
            ", ".join(others),
            "build the image from a parent of the instances' architecture, or change the instance type",
        )


def fleet_findings(fleet: Collection[GroupFleet]) -> Iterator[Finding]:
    """Whether what runs today is healthy: an unhealthy fleet is not updated."""
    if not fleet:
        yield Finding(
            "NoAutoScalingGroup",
            "an Auto Scaling group among the stack's resources",
            "none",
            "take the stack out of the targets, or name the (nested) stack that has the group",
        )
    for group in fleet:
        unhealthy = [f"{member.instance_id} {member.trouble}" for member in group.members if member.trouble]
        missing = group.group.desired_capacity - len(group.members)
        if missing > 0:
            unhealthy.append(f"{missing} of {group.group.desired_capacity} instances missing")
        if unhealthy:
            yield Finding(
                "UnhealthyInstances",
                f"all instances of {group.logical_id} in service and healthy",
                "; ".join(unhealthy),
                "fix the group first: a fleet that is unhealthy already cannot show whether the AMI is good",
                may_pass=True,
            )


def current_findings(ami_id: str, ami_parameter: str, fleet: Collection[GroupFleet]) -> Iterator[Finding]:
    """Whether a stack whose parameter already holds the AMI runs it as well.

    A group may be launched from another parameter, so long as all of it is.
    """
    on_it = {group.logical_id: [member for member in group.members if member.ami_id == ami_id] for group in fleet}
    for group in fleet:
        others = [f"{member.instance_id} on {member.ami_id}" for member in group.members if member.ami_id != ami_id]
        if others and (on_it[group.logical_id] or not any(on_it.values())):
            yield Finding(
                "OtherAmiRunning",
                f"the instances of {group.logical_id} to run {ami_id}, which {ami_parameter} holds already",
                ", ".join(others),
                "replace them (an instance refresh of the group does), for an update of the stack would change nothing",
            )


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
            yield Finding(
                "NoCreationPolicy",
                f"a guard that fails the update of {group.logical_id} when new instances do not come up",
                "no CreationPolicy with signals"
                if group.replaces_group
                else "an AutoScalingRollingUpdate without WaitOnResourceSignals",
                "add it to the template, or let the target accept NoCreationPolicy",
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


def alarm_findings(arns: Collection[str], alarms: Mapping[str, Alarm]) -> Iterator[Finding]:
    """Whether the alarms that are to roll the update back can do so, and would not do so at once.

    A missing alarm fails an update, and one that is in ALARM rolls it back (CloudFormation user guide, "Roll back your
    CloudFormation stack on alarm breach with rollback triggers").
    """
    if missing := [arn for arn in arns if arn not in alarms]:
        yield Finding(
            "NoSuchAlarm",
            "the update's rollback alarms in this account and Region",
            f"no {', '.join(missing)}",
            "correct RollbackAlarmArns of the deployment, or the rollback configuration of the stack",
        )
    if not_ok := [alarm for alarm in alarms.values() if alarm.state is not AlarmState.OK]:
        yield Finding(
            ALARM_NOT_OK,
            "the update's rollback alarms in OK",
            ", ".join(str(alarm) for alarm in not_ok),
            f"see why; or let the target accept {ALARM_NOT_OK}: alarms in ALARM then do not watch over this update",
            may_pass=True,
        )


def pause_findings(pauses_minutes: int) -> Iterator[Finding]:
    """Whether a run can wait for the update's own pauses."""
    if pauses_minutes > _LONGEST_PAUSES_MINUTES:
        yield Finding(
            "PausesTooLong",
            f"an update that pauses for at most {_LONGEST_PAUSES_MINUTES} minutes",
            f"{pauses_minutes} minutes of bake time and checkpoints",
            "shorten the BakeTime or CheckpointDelay of the UpdatePolicy, or the stack's monitoring time",
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


def unexpected_changes(changes: Collection[Change], our_parameters: Collection[str]) -> tuple[str, ...]:
    """What the update would do besides bringing up other instances, a line a resource.

    Our parameters have to be the cause of each change, or another change of which that is true. What launches
    instances may then be replaced, and with it what merely refers to it; anything else may only be changed in place.
    So a group whose AMI moves by itself, because an SSM parameter that the stack names holds another value, is not let
    through with ours, nor is what moves beside it in the same resource: such a change is shown without its cause (on
    record, test_update_parameter_between_deployments).
    """
    undecided = [change for change in changes if change.action == "Modify"]
    expected: set[str] = set()
    of_the_fleet: set[str] = set()
    grown = True
    while grown:
        grown = False
        for change in list(undecided):
            if not _is_caused_by(change, our_parameters, expected):
                continue
            with_the_fleet = change.resource_type in _LAUNCHES_INSTANCES or _is_caused_by(change, (), of_the_fleet)
            if with_the_fleet or change.replacement == "False":
                expected.add(change.logical_id)
                if with_the_fleet:
                    of_the_fleet.add(change.logical_id)
                undecided.remove(change)
                grown = True
    return tuple(f"{change}; cause: {_causes(change)}" for change in changes if change.logical_id not in expected)


def _is_caused_by(change: Change, parameters: Collection[str], expected: Collection[str]) -> bool:
    causes = _real_causes(change)
    return bool(causes) and all(
        _is_reference_to(cause, expected) or (cause.source == "ParameterReference" and cause.entity in parameters)
        for cause in causes
    )


def _real_causes(change: Change) -> list[Cause]:
    # One DirectModification beside our cause may repeat it, and another be a value that has moved by itself.
    return [cause for cause in change.causes if not cause.is_repetition]


def _is_reference_to(cause: Cause, logical_ids: Collection[str]) -> bool:
    return cause.source in _BY_REFERENCE and (cause.entity or "").split(".", 1)[0] in logical_ids


def _causes(change: Change) -> str:
    causes = _real_causes(change) or change.causes
    names = dict.fromkeys(f"{cause.source} {cause.entity}" if cause.entity else cause.source for cause in causes)
    return ", ".join(names) or "unknown"


def _at(value: Any, *path: str) -> Any:
    """What a resolved value has at the path, None when it has nothing there; Unresolved when the way is not known."""
    for key in path:
        if isinstance(value, Unresolved):
            return value
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _list(title: str, lines: Collection[object]) -> str:
    return "\n".join([title, *(f"- {line}" for line in lines)])
