"""How CloudFormation behaves where AWS's behaviour varies."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CloudFormationSettings:
    """How long operations take, in virtual seconds, and which fail; by default, none does.

    `resource_seconds` is the time that the creation, update or deletion of one resource takes, `change_set_seconds`
    that of the creation of a change set. With `instant_create_and_delete`, stacks are created and deleted within the
    request, in no time, and every awaited signal arrives. `rollback_fails` has, by stack name, the reason why the
    rollback of a failed update fails too.

    Three things about the rollback configuration are not documented. With `updates_rollback_configuration_alone`, an
    update may consist of it; otherwise that is no change. With `reverts_rollback_configuration`, a stack whose update
    is rolled back has the one that it had before; otherwise that of the update. With
    `shows_rollback_configuration_at_once`, DescribeStacks has that of an operation from its beginning; otherwise only
    when the operation has ended.
    """

    resource_seconds: float = 10
    change_set_seconds: float = 8
    instant_create_and_delete: bool = True
    rollback_fails: dict[str, str] = field(default_factory=dict)
    updates_rollback_configuration_alone: bool = True
    reverts_rollback_configuration: bool = True
    shows_rollback_configuration_at_once: bool = True
