"""The identifiers of what an account has in EC2, and what can be asked about one, as CloudFormation sees them.

Source: CloudFormation User Guide, "Supply existing resources at runtime with CloudFormation-supplied parameter types";
Template Reference, "Rule functions", "Supported attributes".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from moto.ec2.models import ec2_backends


def availability_zones(account: str, region: str) -> list[str]:
    """The names of the Region's Availability Zones."""
    return [str(zone.name) for zone in ec2_backends[account][region].describe_availability_zones()]


def existing(account: str, region: str, parameter_type: str) -> set[str]:
    """The identifiers that a parameter of that type can have: `AWS::EC2::Subnet::Id` gives the ids of the subnets."""
    ec2 = ec2_backends[account][region]
    identifiers: dict[str, Callable[[], Iterable[str]]] = {
        "AWS::EC2::AvailabilityZone::Name": lambda: availability_zones(account, region),
        "AWS::EC2::Image::Id": lambda: (image.id for image in ec2.describe_images()),
        "AWS::EC2::Instance::Id": lambda: (instance.id for instance in ec2.all_instances()),
        "AWS::EC2::KeyPair::KeyName": lambda: (pair.key_name for pair in ec2.describe_key_pairs([])),
        "AWS::EC2::SecurityGroup::GroupName": lambda: (group.name for group in ec2.describe_security_groups()),
        "AWS::EC2::SecurityGroup::Id": lambda: (group.id for group in ec2.describe_security_groups()),
        "AWS::EC2::Subnet::Id": lambda: (subnet.id for subnet in ec2.describe_subnets()),
        "AWS::EC2::VPC::Id": lambda: ec2.vpcs,
        "AWS::EC2::Volume::Id": lambda: (volume.id for volume in ec2.describe_volumes()),
    }
    return set(identifiers[parameter_type]())


def tag_values(account: str, region: str, identifier: str, key: str) -> list[str]:
    """The value of a tag of the resource; none where it does not have the tag."""
    tags = ec2_backends[account][region].describe_tags({"resource-id": [identifier], "key": [key]})
    return [str(tag["value"]) for tag in tags]


def subnet_zone_and_vpc(account: str, region: str, subnet_id: str) -> tuple[str, str]:
    """The Availability Zone and the VPC of a subnet."""
    (subnet,) = ec2_backends[account][region].describe_subnets(subnet_ids=[subnet_id])
    return str(subnet.availability_zone), str(subnet.vpc_id)


def default_network_acls(account: str, region: str, vpc_id: str) -> list[str]:
    """The id of the VPC's default network ACL, as a list of one."""
    filters = {"vpc-id": [vpc_id], "default": ["true"]}
    return [str(acl.id) for acl in ec2_backends[account][region].describe_network_acls(filters=filters)]


def default_security_groups(account: str, region: str, vpc_id: str) -> list[str]:
    """The id of the VPC's default security group, as a list of one."""
    filters = {"vpc-id": [vpc_id], "group-name": ["default"]}
    return [str(group.id) for group in ec2_backends[account][region].describe_security_groups(filters=filters)]
