"""What a build puts out: an AMI in each Region and account of its distribution, and parameters that name them.

Sources: EC2 Image Builder API reference, Distribution, SsmParameterConfiguration; User Guide, "Tag Image Builder output
resources".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from local_aws.core import settings
from local_aws.ec2 import images as ec2_images
from local_aws.imagebuilder.amis import register
from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.permissions import check_parameter
from local_aws.imagebuilder.settings import ImageBuilderSettings
from local_aws.imagebuilder.shapes import Document
from local_aws.ssm import parameters


def distributions_of(image: Image) -> list[Document]:
    """The distributions to do: the configuration's, or the build's own Region, unless the settings name others."""
    configuration = image.document.get("distributionConfiguration", {})
    configured = {distribution["region"]: distribution for distribution in configuration.get("distributions", [])}
    regions = settings.current(ImageBuilderSettings).distribute_to
    if regions is None:
        return list(configured.values()) or [{"region": image.region}]
    return [configured.get(region, {"region": region}) for region in regions]


def distribute(image: Image, parent: ec2_images.Image, volumes: list[ec2_images.Volume]) -> None:
    """Give the image an AMI for each Region and account of the distribution.

    Raises DistributionFailed; what was made by then stays.
    """
    for distribution in distributions_of(image):
        configuration = distribution.get("amiDistributionConfiguration", {})
        for account_id in configuration.get("targetAccountIds", [image.account_id]):
            image.amis.append(_register(image, parent, volumes, distribution["region"], account_id, configuration))


def write_parameters(image: Image) -> None:
    """Write the ID of each AMI to the parameters that the distribution names for it.

    Raises ParameterForbidden.
    """
    for region, account_id, parameter in _parameters(image):
        name = parameter["parameterName"]
        check_parameter(image, "ssm:PutParameter", name, region)
        for ami in image.amis:
            if (ami["region"], ami["accountId"]) == (region, account_id):
                parameters.write(account_id, region, name, ami["image"], parameter.get("dataType", "text"))


def _register(
    image: Image,
    parent: ec2_images.Image,
    volumes: list[ec2_images.Volume],
    region: str,
    account_id: str,
    configuration: Document,
) -> Document:
    """Register an AMI as the AmiDistributionConfiguration says; return it as GetImage does."""
    is_original = (region, account_id) == (image.region, image.account_id)
    recipe = image.document["imageRecipe"]
    name = _resolved(image, configuration.get("name", f"{image.document['name']} {{{{ imagebuilder:buildDate }}}}"))
    description = configuration.get("description", recipe.get("description") if is_original else None)
    tags = {**(recipe.get("amiTags", {}) if is_original else {}), **configuration.get("amiTags", {})}
    ami_id = register(
        volumes,
        configuration,
        parent=parent,
        home=(image.region, image.account_id),
        region=region,
        account_id=account_id,
        name=name,
        description=description,
        tags={
            **{key: _resolved(image, value) for key, value in tags.items()},
            "CreatedBy": "EC2 Image Builder",
            "Ec2ImageBuilderArn": image.arn,
        },
    )
    ami = {
        "region": region,
        "image": ami_id,
        "name": name,
        "accountId": account_id,
        "state": {"status": "AVAILABLE"},
    }
    return ami | ({"description": description} if description is not None else {})


def _resolved(image: Image, text: str) -> str:
    """The text with its dynamic tags filled in."""
    date = datetime.fromtimestamp(image.started_at, UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    text = re.sub(r"\{\{\s*imagebuilder:buildDate\s*\}\}", date, text)
    return re.sub(r"\{\{\s*imagebuilder:buildVersion\s*\}\}", str(image.build_number), text)


def _parameters(image: Image) -> Iterator[tuple[str, str, Document]]:
    """Each SSM parameter to write, with its Region and account."""
    for distribution in distributions_of(image):
        for parameter in distribution.get("ssmParameterConfigurations", []):
            yield distribution["region"], parameter.get("amiAccountId", image.account_id), parameter
