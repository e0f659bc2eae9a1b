"""How the run ended for each target, and the failure that the run ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from msgspec.structs import replace

from autopatch.aws.cloudformation.statuses import StackState
from autopatch.contracts import (
    Failure,
    NotStarted,
    Outcome,
    Preview,
    RecordedFailure,
    RecordedResult,
    StackUpdate,
    Summary,
    TargetResult,
    Verified,
)
from autopatch.errors import AutopatchError, RollbackFailed, VerificationFailed
from autopatch.operations import OwnOperation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from autopatch.aws.cloudformation.stacks import Stacks
    from autopatch.contracts import Ami, Execution, Pending
    from autopatch.holds import Holds

logger = Logger()

# The most urgent failure of a target names the error of the run.
_URGENCY = (
    "RollbackFailed",
    "VerificationFailed",
    "DeploymentTimedOut",
    "DeploymentFailed",
    "UnexpectedChanges",
    "TargetNotReady",
)


def summarise(
    execution: Execution, records: Sequence[RecordedResult | RecordedFailure], ami: Ami, stacks: Stacks, holds: Holds
) -> Summary:
    """How each of the recorded targets ended.

    An AMI that a target was rolled back from is held from now on.
    """
    targets = tuple(
        _failed(execution, record, stacks) if isinstance(record, RecordedFailure) else _succeeded(record)
        for record in records
    )
    if rolled_back := [target for target in targets if target.rolled_back or target.error == RollbackFailed.__name__]:
        remark = _hold(ami, rolled_back, holds)
        targets = tuple(
            replace(target, reason=f"{target.reason}\n{remark}") if target in rolled_back else target
            for target in targets
        )
    failed = [target for target in targets if target.outcome is Outcome.FAILED]
    if not failed:
        return Summary(targets)
    first = min(failed, key=lambda target: _urgency(target.error or ""))
    cause = "\n".join(f"{target.stack_name}: {target.error}: {target.reason}" for target in failed)
    return Summary(targets, Failure(error=first.error or "States.Unknown", cause=cause))


def _hold(ami: Ami, rolled_back: list[TargetResult], holds: Holds) -> str:
    """Hold the AMI, and say so; that it could not be held must not hide how the targets ended."""
    why = "; ".join(f"{target.stack_name} was rolled back from it ({target.error})" for target in rolled_back)
    try:
        hold = holds.hold(ami.ami_id, why)
    except AutopatchError as error:
        logger.warning("could not hold the AMI", ami=ami.ami_id, error=str(error))
        return f"{ami.ami_id} could not be held ({error}): do not roll it out again before you know why."
    return f"{ami.ami_id} is held: no run rolls it out again; {hold.release}"


def _succeeded(record: RecordedResult) -> TargetResult:
    update = record.update
    return TargetResult(
        stack_name=record.target.stack_name,
        outcome=update.outcome,
        ami_before=update.ami_before,
        ami_after=update.ami_after,
        seconds=update.seconds,
        reason=update.detail,
        stack_id=update.stack_id,
        changes=update.changes,
    )


def _failed(execution: Execution, record: RecordedFailure, stacks: Stacks) -> TargetResult:
    planned = record.update if isinstance(record.update, Preview | StackUpdate) else None
    ami_before = planned.ami_before if planned else record.target.ami_before
    failure = _whole_failure(record, ami_before)
    result = TargetResult(
        stack_name=record.target.stack_name,
        outcome=Outcome.FAILED,
        ami_before=ami_before,
        ami_after=None,
        reason=failure.message,
        error=failure.error,
        stack_id=planned.stack_id if planned else None,
        changes=planned.changes if planned else (),
        rolled_back=isinstance(record.rollback, Verified),
    )
    try:
        return _with_what_is_now(result, execution, record, stacks)
    except AutopatchError as error:
        # That the stack cannot be read must not hide why its update failed.
        logger.warning("could not read the stack of a failed target", stack=result.stack_name, error=str(error))
        return result


def _whole_failure(record: RecordedFailure, ami_before: str) -> Failure:
    """The failure of a target, with what became of its rollback if there was one."""
    failure = record.failure
    if (behind := record.rollback_failure) is not None:
        return Failure(
            RollbackFailed.__name__,
            f"{failure.message}\nThe rollback to {ami_before} failed as well ({behind.error}): {behind.message}",
        )
    if isinstance(record.rollback, Verified):
        remark = f"It has been rolled back to {ami_before}, and all its instances run that and serve."
        return Failure(failure.error, f"{failure.message}\n{remark}")
    if failure.error == VerificationFailed.__name__:
        return Failure(failure.error, f"{failure.message}\nIt has not been rolled back: that is left to an operator.")
    return failure


def _with_what_is_now(
    result: TargetResult, execution: Execution, record: RecordedFailure, stacks: Stacks
) -> TargetResult:
    """The result with the stack's AMI and status as they are, and the time that the update took to its end."""
    stack = stacks.stack(result.stack_name)
    since = _started_at(record.update)
    ours = OwnOperation.update(execution, stack.name)
    operation = ours.find(stacks, stack.stack_id, since) if since else None
    return replace(
        result,
        ami_after=stack.parameters.get(record.target.ami_parameter),
        stack_id=stack.stack_id,
        stack_status=stack.status,
        seconds=round((operation.status_since - since).total_seconds()) if operation and since else None,
        rolled_back=result.rolled_back or (operation is not None and operation.state is StackState.ROLLED_BACK),
    )


def _started_at(update: NotStarted | Pending | Preview | StackUpdate) -> datetime | None:
    """Since when there may be an update by this run; None when there can be none.

    A task that failed may have started the update before it failed.
    """
    if isinstance(update, StackUpdate):
        return update.update_started_at
    return None if isinstance(update, NotStarted) else update.started_at


def _urgency(error: str) -> int:
    return _URGENCY.index(error) if error in _URGENCY else len(_URGENCY)
