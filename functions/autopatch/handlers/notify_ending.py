"""Notify of an execution that ended outside its Catch: the target of an EventBridge rule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from autopatch import messages
from autopatch.aws.sns import Sns
from autopatch.aws.step_functions import Executions
from autopatch.contracts import Failure
from autopatch.endings import has_notified, last_known_state
from autopatch.settings import NotificationSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
executions, sns = Executions(), Sns()

# Enough to reach back over the waiting loops to a state whose input holds the run.
_HISTORY_EVENTS = 5_000


@logger.inject_lambda_context(correlation_id_path="detail.executionArn")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any] | None:
    detail = event["detail"]
    visits = executions.last_visits(detail["executionArn"], at_most=_HISTORY_EVENTS)
    if has_notified(visits):
        logger.info("ignored the ending: the execution has sent a notification of it", status=detail["status"])
        return None
    ended = messages.Ending(
        status=detail["status"],
        last_state=visits[0].state_name if visits else None,
        failure=Failure(detail.get("error") or detail["status"], detail.get("cause") or ""),
    )
    notification = messages.ending(last_known_state(detail, visits), ended, datetime.now(UTC))
    message_id = sns.publish(NotificationSettings.from_env().topic_arn, notification)
    with single_metric("RunsFailed", MetricUnit.Count, 1):
        pass
    logger.info("sent a notification of the ending", subject=notification.subject, message_id=message_id)
    return {"messageId": message_id, "subject": notification.subject}
