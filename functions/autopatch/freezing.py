"""Whether a closed change calendar or a held base image keeps a run from continuing, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from autopatch.contracts import Freeze, FreezeStatus, NotStarted, Outcome, Pending, PendingStatus, Unchanged
from autopatch.errors import TransientAwsFault
from autopatch.polling import deployment_poll_seconds, or_look_again
from autopatch.settings import WhenClosed

if TYPE_CHECKING:
    from autopatch.aws.systems_manager import SystemsManager
    from autopatch.base_images import BaseImages
    from autopatch.contracts import Execution, Run, Target
    from autopatch.holds import Holds
    from autopatch.settings import CalendarSettings

LONGEST_WAIT = timedelta(days=2)
"""How long a run waits for a calendar to open; the state machine as a whole ends after two weeks."""

_LONGEST_POLL = timedelta(hours=3)
"""A calendar may be opened ahead of time."""


def freeze(
    settings: CalendarSettings, systems_manager: SystemsManager, waiting_since: datetime, now: datetime
) -> Freeze:
    """OPEN; or, while a calendar is closed, WAIT or SKIP as the deployment has chosen.

    A run does not wait longer than LONGEST_WAIT from `waiting_since`.
    """
    if not settings.calendars:
        return Freeze(FreezeStatus.OPEN)
    state = systems_manager.calendar_state(settings.calendars)
    if state.is_open:
        return Freeze(FreezeStatus.OPEN)
    names = ", ".join(settings.calendars)
    opening = state.next_transition_at
    if opening is None:
        return _skip(f"the change calendar {names} is closed with no opening in sight", "when it is open")
    closed = f"the change calendar {names} is closed until {opening:%Y-%m-%d %H:%M UTC}"
    if settings.when_closed is WhenClosed.SKIP:
        return _skip(closed, "then")
    if opening > waiting_since + LONGEST_WAIT:
        return _skip(f"{closed}, which is longer than a run waits (2 days)", "then")
    wait = max(timedelta(seconds=1), min(opening - now, _LONGEST_POLL))
    return Freeze(FreezeStatus.WAIT, closed, round(wait.total_seconds()))


def _skip(reason: str, when: str) -> Freeze:
    return Freeze(FreezeStatus.SKIP, f"{reason}; start the execution again {when}")


def check_freeze(
    execution: Execution,
    run: Run,
    settings: CalendarSettings,
    systems_manager: SystemsManager,
    base_images: BaseImages,
    holds: Holds,
    now: datetime,
) -> Freeze:
    """OPEN, WAIT or SKIP for the run as a whole; the base image is only asked for where an image is to be built."""
    try:
        return _freeze_of_the_run(execution, run, settings, systems_manager, base_images, holds, now)
    except TransientAwsFault as fault:
        # Nothing is done while this is not known; a run waits for that as long as a build may take.
        waiting, patience = now - execution.started_at, timedelta(minutes=run.build_deadline_minutes)
        if waiting >= patience:
            raise
        seconds = deployment_poll_seconds(waiting.total_seconds(), (patience - waiting).total_seconds())
        return Freeze(FreezeStatus.WAIT, str(fault), seconds)


def _freeze_of_the_run(
    execution: Execution,
    run: Run,
    settings: CalendarSettings,
    systems_manager: SystemsManager,
    base_images: BaseImages,
    holds: Holds,
    now: datetime,
) -> Freeze:
    frozen = freeze(settings, systems_manager, execution.started_at, now)
    if frozen.status is not FreezeStatus.OPEN or run.ami_id is not None:
        return frozen
    held = holds.all()
    if not held:
        return frozen
    parent = base_images.parent_of(run.pipeline_arn)
    hold = next((hold for hold in held if hold.covers(parent.ami_id, parent.name)), None)
    if hold is None:
        return frozen
    return Freeze(FreezeStatus.SKIP, f"the parent image {parent.name or parent.ami_id} is {hold}; {hold.release}")


def check_calendar(
    execution: Execution,
    run: Run,
    target: Target,
    so_far: NotStarted | Pending,
    settings: CalendarSettings,
    systems_manager: SystemsManager,
    now: datetime,
) -> Pending | Unchanged:
    """The target, CALENDAR_OPEN or CALENDAR_CLOSED; or SKIPPED.

    The time until the calendar opens counts neither as time elapsed nor for the deadline.
    """
    pending = so_far if isinstance(so_far, Pending) else _pending(run, now)
    unread = replace(pending, status=PendingStatus.CALENDAR_CLOSED)
    return or_look_again(
        unread, now, lambda: _checked_calendar(execution, target, pending, settings, systems_manager, now)
    )


def _checked_calendar(
    execution: Execution,
    target: Target,
    pending: Pending,
    settings: CalendarSettings,
    systems_manager: SystemsManager,
    now: datetime,
) -> Pending | Unchanged:
    frozen = freeze(settings, systems_manager, execution.started_at, now)
    if frozen.status is FreezeStatus.SKIP:
        return Unchanged(outcome=Outcome.SKIPPED, ami_before=target.ami_before, detail=frozen.reason)
    if frozen.status is FreezeStatus.OPEN:
        return replace(pending, status=PendingStatus.CALENDAR_OPEN, poll_after_seconds=0)
    wait = timedelta(seconds=frozen.poll_after_seconds)
    return replace(
        pending,
        status=PendingStatus.CALENDAR_CLOSED,
        started_at=pending.started_at + wait,
        deadline_at=pending.deadline_at + wait,
        poll_after_seconds=frozen.poll_after_seconds,
    )


def _pending(run: Run, now: datetime) -> Pending:
    deadline_at = now + timedelta(minutes=run.deployment_deadline_minutes)
    return Pending(status=PendingStatus.CALENDAR_OPEN, started_at=now, deadline_at=deadline_at)
