"""AMIs and base image versions that are not rolled out until they are released, kept as SSM parameters.

There is one parameter for each, under the deployment's path: its last part is the id of an AMI or a part of AMI names
such as `2023.9.20261130.0`, its value says why. To release it is to delete the parameter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from autopatch.contracts import Outcome, Unchanged
from autopatch.errors import AutopatchError

if TYPE_CHECKING:
    from autopatch.aws.systems_manager import SystemsManager
    from autopatch.contracts import Preview

logger = Logger()


@dataclass(frozen=True)
class Hold:
    """What is held, and why."""

    parameter_name: str
    reason: str
    since: datetime | None = None
    """None for one that this run has just made."""

    @property
    def key(self) -> str:
        return self.parameter_name.rsplit("/", 1)[1]

    def covers(self, ami_id: str, ami_name: str) -> bool:
        """Whether it is for that AMI: by its id, or by whole parts of its name between hyphens."""
        return self.key == ami_id or re.search(rf"(^|-){re.escape(self.key)}(-|$)", ami_name) is not None

    def is_newer_than(self, moment: datetime) -> bool:
        """Whether it has been made since then."""
        return self.since is None or self.since >= moment

    def __str__(self) -> str:
        return f"held by the parameter {self.parameter_name} ({self.reason})"

    @property
    def release(self) -> str:
        """How to have it rolled out after all, with the command on a line of its own."""
        return f"to release it:\naws ssm delete-parameter --name {self.parameter_name}"


class Holds:
    """The holds under a path, which begins with a slash and does not end with one."""

    def __init__(self, systems_manager: SystemsManager, path: str) -> None:
        self._systems_manager = systems_manager
        self._path = path

    def all(self) -> list[Hold]:
        """Everything that is held."""
        found = self._systems_manager.parameters_under(self._path)
        return [Hold(name, parameter.value, parameter.modified_at) for name, parameter in found.items()]

    def covering(self, ami_id: str, ami_name: str) -> Hold | None:
        """The hold for that AMI, if there is one."""
        return next((hold for hold in self.all() if hold.covers(ami_id, ami_name)), None)

    def hold(self, ami_id: str, reason: str) -> Hold:
        """Hold an AMI, for a reason that operators will read."""
        hold = Hold(f"{self._path}/{ami_id}", reason)
        self._systems_manager.put_parameter(hold.parameter_name, hold.reason)
        return hold

    def hold_at_once(self, ami_id: str, stack_name: str, error: type[AutopatchError]) -> None:
        """Hold an AMI the moment that its instances have failed in a stack: no target may begin with it after that.

        That it cannot be held is only logged, for it must not hide what has failed; the summary of the run tries again.
        """
        try:
            self.hold(ami_id, because(stack_name, error.__name__))
        except AutopatchError as failure:
            logger.warning("could not hold the AMI", ami=ami_id, error=str(failure))


def held_since(preview: Preview, hold: Hold) -> Unchanged:
    """The target, SKIPPED: its AMI has been put on hold since the run began, most often because it failed elsewhere."""
    return Unchanged(
        outcome=Outcome.SKIPPED,
        ami_before=preview.ami_before,
        stack_id=preview.stack_id,
        detail=f"{preview.ami_after} is {hold}; {hold.release}",
    )


def because(stack_name: str, error: str) -> str:
    """The reason of a hold."""
    return f"its instances failed in {stack_name} ({error})"
