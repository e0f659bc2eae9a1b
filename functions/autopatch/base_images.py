"""The image that a pipeline would build on now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from autopatch.base_releases import BaseRelease
from autopatch.errors import TransientAwsFault
from autopatch.execution_input import AMI_ID

if TYPE_CHECKING:
    from autopatch.aws.ec2 import Ec2
    from autopatch.aws.image_builder import ImageBuilder
    from autopatch.aws.systems_manager import SystemsManager

NEW_FOR = timedelta(days=7)
"""How long a release is new.

Well below the 90 days for which Step Functions keeps the name of an execution (API reference, StartExecution): a
release whose run is forgotten there is not new any more, so that no other run is started for it.
"""

_BY_SSM_PARAMETER = "ssm:"
# Systems Manager User Guide, "Working with public parameters in Parameter Store". Their ARNs have no account.
_PUBLIC = "/aws/service/"
_PUBLIC_ARN = re.compile(rf"arn:[^:]+:ssm:[^:]+::parameter({_PUBLIC}.+)")


@dataclass(frozen=True)
class ParentImage:
    """A parent image. One that a recipe names by an Image Builder ARN has that as its name, and no AMI id."""

    ami_id: str
    name: str


@dataclass(frozen=True)
class NothingNew:
    """There is no new release to build on, and why."""

    reason: str


@dataclass(frozen=True)
class BaseImages:
    """Finds out what a pipeline's recipe builds on, at this moment."""

    image_builder: ImageBuilder
    ec2: Ec2
    systems_manager: SystemsManager

    def parent_of(self, pipeline_arn: str) -> ParentImage:
        """The parent image of the pipeline's recipe.

        Raises ConfigError when the pipeline does not exist or builds no AMI.
        """
        parent = self.image_builder.parent_image(pipeline_arn)
        if name := _parameter_name(parent):
            parent = self.systems_manager.parameter(name).value
        if not AMI_ID.fullmatch(parent):
            return ParentImage("", parent)
        image = self.ec2.image(parent)
        return ParentImage(parent, image.name if image else "")

    def new_release(self, pipeline_arn: str, now: datetime) -> BaseRelease | NothingNew:
        """The release that a public parameter has moved to, if the pipeline's recipe builds on one.

        Raises ConfigError when the pipeline does not exist or builds no AMI, TransientAwsFault when EC2 does not know
        the AMI.
        """
        parent = self.image_builder.parent_image(pipeline_arn)
        name = _parameter_name(parent)
        if not name.startswith(_PUBLIC):
            return NothingNew(f"the pipeline builds on {parent}, which is no public parameter")
        parameter = self.systems_manager.parameter(name)
        if now - parameter.modified_at > NEW_FOR:
            return NothingNew(f"{name} has named {parameter.value} since {parameter.modified_at:%Y-%m-%d}")
        image = self.ec2.image(parameter.value)
        if image is None:
            raise TransientAwsFault(
                f"the AMI that the SSM parameter {name} names: expected {parameter.value} in this Region, found none; "
                "try again in a few minutes"
            )
        return BaseRelease.of_ami(image.name)


def _parameter_name(parent: str) -> str:
    """The SSM parameter whose value is the parent image, "" when there is none; a public one by its name.

    A parent is such a parameter if it is `ssm:` with the parameter's name or ARN (Image Builder API reference,
    CreateImageRecipe).
    """
    if not parent.startswith(_BY_SSM_PARAMETER):
        return ""
    name = parent.removeprefix(_BY_SSM_PARAMETER)
    public = _PUBLIC_ARN.fullmatch(name)
    return public[1] if public else name
