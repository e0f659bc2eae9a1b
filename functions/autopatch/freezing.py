"""Whether a closed change calendar holds a run up, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta

from autopatch.change_calendars import ChangeCalendars
from autopatch.contracts import Freeze
from autopatch.settings import FreezeSettings

LONGEST_WAIT = timedelta(days=2)
"""How long a run waits for a calendar to open; the state machine as a whole ends after six days."""

_LONGEST_POLL = timedelta(hours=3)
"""Someone may open a calendar before its time."""


def freeze(settings: FreezeSettings, calendars: ChangeCalendars, waiting_since: datetime, now: datetime) -> Freeze:
    """OPEN; or, while a calendar is closed, WAIT or SKIP as the deployment has chosen.

    A run does not wait longer than LONGEST_WAIT from `waiting_since`.
    """
    if not settings.calendars:
        return Freeze("OPEN")
    state = calendars.state(settings.calendars)
    if state.is_open:
        return Freeze("OPEN")
    names = ", ".join(settings.calendars)
    opening = state.next_transition_at
    if opening is None:
        return Freeze(
            "SKIP",
            f"the change calendar {names} is closed with no opening in sight; "
            "start the execution again when it is open",
        )
    closed = f"the change calendar {names} is closed until {opening:%Y-%m-%d %H:%M UTC}"
    if settings.when_closed == "skip":
        return Freeze("SKIP", f"{closed}; start the execution again then")
    latest = waiting_since + LONGEST_WAIT
    if opening > latest:
        return Freeze("SKIP", f"{closed}, which is longer than a run waits (2 days); start the execution again then")
    wait = max(timedelta(seconds=1), min(opening - now, _LONGEST_POLL))
    return Freeze("WAIT", closed, round(wait.total_seconds()))
