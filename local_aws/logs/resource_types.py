"""Log groups and metric filters.

Source: CloudFormation Template Reference, AWS::Logs::LogGroup, AWS::Logs::MetricFilter; Amazon CloudWatch Logs API
Reference.
"""

from __future__ import annotations

from typing import Any

from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceType, client, lower_first, names, retag, tags
from local_aws.core.resources import Request, Resource


def _create_log_group(request: Request) -> tuple[str, dict[str, Any]]:
    logs, properties = client("logs", request.region), request.properties
    optional: dict[str, Any] = {}
    if "KmsKeyId" in properties:
        optional["kmsKeyId"] = properties["KmsKeyId"]
    if new_tags := tags(request):
        optional["tags"] = new_tags
    logs.create_log_group(logGroupName=request.name, **optional)
    if "RetentionInDays" in properties:
        logs.put_retention_policy(logGroupName=request.name, retentionInDays=properties["RetentionInDays"])
    arn = f"arn:aws:logs:{request.region}:{request.account_id}:log-group:{request.name}:*"
    return request.name, {"Arn": arn}


def _update_log_group(request: Request, resource: Resource) -> None:
    logs, group = client("logs", request.region), {"logGroupName": resource.physical_id}
    new, old = request.properties, resource.request.properties
    if "RetentionInDays" in new:
        logs.put_retention_policy(**group, retentionInDays=new["RetentionInDays"])
    elif "RetentionInDays" in old:
        logs.delete_retention_policy(**group)
    if new.get("KmsKeyId") != old.get("KmsKeyId"):
        raise NotModelled("the embedded AWS does not model the change of KmsKeyId of an AWS::Logs::LogGroup")
    retag(
        request,
        resource,
        lambda added: logs.tag_log_group(**group, tags=added),
        lambda removed: logs.untag_log_group(**group, tags=removed),
    )


def _metric_filter(request: Request) -> tuple[str, dict[str, Any]]:
    name = request.properties.get("FilterName", request.name)
    transformations = lower_first(request.properties["MetricTransformations"])
    for transformation in transformations:
        transformation["metricValue"] = str(transformation["metricValue"])
    client("logs", request.region).put_metric_filter(
        logGroupName=request.properties["LogGroupName"],
        filterName=name,
        filterPattern=request.properties.get("FilterPattern", ""),
        metricTransformations=transformations,
    )
    return name, {}


TYPES = {
    # moto has a model of this one, which it cannot update.
    "AWS::Logs::LogGroup": ResourceType(
        _create_log_group,
        lambda request, resource: client("logs", request.region).delete_log_group(logGroupName=resource.physical_id),
        names("KmsKeyId LogGroupName RetentionInDays Tags"),
        update=_update_log_group,
        name_property="LogGroupName",
    ),
    "AWS::Logs::MetricFilter": ResourceType(
        _metric_filter,
        lambda request, resource: client("logs", request.region).delete_metric_filter(
            logGroupName=request.properties["LogGroupName"], filterName=resource.physical_id
        ),
        names("FilterName FilterPattern LogGroupName MetricTransformations"),
        repeatable=True,
        name_property="FilterName",
    ),
}
