"""Auto Scaling: the groups, their instances, and their scaling activities."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from autopatch.aws.client import create_client, named_errors
from autopatch.errors import TargetNotReady

if TYPE_CHECKING:
    from types_boto3_autoscaling import AutoScalingClient


_SET_ASIDE = ("EnteringStandby", "Standby", "Detaching", "Terminating")


@dataclass(frozen=True)
class GroupInstance:
    """An instance as its group sees it: a lifecycle state such as InService, and Healthy or Unhealthy."""

    instance_id: str
    lifecycle_state: str
    health_status: str
    is_protected: bool = False
    """From scale-in, and so from the deletion of its group by CloudFormation, which does not force it."""

    @property
    def is_serving(self) -> bool:
        """Whether it is in service and healthy, as far as the group knows."""
        return self.lifecycle_state == "InService" and self.health_status == "Healthy"

    @property
    def is_set_aside(self) -> bool:
        """Whether it was taken out of service although it is healthy: by an operator, or because the group scales in.

        The states are those of the Auto Scaling user guide, "Amazon EC2 Auto Scaling instance lifecycle".
        """
        return self.health_status == "Healthy" and self.lifecycle_state.startswith(_SET_ASIDE)


@dataclass(frozen=True)
class Group:
    """An Auto Scaling group as it is now."""

    name: str
    min_size: int
    desired_capacity: int
    max_size: int
    instances: tuple[GroupInstance, ...]
    subnet_ids: tuple[str, ...]
    target_group_arns: tuple[str, ...]
    load_balancer_names: tuple[str, ...]
    suspended_processes: tuple[str, ...] = ()


# Auto Scaling names the instance of an activity only in its description (Auto Scaling user guide, "Verify a scaling
# activity").
_LAUNCHED = re.compile(r"Launching a new EC2 instance: (i-[0-9a-f]+)")


@dataclass(frozen=True)
class Activity:
    """A launch or termination by a group; `status` is Successful, Failed, Cancelled, or one of those before the end."""

    description: str
    status: str
    message: str | None
    started_at: datetime

    @property
    def launched(self) -> str | None:
        """The id of the instance that it launched, None when it launched none."""
        match = _LAUNCHED.match(self.description)
        return match[1] if match else None

    @property
    def has_failed(self) -> bool:
        """Whether it failed. One that was cancelled has the reason why it could not go on, if that was it."""
        return self.status == "Failed" or (self.status == "Cancelled" and self.message is not None)


class AutoScaling:
    """The calls that a patch run makes to Auto Scaling."""

    def __init__(self, client: AutoScalingClient | None = None) -> None:
        self._client: AutoScalingClient = client or create_client("autoscaling")

    def groups(self, names: Collection[str]) -> dict[str, Group]:
        """The groups of these names, by name.

        Raises TargetNotReady when one does not exist.
        """
        if not names:
            return {}
        with named_errors(f"reading the Auto Scaling groups {', '.join(names)}"):
            pages = self._client.get_paginator("describe_auto_scaling_groups").paginate(
                AutoScalingGroupNames=list(names)
            )
            documents = [document for page in pages for document in page["AutoScalingGroups"]]
        groups = {
            document["AutoScalingGroupName"]: Group(
                name=document["AutoScalingGroupName"],
                min_size=document["MinSize"],
                desired_capacity=document["DesiredCapacity"],
                max_size=document["MaxSize"],
                instances=tuple(
                    GroupInstance(
                        instance["InstanceId"],
                        instance["LifecycleState"],
                        instance["HealthStatus"],
                        instance.get("ProtectedFromScaleIn", False),
                    )
                    for instance in document.get("Instances", [])
                ),
                subnet_ids=tuple(filter(None, document.get("VPCZoneIdentifier", "").split(","))),
                target_group_arns=tuple(document.get("TargetGroupARNs", [])),
                load_balancer_names=tuple(document.get("LoadBalancerNames", [])),
                suspended_processes=tuple(process["ProcessName"] for process in document.get("SuspendedProcesses", [])),
            )
            for document in documents
        }
        if missing := [name for name in names if name not in groups]:
            raise TargetNotReady(
                f"Auto Scaling group {', '.join(missing)}: expected what the stack lists, found none; "
                "fix the stack (its drift shows what is missing)"
            )
        return groups

    def activities(self, group_name: str, not_before: datetime) -> tuple[Activity, ...]:
        """What the group launched and terminated since `not_before`, even if it has been deleted since.

        The order means nothing: activities still in progress come before all others, however old they are. Activities
        are kept for six weeks (Auto Scaling API reference, DescribeScalingActivities), most of which a filter keeps
        away; it takes whole seconds.
        """
        with named_errors(f"reading the scaling activities of {group_name}"):
            pages = self._client.get_paginator("describe_scaling_activities").paginate(
                AutoScalingGroupName=group_name,
                IncludeDeletedGroups=True,
                Filters=[{"Name": "StartTimeLowerBound", "Values": [not_before.isoformat(timespec="seconds")]}],
            )
            documents = [document for page in pages for document in page["Activities"]]
        return tuple(
            Activity(
                description=document.get("Description", ""),
                status=document["StatusCode"],
                message=document.get("StatusMessage"),
                started_at=document["StartTime"],
            )
            for document in documents
            if document["StartTime"] >= not_before
        )
