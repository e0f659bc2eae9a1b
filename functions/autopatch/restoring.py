"""Put back the alarms and the bake time that a stack had before the run.

CloudFormation saves those of an update with the stack, and a rollback of this run takes all alarms off. That an update
may consist of them alone is not documented: whether it has put them back is read from the stack.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from msgspec.structs import replace

from autopatch.aws.cloudformation.change_sets import ChangeSetState
from autopatch.aws.cloudformation.stacks import UpdateAnswer, UpdateRequest, not_updatable, rollback_option
from autopatch.aws.cloudwatch import AlarmState
from autopatch.contracts import NotRestored, NotStarted, Restored, Restoring
from autopatch.errors import AutopatchError, TargetNotReady
from autopatch.polling import look_again, or_look_again

if TYPE_CHECKING:
    from autopatch.aws.cloudformation.change_sets import ChangeSets
    from autopatch.aws.cloudformation.stacks import Stack, Stacks
    from autopatch.aws.cloudwatch import CloudWatch
    from autopatch.contracts import Execution, Run
    from autopatch.saved_alarms import Saved, SavedAlarms

logger = Logger()

_DELETED = ("DELETE_IN_PROGRESS", "DELETE_FAILED", "DELETE_COMPLETE")
_DESCRIPTION = "AMI Autopatch: the alarms and the bake time that the stack had before"


@dataclass(frozen=True)
class AlarmRestorer:
    """A stack that a run may have updated, and what it had of its `own`.

    `started_at` is when the run started on the stack: the longer ago that is, the longer are the waits.
    """

    execution: Execution
    run: Run
    own: Saved
    started_at: datetime
    stacks: Stacks
    change_sets: ChangeSets
    cloudwatch: CloudWatch
    saved_alarms: SavedAlarms

    def restore(self, so_far: NotStarted | Restoring, now: datetime) -> Restoring | Restored | NotRestored:
        """RESTORED when the stack has what it had; RESTORING to be looked at again; NOT_RESTORED when that failed.

        A change set that will not be executed is deleted; what is saved of a stack, when that has its own again.
        """
        return or_look_again(so_far, now, lambda: self._restore(so_far, now))

    def _restore(self, so_far: NotStarted | Restoring, now: datetime) -> Restoring | Restored | NotRestored:
        restoration = self._look(so_far, now)
        is_over = not isinstance(restoration, Restoring)
        if is_over and isinstance(so_far, Restoring) and so_far.change_set_id is not None and not so_far.is_updating:
            self.change_sets.delete(so_far.change_set_id, self.own.stack_id)
        return restoration

    def _look(self, so_far: NotStarted | Restoring, now: datetime) -> Restoring | Restored | NotRestored:
        stack = self.stacks.stack(self.own.stack_id)
        restoring = so_far if isinstance(so_far, Restoring) else self._started(now)
        if stack.status in _DELETED:
            return self._restored(stack)
        # What a stack shows while an operation is in progress on it is not documented.
        if stack.state.is_busy:
            return self._wait(restoring, stack, f"the stack is still {stack.status}", now)
        if self._is_restored(stack):
            return self._restored(stack)
        if not stack.state.is_ready:
            return self._not_restored(stack, str(not_updatable(stack)))
        if restoring.is_updating:
            return self._not_restored(stack, f"the update that was to put them back has ended in {stack.status}")
        alarms = self.cloudwatch.alarms(self.own.before.alarm_arns).values()
        if gone_off := [str(alarm) for alarm in alarms if alarm.state is AlarmState.ALARM]:
            why = f"an update that puts them back would be rolled back by {', '.join(gone_off)}"
            way_out = f"When none of them is in ALARM any more, put back what {stack.name} had:\n{self._command(stack)}"
            if now >= restoring.alarms_until:
                return self._not_restored(stack, why, way_out)
            return look_again(restoring, now, restoring.alarms_until)
        try:
            return self._go_on(restoring, stack, now)
        except TargetNotReady as refusal:
            return self._not_restored(stack, str(refusal))

    def _is_restored(self, stack: Stack) -> bool:
        """Whether the stack has nothing of the run; what somebody else has given it since is left alone."""
        has = stack.rollback_configuration
        return has.is_like(self.own.before) or has.digest not in self.own.given

    def _restored(self, stack: Stack) -> Restored:
        try:
            self.saved_alarms.forget(stack.name, stack.stack_id)
        except AutopatchError as error:
            # The stack has its own all the same; the next run forgets it.
            logger.warning("could not forget the saved alarms", stack=stack.name, error=str(error))
        return Restored()

    def _started(self, now: datetime) -> Restoring:
        minutes = self.run.deployment_deadline_minutes + self.own.before.minutes
        # Until then nobody is told how the run ended: that an alarm is in ALARM may be the reason why it failed.
        alarms_until = now + timedelta(minutes=self.run.verification_deadline_minutes)
        deadline_at = now + timedelta(minutes=minutes)
        return Restoring(started_at=self.started_at, deadline_at=deadline_at, alarms_until=alarms_until)

    def _go_on(self, restoring: Restoring, stack: Stack, now: datetime) -> Restoring | Restored | NotRestored:
        wanted = UpdateRequest(
            stack,
            {},
            has_transforms=self.stacks.template_summary(stack.name).has_transforms,
            rollback_configuration=self.own.before,
        )
        if restoring.change_set_id is None:
            change_set_id = self.change_sets.begin(wanted, self.execution.token(f"restore {stack.name}"), _DESCRIPTION)
            return self._wait(replace(restoring, change_set_id=change_set_id), stack, "it is being previewed", now)
        change_set = self.change_sets.change_set(restoring.change_set_id, stack.name)
        if change_set.state is ChangeSetState.CREATING:
            return self._wait(restoring, stack, "it is still being previewed", now)
        is_harmless = change_set.state is ChangeSetState.READY and not change_set.changes
        if is_harmless and self.change_sets.execute(restoring.change_set_id, stack.name, self._token(stack)):
            return self._wait(replace(restoring, is_updating=True), stack, "it is being updated", now)
        self.change_sets.delete(restoring.change_set_id, stack.name)
        if change_set.changes:
            changes = "; ".join(str(change) for change in change_set.changes)
            way_out = f"Put back what {stack.name} had; this changes the resources too:\n{self._command(stack)}"
            why = f"an update that puts them back would change resources too: {changes}"
            return self._not_restored(stack, why, way_out)
        if change_set.state is ChangeSetState.NO_CHANGES:
            return self._update(restoring, wanted, now)
        return self._wait(replace(restoring, change_set_id=None), stack, "its preview did not hold", now)

    def _update(self, restoring: Restoring, wanted: UpdateRequest, now: datetime) -> Restoring | Restored | NotRestored:
        """Without a change set, where one takes nothing but alarms and bake time for no change."""
        answer = self.stacks.update(wanted, self._token(wanted.stack))
        if answer is UpdateAnswer.STARTED:
            return self._wait(replace(restoring, is_updating=True), wanted.stack, "it is being updated", now)
        if answer is UpdateAnswer.BUSY:
            restoring = replace(restoring, change_set_id=None)
            return self._wait(restoring, wanted.stack, "the stack is being updated by somebody else", now)
        stack = self.stacks.stack(self.own.stack_id)
        if self._is_restored(stack):
            return self._restored(stack)
        return self._not_restored(
            stack,
            "CloudFormation takes no update that changes nothing else",
            f"Give {stack.name} what it had with its next update that changes something:\n"
            f"{rollback_option(self.own.before)}",
        )

    def _token(self, stack: Stack) -> str:
        return self.execution.token(f"restore {stack.name}")

    def _wait(self, restoring: Restoring, stack: Stack, why: str, now: datetime) -> Restoring | NotRestored:
        if now >= restoring.deadline_at:
            return self._not_restored(stack, why)
        return look_again(restoring, now)

    def _not_restored(self, stack: Stack, why: str, way_out: str | None = None) -> NotRestored:
        return NotRestored(
            reason=f"The stack's alarms and bake time were to be put back, and were not: {why}. It has now: "
            f"{stack.rollback_configuration}. It had before: {self.own.before}.",
            way_out=way_out or f"Put back what {stack.name} had:\n{self._command(stack)}",
        )

    def _command(self, stack: Stack) -> str:
        words = ["aws", "cloudformation", "update-stack", "--stack-name", stack.name, "--use-previous-template"]
        if stack.parameters:
            kept = [f"ParameterKey={name},UsePreviousValue=true" for name in stack.parameters]
            words += ["--parameters", *kept]
        if stack.capabilities:
            words += ["--capabilities", *stack.capabilities]
        return f"{shlex.join(words)} {rollback_option(self.own.before)}"
