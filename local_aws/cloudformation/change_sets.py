"""Change sets, as CloudFormation remembers them.

Source: CloudFormation API Reference, DescribeChangeSet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local_aws.cloudformation.stacks import Inputs, Stack
from local_aws.core import clock

NOTHING_IN_CHANGE_SET = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)


@dataclass
class ChangeSet:
    """A change set: the inputs that a stack would have, and what would change. It is made when `made_at` has come."""

    id: str
    name: str
    kind: str
    stack: Stack
    inputs: Inputs
    description: str | None
    changes: list[dict[str, Any]]
    created: datetime
    made_at: float
    has_changes: bool = True
    executed: bool = False
    obsolete: bool = False
    """Whether the stack has been updated in another way since."""

    @property
    def status(self) -> str:
        if clock.current().time() < self.made_at:
            return "CREATE_IN_PROGRESS"
        return "CREATE_COMPLETE" if self.has_changes else "FAILED"

    @property
    def status_reason(self) -> str | None:
        return NOTHING_IN_CHANGE_SET if self.status == "FAILED" else None

    @property
    def execution_status(self) -> str:
        if self.executed:
            return "EXECUTE_COMPLETE"
        if self.obsolete:
            return "OBSOLETE"
        return "AVAILABLE" if self.status == "CREATE_COMPLETE" else "UNAVAILABLE"
