"""Report how far the image build has come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.image_builder import ImageBuilder
from autopatch.contracts import Document, Execution, ImageBuild, read, write
from autopatch.image_builds import check_image

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
image_builder = ImageBuilder()


class Task(Document, frozen=True):
    execution: Execution
    image: ImageBuild


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task = read(event, Task)
    image = write(check_image(task.execution, task.image, image_builder, datetime.now(UTC)))
    logger.info("looked at the build", image=image)
    return image
