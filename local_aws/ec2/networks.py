"""Subnets and security groups, as the services that launch instances see them."""

from __future__ import annotations

from moto.ec2.models import ec2_backends


def subnet_ids(account: str, region: str) -> set[str]:
    """The IDs of the account's subnets in the Region."""
    return {subnet.id for subnet in ec2_backends[account][region].describe_subnets()}


def security_group_ids(account: str, region: str) -> set[str]:
    """The IDs of the account's security groups in the Region."""
    return {group.id for group in ec2_backends[account][region].describe_security_groups()}
