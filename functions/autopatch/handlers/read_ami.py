"""Read from the finished image which AMI it is in this account and Region."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.image_builder import Image, ImageBuilder
from autopatch.contracts import Ami, ImageBuild
from autopatch.errors import ImageHasNoAmi

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()


@cache
def _image_builder() -> ImageBuilder:
    return ImageBuilder.create()


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    ami = read_ami(_image_builder().image(ImageBuild.from_event(event["image"]).image_arn)).to_event()
    logger.info("read the AMI", ami=ami)
    return ami


def read_ami(image: Image) -> Ami:
    """The image's AMI in the Region and the account that the image itself lives in.

    Raises ImageHasNoAmi when it has none there, or more than one.
    """
    region, account = image.arn.split(":")[3:5]
    here = [ami for ami in image.amis if ami.region == region and ami.account_id == account]
    if len(here) != 1:
        found = ", ".join(f"{ami.ami_id} in {ami.region} of {ami.account_id}" for ami in image.amis)
        raise ImageHasNoAmi(
            f"image {image.arn}: expected one AMI in {region} of the account {account}, "
            f"found {found or 'none at all'}; correct the distribution configuration of the image pipeline"
        )
    return Ami(ami_id=here[0].ami_id, name=here[0].name)
