"""Verify that the instances of an updated stack run the AMI and serve, as many as before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from autopatch.contracts import UpdateStatus, Verified
from autopatch.errors import PatchIncomplete, TargetNotReady, VerificationFailed
from autopatch.polling import look_again, or_look_again

if TYPE_CHECKING:
    from autopatch.aws.ec2 import Ec2
    from autopatch.contracts import Run, StackUpdate, Target
    from autopatch.fleet import Fleets, GroupFleet, Member


@dataclass(frozen=True)
class InstanceVerifier:
    """The instances of one target whose update has ended well."""

    run: Run
    target: Target
    fleets: Fleets
    ec2: Ec2

    def verify(self, update: StackUpdate, now: datetime) -> StackUpdate | Verified:
        """What is verified; or the update, VERIFYING while not everything is as it should be yet.

        When it still is not at the deadline, raises an error that names the instances: VerificationFailed when some
        that run the AMI do not serve, else PatchIncomplete.
        """
        verifying = self._verifying(update, now)
        return or_look_again(verifying, now, lambda: self._verify(verifying, now))

    def _verifying(self, update: StackUpdate, now: datetime) -> StackUpdate:
        """The update, with the deadline of its verification, which begins with the first look."""
        if update.status is UpdateStatus.VERIFYING:
            return update
        deadline_at = now + timedelta(minutes=self.run.verification_deadline_minutes)
        return replace(update, status=UpdateStatus.VERIFYING, deadline_at=deadline_at)

    def _verify(self, update: StackUpdate, now: datetime) -> StackUpdate | Verified:
        serving, failing, shortfalls = self._look(update)
        if not shortfalls:
            return Verified(
                started_at=update.started_at,
                stack_id=update.stack_id,
                ami_before=update.ami_before,
                ami_after=update.ami_after,
                seconds=round((now - update.update_started_at).total_seconds()),
                detail=_remark(serving),
                monitoring=update.monitoring,
                changes=update.changes,
            )
        if now >= update.deadline_at:
            error = VerificationFailed if failing else PatchIncomplete
            raise error(
                f"stack {self.target.stack_name}: expected all its instances to run {update.ami_after} and to serve "
                f"within {self.run.verification_deadline_minutes} minutes of the update, found "
                f"{'; '.join(shortfalls)}; "
                "see what keeps them from it (the instances' logs, the health checks)"
            )
        return look_again(update, now)

    def _look(self, update: StackUpdate) -> tuple[int, int, list[str]]:
        """Of the updated groups, how many instances serve, how many that run the AMI do not, and what is wrong."""
        try:
            fleet = self.fleets.of_stack(self.target.stack_name)
        except TargetNotReady as missing:
            # A group that somebody has deleted is a shortfall like any other: the rollback creates a new one.
            return 0, 0, [str(missing)]
        updated = [group for group in fleet if group.logical_id in update.capacities]
        shortfalls = [
            shortfall
            for group in updated
            for shortfall in _group_shortfalls(group, update.ami_after, self._expected(group, update))
        ]
        shortfalls += [
            f"no Auto Scaling group {logical_id} any more"
            for logical_id in update.capacities
            if logical_id not in {group.logical_id for group in fleet}
        ]
        members = {member.instance_id for group in fleet for member in group.members}
        on_old_ami = self.ec2.running_instances_of(update.stack_id, list(update.capacities), update.ami_before)
        shortfalls += [
            f"{instance_id} still runs {update.ami_before}" for instance_id in on_old_ami if instance_id not in members
        ]
        serving = sum(group.serving for group in updated)
        failing = sum(
            member.ami_id == update.ami_after and _is_failing(member) for group in updated for member in group.members
        )
        return serving, failing, shortfalls

    def _expected(self, group: GroupFleet, update: StackUpdate) -> int:
        """How many instances have to serve: as many as before the update.

        A group that has launched as many since, and wants fewer now, has scaled in; one that has launched fewer was
        created too small.
        """
        before, wanted = update.capacities[group.logical_id], group.group.desired_capacity
        if wanted >= before:
            return before
        return wanted if self.fleets.launched(group.group.name, update.started_at) >= before else before


def _remark(serving: int) -> str:
    if serving == 0:
        return "its groups are empty: nothing shows yet whether the AMI is good"
    return f"{serving} of {serving} instances run it, and serve"


def _group_shortfalls(group: GroupFleet, ami_id: str, expected: int) -> list[str]:
    shortfalls = [
        f"{member.instance_id} {' and '.join(troubles)}"
        for member in group.members
        if (troubles := _troubles(member, ami_id))
    ]
    if group.serving < expected:
        shortfalls.insert(0, f"{group.serving} of {expected} instances of {group.logical_id} serving")
    return shortfalls


def _troubles(member: Member, ami_id: str) -> list[str]:
    troubles = [] if member.ami_id == ami_id else [f"runs {member.ami_id}"]
    return [*troubles, *([f"is {member.trouble}"] if _is_failing(member) else [])]


def _is_failing(member: Member) -> bool:
    """Whether it is to serve, and does not."""
    return member.trouble is not None and not member.is_set_aside
