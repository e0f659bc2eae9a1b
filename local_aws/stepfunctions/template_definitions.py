"""The definition that a template gives, as CloudFormation hands it to Step Functions.

CloudFormation takes the text that the template gives or points to, fills in the substitutions, and only then reads it:
a file in S3 may be JSON, which stays as it is, or YAML, which becomes JSON.

Source: CloudFormation's own handler of AWS::StepFunctions::StateMachine, which is public
(aws-cloudformation/aws-cloudformation-resource-providers-stepfunctions, DefinitionProcessor). Its reader of YAML is
Jackson's: FasterXML/jackson-dataformats-text, issues 85 and 98.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from moto.core.exceptions import ServiceException

from local_aws.core.errors import NotModelled
from local_aws.core.resources import Request
from local_aws.s3 import objects

_SOURCES = ("DefinitionS3Location", "DefinitionString", "Definition")
_INVALID = "Invalid StateMachine definition."
_IMPLICIT: Any = yaml.resolver.Resolver()
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9_]*)(\.[0-9_]*)?([eE][-+]?[0-9]+)?")


class DefinitionRefused(ServiceException):  # type: ignore[misc]
    """CloudFormation refuses what a template says of a definition. The messages are its own."""

    code = "InternalFailure"


def definition_of(request: Request) -> str:
    """The JSON text that CreateStateMachine and UpdateStateMachine get for the request's properties.

    Raises DefinitionRefused, the errors of `objects.read`, NotModelled for a file that `to_json` does not read.
    """
    properties = request.properties
    given = [name for name in _SOURCES if name in properties]
    if not given:
        raise DefinitionRefused(
            "Property validation failed. Required key [DefinitionS3Location], [DefinitionString] or [Definition] not "
            "found."
        )
    if len(given) > 1:
        raise DefinitionRefused(
            "Property validation failed. Please use one of [DefinitionS3Location], [DefinitionString] or [Definition]."
        )
    substitutions = properties.get("DefinitionSubstitutions", {})
    if "DefinitionString" in properties:
        return _filled(str(properties["DefinitionString"]), substitutions)
    if "Definition" in properties:
        return _filled(json.dumps(properties["Definition"], indent=2, sort_keys=True), substitutions)
    location = properties["DefinitionS3Location"]
    text = objects.read(request.account_id, location["Bucket"], location["Key"], location.get("Version"))
    return to_json(_filled(text, substitutions))


def _filled(definition: str, substitutions: Mapping[str, Any]) -> str:
    for name, value in substitutions.items():
        if not isinstance(value, str | int):
            raise DefinitionRefused(
                "Invalid definition substitution type. Input should be either String, Integer, or Boolean"
            )
        text = str(value).lower() if isinstance(value, bool) else str(value)
        definition = definition.replace(f"${{{name}}}", text)
    return definition


# -- YAML -------------------------------------------------------------------------------------------------------------


def to_json(text: str) -> str:
    """A definition in a file as the JSON text that CloudFormation makes of it: JSON as it is, or what the YAML means.

    Raises DefinitionRefused when it is neither; NotModelled for an alias, a key that comes twice, a tag, or a number
    that is not decimal: YAML that CloudFormation reads as something else than it says.
    """
    try:
        json.loads(text)
    except ValueError:
        pass
    else:
        return text
    events = yaml.parse(text, yaml.CSafeLoader)
    try:
        next(event for event in events if isinstance(event, yaml.DocumentStartEvent))
        return json.dumps(_value(next(events), events), indent=2, ensure_ascii=False)
    except (yaml.YAMLError, StopIteration) as error:
        raise DefinitionRefused(_INVALID) from error


def _value(event: Any, events: Iterator[Any]) -> Any:
    """The value that begins with the event."""
    _check(event)
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            items.append(_value(item, events))
        return items
    mapping: dict[str, Any] = {}
    while not isinstance(key := next(events), yaml.MappingEndEvent):
        name = _key(key)
        if name in mapping:
            expected = "each key once, for CloudFormation keeps the last without a word"
            raise _not_modelled(key, expected, f"{name} again", "remove one of the two")
        mapping[name] = _value(next(events), events)
    return mapping


def _key(event: Any) -> str:
    _check(event)
    if not isinstance(event, yaml.ScalarEvent):
        raise DefinitionRefused(_INVALID)
    return str(event.value)


def _scalar(event: yaml.ScalarEvent) -> Any:
    text = event.value
    match _IMPLICIT.resolve(yaml.ScalarNode, text, event.implicit).rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text.lower() in ("yes", "true", "on")
        case "int" | "float" if not _DECIMAL.fullmatch(text):
            raise _not_modelled(event, "a decimal number", text, "write it in decimal, or in quotes")
        case "int":
            return int(text)
        case "float":
            return float(text)
        case _:
            return text


def _check(event: Any) -> None:
    """Raise NotModelled for an alias or a tag."""
    if isinstance(event, yaml.AliasEvent):
        expected = "no alias, for CloudFormation takes one for a string, the name of its anchor"
        raise _not_modelled(event, expected, f"*{event.anchor}", "write out what it stands for")
    if event.tag is not None:
        raise _not_modelled(event, "no tag, for CloudFormation ignores it", event.tag, "remove it")


def _not_modelled(event: Any, expected: str, found: str, remedy: str) -> NotModelled:
    line = event.start_mark.line + 1
    return NotModelled(
        f"line {line} of a state machine's definition: the embedded AWS expects {expected}, found {found}; {remedy}"
    )
