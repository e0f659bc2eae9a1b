"""The input of an execution, checked key by key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from autopatch.contracts import Trigger
from autopatch.errors import InvalidInput
from autopatch.settings import ACCEPTABLE, STACK_NAME, Rollback

MAX_TARGETS = 10
LONGEST_LINE = 256
"""Characters of a free text."""

AMI_ID = re.compile(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_Choice = TypeVar("_Choice", bound=StrEnum)
_PARAMETER_NAME = re.compile(r"[a-zA-Z0-9]{1,255}")


@dataclass(frozen=True)
class RequestedTarget:
    """A stack to patch, as the input or the deployment names it."""

    stack_name: str
    ami_parameter: str | None = None
    capacity_parameter: str | None = None
    accept: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExecutionInput:
    """The input of the execution; every key is optional."""

    trigger: Trigger = Trigger.MANUAL
    reason: str | None = None
    targets: tuple[RequestedTarget, ...] | None = None
    ami_id: str | None = None
    dry_run: bool = False
    rollback: Rollback | None = None

    @classmethod
    def from_event(cls, document: Any) -> ExecutionInput:
        """Raises InvalidInput, naming the key, for anything else than an input."""
        if not isinstance(document, dict):
            raise InvalidInput(
                f"the execution's input: expected a JSON object such as {{}}, found {_shown(document)}; "
                "start the execution again with an object"
            )
        # The console's new execution has this key, and other tools annotate with it.
        document = {key: value for key, value in document.items() if key != "Comment"}
        _check_keys(document, ("trigger", "reason", "targets", "amiId", "dryRun", "rollback"), "the execution's input")
        execution_input = cls(
            trigger=_one_of(document, "trigger", Trigger) or Trigger.MANUAL,
            reason=_line(document, "reason"),
            targets=_targets(document["targets"]) if "targets" in document else None,
            ami_id=_name(document, "amiId", AMI_ID, "the id of an AMI, such as ami-0123456789abcdef0"),
            dry_run=_flag(document, "dryRun"),
            rollback=_one_of(document, "rollback", Rollback),
        )
        if execution_input.trigger is Trigger.BASE_IMAGE and execution_input.ami_id is not None:
            raise InvalidInput(
                "amiId: expected none beside the trigger 'base-image', which asks for a new image, "
                f"found {execution_input.ami_id!r}; leave one of the two out"
            )
        return execution_input


def _check_keys(document: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in document:
        if key not in known:
            close = difflib.get_close_matches(key.lower(), [name.lower() for name in known], n=1, cutoff=0.5)
            nearest = next((name for name in known if close and name.lower() == close[0]), None)
            hint = f"did you mean {nearest!r}?" if nearest else "leave it out"
            raise InvalidInput(f"{where}: expected only the keys {', '.join(known)}, found {_shown(key)}; {hint}")


def _targets(value: Any) -> tuple[RequestedTarget, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_TARGETS:
        size = f"a list of {len(value)}" if isinstance(value, list) else _shown(value)
        raise InvalidInput(f"targets: expected a list of 1 to {MAX_TARGETS} stacks, found {size}; name the stacks")
    targets = tuple(_target(entry, f"targets[{index}]") for index, entry in enumerate(value))
    names = [target.stack_name for target in targets]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(
                f"targets: expected each stack once, found {name!r} {names.count(name)} times; name it once"
            )
    return targets


def _target(value: Any, where: str) -> RequestedTarget:
    if isinstance(value, str):
        value = {"stackName": value}
    if not isinstance(value, dict):
        raise InvalidInput(
            f"{where}: expected a stack name or an object with stackName, found {_shown(value)}; name the stack"
        )
    _check_keys(value, ("stackName", "amiParameter", "capacityParameter", "accept"), where)
    stack_name = _name(value, "stackName", STACK_NAME, "the name of a stack", where)
    if stack_name is None:
        raise InvalidInput(f"{where}.stackName: expected the name of a stack, found nothing; name the stack")
    return RequestedTarget(
        stack_name=stack_name,
        ami_parameter=_name(value, "amiParameter", _PARAMETER_NAME, "the name of a stack parameter", where),
        capacity_parameter=_name(value, "capacityParameter", _PARAMETER_NAME, "the name of a stack parameter", where),
        accept=_accepted(value["accept"], where) if "accept" in value else (),
    )


def _accepted(value: Any, where: str) -> tuple[str, ...]:
    wrong = [entry for entry in value if entry not in ACCEPTABLE] if isinstance(value, list) else [value]
    if wrong:
        raise InvalidInput(
            f"{where}.accept: expected a list of findings that can be accepted ({', '.join(ACCEPTABLE)}), "
            f"found {_shown(wrong[0])}; correct it or leave it out"
        )
    return tuple(value)


def _one_of(document: Mapping[str, Any], key: str, choices: type[_Choice]) -> _Choice | None:
    if key not in document:
        return None
    value = document[key]
    try:
        return choices(value)
    except ValueError:
        close = difflib.get_close_matches(str(value), list(choices), n=1)
        hint = f"did you mean {str(close[0])!r}?" if close else "correct it or leave it out"
        raise InvalidInput(f"{key}: expected one of {', '.join(choices)}, found {_shown(value)}; {hint}") from None


def _line(document: Mapping[str, Any], key: str) -> str | None:
    """A text of one line: line breaks and control characters would pass for other parts of a notification."""
    value = document.get(key)
    if key in document and not (isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_LINE):
        raise InvalidInput(
            f"{key}: expected a string of at most {LONGEST_LINE} printable characters, without line breaks, found "
            f"{_shown(value)}; correct it or leave it out"
        )
    return value


def _flag(document: Mapping[str, Any], key: str) -> bool:
    value = document.get(key, False)
    if not isinstance(value, bool):
        raise InvalidInput(f"{key}: expected true or false, found {_shown(value)}; write it without quotes")
    return value


def _name(
    document: Mapping[str, Any], key: str, pattern: re.Pattern[str], expected: str, where: str | None = None
) -> str | None:
    if key not in document:
        return None
    value = document[key]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        place = f"{where}.{key}" if where else key
        raise InvalidInput(f"{place}: expected {expected}, found {_shown(value)}; correct it or leave it out")
    return value


def _shown(value: Any) -> str:
    """A value as it is written in JSON, for an error message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
