"""Whether a closed change calendar or a held base image keeps a run from beginning, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from autopatch.contracts import Freeze, FreezeStatus
from autopatch.settings import WhenClosed

if TYPE_CHECKING:
    from autopatch.aws.systems_manager import SystemsManager
    from autopatch.base_images import BaseImages
    from autopatch.contracts import Execution, Run
    from autopatch.holds import Holds
    from autopatch.settings import FreezeSettings

LONGEST_WAIT = timedelta(days=2)
"""How long a run waits for a calendar to open; the state machine as a whole ends after six days."""

_LONGEST_POLL = timedelta(hours=3)
"""Someone may open a calendar before its time."""


def freeze(settings: FreezeSettings, systems_manager: SystemsManager, waiting_since: datetime, now: datetime) -> Freeze:
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
        return Freeze(
            FreezeStatus.SKIP,
            f"the change calendar {names} is closed with no opening in sight; "
            "start the execution again when it is open",
        )
    closed = f"the change calendar {names} is closed until {opening:%Y-%m-%d %H:%M UTC}"
    if settings.when_closed is WhenClosed.SKIP:
        return Freeze(FreezeStatus.SKIP, f"{closed}; start the execution again then")
    latest = waiting_since + LONGEST_WAIT
    if opening > latest:
        return Freeze(
            FreezeStatus.SKIP, f"{closed}, which is longer than a run waits (2 days); start the execution again then"
        )
    wait = max(timedelta(seconds=1), min(opening - now, _LONGEST_POLL))
    return Freeze(FreezeStatus.WAIT, closed, round(wait.total_seconds()))


def check_freeze(
    execution: Execution,
    run: Run,
    settings: FreezeSettings,
    systems_manager: SystemsManager,
    base_images: BaseImages,
    holds: Holds,
    now: datetime,
) -> Freeze:
    """OPEN, WAIT or SKIP; a held base image is only asked for where something is to be built."""
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
