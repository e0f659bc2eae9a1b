"""Read the execution's input and find out what there is to do, before anything is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.image_builder import ImageBuilder
from autopatch.contracts import Document, Execution, read, write
from autopatch.execution_input import ExecutionInput
from autopatch.planning import plan_run
from autopatch.settings import PlanSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, image_builder = Stacks(), ImageBuilder()


class Task(Document, frozen=True):
    execution: Execution
    input: Any


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    wanted = ExecutionInput.from_event(read(event, Task).input)
    run = write(plan_run(wanted, PlanSettings.from_env(), stacks, image_builder))
    logger.info("planned the run", run=run)
    return run
