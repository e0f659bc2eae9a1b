"""A resource type whose resources are made of calls of its service's API, and what such types have in common."""

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
    """A resource could not be created, updated or deleted; the text is its ResourceStatusReason."""


@functools.cache
def client(service: str, region: str) -> Any:
    """A client of the embedded AWS's own, which says who it is: CloudTrail names CloudFormation as the user agent."""
    return boto3.client(service, region_name=region, config=_BY_CLOUDFORMATION)  # type: ignore[call-overload]


@dataclass(frozen=True)
class ResourceType:
    """A type whose resources are created, updated and deleted by API calls.

    `create` gives the physical id and the attributes. `properties` are those that it does something with; a template
    that gives another one fails. None: the API itself refuses others. `update` gets the new request, and the resource
    as it is with its old request. With `repeatable`, to create again is to update: the API call is a Put or a Set.
    `name_property` is the property that names the resource, if any does.
    """

    create: Creation
    delete: Callable[[Request, Resource], Any]
    properties: frozenset[str] | None
    update: Callable[[Request, Resource], Any] | None = None
    repeatable: bool = False
    name_property: str | None = None


def names(text: str) -> frozenset[str]:
    """The names in a text, which spaces separate."""
    return frozenset(text.split())


def nothing(_: Request, __: Resource) -> None:
    """Nothing is kept of the resource but the stack's own record."""


def policy_text(document: Any) -> str:
    """A policy document as the APIs take it."""
    return document if isinstance(document, str) else json.dumps(document)


def attribute_text(value: Any) -> str:
    """A value as the APIs take the attributes of topics and queues."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict) else str(value)


def picked(properties: Mapping[str, Any], *wanted: str) -> dict[str, Any]:
    """Those of the properties that are wanted and given."""
    return {name: properties[name] for name in wanted if name in properties}


def without(properties: Mapping[str, Any], *unwanted: str) -> dict[str, Any]:
    """The properties but those that are not wanted."""
    return {name: value for name, value in properties.items() if name not in unwanted}


def lower_first(value: Any) -> Any:
    """The value with every key beginning with a small letter, as some APIs have them."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: lower_first(item) for key, item in value.items()}
    return [lower_first(item) for item in value] if isinstance(value, list) else value


def tags(request: Request) -> dict[str, str]:
    """The tags of the resource: those of the stack, and its own, which prevail.

    Source: CloudFormation User Guide, "Resource tag": stack-level tags are propagated to the resources.
    """
    own = request.properties.get("Tags", [])
    listed = own.items() if isinstance(own, dict) else [(tag["Key"], tag["Value"]) for tag in own]
    return {**request.tags, **dict(listed)}


def tag_list(found: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most of the APIs take them."""
    return [{"Key": key, "Value": value} for key, value in found.items()]


def retag(
    request: Request,
    resource: Resource,
    add: Callable[[dict[str, str]], Any],
    remove: Callable[[list[str]], Any],
) -> None:
    """Give the resource the tags of the request instead of those that it has."""
    new, old = tags(request), tags(resource.request)
    if gone := [key for key in old if key not in new]:
        remove(gone)
    if new:
        add(new)
