"""EC2 Image Builder: pipelines, the images that they build, and the AMIs in those images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from autopatch.aws.client import create_client, error_code, named_errors
from autopatch.errors import ConfigError, UnknownStatus

if TYPE_CHECKING:
    from types_boto3_imagebuilder import ImagebuilderClient


class ImageStatus(Enum):
    """Every status of an image, from the Image Builder API reference (ImageState)."""

    PENDING = "PENDING"
    CREATING = "CREATING"
    BUILDING = "BUILDING"
    TESTING = "TESTING"
    DISTRIBUTING = "DISTRIBUTING"
    INTEGRATING = "INTEGRATING"
    AVAILABLE = "AVAILABLE"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    DEPRECATED = "DEPRECATED"
    DELETED = "DELETED"
    DISABLED = "DISABLED"

    @property
    def is_building(self) -> bool:
        """Whether the build is still in progress."""
        return self in _BUILDING


_BUILDING = frozenset(
    {
        ImageStatus.PENDING,
        ImageStatus.CREATING,
        ImageStatus.BUILDING,
        ImageStatus.TESTING,
        ImageStatus.DISTRIBUTING,
        ImageStatus.INTEGRATING,
    }
)


_AFTER_BUILDING = frozenset({"TESTING", "DISTRIBUTING", "INTEGRATING"})


@dataclass(frozen=True)
class OutputAmi:
    """An AMI of an image: there is one per Region and account of the distribution."""

    ami_id: str
    name: str | None
    region: str
    account_id: str | None


@dataclass(frozen=True)
class Image:
    """An image build version, as GetImage describes it."""

    arn: str
    status: ImageStatus
    failure: str | None
    failed_in: str | None
    """The status in which it failed, if AWS gives a failure context."""
    created_at: datetime
    amis: tuple[OutputAmi, ...]


class ImageBuilder:
    """The calls that a patch run makes to Image Builder."""

    def __init__(self, client: ImagebuilderClient | None = None) -> None:
        self._client: ImagebuilderClient = client or create_client("imagebuilder")

    def check_pipeline(self, pipeline_arn: str) -> None:
        """Raises ConfigError when the pipeline does not exist or builds no AMI."""
        self._recipe_arn(pipeline_arn)

    def parent_image(self, pipeline_arn: str) -> str:
        """What the pipeline's recipe builds on: an AMI's id, `ssm:` and the name of a parameter, or an image's ARN.

        Raises ConfigError when the pipeline does not exist or builds no AMI.
        """
        recipe_arn = self._recipe_arn(pipeline_arn)
        with named_errors(f"reading the image recipe {recipe_arn}"):
            return self._client.get_image_recipe(imageRecipeArn=recipe_arn)["imageRecipe"]["parentImage"]

    def _recipe_arn(self, pipeline_arn: str) -> str:
        with named_errors(f"looking up the image pipeline {pipeline_arn}"):
            try:
                pipeline = self._client.get_image_pipeline(imagePipelineArn=pipeline_arn)["imagePipeline"]
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    raise ConfigError(
                        f"expected the image pipeline that PIPELINE_ARN names, {pipeline_arn}, found none; "
                        "deploy the application again with the ARN of a pipeline in this account and Region"
                    ) from error
                raise
        if "imageRecipeArn" not in pipeline:
            raise ConfigError(
                f"expected the image pipeline {pipeline_arn} to build AMIs from an image recipe, found none (a "
                "container recipe?); deploy the application again with the ARN of a pipeline that has one"
            )
        return pipeline["imageRecipeArn"]

    def start_build(self, pipeline_arn: str, client_token: str) -> str:
        """Start a build and return the ARN of the image being built.

        The same `client_token` (1 to 64 characters) gives the same image again, however often it is sent
        (Image Builder API reference, StartImagePipelineExecution).
        """
        with named_errors(f"starting a build of the image pipeline {pipeline_arn}"):
            answer = self._client.start_image_pipeline_execution(
                imagePipelineArn=pipeline_arn, clientToken=client_token
            )
        return answer["imageBuildVersionArn"]

    def build_in_progress(self, pipeline_arn: str, started_before: datetime) -> Image | None:
        """The newest build of the pipeline that is in progress and was started before that moment, if there is one."""
        building = [
            image
            for image in self._pipeline_images(pipeline_arn)
            if image.created_at < started_before and image.status.is_building
        ]
        return max(building, key=lambda image: image.created_at, default=None)

    def image(self, image_arn: str) -> Image:
        """The image as it is now.

        Raises UnknownStatus when its status is none that Image Builder documents.
        """
        with named_errors(f"reading the image {image_arn}"):
            answer = self._client.get_image(imageBuildVersionArn=image_arn)
        return _image(answer["image"])

    def retry_build(self, image_arn: str, client_token: str) -> None:
        """Resume a failed build where it stopped, under the same ARN.

        Only one that failed after its build phase can be (Image Builder API reference, RetryImage).
        """
        with named_errors(f"resuming the build of {image_arn}"):
            self._client.retry_image(imageBuildVersionArn=image_arn, clientToken=client_token)

    def failed_after_building(self, image: Image) -> bool:
        """Whether a failed image had been built, and failed while it was tested or distributed.

        The failure context shows that where AWS gives one; otherwise the workflows of the build do.
        """
        if image.failed_in is not None:
            return image.failed_in in _AFTER_BUILDING
        with named_errors(f"reading the workflows of {image.arn}"):
            pages = self._client.get_paginator("list_workflow_executions").paginate(imageBuildVersionArn=image.arn)
            return any(
                (workflow["type"], workflow["status"]) == ("BUILD", "COMPLETED")
                for page in pages
                for workflow in page["workflowExecutions"]
            )

    def cancel_build(self, image_arn: str, client_token: str) -> None:
        """Stop the build; AMIs that it has already made stay."""
        with named_errors(f"cancelling the build of {image_arn}"):
            self._client.cancel_image_creation(imageBuildVersionArn=image_arn, clientToken=client_token)

    def _pipeline_images(self, pipeline_arn: str) -> Iterator[Image]:
        with named_errors(f"listing the images of the pipeline {pipeline_arn}"):
            pages = self._client.get_paginator("list_image_pipeline_images").paginate(imagePipelineArn=pipeline_arn)
            for page in pages:
                for summary in page["imageSummaryList"]:
                    yield _image(summary)


def _image(document: Any) -> Image:
    """`document` is GetImage's `image` or an ImageSummary, which have the same keys for what is read here."""
    arn = document["arn"]
    state = document["state"]
    return Image(
        arn=arn,
        status=_status(arn, state["status"]),
        failure=_failure(state),
        failed_in=state.get("failureContext", {}).get("imageStatus"),
        created_at=_moment(document["dateCreated"]),
        amis=tuple(
            OutputAmi(
                ami_id=ami["image"],
                name=ami.get("name"),
                region=ami["region"],
                account_id=ami.get("accountId"),
            )
            for ami in document.get("outputResources", {}).get("amis", [])
        ),
    )


