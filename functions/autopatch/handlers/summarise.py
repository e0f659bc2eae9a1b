"""Say how the run ended for each target, and which failure stands for them all."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from autopatch.contracts import Ami, Execution, Failure, Summary, Target, TargetResult, Update
from autopatch.errors import AutopatchError
from autopatch.stacks import CLOCK_SKEW, Stacks

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()

# The most pressing failure names the run's error.
_URGENCY = ("RollbackFailed", "DeploymentTimedOut", "DeploymentFailed", "TargetNotReady")


@cache
def _stacks() -> Stacks:
    return Stacks.create()


@logger.inject_lambda_context(correlation_id_path="execution.id")
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    execution = Execution.from_event(event["execution"])
    summary = summarise(execution, event["results"], Ami.from_event(event["ami"]), _stacks())
    for outcome in ("PATCHED", "ALREADY_CURRENT", "DRY_RUN", "FAILED"):
        count = sum(target.outcome == outcome for target in summary.targets)
        metrics.add_metric(f"Targets{outcome.title().replace('_', '')}", MetricUnit.Count, count)
    logger.info("the run has ended", summary=summary.to_event())
    return summary.to_event()


def summarise(execution: Execution, results: list[dict[str, Any]], ami: Ami, stacks: Stacks) -> Summary:
    """`results` is what the Map put together: the last documents of each target, and its failure if it had one."""
    targets = tuple(_target_result(execution, result, ami, stacks) for result in results)
    failed = [target for target in targets if target.outcome == "FAILED"]
    if not failed:
        return Summary(targets)
    first = min(failed, key=lambda target: _urgency(target.error or ""))
    cause = "\n".join(f"{target.stack_name}: {target.error}: {target.reason}" for target in failed)
    return Summary(targets, Failure(error=first.error or "States.Unknown", cause=cause))


def _target_result(execution: Execution, result: dict[str, Any], ami: Ami, stacks: Stacks) -> TargetResult:
    target, update = Target.from_event(result["target"]), Update.from_event(result["update"])
    if "failure" in result:
        return _failed(execution, target, update, Failure.from_event(result["failure"]), stacks)
    assert update.outcome and update.ami_before and update.started_at and update.finished_at
    return TargetResult(
        stack_name=target.stack_name,
        outcome=update.outcome,
        ami_before=update.ami_before,
        ami_after=ami.ami_id if update.outcome == "PATCHED" else update.ami_before,
        seconds=round((update.finished_at - update.started_at).total_seconds()),
        reason=update.detail,
        stack_id=update.stack_id,
    )


def _failed(execution: Execution, target: Target, update: Update, failure: Failure, stacks: Stacks) -> TargetResult:
    result = TargetResult(
        stack_name=target.stack_name,
        outcome="FAILED",
        ami_before=update.ami_before or target.ami_before,
        ami_after=None,
        reason=failure.message,
        error=failure.error,
        stack_id=update.stack_id,
    )
    try:
        return _with_what_is_now(result, execution, target, update, stacks)
    except AutopatchError as error:
        # That the stack cannot be read must not hide why its update failed.
        logger.warning("could not read the stack of a failed target", stack=target.stack_name, error=str(error))
        return result


def _with_what_is_now(
    result: TargetResult, execution: Execution, target: Target, update: Update, stacks: Stacks
) -> TargetResult:
    """The result with the stack's AMI and status as they are, and the time that the update took to its end."""
    stack = stacks.stack(target.stack_name)
    seconds = None
    if update.started_at is not None:
        tokens = execution.update_tokens(target.stack_name)
        operation = stacks.operation(stack.stack_id, stack.name, tokens, update.started_at - CLOCK_SKEW)
        if operation is not None:
            seconds = round((operation.status_since - update.started_at).total_seconds())
    return replace(
        result,
        ami_after=stack.parameters.get(target.ami_parameter),
        stack_id=stack.stack_id,
        stack_status=stack.status,
        seconds=seconds,
    )


def _urgency(error: str) -> int:
    return _URGENCY.index(error) if error in _URGENCY else len(_URGENCY)
