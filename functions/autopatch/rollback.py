"""Take a stack whose instances failed their verification back to the AMI that it ran before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from autopatch.aws.cloudformation.stacks import UpdateAnswer, not_updatable
from autopatch.errors import RollbackFailed
from autopatch.operations import OwnOperation
from autopatch.polling import look_again

if TYPE_CHECKING:
    from autopatch.aws.auto_scaling import AutoScaling
    from autopatch.aws.cloudformation.stacks import Stack, Stacks
    from autopatch.contracts import Execution, Run, Target, Update
    from autopatch.settings import CloudFormationSettings


@dataclass(frozen=True)
class StackRollback:
    """One target that was updated, and failed its verification."""

    execution: Execution
    run: Run
    target: Target
    failed: Update
    settings: CloudFormationSettings
    stacks: Stacks
    auto_scaling: AutoScaling

    def begin(self, so_far: Update, now: datetime) -> Update:
        """The rollback: UPDATING, or BUSY while somebody else's operation is on the stack.

        Raises RollbackFailed when CloudFormation would not have it, or the stack stays busy until the deadline.
        """
        assert self.failed.stack_id and self.failed.ami_before and self.failed.ami_after
        so_far = replace(
            so_far,
            is_way_back=True,
            begun_at=self.failed.begun_at,
            stack_id=self.failed.stack_id,
            ami_before=self.failed.ami_after,
            ami_after=self.failed.ami_before,
            capacities=self.failed.capacities,
        )
        stack = self.stacks.stack(self.failed.stack_id)
        ours = OwnOperation.rollback(self.execution, stack.name)
        if ours.as_it_is(self.stacks, stack.stack_id, self.execution.started_at) is not None:
            return self._updating(so_far, now)
        if stack.state.is_busy:
            return self._busy(so_far, stack, now)
        if not stack.state.is_ready:
            raise RollbackFailed(str(not_updatable(stack)))
        answer = self.stacks.update(
            stack,
            self._values(stack),
            has_transforms=self.stacks.template_summary(stack.name).has_transforms,
            role_arn=self.settings.cloudformation_role_arn,
            token=ours.token,
        )
        if answer is UpdateAnswer.BUSY:
            return self._busy(so_far, stack, now)
        if answer is UpdateAnswer.NOTHING_TO_UPDATE:
            raise RollbackFailed(
                f"stack {stack.name}: expected its update back to {so_far.ami_after} to change something, found that "
                "it changes nothing; look at what runs in the stack's groups"
            )
        return self._updating(so_far, now)

    def _values(self, stack: Stack) -> dict[str, str]:
        assert self.failed.ami_before
        values = {self.target.ami_parameter: self.failed.ami_before}
        if self.target.capacity_parameter is not None:
            groups = self.auto_scaling.groups(self.stacks.group_names(stack.name).values())
            live = [group.desired_capacity for group in groups.values()]
            values[self.target.capacity_parameter] = str(max([*live, *self.failed.capacities.values()]))
        return values

    def _updating(self, so_far: Update, now: datetime) -> Update:
        return look_again(so_far.waiting("UPDATING", now, self.run.deployment_deadline_minutes), now)

    def _busy(self, so_far: Update, stack: Stack, now: datetime) -> Update:
        minutes = self.run.deployment_deadline_minutes
        if so_far.status != "BUSY":
            so_far = so_far.waiting("BUSY", now, minutes)
        assert so_far.deadline_at is not None
        if now >= so_far.deadline_at:
            raise RollbackFailed(
                f"stack {stack.name}: expected it to settle within {minutes} minutes so that it can be rolled back, "
                f"found it still {stack.status}; see what updates it, and roll it back by hand"
            )
        return look_again(so_far, now)
