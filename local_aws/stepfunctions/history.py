"""The history of an execution: at most 25,000 events, none after its end, none from a branch that was given up.

Source: AWS Step Functions Developer Guide, "Avoid reaching the history quota": event 25,000 is the last, a success or a
failure.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

from local_aws.core import clock

HISTORY_LIMIT = 25_000
"""Events of one execution."""


class History(EventManager):  # type: ignore[misc]
    """The events of one execution.

    `publish` is called with each event, as GetExecutionHistory gives it. `fail_at_limit` is called in place of the
    event that would leave no room for an end; it has to `close` the history with a failure.
    """

    def __init__(self, publish: Callable[[dict[str, Any]], None], fail_at_limit: Callable[[], None]) -> None:
        super().__init__()
        self.closed = False
        self._publish = publish
        self._fail_at_limit = fail_at_limit

    @property
    def events(self) -> list[dict[str, Any]]:
        return self._history_event_list  # type: ignore[no-any-return]

    def add_event(
        self,
        context: Any,
        event_type: HistoryEventType,
        event_details: EventDetails | None = None,
        timestamp: datetime | None = None,
        update_source_event_id: bool = True,
    ) -> int:
        if self.closed or getattr(context, "given_up", False):
            return int(context.last_published_event_id)
        if len(self.events) == HISTORY_LIMIT - 1 and event_type != HistoryEventType.ExecutionSucceeded:
            self._fail_at_limit()
            return int(context.last_published_event_id)
        event = self._append(event_type, context.source_event_id, event_details, timestamp)
        context.last_published_event_id = event["id"]
        if update_source_event_id:
            context.source_event_id = event["id"]
        self._publish(event)
        return int(event["id"])

    def close(self, event_type: HistoryEventType, previous_event_id: int, details: EventDetails) -> None:
        """Write the last event, and take no more."""
        if self.closed:
            return
        event = self._append(event_type, previous_event_id, details)
        self.closed = True
        self._publish(event)

    def _append(
        self,
        event_type: HistoryEventType,
        previous_event_id: int,
        details: EventDetails | None,
        timestamp: datetime | None = None,
    ) -> dict[str, Any]:
        event_id = int(self._event_id_gen.get())
        moment = timestamp or clock.current().now()
        event = dict(self._create_history_event(event_id, previous_event_id, event_type, moment, details))
        event["type"] = HistoryEventType(event_type).value
        self.events.append(event)
        return event


def give_up(frame: Any) -> None:
    """Have what still runs in a frame of the interpreter, and in those inside it, add nothing more to the history."""
    frame.event_history_context.given_up = True
    for inner in frame._frames:
        give_up(inner)
