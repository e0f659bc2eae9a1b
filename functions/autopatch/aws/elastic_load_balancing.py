"""Elastic Load Balancing: whether instances are healthy in their target groups and Classic Load Balancers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopatch.aws.client import create_client, named_errors

if TYPE_CHECKING:
    from types_boto3_elb import ElasticLoadBalancingClient
    from types_boto3_elbv2 import ElasticLoadBalancingv2Client


@dataclass(frozen=True)
class TargetHealth:
    """The health of an instance behind a load balancer; `text` is its state, with the reason where there is one."""

    text: str
    is_healthy: bool


class ElasticLoadBalancing:
    """The calls that a patch run makes to Elastic Load Balancing, of both generations."""

    def __init__(self) -> None:
        self._client: ElasticLoadBalancingv2Client = create_client("elbv2")
        self._classic_client: ElasticLoadBalancingClient = create_client("elb")

    def target_health(self, target_group_arn: str) -> dict[str, TargetHealth]:
        """The health of each registered target, by its id.

        A target is `unused` with the reason Target.NotInUse when no load balancer uses the group, and `unavailable`
        when health checks are off: neither means that it is unhealthy (ELBv2 API reference, TargetHealth).
        """
        with named_errors(f"reading the health of {target_group_arn}"):
            answer = self._client.describe_target_health(TargetGroupArn=target_group_arn)
        health = {}
        for description in answer["TargetHealthDescriptions"]:
            state, reason = description["TargetHealth"]["State"], description["TargetHealth"].get("Reason", "")
            is_healthy = state in ("healthy", "unavailable") or (state, reason) == ("unused", "Target.NotInUse")
            health[description["Target"]["Id"]] = TargetHealth(f"{state} {reason}".strip(), is_healthy)
        return health

    def classic_health(self, load_balancer_name: str) -> dict[str, TargetHealth]:
        """The health of each instance of a Classic Load Balancer, by its id."""
        with named_errors(f"reading the health of {load_balancer_name}"):
            answer = self._classic_client.describe_instance_health(LoadBalancerName=load_balancer_name)
        return {
            state["InstanceId"]: TargetHealth(
                f"{state['State']} {state.get('Description', '')}".strip(), state["State"] == "InService"
            )
            for state in answer["InstanceStates"]
        }
