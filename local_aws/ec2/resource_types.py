"""Networks, their security, addresses and key pairs.

Source: CloudFormation Template Reference, the page of each type; Amazon EC2 API Reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import (
    ResourceFailed,
    ResourceType,
    client,
    names,
    picked,
    policy_text,
    without,
)
from local_aws.core.resources import Request, Resource
from local_aws.ec2 import instance_resource_types
from local_aws.ec2.tags import retag, tag

# -- VPCs and subnets -------------------------------------------------------------------------------------------------


def _create_vpc(request: Request) -> tuple[str, dict[str, Any]]:
    ec2 = client("ec2", request.region)
    vpc = ec2.create_vpc(**picked(request.properties, "CidrBlock", "InstanceTenancy"))["Vpc"]["VpcId"]
    _set_vpc_attributes(request, vpc)
    tag(request, vpc)
    in_it = [{"Name": "vpc-id", "Values": [vpc]}]
    (acl,) = ec2.describe_network_acls(Filters=in_it)["NetworkAcls"]
    (group,) = ec2.describe_security_groups(Filters=in_it)["SecurityGroups"]
    return vpc, {
        "CidrBlock": request.properties["CidrBlock"],
        "DefaultNetworkAcl": acl["NetworkAclId"],
        "DefaultSecurityGroup": group["GroupId"],
        "VpcId": vpc,
    }


def _set_vpc_attributes(request: Request, vpc: str) -> None:
    for name, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
        client("ec2", request.region).modify_vpc_attribute(
            VpcId=vpc, **{name: {"Value": request.properties.get(name, default)}}
        )


def _update_vpc(request: Request, resource: Resource) -> None:
    new, old = request.properties, resource.request.properties
    if new.get("InstanceTenancy", "default") != old.get("InstanceTenancy", "default"):
        raise NotModelled("the embedded AWS does not model the change of InstanceTenancy of an AWS::EC2::VPC")
    _set_vpc_attributes(request, resource.physical_id)
    retag(request, resource)


def _create_subnet(request: Request) -> tuple[str, dict[str, Any]]:
    created = client("ec2", request.region).create_subnet(
        **picked(request.properties, "AvailabilityZone", "CidrBlock", "VpcId")
    )["Subnet"]
    subnet = created["SubnetId"]
    _set_subnet_attributes(request, subnet)
    tag(request, subnet)
    return subnet, {
        "AvailabilityZone": created["AvailabilityZone"],
        "AvailabilityZoneId": created["AvailabilityZoneId"],
        "CidrBlock": created["CidrBlock"],
        "SubnetId": subnet,
        "VpcId": created["VpcId"],
    }


def _set_subnet_attributes(request: Request, subnet: str) -> None:
    client("ec2", request.region).modify_subnet_attribute(
        SubnetId=subnet, MapPublicIpOnLaunch={"Value": request.properties.get("MapPublicIpOnLaunch", False)}
    )


def _update_subnet(request: Request, resource: Resource) -> None:
    _set_subnet_attributes(request, resource.physical_id)
    retag(request, resource)


# -- gateways, routes and endpoints -----------------------------------------------------------------------------------


def _create_internet_gateway(request: Request) -> tuple[str, dict[str, Any]]:
    gateway = client("ec2", request.region).create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    tag(request, gateway)
    return gateway, {"InternetGatewayId": gateway}


def _attach_gateway(request: Request) -> tuple[str, dict[str, Any]]:
    ec2, vpc = client("ec2", request.region), request.properties["VpcId"]
    if "InternetGatewayId" in request.properties:
        ec2.attach_internet_gateway(InternetGatewayId=request.properties["InternetGatewayId"], VpcId=vpc)
        return f"IGW|{vpc}", {"AttachmentType": "IGW"}
    ec2.attach_vpn_gateway(VpnGatewayId=request.properties["VpnGatewayId"], VpcId=vpc)
    return f"VGW|{vpc}", {"AttachmentType": "VGW"}


def _detach_gateway(request: Request, _: Resource) -> None:
    ec2, vpc = client("ec2", request.region), request.properties["VpcId"]
    if "InternetGatewayId" in request.properties:
        ec2.detach_internet_gateway(InternetGatewayId=request.properties["InternetGatewayId"], VpcId=vpc)
    else:
        ec2.detach_vpn_gateway(VpnGatewayId=request.properties["VpnGatewayId"], VpcId=vpc)


def _create_route_table(request: Request) -> tuple[str, dict[str, Any]]:
    made = client("ec2", request.region).create_route_table(VpcId=request.properties["VpcId"])
    table = made["RouteTable"]["RouteTableId"]
    tag(request, table)
    return table, {"RouteTableId": table}


_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


def _create_route(request: Request) -> tuple[str, dict[str, Any]]:
    properties = request.properties
    if not client("ec2", request.region).create_route(**properties)["Return"]:
        raise ResourceFailed(f"The route to {properties} was not created")
    block = next(str(properties[name]) for name in _DESTINATIONS if name in properties)
    return f"{properties['RouteTableId']}|{block}", {"CidrBlock": block}


def _delete_route(request: Request, _: Resource) -> None:
    client("ec2", request.region).delete_route(**picked(request.properties, "RouteTableId", *_DESTINATIONS))


def _route_table_association(request: Request) -> tuple[str, dict[str, Any]]:
    association = client("ec2", request.region).associate_route_table(**request.properties)
    return association["AssociationId"], {"Id": association["AssociationId"]}


def _create_nat_gateway(request: Request) -> tuple[str, dict[str, Any]]:
    created = client("ec2", request.region).create_nat_gateway(
        **{"ConnectivityType": "public", **without(request.properties, "Tags")}
    )
    gateway = created["NatGateway"]["NatGatewayId"]
    tag(request, gateway)
    return gateway, {"NatGatewayId": gateway}


def _create_vpc_endpoint(request: Request) -> tuple[str, dict[str, Any]]:
    properties = {"VpcEndpointType": "Gateway", **without(request.properties, "Tags")}
    if "PolicyDocument" in properties:
        properties["PolicyDocument"] = policy_text(properties["PolicyDocument"])
    made = client("ec2", request.region).create_vpc_endpoint(**properties)["VpcEndpoint"]
    tag(request, made["VpcEndpointId"])
    return made["VpcEndpointId"], {"Id": made["VpcEndpointId"]}


def _update_vpc_endpoint(request: Request, resource: Resource) -> None:
    new, old = request.properties, resource.request.properties
    for name in ("PrivateDnsEnabled", "SubnetIds"):
        if new.get(name) != old.get(name):
            raise NotModelled(f"the embedded AWS does not model the change of {name} of an AWS::EC2::VPCEndpoint")
    if "PolicyDocument" in old and "PolicyDocument" not in new:
        raise NotModelled("the embedded AWS does not model the removal of the policy of an AWS::EC2::VPCEndpoint")
    changes: dict[str, Any] = {}
    for name in ("RouteTableIds", "SecurityGroupIds"):
        if added := [identifier for identifier in new.get(name, []) if identifier not in old.get(name, [])]:
            changes[f"Add{name}"] = added
        if removed := [identifier for identifier in old.get(name, []) if identifier not in new.get(name, [])]:
            changes[f"Remove{name}"] = removed
    if "PolicyDocument" in new:
        changes["PolicyDocument"] = policy_text(new["PolicyDocument"])
    if changes:
        client("ec2", request.region).modify_vpc_endpoint(VpcEndpointId=resource.physical_id, **changes)
    retag(request, resource)


# -- security groups --------------------------------------------------------------------------------------------------

_INGRESS_PEERS = names("CidrIp CidrIpv6 SourcePrefixListId SourceSecurityGroupId SourceSecurityGroupOwnerId")
_EGRESS_PEERS = names("CidrIp CidrIpv6 DestinationPrefixListId DestinationSecurityGroupId")
_RULE = names("Description FromPort IpProtocol ToPort")
_ANYWHERE = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def _permission(rule: Mapping[str, Any], kind: str, peers: frozenset[str]) -> dict[str, Any]:
    """A rule as the API has it.

    Raises NotModelled for properties that the embedded EC2 does not have.
    """
    if unknown := sorted(rule.keys() - _RULE - peers - {"GroupId"}):
        raise NotModelled(f"the embedded AWS does not model {', '.join(unknown)} of an {kind}")
    described = picked(rule, "Description")
    permission: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    permission.update({key: int(rule[key]) for key in ("FromPort", "ToPort") if key in rule})
    if "CidrIp" in rule:
        permission["IpRanges"] = [{"CidrIp": rule["CidrIp"], **described}]
    if "CidrIpv6" in rule:
        permission["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **described}]
    for name in ("SourcePrefixListId", "DestinationPrefixListId"):
        if name in rule:
            permission["PrefixListIds"] = [{"PrefixListId": rule[name], **described}]
    for name in ("SourceSecurityGroupId", "DestinationSecurityGroupId"):
        if name in rule:
            owner = {"UserId": rule["SourceSecurityGroupOwnerId"]} if "SourceSecurityGroupOwnerId" in rule else {}
            permission["UserIdGroupPairs"] = [{"GroupId": rule[name], **owner, **described}]
    return permission


def _ingress(rules: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_permission(rule, "AWS::EC2::SecurityGroup ingress rule", _INGRESS_PEERS) for rule in rules]


def _egress(rules: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rules of egress; a group without any allows everything out."""
    permissions = [_permission(rule, "AWS::EC2::SecurityGroup egress rule", _EGRESS_PEERS) for rule in rules]
    return permissions or [_ANYWHERE]


