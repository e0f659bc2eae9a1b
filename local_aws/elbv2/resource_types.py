"""Load balancers, their listeners and rules, and target groups.

Source: CloudFormation Template Reference, AWS::ElasticLoadBalancingV2::LoadBalancer, TargetGroup, Listener and
ListenerRule; Elastic Load Balancing API Reference, version 2015-12-01.
"""

from __future__ import annotations

from typing import Any

from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import (
    ResourceType,
    client,
    names,
    picked,
    retag,
    tag_list,
    tags,
    without,
)
from local_aws.core.resources import Request, Resource

_HEALTH_CHECK = (
    *("HealthCheckEnabled", "HealthCheckIntervalSeconds", "HealthCheckPath", "HealthCheckPort", "HealthCheckProtocol"),
    *("HealthCheckTimeoutSeconds", "HealthyThresholdCount", "Matcher", "UnhealthyThresholdCount"),
)


def _given_tags(request: Request) -> dict[str, Any]:
    new_tags = tags(request)
    return {"Tags": tag_list(new_tags)} if new_tags else {}


def _retag(request: Request, resource: Resource) -> None:
    elbv2, arn = client("elbv2", request.region), resource.physical_id
    retag(
        request,
        resource,
        lambda added: elbv2.add_tags(ResourceArns=[arn], Tags=tag_list(added)),
        lambda removed: elbv2.remove_tags(ResourceArns=[arn], TagKeys=removed),
    )


def _refuse_removal(request: Request, resource: Resource, *properties: str) -> None:
    """Raise NotModelled when the request no longer has one of the properties, which would get its default then."""
    old, new = resource.request.properties, request.properties
    removed = [name for name in properties if name in old and name not in new]
    if removed:
        raise NotModelled(f"the embedded AWS does not model the removal of {', '.join(removed)} from an {request.type}")


# -- load balancers ---------------------------------------------------------------------------------------------------


def _create_load_balancer(request: Request) -> tuple[str, dict[str, Any]]:
    elbv2, properties = client("elbv2", request.region), request.properties
    balancer = elbv2.create_load_balancer(
        Name=request.name,
        # AWS's defaults, which moto's API does not have.
        IpAddressType=properties.get("IpAddressType", "ipv4"),
        Scheme=properties.get("Scheme", "internet-facing"),
        **picked(properties, "SecurityGroups", "SubnetMappings", "Subnets", "Type"),
        **_given_tags(request),
    )["LoadBalancers"][0]
    arn = balancer["LoadBalancerArn"]
    _set_load_balancer_attributes(request, arn)
    return arn, {
        "CanonicalHostedZoneID": balancer["CanonicalHostedZoneId"],
        "DNSName": balancer["DNSName"],
        "LoadBalancerArn": arn,
        "LoadBalancerFullName": arn.split(":loadbalancer/", 1)[1],
        "LoadBalancerName": balancer["LoadBalancerName"],
        "SecurityGroups": balancer.get("SecurityGroups", []),
    }


def _set_load_balancer_attributes(request: Request, arn: str) -> None:
    if attributes := request.properties.get("LoadBalancerAttributes"):
        client("elbv2", request.region).modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)


def _attribute_names(properties: dict[str, Any], name: str) -> set[str]:
    return {attribute["Key"] for attribute in properties.get(name, [])}


def _refuse_attribute_removal(request: Request, resource: Resource, name: str) -> None:
    removed = sorted(_attribute_names(resource.request.properties, name) - _attribute_names(request.properties, name))
    if removed:
        raise NotModelled(
            f"the embedded AWS does not model the removal of {', '.join(removed)} from {name} of an {request.type}"
        )


def _update_load_balancer(request: Request, resource: Resource) -> None:
    elbv2, arn = client("elbv2", request.region), resource.physical_id
    new, old = request.properties, resource.request.properties
    _refuse_removal(request, resource, "SecurityGroups")
    _refuse_attribute_removal(request, resource, "LoadBalancerAttributes")
    if new.get("SecurityGroups") != old.get("SecurityGroups"):
        elbv2.set_security_groups(LoadBalancerArn=arn, SecurityGroups=new["SecurityGroups"])
        resource.attributes = {**resource.attributes, "SecurityGroups": new["SecurityGroups"]}
    if any(new.get(name) != old.get(name) for name in ("Subnets", "SubnetMappings")):
        elbv2.set_subnets(LoadBalancerArn=arn, **picked(new, "SubnetMappings", "Subnets"))
    if new.get("IpAddressType") != old.get("IpAddressType"):
        elbv2.set_ip_address_type(LoadBalancerArn=arn, IpAddressType=new.get("IpAddressType", "ipv4"))
    _set_load_balancer_attributes(request, arn)
    _retag(request, resource)


# -- target groups ----------------------------------------------------------------------------------------------------


