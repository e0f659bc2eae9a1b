"""Aliases and permissions of functions, and the configuration of their asynchronous invocations.

Source: CloudFormation Template Reference, AWS::Lambda::Alias, AWS::Lambda::Permission, AWS::Lambda::EventInvokeConfig;
AWS Lambda API Reference.
"""

from __future__ import annotations

from typing import Any

from local_aws.core.resource_types import ResourceType, client, names
from local_aws.core.resources import Request, Resource


def _alias(request: Request) -> tuple[str, dict[str, Any]]:
    made = client("lambda", request.region).create_alias(**request.properties)
    return made["AliasArn"], {"AliasArn": made["AliasArn"]}


def _delete_alias(request: Request, _: Resource) -> None:
    client("lambda", request.region).delete_alias(
        FunctionName=request.properties["FunctionName"], Name=request.properties["Name"]
    )


def _permission(request: Request) -> tuple[str, dict[str, Any]]:
    client("lambda", request.region).add_permission(StatementId=request.name, **request.properties)
    return request.name, {"Id": request.name}


def _delete_permission(request: Request, _: Resource) -> None:
    client("lambda", request.region).remove_permission(
        FunctionName=request.properties["FunctionName"], StatementId=request.name
    )


def _event_invoke_config(request: Request) -> tuple[str, dict[str, Any]]:
    client("lambda", request.region).put_function_event_invoke_config(**request.properties)
    return f"{request.properties['FunctionName']}|{request.properties['Qualifier']}", {}


def _delete_event_invoke_config(request: Request, _: Resource) -> None:
    client("lambda", request.region).delete_function_event_invoke_config(
        FunctionName=request.properties["FunctionName"], Qualifier=request.properties["Qualifier"]
    )


TYPES = {
    "AWS::Lambda::Alias": ResourceType(
        _alias,
        _delete_alias,
        names("Description FunctionName FunctionVersion Name RoutingConfig"),
        update=lambda request, _: client("lambda", request.region).update_alias(**request.properties),
    ),
    "AWS::Lambda::EventInvokeConfig": ResourceType(
        _event_invoke_config,
        _delete_event_invoke_config,
        names("DestinationConfig FunctionName MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier"),
        repeatable=True,
    ),
    # moto has a model of this one, which cannot be found again to be deleted.
    "AWS::Lambda::Permission": ResourceType(
        _permission,
        _delete_permission,
        names("Action EventSourceToken FunctionName Principal PrincipalOrgID SourceAccount SourceArn"),
    ),
}
