"""A CloudFormation resource type as a service's `resource_types.py` defines it, and what such definitions share."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from local_aws.core.resources import Request, Resource

_BY_CLOUDFORMATION = Config(user_agent="cloudformation.amazonaws.com")

Creation = Callable[[Request], tuple[str, Mapping[str, Any]]]


class ResourceFailed(Exception):
    """A resource could not be created, updated or deleted. The message is its ResourceStatusReason."""


@functools.cache
def client(service: str, region: str) -> Any:
    """A client with which CloudFormation calls the service: CloudTrail names CloudFormation as the user agent."""
    return boto3.client(service, region_name=region, config=_BY_CLOUDFORMATION)  # type: ignore[call-overload]


@dataclass(frozen=True)
class ResourceType:
    """How the resources of a type are created, updated and deleted; as a rule, by calls of the service's API.

    `create` returns the physical id and the attributes, which Fn::GetAtt reads. `update` gets the new request, and the
    resource as it is with its old request; it may give the resource other attributes. Without `update`, the type cannot
    be updated in place; but with `repeatable`, `create` updates as well: the API call is a Put or a Set. `delete` gets
    the request that the resource is made of. An error of the API fails the resource.

    `properties` are those that the type models; a template with another one fails. With None, the API refuses what it
    does not know. `name_property` is the property that names the resource, if there is one.
    """

    create: Creation
    delete: Callable[[Request, Resource], Any]
    properties: frozenset[str] | None
    update: Callable[[Request, Resource], Any] | None = None
    repeatable: bool = False
    name_property: str | None = None


def names(text: str) -> frozenset[str]:
    """The names in `text`, which are separated by spaces."""
    return frozenset(text.split())


def nothing(_: Request, __: Resource) -> None:
    """The update or deletion of a resource of which no service keeps anything."""


def policy_text(document: Any) -> str:
    """A policy document, an object or JSON text, as the APIs take it: as JSON text."""
    return document if isinstance(document, str) else json.dumps(document)


def attribute_text(value: Any) -> str:
    """A value as the APIs take the attributes of topics and queues: as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict) else str(value)


def picked(properties: Mapping[str, Any], *selected: str) -> dict[str, Any]:
    """The properties with the selected names, as far as they are given."""
    return {name: properties[name] for name in selected if name in properties}


def without(properties: Mapping[str, Any], *excluded: str) -> dict[str, Any]:
    """The properties but those with the excluded names."""
    return {name: value for name, value in properties.items() if name not in excluded}


def lower_first(value: Any) -> Any:
    """The value with the first letter of every key in lower case, as some APIs have it."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: lower_first(item) for key, item in value.items()}
    return [lower_first(item) for item in value] if isinstance(value, list) else value


def tags(request: Request) -> dict[str, str]:
    """The tags of the resource: those of the stack, and its own, which take precedence.

    Source: CloudFormation User Guide, "Resource tag": stack-level tags are propagated to the resources.
    """
    own = request.properties.get("Tags", [])
    listed = own.items() if isinstance(own, dict) else [(tag["Key"], tag["Value"]) for tag in own]
    return {**request.tags, **dict(listed)}


def tag_list(by_key: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most of the APIs take them: as a list of keys and values."""
    return [{"Key": key, "Value": value} for key, value in by_key.items()]


def retag(
    request: Request,
    resource: Resource,
    add: Callable[[dict[str, str]], Any],
    remove: Callable[[list[str]], Any],
) -> None:
    """Give the resource the tags of the request in place of those that it has, by the two calls of its API."""
    new, old = tags(request), tags(resource.request)
    if removed := [key for key in old if key not in new]:
        remove(removed)
    if new:
        add(new)
