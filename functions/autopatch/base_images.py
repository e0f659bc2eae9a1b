"""The image that a pipeline would build on now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopatch.aws.client import create_client, named_errors
from autopatch.aws.ec2 import Ec2
from autopatch.aws.image_builder import ImageBuilder
from autopatch.execution_input import AMI_ID

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

_BY_SSM_PARAMETER = "ssm:"


@dataclass(frozen=True)
class ParentImage:
    """A parent image. One that a recipe names by an Image Builder ARN has that as its name, and no AMI id."""

    ami_id: str
    name: str


class BaseImages:
    """Finds out what a pipeline's recipe builds on, at this moment."""

    def __init__(self, image_builder: ImageBuilder, ec2: Ec2, ssm_client: SSMClient) -> None:
        self._image_builder = image_builder
        self._ec2 = ec2
        self._ssm_client = ssm_client

    @classmethod
    def create(cls) -> BaseImages:
        return cls(ImageBuilder.create(), Ec2.create(), create_client("ssm"))

    def parent_of(self, pipeline_arn: str) -> ParentImage:
        """The parent image of the pipeline's recipe.

        A parent `ssm:<name>` is the AMI that the SSM parameter names (Image Builder API reference, CreateImageRecipe).

        Raises ConfigError when the pipeline does not exist or builds no AMI.
        """
        parent = self._image_builder.parent_image(pipeline_arn)
        if parent.startswith(_BY_SSM_PARAMETER):
            name = parent.removeprefix(_BY_SSM_PARAMETER)
            with named_errors(f"reading the SSM parameter {name}, the recipe's parent image"):
                parent = self._ssm_client.get_parameter(Name=name)["Parameter"]["Value"]
        if not AMI_ID.fullmatch(parent):
            return ParentImage("", parent)
        image = self._ec2.image(parent)
        return ParentImage(parent, image.name if image else "")
