"""How the run ended for each target, and which failure stands for them all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.cloudformation.statuses import StackState
from autopatch.contracts import Failure, Summary, Target, TargetResult, Update
from autopatch.errors import AutopatchError, RollbackFailed, VerificationFailed
from autopatch.operations import OwnOperation

if TYPE_CHECKING:
    from autopatch.aws.cloudformation.stacks import Stacks
    from autopatch.contracts import Ami, Execution
    from autopatch.holds import Holds

logger = Logger()

# The most pressing failure names the run's error.
_URGENCY = (
    "RollbackFailed",
    "VerificationFailed",
    "DeploymentTimedOut",
    "DeploymentFailed",
    "UnexpectedChanges",
    "TargetNotReady",
)


def summarise(execution: Execution, results: list[dict[str, Any]], ami: Ami, stacks: Stacks, holds: Holds) -> Summary:
    """`results` is what the Map put together: the last documents of each target, and its failure if it had one.

    An AMI that a target was rolled back from is held from now on.
    """
    targets = tuple(_target_result(execution, result, ami, stacks) for result in results)
    if went_back := [target for target in targets if target.rolled_back or target.error == RollbackFailed.__name__]:
        told = _hold(ami, went_back, holds)
        targets = tuple(
            replace(target, reason=f"{target.reason}\n{told}") if target in went_back else target for target in targets
        )
    failed = [target for target in targets if target.outcome == "FAILED"]
    if not failed:
        return Summary(targets)
    first = min(failed, key=lambda target: _urgency(target.error or ""))
    cause = "\n".join(f"{target.stack_name}: {target.error}: {target.reason}" for target in failed)
    return Summary(targets, Failure(error=first.error or "States.Unknown", cause=cause))


def _hold(ami: Ami, went_back: list[TargetResult], holds: Holds) -> str:
    """Hold the AMI, and say so; that it could not be held must not hide how the targets ended."""
    why = "; ".join(f"{target.stack_name} was rolled back from it ({target.error})" for target in went_back)
    try:
        hold = holds.hold(ami.ami_id, why)
    except AutopatchError as error:
        logger.warning("could not hold the AMI", ami=ami.ami_id, error=str(error))
        return f"{ami.ami_id} could not be held ({error}): do not roll it out again before you know why."
    return f"{ami.ami_id} is held: no run rolls it out again. {hold.release.capitalize()}"


def _target_result(execution: Execution, result: dict[str, Any], ami: Ami, stacks: Stacks) -> TargetResult:
    target, update = Target.from_event(result["target"]), Update.from_event(result["update"])
    if "failure" in result:
        way_back = Update.from_event(result["wayBack"])
        return _failed(execution, target, update, way_back, _whole_failure(result, way_back), stacks)
    assert update.outcome and update.ami_before and update.started_at and update.finished_at
    return TargetResult(
        stack_name=target.stack_name,
        outcome=update.outcome,
        ami_before=update.ami_before,
        ami_after=ami.ami_id if update.outcome == "PATCHED" else update.ami_before,
        seconds=round((update.finished_at - update.started_at).total_seconds()),
        reason=update.detail,
        stack_id=update.stack_id,
        changes=update.changes,
    )


def _whole_failure(result: dict[str, Any], way_back: Update) -> Failure:
    """The failure of a target, with what became of the way back if there was one."""
    failure = Failure.from_event(result["failure"])
    if "failure" in result["wayBack"]:
        behind = Failure.from_event(result["wayBack"]["failure"])
        return Failure(
            "RollbackFailed",
            f"{failure.message}\nThe way back to {way_back.ami_after or 'its old AMI'} failed as well "
            f"({behind.error}): {behind.message}",
        )
    if way_back.status == "DONE":
        return Failure(
            failure.error,
            f"{failure.message}\nIt has been rolled back to {way_back.ami_after}, and all its instances run that and "
            "serve.",
        )
    if failure.error == VerificationFailed.__name__:
        return Failure(failure.error, f"{failure.message}\nIt has not been rolled back: that is left to a person.")
    return failure


def _failed(
    execution: Execution, target: Target, update: Update, way_back: Update, failure: Failure, stacks: Stacks
) -> TargetResult:
    result = TargetResult(
        stack_name=target.stack_name,
        outcome="FAILED",
        ami_before=update.ami_before or target.ami_before,
        ami_after=None,
        reason=failure.message,
        error=failure.error,
        stack_id=update.stack_id,
        changes=update.changes,
        rolled_back=way_back.status == "DONE",
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
    seconds, rolled_back = None, result.rolled_back
    if update.started_at is not None:
        ours = OwnOperation.update(execution, target.stack_name)
        operation = ours.as_it_is(stacks, stack.stack_id, update.started_at)
        if operation is not None:
            seconds = round((operation.status_since - update.started_at).total_seconds())
            rolled_back = rolled_back or operation.state is StackState.ROLLED_BACK
    return replace(
        result,
        ami_after=stack.parameters.get(target.ami_parameter),
        stack_id=stack.stack_id,
        stack_status=stack.status,
        seconds=seconds,
        rolled_back=rolled_back,
    )


def _urgency(error: str) -> int:
    return _URGENCY.index(error) if error in _URGENCY else len(_URGENCY)
