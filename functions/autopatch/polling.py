"""How long to wait before the next look at a build or at a target, and when to wait no longer.

The waits grow with the time elapsed, so that a look is never late by more than a tenth of what has passed, or a sixth
after two hours, and all the loops of a run with ten targets together stay below the 25,000 events that Step Functions
keeps of an execution.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from autopatch.aws.image_builder import ImageStatus
from autopatch.contracts import Pending, PendingStatus, Underway
from autopatch.errors import TargetNotReady, TransientAwsFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopatch.aws.cloudformation.stacks import Stack
    from autopatch.contracts import NotStarted, Preview, Run, Target

# An Image Builder build spends most of its time in BUILDING and never ends there with success.
_SPARSE_STATUSES = frozenset({ImageStatus.PENDING, ImageStatus.CREATING, ImageStatus.BUILDING})

_SPARSE_SECONDS = 60
_DENSE_SECONDS = 15
_DEPLOYMENT_SECONDS = 15
_LONG_SECONDS = 2 * 60 * 60


def image_poll_seconds(status: ImageStatus, elapsed_seconds: float, remaining_seconds: float) -> int:
    """Whole seconds until the next look at a build that is in `status`, at the deadline at the latest."""
    if status in _SPARSE_STATUSES:
        wait = max(_SPARSE_SECONDS, elapsed_seconds / 30)
    else:
        wait = max(_DENSE_SECONDS, elapsed_seconds / 60)
    return _until(wait, remaining_seconds)


def deployment_poll_seconds(elapsed_seconds: float, remaining_seconds: float) -> int:
    """Whole seconds until the next look at a stack, `elapsed_seconds` after the run started on it."""
    share = 10 if elapsed_seconds < _LONG_SECONDS else 6
    return _until(max(_DEPLOYMENT_SECONDS, elapsed_seconds / share), remaining_seconds)


_Underway = TypeVar("_Underway", bound=Underway)
_Seen = TypeVar("_Seen")


def look_again(target: _Underway, now: datetime, until: datetime | None = None) -> _Underway:
    """The target with the wait until the next look at its stack: at `until`, or at its deadline, at the latest."""
    elapsed, remaining = now - target.started_at, (until or target.deadline_at) - now
    seconds = deployment_poll_seconds(elapsed.total_seconds(), remaining.total_seconds())
    return replace(target, poll_after_seconds=seconds)


def or_look_again(
    target: _Underway | NotStarted, now: datetime, look: Callable[[], _Seen], until: datetime | None = None
) -> _Seen | _Underway:
    """What `look` finds; while AWS cannot serve it, the target as it was, with the wait until the next look.

    An outage is waited for like everything else: `until` that moment, or the target's deadline. After that, and where
    there was nothing to wait for yet, the fault is raised: then the state machine repeats the task for a while.
    """
    try:
        return look()
    except TransientAwsFault:
        if not isinstance(target, Underway) or now >= (until or target.deadline_at):
            raise
        return look_again(target, now, until)


def pending_again(target: Underway, status: PendingStatus, capacity: int | None = None) -> Pending:
    """The target without a preview, its deadline being as it was; the next preview brings the capacity with it."""
    return Pending(status=status, started_at=target.started_at, deadline_at=target.deadline_at, capacity=capacity)


def wait_for_stack(target: Underway, run: Run, stack: Stack, now: datetime) -> Pending:
    """The target, STACK_BUSY until the next look.

    Raises TargetNotReady at its deadline.
    """
    if now >= target.deadline_at:
        raise TargetNotReady(
            f"stack {stack.name}: expected it to settle within {run.deployment_deadline_minutes} minutes, found it "
            f"still {stack.status}; see what updates it, and start a run again when it has settled"
        )
    return look_again(pending_again(target, PendingStatus.STACK_BUSY), now)


def wait_for_preview(preview: Preview, run: Run, target: Target, now: datetime) -> Preview:
    """The preview, until the next look.

    Raises TargetNotReady at its deadline.
    """
    if now >= preview.deadline_at:
        raise TargetNotReady(
            f"stack {target.stack_name}: expected a preview of its update within {run.deployment_deadline_minutes} "
            "minutes that still holds when it is to be executed, found none; see the stack's change sets and events, "
            "and start a run again"
        )
    return look_again(preview, now)


def _until(wait_seconds: float, remaining_seconds: float) -> int:
    return max(1, round(min(wait_seconds, remaining_seconds)))
