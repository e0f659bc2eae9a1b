"""What the operations on all kinds of resource have in common: to find, create, change and delete one."""

from __future__ import annotations

from collections.abc import Mapping

from local_aws.core import clock
from local_aws.core.times import iso
from local_aws.imagebuilder.arns import normalised
from local_aws.imagebuilder.exceptions import (
    DryRunOperationException,
    InvalidParameterValueException,
    ResourceAlreadyExistsException,
    ResourceDependencyException,
    ResourceNotFoundException,
)
from local_aws.imagebuilder.models import ImageBuilderBackend
from local_aws.imagebuilder.shapes import Document
from local_aws.kms import keys


def now() -> str:
    """The virtual moment, as Image Builder formats dates."""
    return iso(clock.current().now())


def settings_of(request: Document) -> Document:
    """The parameters of a request that are settings of the resource itself."""
    return {name: value for name, value in request.items() if name not in ("clientToken", "dryRun")}


def existing(resources: Mapping[str, Document], arn: str) -> Document:
    """The resource of that ARN.

    Raises ResourceNotFoundException.
    """
    if arn not in resources:
        raise ResourceNotFoundException(arn)
    return resources[arn]


def add(request: Document, resources: dict[str, Document], resource: Document) -> None:
    """Keep a new resource.

    Raises DryRunOperationException when the request is to change nothing.
    """
    if request.get("dryRun"):
        raise DryRunOperationException()
    resources[resource["arn"]] = resource


def delete(resources: dict[str, Document], arn: str, is_used: bool) -> None:
    """Delete a resource that exists.

    Raises ResourceDependencyException when others use it.
    """
    if is_used:
        raise ResourceDependencyException(f"The resource ARN '{arn}' has other resources depended on it.")
    del resources[arn]


def delete_unused(
    backend: ImageBuilderBackend, request: Document, parameter: str, resources: dict[str, Document]
) -> Document:
    """Delete what pipelines refer to by `parameter`, unless one does.

    Raises ResourceNotFoundException, ResourceDependencyException.
    """
    arn = request[parameter]
    existing(resources, arn)
    pipelines = backend.image_pipelines.values()
    delete(resources, arn, is_used=any(pipeline.get(parameter) == arn for pipeline in pipelines))
    return {parameter: arn}


def create_configuration(
    backend: ImageBuilderBackend,
    request: Document,
    kind: str,
    resources: dict[str, Document],
    configuration: Document,
) -> Document:
    """Create what has a name and no versions. `kind` is the resource's type in ARNs: `image-pipeline`.

    Raises ResourceAlreadyExistsException, DryRunOperationException.
    """
    arn = backend.arn(f"{kind}/{normalised(request['name'])}")
    if arn in resources:
        raise ResourceAlreadyExistsException(_pascal(kind), arn)
    date = now()
    resource = {"tags": {}, **configuration, "arn": arn, "dateCreated": date, "dateUpdated": date}
    add(request, resources, resource)
    return {f"{_camel(kind)}Arn": arn}


def update_configuration(
    request: Document, kind: str, resources: dict[str, Document], configuration: Document
) -> Document:
    """Replace all settings by those of the request; what it leaves out is reset.

    Raises ResourceNotFoundException.
    """
    parameter = f"{_camel(kind)}Arn"
    arn = request[parameter]
    kept = {name: existing(resources, arn)[name] for name in ("arn", "name", "dateCreated", "tags")}
    resources[arn] = {**configuration, **kept, "dateUpdated": now()}
    del resources[arn][parameter]
    return {parameter: arn}


def check_key(backend: ImageBuilderBackend, settings: Document, name: str, path: str = "") -> None:
    """Refuse a KMS key, the setting `name`, that does not exist in the Region. `path` leads to the settings.

    Raises InvalidParameterValueException.
    """
    if name in settings and keys.arn_of(backend.account_id, backend.region_name, settings[name]) is None:
        raise InvalidParameterValueException(f"{path}{name}", f"The KMS key '{settings[name]}' does not exist.")


def _camel(kind: str) -> str:
    return kind[0] + _pascal(kind)[1:]


def _pascal(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("-"))
