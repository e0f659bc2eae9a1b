"""CloudFormation's own resources, and the CDK's.

Source: CloudFormation Template Reference, AWS::CloudFormation::WaitCondition, AWS::CloudFormation::WaitConditionHandle;
CDK Developer Guide, "Configure AWS CDK usage data reporting" (AWS::CDK::Metadata makes nothing).
"""

from __future__ import annotations

from typing import Any

from local_aws.core.ids import random_uuid
from local_aws.core.resource_types import ResourceType, names, nothing
from local_aws.core.resources import Request


def _wait_condition_handle(request: Request) -> tuple[str, dict[str, Any]]:
    url = (
        f"https://cloudformation-waitcondition-{request.region}.s3.amazonaws.com/"
        f"{request.stack_id}/{request.logical_id}"
    )
    return url, {"Id": url}


def _wait_condition(request: Request) -> tuple[str, dict[str, Any]]:
    physical_id = f"{request.stack_id}/{random_uuid()}/{request.logical_id}"
    return physical_id, {"Data": "{}", "Id": physical_id}


TYPES = {
    "AWS::CDK::Metadata": ResourceType(lambda _: (random_uuid(), {}), nothing, names("Analytics"), update=nothing),
    "AWS::CloudFormation::WaitCondition": ResourceType(
        _wait_condition, nothing, names("Count Handle Timeout"), update=nothing
    ),
    "AWS::CloudFormation::WaitConditionHandle": ResourceType(
        _wait_condition_handle, nothing, names(""), update=nothing
    ),
}
