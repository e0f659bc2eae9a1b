"""Schedules and schedule groups.

Source: CloudFormation Template Reference, AWS::Scheduler::Schedule, AWS::Scheduler::ScheduleGroup; EventBridge
Scheduler API Reference.
"""

from __future__ import annotations

from typing import Any

from local_aws.core.resource_types import ResourceType, client, names, retag, tag_list, tags, without
from local_aws.core.resources import Request, Resource

LONGEST_NAME = 64
"""Characters, of a schedule or a schedule group."""


def _name(request: Request) -> str:
    """A name that CloudFormation made from stack and resource, cut to what the API takes; its end makes it unique."""
    name = request.name
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 13] + name[-13:]


# -- schedules --------------------------------------------------------------------------------------------------------


def _create_schedule(request: Request) -> tuple[str, dict[str, Any]]:
    name = _name(request)
    made = client("scheduler", request.region).create_schedule(Name=name, **without(request.properties, "Name"))
    return name, {"Arn": made["ScheduleArn"]}


def _update_schedule(request: Request, resource: Resource) -> None:
    scheduler = client("scheduler", request.region)
    scheduler.update_schedule(Name=resource.physical_id, **without(request.properties, "Name"))


def _delete_schedule(request: Request, resource: Resource) -> None:
    scheduler = client("scheduler", request.region)
    group = {"GroupName": request.properties["GroupName"]} if "GroupName" in request.properties else {}
    try:
        scheduler.delete_schedule(Name=resource.physical_id, **group)
    except scheduler.exceptions.ResourceNotFoundException:
        # It is gone already, with its group perhaps: that counts as deleted.
        return


# -- groups -----------------------------------------------------------------------------------------------------------


def _create_group(request: Request) -> tuple[str, dict[str, Any]]:
    name = _name(request)
    made = client("scheduler", request.region).create_schedule_group(Name=name, Tags=tag_list(tags(request)))
    return name, {"Arn": made["ScheduleGroupArn"], "State": "ACTIVE"}


def _update_group(request: Request, resource: Resource) -> None:
    scheduler, arn = client("scheduler", request.region), resource.attributes["Arn"]
    retag(
        request,
        resource,
        lambda added: scheduler.tag_resource(ResourceArn=arn, Tags=tag_list(added)),
        lambda gone: scheduler.untag_resource(ResourceArn=arn, TagKeys=gone),
    )


def _delete_group(request: Request, resource: Resource) -> None:
    scheduler = client("scheduler", request.region)
    try:
        scheduler.delete_schedule_group(Name=resource.physical_id)
    except scheduler.exceptions.ResourceNotFoundException:
        return


TYPES = {
    "AWS::Scheduler::Schedule": ResourceType(
        _create_schedule,
        _delete_schedule,
        names(
            "Description EndDate FlexibleTimeWindow GroupName KmsKeyArn Name ScheduleExpression "
            "ScheduleExpressionTimezone StartDate State Target"
        ),
        update=_update_schedule,
        name_property="Name",
    ),
    "AWS::Scheduler::ScheduleGroup": ResourceType(
        _create_group, _delete_group, names("Name Tags"), update=_update_group, name_property="Name"
    ),
}
