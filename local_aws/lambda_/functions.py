"""Functions, as moto keeps them: looking one up, and reading its configuration."""

from __future__ import annotations

from typing import Any

from moto.awslambda.exceptions import UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import lambda_backends
from moto.utilities.utils import get_partition

from local_aws.core.ids import ACCOUNT


class LambdaServiceError(Exception):
    """Lambda refuses an invocation: `code` is that of its API, `status` the HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    @property
    def step_functions_code(self) -> str:
        """What stands after `Lambda.` in the error name that Step Functions reports."""
        modelled = ("ResourceNotFoundException", "TooManyRequestsException", "ServiceException")
        return self.code if self.code in modelled else "AWSLambdaException"


def find_function(function: str, region: str) -> Any:
    """moto's function of this name or ARN.

    Raises LambdaServiceError ResourceNotFoundException when there is none.
    """
    account = ACCOUNT
    name, qualifier = function, None
    if function.startswith("arn:"):
        parts = function.split(":")
        region, account, name = parts[3], parts[4], parts[6]
        qualifier = parts[7] if len(parts) > 7 else None
    elif ":function:" in function:
        account, _, name, *rest = function.split(":")
        qualifier = rest[0] if rest else None
    elif ":" in function:
        name, qualifier = function.split(":", 1)
    try:
        return lambda_backends[account][region].get_function(name, qualifier)
    except (UnknownFunctionException, UnknownAliasException):
        partition = get_partition(region)
        arn = function if function.startswith("arn:") else f"arn:{partition}:lambda:{region}:{account}:function:{name}"
        raise LambdaServiceError("ResourceNotFoundException", f"Function not found: {arn}", 404) from None


def logging_config(function: Any) -> dict[str, Any]:
    """The LoggingConfig of the function; empty where it has none."""
    return getattr(function, "logging_config", None) or {}


def log_group(function: Any) -> str:
    """The name of the log group that the function writes to."""
    return str(logging_config(function).get("LogGroup") or f"/aws/lambda/{function.function_name}")
