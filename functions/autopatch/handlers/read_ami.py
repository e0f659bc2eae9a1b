"""Read from the finished image which AMI it is in this account and Region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.image_builder import ImageBuilder
from autopatch.contracts import Document, Execution, ImageBuild, read, write
from autopatch.image_builds import read_ami

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
    ami = write(read_ami(image_builder.image(task.image.image_arn)))
    logger.info("read the AMI", ami=ami)
    return ami
