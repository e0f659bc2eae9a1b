"""EC2: AMIs, instances, subnets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from autopatch.aws.client import create_client, error_code, named_errors

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ec2.type_defs import CpuOptionsTypeDef

# Amazon EC2 user guide, "Amazon EC2 instance type quotas": what the one quota of standard instances counts.
_STANDARD_FAMILIES = frozenset("acdhimrtz")


@dataclass(frozen=True)
class MachineImage:
    """An AMI; `state` is `available` when it can be launched, `architecture` None where EC2 does not say.

    `owner_id` is the account that owns it; `owner_alias` is `amazon`, `aws-marketplace`, `aws-backup-vault` or None
    (EC2 API reference, Image).
    """

    ami_id: str
    name: str
    state: str
    architecture: str | None
    owner_id: str
    owner_alias: str | None = None


@dataclass(frozen=True)
class Instance:
    """An instance, whatever its state.

    EC2 promises neither the architecture nor the CPU options of an instance. Without them, `architecture` is None, and
    `virtual_cpus` is 1, the least that there can be: a quota is then found exceeded later than it is. An update that it
    lets through fails for the quota, and is rolled back.
    """

    instance_id: str
    ami_id: str
    instance_type: str
    architecture: str | None
    state: str
    virtual_cpus: int
    is_on_demand: bool

    @property
    def is_standard(self) -> bool:
        """Whether it counts against the quota of running On-Demand Standard instances (A, C, D, H, I, M, R, T, Z)."""
        family = self.instance_type.split(".", 1)[0]
        letters = family[: next((at for at, letter in enumerate(family) if letter.isdigit()), len(family))]
        return self.is_on_demand and letters[:1] in _STANDARD_FAMILIES and letters not in _OTHER_FAMILIES


# Families with a quota of their own whose first letter is one of those above.
_OTHER_FAMILIES = frozenset({"dl", "hpc", "inf", "mac", "trn"})


# EC2 refuses more in one call: FilterLimitExceeded, "The maximum number of filter values specified on a single call is
# 200" (gjbae1212/gossm#47).
_FILTER_VALUES = 200


class Ec2:
    """The calls that a patch run makes to EC2, all of which only read."""

    def __init__(self, client: EC2Client | None = None) -> None:
        self._client: EC2Client = client or create_client("ec2")

    def image(self, ami_id: str) -> MachineImage | None:
        """The AMI, or None when this account can see none with that id in this Region."""
        with named_errors(f"reading the AMI {ami_id}"):
            try:
                images = self._client.describe_images(ImageIds=[ami_id])["Images"]
            except ClientError as error:
                if error_code(error) in ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"):
                    return None
                raise
        if not images:
            return None
        return MachineImage(
            ami_id=ami_id,
            name=images[0].get("Name", ""),
            state=images[0]["State"],
            architecture=images[0].get("Architecture"),
            owner_id=images[0].get("OwnerId", ""),
            owner_alias=images[0].get("ImageOwnerAlias"),
        )

    def launch_template_amis(self, launch_template_ids: Collection[str]) -> frozenset[str]:
        """The AMIs that any version of the launch templates names."""
        amis = set()
        for template_id in launch_template_ids:
            with named_errors(f"reading the versions of the launch template {template_id}"):
                pages = self._client.get_paginator("describe_launch_template_versions").paginate(
                    LaunchTemplateId=template_id
                )
                versions = [version for page in pages for version in page["LaunchTemplateVersions"]]
            amis |= {version["LaunchTemplateData"].get("ImageId", "") for version in versions}
        return frozenset(amis - {""})

    def instances(self, instance_ids: Collection[str]) -> dict[str, Instance]:
        """Those of the instances that EC2 still knows, by id: a terminated one for about an hour.

        They are given as a filter, because a call that names one that is gone is refused (EC2 API reference,
        DescribeInstances).
        """
        ids = list(instance_ids)
        found: dict[str, Instance] = {}
        for begin in range(0, len(ids), _FILTER_VALUES):
            found |= self._described([{"Name": "instance-id", "Values": ids[begin : begin + _FILTER_VALUES]}])
        return found

    def running_instances(self) -> dict[str, Instance]:
        """All instances of this account and Region that count against its quotas, by id."""
        return self._described([{"Name": "instance-state-name", "Values": ["pending", "running"]}])

    def running_instances_of(self, stack_id: str, logical_ids: Collection[str], ami_id: str) -> tuple[str, ...]:
        """The ids of the instances of these groups of the stack that run from that AMI.

        CloudFormation tags a group with its stack and its logical id, and Auto Scaling hands the tags on to the
        instances (CloudFormation user guide, "Resource tag").
        """
        described = self._described(
            [
                {"Name": "tag:aws:cloudformation:stack-id", "Values": [stack_id]},
                {"Name": "tag:aws:cloudformation:logical-id", "Values": list(logical_ids)},
                {"Name": "image-id", "Values": [ami_id]},
                {"Name": "instance-state-name", "Values": ["pending", "running"]},
            ]
        )
        return tuple(described)

    def _described(self, filters: list[Any]) -> dict[str, Instance]:
        with named_errors("reading instances"):
            pages = self._client.get_paginator("describe_instances").paginate(Filters=filters)
            reservations = [reservation for page in pages for reservation in page["Reservations"]]
        return {
            document["InstanceId"]: Instance(
                instance_id=document["InstanceId"],
                ami_id=document["ImageId"],
                instance_type=document["InstanceType"],
                architecture=document.get("Architecture"),
                state=document["State"]["Name"],
                virtual_cpus=_virtual_cpus(document.get("CpuOptions", {})),
                is_on_demand="InstanceLifecycle" not in document,
            )
            for reservation in reservations
            for document in reservation["Instances"]
        }

    def free_addresses(self, subnet_ids: Collection[str]) -> dict[str, int]:
        """How many IPv4 addresses each of the subnets has left."""
        with named_errors(f"reading the subnets {', '.join(subnet_ids)}"):
            subnets = self._client.describe_subnets(SubnetIds=list(subnet_ids))["Subnets"]
        return {subnet["SubnetId"]: subnet["AvailableIpAddressCount"] for subnet in subnets}

    def console_output(self, instance_id: str) -> str:
        """What the instance wrote to its console, as far as EC2 still has it; "" when it has nothing.

        It is kept for at least an hour after the instance is terminated (EC2 user guide, "Instance console output").
        """
        with named_errors(f"reading the console output of {instance_id}"):
            try:
                # boto3 decodes the API's Base64.
                output: str = self._client.get_console_output(InstanceId=instance_id).get("Output", "")
            except ClientError as error:
                if error_code(error) == "InvalidInstanceID.NotFound":
                    return ""
                raise
        return output


def _virtual_cpus(options: CpuOptionsTypeDef) -> int:
    return options.get("CoreCount", 1) * options.get("ThreadsPerCore", 1)
