"""Put back the alarms and the bake time that a stack had before the run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch import contracts
from autopatch.aws.cloudformation.change_sets import ChangeSets
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.cloudwatch import CloudWatch
from autopatch.contracts import NotStarted, Preview, StackUpdate, Verified, read, write
from autopatch.restoring import AlarmRestorer

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, change_sets, cloudwatch = Stacks(), ChangeSets(), CloudWatch()


class Task(contracts.Document, frozen=True):
    execution: contracts.Execution
    run: contracts.Run
    update: Preview | StackUpdate | Verified
    rollback: NotStarted | contracts.Pending | StackUpdate | Verified
    restoration: NotStarted | contracts.Restoring


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task = read(event, Task)
    update, rollback = task.update, task.rollback if isinstance(task.rollback, StackUpdate | Verified) else task.update
    if isinstance(update, Preview) and isinstance(task.restoration, NotStarted):
        # What failed between the preview and its execution has left the change set, which nobody executes any more.
        change_sets.delete(update.change_set_id, update.stack_id)
    before, given = update.monitoring.before, (update.monitoring.during, rollback.monitoring.during)
    target, gateways = (update.stack_id, update.started_at, before, given), (stacks, change_sets, cloudwatch)
    restorer = AlarmRestorer(task.execution, task.run, *target, *gateways)
    restoration = write(restorer.restore(task.restoration, datetime.now(UTC)))
    logger.info("looked at the alarms", stack=update.stack_id, restoration=restoration)
    return restoration
