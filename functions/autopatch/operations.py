"""The operations on a stack that an execution makes, recognised among everybody's by their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autopatch.aws.cloudformation.stacks import Operation, Stacks
    from autopatch.contracts import Execution

CLOCK_SKEW = timedelta(minutes=5)
"""How far before a moment of this application to look for AWS's events, which have the time of another clock."""


@dataclass(frozen=True)
class OwnOperation:
    """An update of a stack by one execution, with the tokens that its events and those of its cancellation carry."""

    stack_name: str
    token: str
    cancel_token: str

    @classmethod
    def update(cls, execution: Execution, stack_name: str) -> OwnOperation:
        """The update of the stack to the new AMI."""
        return cls(stack_name, execution.token(f"update {stack_name}"), execution.token(f"cancel {stack_name}"))

    @classmethod
    def rollback(cls, execution: Execution, stack_name: str) -> OwnOperation:
        """The update of the stack back to the AMI that it ran before."""
        return cls(
            stack_name,
            execution.token(f"roll back {stack_name}"),
            execution.token(f"cancel rolling back {stack_name}"),
        )

    def find(self, stacks: Stacks, stack_id: str, since: datetime) -> Operation | None:
        """The operation, from CloudFormation's events; None when it has not started since that moment."""
        tokens = {self.token, self.cancel_token}
        return stacks.operation(stack_id, self.stack_name, tokens, since - CLOCK_SKEW)
