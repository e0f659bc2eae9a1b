"""How CloudFormation behaves where that is chance."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CloudFormationSettings:
    """How long things take, in virtual seconds, and what fails; the defaults are the happy path.

    `resource_seconds` is what the creation, update or deletion of one resource takes, `change_set_seconds` the making
    of a change set. `instant_create_and_delete`: stacks are created and deleted within the request, in no time, and
    every awaited signal arrives. `rollback_fails` has the reason for which a failed update cannot be rolled back
    either, by stack name.
    """

    resource_seconds: float = 10
    change_set_seconds: float = 8
    instant_create_and_delete: bool = True
    rollback_fails: dict[str, str] = field(default_factory=dict)
