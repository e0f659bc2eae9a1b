"""Functions, their versions, aliases and permissions, and the configuration of their asynchronous invocations.

Source: CloudFormation Template Reference, AWS::Lambda::Function, AWS::Lambda::Version, AWS::Lambda::Alias,
AWS::Lambda::Permission, AWS::Lambda::EventInvokeConfig; AWS Lambda API Reference.
"""

from __future__ import annotations

from typing import Any

from moto.awslambda.models import LambdaFunction

from local_aws.core.resource_types import ResourceType, client, names, nothing, picked, retag, tags
from local_aws.core.resources import Request, Resource

# -- functions --------------------------------------------------------------------------------------------------------

_CONFIGURATION = (
    *("DeadLetterConfig", "Description", "EphemeralStorage", "Handler", "LoggingConfig", "MemorySize", "Role"),
    *("Runtime", "Timeout", "TracingConfig"),
)
"""Properties that the API takes under the same name, at creation and in an update."""


def _create_function(request: Request) -> tuple[str, dict[str, Any]]:
    function = client("lambda", request.region).create_function(
        FunctionName=request.name,
        Code=_code(request.properties),
        Tags=tags(request),
        **picked(request.properties, *_CONFIGURATION, "Architectures", "Environment", "PackageType"),
        **_key(request.properties),
    )
    if "ReservedConcurrentExecutions" in request.properties:
        _reserve_concurrency(request, request.name)
    return request.name, {"Arn": function["FunctionArn"]}


def _update_function(request: Request, resource: Resource) -> None:
    function, properties = client("lambda", request.region), request.properties
    name, arn = resource.physical_id, resource.attributes["Arn"]
    function.update_function_configuration(
        FunctionName=name,
        Environment={"Variables": properties.get("Environment", {}).get("Variables", {})},
        **picked(properties, *_CONFIGURATION),
        **_key(properties),
    )
    function.update_function_code(FunctionName=name, **_code(properties), **picked(properties, "Architectures"))
    if "ReservedConcurrentExecutions" in properties:
        _reserve_concurrency(request, name)
    else:
        function.delete_function_concurrency(FunctionName=name)
    retag(
        request,
        resource,
        lambda added: function.tag_resource(Resource=arn, Tags=added),
        lambda gone: function.untag_resource(Resource=arn, TagKeys=gone),
    )


def _code(properties: dict[str, Any]) -> dict[str, Any]:
    """The Code as the API takes it. A template has the source of a file in ZipFile, which CloudFormation packs."""
    code = dict(properties["Code"])
    if "ZipFile" in code:
        code["ZipFile"] = LambdaFunction._create_zipfile_from_plaintext_code(code["ZipFile"])
    return code


def _key(properties: dict[str, Any]) -> dict[str, Any]:
    return {"KMSKeyArn": properties["KmsKeyArn"]} if "KmsKeyArn" in properties else {}


def _reserve_concurrency(request: Request, name: str) -> None:
    client("lambda", request.region).put_function_concurrency(
        FunctionName=name, ReservedConcurrentExecutions=request.properties["ReservedConcurrentExecutions"]
    )


def _publish_version(request: Request) -> tuple[str, dict[str, Any]]:
    version = client("lambda", request.region).publish_version(**request.properties)
    return version["FunctionArn"], {"FunctionArn": version["FunctionArn"], "Version": version["Version"]}


# -- what belongs to a function ---------------------------------------------------------------------------------------


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
    # moto has a model of this one, which forgets most of it.
    "AWS::Lambda::Function": ResourceType(
        _create_function,
        lambda request, resource: client("lambda", request.region).delete_function(FunctionName=resource.physical_id),
        names(
            "Architectures Code DeadLetterConfig Description Environment EphemeralStorage FunctionName Handler "
            "KmsKeyArn LoggingConfig MemorySize PackageType ReservedConcurrentExecutions Role Runtime Tags Timeout "
            "TracingConfig"
        ),
        update=_update_function,
        name_property="FunctionName",
    ),
    # moto has a model of this one, which cannot be found again to be deleted.
    "AWS::Lambda::Permission": ResourceType(
        _permission,
        _delete_permission,
        names("Action EventSourceToken FunctionName Principal PrincipalOrgID SourceAccount SourceArn"),
    ),
    # moto has a model of this one, which has the version's number only. A version goes with its function.
    "AWS::Lambda::Version": ResourceType(_publish_version, nothing, names("CodeSha256 Description FunctionName")),
}
