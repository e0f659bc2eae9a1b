"""What has to be true of a target before its update is executed.

Each check yields its findings instead of raising, so that an operator sees all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopatch.aws.cloudwatch import Alarm, AlarmState
from autopatch.errors import TargetNotReady, UnexpectedChanges

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from autopatch.aws.cloudformation.stacks import Stack
    from autopatch.aws.ec2 import MachineImage
    from autopatch.fleet import GroupFleet
    from autopatch.holds import Hold

ALARM_NOT_OK = "AlarmNotOk"
"""The finding of an alarm that is not OK. A target that accepts it is updated without the alarms that have gone off."""

_MOST_ALARMS = 5
_LONGEST_PAUSES_MINUTES = 2 * 24 * 60


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


def way_back_findings(ami_before: str, image_before: MachineImage | None) -> Iterator[Finding]:
    """Whether the stack could go back to the AMI that it runs; one whose parameter is empty needs none for that."""
    state = image_before.state if image_before is not None else "that it does not exist"
    if ami_before and state != "available":
        yield Finding(
            "NoWayBack",
            f"the AMI that the stack runs today, {ami_before}, to be available, for a way back",
            state,
            "let the target accept NoWayBack: an update that fails then leaves too few instances, or none",
        )


def owner_findings(
    image: MachineImage | None, owners: frozenset[str], ran_before: Callable[[], Collection[str]]
) -> Iterator[Finding]:
    """Whether the AMI is one that may run in the stack: whoever starts an execution must not choose its owner.

    `owners` are accounts and aliases; `ran_before` gives AMIs that the stack had before, to which it may go back.
    """
    if image is None or owners & {image.owner_id, image.owner_alias}:
        return
    if image.ami_id not in ran_before():
        yield Finding(
            "ForeignAmi",
            f"an AMI of this account or of an owner that the deployment names, or one that the stack had before: not "
            f"{image.ami_id}",
            f"that it belongs to {image.owner_alias or 'the account'} {image.owner_id}",
            "copy it into this account, or name its owner in AmiOwners of the deployment",
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
                "fix the group first: a fleet that is unhealthy already cannot show whether the AMI is good; or, to "
                "leave a bad AMI, let the target accept UnhealthyInstances",
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


def alarm_count_findings(arns: Collection[str]) -> Iterator[Finding]:
    """Whether CloudFormation takes so many alarms (CloudFormation API reference, RollbackConfiguration)."""
    if len(arns) > _MOST_ALARMS:
        yield Finding(
            "TooManyAlarms",
            f"at most {_MOST_ALARMS} rollback alarms for the update",
            f"{len(arns)}, those of the stack and those of the deployment together",
            "name fewer in RollbackAlarmArns of the deployment, or in the rollback configuration of the stack, such as "
            "one composite alarm for several",
        )


def pause_findings(pauses_minutes: int) -> Iterator[Finding]:
    """Whether a run can wait for the update's own pauses."""
    if pauses_minutes > _LONGEST_PAUSES_MINUTES:
        yield Finding(
            "PausesTooLong",
            f"an update that pauses for at most {_LONGEST_PAUSES_MINUTES} minutes",
            f"{pauses_minutes} minutes of bake time, checkpoints and pauses",
            "shorten the BakeTime, CheckpointDelay or PauseTime of the UpdatePolicy, or the stack's monitoring time",
        )


def _list(title: str, lines: Collection[object]) -> str:
    return "\n".join([title, *(f"- {line}" for line in lines)])
