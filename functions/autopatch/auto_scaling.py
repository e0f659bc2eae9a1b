"""Auto Scaling: how large the groups are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopatch.aws_client import create_client, named_errors
from autopatch.errors import TargetNotReady

if TYPE_CHECKING:
    from types_boto3_autoscaling import AutoScalingClient


class AutoScaling:
    """The calls that a patch run makes to Auto Scaling."""

    def __init__(self, client: AutoScalingClient) -> None:
        self._client = client

    @classmethod
    def create(cls) -> AutoScaling:
        return cls(create_client("autoscaling"))

    def desired_capacity(self, group_name: str) -> int:
        """How many instances the group wants to have now.

        Raises TargetNotReady when the group does not exist.
        """
        with named_errors(f"reading the Auto Scaling group {group_name}"):
            groups = self._client.describe_auto_scaling_groups(AutoScalingGroupNames=[group_name])["AutoScalingGroups"]
        if not groups:
            raise TargetNotReady(
                f"Auto Scaling group {group_name}: expected the group that the stack lists, found none; "
                "mend the stack (its drift shows what is missing)"
            )
        return groups[0]["DesiredCapacity"]
