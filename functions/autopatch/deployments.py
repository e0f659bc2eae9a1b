"""Follow the update of a stack to its end, and cancel it at its deadline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from autopatch.aws.cloudformation.statuses import StackState
from autopatch.errors import DeploymentFailed, DeploymentTimedOut, RollbackFailed
from autopatch.operations import CLOCK_SKEW, OwnOperation
from autopatch.polling import look_again

if TYPE_CHECKING:
    from autopatch.aws.cloudformation.stacks import Operation, Stacks
    from autopatch.contracts import Execution, Run, Target, Update
    from autopatch.diagnosis import Diagnosis

_GOING_ON = frozenset({StackState.UPDATING, StackState.CLEANING_UP, StackState.ROLLING_BACK})


@dataclass(frozen=True)
class DeploymentChecker:
    """The update of one target that an earlier task has started."""

    execution: Execution
    run: Run
    target: Target
    stacks: Stacks
    diagnosis: Diagnosis

    @property
    def _deadline(self) -> timedelta:
        return timedelta(minutes=self.run.deployment_deadline_minutes)

    def check(self, so_far: Update, now: datetime) -> Update:
        """The update as it is now: UPDATING, ROLLING_BACK, CANCELLED or UPDATED.

        Raises DeploymentFailed, DeploymentTimedOut or RollbackFailed when the update has ended badly.
        """
        stack_id, started_at, deadline_at = so_far.stack_id, so_far.started_at, so_far.deadline_at
        assert stack_id and started_at and deadline_at
        operation = self._own_operation(so_far).as_it_is(self.stacks, stack_id, started_at)
        state = operation.state if operation else StackState.UPDATING
        if state is StackState.UPDATED:
            return replace(so_far, status="UPDATED", poll_after_seconds=0)
        if operation and state not in _GOING_ON:
            raise self._ended_badly(so_far, operation, started_at)
        if state is StackState.ROLLING_BACK and so_far.status == "UPDATING":
            so_far = replace(so_far, status="ROLLING_BACK", deadline_at=now + self._deadline)
        elif state is StackState.UPDATING and so_far.status == "UPDATING" and now >= deadline_at:
            so_far = self._cancelled(so_far, stack_id, now)
        return self._going_on(so_far, state, now)

    def _own_operation(self, so_far: Update) -> OwnOperation:
        of = OwnOperation.rollback if so_far.is_way_back else OwnOperation.update
        return of(self.execution, self.target.stack_name)

    def _cancelled(self, so_far: Update, stack_id: str, now: datetime) -> Update:
        if not self.stacks.cancel_update(stack_id, self._own_operation(so_far).cancel_token):
            return so_far
        return replace(so_far, status="CANCELLED", deadline_at=now + self._deadline)

    def _going_on(self, so_far: Update, state: StackState, now: datetime) -> Update:
        assert so_far.started_at and so_far.deadline_at
        # An update that can no longer be cancelled, since its new group serves already, is given as long again.
        give_up_at = so_far.deadline_at + self._deadline if so_far.status == "UPDATING" else so_far.deadline_at
        if now >= give_up_at:
            raise DeploymentTimedOut(
                f"stack {self.target.stack_name}: expected its update to have ended, found it {_words(state)} "
                f"after {_minutes(now - so_far.started_at)}; it goes on without this run: follow it in the console"
            )
        return look_again(so_far, now, None if now < so_far.deadline_at else give_up_at)

    def _ended_badly(
        self, so_far: Update, operation: Operation, started_at: datetime
    ) -> DeploymentFailed | DeploymentTimedOut | RollbackFailed:
        name, cause = self.target.stack_name, operation.first_failure
        because, behind = f"CloudFormation says: {operation.rollback_reason or 'nothing'}", ""
        if cause is not None:
            because, behind = f"the first failure: {cause}", self.diagnosis.behind(cause, started_at - CLOCK_SKEW)
        found = f"stack {name}: expected the update to end in UPDATE_COMPLETE, found {operation.status}; {because}"
        if operation.state is StackState.ROLLBACK_FAILED:
            return RollbackFailed(
                f"{found}; its rollback failed as well: mend the cause and continue the rollback "
                f"(aws cloudformation continue-update-rollback --stack-name {name}); no run will touch it until then"
                f"{behind}"
            )
        if operation.state is not StackState.ROLLED_BACK:
            return DeploymentFailed(f"{found}; it has not been rolled back: look at the stack in the console{behind}")
        if so_far.status == "CANCELLED":
            waited_for = ", ".join(operation.given_up) or "no resource in particular"
            return DeploymentTimedOut(
                f"stack {name}: expected the update to end within {_minutes(self._deadline)}, found it still waiting "
                f"for {waited_for}{f'; {because}' if cause else ''}; it was cancelled and has been rolled back to "
                f"{so_far.ami_before}: see what it waited for, and run again{behind}"
            )
        return DeploymentFailed(
            f"{found}; it has been rolled back to {so_far.ami_before}: see why, and run again{behind}"
        )


def _words(state: StackState) -> str:
    return state.name.lower().replace("_", " ")


def _minutes(duration: timedelta) -> str:
    return f"{round(duration.total_seconds() / 60)} minutes"
