"""Start a run when a new base AMI is announced by SNS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from autopatch.announcements import Ignored, read_announcement
from autopatch.aws.step_functions import Executions
from autopatch.settings import TriggerSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
executions = Executions()


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    settings = TriggerSettings.from_env()
    records = event.get("Records") or []
    return {"started": [arn for record in records if (arn := start_run(record, settings))]}


def start_run(record: dict[str, Any], settings: TriggerSettings) -> str | None:
    """The execution that the SNS record started, or None when it is ignored, with a log line that says why."""
    message = record.get("Sns") or {}
    read = read_announcement(str(message.get("Message", "")), settings.ami_name_pattern, settings.region)
    with single_metric("BaseAmisIgnored" if isinstance(read, Ignored) else "BaseAmisAnnounced", MetricUnit.Count, 1):
        pass
    if isinstance(read, Ignored):
        logger.info("ignored the message", reason=read.reason, message_id=message.get("MessageId"))
        return None
    arn = executions.start(settings.state_machine_arn, read.execution_name, read.execution_input)
    if arn is None:
        logger.info("ignored the message", reason=f"a run was started for {read.name} before")
    else:
        logger.info("started a run", execution_arn=arn, release=read.name, message_id=message.get("MessageId"))
    return arn
