"""Start a build of the image pipeline, or join the one that is in progress."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.image_builder import ImageBuilder
from autopatch.contracts import Document, Execution, Run, read, write
from autopatch.image_builds import start_image_build

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
image_builder = ImageBuilder()


class Task(Document, frozen=True):
    execution: Execution
    run: Run


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task = read(event, Task)
    build = start_image_build(task.execution, task.run, image_builder, datetime.now(UTC))
    image = write(build)
    logger.info("joined a build" if build.joined else "started a build", image=image)
    return image
