"""How the run ended for each target, and the failure that the run ends with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from msgspec.structs import replace

from autopatch.aws.cloudformation.stacks import rollback_option
from autopatch.aws.cloudformation.statuses import StackState
from autopatch.contracts import (
    Failure,
    NotRestored,
    NotStarted,
    Outcome,
    Preview,
    PreviewStatus,
    RecordedFailure,
    RecordedResult,
    StackUpdate,
    Summary,
    TargetResult,
    UpdateStatus,
    Verified,
)
from autopatch.errors import (
    AutopatchError,
    DeploymentFailed,
    PatchIncomplete,
    RollbackFailed,
    StackMovedOn,
    TargetNotReady,
    UnexpectedChanges,
    VerificationFailed,
)
from autopatch.operations import OwnOperation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from autopatch.aws.cloudformation.stacks import Operation, Stacks
    from autopatch.contracts import Ami, Execution, Pending, Refused
    from autopatch.diagnosis import Diagnosis
    from autopatch.holds import Holds

logger = Logger()

# The most urgent failure of a target names the error of the run; one whose end is not known comes second.
_URGENCY = (
    "RollbackFailed",
    Outcome.UNKNOWN,
    "VerificationFailed",
    "PatchIncomplete",
    "DeploymentTimedOut",
    "DeploymentFailed",
    "UnexpectedChanges",
    "TargetNotReady",
)
_UPDATED = (VerificationFailed.__name__, PatchIncomplete.__name__)
# The errors of a look that has seen how an update ended, or that none was begun.
_SEEN = (
    *(RollbackFailed.__name__, DeploymentFailed.__name__, *_UPDATED),
    *(TargetNotReady.__name__, UnexpectedChanges.__name__, StackMovedOn.__name__),
)
_HAS_FAILED = (StackState.ROLLED_BACK, StackState.ROLLBACK_FAILED, StackState.UPDATE_FAILED)


@dataclass(frozen=True)
class Summariser:
    """The end of one run, which rolled out one AMI."""

    execution: Execution
    ami: Ami
    stacks: Stacks
    diagnosis: Diagnosis
    holds: Holds

    def summarise(
        self, records: Sequence[RecordedResult | RecordedFailure], refused: Sequence[Refused] = ()
    ) -> Summary:
        """How each of the recorded targets ended, and those that were refused before.

        An AMI whose own instances failed is held from now on.
        """
        ended = [
            self._failed(record) if isinstance(record, RecordedFailure) else _Ended(_succeeded(record))
            for record in records
        ]
        ended += [_Ended(_refused(target)) for target in refused]
        targets = tuple(self._with_verdicts(ended))
        failed = [target for target in targets if target.outcome in (Outcome.FAILED, Outcome.UNKNOWN)]
        if not failed:
            return Summary(targets)
        first = min(failed, key=_urgency)
        cause = "\n".join(f"{target.stack_name}: {target.error}: {target.reason}" for target in failed)
        return Summary(targets, Failure(error=first.error or "States.Unknown", cause=cause))

    def _with_verdicts(self, ended: Sequence[_Ended]) -> Iterator[TargetResult]:
        """The results, those of failed updates with what follows for the AMI."""
        guilty = [target.result for target in ended if target.blames_ami]
        held = self._hold(guilty) if guilty else None
        for target in ended:
            remark = held if target.blames_ami else None
            if target.exoneration is not None and held is None:
                why = f"nothing shows that its instances failed: {target.exoneration}"
                remark = f"{self.ami.ami_id} is not held, because {why}."
            yield replace(target.result, reason=f"{target.result.reason}\n{remark}") if remark else target.result

    def _hold(self, guilty: list[TargetResult]) -> str:
        """Hold the AMI, and say so; that it could not be held must not hide how the targets ended."""
        why = "; ".join(f"its instances failed in {target.stack_name} ({target.error})" for target in guilty)
        try:
            hold = self.holds.hold(self.ami.ami_id, why)
        except AutopatchError as error:
            logger.warning("could not hold the AMI", ami=self.ami.ami_id, error=str(error))
            return f"{self.ami.ami_id} could not be held ({error}): do not roll it out again before you know why."
        return f"{self.ami.ami_id} is held: no run rolls it out again; {hold.release}"

    def _failed(self, record: RecordedFailure) -> _Ended:
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
            left_to_do=_left_to_do(record),
        )
        if record.failure.error == VerificationFailed.__name__:
            ended = _Ended(result, blames_ami=True)
        elif record.failure.error == PatchIncomplete.__name__:
            ended = _Ended(result, exoneration="see above what kept instances from running it")
        else:
            ended = _Ended(result)
        try:
            return self._with_what_is_now(ended, record)
        except AutopatchError as error:
            # That the stack cannot be read must not hide why its update failed.
            logger.warning("could not read the stack of a failed target", stack=result.stack_name, error=str(error))
            is_seen = record.failure.error in _SEEN or not _may_have_begun(record.update)
            is_back_seen = record.rollback_failure is None or record.rollback_failure.error in _SEEN
            return ended if is_seen and is_back_seen else _lost(ended, record, f"it cannot be read ({error})")

    def _with_what_is_now(self, ended: _Ended, record: RecordedFailure) -> _Ended:
        """With the stack's AMI and status as they are, the time that the update took, and what its failure shows."""
        stack = self.stacks.stack(ended.result.stack_name)
        since = _started_at(record.update)
        ours, back = (kind(self.execution, stack.name) for kind in (OwnOperation.update, OwnOperation.rollback))
        operation = ours.find(self.stacks, stack.stack_id, since) if since else None
        result = replace(
            ended.result,
            ami_after=stack.parameters.get(record.target.ami_parameter),
            stack_id=stack.stack_id,
            stack_status=stack.status,
        )
        ended = dataclasses.replace(ended, result=result)
        if record.rollback_failure is not None and since is not None:
            way_back = back.find(self.stacks, stack.stack_id, since)
            if _is_unseen(way_back, record.rollback, record.rollback_failure):
                return _lost(ended, record, f"it is {stack.status}")
        if _is_unseen(operation, record.update, record.failure):
            return _lost(ended, record, f"it is {stack.status}")
        if operation is None or since is None:
            return ended
        result = replace(
            result,
            seconds=round((operation.status_since - since).total_seconds()),
            rolled_back=result.rolled_back or operation.state is StackState.ROLLED_BACK,
        )
        if operation.state not in _HAS_FAILED:
            return dataclasses.replace(ended, result=result)
        exoneration = self._exoneration(record, operation)
        return _Ended(result, blames_ami=exoneration is None, exoneration=exoneration)

    def _exoneration(self, record: RecordedFailure, operation: Operation) -> str | None:
        if isinstance(record.update, StackUpdate) and record.update.status is UpdateStatus.CANCELLED:
            return "the update was cancelled at its deadline"
        return self.diagnosis.exoneration(operation)


