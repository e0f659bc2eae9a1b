"""Launch templates, instances and volumes.

Source: CloudFormation Template Reference, AWS::EC2::LaunchTemplate, AWS::EC2::Instance, AWS::EC2::Volume; Amazon EC2
API Reference.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.utils import random_launch_template_name

from local_aws.core.resource_types import ResourceType, client, names, picked, tag_list, without
from local_aws.core.resources import Request, Resource
from local_aws.ec2 import user_data
from local_aws.ec2.tags import all_tags, retag, tag

# -- launch templates -------------------------------------------------------------------------------------------------


def _create_launch_template(request: Request) -> tuple[str, dict[str, Any]]:
    specifications = request.properties.get("TagSpecifications", [])
    own_tags = {item["Key"]: item["Value"] for specification in specifications for item in specification["Tags"]}
    launch_template = client("ec2", request.region).create_launch_template(
        LaunchTemplateName=request.properties.get("LaunchTemplateName") or random_launch_template_name(),
        TagSpecifications=[
            {"ResourceType": "launch-template", "Tags": tag_list({**all_tags(request), **own_tags})},
        ],
        **picked(request.properties, "LaunchTemplateData", "VersionDescription"),
    )["LaunchTemplate"]
    identifier = launch_template["LaunchTemplateId"]
    return identifier, {
        "DefaultVersionNumber": str(launch_template["DefaultVersionNumber"]),
        "LatestVersionNumber": str(launch_template["LatestVersionNumber"]),
        "LaunchTemplateId": identifier,
    }


def _update_launch_template(request: Request, resource: Resource) -> None:
    """Every update is a new version, which does not become the default one."""
    version = client("ec2", request.region).create_launch_template_version(
        LaunchTemplateId=resource.physical_id,
        **picked(request.properties, "LaunchTemplateData", "VersionDescription"),
    )["LaunchTemplateVersion"]
    retag(request, resource)
    resource.attributes = {**resource.attributes, "LatestVersionNumber": str(version["VersionNumber"])}


# -- instances --------------------------------------------------------------------------------------------------------


def _create_instance(request: Request) -> tuple[str, dict[str, Any]]:
    properties = picked(
        request.properties,
        *("BlockDeviceMappings", "EbsOptimized", "ImageId", "InstanceInitiatedShutdownBehavior", "InstanceType"),
        *("KeyName", "PrivateIpAddress", "SecurityGroupIds", "SecurityGroups", "SubnetId"),
    )
    if "AvailabilityZone" in request.properties:
        properties["Placement"] = {"AvailabilityZone": request.properties["AvailabilityZone"]}
    if "IamInstanceProfile" in request.properties:
        properties["IamInstanceProfile"] = {"Name": request.properties["IamInstanceProfile"]}
    if "Monitoring" in request.properties:
        properties["Monitoring"] = {"Enabled": request.properties["Monitoring"]}
    if "UserData" in request.properties:
        properties["UserData"] = user_data.decoded(request.properties["UserData"])
    (instance,) = client("ec2", request.region).run_instances(MinCount=1, MaxCount=1, **properties)["Instances"]
    tag(request, instance["InstanceId"])
    return instance["InstanceId"], {
        "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
        "InstanceId": instance["InstanceId"],
        "PrivateDnsName": instance["PrivateDnsName"],
        "PrivateIp": instance["PrivateIpAddress"],
        "PublicDnsName": instance.get("PublicDnsName", ""),
        "PublicIp": instance.get("PublicIpAddress", ""),
        "VpcId": instance["VpcId"],
    }


# -- volumes ----------------------------------------------------------------------------------------------------------


def _create_volume(request: Request) -> tuple[str, dict[str, Any]]:
    volume = client("ec2", request.region).create_volume(**without(request.properties, "Tags"))["VolumeId"]
    tag(request, volume)
    return volume, {"VolumeId": volume}


TYPES = {
    # moto has a model of this one, which knows neither security groups nor what a property is not named for.
    "AWS::EC2::Instance": ResourceType(
        _create_instance,
        lambda request, resource: client("ec2", request.region).terminate_instances(InstanceIds=[resource.physical_id]),
        names(
            "AvailabilityZone BlockDeviceMappings EbsOptimized IamInstanceProfile ImageId "
            "InstanceInitiatedShutdownBehavior InstanceType KeyName Monitoring PrivateIpAddress SecurityGroupIds "
            "SecurityGroups SubnetId Tags UserData"
        ),
    ),
    # moto has a model of this one, which cannot be deleted.
    "AWS::EC2::LaunchTemplate": ResourceType(
        _create_launch_template,
        lambda request, resource: client("ec2", request.region).delete_launch_template(
            LaunchTemplateId=resource.physical_id
        ),
        names("LaunchTemplateData LaunchTemplateName TagSpecifications VersionDescription"),
        update=_update_launch_template,
        name_property="LaunchTemplateName",
    ),
    # moto has a model of this one, which knows its size only.
    "AWS::EC2::Volume": ResourceType(
        _create_volume,
        lambda request, resource: client("ec2", request.region).delete_volume(VolumeId=resource.physical_id),
        names("AvailabilityZone Encrypted Iops KmsKeyId MultiAttachEnabled Size SnapshotId Tags Throughput VolumeType"),
    ),
}
