"""Operations on components."""

from __future__ import annotations

from local_aws.imagebuilder.arns import (
    is_managed,
    latest_match,
    latest_version_references,
    normalised,
    version_arn,
    version_order,
)
from local_aws.imagebuilder.component_documents import MANAGED_COMPONENTS, component_document, component_parameters
from local_aws.imagebuilder.exceptions import InvalidParameterCombinationException, ResourceAlreadyExistsException
from local_aws.imagebuilder.models import ImageBuilderBackend
from local_aws.imagebuilder.not_modelled import OperationNotModelled, refuse, refuse_other_owners
from local_aws.imagebuilder.operations.resources import add, check_key, delete, existing, now
from local_aws.imagebuilder.pages import page
from local_aws.imagebuilder.shapes import Document

_GIVEN = ("name", "description", "changeDescription", "platform", "supportedOsVersions", "data", "kmsKeyId")
_LISTED = ("name", "version", "description", "platform", "supportedOsVersions", "type", "owner", "dateCreated")


def find(backend: ImageBuilderBackend, arn: str) -> Document:
    """The latest component that an ARN matches, which may have wildcards and leave the build out.

    Raises ResourceNotFoundException, and OperationNotModelled for a component that Amazon manages.
    """
    if is_managed(arn):
        raise OperationNotModelled(f"the document of the Amazon-managed component {arn} is not in the embedded AWS")
    return existing(backend.components, latest_match(arn, backend.components) or arn)


def build_arn(backend: ImageBuilderBackend, arn: str) -> str:
    """The ARN of the latest component build that a recipe's component ARN matches.

    Raises ResourceNotFoundException.
    """
    if is_managed(arn):
        prefix, name = arn.split("/")[:2]
        return f"{prefix}/{name}/{MANAGED_COMPONENTS[name]}/1"
    return str(find(backend, arn)["arn"])


def _create(backend: ImageBuilderBackend, request: Document) -> Document:
    """The same name and version again is a new build of it, unless the content is the same as well."""
    if ("data" in request) == ("uri" in request):
        raise InvalidParameterCombinationException("Exactly one of 'data' and 'uri' must be specified.")
    refuse(request, "CreateComponent", "uri")
    check_key(backend, request, "kmsKeyId")
    document = component_document(request["data"])
    version = backend.arn(f"component/{normalised(request['name'])}/{request['semanticVersion']}")
    previous = latest_match(version, backend.components)
    if previous is not None and backend.components[previous]["data"] == request["data"]:
        raise ResourceAlreadyExistsException("Component", previous)
    arn = backend.next_build(version)
    component = {
        **{name: request[name] for name in _GIVEN if name in request},
        "arn": arn,
        "version": request["semanticVersion"],
        "type": "TEST" if {phase["name"] for phase in document["phases"]} == {"test"} else "BUILD",
        "parameters": component_parameters(document),
        "state": {"status": "ACTIVE"},
        "owner": backend.account_id,
        "encrypted": True,
        "dateCreated": now(),
        "tags": request.get("tags", {}),
    }
    add(request, backend.components, component)
    backend.take_build(arn)
    return {"componentBuildVersionArn": arn, "latestVersionReferences": latest_version_references(arn)}


def _get(backend: ImageBuilderBackend, request: Document) -> Document:
    component = find(backend, request["componentBuildVersionArn"])
    return {"component": component, "latestVersionReferences": latest_version_references(component["arn"])}


def _list(backend: ImageBuilderBackend, request: Document) -> Document:
    refuse_other_owners(request, "ListComponents")
    versions = {}
    for arn in sorted(backend.components, key=version_order):
        component = backend.components[arn]
        versions[version_arn(arn)] = {
            **{name: component[name] for name in _LISTED if name in component},
            "arn": version_arn(arn),
            "status": component["state"]["status"],
        }
    return page("ListComponents", request, versions.values(), "componentVersionList")


def _delete(backend: ImageBuilderBackend, request: Document) -> Document:
    arn = request["componentBuildVersionArn"]
    existing(backend.components, arn)
    used = {
        latest_match(configuration["componentArn"], backend.components)
        for recipe in backend.image_recipes.values()
        for configuration in recipe.get("components", [])
    }
    delete(backend.components, arn, is_used=arn in used)
    return {"componentBuildVersionArn": arn}


OPERATIONS = {
    "CreateComponent": _create,
    "GetComponent": _get,
    "ListComponents": _list,
    "DeleteComponent": _delete,
}