@dataclass(frozen=True)
class _Ended:
    """How a target ended, and what that says of the AMI: that it is bad, or why a failed update does not show that."""

    result: TargetResult
    blames_ami: bool = False
    exoneration: str | None = None


def _may_have_begun(update: NotStarted | Pending | Preview | StackUpdate) -> bool:
    """Whether the run may have begun to update the stack: it has, or the task that begins it has failed."""
    return isinstance(update, StackUpdate) or (isinstance(update, Preview) and update.status is PreviewStatus.READY)


def _is_unseen(
    operation: Operation | None, update: NotStarted | Pending | Preview | StackUpdate | Verified, failure: Failure
) -> bool:
    """Whether an update of the run goes on without it, or has ended in a state in which nobody has verified it.

    `operation` is the update as CloudFormation has it now, None when there is none.
    """
    if operation is None:
        return isinstance(update, StackUpdate)
    is_unverified = operation.state is StackState.UPDATED and failure.error not in _UPDATED
    return operation.state.is_busy or is_unverified


def _lost(ended: _Ended, record: RecordedFailure, how_it_stands: str) -> _Ended:
    """The target with an end that is not known, and the command that shows it."""
    failure, behind, name = record.failure, record.rollback_failure, record.target.stack_name
    what = f"how the update of {name} ended"
    if behind is not None:
        what = f"whether {name} is back on {ended.result.ami_before}"
        failure = Failure(behind.error, f"{failure.message}\nThe way back failed ({behind.error}): {behind.message}")
    reason = (
        f"{failure.message}\nThe run has lost sight of it: {what} is not known. At the end of the run {how_it_stands}. "
        f"Look at the stack:\naws cloudformation describe-stacks --stack-name {name}"
    )
    result = replace(ended.result, outcome=Outcome.UNKNOWN, error=failure.error, reason=reason)
    return dataclasses.replace(ended, result=result)


def _refused(target: Refused) -> TargetResult:
    return TargetResult(
        stack_name=target.stack_name,
        outcome=Outcome.FAILED,
        ami_before=target.ami_before,
        ami_after=target.ami_before,
        reason=target.reason,
        error=target.error,
    )


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
        left_to_do=_left_to_do(record),
    )


def _left_to_do(record: RecordedResult | RecordedFailure) -> str | None:
    """What an operator has to do about the stack's alarms and bake time; None when they are as before the run."""
    if (behind := record.restoration_failure) is not None:
        return (
            f"Whether {record.target.stack_name} has the rollback alarms and the bake time that it had before is not "
            f"known: {behind.error}: {behind.message}\nLook at its rollback configuration:\n"
            f"aws cloudformation describe-stacks --stack-name {record.target.stack_name}{_what_it_had(record)}"
        )
    if isinstance(record.restoration, NotRestored):
        return f"{record.restoration.reason}\n{record.restoration.way_out}"
    return None


def _what_it_had(record: RecordedResult | RecordedFailure) -> str:
    if not isinstance(record.update, Preview | StackUpdate | Verified):
        return ""
    before = record.update.monitoring.before
    return f"\nIt had: {before}. An update (update-stack) puts that back with\n{rollback_option(before)}"


def _whole_failure(record: RecordedFailure, ami_before: str) -> Failure:
    """The failure of a target, with what became of its rollback if there was one."""
    failure = record.failure
    behind = record.rollback_failure
    if behind is not None and behind.error == StackMovedOn.__name__:
        return Failure(failure.error, f"{failure.message}\nIt has not been rolled back: {behind.message}")
    if behind is not None:
        return Failure(
            RollbackFailed.__name__,
            f"{failure.message}\nThe rollback to {ami_before} failed as well ({behind.error}): {behind.message}",
        )
    if isinstance(record.rollback, Verified):
        remark = f"It has been rolled back to {ami_before}, and all its instances run that and serve."
        return Failure(failure.error, f"{failure.message}\n{remark}")
    if failure.error in _UPDATED:
        return Failure(failure.error, f"{failure.message}\nIt has not been rolled back: that is left to an operator.")
    return failure


def _started_at(update: NotStarted | Pending | Preview | StackUpdate) -> datetime | None:
    """Since when there may be an update by this run; None when there can be none.

    A task that failed may have started the update before it failed.
    """
    if isinstance(update, StackUpdate):
        return update.update_started_at
    return None if isinstance(update, NotStarted) else update.started_at


def _urgency(target: TargetResult) -> int:
    error = Outcome.UNKNOWN if target.outcome is Outcome.UNKNOWN else target.error
    return _URGENCY.index(error) if error in _URGENCY else len(_URGENCY)
