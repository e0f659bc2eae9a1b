"""EC2's types of instances, volumes and NAT gateways, and the user data of launch templates.

Source: CloudFormation Template Reference, the page of each type.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_aws.stack_world import NETWORK, StackWorld, stack_world

pytestmark = pytest.mark.usefixtures("no_stack_is_left")


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        created.create("network", NETWORK)
        yield created


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def as_dict(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


SCRIPT = base64.b64encode(b"#!/bin/sh").decode()


def test_an_instance_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::EC2::Instance; Ref gives the instance's id."""
    network = world.outputs("network")
    subnet = network["SubnetIds"].split(",")[0]
    attributes = ("AvailabilityZone", "PrivateDnsName", "PrivateIp", "VpcId")
    resources = {
        "Guard": resource("EC2::SecurityGroup", GroupDescription="guard", VpcId=network["VpcId"]),
        "Server": resource(
            "EC2::Instance",
            ImageId=world.old_ami,
            InstanceType="t3.micro",
            SubnetId=subnet,
            SecurityGroupIds=[{"Ref": "Guard"}],
            UserData=SCRIPT,
            Monitoring=True,
            Tags=[{"Key": "Name", "Value": "web"}],
        ),
    }
    outputs = {name: {"Value": {"Fn::GetAtt": ["Server", name]}} for name in attributes}
    world.create("one", json.dumps({"Resources": resources, "Outputs": outputs}))
    assert world.status("one") == "CREATE_COMPLETE", world.reasons("one")
    ids = world.physical_ids("one")
    (reservation,) = world.ec2.describe_instances(InstanceIds=[ids["Server"]])["Reservations"]
    (instance,) = reservation["Instances"]
    assert (instance["ImageId"], instance["InstanceType"], instance["SubnetId"], instance["Monitoring"]) == (
        world.old_ami,
        "t3.micro",
        subnet,
        {"State": "enabled"},
    )
    assert [group["GroupId"] for group in instance["SecurityGroups"]] == [ids["Guard"]]
    user_data = world.ec2.describe_instance_attribute(InstanceId=ids["Server"], Attribute="userData")["UserData"]
    assert user_data["Value"] == SCRIPT
    assert as_dict(instance["Tags"]).items() >= {"Name": "web", "aws:cloudformation:logical-id": "Server"}.items()
    assert world.outputs("one") == {
        "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
        "PrivateDnsName": instance["PrivateDnsName"],
        "PrivateIp": instance["PrivateIpAddress"],
        "VpcId": network["VpcId"],
    }
    world.remove()
    assert world.running() == {}


def test_a_volume_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::EC2::Volume."""
    properties = {"AvailabilityZone": "us-east-1b", "Size": 12, "VolumeType": "gp3", "Iops": 3000, "Encrypted": True}
    identifier = world.put({"Disk": resource("EC2::Volume", **properties)})["Disk"]
    (volume,) = world.ec2.describe_volumes(VolumeIds=[identifier])["Volumes"]
    assert {name: volume[name] for name in properties} == properties
    assert as_dict(volume["Tags"])["aws:cloudformation:logical-id"] == "Disk"
    world.remove()
    assert world.ec2.describe_volumes()["Volumes"] == []


def test_a_nat_gateway_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::EC2::NatGateway: public unless the template says otherwise."""
    subnet = world.outputs("network")["SubnetIds"].split(",")[0]
    identifier = world.put(
        {
            "Address": resource("EC2::EIP", Domain="vpc"),
            "Nat": resource("EC2::NatGateway", AllocationId={"Fn::GetAtt": "Address.AllocationId"}, SubnetId=subnet),
        }
    )["Nat"]
    (gateway,) = world.ec2.describe_nat_gateways(NatGatewayIds=[identifier])["NatGateways"]
    assert (gateway["SubnetId"], gateway["ConnectivityType"], gateway["State"]) == (subnet, "public", "available")
    assert as_dict(gateway["Tags"])["aws:cloudformation:logical-id"] == "Nat"


def test_every_version_of_a_launch_template_can_be_launched_from(world: StackWorld) -> None:
    """EC2 API Reference, CreateLaunchTemplateVersion: its user data is that of the instances launched from it."""
    template = world.ec2.create_launch_template(
        LaunchTemplateName="by-hand",
        LaunchTemplateData={"ImageId": world.old_ami, "InstanceType": "t3.micro"},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "Name", "Value": "by hand"}]}],
    )["LaunchTemplate"]
    version = {"ImageId": world.new_ami, "InstanceType": "t3.micro", "UserData": SCRIPT}
    world.ec2.create_launch_template_version(LaunchTemplateId=template["LaunchTemplateId"], LaunchTemplateData=version)
    versions = world.ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])
    assert [listed["LaunchTemplateData"] for listed in versions["LaunchTemplateVersions"]] == [
        {"ImageId": world.old_ami, "InstanceType": "t3.micro"},
        version,
    ]
    world.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="by-hand",
        MinSize=1,
        MaxSize=1,
        AvailabilityZones=["us-east-1a"],
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "$Latest"},
    )
    world.clock.sleep(60)
    (instance,) = world.running()
    user_data = world.ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")["UserData"]
    assert user_data["Value"] == SCRIPT
    world.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="by-hand", ForceDelete=True)
    world.ec2.delete_launch_template(LaunchTemplateId=template["LaunchTemplateId"])