def _create_security_group(request: Request) -> tuple[str, dict[str, Any]]:
    ec2, properties = client("ec2", request.region), request.properties
    group = ec2.create_security_group(
        GroupName=request.name, Description=properties["GroupDescription"], **picked(properties, "VpcId")
    )["GroupId"]
    (made,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    _replace_rules(ec2, group, "ingress", [], _ingress(properties.get("SecurityGroupIngress", [])))
    _replace_rules(ec2, group, "egress", [_ANYWHERE], _egress(properties.get("SecurityGroupEgress", [])))
    tag(request, group)
    return group, {"GroupId": group, "Id": group, "VpcId": made.get("VpcId", "")}


def _replace_rules(ec2: Any, group: str, direction: str, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    """Change those rules that differ; what other resources added to the group stays."""
    if removed := [rule for rule in old if rule not in new]:
        getattr(ec2, f"revoke_security_group_{direction}")(GroupId=group, IpPermissions=removed)
    if added := [rule for rule in new if rule not in old]:
        getattr(ec2, f"authorize_security_group_{direction}")(GroupId=group, IpPermissions=added)


def _update_security_group(request: Request, resource: Resource) -> None:
    ec2, group = client("ec2", request.region), resource.physical_id
    new, old = request.properties, resource.request.properties
    _replace_rules(
        ec2,
        group,
        "ingress",
        _ingress(old.get("SecurityGroupIngress", [])),
        _ingress(new.get("SecurityGroupIngress", [])),
    )
    _replace_rules(
        ec2, group, "egress", _egress(old.get("SecurityGroupEgress", [])), _egress(new.get("SecurityGroupEgress", []))
    )
    retag(request, resource)


def _rule_type(direction: str, peers: frozenset[str]) -> ResourceType:
    """AWS::EC2::SecurityGroupIngress or AWS::EC2::SecurityGroupEgress: one rule of a group of its own."""
    kind = f"AWS::EC2::SecurityGroup{direction.capitalize()}"

    def create(request: Request) -> tuple[str, dict[str, Any]]:
        authorized = getattr(client("ec2", request.region), f"authorize_security_group_{direction}")(
            GroupId=request.properties["GroupId"], IpPermissions=[_permission(request.properties, kind, peers)]
        )
        rule = authorized["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return rule, {"Id": rule}

    def delete(request: Request, _: Resource) -> None:
        getattr(client("ec2", request.region), f"revoke_security_group_{direction}")(
            GroupId=request.properties["GroupId"], IpPermissions=[_permission(request.properties, kind, peers)]
        )

    def update(request: Request, _: Resource) -> None:
        # All but the description needs another resource.
        getattr(client("ec2", request.region), f"update_security_group_rule_descriptions_{direction}")(
            GroupId=request.properties["GroupId"], IpPermissions=[_permission(request.properties, kind, peers)]
        )

    return ResourceType(create, delete, _RULE | peers | {"GroupId"}, update=update)


# -- flow logs --------------------------------------------------------------------------------------------------------


def _create_flow_log(request: Request) -> tuple[str, dict[str, Any]]:
    properties = without(request.properties, "ResourceId", "Tags")
    made = client("ec2", request.region).create_flow_logs(ResourceIds=[request.properties["ResourceId"]], **properties)
    for failed in made.get("Unsuccessful", []):
        raise ResourceFailed(failed["Error"]["Message"])
    (identifier,) = made["FlowLogIds"]
    tag(request, identifier)
    return identifier, {"Id": identifier}


# -- network ACLs -----------------------------------------------------------------------------------------------------


def _network_acl(request: Request) -> tuple[str, dict[str, Any]]:
    made = client("ec2", request.region).create_network_acl(VpcId=request.properties["VpcId"])
    identifier = made["NetworkAcl"]["NetworkAclId"]
    tag(request, identifier)
    return identifier, {"Id": identifier}


def _network_acl_entry(request: Request) -> tuple[str, dict[str, Any]]:
    properties = request.properties
    optional = picked(properties, "CidrBlock", "Ipv6CidrBlock")
    if "PortRange" in properties:
        optional["PortRange"] = {key: int(value) for key, value in properties["PortRange"].items()}
    client("ec2", request.region).create_network_acl_entry(
        NetworkAclId=properties["NetworkAclId"],
        RuleNumber=int(properties["RuleNumber"]),
        Protocol=str(properties["Protocol"]),
        RuleAction=properties["RuleAction"],
        Egress=bool(properties.get("Egress", False)),
        **optional,
    )
    return request.name, {"Id": request.name}


def _delete_network_acl_entry(request: Request, _: Resource) -> None:
    client("ec2", request.region).delete_network_acl_entry(
        NetworkAclId=request.properties["NetworkAclId"],
        RuleNumber=int(request.properties["RuleNumber"]),
        Egress=bool(request.properties.get("Egress", False)),
    )


# -- addresses and key pairs ------------------------------------------------------------------------------------------


def _eip(request: Request) -> tuple[str, dict[str, Any]]:
    ec2 = client("ec2", request.region)
    made = ec2.allocate_address(Domain="vpc")
    tag(request, made["AllocationId"])
    if "InstanceId" in request.properties:
        ec2.associate_address(AllocationId=made["AllocationId"], InstanceId=request.properties["InstanceId"])
    return made["PublicIp"], {"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]}


def _update_eip(request: Request, resource: Resource) -> None:
    if "InstanceId" in request.properties:
        client("ec2", request.region).associate_address(
            AllocationId=resource.attributes["AllocationId"],
            InstanceId=request.properties["InstanceId"],
            AllowReassociation=True,
        )
    retag(request, resource, resource.attributes["AllocationId"])


def _eip_association(request: Request) -> tuple[str, dict[str, Any]]:
    association = client("ec2", request.region).associate_address(**request.properties)
    return association["AssociationId"], {"Id": association["AssociationId"]}


def _key_pair(request: Request) -> tuple[str, dict[str, Any]]:
    ec2 = client("ec2", request.region)
    name = request.properties["KeyName"]
    if "PublicKeyMaterial" in request.properties:
        made = ec2.import_key_pair(KeyName=name, PublicKeyMaterial=request.properties["PublicKeyMaterial"].encode())
    else:
        made = ec2.create_key_pair(KeyName=name)
    tag(request, made["KeyPairId"])
    return name, {"KeyPairId": made["KeyPairId"], "KeyFingerprint": made["KeyFingerprint"]}


TYPES = {
    **instance_resource_types.TYPES,
    # moto has a model of this one, whose addresses are not of the VPC kind.
    "AWS::EC2::EIP": ResourceType(
        _eip,
        lambda request, resource: client("ec2", request.region).release_address(
            AllocationId=resource.attributes["AllocationId"]
        ),
        names("Domain InstanceId Tags"),
        update=_update_eip,
    ),
    "AWS::EC2::EIPAssociation": ResourceType(
        _eip_association,
        lambda request, resource: client("ec2", request.region).disassociate_address(
            AssociationId=resource.physical_id
        ),
        names("AllocationId InstanceId NetworkInterfaceId PrivateIpAddress"),
    ),
    # moto has a model of this one, with fewer properties.
    "AWS::EC2::FlowLog": ResourceType(
        _create_flow_log,
        lambda request, resource: client("ec2", request.region).delete_flow_logs(FlowLogIds=[resource.physical_id]),
        names(
            "DeliverLogsPermissionArn LogDestination LogDestinationType LogFormat LogGroupName MaxAggregationInterval "
            "ResourceId ResourceType Tags TrafficType"
        ),
        update=retag,
    ),
    # moto has a model of this one, which it cannot update.
    "AWS::EC2::InternetGateway": ResourceType(
        _create_internet_gateway,
        lambda request, resource: client("ec2", request.region).delete_internet_gateway(
            InternetGatewayId=resource.physical_id
        ),
        names("Tags"),
        update=retag,
    ),
    "AWS::EC2::KeyPair": ResourceType(
        _key_pair,
        lambda request, resource: client("ec2", request.region).delete_key_pair(KeyName=resource.physical_id),
        names("KeyName PublicKeyMaterial Tags"),
    ),
    # moto has a model of this one, which knows public gateways only and cannot be deleted.
    "AWS::EC2::NatGateway": ResourceType(
        _create_nat_gateway,
        lambda request, resource: client("ec2", request.region).delete_nat_gateway(NatGatewayId=resource.physical_id),
        names("AllocationId ConnectivityType SubnetId Tags"),
    ),
    "AWS::EC2::NetworkAcl": ResourceType(
        _network_acl,
        lambda request, resource: client("ec2", request.region).delete_network_acl(NetworkAclId=resource.physical_id),
        names("Tags VpcId"),
        update=retag,
    ),
    "AWS::EC2::NetworkAclEntry": ResourceType(
        _network_acl_entry,
        _delete_network_acl_entry,
        names("CidrBlock Egress Ipv6CidrBlock NetworkAclId PortRange Protocol RuleAction RuleNumber"),
    ),
    # moto has a model of this one, with one kind of destination.
    "AWS::EC2::Route": ResourceType(
        _create_route,
        _delete_route,
        names(
            "DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId EgressOnlyInternetGatewayId "
            "GatewayId InstanceId NatGatewayId NetworkInterfaceId RouteTableId TransitGatewayId VpcPeeringConnectionId"
        ),
        update=lambda request, _: client("ec2", request.region).replace_route(**request.properties),
    ),
    # moto has a model of this one, without tags.
    "AWS::EC2::RouteTable": ResourceType(
        _create_route_table,
        lambda request, resource: client("ec2", request.region).delete_route_table(RouteTableId=resource.physical_id),
        names("Tags VpcId"),
        update=retag,
    ),
    # moto has a model of this one, which ignores egress and cannot be updated.
    "AWS::EC2::SecurityGroup": ResourceType(
        _create_security_group,
        lambda request, resource: client("ec2", request.region).delete_security_group(GroupId=resource.physical_id),
        names("GroupDescription GroupName SecurityGroupEgress SecurityGroupIngress Tags VpcId"),
        update=_update_security_group,
        name_property="GroupName",
    ),
    "AWS::EC2::SecurityGroupEgress": _rule_type("egress", _EGRESS_PEERS),
    # moto has a model of this one, which ignores IPv6 and prefix lists.
    "AWS::EC2::SecurityGroupIngress": _rule_type("ingress", _INGRESS_PEERS),
    # moto has a model of this one, which ignores MapPublicIpOnLaunch.
    "AWS::EC2::Subnet": ResourceType(
        _create_subnet,
        lambda request, resource: client("ec2", request.region).delete_subnet(SubnetId=resource.physical_id),
        names("AvailabilityZone CidrBlock MapPublicIpOnLaunch Tags VpcId"),
        update=_update_subnet,
    ),
    # moto has a model of this one, whose associations its route tables do not have.
    "AWS::EC2::SubnetRouteTableAssociation": ResourceType(
        _route_table_association,
        lambda request, resource: client("ec2", request.region).disassociate_route_table(
            AssociationId=resource.physical_id
        ),
        names("RouteTableId SubnetId"),
    ),
    # moto has a model of this one, which ignores the settings for DNS.
    "AWS::EC2::VPC": ResourceType(
        _create_vpc,
        lambda request, resource: client("ec2", request.region).delete_vpc(VpcId=resource.physical_id),
        names("CidrBlock EnableDnsHostnames EnableDnsSupport InstanceTenancy Tags"),
        update=_update_vpc,
    ),
    # moto has a model of this one, which requires all of its properties.
    "AWS::EC2::VPCEndpoint": ResourceType(
        _create_vpc_endpoint,
        lambda request, resource: client("ec2", request.region).delete_vpc_endpoints(
            VpcEndpointIds=[resource.physical_id]
        ),
        names(
            "PolicyDocument PrivateDnsEnabled RouteTableIds SecurityGroupIds ServiceName SubnetIds Tags "
            "VpcEndpointType VpcId"
        ),
        update=_update_vpc_endpoint,
    ),
    "AWS::EC2::VPCGatewayAttachment": ResourceType(
        _attach_gateway, _detach_gateway, names("InternetGatewayId VpcId VpnGatewayId")
    ),
}
