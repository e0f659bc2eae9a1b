"""Execute the previewed update of one application stack."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.change_sets import ChangeSets
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import Document, Execution, Preview, Run, Target, read, write
from autopatch.holds import Holds
from autopatch.saved_alarms import SavedAlarms
from autopatch.settings import CalendarSettings, HoldSettings, SavedAlarmsSettings
from autopatch.updating import StackUpdater

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, change_sets, auto_scaling, systems_manager = Stacks(), ChangeSets(), AutoScaling(), SystemsManager()


class Task(Document, frozen=True):
    execution: Execution
    run: Run
    target: Target
    update: Preview


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task, settings = read(event, Task), CalendarSettings.from_env()
    saved_alarms = SavedAlarms(systems_manager, SavedAlarmsSettings.from_env().saved_alarms_path)
    holds = Holds(systems_manager, HoldSettings.from_env().hold_path)
    gateways = (stacks, change_sets, auto_scaling, systems_manager, saved_alarms, holds)
    updater = StackUpdater(task.execution, task.run, task.target, settings, *gateways)
    update = write(updater.update(task.update, datetime.now(UTC)))
    logger.info("asked for the update", stack=task.target.stack_name, update=update)
    return update
