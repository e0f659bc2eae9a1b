"""Components, recipes, configurations, pipelines and lifecycle policies.

Components and image recipes cannot change: they are replaced. Everything else is changed in place, but for its name;
tags are changed in place everywhere.

Source: CloudFormation Template Reference, AWS::ImageBuilder::*, and the types' schemas (`createOnlyProperties`,
`readOnlyProperties`); that another version is needed, users report (cloudformation-coverage-roadmap, issue 927;
ec2-image-builder-roadmap, issue 71).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from local_aws.core.ids import random_uuid
from local_aws.core.resource_types import ResourceType, tags
from local_aws.core.resources import Request, Resource
from local_aws.imagebuilder.api import perform
from local_aws.imagebuilder.arns import latest_version_references
from local_aws.imagebuilder.exceptions import InvalidRequestException, ResourceAlreadyExistsException
from local_aws.imagebuilder.models import ImageBuilderBackend, imagebuilder_backends
from local_aws.imagebuilder.shapes import Document, service_model

_LATEST_VERSION = {
    "LatestVersion.Arn": "latestVersionArn",
    "LatestVersion.Major": "latestMajorVersionArn",
    "LatestVersion.Minor": "latestMinorVersionArn",
    "LatestVersion.Patch": "latestPatchVersionArn",
}

# Properties whose names in the API are not just the template's with a small first letter.
_RENAMED = {"LaunchPermissionConfiguration": "launchPermission", "Version": "semanticVersion"}

# How the operations on each kind name its ARN.
_ARNS = {
    "Component": "componentBuildVersionArn",
    "ImageRecipe": "imageRecipeArn",
    "InfrastructureConfiguration": "infrastructureConfigurationArn",
    "DistributionConfiguration": "distributionConfigurationArn",
    "ImagePipeline": "imagePipelineArn",
    "LifecyclePolicy": "lifecyclePolicyArn",
}


def _backend(request: Request) -> ImageBuilderBackend:
    backend: ImageBuilderBackend = imagebuilder_backends[request.account_id][request.region]
    return backend


def _create(kind: str, request: Request) -> tuple[str, dict[str, Any]]:
    answer = _perform(f"Create{kind}", {"Name": request.name, **_settings(request), "Tags": tags(request)}, request)
    arn = answer[_ARNS[kind]]
    return arn, {"Arn": arn}


def _create_version(kind: str, request: Request) -> tuple[str, dict[str, Any]]:
    arn, attributes = _create(kind, request)
    references = latest_version_references(arn)
    return arn, {**attributes, **{name: references[key] for name, key in _LATEST_VERSION.items()}}


def _create_component(request: Request) -> tuple[str, dict[str, Any]]:
    """The API makes another build of a version that exists; CloudFormation refuses it."""
    name, version = request.properties.get("Name", request.name), request.properties.get("Version")
    for component in _backend(request).components.values():
        if (component["name"], component["version"]) == (name, version):
            raise ResourceAlreadyExistsException("Component", component["arn"])
    arn, attributes = _create_version("Component", request)
    component = _backend(request).components[arn]
    return arn, {**attributes, "Encrypted": component["encrypted"], "Type": component["type"]}


def _update(kind: str, request: Request, resource: Resource) -> None:
    before = resource.request.properties
    changed = {name for name in {*before, *request.properties} if before.get(name) != request.properties.get(name)}
    if changed - {"Tags"}:
        settings = {name: value for name, value in _settings(request).items() if name != "Name"}
        _perform(f"Update{kind}", settings, request, {_ARNS[kind]: resource.physical_id})
    _replace_tags(request, resource)


def _replace_tags(request: Request, resource: Resource) -> None:
    backend, arn, new = _backend(request), resource.physical_id, tags(request)
    before = perform(backend, "ListTagsForResource", {"resourceArn": arn})["tags"]
    if removed := [key for key in before if key not in new]:
        perform(backend, "UntagResource", {"resourceArn": arn, "tagKeys": removed})
    if new:
        perform(backend, "TagResource", {"resourceArn": arn, "tags": new})


def _delete(kind: str, request: Request, resource: Resource) -> None:
    perform(_backend(request), f"Delete{kind}", {_ARNS[kind]: resource.physical_id})


def _settings(request: Request) -> dict[str, Any]:
    return {name: value for name, value in request.properties.items() if name != "Tags"}


def _perform(
    operation: str, properties: Mapping[str, Any], request: Request, more: Mapping[str, str] | None = None
) -> Document:
    """Call an operation with the template's properties, and with `more` parameters of the API."""
    shape = service_model().operation_model(operation).input_shape
    parameters = {**_parameters(shape, properties, "#"), **(more or {}), "clientToken": random_uuid()}
    return perform(_backend(request), operation, parameters)


def _parameters(shape: Any, value: Any, path: str) -> Any:
    """A template's properties as the parameters of a request: the API has the same names with a small first letter.

    Raises InvalidRequestException for a property that the API does not have, in CloudFormation's words.
    """
    if shape.type_name == "list" and isinstance(value, list):
        return [_parameters(shape.member, item, f"{path}/{index}") for index, item in enumerate(value)]
    if shape.type_name != "structure" or not isinstance(value, Mapping):
        return value
    parameters = {}
    for name, item in value.items():
        member = _RENAMED.get(name, name[:1].lower() + name[1:])
        if member not in shape.members:
            raise InvalidRequestException(
                f"Properties validation failed: {path}: extraneous key [{name}] is not permitted"
            )
        parameters[member] = _parameters(shape.members[member], item, f"{path}/{name}")
    return parameters


def _versioned(kind: str, create: Any) -> ResourceType:
    """A type whose resources cannot change: another version of the same name replaces the old one.

    Both have the same name, so that it does not count as a custom name.
    """
    return ResourceType(create, partial(_delete, kind), None, update=_replace_tags)


def _named(kind: str) -> ResourceType:
    return ResourceType(
        partial(_create, kind), partial(_delete, kind), None, update=partial(_update, kind), name_property="Name"
    )


TYPES = {
    "AWS::ImageBuilder::Component": _versioned("Component", _create_component),
    "AWS::ImageBuilder::ImageRecipe": _versioned("ImageRecipe", partial(_create_version, "ImageRecipe")),
    "AWS::ImageBuilder::InfrastructureConfiguration": _named("InfrastructureConfiguration"),
    "AWS::ImageBuilder::DistributionConfiguration": _named("DistributionConfiguration"),
    "AWS::ImageBuilder::ImagePipeline": _named("ImagePipeline"),
    "AWS::ImageBuilder::LifecyclePolicy": _named("LifecyclePolicy"),
}
