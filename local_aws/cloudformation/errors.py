"""The errors that CloudFormation answers with, and those that end an operation on a stack."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class ValidationError(ServiceException):  # type: ignore[misc]
    """The request cannot be carried out."""

    code = "ValidationError"

    def __init__(self, message: str) -> None:
        super().__init__(message)


class StackDoesNotExist(ValidationError):
    """No stack has the name or id."""

    def __init__(self, name_or_id: str) -> None:
        super().__init__(f"Stack with id {name_or_id} does not exist")


class AlreadyExists(ServiceException):  # type: ignore[misc]
    """A stack of the name exists."""

    code = "AlreadyExistsException"

    def __init__(self, message: str) -> None:
        super().__init__(message)


class InsufficientCapabilities(ServiceException):  # type: ignore[misc]
    """The template needs a capability that the request does not acknowledge."""

    code = "InsufficientCapabilitiesException"

    def __init__(self, required: list[str]) -> None:
        super().__init__(f"Requires capabilities : [{', '.join(required)}]")


class TokenAlreadyExists(ServiceException):  # type: ignore[misc]
    """The client request token was used for another operation."""

    code = "TokenAlreadyExistsException"
    message = "A client request token already exists."


class ChangeSetNotFound(ServiceException):  # type: ignore[misc]
    """No change set has the name or id."""

    code = "ChangeSetNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet [{name}] does not exist")


class InvalidChangeSetStatus(ServiceException):  # type: ignore[misc]
    """The change set is not in a state in which the request can be carried out."""

    code = "InvalidChangeSetStatus"

    def __init__(self, message: str) -> None:
        super().__init__(message)


class OperationFailed(Exception):
    """An operation failed for a reason other than a resource; the text is the stack's ResourceStatusReason."""
