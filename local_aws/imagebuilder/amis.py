"""The AMIs that a build puts out: their volumes, encryption, tags and launch permissions.

Sources: EC2 Image Builder API reference, EbsInstanceBlockDeviceSpecification, AmiDistributionConfiguration; User Guide,
"Tag Image Builder output resources"; EC2 User Guide, "Use encryption with EBS-backed AMIs", "Share an AMI with specific
AWS accounts"; EBS User Guide, "Share the KMS key used to encrypt a shared Amazon EBS snapshot".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from local_aws.ec2 import images as ec2_images
from local_aws.ec2.images import NewImage, Volume
from local_aws.imagebuilder.shapes import Document
from local_aws.kms import keys

_SERVICE = "EC2 Image Builder"


class DistributionFailed(Exception):
    """An AMI cannot be made as the distribution configuration wants it; `region` is where."""

    def __init__(self, region: str, problem: str) -> None:
        super().__init__(problem)
        self.region = region


def recipe_volumes(volumes: Iterable[Volume], recipe: Mapping[str, Any]) -> list[Volume]:
    """The volumes of the build instance: those of the parent image, as the recipe's blockDeviceMappings change them.

    Keys are as the recipe names them.
    """
    by_device = {volume.device_name: volume for volume in volumes}
    for mapping in recipe.get("blockDeviceMappings", []):
        name = mapping["deviceName"]
        if "noDevice" in mapping:
            by_device.pop(name, None)
            continue
        ebs = mapping.get("ebs", {})
        inherited = by_device.get(name, Volume(name, 8, "gp2", True, False, None))
        by_device[name] = Volume(
            device_name=name,
            size=ebs.get("volumeSize", inherited.size),
            volume_type=ebs.get("volumeType", inherited.volume_type),
            delete_on_termination=ebs.get("deleteOnTermination", inherited.delete_on_termination),
            encrypted=ebs.get("encrypted", inherited.encrypted),
            kms_key_arn=ebs.get("kmsKeyId", inherited.kms_key_arn),
        )
    return list(by_device.values())


def register(
    volumes: list[Volume],
    configuration: Document,
    *,
    parent: ec2_images.Image,
    home: tuple[str, str],
    region: str,
    account_id: str,
    name: str,
    description: str | None,
    tags: dict[str, str],
) -> str:
    """Put an AMI into `region` and `account_id`; return its ID.

    `configuration` is the AmiDistributionConfiguration of the Region, `home` the build's own Region and account,
    `volumes` those of the build instance. A copy elsewhere is encrypted with the configuration's key, or else with
    AWS's own key for EBS there. Raises DistributionFailed.
    """
    key = configuration.get("kmsKeyId")
    if key is not None:
        volumes = [replace(volume, encrypted=True, kms_key_arn=key) for volume in volumes]
    elif (region, account_id) != home:
        volumes = [replace(volume, kms_key_arn=None) for volume in volumes]
    volumes = [
        replace(volume, kms_key_arn=volume.kms_key_arn and _usable_key(volume.kms_key_arn, region, home[1]))
        for volume in volumes
    ]
    permission = configuration.get("launchPermission", {})
    launch_permissions = [{"UserId": user} for user in permission.get("userIds", [])]
    launch_permissions += [{"Group": group} for group in permission.get("userGroups", [])]
    leaves_account = bool(launch_permissions) or account_id != home[1]
    if leaves_account and any(volume.encrypted and volume.kms_key_arn is None for volume in volumes):
        raise DistributionFailed(region, "Encrypted snapshots with EBS default key cannot be shared")
    image = NewImage(name, description, _SERVICE, volumes, tags, launch_permissions)
    return ec2_images.register(account_id, region, parent, image)


def _usable_key(key: str, region: str, account_id: str) -> str:
    arn = keys.arn_of(account_id, region, key)
    if arn is None:
        raise DistributionFailed(region, f"The KMS key '{key}' does not exist in Region {region}.")
    return arn
