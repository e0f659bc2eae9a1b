"""EventBridge rules.

Source: CloudFormation Template Reference, AWS::Events::Rule; Amazon EventBridge API Reference, PutRule, PutTargets.
"""

from __future__ import annotations

from typing import Any

from local_aws.core.resource_types import (
    ResourceType,
    client,
    names,
    picked,
    policy_text,
    retag,
    tag_list,
    tags,
)
from local_aws.core.resources import Request, Resource


def _bus(request: Request) -> dict[str, str]:
    return {"EventBusName": request.properties.get("EventBusName", "default")}


def _create_rule(request: Request) -> tuple[str, dict[str, Any]]:
    arn = _put_rule(request)
    if own_tags := tags(request):
        client("events", request.region).tag_resource(ResourceARN=arn, Tags=tag_list(own_tags))
    _put_targets(request)
    return request.name, {"Arn": arn}


def _put_rule(request: Request) -> str:
    properties = request.properties
    pattern = {"EventPattern": policy_text(properties["EventPattern"])} if "EventPattern" in properties else {}
    made = client("events", request.region).put_rule(
        Name=request.name,
        **pattern,
        **_bus(request),
        **picked(properties, "Description", "RoleArn", "ScheduleExpression", "State"),
    )
    return str(made["RuleArn"])


def _put_targets(request: Request) -> None:
    if targets := request.properties.get("Targets"):
        client("events", request.region).put_targets(Rule=request.name, Targets=targets, **_bus(request))


def _update_rule(request: Request, resource: Resource) -> None:
    events, arn = client("events", request.region), resource.attributes["Arn"]
    _put_rule(request)
    wanted = {target["Id"] for target in request.properties.get("Targets", [])}
    _remove_targets(request, [identifier for identifier in _target_ids(request) if identifier not in wanted])
    _put_targets(request)
    retag(
        request,
        resource,
        lambda added: events.tag_resource(ResourceARN=arn, Tags=tag_list(added)),
        lambda gone: events.untag_resource(ResourceARN=arn, TagKeys=gone),
    )


def _target_ids(request: Request) -> list[str]:
    answer = client("events", request.region).list_targets_by_rule(Rule=request.name, **_bus(request))
    return [target["Id"] for target in answer["Targets"]]


def _remove_targets(request: Request, ids: list[str]) -> None:
    if ids:
        client("events", request.region).remove_targets(Rule=request.name, Ids=ids, **_bus(request))


def _delete_rule(request: Request, _: Resource) -> None:
    _remove_targets(request, _target_ids(request))
    client("events", request.region).delete_rule(Name=request.name, **_bus(request))


TYPES = {
    # moto has a model of this one, which it updates by making another.
    "AWS::Events::Rule": ResourceType(
        _create_rule,
        _delete_rule,
        names("Description EventBusName EventPattern Name RoleArn ScheduleExpression State Tags Targets"),
        update=_update_rule,
        name_property="Name",
    ),
}
