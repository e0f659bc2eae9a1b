"""How long to wait before the next look at a build or an update.

The waits grow with the time elapsed, so that a look is never late by more than a tenth of what has passed, and all the
loops of a run with ten targets together stay below the 25,000 events that Step Functions keeps of an execution.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from autopatch.aws.image_builder import ImageStatus
from autopatch.contracts import Underway

# An Image Builder build spends most of its time in BUILDING and never ends there with success.
_SPARSE_STATUSES = frozenset({ImageStatus.PENDING, ImageStatus.CREATING, ImageStatus.BUILDING})

_SPARSE_SECONDS = 60
_DENSE_SECONDS = 15
_DEPLOYMENT_SECONDS = 15


def image_poll_seconds(status: ImageStatus, elapsed_seconds: float, remaining_seconds: float) -> int:
    """Whole seconds until the next look at a build that is in `status`, at the deadline at the latest."""
    if status in _SPARSE_STATUSES:
        wait = max(_SPARSE_SECONDS, elapsed_seconds / 30)
    else:
        wait = max(_DENSE_SECONDS, elapsed_seconds / 60)
    return _until(wait, remaining_seconds)


def deployment_poll_seconds(elapsed_seconds: float, remaining_seconds: float) -> int:
    """Whole seconds until the next look at a stack, `elapsed_seconds` after the run started on it."""
    return _until(max(_DEPLOYMENT_SECONDS, elapsed_seconds / 10), remaining_seconds)


_Underway = TypeVar("_Underway", bound=Underway)


def look_again(target: _Underway, now: datetime, until: datetime | None = None) -> _Underway:
    """The target with the wait until the next look at its stack: at `until`, or at its deadline, at the latest."""
    elapsed, remaining = now - target.started_at, (until or target.deadline_at) - now
    seconds = deployment_poll_seconds(elapsed.total_seconds(), remaining.total_seconds())
    return replace(target, poll_after_seconds=seconds)


def _until(wait_seconds: float, remaining_seconds: float) -> int:
    return max(1, round(min(wait_seconds, remaining_seconds)))
