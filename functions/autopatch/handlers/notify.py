"""Notify of how the run ended: a task of the state machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from autopatch import messages
from autopatch.aws.sns import Sns
from autopatch.contracts import Freeze, FreezeStatus, read
from autopatch.settings import NotificationSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
sns = Sns()


@logger.inject_lambda_context(correlation_id_path="state.execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    state, now = event["state"], datetime.now(UTC)
    failed = "failure" in state
    if failed:
        notification = messages.failure(state, now)
    elif read(state["freeze"], Freeze).status is FreezeStatus.SKIP:
        notification = messages.skipped(state, now)
    else:
        notification = messages.success(state, now)
    message_id = sns.publish(NotificationSettings.from_env().topic_arn, notification)
    with single_metric("RunsFailed" if failed else "RunsSucceeded", MetricUnit.Count, 1):
        pass
    logger.info("sent a notification of how the run ended", subject=notification.subject, message_id=message_id)
    return {"messageId": message_id, "subject": notification.subject}
