"""Take a stack whose instances failed their verification back to the AMI that it ran before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import CLOCK_SKEW, Stack, Stacks, UpdateAnswer, not_updatable
from autopatch.contracts import Execution, Run, Target, Update
from autopatch.errors import RollbackFailed
from autopatch.polling import look_again
from autopatch.settings import CloudFormationSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()


@cache
def _stacks() -> Stacks:
    return Stacks.create()


@cache
def _auto_scaling() -> AutoScaling:
    return AutoScaling.create()


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    way_back = WayBack(
        execution=Execution.from_event(event["execution"]),
        run=Run.from_event(event["run"]),
        target=Target.from_event(event["target"]),
        failed=Update.from_event(event["update"]),
        settings=CloudFormationSettings.from_env(),
        stacks=_stacks(),
        auto_scaling=_auto_scaling(),
    )
    update = way_back.begin(Update.from_event(event["wayBack"]), datetime.now(UTC)).to_event()
    logger.info("asked for the way back", stack=event["target"]["stackName"], way_back=update)
    return update


class WayBack:
    """One target that was updated, and failed its verification."""

    def __init__(
        self,
        *,
        execution: Execution,
        run: Run,
        target: Target,
        failed: Update,
        settings: CloudFormationSettings,
        stacks: Stacks,
        auto_scaling: AutoScaling,
    ) -> None:
        self._execution = execution
        self._run = run
        self._target = target
        self._failed = failed
        self._settings = settings
        self._stacks = stacks
        self._auto_scaling = auto_scaling
        self._token, _ = execution.way_back_tokens(target.stack_name)

    def begin(self, so_far: Update, now: datetime) -> Update:
        """The way back: UPDATING, or BUSY while somebody else's operation is on the stack.

        Raises RollbackFailed when CloudFormation would not have it, or the stack stays busy until the deadline.
        """
        assert self._failed.stack_id and self._failed.ami_before and self._failed.ami_after
        so_far = replace(
            so_far,
            is_way_back=True,
            begun_at=self._failed.begun_at,
            stack_id=self._failed.stack_id,
            ami_before=self._failed.ami_after,
            ami_after=self._failed.ami_before,
            capacities=self._failed.capacities,
        )
        stack = self._stacks.stack(self._failed.stack_id)
        since = self._execution.started_at - CLOCK_SKEW
        if self._stacks.operation(stack.stack_id, stack.name, {self._token}, since) is not None:
            return self._updating(so_far, now)
        if stack.is_busy:
            return self._busy(so_far, stack, now)
        if not stack.is_ready:
            raise RollbackFailed(str(not_updatable(stack)))
        answer = self._stacks.update(
            stack,
            self._values(stack),
            has_transforms=self._stacks.template_summary(stack.name).has_transforms,
            role_arn=self._settings.cloudformation_role_arn,
            token=self._token,
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
        assert self._failed.ami_before
        values = {self._target.ami_parameter: self._failed.ami_before}
        if self._target.capacity_parameter is not None:
            groups = self._auto_scaling.groups(self._stacks.groups(stack.name).values())
            live = [group.desired_capacity for group in groups.values()]
            values[self._target.capacity_parameter] = str(max([*live, *self._failed.capacities.values()]))
        return values

    def _updating(self, so_far: Update, now: datetime) -> Update:
        return look_again(so_far.waiting("UPDATING", now, self._run.deployment_deadline_minutes), now)

    def _busy(self, so_far: Update, stack: Stack, now: datetime) -> Update:
        minutes = self._run.deployment_deadline_minutes
        if so_far.status != "BUSY":
            so_far = so_far.waiting("BUSY", now, minutes)
        assert so_far.deadline_at is not None
        if now >= so_far.deadline_at:
            raise RollbackFailed(
                f"stack {stack.name}: expected it to settle within {minutes} minutes so that it can be rolled back, "
                f"found it still {stack.status}; see what updates it, and roll it back by hand"
            )
        return look_again(so_far, now)
