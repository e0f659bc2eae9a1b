"""Load balancers, as the services below them see them."""

from __future__ import annotations

from typing import Any

from moto.elbv2.models import ELBv2Backend, elbv2_backends

from local_aws.core.guard import expect_parameters

expect_parameters(ELBv2Backend._get_target_group_arns_from, "self", "action_data")


def any_in_subnet(account: str, region: str, subnet_id: str) -> bool:
    """Whether a load balancer has a node in the subnet."""
    balancers = elbv2_backends[account][region].load_balancers.values()
    return any(subnet_id in (subnet.id for subnet in balancer.subnets) for balancer in balancers)


def using(target_group: Any) -> list[Any]:
    """moto's load balancers of which a listener or a rule forwards to the target group."""
    backend = elbv2_backends[target_group.account_id][target_group.region_name]
    return [
        balancer
        for balancer in backend.load_balancers.values()
        if any(
            target_group.arn in backend._get_target_group_arns_from(action.data)
            for listener in balancer.listeners.values()
            for rule in listener.rules.values()
            for action in rule.actions
        )
    ]
