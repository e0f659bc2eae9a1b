"""boto3 clients, and AWS's errors as errors of this application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError

from autopatch.errors import AwsCallFailed, TransientAwsFault

if TYPE_CHECKING:
    from autopatch.errors import AutopatchError

_ATTEMPTS = 4

# The codes of transient errors that come with a status other than 429 or 5xx; the list is botocore's own
# (botocore/retries/standard.py), with the one that Image Builder adds in its API reference.
_TRANSIENT_CODES = frozenset(
    {
        "CallRateLimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)


def create_client(service: str, attempts: int = _ATTEMPTS) -> Any:
    """A boto3 client of `service` that makes a call that is throttled or not answered so often before it gives up.

    The client is made when it is first used: making one takes a cold start tens of milliseconds, and not every
    invocation needs every gateway that its function has.
    """
    return _LazyClient(service, attempts)


class _LazyClient:
    def __init__(self, service: str, attempts: int) -> None:
        self._service = service
        self._attempts = attempts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    @cached_property
    def _client(self) -> Any:
        config = Config(
            retries={"mode": "standard", "total_max_attempts": self._attempts}, connect_timeout=5, read_timeout=10
        )
        return boto3.client(self._service, config=config)  # type: ignore[call-overload]


@contextmanager
def named_errors(doing: str) -> Iterator[None]:
    """Turn what boto3 raises inside into this application's errors; `doing` names, in the message, what was attempted.

    Raises TransientAwsFault where trying again may help, AwsCallFailed otherwise.
    """
    try:
        yield
    except ClientError as error:
        raise _named(error, doing) from error
    except (AwsConnectionError, HTTPClientError) as error:
        raise TransientAwsFault(f"{doing}: expected an answer from AWS, found {error}") from error
    except BotoCoreError as error:
        raise AwsCallFailed(f"{doing}: expected a call that AWS accepts, found {error}") from error


def is_transient(error: ClientError) -> bool:
    """Whether the same call may succeed in a while."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error_code(error) in _TRANSIENT_CODES or status == 429 or status >= 500


def error_code(error: ClientError) -> str:
    """The error code of AWS's answer, such as `ValidationError`."""
    return error.response.get("Error", {}).get("Code", "")


def error_text(error: ClientError) -> str:
    """The message of AWS's answer."""
    return error.response.get("Error", {}).get("Message", "")


def _named(error: ClientError, doing: str) -> AutopatchError:
    text = f"{doing}: AWS answered {error_code(error)}: {error_text(error)}"
    if is_transient(error):
        return TransientAwsFault(f"{text}; try again in a few minutes")
    return AwsCallFailed(text)
