"""Moments as AWS's APIs, events and logs write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal


def iso(moment: datetime | float, timespec: Literal["seconds", "milliseconds"] = "milliseconds") -> str:
    """The moment, an aware datetime or seconds since the epoch, as ISO 8601 in UTC: `2026-12-01T09:00:00.000Z`.

    What is finer than `timespec` is cut off, not rounded.
    """
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
