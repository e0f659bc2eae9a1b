"""EC2: what goes with an instance, and what cannot go while something is in it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws


@pytest.fixture
def ec2(aws: LocalAws) -> Any:
    return boto3.client("ec2")


@pytest.fixture
def subnets(ec2: Any) -> list[str]:
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(("us-east-1a", "us-east-1b"))
    ]


def launch(ec2: Any, **arguments: Any) -> str:
    ami = ec2.register_image(Name="base")["ImageId"]
    started = ec2.run_instances(ImageId=ami, MinCount=1, MaxCount=1, **arguments)
    return str(started["Instances"][0]["InstanceId"])


def interfaces(ec2: Any) -> int:
    return len(ec2.describe_network_interfaces()["NetworkInterfaces"])


def test_the_primary_network_interface_goes_with_its_instance(ec2: Any, subnets: list[str]) -> None:
    """EC2 User Guide, "Delete the network interface on termination"."""
    instance = launch(ec2, SubnetId=subnets[0])
    assert interfaces(ec2) == 1
    ec2.terminate_instances(InstanceIds=[instance])
    assert interfaces(ec2) == 0


def test_it_stays_when_the_launch_says_so(ec2: Any, subnets: list[str]) -> None:
    """EC2 API Reference, InstanceNetworkInterfaceSpecification."""
    kept = {"DeviceIndex": 0, "SubnetId": subnets[0], "DeleteOnTermination": False}
    instance = launch(ec2, NetworkInterfaces=[kept])
    ec2.terminate_instances(InstanceIds=[instance])
    assert interfaces(ec2) == 1


def test_a_call_takes_at_most_200_values_of_filters(ec2: Any) -> None:
    """apache/druid#1954, gjbae1212/gossm#47: EC2's own words."""
    ids = [f"i-{number:017x}" for number in range(200)]
    assert ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": ids}])["Reservations"] == []
    filters = [{"Name": "instance-id", "Values": ids}, {"Name": "image-id", "Values": ["ami-1"]}]
    with pytest.raises(ClientError, match="maximum number of filter values specified on a single call is 200") as found:
        ec2.describe_instances(Filters=filters)
    assert found.value.response["Error"]["Code"] == "FilterLimitExceeded"


def refusal(ec2: Any, subnet: str) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        ec2.delete_subnet(SubnetId=subnet)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_subnet_with_an_instance_in_it_cannot_be_deleted(ec2: Any, subnets: list[str]) -> None:
    """VPC User Guide, "Delete a subnet"."""
    instance = launch(ec2, SubnetId=subnets[0])
    assert refusal(ec2, subnets[0]) == (
        "DependencyViolation",
        f"The subnet '{subnets[0]}' has dependencies and cannot be deleted.",
    )
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.delete_subnet(SubnetId=subnets[0])


def test_a_subnet_with_a_load_balancer_in_it_cannot_be_deleted(ec2: Any, subnets: list[str]) -> None:
    """VPC User Guide, "Delete a subnet"; a load balancer has a network interface in each of its subnets."""
    elbv2 = boto3.client("elbv2")
    arn = elbv2.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    assert refusal(ec2, subnets[1])[0] == "DependencyViolation"
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    ec2.delete_subnet(SubnetId=subnets[1])


def test_the_network_interface_of_a_nat_gateway_goes_with_it(ec2: Any, subnets: list[str]) -> None:
    """VPC User Guide, "NAT gateway basics"."""
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    assert interfaces(ec2) == 1
    assert refusal(ec2, subnets[0])[0] == "DependencyViolation"
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    assert interfaces(ec2) == 0
    ec2.delete_subnet(SubnetId=subnets[0])
