"""Take a stack whose instances failed their verification back to the AMI that it ran before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from autopatch.aws.cloudformation.rollback_configuration import RollbackConfiguration
from autopatch.aws.cloudformation.stacks import UpdateAnswer, UpdateRequest, not_updatable
from autopatch.contracts import Monitoring, NotStarted, Pending, PendingStatus, StackUpdate, UpdateStatus
from autopatch.errors import AutopatchError, RollbackFailed, StackMovedOn
from autopatch.operations import OwnOperation
from autopatch.polling import look_again, or_look_again
from autopatch.service_roles import role_to_give

if TYPE_CHECKING:
    from autopatch.aws.auto_scaling import AutoScaling
    from autopatch.aws.cloudformation.stacks import Stack, Stacks
    from autopatch.contracts import Execution, Run, Target
    from autopatch.saved_alarms import SavedAlarms
    from autopatch.settings import CloudFormationSettings

logger = Logger()

_NO_ALARMS = RollbackConfiguration()
"""An alarm that has gone off because of the new AMI would undo the way back from it."""


@dataclass(frozen=True)
class StackRollback:
    """One target whose update was made, and failed its verification."""

    execution: Execution
    run: Run
    target: Target
    failed: StackUpdate
    settings: CloudFormationSettings
    stacks: Stacks
    auto_scaling: AutoScaling
    saved_alarms: SavedAlarms

    def begin(self, so_far: NotStarted | Pending, now: datetime) -> StackUpdate | Pending:
        """The rollback; or a target that waits until somebody else's operation on the stack has ended.

        Raises RollbackFailed when CloudFormation refuses it, or the stack stays busy until the deadline; StackMovedOn
        when the stack's parameter does not hold any more what this run put there.
        """
        return or_look_again(so_far, now, lambda: self._begin(so_far, now))

    def _begin(self, so_far: NotStarted | Pending, now: datetime) -> StackUpdate | Pending:
        stack = self.stacks.stack(self.failed.stack_id)
        ours = OwnOperation.rollback(self.execution, stack.name)
        if ours.find(self.stacks, stack.stack_id, self.execution.started_at) is not None:
            return self._updating(now)
        if stack.state.is_busy:
            return self._busy(so_far, stack, now)
        if not stack.state.is_ready:
            raise RollbackFailed(str(not_updatable(stack)))
        self._check_that_nobody_moved_on(stack)
        self._save(stack)
        answer = self.stacks.update(
            UpdateRequest(
                stack,
                self._values(stack),
                has_transforms=self.stacks.template_summary(stack.name).has_transforms,
                role_arn=role_to_give(self.target.accepted, self.settings.cloudformation_role_arn),
                rollback_configuration=self._monitoring.during,
            ),
            token=ours.token,
        )
        if answer is UpdateAnswer.BUSY:
            return self._busy(so_far, stack, now)
        if answer is UpdateAnswer.NOTHING_TO_UPDATE:
            raise RollbackFailed(
                f"stack {stack.name}: expected its update back to {self.failed.ami_before} to change something, found "
                "that it changes nothing; look at what runs in the stack's groups"
            )
        return self._updating(now)

    def _save(self, stack: Stack) -> None:
        """Save what the stack has of its own; that this fails must not keep the stack on an AMI that has failed."""
        try:
            self.saved_alarms.save(stack.name, stack.stack_id, self._monitoring)
        except AutopatchError as error:
            # This execution knows it anyhow; only an abort would lose it now.
            logger.warning("could not save the alarms", stack=stack.name, error=str(error))

    def _check_that_nobody_moved_on(self, stack: Stack) -> None:
        value = stack.parameters.get(self.target.ami_parameter)
        if value != self.failed.ami_after:
            raise StackMovedOn(
                f"stack {stack.name}: expected {self.target.ami_parameter} to hold {self.failed.ami_after}, which this "
                f"run put there, found {value or 'nothing'}: somebody else has updated the stack since, and it is left "
                "alone; look at what runs in it"
            )

    @property
    def _deadline(self) -> timedelta:
        return timedelta(minutes=self.run.deployment_deadline_minutes)

    @property
    def _monitoring(self) -> Monitoring:
        return Monitoring(before=self.failed.monitoring.before, during=_NO_ALARMS)

    def _values(self, stack: Stack) -> dict[str, str]:
        """The old AMI; and the live capacity or the one before the update, where it would be set to another one."""
        values = {self.target.ami_parameter: self.failed.ami_before}
        if self.target.capacity_parameter is not None and self.failed.sets_capacity:
            groups = self.auto_scaling.groups(self.stacks.group_names(stack.name).values())
            live = [group.desired_capacity for group in groups.values()]
            values[self.target.capacity_parameter] = str(max([*live, *self.failed.capacities.values()]))
        return values

    def _updating(self, now: datetime) -> StackUpdate:
        # Of the pauses, the way back makes those of the groups, and no bake time.
        pauses_minutes = self.failed.pauses_minutes - self.failed.monitoring.during.minutes
        rollback = StackUpdate(
            status=UpdateStatus.UPDATING,
            is_rollback=True,
            started_at=self.failed.started_at,
            update_started_at=now,
            deadline_at=now + self._deadline + timedelta(minutes=pauses_minutes),
            stack_id=self.failed.stack_id,
            ami_before=self.failed.ami_after,
            ami_after=self.failed.ami_before,
            capacities=self.failed.capacities,
            monitoring=self._monitoring,
            sets_capacity=self.failed.sets_capacity,
            pauses_minutes=pauses_minutes,
        )
        return look_again(rollback, now)

    def _busy(self, so_far: NotStarted | Pending, stack: Stack, now: datetime) -> Pending:
        if isinstance(so_far, NotStarted):
            so_far = Pending(
                status=PendingStatus.STACK_BUSY,
                started_at=self.failed.started_at,
                deadline_at=now + self._deadline,
            )
        if now >= so_far.deadline_at:
            raise RollbackFailed(
                f"stack {stack.name}: expected it to settle within {self.run.deployment_deadline_minutes} minutes so "
                f"that it can be rolled back, found it still {stack.status}; see what updates it, and roll it back by "
                "hand"
            )
        return look_again(so_far, now)
