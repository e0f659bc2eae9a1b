"""The AMIs that a build puts out: their volumes, encryption, tags and launch permissions.

Sources: EC2 Image Builder API reference, EbsInstanceBlockDeviceSpecification, AmiDistributionConfiguration; User Guide,
"Tag Image Builder output resources"; EC2 User Guide, "Use encryption with EBS-backed AMIs", "Share an AMI with specific
AWS accounts"; EBS User Guide, "Share the KMS key used to encrypt a shared Amazon EBS snapshot".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.utils import random_ami_id
from moto.kms.exceptions import NotFoundException
from moto.kms.models import kms_backends

from local_aws.imagebuilder.shapes import Document


class DistributionFailed(Exception):
    """An AMI cannot be made as the distribution configuration wants it; `region` is where."""

    def __init__(self, region: str, problem: str) -> None:
        super().__init__(problem)
        self.region = region


@dataclass(frozen=True)
class Volume:
    """An EBS volume of an AMI. `size` is in GiB; an encrypted one without `kms_key_arn` has AWS's own key for EBS."""

    device_name: str
    size: int
    volume_type: str
    delete_on_termination: bool
    encrypted: bool
    kms_key_arn: str | None


class BuiltAmi(Ami):  # type: ignore[misc]
    """moto's AMI, with the volumes that it is given: moto's own have a single one, of 15 GiB and not encrypted."""

    def __init__(self, backend: Any, volumes: list[Volume], tags: dict[str, str], **parameters: Any) -> None:
        super().__init__(backend, random_ami_id(), tags=tags, **parameters)
        for snapshot in [each for each in backend.snapshots.values() if each.from_ami == self.id]:
            del backend.snapshots[snapshot.id]
        self._snapshots = [(volume, self._snapshot(volume, tags)) for volume in volumes]

    def _snapshot(self, volume: Volume, tags: dict[str, str]) -> Any:
        backend = self.ec2_backend
        made = backend.create_volume(
            size=volume.size,
            zone_name=f"{backend.region_name}a",
            encrypted=volume.encrypted,
            kms_key_id=volume.kms_key_arn,
        )
        snapshot = backend.create_snapshot(
            made.id, f"Created by EC2 Image Builder for {self.id}", self.owner_id, from_ami=self.id
        )
        snapshot.kms_key_id = made.kms_key_id
        snapshot.add_tags(tags)
        backend.delete_volume(made.id)
        return snapshot

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        return [
            {
                "DeviceName": volume.device_name,
                "Ebs": {
                    "SnapshotId": snapshot.id,
                    "VolumeSize": volume.size,
                    "VolumeType": volume.volume_type,
                    "DeleteOnTermination": volume.delete_on_termination,
                    "Encrypted": volume.encrypted,
                },
            }
            for volume, snapshot in self._snapshots
        ]


def volumes_of(parent: Any, recipe: Mapping[str, Any]) -> list[Volume]:
    """The volumes of the build instance: those of moto's AMI `parent`, as the recipe's blockDeviceMappings change them.

    Keys are as the recipe names them.
    """
    found = {}
    for mapping in parent.block_device_mappings:
        ebs = mapping["Ebs"]
        found[mapping["DeviceName"]] = Volume(
            device_name=mapping["DeviceName"],
            size=ebs["VolumeSize"],
            volume_type=ebs["VolumeType"],
            delete_on_termination=ebs["DeleteOnTermination"],
            encrypted=ebs.get("Encrypted", False),
            kms_key_arn=None,
        )
    for mapping in recipe.get("blockDeviceMappings", []):
        name = mapping["deviceName"]
        if "noDevice" in mapping:
            found.pop(name, None)
            continue
        ebs = mapping.get("ebs", {})
        inherited = found.get(name, Volume(name, 8, "gp2", True, False, None))
        found[name] = Volume(
            device_name=name,
            size=ebs.get("volumeSize", inherited.size),
            volume_type=ebs.get("volumeType", inherited.volume_type),
            delete_on_termination=ebs.get("deleteOnTermination", inherited.delete_on_termination),
            encrypted=ebs.get("encrypted", inherited.encrypted),
            kms_key_arn=ebs.get("kmsKeyId", inherited.kms_key_arn),
        )
    return list(found.values())


def register(
    volumes: list[Volume],
    configuration: Document,
    *,
    parent: Any,
    home: tuple[str, str],
    region: str,
    account_id: str,
    name: str,
    description: str | None,
    tags: dict[str, str],
) -> str:
    """Put an AMI into `region` and `account_id`; give its ID.

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
    given = [{"UserId": user} for user in permission.get("userIds", [])]
    given += [{"Group": group} for group in permission.get("userGroups", [])]
    leaves_account = bool(given) or account_id != home[1]
    if leaves_account and any(volume.encrypted and volume.kms_key_arn is None for volume in volumes):
        raise DistributionFailed(region, "Encrypted snapshots with EBS default key cannot be shared")
    backend = ec2_backends[account_id][region]
    ami = BuiltAmi(
        backend,
        volumes,
        tags,
        source_ami=parent,
        name=name,
        description=description,
        image_location=f"{account_id}/{name}",
        hypervisor=parent.hypervisor,
        root_device_type=parent.root_device_type,
        root_device_name=parent.root_device_name,
        boot_mode=parent.boot_mode,
        region_name=f"{region}a",
    )
    # moto gives an AMI without a description that of its source.
    ami.description = description
    backend.amis[ami.id] = ami
    backend.modify_image_attribute(ami.id, given, [])
    return str(ami.id)


def key_arn(named: str, region: str, account_id: str) -> str | None:
    """The ARN of the KMS key that an ID, an alias or an ARN of either means in `region`; None when there is none."""
    if named.startswith("arn:"):
        _, _, _, key_region, account_id, named = named.split(":", 5)
        if key_region != region:
            return None
        named = named.removeprefix("key/")
    backend = kms_backends[account_id][region]
    try:
        return str(backend.describe_key(named).arn)
    except (NotFoundException, KeyError):
        return None


def _usable_key(named: str, region: str, account_id: str) -> str:
    found = key_arn(named, region, account_id)
    if found is None:
        raise DistributionFailed(region, f"The KMS key '{named}' does not exist in Region {region}.")
    return found
