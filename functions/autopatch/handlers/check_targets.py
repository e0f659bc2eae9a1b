"""Check what can be known of the targets before anything is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.cloudwatch import CloudWatch
from autopatch.contracts import Document, Execution, Run, read, write
from autopatch.settings import UpdateSettings
from autopatch.target_checks import TargetChecker

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, auto_scaling, cloudwatch = Stacks(), AutoScaling(), CloudWatch()


class Task(Document, frozen=True):
    execution: Execution
    run: Run


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task, settings = read(event, Task), UpdateSettings.from_env()
    run = write(TargetChecker(task.run, settings.alarm_arns, stacks, auto_scaling, cloudwatch).check())
    logger.info("checked the targets", run=run)
    return run
