"""What the policies of a role allow: identity-based policies, inline and attached.

Source: IAM User Guide, "Policy evaluation logic", "IAM JSON policy elements". What is not modelled fails by its name.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from local_aws.core.resource_policies import PolicyNotModelled, listed, matches, statements_of

_ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Session:
    """The session of a role, which calls as `arn`."""

    role_arn: str
    arn: str


def session(account: str, region: str, access_key_id: str) -> Session | None:
    """The session that has this access key; None when it is nobody's."""
    assumed = sts_backends[account][get_partition(region)].get_assumed_role_from_access_key(access_key_id)
    if assumed is None:
        return None
    role_name = assumed.role_arn.rsplit("/", 1)[1]
    partition = get_partition(region)
    return Session(assumed.role_arn, f"arn:{partition}:sts::{account}:assumed-role/{role_name}/{assumed.session_name}")


def allows(role_arn: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether the role's policies allow the action on the resource: one statement does, and none denies it.

    `resource` is an ARN, or `*` for an action that takes no resource; `context` has the condition keys of the request,
    in lower case. Raises PolicyNotModelled.
    """
    effects = {
        statement["Effect"]
        for statement in _statements(role_arn)
        if _names(statement, "Action", action, ignore_case=True)
        and _names(statement, "Resource", resource)
        and _holds(statement.get("Condition", {}), context)
    }
    return "Allow" in effects and "Deny" not in effects


def _statements(role_arn: str) -> Iterator[Mapping[str, Any]]:
    _, partition, _, _, account, _ = role_arn.split(":", 5)
    role = iam_backends[account][partition].get_role_by_arn(role_arn)
    if role.permissions_boundary_arn:
        raise PolicyNotModelled(f"expected no permissions boundary of {role_arn}, found one: it is not evaluated")
    documents = list(role.policies.values())
    for policy in role.managed_policies.values():
        documents += [version.document for version in policy.versions if version.is_default]
    for document in documents:
        yield from _parsed(document if isinstance(document, str) else json.dumps(document))


@functools.lru_cache(maxsize=1024)
def _parsed(document: str) -> tuple[Mapping[str, Any], ...]:
    statements = statements_of(document)
    for statement in statements:
        if unknown := set(statement) - _ELEMENTS:
            raise PolicyNotModelled(
                f"expected a statement with {', '.join(sorted(_ELEMENTS))}, found {', '.join(sorted(unknown))}: the "
                "embedded AWS does not evaluate it"
            )
    return tuple(statements)


def _names(statement: Mapping[str, Any], element: str, wanted: str, *, ignore_case: bool = False) -> bool:
    return any(matches(pattern, wanted, ignore_case) for pattern in listed(statement[element]))


def _holds(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    return all(
        _compare(operator, key, listed(values), context)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _compare(operator: str, key: str, values: list[str], context: Mapping[str, str]) -> bool:
    if operator not in ("StringEquals", "StringLike", "ArnEquals", "ArnLike"):
        raise PolicyNotModelled(
            f"expected StringEquals, StringLike, ArnEquals or ArnLike, found {operator}: the embedded AWS evaluates no "
            "other"
        )
    # A key that the request does not have matches nothing.
    actual = context.get(key.lower())
    if actual is None:
        return False
    if operator == "StringEquals":
        return actual in values
    return any(matches(value, actual, ignore_case=False) for value in values)
