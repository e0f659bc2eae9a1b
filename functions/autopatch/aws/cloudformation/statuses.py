"""What CloudFormation's stack statuses mean to someone who updates stacks."""

from __future__ import annotations

from enum import Enum, auto

from autopatch.errors import UnknownStatus


class StackState(Enum):
    """What a stack status means to someone who wants to update the stack, or follows an update of it."""

    SETTLED = auto()
    """An update can begin."""
    BUSY = auto()
    """An operation that is not an update is in progress."""
    UPDATING = auto()
    CLEANING_UP = auto()
    """The update has succeeded; the resources that it replaced are being deleted."""
    UPDATED = auto()
    ROLLING_BACK = auto()
    ROLLED_BACK = auto()
    UPDATE_FAILED = auto()
    """The update failed, and the stack was not rolled back, because rollback is disabled."""
    ROLLBACK_FAILED = auto()
    STUCK = auto()
    """Only an operator can bring it out of this status."""

    @property
    def is_ready(self) -> bool:
        """Whether an update can begin."""
        return self in (StackState.SETTLED, StackState.UPDATED, StackState.ROLLED_BACK)

    @property
    def is_busy(self) -> bool:
        """Whether an operation is in progress, after which the stack has another status."""
        return self in (StackState.BUSY, StackState.UPDATING, StackState.CLEANING_UP, StackState.ROLLING_BACK)


# Every status of the CloudFormation API reference (Stack, StackStatus).
_STATES: dict[str, StackState] = {
    "CREATE_IN_PROGRESS": StackState.BUSY,
    "CREATE_FAILED": StackState.STUCK,
    "CREATE_COMPLETE": StackState.SETTLED,
    "ROLLBACK_IN_PROGRESS": StackState.BUSY,
    "ROLLBACK_FAILED": StackState.STUCK,
    "ROLLBACK_COMPLETE": StackState.STUCK,
    "DELETE_IN_PROGRESS": StackState.STUCK,
    "DELETE_FAILED": StackState.STUCK,
    "DELETE_COMPLETE": StackState.STUCK,
    "UPDATE_IN_PROGRESS": StackState.UPDATING,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": StackState.CLEANING_UP,
    "UPDATE_COMPLETE": StackState.UPDATED,
    "UPDATE_FAILED": StackState.UPDATE_FAILED,
    "UPDATE_ROLLBACK_IN_PROGRESS": StackState.ROLLING_BACK,
    "UPDATE_ROLLBACK_FAILED": StackState.ROLLBACK_FAILED,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": StackState.ROLLING_BACK,
    "UPDATE_ROLLBACK_COMPLETE": StackState.ROLLED_BACK,
    "REVIEW_IN_PROGRESS": StackState.STUCK,
    "IMPORT_IN_PROGRESS": StackState.BUSY,
    "IMPORT_COMPLETE": StackState.SETTLED,
    "IMPORT_ROLLBACK_IN_PROGRESS": StackState.BUSY,
    "IMPORT_ROLLBACK_FAILED": StackState.STUCK,
    "IMPORT_ROLLBACK_COMPLETE": StackState.SETTLED,
}

_REMEDIES = {
    "CREATE_FAILED": "delete the stack and create it again",
    "ROLLBACK_COMPLETE": "its creation failed: delete the stack and create it again",
    "ROLLBACK_FAILED": "its creation failed: delete the stack and create it again",
    "DELETE_IN_PROGRESS": "take the stack out of the targets",
    "DELETE_FAILED": "finish its deletion and take the stack out of the targets",
    "DELETE_COMPLETE": "take the stack out of the targets",
    "UPDATE_FAILED": "roll it back or update it by hand (its rollback is disabled), then start a run again",
    "UPDATE_ROLLBACK_FAILED": "fix the cause and continue the rollback (continue-update-rollback), then run again",
    "REVIEW_IN_PROGRESS": "execute or delete the change set that creates it",
    "IMPORT_ROLLBACK_FAILED": "fix the import by hand, then start a run again",
}


def state_of(status: str, stack_name: str) -> StackState:
    """What a stack status means.

    Raises UnknownStatus when CloudFormation does not document it.
    """
    try:
        return _STATES[status]
    except KeyError:
        raise UnknownStatus(
            f"stack {stack_name}: expected one of CloudFormation's documented statuses, found {status!r}; "
            "look at the stack in the console, and update AMI Autopatch"
        ) from None


def remedy(status: str) -> str:
    """What an operator does about a stack status in which no update can begin and no operation is in progress."""
    return _REMEDIES.get(status, "look at the stack in the console")
