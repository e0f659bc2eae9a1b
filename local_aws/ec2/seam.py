"""EC2: each Region starts with Amazon's own images, but for the 1,200 of ECS; and what moto leaves out.

moto makes the images anew for every account and Region of every embedded AWS, which takes a fifth of a second each.
It has the description of a security group's rule only where the rule is for an address range, leaves the routes of a
gateway endpoint where they are when the endpoint's route tables change, keeps the network interface of an instance and
of a NAT gateway for good, and deletes a subnet with the instances in it. It launches instances of what does not exist.
It ignores the architecture of RegisterImage, and has no CPU options of an instance, no output on consoles, and no limit
of filter values. It keeps the user data of all versions of a launch template but the first in a form that nothing can
be launched from, and the tags of the template itself among the data of its first version.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import amis
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.responses._base_response import EC2BaseResponse
from moto.ec2.responses.amis import AmisResponse
from moto.ec2.responses.general import General
from moto.ec2.utils import parse_user_data

from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.ec2 import instances
from local_aws.elbv2 import load_balancers

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
expect_parameters(
    Instance.prep_nics,
    *("self", "nic_spec", "private_ip", "associate_public_ip", "security_groups", "ipv6_address_count"),
)
expect_parameters(SubnetBackend.delete_subnet, "self", "subnet_id")
expect_attributes(amis.Ami, "block_device_mappings", "is_public", "get_tags")
expect_attributes(amis.AmiBackend, "register_image", "deregister_image")
expect_parameters(
    amis.AmiBackend.modify_image_attribute,
    *("self", "ami_id", "launch_permissions_to_add", "launch_permissions_to_remove"),
)
expect_attributes(EBSBackend, "create_volume", "delete_volume", "delete_snapshot")
expect_parameters(EBSBackend.create_snapshot, "self", "volume_id", "description", "owner_id", "from_ami")
expect_attributes(SubnetBackend, "describe_subnets")
expect_attributes(SecurityGroupBackend, "describe_security_groups")
expect_attributes(AmisResponse, "register_image", "_get_param")
expect_parameters(General.get_console_output, "self")
expect_attributes(General, "ec2_backend")
expect_parameters(InstanceBackend._get_template_from_args, "self", "launch_template_arg")
expect_parameters(NatGatewayBackend.delete_nat_gateway, "self", "nat_gateway_id")
expect_parameters(EC2BaseResponse._filters_from_querystring, "self")
expect_parameters(LaunchTemplate.create_version, "self", "data", "description")
expect_parameters(parse_user_data, "value")

_load_resource = amis.load_resource
_register_image = AmisResponse.register_image
_initialise_rule = SecurityGroupRule.__init__
_modify_endpoint = VPCEndPoint.modify
_prepare_interfaces = Instance.prep_nics
_delete_subnet = SubnetBackend.delete_subnet
_delete_nat_gateway = NatGatewayBackend.delete_nat_gateway
_create_template_version = LaunchTemplate.create_version
_filters = EC2BaseResponse._filters_from_querystring

_FILTER_VALUES = 200


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
    description: str | None = (
        rule.ip_range.get("Description") or rule.source_group.get("Description") or rule.prefix_list_description
    )
    return description


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


def _prepare_interfaces_and_their_deletion(
    self: Any,
    nic_spec: list[dict[str, Any]],
    private_ip: str | None = None,
    associate_public_ip: bool | None = None,
    security_groups: list[Any] | None = None,
    ipv6_address_count: int | None = None,
) -> None:
    """The primary interface is deleted with its instance, unless the launch specifies otherwise.

    Source: EC2 User Guide, "Delete the network interface on termination".
    """
    is_specified = any("NetworkInterfaceId" in nic or "DeleteOnTermination" in nic for nic in nic_spec)
    _prepare_interfaces(self, nic_spec, private_ip, associate_public_ip, security_groups, ipv6_address_count)
    if 0 in self.nics and not is_specified:
        self.nics[0].delete_on_termination = True


def _delete_nat_gateway_and_its_interface(self: Any, nat_gateway_id: str) -> Any:
    """Source: VPC User Guide, "NAT gateway basics": the network interface belongs to the gateway."""
    gateway = _delete_nat_gateway(self, nat_gateway_id)
    self.enis.pop(gateway._eni.id, None)
    return gateway


def _delete_subnet_that_is_not_in_use(self: Any, subnet_id: str) -> Any:
    """Source: VPC User Guide, "Delete a subnet": not while there is a network interface in it. moto makes none for load
    balancers."""
    has_interface = any(interface.subnet.id == subnet_id for interface in self.enis.values())
    if has_interface or load_balancers.any_in_subnet(self.account_id, self.region_name, subnet_id):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    return _delete_subnet(self, subnet_id)


def _register_image_of_its_architecture(self: Any) -> Any:
    """Source: EC2 API Reference, RegisterImage: i386 where none is given."""
    answer = _register_image(self)
    ami = self.ec2_backend.amis[answer.result["ImageId"]]
    ami.architecture = self._get_param("Architecture", "i386")
    return answer


def _create_template_version_of_instances(self: Any, data: dict[str, Any], description: str) -> Any:
    kept = dict(data)
    if isinstance(data.get("UserData"), str):
        kept["UserData"] = parse_user_data(data["UserData"])
    specifications = [
        specification
        for specification in kept.pop("TagSpecifications", [])
        if specification["ResourceType"] != "launch-template"
    ]
    if specifications:
        kept["TagSpecifications"] = specifications
    return _create_template_version(self, kept, description)


def _filters_within_the_limit(self: Any) -> Any:
    """Source: the message of EC2 itself, in public issues: apache/druid#1954, gjbae1212/gossm#47."""
    filters = _filters(self)
    if sum(len(values) for values in filters.values()) > _FILTER_VALUES:
        raise EC2ClientError(
            "FilterLimitExceeded",
            f"The maximum number of filter values specified on a single call is {_FILTER_VALUES}",
        )
    return filters


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    EC2BaseResponse._filters_from_querystring = _filters_within_the_limit
    LaunchTemplate.create_version = _create_template_version_of_instances
    AmisResponse.register_image = _register_image_of_its_architecture
    Instance.cpu_options = property(instances.cpu_options)
    General.get_console_output = instances.console_output
    InstanceBackend.run_instances = instances.run
    InstanceBackend.terminate_instances = instances.terminate
    InstanceBackend.stop_instances = instances.stop
    InstanceBackend.start_instances = instances.start
    amis.load_resource = _load_all_but_those_for_ecs
    SecurityGroupRule.__init__ = _init_rule
    SecurityGroupRule.description = property(_description)
    VPCEndPoint.modify = _modify_endpoint_and_routes
    NatGatewayBackend.delete_nat_gateway = _delete_nat_gateway_and_its_interface
    SubnetBackend.delete_subnet = _delete_subnet_that_is_not_in_use
    Instance.prep_nics = _prepare_interfaces_and_their_deletion
