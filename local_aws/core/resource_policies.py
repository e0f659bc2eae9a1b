"""Whether a service may use a resource: resource-based policies and trust policies, as far as deliveries need them.

EventBridge and SNS deliver to a Lambda function, a queue or a topic only when the resource's own policy lets their
service principal in; a role is assumed only by a service that its trust policy names. Without it, AWS drops the
delivery, and nothing else shows why.

Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.core.errors import NotModelled


class PolicyNotModelled(NotModelled):
    """A policy statement uses something that the embedded AWS cannot evaluate."""


@dataclass(frozen=True)
class ServiceRequest:
    """A call that an AWS service makes: `principal` such as events.amazonaws.com, for the resource `source_arn`."""

    principal: str
    action: str
    resource: str | None
    source_arn: str
    source_account: str


# Condition keys that a call by a service principal never carries, so that a condition on them does not hold.
_ABSENT_KEYS = {"aws:sourceowner", "aws:principalorgid", "aws:principalarn", "aws:principalaccount", "aws:sourceip"}


def statements_of(document: str | None) -> list[dict[str, Any]]:
    """The statements of a policy, a JSON text; none where there is no policy."""
    return listed(json.loads(document).get("Statement")) if document else []


def allows(statements: Iterable[Mapping[str, Any]], request: ServiceRequest) -> bool:
    """Whether the statements of a resource's policy allow the request: one allows it, and none denies it.

    Raises PolicyNotModelled on a statement with NotAction, NotPrincipal or NotResource, or an unknown condition.
    """
    effects = {statement["Effect"] for statement in statements if _applies(statement, request)}
    return "Allow" in effects and "Deny" not in effects


def _applies(statement: Mapping[str, Any], request: ServiceRequest) -> bool:
    for element in ("NotAction", "NotPrincipal", "NotResource"):
        if element in statement:
            raise PolicyNotModelled(
                f"expected no {element} in a resource's policy, found {dict(statement)}: the embedded AWS does not "
                "evaluate it"
            )
    return (
        _names_principal(statement.get("Principal"), request.principal)
        and any(matches(action, request.action, ignore_case=True) for action in listed(statement.get("Action")))
        and ("Resource" not in statement or request.resource is None or _names_resource(statement, request.resource))
        and all(
            _holds(operator, key, listed(values), request)
            for operator, conditions in statement.get("Condition", {}).items()
            for key, values in conditions.items()
        )
    )


def _names_principal(principal: Any, service: str) -> bool:
    if isinstance(principal, Mapping):
        return service in listed(principal.get("Service")) or "*" in listed(principal.get("AWS"))
    return bool(principal == "*")


def _names_resource(statement: Mapping[str, Any], resource: str) -> bool:
    return any(matches(pattern, resource) for pattern in listed(statement["Resource"]))


def _holds(operator: str, key: str, values: list[str], request: ServiceRequest) -> bool:
    context = {
        "aws:sourcearn": request.source_arn,
        "aws:sourceaccount": request.source_account,
        "aws:securetransport": "true",
    }
    if key.lower() in _ABSENT_KEYS:
        return False
    if key.lower() not in context:
        raise PolicyNotModelled(
            f"expected a condition on {', '.join(sorted(context))}, found {key}: the embedded AWS evaluates no other"
        )
    actual = context[key.lower()]
    if operator in ("ArnLike", "ArnEquals", "StringLike"):
        return any(matches(value, actual) for value in values)
    if operator == "StringEquals":
        return actual in values
    if operator == "Bool":
        return actual in [str(value).lower() for value in values]
    raise PolicyNotModelled(
        f"expected ArnLike, ArnEquals, StringLike, StringEquals or Bool, found {operator}: the embedded AWS "
        "evaluates no other"
    )


@functools.lru_cache(maxsize=4096)
def _expression(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(expression, re.IGNORECASE if ignore_case else 0)


def matches(pattern: str, text: str, ignore_case: bool = False) -> bool:
    """Whether a pattern of a policy, with `*` and `?`, stands for the whole text."""
    return _expression(pattern, ignore_case).fullmatch(text) is not None


def listed(value: Any) -> list[Any]:
    """An element of a policy, which has one value or a list of them, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def not_authorized(who: str, action: str, resource: str) -> str:
    """The words in which AWS denies what no policy of the caller allows."""
    return (
        f"{who} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows "
        f"the {action} action"
    )
