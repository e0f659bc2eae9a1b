"""Update one application stack to the new AMI, as soon as the stack can be updated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.auto_scaling import AutoScaling
from autopatch.contracts import Ami, Execution, Run, Target, Update
from autopatch.errors import TargetNotReady
from autopatch.polling import deployment_poll_seconds
from autopatch.settings import UpdateSettings
from autopatch.stacks import CLOCK_SKEW, Stack, Stacks, UpdateAnswer, not_updatable

if TYPE_CHECKING:
    from collections.abc import Callable

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
    updater = StackUpdater(
        execution=Execution.from_event(event["execution"]),
        run=Run.from_event(event["run"]),
        target=Target.from_event(event["target"]),
        ami=Ami.from_event(event["ami"]),
        settings=UpdateSettings.from_env(),
        stacks=_stacks(),
        auto_scaling=_auto_scaling,
    )
    update = updater.update(Update.from_event(event["update"]), datetime.now(UTC)).to_event()
    logger.info("asked for the update", stack=event["target"]["stackName"], update=update)
    return update


class StackUpdater:
    """One target of one run, and what is needed to update it."""

    def __init__(
        self,
        *,
        execution: Execution,
        run: Run,
        target: Target,
        ami: Ami,
        settings: UpdateSettings,
        stacks: Stacks,
        auto_scaling: Callable[[], AutoScaling],
    ) -> None:
        self._execution = execution
        self._run = run
        self._target = target
        self._ami = ami
        self._settings = settings
        self._stacks = stacks
        self._auto_scaling = auto_scaling
        self._token, _ = execution.update_tokens(target.stack_name)

    def update(self, so_far: Update, now: datetime) -> Update:
        """Where the target stands now: BUSY, UPDATING, or DONE with ALREADY_CURRENT or DRY_RUN.

        Raises TargetNotReady when the stack cannot be updated, or is still busy at the deadline.
        """
        stack = self._stacks.stack(self._target.stack_name)
        if self._has_begun(stack):
            return self._updating(so_far, stack, now)
        if stack.is_busy:
            return self._busy(so_far, stack, now)
        if not stack.is_ready:
            raise not_updatable(stack)
        ami_before = stack.parameters[self._target.ami_parameter]
        known = replace(so_far, stack_id=stack.stack_id, ami_before=ami_before)
        if ami_before == self._ami.ami_id:
            return replace(known, started_at=now).done("ALREADY_CURRENT", now)
        if self._run.dry_run:
            change = f"would set {self._target.ami_parameter} from {ami_before} to {self._ami.ami_id}"
            return replace(known, started_at=now).done("DRY_RUN", now, change)
        answer = self._stacks.update(
            stack,
            self._new_values(stack),
            has_transforms=self._stacks.template_summary(stack.name).has_transforms,
            role_arn=self._settings.cloudformation_role_arn,
            token=self._token,
        )
        if answer is UpdateAnswer.BUSY:
            return self._busy(known, stack, now)
        if answer is UpdateAnswer.NOTHING_TO_UPDATE:
            raise TargetNotReady(
                f"stack {stack.name}: expected parameter {self._target.ami_parameter} to be what its instances are "
                f"launched from, found that nothing changes when it goes from {ami_before} to {self._ami.ami_id}; "
                "name the parameter that the template uses as amiParameter of the target"
            )
        return self._updating(known, stack, now)

    def _has_begun(self, stack: Stack) -> bool:
        """Whether an earlier attempt of this task has started the update already."""
        since = self._execution.started_at - CLOCK_SKEW
        return self._stacks.operation(stack.stack_id, stack.name, {self._token}, since) is not None

    def _new_values(self, stack: Stack) -> dict[str, str]:
        """The AMI, and the live capacity where the target names the parameter that carries it.

        A group that is replaced is created with the template's capacity (AutoScalingReplacingUpdate in the
        CloudFormation user guide): one that has scaled out would come back small.
        """
        values = {self._target.ami_parameter: self._ami.ami_id}
        if self._target.capacity_parameter is not None:
            groups = self._stacks.group_names(stack.name)
            if len(groups) != 1:
                raise TargetNotReady(
                    f"stack {stack.name}: expected one Auto Scaling group whose capacity "
                    f"{self._target.capacity_parameter} carries, found {len(groups)}; leave capacityParameter out"
                )
            values[self._target.capacity_parameter] = str(self._auto_scaling().desired_capacity(groups[0]))
        return values

    def _updating(self, so_far: Update, stack: Stack, now: datetime) -> Update:
        deadline_minutes = self._run.deployment_deadline_minutes
        update = replace(
            so_far,
            stack_id=stack.stack_id,
            ami_before=so_far.ami_before or self._target.ami_before,
            poll_after_seconds=deployment_poll_seconds(0, deadline_minutes * 60),
        )
        return update.waiting("UPDATING", now, deadline_minutes)

    def _busy(self, so_far: Update, stack: Stack, now: datetime) -> Update:
        if so_far.status != "BUSY":
            so_far = so_far.waiting("BUSY", now, self._run.deployment_deadline_minutes)
        assert so_far.started_at is not None and so_far.deadline_at is not None
        if now >= so_far.deadline_at:
            raise TargetNotReady(
                f"stack {stack.name}: expected it to settle within {self._run.deployment_deadline_minutes} minutes, "
                f"found it still {stack.status}; see what updates it, and start a run again when it has settled"
            )
        elapsed, remaining = now - so_far.started_at, so_far.deadline_at - now
        return replace(
            so_far, poll_after_seconds=deployment_poll_seconds(elapsed.total_seconds(), remaining.total_seconds())
        )
