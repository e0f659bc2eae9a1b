"""The image that a pipeline would build on now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopatch.execution_input import AMI_ID

if TYPE_CHECKING:
    from autopatch.aws.ec2 import Ec2
    from autopatch.aws.image_builder import ImageBuilder
    from autopatch.aws.systems_manager import SystemsManager

_BY_SSM_PARAMETER = "ssm:"


@dataclass(frozen=True)
class ParentImage:
    """A parent image. One that a recipe names by an Image Builder ARN has that as its name, and no AMI id."""

    ami_id: str
    name: str


@dataclass(frozen=True)
class BaseImages:
    """Finds out what a pipeline's recipe builds on, at this moment."""

    image_builder: ImageBuilder
    ec2: Ec2
    systems_manager: SystemsManager

    def parent_of(self, pipeline_arn: str) -> ParentImage:
        """The parent image of the pipeline's recipe.

        A parent `ssm:<name>` is the AMI that the SSM parameter names (Image Builder API reference, CreateImageRecipe).

        Raises ConfigError when the pipeline does not exist or builds no AMI.
        """
        parent = self.image_builder.parent_image(pipeline_arn)
        if parent.startswith(_BY_SSM_PARAMETER):
            parent = self.systems_manager.parameter(parent.removeprefix(_BY_SSM_PARAMETER))
        if not AMI_ID.fullmatch(parent):
            return ParentImage("", parent)
        image = self.ec2.image(parent)
        return ParentImage(parent, image.name if image else "")
