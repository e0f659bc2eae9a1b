"""Start a build of the image pipeline, or join the one that goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.image_builder import ImageBuilder, ImageStatus
from autopatch.contracts import Execution, ImageBuild, Run
from autopatch.polling import image_poll_seconds

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()


@cache
def _image_builder() -> ImageBuilder:
    return ImageBuilder.create()


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    execution, run = Execution.from_event(event["execution"]), Run.from_event(event["run"])
    build = start_image_build(execution, run, _image_builder(), datetime.now(UTC)).to_event()
    logger.info("joined a build" if build["joined"] else "started a build", image=build)
    return build


def start_image_build(execution: Execution, run: Run, image_builder: ImageBuilder, now: datetime) -> ImageBuild:
    """The build to wait for, with its deadline.

    A build that was going on before this execution began is somebody else's, and is joined. Any later one may be the
    one that an earlier attempt of this very task has started: then the client token gives that one again.
    """
    going_on = image_builder.build_in_progress(run.pipeline_arn, started_before=execution.started_at)
    if going_on is not None:
        image_arn, status = going_on.arn, going_on.status
    else:
        image_arn = image_builder.start_build(run.pipeline_arn, execution.token("image"))
        status = ImageStatus.PENDING
    deadline = timedelta(minutes=run.build_deadline_minutes)
    return ImageBuild(
        image_arn=image_arn,
        joined=going_on is not None,
        started_at=now,
        deadline_at=now + deadline,
        status=status.value,
        ready=False,
        poll_after_seconds=image_poll_seconds(status, 0, deadline.total_seconds()),
    )
