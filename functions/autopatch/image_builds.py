"""The image build of a run: it is started or joined and followed to its end, and its AMI is read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from autopatch.aws.image_builder import ImageStatus
from autopatch.contracts import Ami, ImageBuild
from autopatch.errors import ImageBuildFailed, ImageBuildTimedOut, ImageHasNoAmi, TransientAwsFault
from autopatch.polling import image_poll_seconds

if TYPE_CHECKING:
    from autopatch.aws.image_builder import Image, ImageBuilder
    from autopatch.contracts import Execution, Run

# Image Builder takes a moment to leave FAILED behind.
_RETRY_SECONDS = 60


def start_image_build(execution: Execution, run: Run, image_builder: ImageBuilder, now: datetime) -> ImageBuild:
    """The build to wait for, with its deadline.

    A build that was in progress before this execution started is somebody else's, and is joined. A later one may have
    been started by an earlier attempt of this task: then the client token returns that one.
    """
    in_progress = image_builder.build_in_progress(run.pipeline_arn, started_before=execution.started_at)
    if in_progress is not None:
        image_arn, status = in_progress.arn, in_progress.status
    else:
        image_arn = image_builder.start_build(run.pipeline_arn, execution.token("image"))
        status = ImageStatus.PENDING
    deadline = timedelta(minutes=run.build_deadline_minutes)
    return ImageBuild(
        image_arn=image_arn,
        joined=in_progress is not None,
        started_at=now,
        deadline_at=now + deadline,
        status=status.value,
        ready=False,
        poll_after_seconds=image_poll_seconds(status, 0, deadline.total_seconds()),
    )


def check_image(execution: Execution, build: ImageBuild, image_builder: ImageBuilder, now: datetime) -> ImageBuild:
    """The build as it is now; while AWS cannot serve the look at it, as it was.

    Raises ImageBuildFailed when it ended in anything but AVAILABLE, ImageBuildTimedOut at its deadline.
    """
    try:
        return _looked_at(execution, build, image_builder, now)
    except TransientAwsFault:
        if now >= build.deadline_at:
            raise
        return _again(build, ImageStatus.TESTING, now)


def _looked_at(execution: Execution, build: ImageBuild, image_builder: ImageBuilder, now: datetime) -> ImageBuild:
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
            "read the build's log, fix the recipe or its components, and start a run again"
        )
    return _again(replace(build, status=image.status.value), image.status, now)


def _again(build: ImageBuild, status: ImageStatus, now: datetime) -> ImageBuild:
    """The build, with the wait until the next look at it, as long as is usual in that status."""
    elapsed, remaining = now - build.started_at, build.deadline_at - now
    seconds = image_poll_seconds(status, elapsed.total_seconds(), remaining.total_seconds())
    return replace(build, poll_after_seconds=seconds)


def _deserves_a_retry(build: ImageBuild, image: Image, image_builder: ImageBuilder) -> bool:
    """Once, and not for a failure of the build itself, which would only fail again; a joined build is another's."""
    return not build.retried and not build.joined and image_builder.failed_after_building(image)


def _timed_out(
    execution: Execution, build: ImageBuild, image: Image, image_builder: ImageBuilder
) -> ImageBuildTimedOut:
    if build.joined:
        return ImageBuildTimedOut(
            _late(build, f"{image.status.value}; it was not started by this run and is still in progress")
        )
    image_builder.cancel_build(image.arn, execution.token("cancel image"))
    return ImageBuildTimedOut(_late(build, f"{image.status.value}; the build has been cancelled"))


def _late(build: ImageBuild, how: str) -> str:
    minutes = round((build.deadline_at - build.started_at).total_seconds() / 60)
    return (
        f"image {build.image_arn}: expected the build to end within {minutes} minutes, found it {how}; "
        "see in its log where it hangs, or deploy with a longer build deadline, and start a run again"
    )


def read_ami(image: Image) -> Ami:
    """The image's AMI in the Region and the account that the image itself lives in.

    Raises ImageHasNoAmi when it has none there, or more than one.
    """
    region, account = image.arn.split(":")[3:5]
    here = [ami for ami in image.amis if ami.region == region and ami.account_id == account]
    if len(here) != 1:
        amis = ", ".join(f"{ami.ami_id} in {ami.region} of {ami.account_id}" for ami in image.amis)
        raise ImageHasNoAmi(
            f"image {image.arn}: expected one AMI in {region} of the account {account}, "
            f"found {amis or 'none at all'}; correct the distribution configuration of the image pipeline"
        )
    return Ami(ami_id=here[0].ami_id, name=here[0].name)
