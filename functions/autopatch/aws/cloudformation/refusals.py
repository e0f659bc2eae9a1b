"""What CloudFormation means by refusing a call."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from autopatch.aws.client import error_code, error_text

if TYPE_CHECKING:
    from botocore.exceptions import ClientError


class Refusal(Enum):
    """What CloudFormation means by refusing a call."""

    NO_SUCH_STACK = auto()
    NOTHING_TO_UPDATE = auto()
    TOKEN_IN_USE = auto()
    MACROS_NOT_ACKNOWLEDGED = auto()
    STATE = auto()
    INVALID = auto()
    OTHER = auto()


# UpdateStack's error for an update without changes, and the reason of a change set without any: the first on record for
# change sets, the second for UpdateStack, and for change sets of templates with transforms (aws/aws-cdk#10650). Tools
# that read them compare the beginnings (aws-cdk's changeSetHasNoChanges).
_NO_CHANGES = ("The submitted information didn't contain changes", "No updates are to be performed")


def says_no_changes(text: str) -> bool:
    """Whether CloudFormation's text means that there is nothing to update."""
    return text.startswith(_NO_CHANGES)


def refusal(error: ClientError) -> Refusal:
    """What CloudFormation means by an error.

    It gives most refusals the same code, ValidationError, and distinguishes them only in the message.
    """
    code, text = error_code(error), error_text(error)
    if code == "TokenAlreadyExistsException":
        return Refusal.TOKEN_IN_USE
    if code == "InsufficientCapabilitiesException" and "CAPABILITY_AUTO_EXPAND" in text:
        return Refusal.MACROS_NOT_ACKNOWLEDGED
    if code != "ValidationError":
        return Refusal.OTHER
    if says_no_changes(text):
        return Refusal.NOTHING_TO_UPDATE
    if text.endswith(" does not exist") and text.startswith(("Stack ", "Stack:")):
        return Refusal.NO_SUCH_STACK
    if text.startswith("Stack:") and text.endswith(" state and can not be updated."):
        return Refusal.STATE
    return Refusal.INVALID
