"""What rollback alarms and bake time a stack had of its own, kept as an SSM parameter while a run may change them.

CloudFormation saves those of an update with the stack. The parameter outlives the execution: when one is aborted, or
another runs on the same stack, the stack still gets back its own, not those that a run has given it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from autopatch.aws.cloudformation.rollback_configuration import RollbackConfiguration
from autopatch.contracts import Document
from autopatch.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopatch.aws.cloudformation.stacks import Stack
    from autopatch.aws.systems_manager import SystemsManager
    from autopatch.contracts import Monitoring


class Saved(Document, frozen=True):
    """What the stack of that id had `before`, and the digests of what runs may have `given` it since."""

    stack_id: str
    before: RollbackConfiguration
    given: frozenset[str]


class SavedAlarms:
    """The parameters under a path, one for a stack; the path begins with a slash and does not end with one."""

    def __init__(self, systems_manager: SystemsManager, path: str) -> None:
        self._systems_manager = systems_manager
        self._path = path

    def find(self, stack_name: str, stack_id: str) -> Saved | None:
        """What is saved of a stack; None when nothing is, or of another stack of that name.

        Raises ConfigError when somebody has changed it so that it cannot be read.
        """
        name = self._name(stack_name)
        value = self._systems_manager.value_if_any(name)
        if value is None:
            return None
        try:
            saved = msgspec.json.decode(value, type=Saved)
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"SSM parameter {name}: expected the alarms of {stack_name} as AMI Autopatch has saved them, found: "
                f"{error}; look at the rollback configuration of {stack_name}, and delete the parameter:\n"
                f"aws ssm delete-parameter --name {name}"
            ) from error
        return saved if saved.stack_id == stack_id else None

    def known(self, stack_name: str, stack_id: str | None, monitorings: Sequence[Monitoring]) -> Saved | None:
        """What is saved of a stack, and what this run has given it; None when no run has given it anything else."""
        saved = None if stack_id is None else self.find(stack_name, stack_id)
        if monitorings and stack_id is not None:
            own = monitorings[0].before
            given = (saved.given if saved is not None else frozenset()).union(m.during.digest for m in monitorings)
            saved = Saved(stack_id, own, given)
        return saved if saved is not None and saved.given - {saved.before.digest} else None

    def own(self, stack: Stack) -> RollbackConfiguration:
        """What the stack has of its own: what was saved, if it still has what a run has given it."""
        saved = self.find(stack.name, stack.stack_id)
        has = stack.rollback_configuration
        return saved.before if saved is not None and has.digest in saved.given else has

    def save(self, stack_name: str, stack_id: str, monitoring: Monitoring) -> None:
        """Save what the stack has of its own before an update may give it something else."""
        if monitoring.during.is_like(monitoring.before):
            return
        saved = self.find(stack_name, stack_id)
        earlier = saved.given if saved is not None and saved.before.is_like(monitoring.before) else frozenset()
        new = Saved(stack_id, monitoring.before, earlier | {monitoring.during.digest})
        if new != saved:
            self._systems_manager.put_parameter(self._name(stack_name), msgspec.json.encode(new).decode())

    def forget(self, stack_name: str, stack_id: str) -> None:
        """Forget a stack that has its own again, or is deleted; another stack of that name is not forgotten."""
        if self.find(stack_name, stack_id) is not None:
            self._systems_manager.delete_parameter(self._name(stack_name))

    def _name(self, stack_name: str) -> str:
        return f"{self._path}/{stack_name}"
