"""Which states of a target say that nothing keeps it from serving, for every state and reason that is documented."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.session
import pytest
from botocore.stub import Stubber

from autopatch.aws.elastic_load_balancing import ElasticLoadBalancing

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/0123456789abcdef"
MODEL = botocore.session.get_session().get_service_model("elbv2")
STATES: list[str] = MODEL.shape_for("TargetHealthStateEnum").metadata["enum"]
REASONS: list[str] = MODEL.shape_for("TargetHealthReasonEnum").metadata["enum"]


def is_healthy(state: str, reason: str | None, balancers: list[str]) -> bool:
    """Whether a target in this state is healthy, in a group that these load balancers use."""
    client = boto3.client("elbv2", region_name="eu-west-1")
    health: Any = {"State": state, **({"Reason": reason} if reason else {})}
    with Stubber(client) as answers:
        answers.add_response(
            "describe_target_health", {"TargetHealthDescriptions": [{"Target": {"Id": "i-1"}, "TargetHealth": health}]}
        )
        answers.add_response(
            "describe_target_groups",
            {"TargetGroups": [{"TargetGroupArn": GROUP, "LoadBalancerArns": balancers}]},
            {"TargetGroupArns": [GROUP]},
        )
        (target,) = ElasticLoadBalancing(client).target_health(GROUP).values()
    assert target.text == f"{state} {reason or ''}".strip()
    return target.is_healthy


@pytest.mark.parametrize("balancers", [[], [BALANCER]])
def test_only_three_states_are_healthy(balancers: list[str]) -> None:
    """Elastic Load Balancing API reference, TargetHealth: `unavailable` also stands for Elb.InternalError, and
    Target.NotInUse also for a zone that the load balancer does not have."""
    healthy = {
        (state, reason)
        for state in STATES
        for reason in (None, *REASONS)
        if is_healthy(state, reason, balancers) and state != "healthy"
    }
    without = {("unused", "Target.NotInUse")} if not balancers else set()
    assert healthy == {("unavailable", "Target.HealthCheckDisabled"), *without}
    assert is_healthy("healthy", None, balancers)
