"""Stacks, events, resources, change sets and templates, as the answers of CloudFormation's API have them.

Source: CloudFormation API Reference, the page of each data type.
"""

from __future__ import annotations

import json
from typing import Any

from local_aws.cloudformation import parameters
from local_aws.cloudformation.change_sets import ChangeSet
from local_aws.cloudformation.stacks import Event, Stack
from local_aws.cloudformation.template import Template
from local_aws.core.resources import Resource

_OPERATION_STATUSES = {"COMPLETE": "SUCCEEDED", "FAILED": "FAILED", "PROGRESS": "IN_PROGRESS"}


def stack(stack: Stack) -> dict[str, Any]:
    """A Stack, or what a StackSummary has of it."""
    inputs = stack.inputs
    last = [operation for operation in stack.operations if operation.kind != "CANCEL_UPDATE"][-1:]
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "ChangeSetId": stack.change_set_id,
        "Description": inputs.template.description,
        # On record (test_stack_description_lifecycle): of these three, none is shown that is empty.
        "Parameters": parameters.described(inputs.template, inputs.parameters) or None,
        "CreationTime": stack.creation_time,
        "DeletionTime": stack.deletion_time,
        "LastUpdatedTime": stack.last_updated,
        "RollbackConfiguration": dict(stack.shown_rollback_configuration),
        "StackStatus": stack.status,
        "StackStatusReason": stack.status_reason,
        "DisableRollback": stack.disable_rollback,
        "NotificationARNs": list(inputs.notification_arns),
        "TimeoutInMinutes": stack.timeout_in_minutes,
        "Capabilities": list(inputs.capabilities) or None,
        "Outputs": [
            {
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": output.export_name,
            }
            for output in stack.outputs
        ]
        or None,
        "RoleARN": inputs.role_arn,
        "Tags": [{"Key": key, "Value": value} for key, value in inputs.tags.items()],
        "EnableTerminationProtection": stack.termination_protection,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        "LastOperations": [{"OperationType": operation.kind, "OperationId": operation.id} for operation in last],
    }


def stack_event(stack: Stack, event: Event) -> dict[str, Any]:
    """A StackEvent."""
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "EventId": event.event_id,
        "OperationId": event.operation_id,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": event.timestamp,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
        "ResourceProperties": event.properties,
        "ClientRequestToken": event.token,
    }


def operation_event(stack: Stack, event: Event, kind: str) -> dict[str, Any]:
    """An OperationEvent, of DescribeEvents; `kind` is the type of its operation."""
    answer = {**stack_event(stack, event), "OperationType": "UPDATE_STACK" if kind == "CANCEL_UPDATE" else kind}
    if event.is_of_the_stack:
        answer["EventType"] = "STACK_EVENT"
        answer["OperationStatus"] = _OPERATION_STATUSES[event.status.rsplit("_", 1)[1]]
    else:
        answer["EventType"] = "PROVISIONING_ERROR" if event.status.endswith("_FAILED") else "PROGRESS_EVENT"
    return answer


def resource(stack: Stack, resource: Resource) -> dict[str, Any]:
    """A StackResource, a StackResourceSummary or a StackResourceDetail but for its metadata."""
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.definition.type,
        "LastUpdatedTimestamp": resource.updated,
        "Timestamp": resource.updated,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.status_reason,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def change_set(change_set: ChangeSet) -> dict[str, Any]:
    """A ChangeSetSummary."""
    return {
        "ChangeSetName": change_set.name,
        "ChangeSetId": change_set.id,
        "StackId": change_set.stack.stack_id,
        "StackName": change_set.stack.name,
        "Description": change_set.description,
        "CreationTime": change_set.created,
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "StatusReason": change_set.status_reason,
    }


def summary(template: Template) -> dict[str, Any]:
    """The answer of GetTemplateSummary, and of ValidateTemplate."""
    declared = []
    for name, declaration in template.parameters.items():
        default = declaration.get("Default")
        described = {
            "ParameterKey": name,
            "ParameterType": declaration["Type"],
            "NoEcho": parameters.is_secret(declaration),
            "Description": declaration.get("Description"),
            "DefaultValue": None if default is None else parameters.as_text(default),
        }
        if "AllowedValues" in declaration:
            allowed = [parameters.as_text(value) for value in declaration["AllowedValues"]]
            described["ParameterConstraints"] = {"AllowedValues": allowed}
        declared.append(described)
    required = template.required_capabilities
    return {
        "Parameters": declared,
        "Description": template.description,
        "Capabilities": required,
        "CapabilitiesReason": f"The following resource(s) require capabilities: {template.resource_types}"
        if required
        else None,
        "ResourceTypes": template.resource_types,
        "Version": template.document.get("AWSTemplateFormatVersion"),
        "Metadata": json.dumps(template.document["Metadata"]) if "Metadata" in template.document else None,
        "DeclaredTransforms": template.transforms,
    }
