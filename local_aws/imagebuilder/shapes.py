"""Requests and answers against the shapes of botocore's model of Image Builder.

boto3 checks some of a request before it sends it; other clients may check nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from moto.core.utils import get_service_model

from local_aws.imagebuilder.exceptions import InvalidParameterValueException, InvalidRequestException

SERVICE = "imagebuilder"

Document = dict[str, Any]
"""A request, an answer or a part of one, as the service's model has it."""

_PYTHON_TYPES: dict[str, type] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "timestamp": datetime,
    "long": int,
}


class AnswerNotInModel(AssertionError):
    """An answer does not fit the service's model: a defect of the embedded Image Builder."""


class Problem(Enum):
    """What can be wrong with a value."""

    MISSING = "missing"
    TYPE = "type"
    VALUE = "value"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Fault:
    """Something in a document that its shape does not allow; `path` is like `distributions[0].region`."""

    path: str
    problem: Problem
    text: str


@functools.cache
def service_model() -> Any:
    """The service's model, with moto's facade over botocore's."""
    return get_service_model(SERVICE)


def check_request(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that the operation has; others are left out, as AWS does.

    Raises InvalidRequestException (a required parameter is missing, or of another type) and
    InvalidParameterValueException.
    """
    shape = service_model().operation_model(operation).input_shape
    for fault in faults(shape, parameters):
        if fault.problem is Problem.UNKNOWN:
            continue
        if fault.problem is Problem.VALUE:
            raise InvalidParameterValueException(fault.path, fault.text)
        raise InvalidRequestException(fault.text)
    return {name: value for name, value in parameters.items() if name in shape.members}


def check_answer(operation: str, answer: Mapping[str, Any]) -> None:
    """Raises AnswerNotInModel, which lists everything that the operation's output shape does not allow."""
    problems = [f"{fault.path}: {fault.text}" for fault in faults(_output_shape(operation), answer)]
    if problems:
        raise AnswerNotInModel(
            f"expected an answer of {operation} as botocore's model of {SERVICE} has it, found {'; '.join(problems)}; "
            "correct local_aws/imagebuilder"
        )


def has_output(operation: str, member: str) -> bool:
    """Whether the operation answers with `member`."""
    return member in _output_shape(operation).members


def _output_shape(operation: str) -> Any:
    return service_model().operation_model(operation).output_shape


def faults(shape: Any, value: Any, path: str = "") -> Iterator[Fault]:
    """Everything in `value` that `shape` does not allow."""
    # Not isinstance(): True is an int in Python, but not in JSON.
    has_type = type(value) is _PYTHON_TYPES[shape.type_name]
    if not has_type:
        yield Fault(path, Problem.TYPE, f"'{path}' must be of type {shape.type_name}.")
    elif shape.type_name == "structure":
        yield from _structure_faults(shape, value, path)
    elif shape.type_name == "list":
        yield from _range_faults(shape, len(value), "have a length", path)
        for index, item in enumerate(value):
            yield from faults(shape.member, item, f"{path}[{index}]")
    elif shape.type_name == "map":
        # An empty map is allowed: the model requires one tag at least, but AWS itself answers with `"tags": {}`.
        yield from _range_faults(shape, len(value) or 1, "have a length", path)
        for key, item in value.items():
            yield from faults(shape.key, key, f"{path}.{key}")
            yield from faults(shape.value, item, f"{path}.{key}")
    elif shape.type_name == "string":
        yield from _string_faults(shape, value, path)
    elif shape.type_name == "integer":
        yield from _range_faults(shape, value, "be", path)


def _structure_faults(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[Fault]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if name not in value:
            yield Fault(prefix + name, Problem.MISSING, f"The required parameter '{prefix}{name}' is missing.")
    for name, item in value.items():
        if name in shape.members:
            yield from faults(shape.members[name], item, prefix + name)
        else:
            yield Fault(prefix + name, Problem.UNKNOWN, f"'{prefix}{name}' is no member of {shape.name}.")


def _string_faults(shape: Any, value: str, path: str) -> Iterator[Fault]:
    yield from _range_faults(shape, len(value), "have a length", path)
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not re.search(pattern, value):
        yield Fault(path, Problem.VALUE, f"'{path}' must match pattern {pattern}")
    if shape.enum and value not in shape.enum:
        yield Fault(path, Problem.VALUE, f"'{path}' must be one of {', '.join(shape.enum)}.")


def _range_faults(shape: Any, size: int, what: str, path: str) -> Iterator[Fault]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield Fault(path, Problem.VALUE, f"'{path}' must {what} of at least {least}.")
    if most is not None and size > most:
        yield Fault(path, Problem.VALUE, f"'{path}' must {what} of at most {most}.")
