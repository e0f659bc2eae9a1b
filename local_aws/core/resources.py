"""The resources of a stack, and the requests to create, update and delete them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Definition:
    """A resource as its template defines it, with the functions evaluated.

    `signature` is a text that changes when the resource's part of the template does, or a parameter in it; not when
    only the resources change that it refers to.
    """

    type: str
    properties: dict[str, Any]
    metadata: Any
    creation_policy: Mapping[str, Any]
    update_policy: Mapping[str, Any]
    deletion_policy: str
    update_replace_policy: str
    signature: str

    @property
    def success_signals(self) -> tuple[int, str] | None:
        """The count and the timeout (an ISO 8601 duration) of the CreationPolicy's signals; None without a policy."""
        if not self.creation_policy:
            return None
        signal = self.creation_policy.get("ResourceSignal", {})
        return int(signal.get("Count", 1)), str(signal.get("Timeout", "PT5M"))

    @property
    def minimum_success_percent(self) -> int:
        policy = self.creation_policy.get("AutoScalingCreationPolicy", {})
        return int(policy.get("MinSuccessfulInstancesPercent", 100))


@dataclass(frozen=True)
class Request:
    """A request to create, update or delete a resource. `tags` are the stack's."""

    account_id: str
    region: str
    stack_id: str
    stack_name: str
    logical_id: str
    type: str
    name: str
    properties: dict[str, Any]
    tags: Mapping[str, str]


@dataclass
class Resource:
    """A resource of a stack. `attributes` are those that Fn::GetAtt returns."""

    logical_id: str
    definition: Definition
    request: Request
    physical_id: str
    attributes: Mapping[str, Any]
    status: str
    status_reason: str | None
    updated: datetime
