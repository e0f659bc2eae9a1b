"""Policies, as the services that enforce them see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult


def permission(policies: Iterable[Any], action: str, resource: str, context: Mapping[str, str]) -> PermissionResult:
    """Whether the policies together permit an action on a resource: DENIED, PERMITTED or, where none applies, NEUTRAL.

    A policy is a JSON text or moto's managed policy. `context` has the condition keys of the request, by name. To moto,
    a statement whose condition does not hold denies.
    """
    results = {
        IAMPolicy(policy).is_action_permitted(action, resource, incoming_condition_values=dict(context))
        for policy in policies
    }
    for result in (PermissionResult.DENIED, PermissionResult.PERMITTED):
        if result in results:
            return result
    return PermissionResult.NEUTRAL
