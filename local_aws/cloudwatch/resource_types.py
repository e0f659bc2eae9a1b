"""Alarms and dashboards.

Source: CloudFormation Template Reference, AWS::CloudWatch::Alarm, AWS::CloudWatch::Dashboard; Amazon CloudWatch API
Reference, PutMetricAlarm, PutDashboard.
"""

from __future__ import annotations

from typing import Any

from local_aws.core.resource_types import ResourceType, client, names, retag, tag_list, tags, without
from local_aws.core.resources import Request, Resource


def _create_alarm(request: Request) -> tuple[str, dict[str, Any]]:
    cloudwatch = client("cloudwatch", request.region)
    _put_alarm(request)
    arn = cloudwatch.describe_alarms(AlarmNames=[request.name])["MetricAlarms"][0]["AlarmArn"]
    if new_tags := tags(request):
        cloudwatch.tag_resource(ResourceARN=arn, Tags=tag_list(new_tags))
    return request.name, {"Arn": arn}


def _put_alarm(request: Request) -> None:
    client("cloudwatch", request.region).put_metric_alarm(
        AlarmName=request.name, **without(request.properties, "AlarmName", "Tags")
    )


def _update_alarm(request: Request, resource: Resource) -> None:
    cloudwatch, arn = client("cloudwatch", request.region), resource.attributes["Arn"]
    _put_alarm(request)
    retag(
        request,
        resource,
        lambda added: cloudwatch.tag_resource(ResourceARN=arn, Tags=tag_list(added)),
        lambda removed: cloudwatch.untag_resource(ResourceARN=arn, TagKeys=removed),
    )


def _dashboard(request: Request) -> tuple[str, dict[str, Any]]:
    client("cloudwatch", request.region).put_dashboard(
        DashboardName=request.name, DashboardBody=request.properties["DashboardBody"]
    )
    return request.name, {}


TYPES = {
    "AWS::CloudWatch::Alarm": ResourceType(
        _create_alarm,
        lambda request, resource: client("cloudwatch", request.region).delete_alarms(AlarmNames=[resource.physical_id]),
        names(
            "ActionsEnabled AlarmActions AlarmDescription AlarmName ComparisonOperator DatapointsToAlarm Dimensions "
            "EvaluateLowSampleCountPercentile EvaluationPeriods ExtendedStatistic InsufficientDataActions MetricName "
            "Metrics Namespace OKActions Period Statistic Tags Threshold ThresholdMetricId TreatMissingData Unit"
        ),
        update=_update_alarm,
        name_property="AlarmName",
    ),
    # moto has a model of this one, which it updates by making another.
    "AWS::CloudWatch::Dashboard": ResourceType(
        _dashboard,
        lambda request, resource: client("cloudwatch", request.region).delete_dashboards(
            DashboardNames=[resource.physical_id]
        ),
        names("DashboardBody DashboardName"),
        repeatable=True,
        name_property="DashboardName",
    ),
}
