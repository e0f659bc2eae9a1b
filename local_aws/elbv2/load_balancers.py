"""Load balancers, as the services below them see them."""

from __future__ import annotations

from moto.elbv2.models import elbv2_backends


def any_in_subnet(account: str, region: str, subnet_id: str) -> bool:
    """Whether a load balancer has a node in the subnet."""
    balancers = elbv2_backends[account][region].load_balancers.values()
    return any(subnet_id in (subnet.id for subnet in balancer.subnets) for balancer in balancers)
