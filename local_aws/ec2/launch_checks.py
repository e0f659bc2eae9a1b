"""What EC2 refuses to launch: an instance of what does not exist, or of what does not go together.

Source: EC2 API Reference, RunInstances, "Error codes for the Amazon EC2 API"; EC2 User Guide, "Troubleshoot Amazon EC2
instance launch issues". EC2's own words, in public issues: doccano/doccano#190 (AMI), getmoto/moto#1695 (instance
type), skypilot-org/skypilot#6315 (architecture), newsapps/beeswithmachineguns#163 (zone).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidSecurityGroupNotFoundError
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES

from local_aws.core.errors import NotModelled

LaunchRefused = EC2ClientError
"""EC2 does not launch an instance. `message` says why, in EC2's words."""

UNSUPPORTED = "Unsupported"
"""The `code` of a refusal that is due to the Availability Zone."""


@dataclass(frozen=True)
class Launch:
    """What an instance is to be launched of. An empty field is left to EC2; security groups are IDs or names."""

    image_id: str
    instance_type: str
    key_name: str = ""
    zone: str = ""
    subnet_id: str = ""
    security_groups: tuple[str, ...] = ()


def check(ec2: Any, launch: Launch) -> None:
    """Raise LaunchRefused unless moto's EC2 has everything of which the instance is to be launched, and it fits.

    Raises NotModelled for an AMI that is named by a parameter of Systems Manager.
    """
    image = find_image(ec2, launch.image_id)
    _check_type(launch.instance_type, image.architecture)
    if launch.key_name and launch.key_name not in [pair.key_name for pair in ec2.describe_key_pairs([])]:
        raise LaunchRefused("InvalidKeyPair.NotFound", f"The key pair '{launch.key_name}' does not exist")
    subnet = ec2.get_subnet(launch.subnet_id) if launch.subnet_id else None
    zones = [zone.name for zone in ec2.describe_availability_zones()]
    if launch.zone and launch.zone not in zones:
        raise LaunchRefused("InvalidParameterValue", f"Invalid availability zone: [{launch.zone}]")
    zone = subnet.availability_zone if subnet is not None else launch.zone
    _check_offer(ec2.region_name, launch.instance_type, zone)
    for name in launch.security_groups:
        group = ec2.get_security_group_by_name_or_id(name, subnet.vpc_id if subnet is not None else None)
        if group is None:
            raise InvalidSecurityGroupNotFoundError(name)
        if subnet is not None and group.vpc_id != subnet.vpc_id:
            raise LaunchRefused(
                "InvalidParameter", f"Security group {group.id} and subnet {subnet.id} belong to different networks."
            )


def check_run(ec2: Any, image_id: str, group_names: list[str], options: dict[str, Any]) -> None:
    """Raise what `check` raises for the parameters of run_instances of moto."""
    groups = [*group_names, *(group for group in options.get("security_group_ids", []) if isinstance(group, str))]
    launch = Launch(
        image_id or "",
        options.get("instance_type") or "",
        options.get("key_name") or "",
        options.get("placement") or "",
        options.get("subnet_id") or "",
        tuple(groups),
    )
    if template := options.get("launch_template"):
        launch = _completed(launch, ec2._get_template_from_args(template).data, options)
    check(ec2, launch)


def _completed(launch: Launch, data: dict[str, Any], options: dict[str, Any]) -> Launch:
    """The launch with what a launch template has of what the launch itself leaves out."""
    return replace(
        launch,
        image_id=launch.image_id or data.get("ImageId", ""),
        instance_type=data.get("InstanceType", launch.instance_type)
        if options.get("is_instance_type_default")
        else launch.instance_type,
        key_name=launch.key_name or data.get("KeyName", ""),
        security_groups=launch.security_groups or (*data.get("SecurityGroupIds", []), *data.get("SecurityGroups", [])),
    )


def find_image(ec2: Any, image_id: str) -> Any:
    """moto's AMI of that ID; raises LaunchRefused when nothing can be launched from it."""
    if not image_id:
        raise LaunchRefused("MissingParameter", "The request must contain the parameter ImageId")
    if image_id.startswith("resolve:ssm:"):
        raise NotModelled(f"the embedded AWS does not model an AMI that is named by a parameter ({image_id})")
    if not image_id.startswith("ami-"):
        raise LaunchRefused("InvalidAMIID.Malformed", f'Invalid id: "{image_id}" (expecting "ami-...")')
    image = ec2.amis.get(image_id)
    if image is None:
        raise LaunchRefused("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
    if image.state != "available":
        raise LaunchRefused("InvalidAMIID.Unavailable", f"The image ID '{image_id}' is not available")
    return image


def _check_type(instance_type: str, architecture: str) -> None:
    if instance_type not in INSTANCE_TYPES:
        raise LaunchRefused("InvalidParameterValue", f"Invalid value '{instance_type}' for InstanceType.")
    supported = INSTANCE_TYPES[instance_type]["ProcessorInfo"]["SupportedArchitectures"]
    if architecture not in supported:
        raise LaunchRefused(
            "InvalidParameterValue",
            f"The architecture '{','.join(supported)}' of the specified instance type does not match the architecture "
            f"'{architecture}' of the specified AMI. Specify an instance type and an AMI that have matching "
            "architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to discover the "
            "architecture of the instance type or AMI.",
        )


@functools.cache
def _offering_zones(region: str, instance_type: str) -> tuple[str, ...]:
    offers = INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region, [])
    return tuple(sorted(offer["Location"] for offer in offers if offer["InstanceType"] == instance_type))


def _check_offer(region: str, instance_type: str, zone: str) -> None:
    """Source: the words of EC2 in public issues, SUSE-Enceladus/ec2imgutils#103."""
    zones = _offering_zones(region, instance_type)
    if not zones:
        raise LaunchRefused(
            UNSUPPORTED,
            "The requested configuration is currently not supported. "
            "Please check the documentation for supported configurations.",
        )
    if zone and zone not in zones:
        raise LaunchRefused(
            UNSUPPORTED,
            f"Your requested instance type ({instance_type}) is not supported in your requested Availability Zone "
            f"({zone}). Please retry your request by not specifying an Availability Zone or choosing "
            f"{', '.join(zones)}.",
        )
