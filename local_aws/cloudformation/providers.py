"""How a resource is created, updated and deleted by its type, and how it fails, in CloudFormation's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError
from moto.cloudformation.parsing import generate_resource_name
from moto.core.exceptions import ServiceException

from local_aws.cloudformation import schemas, types
from local_aws.core import faults
from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceFailed, ResourceType, client
from local_aws.core.resources import Request, Resource

SNAPSHOTS = ("AWS::EC2::Volume",)
"""The types of which the embedded AWS makes snapshots."""


def _type(name: str) -> ResourceType:
    """The type of that name, which the template was checked to have: see `validation.check_types`."""
    resource_type = types.find(name)
    assert resource_type is not None
    return resource_type


def name_property(resource_type: str) -> str | None:
    """The property by which a template may name a resource of the type."""
    return _type(resource_type).name_property


def name_for(resource_type: str, stack_name: str, logical_id: str, properties: Mapping[str, Any]) -> str:
    """The name of a new resource: the template's, or one made of the stack's name and the logical id."""
    named = name_property(resource_type)
    if named and named in properties:
        return str(properties[named])
    return str(generate_resource_name(resource_type, stack_name, logical_id))


def create(request: Request) -> tuple[str, Mapping[str, Any]]:
    """Create the resource; return its physical id and its attributes.

    Raises ResourceFailed with the service's own error, NotModelled.
    """
    with _failures(request):
        return _checked_type(request).create(request)


def update(request: Request, resource: Resource) -> None:
    """Update the resource in place to the request's properties.

    Raises ResourceFailed with the service's own error, NotModelled.
    """
    with _failures(request):
        resource_type = _checked_type(request)
        if resource_type.update is not None:
            resource_type.update(request, resource)
        elif resource_type.repeatable:
            resource_type.create(request)
        else:
            raise NotModelled(f"the embedded AWS does not model the update of an {request.type} in place")


def delete(resource: Resource) -> None:
    """Delete the resource.

    Raises ResourceFailed with the service's own error, NotModelled.
    """
    request = resource.request
    with _failures(request):
        _type(request.type).delete(request, resource)


def snapshot(resource: Resource) -> None:
    """Make a snapshot of the resource, which is of one of SNAPSHOTS and about to be deleted.

    Raises ResourceFailed with the service's own error.
    """
    with _failures(resource.request):
        client("ec2", resource.request.region).create_snapshot(VolumeId=resource.physical_id)


def attribute(resource: Resource, name: str) -> Any:
    """The attribute of the resource, as Fn::GetAtt returns it.

    Raises ResourceFailed when the type has no such attribute, NotModelled when the embedded AWS does not have it.
    """
    resource_type = resource.definition.type
    if name in resource.attributes:
        return resource.attributes[name]
    if name == schemas.primary_identifier(resource_type):
        return resource.physical_id
    if not schemas.has_attribute(resource_type, name):
        raise ResourceFailed(
            f"Template error: resource {resource.logical_id} does not support attribute type {name} in Fn::GetAtt"
        )
    raise NotModelled(f"the embedded AWS does not model the attribute {name} of an {resource_type}")


def _checked_type(request: Request) -> ResourceType:
    """The type of the resource.

    Raises NotModelled when the request gives a property that the type does not model.
    """
    resource_type = _type(request.type)
    unknown = [] if resource_type.properties is None else sorted(request.properties.keys() - resource_type.properties)
    if unknown:
        raise NotModelled(f"the embedded AWS does not model {', '.join(unknown)} of an {request.type}")
    return resource_type


@contextmanager
def _failures(request: Request) -> Iterator[None]:
    """Turns the services' errors into the failure of the resource, in CloudFormation's words.

    No call inside meets a fault: these are CloudFormation's calls, not those of what is tested on the embedded AWS.
    """
    try:
        with faults.spared():
            yield
    except (ResourceFailed, NotModelled):
        raise
    except ClientError as error:
        raise _service_error(request, error.response["Error"]["Code"], error.response["Error"]["Message"]) from error
    except ServiceException as error:
        raise _service_error(request, error.code, error.message) from error
    except ParamValidationError as error:
        raise ResourceFailed(f"Properties validation failed for resource of type {request.type}: {error}") from error
    except Exception as error:
        # moto raises all kinds of exceptions over properties that it does not expect; none may end the operation.
        raise NotModelled(
            f"the embedded AWS failed at the {request.type}, with {type(error).__name__}: {error}"
        ) from error


def _service_error(request: Request, code: str, text: str) -> ResourceFailed:
    service = request.type.split("::")[1]
    return ResourceFailed(
        f'Resource handler returned message: "{text} (Service: {service}, Status Code: 400)" (HandlerErrorCode: {code})'
    )
