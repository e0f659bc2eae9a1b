"""The gateways stay within what AWS takes in one call."""

from __future__ import annotations

import boto3

from autopatch.aws.ec2 import Ec2
from local_aws.aws import LocalAws


def test_more_instances_than_a_filter_takes_are_found(aws: LocalAws) -> None:
    """EC2 takes 200 values of filters in a call (gjbae1212/gossm#47)."""
    ec2 = boto3.client("ec2")
    image = ec2.register_image(Name="base", RootDeviceName="/dev/xvda")["ImageId"]
    first, *others = ec2.run_instances(ImageId=image, MinCount=3, MaxCount=3)["Instances"]
    gone = [f"i-{number:017x}" for number in range(400)]
    ids = [first["InstanceId"], *gone, *(instance["InstanceId"] for instance in others)]
    assert set(Ec2().instances(ids)) == set(ids) - set(gone)
    assert Ec2().instances([]) == {}
