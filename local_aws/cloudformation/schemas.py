"""AWS's published schemas of resource types, as the package of cfn-lint carries them.

They have the properties that cannot be changed without replacing the resource, and the type of each property.
Source: CloudFormation User Guide for extension development, "Resource type schema".
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_REGION_OF_ALL_TYPES = "us-east-1"


class SchemasNotFound(ImportError):
    """cfn-lint does not carry the schemas where they were."""


@functools.cache
def _directory() -> Path:
    spec = importlib.util.find_spec("cfnlint")
    directory = Path(spec.origin).parent / "data" / "schemas" if spec and spec.origin else None
    if directory is None or not (directory / "providers" / f"{_REGION_OF_ALL_TYPES}.json").exists():
        raise SchemasNotFound(
            f"expected the resource schemas of cfn-lint at {directory}, found none; "
            "install the cfn-lint of requirements/dev.txt, or adapt local_aws/cloudformation/schemas.py"
        )
    return directory


@functools.cache
def _types() -> dict[str, str]:
    path = _directory() / "providers" / f"{_REGION_OF_ALL_TYPES}.json"
    types: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return types


def exists(resource_type: str) -> bool:
    """Whether AWS has a resource type of that name; a custom resource may have any under Custom::."""
    return resource_type in _types() or resource_type.startswith("Custom::")


@functools.cache
def schema(resource_type: str) -> Mapping[str, Any]:
    """The schema of the resource type; an empty one when AWS publishes none."""
    if resource_type not in _types():
        return {}
    path = _directory() / "resources" / f"{_types()[resource_type]}.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def needs_replacement(resource_type: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the change of properties needs a new physical resource."""
    return any(_at(old, path) != _at(new, path) for path in schema(resource_type).get("createOnlyProperties", []))


def has_attribute(resource_type: str, name: str) -> bool:
    """Whether Fn::GetAtt reads the attribute of a resource of the type; True when AWS publishes none of its."""
    published = schema(resource_type).get("readOnlyProperties", [])
    return not published or name == primary_identifier(resource_type) or _pointer(name) in published


def _pointer(name: str) -> str:
    return f"/properties/{name.replace('.', '/')}"


def primary_identifier(resource_type: str) -> str | None:
    """The property that identifies a resource of the type, None when it takes several."""
    names = [path.removeprefix("/properties/") for path in schema(resource_type).get("primaryIdentifier", [])]
    return names[0] if len(names) == 1 else None


def coerced(resource_type: str, properties: dict[str, Any]) -> dict[str, Any]:
    """The properties with text, numbers and booleans as the schema has them: CloudFormation converts each to each."""
    root = schema(resource_type)
    result = _coerced(root, root, properties)
    return result if isinstance(result, dict) else properties


def _at(properties: Mapping[str, Any], path: str) -> Any:
    value: Any = properties
    for key in path.removeprefix("/properties/").split("/"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _coerced(root: Mapping[str, Any], node: Any, value: Any) -> Any:
    while isinstance(node, Mapping) and "$ref" in node:
        node = _pointed(root, node["$ref"])
    if not isinstance(node, Mapping):
        return value
    if isinstance(value, dict):
        declared = node.get("properties", {})
        return {key: _coerced(root, declared.get(key), item) for key, item in value.items()}
    if isinstance(value, list):
        return [_coerced(root, node.get("items"), item) for item in value]
    return _scalar(node.get("type"), value)


def _pointed(root: Mapping[str, Any], pointer: str) -> Any:
    node: Any = root
    for key in pointer.removeprefix("#/").split("/"):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


def _scalar(kind: Any, value: Any) -> Any:
    if kind == "string" and isinstance(value, bool):
        return str(value).lower()
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    if kind == "boolean" and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind in ("integer", "number") and isinstance(value, str):
        try:
            return int(value) if kind == "integer" or value.lstrip("-").isdigit() else float(value)
        except ValueError:
            return value
    return value
