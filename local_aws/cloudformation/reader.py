"""The text of a template, JSON or YAML, as CloudFormation reads it.

In YAML a function may have its short form, and a date is a string.
Source: CloudFormation User Guide, "Template formats", "Intrinsic function reference".
"""

from __future__ import annotations

import functools
import json
from typing import Any

import yaml

from local_aws.cloudformation.errors import ValidationError


class _Loader(yaml.CSafeLoader):
    """libyaml's, which takes a tenth of the time."""


class _PythonLoader(yaml.SafeLoader):
    """PyYAML's own. The end of a text that ends too early is where it ends; for libyaml it is on the next line."""


def _short_form(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


for _loader in (_Loader, _PythonLoader):
    _loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _loader.add_multi_constructor("!", _short_form)


@functools.cache
def read_template(text: str) -> dict[str, Any]:
    """The document of a template, with the short forms of functions spelled out.

    The same text gives the same object: do not change it. Raises ValidationError, with CloudFormation's
    "Template format error", when the text is neither JSON nor YAML, or no object.
    """
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else _read_yaml(text)
    except json.JSONDecodeError as error:
        raise ValidationError(
            f"Template format error: JSON not well-formed. (line {error.lineno}, column {error.colno})"
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValidationError(f"Template format error: YAML not well-formed.{where}") from error
    if not isinstance(document, dict):
        raise ValidationError("Template format error: unsupported structure.")
    return document


def _read_yaml(text: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError:
        return yaml.load(text, _PythonLoader)
