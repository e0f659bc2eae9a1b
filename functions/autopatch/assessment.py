"""All that is found of a target whose update is previewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopatch.expected_changes import unexpected_changes
from autopatch.findings import (
    Finding,
    alarm_findings,
    ami_findings,
    fleet_findings,
    hold_findings,
    owner_findings,
    pause_findings,
    stack_findings,
    way_back_findings,
)
from autopatch.group_changes import GroupChange, changed_groups, minutes_of_pauses
from autopatch.group_findings import capacity_parameter_findings, group_findings, reach_findings, room_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from autopatch.aws.cloudformation.change_sets import Change
    from autopatch.aws.cloudformation.rollback_configuration import RollbackConfiguration
    from autopatch.aws.cloudformation.stacks import Stack
    from autopatch.aws.cloudwatch import Alarm
    from autopatch.aws.ec2 import MachineImage
    from autopatch.contracts import Target
    from autopatch.fleet import GroupFleet
    from autopatch.holds import Hold
    from autopatch.templates import Template


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
    owners: frozenset[str]
    """Whose AMIs may be rolled out: accounts and aliases."""
    ran_before: Callable[[], Collection[str]]
    """Gives AMIs that the stack had before."""
    ami_before: str
    """What the AMI parameter holds today, which may be nothing."""
    image_before: MachineImage | None
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

    @property
    def sets_capacity(self) -> bool:
        """Whether the update sets the desired capacity of a group."""
        return any(group.capacity_after is not None for group in self.changed)

    @property
    def capacity_to_carry(self) -> int | None:
        """The desired capacity that a new group has to be given to be as large as the old one; None if none has to be.

        A new group has the template's (CloudFormation user guide, "UpdatePolicy attribute"): one that has scaled out
        would come back small. None also when several groups would need several.
        """
        live = {group.fleet.group.desired_capacity for group in self.changed if group.is_resized}
        return live.pop() if len(live) == 1 else None


def assess(situation: Situation) -> Assessment:
    """All that is found of the target, without what it accepts."""
    target, fleet, ami_id = situation.target, situation.fleet, situation.ami_id
    changing = {change.logical_id for change in situation.changes}
    changed = tuple(changed_groups(fleet, situation.changes, situation.template))
    # What the update leaves alone is not judged: a group that is ill need not stop another.
    reached = tuple(group.fleet for group in changed) or fleet
    pauses_minutes = situation.monitoring.minutes + minutes_of_pauses(changed)
    findings = [
        *hold_findings(ami_id, situation.hold),
        *stack_findings(situation.stack),
        *ami_findings(ami_id, situation.image, reached),
        *owner_findings(situation.image, situation.owners, situation.ran_before),
        *way_back_findings(situation.ami_before, situation.image_before),
        *fleet_findings(reached),
        *reach_findings(fleet, changing, situation.template, target.ami_parameter),
        *capacity_parameter_findings(changed, situation.template, target.capacity_parameter),
        *group_findings(changed, target.capacity_parameter),
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
