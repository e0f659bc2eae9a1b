"""What the history shows of an execution that ended: whether it sent a notification itself, and how far it came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from autopatch.contracts import Execution, write

if TYPE_CHECKING:
    from autopatch.aws.step_functions import Visit


def has_notified(visits: list[Visit]) -> bool:
    """Whether the execution sent a notification of its end: then its last state has `$.notification`."""
    return bool(visits) and isinstance(visits[0].input, dict) and "notification" in visits[0].input


def last_known_state(detail: dict[str, Any], visits: list[Visit]) -> dict[str, Any]:
    """The state of the execution as far as its history shows it."""
    state: dict[str, Any] = {}
    for visit in visits:
        if isinstance(visit.input, dict):
            state = {**visit.input, **state}
    started_at = datetime.fromtimestamp(detail["startDate"] / 1000, UTC)
    return {**state, "execution": write(Execution(detail["executionArn"], started_at))}
