"""Start a build of the image pipeline, or join the one that goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.image_builder import ImageBuilder
from autopatch.contracts import Execution, Run
from autopatch.image_builds import start_image_build

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
image_builder = ImageBuilder()


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    execution, run = Execution.from_event(event["execution"]), Run.from_event(event["run"])
    build = start_image_build(execution, run, image_builder, datetime.now(UTC)).to_event()
    logger.info("joined a build" if build["joined"] else "started a build", image=build)
    return build
