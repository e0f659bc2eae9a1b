"""Definitions of state machines: what Step Functions refuses, and what the embedded AWS does not model."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException

from local_aws.core.errors import NotModelled

_UNMODELLED_FIELDS = (
    *("Assign", "Output", "Arguments", "Items"),
    *("HeartbeatSeconds", "HeartbeatSecondsPath", "Credentials"),
)
_UNMODELLED_RESOURCES = (".waitForTaskToken", ".sync", ".sync:2")


class InvalidDefinition(AWSError):  # type: ignore[misc]
    """The text is not the definition of a state machine. moto's own error of this name loses its code on the way."""

    TYPE = "InvalidDefinition"


@lru_cache(maxsize=64)
def parse(definition: str) -> Any:
    """The definition, a JSON text, as moto's interpreter runs it."""
    return AmazonStateLanguageParser.parse(definition)[0]


def check(definition: str) -> None:
    """Raise InvalidDefinition for a text that Step Functions refuses, NotModelled for what nothing here would run."""
    try:
        machine = json.loads(definition)
    except ValueError as error:
        raise InvalidDefinition(f"Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: {error}'") from None
    if not isinstance(machine, dict):
        raise InvalidDefinition(
            "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: The value is not an object at /'"
        )
    _refuse_unmodelled(machine, "")
    try:
        parse(definition)
    except ASLParserException as error:
        raise InvalidDefinition(
            f"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: {'; '.join(error.errors)}'"
        ) from None
    except (ValueError, TypeError, RuntimeError) as error:
        raise InvalidDefinition(f"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: {error}'") from None
    _check_transitions(machine, "")


def _refuse_unmodelled(machine: dict[str, Any], where: str) -> None:
    if machine.get("QueryLanguage", "JSONPath") != "JSONPath":
        raise _unmodelled(f"the query language {machine['QueryLanguage']} at {where}/QueryLanguage: write JSONPath")
    for name, body in _states(machine).items():
        path = f"{where}/States/{name}"
        if body.get("QueryLanguage", "JSONPath") != "JSONPath":
            raise _unmodelled(f"the query language {body['QueryLanguage']} at {path}/QueryLanguage: write JSONPath")
        for field in _UNMODELLED_FIELDS:
            if field in body:
                raise _unmodelled(f"{field} at {path}/{field}")
        for holder in (*body.get("Catch", []), *body.get("Choices", [])):
            for field in ("Assign", "Output"):
                if isinstance(holder, dict) and field in holder:
                    raise _unmodelled(f"{field} at {path}")
        resource = body.get("Resource")
        if isinstance(resource, str) and (resource.endswith(_UNMODELLED_RESOURCES) or ":activity:" in resource):
            raise _unmodelled(f"the resource {resource} at {path}/Resource")
        for inner, inner_path in _inner_machines(body, path):
            if inner.get("ProcessorConfig", {}).get("Mode", "INLINE") != "INLINE":
                raise _unmodelled(f"a distributed Map at {path}")
            _refuse_unmodelled(inner, inner_path)


def _unmodelled(what: str) -> NotModelled:
    return NotModelled(f"the embedded AWS does not model {what}")


def _check_transitions(machine: dict[str, Any], where: str) -> None:
    states = _states(machine)
    targets = [("StartAt", f"{where}/StartAt", machine.get("StartAt"))]
    for name, body in states.items():
        path = f"{where}/States/{name}"
        targets += [(key, f"{path}/{key}", body[key]) for key in ("Next", "Default") if key in body]
        for field in ("Catch", "Choices"):
            targets += [
                ("Next", f"{path}/{field}[{position}]/Next", holder.get("Next"))
                for position, holder in enumerate(body.get(field, []))
            ]
        for inner, inner_path in _inner_machines(body, path):
            _check_transitions(inner, inner_path)
    for field, path, target in targets:
        if target not in states:
            raise InvalidDefinition(
                "Invalid State Machine Definition: "
                f"'MISSING_TRANSITION_TARGET: Missing '{field}' target: {target} at {path}'"
            )


def _states(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    states = machine.get("States")
    return {name: body for name, body in states.items() if isinstance(body, dict)} if isinstance(states, dict) else {}


def _inner_machines(body: dict[str, Any], path: str) -> list[tuple[dict[str, Any], str]]:
    inner = [(body[key], f"{path}/{key}") for key in ("ItemProcessor", "Iterator") if isinstance(body.get(key), dict)]
    inner += [
        (branch, f"{path}/Branches[{position}]")
        for position, branch in enumerate(body.get("Branches", []))
        if isinstance(branch, dict)
    ]
    return inner
