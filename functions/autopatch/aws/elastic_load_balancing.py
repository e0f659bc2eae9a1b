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


_NOT_IN_USE = ("unused", "Target.NotInUse")
_NOT_CHECKED = ("unavailable", "Target.HealthCheckDisabled")


class ElasticLoadBalancing:
    """The calls that a patch run makes to Elastic Load Balancing, of both generations."""

    def __init__(self, client: ElasticLoadBalancingv2Client | None = None) -> None:
        self._client: ElasticLoadBalancingv2Client = client or create_client("elbv2")
        self._classic_client: ElasticLoadBalancingClient = create_client("elb")

    def target_health(self, target_group_arn: str) -> dict[str, TargetHealth]:
        """The health of each registered target, by its id.

        A group whose health checks are off, or that no load balancer uses, says nothing against its targets. But a
        target that is not in use may also be in a zone that the load balancer does not have, and one whose health is
        unavailable may be so for an internal error (ELBv2 API reference, TargetHealth).
        """
        with named_errors(f"reading the health of {target_group_arn}"):
            answer = self._client.describe_target_health(TargetGroupArn=target_group_arn)
            found = {
                description["Target"]["Id"]: (
                    description["TargetHealth"]["State"],
                    description["TargetHealth"].get("Reason", ""),
                )
                for description in answer["TargetHealthDescriptions"]
            }
            without_balancer = _NOT_IN_USE in found.values() and not self._is_used(target_group_arn)
        return {
            target: TargetHealth(
                f"{state} {reason}".strip(),
                state == "healthy"
                or (state, reason) == _NOT_CHECKED
                or (without_balancer and (state, reason) == _NOT_IN_USE),
            )
            for target, (state, reason) in found.items()
        }

    def _is_used(self, target_group_arn: str) -> bool:
        groups = self._client.describe_target_groups(TargetGroupArns=[target_group_arn])["TargetGroups"]
        return any(group.get("LoadBalancerArns") for group in groups)

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
