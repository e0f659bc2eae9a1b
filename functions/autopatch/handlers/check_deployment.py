"""Report how far the stack update has come, and cancel it at its deadline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.ec2 import Ec2
from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import Document, Execution, Run, StackUpdate, Target, read, write
from autopatch.deployments import DeploymentChecker
from autopatch.diagnosis import Diagnosis
from autopatch.holds import Holds
from autopatch.settings import HoldSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, systems_manager, diagnosis = Stacks(), SystemsManager(), Diagnosis(AutoScaling(), Ec2())


class Task(Document, frozen=True):
    execution: Execution
    run: Run
    target: Target
    update: StackUpdate


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task = read(event, Task)
    holds = Holds(systems_manager, HoldSettings.from_env().hold_path)
    checker = DeploymentChecker(task.execution, task.run, task.target, stacks, diagnosis, holds)
    update = write(checker.check(task.update, datetime.now(UTC)))
    logger.info("looked at the update", stack=task.target.stack_name, update=update)
    return update
