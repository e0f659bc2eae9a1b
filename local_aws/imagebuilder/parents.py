"""What a build starts from: its parent image, and the network that its instance is launched in.

Source: EC2 Image Builder API reference, CreateImageRecipe (parentImage), InfrastructureConfiguration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from local_aws.ec2 import images as ec2_images
from local_aws.ec2 import networks
from local_aws.imagebuilder.arns import is_managed, latest_match
from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.permissions import check_parameter
from local_aws.ssm import parameters

# Amazon-managed images are what the public parameters of the same system name (EC2 Image Builder console, "Managed
# images"; Amazon Linux 2023 User Guide, "Launching the latest AL2023 AMI using AWS CLI").
MANAGED_IMAGES = {
    "amazon-linux-2023-x86": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    "amazon-linux-2023-arm64": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
}


class CannotBuild(Exception):
    """The build instance cannot be launched: no parent image, no subnet, no security group."""


def find_parent(image: Image, images: Mapping[str, Image]) -> ec2_images.Image:
    """The AMI that is the recipe's parent image at this moment.

    `images` are those of the image's account and Region, by ARN.
    Raises CannotBuild, ParameterForbidden.
    """
    parent = image.document["imageRecipe"]["parentImage"]
    if parent.startswith("ssm:"):
        ami_id = _parameter(image, parent.removeprefix("ssm:"))
    elif ":image/" in parent:
        ami_id = _output_of(image, parent, images)
    else:
        ami_id = parent
    ami = ec2_images.find(image.account_id, image.region, ami_id)
    if ami is None or not ami.is_available:
        raise CannotBuild(
            f"The parent image '{parent}' of the image recipe cannot be resolved: the AMI '{ami_id}' does not exist "
            f"or is not available in Region {image.region}."
        )
    return ami


def check_network(image: Image) -> None:
    """Raise CannotBuild unless the infrastructure configuration's subnet and security groups exist."""
    infrastructure = image.document["infrastructureConfiguration"]
    subnet_ids = networks.subnet_ids(image.account_id, image.region)
    if "subnetId" in infrastructure and infrastructure["subnetId"] not in subnet_ids:
        raise CannotBuild(f"The subnet ID '{infrastructure['subnetId']}' does not exist")
    group_ids = networks.security_group_ids(image.account_id, image.region)
    for group_id in infrastructure.get("securityGroupIds", []):
        if group_id not in group_ids:
            raise CannotBuild(f"The security group '{group_id}' does not exist")


def _parameter(image: Image, name_or_arn: str) -> str:
    # The ARN of a public parameter has no account.
    name = re.sub(rf"^arn:[^:]+:ssm:[^:]+:({image.account_id})?:parameter", "", name_or_arn)
    check_parameter(image, "ssm:GetParameter", name, image.region)
    value = parameters.read(image.account_id, image.region, name)
    if value is None:
        raise CannotBuild(f"The parent image 'ssm:{name}' of the image recipe cannot be resolved: no such parameter.")
    return value


def _output_of(image: Image, arn: str, images: Mapping[str, Image]) -> str:
    """The AMI that an image of Image Builder has in the Region and the account of `image`."""
    if is_managed(arn):
        return _parameter(image, MANAGED_IMAGES[arn.split("/")[1]])
    latest = latest_match(arn, [built.arn for built in images.values() if built.status == "AVAILABLE"])
    amis = images[latest].amis if latest is not None else []
    for ami in amis:
        if (ami["region"], ami["accountId"]) == (image.region, image.account_id):
            return str(ami["image"])
    raise CannotBuild(
        f"The parent image '{arn}' of the image recipe cannot be resolved: no available build of it has an AMI in "
        f"Region {image.region}."
    )
