"""Follow the update of a stack to its end, and cancel it at its deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from autopatch.aws.cloudformation.statuses import StackState
from autopatch.contracts import UpdateStatus
from autopatch.errors import DeploymentFailed, DeploymentTimedOut, RollbackFailed
from autopatch.operations import CLOCK_SKEW, OwnOperation
from autopatch.polling import look_again, or_look_again

if TYPE_CHECKING:
    from autopatch.aws.cloudformation.stacks import Operation, Stacks
    from autopatch.contracts import Execution, Run, StackUpdate, Target
    from autopatch.diagnosis import Diagnosis


@dataclass(frozen=True)
class DeploymentChecker:
    """The update of one target that an earlier task has started."""

    execution: Execution
    run: Run
    target: Target
    stacks: Stacks
    diagnosis: Diagnosis

    def check(self, update: StackUpdate, now: datetime) -> StackUpdate:
        """The update as it is now: UPDATING, ROLLING_BACK, CANCELLED or UPDATED.

        Raises DeploymentFailed, DeploymentTimedOut or RollbackFailed when the update has ended in any other way.
        """
        return or_look_again(update, now, lambda: self._check(update, now), self._give_up_at(update))

    def _check(self, update: StackUpdate, now: datetime) -> StackUpdate:
        ours = self._own_operation(update)
        operation = ours.find(self.stacks, update.stack_id, update.update_started_at)
        if operation is None:
            return self._going_on(update, StackState.UPDATING, ours, now)
        if operation.state is StackState.UPDATED:
            return replace(update, status=UpdateStatus.UPDATED, poll_after_seconds=0)
        if operation.state.is_busy:
            return self._going_on(update, operation.state, ours, now)
        raise self._failure(update, operation)

    def _allowed(self, update: StackUpdate) -> timedelta:
        """How long an update may take: the deployment's deadline, and as long as the update pauses by itself."""
        return timedelta(minutes=self.run.deployment_deadline_minutes + update.pauses_minutes)

    def _give_up_at(self, update: StackUpdate) -> datetime:
        """An update that can no longer be cancelled, because its new group already serves, is given as long again."""
        is_updating = update.status is UpdateStatus.UPDATING
        return update.deadline_at + self._allowed(update) if is_updating else update.deadline_at

    def _own_operation(self, update: StackUpdate) -> OwnOperation:
        operation = OwnOperation.rollback if update.is_rollback else OwnOperation.update
        return operation(self.execution, self.target.stack_name)

    def _going_on(self, update: StackUpdate, state: StackState, ours: OwnOperation, now: datetime) -> StackUpdate:
        if update.status is UpdateStatus.UPDATING:
            update = self._turned(update, state, ours, now)
        give_up_at = self._give_up_at(update)
        if now >= give_up_at:
            raise DeploymentTimedOut(
                f"stack {self.target.stack_name}: expected its update to have ended, found it {_words(state)} "
                f"after {_minutes(now - update.update_started_at)}; it continues without this run: follow it in the "
                "console"
            )
        return look_again(update, now, None if now < update.deadline_at else give_up_at)

    def _turned(self, update: StackUpdate, state: StackState, ours: OwnOperation, now: datetime) -> StackUpdate:
        """The update, rolling back when CloudFormation does so, and cancelled at its deadline where that is possible.

        The rollback has a deadline of its own.
        """
        if state is StackState.ROLLING_BACK:
            return replace(update, status=UpdateStatus.ROLLING_BACK, deadline_at=now + self._allowed(update))
        if state is not StackState.UPDATING or now < update.deadline_at:
            return update
        if not self.stacks.cancel_update(update.stack_id, ours.cancel_token):
            return update
        return replace(update, status=UpdateStatus.CANCELLED, deadline_at=now + self._allowed(update))

    def _failure(
        self, update: StackUpdate, operation: Operation
    ) -> DeploymentFailed | DeploymentTimedOut | RollbackFailed:
        name, cause = self.target.stack_name, operation.first_failure
        because, behind = f"CloudFormation says: {operation.rollback_reason or 'nothing'}", ""
        if cause is not None:
            because = f"the first failure: {cause}"
            behind = self.diagnosis.behind(cause, update.update_started_at - CLOCK_SKEW)
        ended = f"stack {name}: expected the update to end in UPDATE_COMPLETE, found {operation.status}; {because}"
        if operation.state is StackState.ROLLBACK_FAILED:
            return RollbackFailed(
                f"{ended}; its rollback failed as well, and no run will touch it: fix the cause, then continue it:\n"
                f"aws cloudformation continue-update-rollback --stack-name {name}{behind}"
            )
        if operation.state is not StackState.ROLLED_BACK:
            return DeploymentFailed(f"{ended}; it has not been rolled back: look at the stack in the console{behind}")
        if update.status is UpdateStatus.CANCELLED:
            waited_for = ", ".join(operation.given_up) or "no resource in particular"
            return DeploymentTimedOut(
                f"stack {name}: expected the update to end within {_minutes(self._allowed(update))}, found it still "
                f"waiting for {waited_for}{f'; {because}' if cause else ''}; it was cancelled and has been rolled "
                f"back to {update.ami_before}: see what it waited for, and run again{behind}"
            )
        return DeploymentFailed(
            f"{ended}; it has been rolled back to {update.ami_before}: see why, and run again{behind}"
        )


def _words(state: StackState) -> str:
    return state.name.lower().replace("_", " ")


def _minutes(duration: timedelta) -> str:
    return f"{round(duration.total_seconds() / 60)} minutes"
