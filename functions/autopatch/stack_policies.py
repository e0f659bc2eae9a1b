"""What a stack's policy lets an update do.

CloudFormation user guide, "Prevent updates to stack resources": with a policy, an update may do to a resource what a
statement allows and none denies; a resource that it may not change fails the update when its turn comes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from autopatch.findings import Finding

MODIFY = "Update:Modify"
REPLACE = "Update:Replace"


def stack_policy_findings(policy: str | None, wanted: Iterable[tuple[str, str, str]]) -> Iterator[Finding]:
    """Whether the policy allows what the update does: the actions, each with a logical id and a resource type.

    `policy` is the JSON text of GetStackPolicy, None when the stack has none.
    """
    statements = _listed(json.loads(policy).get("Statement", [])) if policy else []
    if not statements:
        return
    refused = [
        (action, logical_id)
        for action, logical_id, resource_type in wanted
        if not _allows(statements, action, logical_id, resource_type)
    ]
    if refused:
        yield Finding(
            "StackPolicyDenies",
            "a stack policy that lets the update change what launches the instances",
            ", ".join(f"that it does not allow {action} of {logical_id}" for action, logical_id in refused),
            "allow that in the stack policy (aws cloudformation set-stack-policy)",
        )


def _allows(statements: Iterable[Mapping[str, Any]], action: str, logical_id: str, resource_type: str) -> bool:
    effects = {
        statement.get("Effect") for statement in statements if _applies(statement, action, logical_id, resource_type)
    }
    return effects == {"Allow"}


def _applies(statement: Mapping[str, Any], action: str, logical_id: str, resource_type: str) -> bool:
    if not (_names(statement, "Action", action) and _names(statement, "Resource", f"LogicalResourceId/{logical_id}")):
        return False
    conditions = statement.get("Condition", {})
    return all(
        any(fnmatchcase(resource_type, pattern) for pattern in _listed(keys.get("ResourceType", [])))
        for keys in conditions.values()
    )


def _names(statement: Mapping[str, Any], member: str, value: str) -> bool:
    if member in statement:
        return any(fnmatchcase(value, pattern) for pattern in _listed(statement[member]))
    return not any(fnmatchcase(value, pattern) for pattern in _listed(statement.get(f"Not{member}", [])))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
