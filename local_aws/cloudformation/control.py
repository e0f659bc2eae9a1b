"""What a scenario does to stacks from outside, and what a run report reads of them."""

from __future__ import annotations

from moto.core import DEFAULT_ACCOUNT_ID

from local_aws.cloudformation.models import cloudformation_backends
from local_aws.cloudformation.stacks import Operation


def occupy(stack_name: str, seconds: float, region: str) -> Operation:
    """Let somebody else update the stack: an update that changes nothing, takes so many seconds, and succeeds.

    It can be cancelled like any other. Raises ValidationError when the stack is busy, StackDoesNotExist when there is
    none.
    """
    backend = cloudformation_backends[DEFAULT_ACCOUNT_ID][region]
    stack = backend.get(stack_name)
    operation: Operation = backend.update_stack(stack, stack.inputs, hold=seconds)
    return operation


def operations(stack_name: str, region: str) -> list[Operation]:
    """The operations on the stack, oldest first, each with its token and when it began and ended.

    An update that was cancelled ends when its rollback has. Raises StackDoesNotExist when there is no such stack.
    """
    return list(cloudformation_backends[DEFAULT_ACCOUNT_ID][region].get(stack_name).operations)
