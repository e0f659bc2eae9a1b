"""AMIs and base image versions that are not rolled out until they are released, kept as SSM parameters.

There is one parameter for each, under the deployment's path: its last part is the id of an AMI or a part of AMI names
such as `2023.9.20261130.0`, its value says why. To release it is to delete the parameter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autopatch.aws.systems_manager import SystemsManager


@dataclass(frozen=True)
class Hold:
    """What is held, and why."""

    parameter_name: str
    reason: str

    @property
    def key(self) -> str:
        return self.parameter_name.rsplit("/", 1)[1]

    def covers(self, ami_id: str, ami_name: str) -> bool:
        """Whether it is for that AMI: by its id, or by whole parts of its name between hyphens."""
        return self.key == ami_id or re.search(rf"(^|-){re.escape(self.key)}(-|$)", ami_name) is not None

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
        return [Hold(name, value) for name, value in self._systems_manager.parameters_under(self._path).items()]

    def covering(self, ami_id: str, ami_name: str) -> Hold | None:
        """The hold for that AMI, if there is one."""
        return next((hold for hold in self.all() if hold.covers(ami_id, ami_name)), None)

    def hold(self, ami_id: str, reason: str) -> Hold:
        """Hold an AMI, for a reason that operators will read."""
        hold = Hold(f"{self._path}/{ami_id}", reason)
        self._systems_manager.put_parameter(hold.parameter_name, hold.reason)
        return hold
