"""Tell a person of an execution that ended where its own Catch could not see it: the target of an EventBridge rule."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from autopatch import messages
from autopatch.aws.sns import Notifications
from autopatch.aws.step_functions import Executions, Visit
from autopatch.contracts import Failure, text_of
from autopatch.settings import NotificationSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()

# Enough to reach back over the waiting loops to a state whose input holds the run.
_HISTORY_EVENTS = 5_000


@cache
def _notifications() -> Notifications:
    return Notifications.create(NotificationSettings.from_env().topic_arn)


@cache
def _executions() -> Executions:
    return Executions.create()


@logger.inject_lambda_context(correlation_id_path="detail.executionArn")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any] | None:
    detail = event["detail"]
    visits = _executions().last_visits(detail["executionArn"], at_most=_HISTORY_EVENTS)
    if was_told(visits):
        logger.info("ignored the ending: the execution has told of it itself", status=detail["status"])
        return None
    ended = messages.Ending(
        status=detail["status"],
        last_state=visits[0].state_name if visits else None,
        failure=Failure(detail.get("error") or detail["status"], detail.get("cause") or ""),
    )
    notification = messages.ending(last_known_state(detail, visits), ended, datetime.now(UTC))
    message_id = _notifications().publish(notification)
    with single_metric("RunsFailed", MetricUnit.Count, 1):
        pass
    logger.info("told of the ending", subject=notification.subject, message_id=message_id)
    return {"messageId": message_id, "subject": notification.subject}


def was_told(visits: list[Visit]) -> bool:
    """Whether the execution came to its end with a notification sent: then `$.notification` is in its last state."""
    return bool(visits) and isinstance(visits[0].input, dict) and "notification" in visits[0].input


def last_known_state(detail: dict[str, Any], visits: list[Visit]) -> dict[str, Any]:
    """The state of the execution as far as its history tells, whichever states it was in."""
    state: dict[str, Any] = {}
    for visit in visits:
        if isinstance(visit.input, dict):
            state = {**visit.input, **state}
    started_at = datetime.fromtimestamp(detail["startDate"] / 1000, UTC)
    return {**state, "execution": {"id": detail["executionArn"], "startTime": text_of(started_at)}}
