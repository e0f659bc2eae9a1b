"""Prove that the instances of an updated stack run the AMI, as many as before, and serve."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from autopatch.errors import TargetNotReady, VerificationFailed
from autopatch.polling import look_again

if TYPE_CHECKING:
    from autopatch.aws.ec2 import Ec2
    from autopatch.contracts import Run, Target, Update
    from autopatch.fleet import Fleets, GroupFleet, Member


@dataclass(frozen=True)
class InstanceVerifier:
    """The instances of one target whose update has ended well."""

    run: Run
    target: Target
    fleets: Fleets
    ec2: Ec2

    def verify(self, so_far: Update, now: datetime) -> Update:
        """DONE; or SETTLING while not everything is as it should be yet.

        Raises VerificationFailed, naming the instances, when it still is not at the deadline.
        """
        serving, shortfalls = self._look(so_far)
        if not shortfalls:
            return so_far.done("PATCHED", now, _remark(serving))
        if so_far.status != "SETTLING":
            so_far = replace(
                so_far, status="SETTLING", deadline_at=now + timedelta(minutes=self.run.verification_deadline_minutes)
            )
        assert so_far.deadline_at is not None
        if now >= so_far.deadline_at:
            raise VerificationFailed(
                f"stack {self.target.stack_name}: expected all its instances to run {so_far.ami_after} and to serve "
                f"within {self.run.verification_deadline_minutes} minutes of the update, "
                f"found {'; '.join(shortfalls)}; "
                "see what keeps them from it (the instances' logs, the health checks)"
            )
        return look_again(so_far, now)

    def _look(self, update: Update) -> tuple[int, list[str]]:
        """How many instances of the updated groups serve, and what is not as it should be."""
        assert update.stack_id and update.ami_before
        try:
            fleet = self.fleets.of_stack(self.target.stack_name)
        except TargetNotReady as missing:
            # A group that somebody has deleted is a shortfall like any other: the way back makes a new one.
            return 0, [str(missing)]
        updated = [group for group in fleet if group.logical_id in update.capacities]
        found = [
            shortfall
            for group in updated
            for shortfall in _group_shortfalls(group, update, self._expected(group, update))
        ]
        found += [
            f"no Auto Scaling group {logical_id} any more"
            for logical_id in update.capacities
            if logical_id not in {group.logical_id for group in fleet}
        ]
        members = {member.instance_id for group in fleet for member in group.members}
        left = self.ec2.running_instances_of(update.stack_id, list(update.capacities), update.ami_before)
        found += [f"{instance_id} still runs {update.ami_before}" for instance_id in left if instance_id not in members]
        return sum(group.serving for group in updated), found

    def _expected(self, group: GroupFleet, update: Update) -> int:
        """How many instances have to serve: as many as before the update.

        A group that has launched as many since, and wants fewer now, has scaled in; one that has not came back small.
        """
        before, wanted = update.capacities[group.logical_id], group.group.desired_capacity
        if wanted >= before or update.begun_at is None:
            return before
        return wanted if self.fleets.launched(group.group.name, update.begun_at) >= before else before


def _remark(serving: int) -> str:
    if serving == 0:
        return "its groups are empty: nothing shows yet whether the AMI is good"
    return f"{serving} of {serving} instances run it, and serve"


def _group_shortfalls(group: GroupFleet, update: Update, expected: int) -> list[str]:
    found = [
        f"{member.instance_id} {' and '.join(wrong)}"
        for member in group.members
        if (wrong := _wrong(member, update.ami_after))
    ]
    if group.serving < expected:
        found.insert(0, f"{group.serving} of {expected} instances of {group.logical_id} serving")
    return found


def _wrong(member: Member, ami_id: str | None) -> list[str]:
    wrong = [] if member.ami_id == ami_id else [f"runs {member.ami_id}"]
    return [*wrong, *([f"is {member.trouble}"] if member.trouble else [])]
