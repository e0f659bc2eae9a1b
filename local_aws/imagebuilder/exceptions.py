"""The errors of EC2 Image Builder. Their HTTP statuses are those of the service's model."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class DryRunOperationException(ServiceException):  # type: ignore[misc]
    code = "DryRunOperationException"

    def __init__(self) -> None:
        super().__init__("The dry run operation of the resource was successful, and no resources were changed.")


class IdempotentParameterMismatchException(ServiceException):  # type: ignore[misc]
    code = "IdempotentParameterMismatchException"

    def __init__(self, client_token: str) -> None:
        super().__init__(
            f"The client token '{client_token}' was used before in a request with other parameters. "
            "Use another client token, or the same parameters."
        )


class InvalidPaginationTokenException(ServiceException):  # type: ignore[misc]
    code = "InvalidPaginationTokenException"

    def __init__(self) -> None:
        super().__init__("The value supplied for parameter 'nextToken' is not a pagination token of this request.")


class InvalidParameterCombinationException(ServiceException):  # type: ignore[misc]
    code = "InvalidParameterCombinationException"


class InvalidParameterValueException(ServiceException):  # type: ignore[misc]
    code = "InvalidParameterValueException"

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"The value supplied for parameter '{parameter}' is not valid. {problem}")


class InvalidRequestException(ServiceException):  # type: ignore[misc]
    code = "InvalidRequestException"


class ResourceAlreadyExistsException(ServiceException):  # type: ignore[misc]
    code = "ResourceAlreadyExistsException"

    def __init__(self, kind: str, arn: str) -> None:
        super().__init__(f"The following resource '{kind}' already exists: '{arn}'.")


class ResourceDependencyException(ServiceException):  # type: ignore[misc]
    code = "ResourceDependencyException"

    def __init__(self, problem: str) -> None:
        super().__init__(f"Resource dependency error: {problem}")


class ResourceNotFoundException(ServiceException):  # type: ignore[misc]
    code = "ResourceNotFoundException"

    def __init__(self, arn: str) -> None:
        super().__init__(f"The resource ARN '{arn}' cannot be found.")
