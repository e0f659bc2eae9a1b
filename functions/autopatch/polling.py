"""How long to wait before the next look at a build or an update.

The waits grow with the time elapsed, so that a look is never late by more than a tenth of what has passed, and all the
loops of a run with ten targets together stay below the 25,000 events that Step Functions keeps of an execution.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from autopatch.aws.image_builder import ImageStatus

if TYPE_CHECKING:
    from autopatch.contracts import Update

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
    """Whole seconds until the next look at a stack, `elapsed_seconds` after the run turned to it."""
    return _until(max(_DEPLOYMENT_SECONDS, elapsed_seconds / 10), remaining_seconds)


def look_again(update: Update, now: datetime, until: datetime | None = None) -> Update:
    """The update with the wait until the next look at its stack: at `until`, or at its deadline, at the latest."""
    until = until or update.deadline_at
    assert until is not None
    elapsed, remaining = now - (update.begun_at or update.started_at or now), until - now
    seconds = deployment_poll_seconds(elapsed.total_seconds(), remaining.total_seconds())
    return replace(update, poll_after_seconds=seconds)


def _until(wait_seconds: float, remaining_seconds: float) -> int:
    return max(1, round(min(wait_seconds, remaining_seconds)))
