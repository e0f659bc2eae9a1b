"""Public parameters of Systems Manager, and the AMIs that they name."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from local_aws.core.ids import ACCOUNT, REGION
from local_aws.ec2 import images
from local_aws.ssm import parameters

NAME = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        yield aws


def test_a_public_parameter_moves_by_its_owner_alone(aws: LocalAws) -> None:
    """Systems Manager API reference: a new value is a new version, whose time is LastModifiedDate; PutParameter takes
    no name that begins with `aws`."""
    ssm = boto3.client("ssm")
    before = ssm.get_parameter(Name=NAME)["Parameter"]
    with pytest.raises(ClientError, match="No access to reserved parameter name"):
        ssm.put_parameter(Name=NAME, Value="ami-0123456789abcdef0", Type="String", Overwrite=True)
    aws.clock.sleep(3600)
    parameters.publish(ACCOUNT, REGION, NAME, "ami-0123456789abcdef0")
    after = ssm.get_parameter(Name=NAME)["Parameter"]
    assert (after["Value"], after["Version"]) == ("ami-0123456789abcdef0", before["Version"] + 1)
    assert after["LastModifiedDate"] == aws.clock.now()
    assert (after["Type"], after["DataType"]) == (before["Type"], before["DataType"])


@pytest.mark.usefixtures("aws")
def test_an_ami_that_is_published_is_its_owners_and_everybodys_to_launch() -> None:
    """EC2 API reference, Image: Public, OwnerId, ImageOwnerAlias."""
    last = images.find(ACCOUNT, REGION, parameters.read(ACCOUNT, REGION, NAME) or "")
    assert last is not None
    ami_id = images.publish(ACCOUNT, REGION, last, "al2023-ami-2023.99.20261130.0-kernel-6.1-x86_64")
    (image,) = boto3.client("ec2").describe_images(
        Owners=["amazon"], Filters=[{"Name": "name", "Values": ["al2023-ami-2023.99.*"]}]
    )["Images"]
    assert (image["ImageId"], image["Public"], image["State"]) == (ami_id, True, "available")
    assert (image["OwnerId"], image["Architecture"], image["RootDeviceName"]) == (
        "137112412989",
        "x86_64",
        "/dev/xvda",
    )
