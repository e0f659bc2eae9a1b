"""Say how the run ended for each target, and which failure stands for them all."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from autopatch.contracts import Ami, Failure, Summary, Target, TargetResult, Update, moment
from autopatch.errors import AutopatchError
from autopatch.stacks import Stacks

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
    summary = summarise(event["results"], Ami.from_event(event["ami"]), _stacks())
    for outcome in ("PATCHED", "ALREADY_CURRENT", "DRY_RUN", "FAILED"):
        count = sum(target.outcome == outcome for target in summary.targets)
        metrics.add_metric(f"Targets{outcome.title().replace('_', '')}", MetricUnit.Count, count)
    logger.info("the run has ended", summary=summary.to_event())
    return summary.to_event()


def summarise(results: list[dict[str, Any]], ami: Ami, stacks: Stacks) -> Summary:
    """`results` is what the Map put together: the last documents of each target, and its failure if it had one."""
    targets = tuple(_target_result(result, ami, stacks) for result in results)
    failed = [target for target in targets if target.outcome == "FAILED"]
    if not failed:
        return Summary(targets)
    first = min(failed, key=lambda target: _urgency(target.error or ""))
    cause = "\n".join(f"{target.stack_name}: {target.error}: {target.reason}" for target in failed)
    return Summary(targets, Failure(error=first.error or "States.Unknown", cause=cause))


def _target_result(result: dict[str, Any], ami: Ami, stacks: Stacks) -> TargetResult:
    target, update = Target.from_event(result["target"]), Update.from_event(result["update"])
    ami_before = update.ami_before or target.ami_before
    if "failure" in result:
        failure = Failure.from_event(result["failure"])
        ended_at = moment(result["failedAt"])
        ami_after, status, stack_id = _as_it_is_now(target, stacks)
        return TargetResult(
            stack_name=target.stack_name,
            outcome="FAILED",
            ami_before=ami_before,
            ami_after=ami_after,
            seconds=round((ended_at - update.started_at).total_seconds()) if update.started_at else None,
            reason=failure.message,
            error=failure.error,
            stack_id=update.stack_id or stack_id,
            stack_status=status,
        )
    assert update.outcome and update.started_at and update.finished_at
    return TargetResult(
        stack_name=target.stack_name,
        outcome=update.outcome,
        ami_before=ami_before,
        ami_after=ami.ami_id if update.outcome == "PATCHED" else ami_before,
        seconds=round((update.finished_at - update.started_at).total_seconds()),
        reason=update.detail,
        stack_id=update.stack_id,
    )


def _as_it_is_now(target: Target, stacks: Stacks) -> tuple[str | None, str | None, str | None]:
    """The AMI, status and id of a stack whose update failed; nothing where the stack cannot be read."""
    try:
        stack = stacks.stack(target.stack_name)
    except AutopatchError:
        logger.warning("could not read the stack of a failed target", stack=target.stack_name)
        return None, None, None
    return stack.parameters.get(target.ami_parameter), stack.status, stack.stack_id


def _urgency(error: str) -> int:
    return _URGENCY.index(error) if error in _URGENCY else len(_URGENCY)