def _create_target_group(request: Request) -> tuple[str, dict[str, Any]]:
    elbv2 = client("elbv2", request.region)
    group = elbv2.create_target_group(
        Name=request.name,
        **without(request.properties, "Name", "Tags", "TargetGroupAttributes", "Targets"),
        **_given_tags(request),
    )["TargetGroups"][0]
    arn = group["TargetGroupArn"]
    _set_target_group_attributes(request, arn)
    if targets := request.properties.get("Targets"):
        elbv2.register_targets(TargetGroupArn=arn, Targets=targets)
    return arn, {
        "TargetGroupArn": arn,
        "TargetGroupFullName": arn.split(":", 5)[5],
        "TargetGroupName": group["TargetGroupName"],
    }


def _set_target_group_attributes(request: Request, arn: str) -> None:
    if attributes := request.properties.get("TargetGroupAttributes"):
        client("elbv2", request.region).modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)


def _update_target_group(request: Request, resource: Resource) -> None:
    elbv2, arn = client("elbv2", request.region), resource.physical_id
    new, old = request.properties, resource.request.properties
    _refuse_removal(request, resource, *_HEALTH_CHECK)
    _refuse_attribute_removal(request, resource, "TargetGroupAttributes")
    if changed := {name: new[name] for name in _HEALTH_CHECK if new.get(name) != old.get(name)}:
        elbv2.modify_target_group(TargetGroupArn=arn, **changed)
    _set_target_group_attributes(request, arn)
    targets, before = new.get("Targets", []), old.get("Targets", [])
    if removed := [target for target in before if target not in targets]:
        elbv2.deregister_targets(TargetGroupArn=arn, Targets=removed)
    if added := [target for target in targets if target not in before]:
        elbv2.register_targets(TargetGroupArn=arn, Targets=added)
    _retag(request, resource)


# -- listeners and rules ----------------------------------------------------------------------------------------------


def _create_listener(request: Request) -> tuple[str, dict[str, Any]]:
    elbv2 = client("elbv2", request.region)
    created = elbv2.create_listener(**without(request.properties, "ListenerAttributes"))
    arn = created["Listeners"][0]["ListenerArn"]
    _set_listener_attributes(request, arn)
    return arn, {"ListenerArn": arn}


def _set_listener_attributes(request: Request, arn: str) -> None:
    if attributes := request.properties.get("ListenerAttributes"):
        client("elbv2", request.region).modify_listener_attributes(ListenerArn=arn, Attributes=attributes)


def _update_listener(request: Request, resource: Resource) -> None:
    _refuse_removal(request, resource, "AlpnPolicy", "Certificates", "SslPolicy")
    _refuse_attribute_removal(request, resource, "ListenerAttributes")
    client("elbv2", request.region).modify_listener(
        ListenerArn=resource.physical_id, **without(request.properties, "ListenerAttributes", "LoadBalancerArn")
    )
    _set_listener_attributes(request, resource.physical_id)


def _create_rule(request: Request) -> tuple[str, dict[str, Any]]:
    rule = client("elbv2", request.region).create_rule(**request.properties)["Rules"][0]
    return rule["RuleArn"], {"IsDefault": rule["IsDefault"], "RuleArn": rule["RuleArn"]}


def _update_rule(request: Request, resource: Resource) -> None:
    elbv2, arn = client("elbv2", request.region), resource.physical_id
    elbv2.modify_rule(RuleArn=arn, **picked(request.properties, "Actions", "Conditions"))
    if request.properties["Priority"] != resource.request.properties["Priority"]:
        elbv2.set_rule_priorities(RulePriorities=[{"RuleArn": arn, "Priority": request.properties["Priority"]}])


TYPES = {
    # moto has models of these, which drop attributes, tags and most of an update.
    "AWS::ElasticLoadBalancingV2::Listener": ResourceType(
        _create_listener,
        lambda request, resource: client("elbv2", request.region).delete_listener(ListenerArn=resource.physical_id),
        names("AlpnPolicy Certificates DefaultActions ListenerAttributes LoadBalancerArn Port Protocol SslPolicy"),
        update=_update_listener,
    ),
    "AWS::ElasticLoadBalancingV2::ListenerRule": ResourceType(
        _create_rule,
        lambda request, resource: client("elbv2", request.region).delete_rule(RuleArn=resource.physical_id),
        names("Actions Conditions ListenerArn Priority"),
        update=_update_rule,
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ResourceType(
        _create_load_balancer,
        lambda request, resource: client("elbv2", request.region).delete_load_balancer(
            LoadBalancerArn=resource.physical_id
        ),
        names("IpAddressType LoadBalancerAttributes Name Scheme SecurityGroups SubnetMappings Subnets Tags Type"),
        update=_update_load_balancer,
        name_property="Name",
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ResourceType(
        _create_target_group,
        lambda request, resource: client("elbv2", request.region).delete_target_group(
            TargetGroupArn=resource.physical_id
        ),
        names("IpAddressType Name Port Protocol ProtocolVersion Tags TargetGroupAttributes TargetType Targets VpcId")
        | set(_HEALTH_CHECK),
        update=_update_target_group,
        name_property="Name",
    ),
}
