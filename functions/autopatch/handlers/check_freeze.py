"""Find out whether a run may begin: no change calendar is closed, and the base image is not held."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.ec2 import Ec2
from autopatch.aws.image_builder import ImageBuilder
from autopatch.aws.systems_manager import SystemsManager
from autopatch.base_images import BaseImages
from autopatch.contracts import Document, Execution, Run, read, write
from autopatch.freezing import check_freeze
from autopatch.holds import Holds
from autopatch.settings import CalendarSettings, HoldSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
systems_manager = SystemsManager()
base_images = BaseImages(ImageBuilder(), Ec2(), systems_manager)


class Task(Document, frozen=True):
    execution: Execution
    run: Run


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task, settings, now = read(event, Task), CalendarSettings.from_env(), datetime.now(UTC)
    holds = Holds(systems_manager, HoldSettings.from_env().hold_path)
    freeze = write(check_freeze(task.execution, task.run, settings, systems_manager, base_images, holds, now))
    logger.info("checked whether the run may begin", freeze=freeze)
    return freeze
