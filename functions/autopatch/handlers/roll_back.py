"""Take a stack whose instances failed their verification back to the AMI that it ran before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.contracts import Document, Execution, NotStarted, Pending, Run, StackUpdate, Target, read, write
from autopatch.rollback import StackRollback
from autopatch.settings import CloudFormationSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, auto_scaling = Stacks(), AutoScaling()


class Task(Document, frozen=True):
    execution: Execution
    run: Run
    target: Target
    update: StackUpdate
    rollback: NotStarted | Pending


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task, settings = read(event, Task), CloudFormationSettings.from_env()
    stack_rollback = StackRollback(task.execution, task.run, task.target, task.update, settings, stacks, auto_scaling)
    rollback = write(stack_rollback.begin(task.rollback, datetime.now(UTC)))
    logger.info("asked for the rollback", stack=task.target.stack_name, rollback=rollback)
    return rollback