def _status(arn: str, text: str) -> ImageStatus:
    try:
        return ImageStatus(text)
    except ValueError:
        raise UnknownStatus(
            f"image {arn}: expected one of {', '.join(status.value for status in ImageStatus)}, found {text!r}; "
            "look at the image in the console, and update AMI Autopatch"
        ) from None


def _failure(state: Any) -> str | None:
    """Why the build ended, in a sentence: from the failure context where AWS gives one, else the reason."""
    reason: str | None = state.get("reason")
    context = state.get("failureContext")
    if not context:
        return reason
    parts = []
    if context.get("imageStatus"):
        parts.append(f"failed while {context['imageStatus']}")
    if context.get("failedStep"):
        parts.append(f"in the step {context['failedStep']}")
    component = context.get("componentFailure", {})
    where = " / ".join(
        component[key] for key in ("componentArn", "phaseName", "stepName", "action") if key in component
    )
    if where:
        parts.append(f"at {where}")
    distribution = context.get("distributionFailure", {})
    details = [
        component.get("errorMessage"),
        distribution.get("errorMessage"),
        *(
            f"{failure['region']}: {failure.get('errorMessage', failure.get('status'))}"
            for failure in distribution.get("regionFailures", [])
        ),
    ]
    detail = "; ".join(text for text in details if text) or reason
    return f"{' '.join(parts)}: {detail}" if detail else " ".join(parts)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
