"""Report how far the image build has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.image_builder import Image, ImageBuilder, ImageStatus
from autopatch.contracts import Execution, ImageBuild
from autopatch.errors import ImageBuildFailed, ImageBuildTimedOut
from autopatch.polling import image_poll_seconds

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()

# Image Builder takes a moment to leave FAILED behind.
_RETRY_SECONDS = 60


@cache
def _image_builder() -> ImageBuilder:
    return ImageBuilder.create()


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    execution, build = Execution.from_event(event["execution"]), ImageBuild.from_event(event["image"])
    checked = check_image(execution, build, _image_builder(), datetime.now(UTC)).to_event()
    logger.info("looked at the build", image=checked)
    return checked


def check_image(execution: Execution, build: ImageBuild, image_builder: ImageBuilder, now: datetime) -> ImageBuild:
    """The build as it is now.

    Raises ImageBuildFailed when it ended in anything but AVAILABLE, ImageBuildTimedOut at its deadline.
    """
    image = image_builder.image(build.image_arn)
    overdue = now >= build.deadline_at
    if image.status is ImageStatus.AVAILABLE:
        return replace(build, status=image.status.value, ready=True, poll_after_seconds=0)
    if overdue and image.status.is_building:
        raise _timed_out(execution, build, image, image_builder)
    if overdue and image.status is ImageStatus.CANCELLED and not build.joined:
        raise ImageBuildTimedOut(_late(build, "CANCELLED, at the deadline"))
    if image.status is ImageStatus.FAILED and _deserves_a_retry(build, image, image_builder):
        image_builder.retry_build(image.arn, execution.token("retry image"))
        return replace(build, retried=True, status="RETRIED", poll_after_seconds=_RETRY_SECONDS)
    if not image.status.is_building:
        raise ImageBuildFailed(
            f"image {image.arn}: expected the build to end in AVAILABLE, found {image.status.value}"
            f"{f' ({image.failure})' if image.failure else ', with no reason given'}"
            f"{', after it had been resumed once' if build.retried else ''}; "
            "read the build's log, mend the recipe or its components, and start a run again"
        )
    return replace(
        build,
        status=image.status.value,
        poll_after_seconds=image_poll_seconds(
            image.status, (now - build.started_at).total_seconds(), (build.deadline_at - now).total_seconds()
        ),
    )


def _deserves_a_retry(build: ImageBuild, image: Image, image_builder: ImageBuilder) -> bool:
    """Once, and not for a failure of the build itself, which would only fail again; a joined build is another's."""
    return not build.retried and not build.joined and image_builder.failed_after_building(image)


def _timed_out(
    execution: Execution, build: ImageBuild, image: Image, image_builder: ImageBuilder
) -> ImageBuildTimedOut:
    if build.joined:
        return ImageBuildTimedOut(_late(build, f"{image.status.value}; it was not started by this run and goes on"))
    image_builder.cancel_build(image.arn, execution.token("cancel image"))
    return ImageBuildTimedOut(_late(build, f"{image.status.value}; the build has been cancelled"))


def _late(build: ImageBuild, found: str) -> str:
    minutes = round((build.deadline_at - build.started_at).total_seconds() / 60)
    return (
        f"image {build.image_arn}: expected the build to end within {minutes} minutes, found it {found}; "
        "see where it hangs in its log, or deploy with a longer build deadline, and start a run again"
    )
