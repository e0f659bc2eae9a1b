"""EC2: each Region starts with Amazon's own images, but for the 1,200 that are made for ECS; and what moto forgets.

moto makes the images anew for every account and Region of every embedded AWS, which takes a fifth of a second each.
It shows the description of a security group's rule only where the rule is about an address range, and leaves the routes
of a gateway endpoint where they are when the endpoint's route tables change.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.ec2.models import amis
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.vpcs import VPCEndPoint

from local_aws.seams.guard import expect_attributes, expect_parameters

expect_attributes(amis, "load_resource", "AmiBackend")
expect_attributes(amis.AmiBackend, "_load_amis")
expect_parameters(amis.load_resource, "resource")

expect_parameters(
    SecurityGroupRule.__init__,
    *("self", "ec2_backend", "ip_protocol", "group_id", "from_port", "to_port", "ip_range", "source_group"),
    *("prefix_list_id", "is_egress", "tags"),
)
expect_attributes(SecurityGroupRule, "description")
expect_parameters(
    VPCEndPoint.modify,
    *("self", "policy_doc", "add_subnets", "remove_subnets", "add_route_tables", "remove_route_tables"),
    *("add_security_groups", "remove_security_groups"),
)

_load_resource = amis.load_resource
_initialise_rule = SecurityGroupRule.__init__
_modify_endpoint = VPCEndPoint.modify


def _load_all_but_those_for_ecs(resource: str) -> Any:
    return [] if resource.startswith("ec2/resources/ecs/") else _load_resource(resource)


def _init_rule(
    self: Any,
    ec2_backend: Any,
    ip_protocol: str,
    group_id: str,
    from_port: str | None,
    to_port: str | None,
    ip_range: dict[str, str] | None,
    source_group: dict[str, str] | None = None,
    prefix_list_id: dict[str, str] | None = None,
    is_egress: bool = True,
    tags: dict[str, str] | None = None,
) -> None:
    _initialise_rule(
        self,
        ec2_backend,
        ip_protocol,
        group_id,
        from_port,
        to_port,
        ip_range,
        source_group,
        prefix_list_id,
        is_egress,
        tags,
    )
    self.prefix_list_description = (prefix_list_id or {}).get("Description")


def _description(rule: Any) -> str | None:
    found: str | None = (
        rule.ip_range.get("Description") or rule.source_group.get("Description") or rule.prefix_list_description
    )
    return found


def _modify_endpoint_and_routes(
    self: Any,
    policy_doc: str | None,
    add_subnets: list[str] | None,
    remove_subnets: list[str] | None,
    add_route_tables: list[str] | None,
    remove_route_tables: list[str] | None,
    add_security_groups: list[str] | None,
    remove_security_groups: list[str] | None,
) -> None:
    before = list(self.route_table_ids)
    _modify_endpoint(
        self,
        policy_doc,
        add_subnets,
        remove_subnets,
        add_route_tables,
        remove_route_tables,
        add_security_groups,
        remove_security_groups,
    )
    if self.destination_prefix_list_id is None:
        return
    for table in set(before) - set(self.route_table_ids):
        self.ec2_backend.delete_route(table, self.destination_prefix_list_id)
    for table in sorted(set(self.route_table_ids) - set(before)):
        self.ec2_backend.create_route(
            table, None, gateway_id=self.id, destination_prefix_list_id=self.destination_prefix_list_id
        )


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    amis.load_resource = _load_all_but_those_for_ecs
    SecurityGroupRule.__init__ = _init_rule
    SecurityGroupRule.description = property(_description)
    VPCEndPoint.modify = _modify_endpoint_and_routes
