"""The resources of a stack, and what is asked of those who make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Definition:
    """What a template says of a resource, once its functions are evaluated.

    `signature` is the same text as long as nothing that is said of the resource changes, whatever the resources that it
    refers to are at the moment.
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
        """The count and the timeout of the CreationPolicy's ResourceSignal, None when there is none."""
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
    """What is asked of the maker of a resource. `tags` are the stack's."""

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
    """A resource that a stack has. `attributes` has what Fn::GetAtt gives, but for the physical id."""

    logical_id: str
    definition: Definition
    request: Request
    physical_id: str
    attributes: Mapping[str, Any]
    status: str
    status_reason: str | None
    updated: datetime
