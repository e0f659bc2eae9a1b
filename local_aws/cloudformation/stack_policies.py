"""Stack policies: which resources an update may modify, replace and delete.

Sources: CloudFormation User Guide, "Prevent updates to stack resources"; what AWS answered to LocalStack's tests is on
record (tests/aws/services/cloudformation/api/test_stack_policies.snapshot.json).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from local_aws.cloudformation.errors import ValidationError

_ACTIONS = ("Update:Modify", "Update:Replace", "Update:Delete", "Update:*")
_MEMBERS = {"Action", "Condition", "Effect", "NotAction", "NotResource", "Principal", "Resource", "Sid"}
_MAX_BYTES = 16_384


def check(text: str) -> str:
    """The text of a stack policy, which is returned.

    Raises ValidationError, with CloudFormation's text, when it is none.
    """
    try:
        policy = json.loads(text)
    except json.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict) or len(text.encode()) > _MAX_BYTES or not _is_valid(policy):
        raise ValidationError("Error validating stack policy: Invalid stack policy")
    return text


def refusal(text: str | None, action: str, logical_id: str, resource_type: str) -> str | None:
    """Why the policy does not let an update do the action, such as Update:Modify, to the resource; None if it does.

    Without a policy, or with an empty one, everything may be done; with another, what a statement allows and none
    denies.
    """
    numbered = list(enumerate(_statements(json.loads(text or "{}")), 1))
    matching = [(number, item) for number, item in numbered if _applies(item, action, logical_id, resource_type)]
    resource = f"[{action}] for resource [LogicalResourceId/{logical_id}]"
    for number, statement in matching:
        if statement["Effect"] == "Deny":
            return f"Action denied by stack policy: Statement [#{number}] does not allow {resource};"
    if numbered and not matching:
        return f"Action not allowed by stack policy: no statement allows {resource};"
    return None


def _statements(policy: Mapping[str, Any]) -> list[Any]:
    statements = policy.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _is_valid(policy: Mapping[str, Any]) -> bool:
    return set(policy) <= {"Statement", "Version"} and all(
        isinstance(statement, dict)
        and set(statement) <= _MEMBERS
        and statement.get("Effect") in ("Allow", "Deny")
        and statement.get("Principal") == "*"
        and ("Action" in statement) != ("NotAction" in statement)
        and ("Resource" in statement) != ("NotResource" in statement)
        and all(action in _ACTIONS for action in _texts(statement.get("Action", statement.get("NotAction"))))
        and all(_is_resource(name) for name in _texts(statement.get("Resource", statement.get("NotResource"))))
        and all(
            operator in ("StringEquals", "StringLike") and isinstance(keys, dict) and set(keys) == {"ResourceType"}
            for operator, keys in (statement.get("Condition") or {}).items()
        )
        for statement in _statements(policy)
    )


def _is_resource(name: Any) -> bool:
    return name == "*" or str(name).startswith("LogicalResourceId/")


def _applies(statement: Mapping[str, Any], action: str, logical_id: str, resource_type: str) -> bool:
    name = f"LogicalResourceId/{logical_id}"
    return (
        _names(statement, "Action", action)
        and _names(statement, "Resource", name)
        and all(
            any(_matches(operator, pattern, resource_type) for pattern in _texts(keys["ResourceType"]))
            for operator, keys in (statement.get("Condition") or {}).items()
        )
    )


def _names(statement: Mapping[str, Any], member: str, value: str) -> bool:
    if member in statement:
        return any(fnmatchcase(value, pattern) for pattern in _texts(statement[member]))
    return not any(fnmatchcase(value, pattern) for pattern in _texts(statement[f"Not{member}"]))


def _matches(operator: str, pattern: str, value: str) -> bool:
    return fnmatchcase(value, pattern) if operator == "StringLike" else value == pattern


def _texts(value: Any) -> Iterator[str]:
    yield from (str(item) for item in (value if isinstance(value, list) else [value]))
