"""AMIs, as the services that make and delete them see them.

Source: EC2 API Reference, Image, BlockDeviceMapping, EbsBlockDevice; EC2 User Guide, "Share an AMI with specific AWS
accounts".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.utils import random_ami_id


@dataclass(frozen=True)
class Volume:
    """An EBS volume of an AMI. `size` is in GiB; an encrypted one without `kms_key_arn` has AWS's own key for EBS."""

    device_name: str
    size: int
    volume_type: str
    delete_on_termination: bool
    encrypted: bool
    kms_key_arn: str | None


@dataclass(frozen=True)
class Image:
    """An AMI as it is at this moment.

    `shared_with` are the accounts that may launch it beside its owner, `model` is moto's AMI.
    """

    id: str
    is_available: bool
    is_public: bool
    shared_with: frozenset[str]
    tags: Mapping[str, str]
    volumes: tuple[Volume, ...]
    model: Any


@dataclass(frozen=True)
class NewImage:
    """The attributes of an AMI that a service registers.

    `made_by` is the service, as the descriptions of the snapshots name it. `tags` are those of the AMI and of its
    snapshots; `launch_permissions` are as in ModifyImageAttribute.
    """

    name: str
    description: str | None
    made_by: str
    volumes: Sequence[Volume]
    tags: dict[str, str]
    launch_permissions: list[dict[str, str]]


class _ImageOfVolumes(Ami):  # type: ignore[misc]
    """moto's AMI, with volumes of any number: moto's own have a single one, of 15 GiB and not encrypted."""

    def __init__(self, backend: Any, new: NewImage, **parameters: Any) -> None:
        super().__init__(backend, random_ami_id(), name=new.name, tags=new.tags, **parameters)
        for snapshot in [snapshot for snapshot in backend.snapshots.values() if snapshot.from_ami == self.id]:
            del backend.snapshots[snapshot.id]
        self._snapshots = [(volume, self._snapshot(volume, new)) for volume in new.volumes]
        # Not by moto's parameter: an AMI without a description would get that of its source.
        self.description = new.description

    def _snapshot(self, volume: Volume, new: NewImage) -> Any:
        backend = self.ec2_backend
        original = backend.create_volume(
            size=volume.size,
            zone_name=f"{backend.region_name}a",
            encrypted=volume.encrypted,
            kms_key_id=volume.kms_key_arn,
        )
        snapshot = backend.create_snapshot(
            original.id, f"Created by {new.made_by} for {self.id}", self.owner_id, from_ami=self.id
        )
        snapshot.kms_key_id = original.kms_key_id
        snapshot.add_tags(new.tags)
        backend.delete_volume(original.id)
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


def find(account: str, region: str, image_id: str) -> Image | None:
    """The AMI of that ID; None where there is none, or it was deregistered."""
    model = ec2_backends[account][region].amis.get(image_id)
    if model is None:
        return None
    return Image(
        id=model.id,
        is_available=model.state == "available",
        is_public=model.is_public,
        shared_with=frozenset(
            permission["UserId"] for permission in model.launch_permissions if "UserId" in permission
        ),
        tags={tag["key"]: tag["value"] for tag in model.get_tags()},
        volumes=tuple(_volume(mapping) for mapping in model.block_device_mappings),
        model=model,
    )


def _volume(mapping: Mapping[str, Any]) -> Volume:
    ebs = mapping["Ebs"]
    return Volume(
        device_name=mapping["DeviceName"],
        size=ebs["VolumeSize"],
        volume_type=ebs["VolumeType"],
        delete_on_termination=ebs["DeleteOnTermination"],
        encrypted=ebs.get("Encrypted", False),
        kms_key_arn=None,
    )


def register(account: str, region: str, source: Image, new: NewImage) -> str:
    """Register an AMI that is like `source`, which may be of another Region, but for what `new` has.

    Returns the ID of the AMI, which is available.
    """
    backend = ec2_backends[account][region]
    image = _ImageOfVolumes(
        backend,
        new,
        image_location=f"{account}/{new.name}",
        **_likeness(source, region),
    )
    backend.amis[image.id] = image
    backend.modify_image_attribute(image.id, new.launch_permissions, [])
    return str(image.id)


def publish(account: str, region: str, source: Image, name: str) -> str:
    """Publish an AMI as the owner of `source` does: a public one of that owner's, like `source` but for its name.

    Returns the ID of the AMI, which is available.
    """
    backend = ec2_backends[account][region]
    image = Ami(
        backend,
        random_ami_id(),
        name=name,
        owner_id=source.model.owner_id,
        owner_alias=source.model.owner_alias,
        public=True,
        image_location=f"{source.model.owner_alias or source.model.owner_id}/{name}",
        **_likeness(source, region),
    )
    backend.amis[image.id] = image
    return str(image.id)


def _likeness(source: Image, region: str) -> dict[str, Any]:
    """What an AMI of the Region has from the one that it is like, as the parameters of moto's AMI."""
    return {
        "source_ami": source.model,
        "hypervisor": source.model.hypervisor,
        "root_device_type": source.model.root_device_type,
        "root_device_name": source.model.root_device_name,
        "boot_mode": source.model.boot_mode,
        "region_name": f"{region}a",
    }


def deregister(account: str, region: str, image_id: str, with_snapshots: bool) -> list[str]:
    """Deregister the AMI, unless that is done already; return the IDs of the snapshots that were deleted with it."""
    backend = ec2_backends[account][region]
    model = backend.amis.get(image_id)
    if model is None:
        return []
    backend.deregister_image(model.id)
    snapshot_ids = [mapping["Ebs"]["SnapshotId"] for mapping in model.block_device_mappings] if with_snapshots else []
    return [
        str(backend.delete_snapshot(snapshot_id).id) for snapshot_id in snapshot_ids if snapshot_id in backend.snapshots
    ]


def launches(account: str, region: str, image_id: str) -> list[datetime]:
    """When instances were launched from the AMI, as far as EC2 still has them: aware datetimes, in UTC."""
    return [
        instance.launch_time.replace(tzinfo=UTC)
        for reservation in ec2_backends[account][region].reservations.values()
        for instance in reservation.instances
        if instance.image_id == image_id
    ]
