"""Execute the previewed update of one application stack."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.change_sets import ChangeSets
from autopatch.aws.cloudformation.stacks import CLOCK_SKEW, Stacks
from autopatch.contracts import Execution, Run, Target, Update
from autopatch.polling import look_again

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()


@cache
def _stacks() -> Stacks:
    return Stacks.create()


@cache
def _change_sets() -> ChangeSets:
    return ChangeSets.create()


@cache
def _auto_scaling() -> AutoScaling:
    return AutoScaling.create()


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    updater = StackUpdater(
        Execution.from_event(event["execution"]),
        Run.from_event(event["run"]),
        Target.from_event(event["target"]),
        _stacks(),
        _change_sets(),
        _auto_scaling(),
    )
    update = updater.update(Update.from_event(event["update"]), datetime.now(UTC)).to_event()
    logger.info("asked for the update", stack=event["target"]["stackName"], update=update)
    return update


class StackUpdater:
    """One target of one run, whose change set is ready."""

    def __init__(
        self,
        execution: Execution,
        run: Run,
        target: Target,
        stacks: Stacks,
        change_sets: ChangeSets,
        auto_scaling: AutoScaling,
    ) -> None:
        self._execution = execution
        self._run = run
        self._target = target
        self._stacks = stacks
        self._change_sets = change_sets
        self._auto_scaling = auto_scaling
        self._token, _ = execution.update_tokens(target.stack_name)

    def update(self, so_far: Update, now: datetime) -> Update:
        """UPDATING; or OUTDATED when the preview no longer holds, so that the target has to be checked again."""
        assert so_far.stack_id and so_far.change_set_id
        if not self._has_begun(so_far.stack_id):
            if self._capacities(so_far) != so_far.capacities:
                self._change_sets.delete(so_far.change_set_id, self._target.stack_name)
                return replace(so_far, status="OUTDATED")
            if not self._change_sets.execute(so_far.change_set_id, self._target.stack_name, self._token):
                return replace(so_far, status="OUTDATED")
        return look_again(so_far.waiting("UPDATING", now, self._run.deployment_deadline_minutes), now)

    def _has_begun(self, stack_id: str) -> bool:
        """Whether an earlier attempt of this task has started the update already."""
        since = self._execution.started_at - CLOCK_SKEW
        return self._stacks.operation(stack_id, self._target.stack_name, {self._token}, since) is not None

    def _capacities(self, so_far: Update) -> dict[str, int]:
        names = self._stacks.groups(self._target.stack_name)
        known = {logical_id: name for logical_id, name in names.items() if logical_id in so_far.capacities}
        groups = self._auto_scaling.groups(known.values())
        return {logical_id: groups[name].desired_capacity for logical_id, name in known.items()}
