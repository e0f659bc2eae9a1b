"""Lambda's Python runtime: it loads a handler, calls it, and reports errors."""

from __future__ import annotations

import importlib
import json
import sysconfig
import traceback
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from local_aws.core import clock, settings
from local_aws.lambda_ import functions
from local_aws.lambda_.environments import ExecutionEnvironment
from local_aws.lambda_.settings import LambdaSettings

SYNCHRONOUS_PAYLOAD_LIMIT = 6 * 1024 * 1024
ASYNCHRONOUS_PAYLOAD_LIMIT = 1024 * 1024
"""Bytes. "Lambda quotas": 6 MB for requests and responses, 1 MB for asynchronous requests."""


class LambdaContext:
    """The context object of the Python runtime."""

    def __init__(self, environment: ExecutionEnvironment) -> None:
        function = environment.function
        self.function_name = function.function_name
        self.function_version = str(function.version)
        self.invoked_function_arn = function.function_arn
        self.memory_limit_in_mb = str(function.memory_size)
        self.aws_request_id = environment.request_id
        self.log_group_name = functions.log_group(function)
        self.log_stream_name = environment.log_stream
        self.identity = None
        self.client_context = None
        self._environment = environment

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self._environment.deadline - clock.current().time()) * 1000))


class RuntimeFailure(Exception):
    """An error that Lambda's runtime itself reports, under a name of its own."""

    def __init__(self, error_type: str, message: str, *, with_request: bool = True) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.with_request = with_request


def call(environment: ExecutionEnvironment, event: Any) -> Any:
    """Load the handler when this is the first call, call it, and give its answer as JSON.

    Raises RuntimeFailure, or what the function's code raises.
    """
    if environment.handler is None:
        environment.handler = _load(str(environment.function.handler))
    environment.sleep(settings.current(LambdaSettings).invocation_seconds)
    try:
        answer = environment.handler(event, LambdaContext(environment))
    except SystemExit as error:
        if isinstance(error, clock.ClockClosed):
            raise
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        ending = (
            f"Runtime exited with error: exit status {status}"
            if status
            else "Runtime exited without providing a reason"
        )
        message = f"RequestId: {environment.request_id} Error: {ending}"
        raise RuntimeFailure("Runtime.ExitError", message, with_request=False) from error
    try:
        text = json.dumps(answer, ensure_ascii=False, default=_decimal)
    except TypeError as error:
        raise RuntimeFailure("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    if len(text.encode()) > SYNCHRONOUS_PAYLOAD_LIMIT:
        raise RuntimeFailure(
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
            with_request=False,
        )
    return json.loads(text)


def _decimal(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _load(handler: str) -> Callable[[Any, Any], Any]:
    """The function that `module.path.name` (or `module/path.name`) means; errors as of Lambda's Python runtime."""
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        raise RuntimeFailure(
            "Runtime.MalformedHandlerName", f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        )
    module_name = module_name.replace("/", ".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise RuntimeFailure(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}"
        ) from error
    except SyntaxError as error:
        raise RuntimeFailure(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}"
        ) from error
    function = getattr(module, name, None)
    if function is None:
        raise RuntimeFailure("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'")
    return function  # type: ignore[no-any-return]


def error_document(error: RuntimeFailure, request_id: str) -> dict[str, Any]:
    if not error.with_request:
        return {"errorType": error.error_type, "errorMessage": str(error)}
    return {
        "errorMessage": str(error),
        "errorType": error.error_type,
        "requestId": request_id,
        "stackTrace": [],
    }


def exception_document(error: Exception, request_id: str, code: Path) -> dict[str, Any]:
    """The error as Lambda's Python runtime reports it: only frames of the code, which is in /var/task there."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = str(Path(__file__).parents[1])
    own = [frame for frame in frames if not frame.filename.startswith(ours) and "importlib" not in frame.filename]
    lines = [
        line.replace(str(code), "/var/task").replace(sysconfig.get_paths()["purelib"], "/var/task")
        for line in traceback.format_list(own)
    ]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": lines,
    }
