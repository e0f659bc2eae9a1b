"""Put back the alarms and the bake time that a stack had before the run; a dry run leaves what it finds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch import contracts
from autopatch.aws.cloudformation.change_sets import ChangeSets
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.cloudwatch import CloudWatch
from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import NotStarted, Preview, Restored, StackUpdate, Unchanged, Verified, read, write
from autopatch.restoring import AlarmRestorer
from autopatch.saved_alarms import SavedAlarms
from autopatch.settings import SavedAlarmsSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, change_sets, cloudwatch, systems_manager = Stacks(), ChangeSets(), CloudWatch(), SystemsManager()


class Task(contracts.Document, frozen=True):
    execution: contracts.Execution
    run: contracts.Run
    target: contracts.Target
    update: Preview | StackUpdate | Verified | Unchanged
    rollback: NotStarted | contracts.Pending | StackUpdate | Verified
    restoration: NotStarted | contracts.Restoring


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task, now = read(event, Task), datetime.now(UTC)
    update, saved_alarms = task.update, SavedAlarms(systems_manager, SavedAlarmsSettings.from_env().saved_alarms_path)
    if isinstance(update, Preview) and isinstance(task.restoration, NotStarted):
        # What failed between the preview and its execution has left the change set, which nobody executes any more.
        change_sets.delete(update.change_set_id, update.stack_id)
    started_at = now if isinstance(update, Unchanged) else update.started_at
    given = [it.monitoring for it in (update, task.rollback) if isinstance(it, Preview | StackUpdate | Verified)]
    own = None if task.run.dry_run else saved_alarms.known(task.target.stack_name, update.stack_id, given)
    gateways = (stacks, change_sets, cloudwatch, saved_alarms)
    restorer = AlarmRestorer(task.execution, task.run, own, started_at, *gateways) if own is not None else None
    restoration = write(restorer.restore(task.restoration, now) if restorer is not None else Restored())
    logger.info("looked at the alarms", stack=task.target.stack_name, restoration=restoration)
    return restoration
