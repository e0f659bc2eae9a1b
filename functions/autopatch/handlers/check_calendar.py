"""Find out whether a change calendar is closed, before anything is done about a target."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import Document, Execution, NotStarted, Pending, Run, Target, read, write
from autopatch.freezing import check_calendar
from autopatch.settings import CalendarSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
systems_manager = SystemsManager()


class Task(Document, frozen=True):
    execution: Execution
    run: Run
    target: Target
    update: NotStarted | Pending


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task, settings, now = read(event, Task), CalendarSettings.from_env(), datetime.now(UTC)
    checked = check_calendar(task.execution, task.run, task.target, task.update, settings, systems_manager, now)
    update = write(checked)
    logger.info("checked the change calendars", stack=task.target.stack_name, update=update)
    return update
