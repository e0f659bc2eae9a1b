"""Instances and AMIs of which EC2 says less than usual: it promises no field of either (botocore's model)."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.stub import Stubber

from autopatch.aws.ec2 import Ec2

SHOWN: dict[str, Any] = {"ImageId": "ami-1", "State": {"Name": "running"}}


def test_an_instance_without_architecture_and_cpu_options_harms_no_other() -> None:
    instances = [
        {**SHOWN, "InstanceId": "i-1", "InstanceType": "m5.metal"},
        {**SHOWN, "InstanceId": "i-2", "InstanceType": "m5.large", "CpuOptions": {"CoreCount": 2}},
        {
            **SHOWN,
            "InstanceId": "i-3",
            "InstanceType": "m5.xlarge",
            "Architecture": "x86_64",
            "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 2},
        },
    ]
    client = boto3.client("ec2", region_name="eu-west-1")
    with Stubber(client) as answers:
        answers.add_response("describe_instances", {"Reservations": [{"Instances": instances}]})
        found = Ec2(client).running_instances()
    assert [(each.architecture, each.virtual_cpus) for each in found.values()] == [(None, 1), (None, 2), ("x86_64", 4)]
    assert all(each.is_standard for each in found.values())


def test_an_ami_without_architecture() -> None:
    client = boto3.client("ec2", region_name="eu-west-1")
    with Stubber(client) as answers:
        answers.add_response("describe_images", {"Images": [{"ImageId": "ami-1", "State": "available"}]})
        image = Ec2(client).image("ami-1")
    assert image is not None and image.architecture is None
