"""Take a stack whose instances failed their verification back to the AMI that it ran before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import Document, Execution, NotStarted, Pending, Run, StackUpdate, Target, read, write
from autopatch.rollback import StackRollback
from autopatch.saved_alarms import SavedAlarms
from autopatch.settings import CloudFormationSettings, SavedAlarmsSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, auto_scaling, systems_manager = Stacks(), AutoScaling(), SystemsManager()


class Task(Document, frozen=True):
    execution: Execution
    run: Run
    target: Target
    update: StackUpdate
    rollback: NotStarted | Pending


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task, settings = read(event, Task), CloudFormationSettings.from_env()
    saved_alarms = SavedAlarms(systems_manager, SavedAlarmsSettings.from_env().saved_alarms_path)
    gateways = (stacks, auto_scaling, saved_alarms)
    stack_rollback = StackRollback(task.execution, task.run, task.target, task.update, settings, *gateways)
    rollback = write(stack_rollback.begin(task.rollback, datetime.now(UTC)))
    logger.info("asked for the rollback", stack=task.target.stack_name, rollback=rollback)
    return rollback
