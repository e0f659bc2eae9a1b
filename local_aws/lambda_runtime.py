"""Lambda: functions really run, in this process, each in an execution environment of its own.

An execution environment has its own copy of the function's modules, its own environment variables, loggers, standard
streams and default boto3 session, and the credentials of the function's role. Whenever an invocation waits in virtual
time, all of that is put aside, so that nothing of one function is ever seen by another. Behaviour: AWS Lambda
Developer Guide, unless a comment names another source.
"""

from __future__ import annotations

import base64
import importlib
import io
import json
import logging
import math
import os
import sys
import sysconfig
import tempfile
import threading
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import botocore
from moto.awslambda.exceptions import UnknownAliasException, UnknownFunctionException
from moto.awslambda.models import lambda_backends
from moto.logs.models import logs_backends
from moto.moto_api._internal import mock_random
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from local_aws import clock, faults

ACCOUNT = "123456789012"
SYNCHRONOUS_PAYLOAD_LIMIT = 6 * 1024 * 1024
ASYNCHRONOUS_PAYLOAD_LIMIT = 1024 * 1024
"""Bytes. "Lambda quotas": 6 MB for requests and responses, 1 MB for asynchronous requests."""

_botocore: Any = botocore  # its stubs leave out what is not public

_PACKAGED = ("aws_lambda_powertools",)
"""Top-level packages that `sam build` bundles with a function, and that keep state: copied like its own modules."""


@dataclass(frozen=True)
class LambdaSettings:
    """How long things take, in virtual seconds.

    `cold_start_seconds` is the Init phase of a new execution environment, `invocation_seconds` what any invocation
    takes besides, `api_call_seconds` what each call of an AWS API from within a function takes.
    """

    cold_start_seconds: float = 0.9
    invocation_seconds: float = 0.15
    api_call_seconds: float = 0.05


_settings = LambdaSettings()


def configure(settings: LambdaSettings) -> None:
    """Use `settings` from now on."""
    global _settings
    _settings = settings


def settings() -> LambdaSettings:
    """The settings that hold now."""
    return _settings


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


@dataclass(frozen=True)
class InvocationResult:
    """What an invocation returned: `payload` is a JSON value; an error also has its type and message."""

    payload: Any
    error_type: str | None = None
    error_message: str | None = None
    log: str = ""


@dataclass(frozen=True)
class Invocation:
    """One invocation that took place. `caller` is the role that asked for it, None for an AWS service."""

    function_name: str
    request_id: str
    started_at: float
    seconds: float
    cold_start: bool
    caller: str | None
    error_type: str | None


_invocations: list[Invocation] = []


def invocations() -> tuple[Invocation, ...]:
    """Every invocation since the embedded AWS started, by its end."""
    return tuple(_invocations)


def random_uuid() -> str:
    """A UUID from moto's generator, so that runs that are seeded alike are alike."""
    return str(mock_random.uuid4())


def reset() -> None:
    """Forget every execution environment and every invocation."""
    for environments in _idle.values():
        for environment in environments:
            environment.discard()
    _idle.clear()
    _busy.clear()
    _invocations.clear()


# -- invoking ---------------------------------------------------------------------------------------------------------


def invoke(function: str, payload: Any, region: str, caller: str | None = None) -> InvocationResult:
    """Invoke a function and wait for its answer: takes virtual time, so call it from a task of the clock.

    `function` is a name, an ARN or a partial ARN, with or without a qualifier; `payload` is a JSON value; `caller` is
    the ARN of the role that invokes.
    Raises LambdaServiceError when the service refuses: no such function, throttled, payload too large.
    """
    target = find_function(function, region)
    fault = faults.take("lambda", "Invoke", {"FunctionName": target.function_name})
    if fault is not None:
        raise LambdaServiceError(fault.error, fault.message, fault.status)
    body = json.dumps(payload)
    if len(body.encode()) > SYNCHRONOUS_PAYLOAD_LIMIT:
        raise _too_large(len(body.encode()), "RequestResponse", SYNCHRONOUS_PAYLOAD_LIMIT)
    return _run(target, json.loads(body), random_uuid(), caller)


def invoke_async(function: str, payload: Any, region: str) -> None:
    """Queue an event for a function: tried again after one and after two minutes when the function fails.

    An event that fails for good goes to the function's on-failure destination and dead-letter queue.
    Raises LambdaServiceError when the service does not take the event.
    """
    target = find_function(function, region)
    body = json.dumps(payload)
    if len(body.encode()) > ASYNCHRONOUS_PAYLOAD_LIMIT:
        raise _too_large(len(body.encode()), "Event", ASYNCHRONOUS_PAYLOAD_LIMIT)
    clock.current().spawn(lambda: _work_off(function, region, body), f"event for {target.function_name}")


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


def _too_large(size: int, kind: str, limit: int) -> LambdaServiceError:
    return LambdaServiceError(
        "RequestTooLargeException",
        f"{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
        413,
    )


def _work_off(function: str, region: str, body: str) -> None:
    """Developer Guide, "How Lambda handles errors and retries with asynchronous invocation"."""
    request_id = random_uuid()
    queued_at = clock.current().time()
    attempt = 0
    while True:
        attempt += 1
        target = find_function(function, region)
        config = target.event_invoke_config[0].config if target.event_invoke_config else {}
        retries = int(config.get("MaximumRetryAttempts", 2))
        oldest = float(config.get("MaximumEventAgeInSeconds", 6 * 3600))
        try:
            result = _run(target, json.loads(body), request_id, None)
        except LambdaServiceError as error:
            # Throttles and service errors stay in the queue for up to its maximum age, tried ever more seldom.
            delay = min(2.0**attempt, 300)
            if clock.current().time() + delay - queued_at > oldest:
                failed = InvocationResult(None, error.code, str(error))
                _dispose(target, config, body, request_id, attempt, "EventAgeExceeded", failed)
                return
            clock.current().sleep(delay)
            continue
        if result.error_type is None:
            _send_to_destination(target, config, "OnSuccess", body, request_id, attempt, "Success", result)
            return
        if attempt > retries:
            _dispose(target, config, body, request_id, attempt, "RetriesExhausted", result)
            return
        delay = 60 if attempt == 1 else 120
        if clock.current().time() + delay - queued_at > oldest:
            _dispose(target, config, body, request_id, attempt, "EventAgeExceeded", result)
            return
        clock.current().sleep(delay)


def _dispose(
    target: Any,
    config: dict[str, Any],
    body: str,
    request_id: str,
    attempts: int,
    condition: str,
    result: InvocationResult,
) -> None:
    _send_to_destination(target, config, "OnFailure", body, request_id, attempts, condition, result)
    queue = (getattr(target, "dead_letter_config", None) or {}).get("TargetArn")
    if queue:
        from local_aws.delivery import targets  # it invokes functions through this module

        attributes = {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": result.error_message or ""}
        sender = targets.Sender("lambda.amazonaws.com", target.function_arn, target.account_id, target.role)
        if ":sqs:" in queue:
            strings = {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
            }
            targets.send_message(queue, body, sender, strings)
        else:
            targets.publish(queue, body, sender)


def _send_to_destination(
    target: Any,
    config: dict[str, Any],
    kind: str,
    body: str,
    request_id: str,
    attempts: int,
    condition: str,
    result: InvocationResult,
) -> None:
    """Developer Guide, "Capturing records of Lambda asynchronous invocations": the destination's invocation record."""
    destination = config.get("DestinationConfig", {}).get(kind, {}).get("Destination")
    if not destination:
        return
    from local_aws.delivery import targets  # it invokes functions through this module

    record = {
        "version": "1.0",
        "timestamp": _iso(clock.current().time()),
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{target.function_arn}:{target.version}",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": json.loads(body),
        "responseContext": {
            "statusCode": 200,
            "executedVersion": target.version,
            **({"functionError": "Unhandled"} if result.error_type else {}),
        },
        "responsePayload": result.payload,
    }
    sender = targets.Sender("lambda.amazonaws.com", target.function_arn, target.account_id, target.role)
    service = destination.split(":")[2]
    if service == "sqs":
        targets.send_message(destination, json.dumps(record), sender)
    elif service == "sns":
        targets.publish(destination, json.dumps(record), sender)
    elif service == "lambda":
        targets.invoke_function(destination, record, sender)
    else:
        raise NotImplementedError(f"a Lambda destination of the service {service}: {destination}")


# -- code -------------------------------------------------------------------------------------------------------------

_code_directories: dict[str, Path] = {}


def register_code(code_sha_256: str, directory: Path) -> None:
    """Say that the package of this hash (in base64) is the content of `directory`, unpacked already."""
    _code_directories[code_sha_256] = directory.resolve()


def _code_directory(function: Any) -> Path:
    if function.code_sha_256 not in _code_directories:
        directory = Path(tempfile.mkdtemp(prefix="lambda-"))
        with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as package:
            package.extractall(directory)
        register_code(function.code_sha_256, directory)
    return _code_directories[function.code_sha_256]


# -- execution environments -------------------------------------------------------------------------------------------


class _TaskTimedOut(BaseException):
    """Unwinds a handler that has used up its time; not an Exception, for handlers to leave alone."""


class _Output(io.TextIOBase):
    """The standard streams of an execution environment: each line is kept with its virtual moment."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, str]] = []
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self.lines.append((clock.current().time(), line))
        return len(text)

    def take(self) -> list[tuple[float, str]]:
        if self._rest:
            self.write("\n")
        lines, self.lines = self.lines, []
        return lines


class _Handler(logging.StreamHandler[Any]):
    """The handler that Lambda's Python runtime puts on the root logger."""

    def __init__(self, environment: ExecutionEnvironment) -> None:
        super().__init__(environment.output)
        self._environment = environment

    def format(self, record: logging.LogRecord) -> str:
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = logging.Formatter().format(record)
        if not self._environment.json_logs:
            return f"[{record.levelname}]\t{seconds}.{int(record.msecs):03d}Z\t{self._environment.request_id}\t{text}"
        return json.dumps(
            {
                "timestamp": f"{seconds}Z",
                "level": record.levelname,
                "message": text,
                "logger": record.name,
                "requestId": self._environment.request_id,
            }
        )


class ExecutionEnvironment:
    """Where a function's code lives between invocations; one invocation at a time."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.fingerprint = _fingerprint(function)
        self.code = _code_directory(function)
        self.output = _Output()
        self.request_id = ""
        self.deadline = 0.0
        self.handler: Callable[[Any, Any], Any] | None = None
        self.log_stream = _log_stream_name(function)
        self.json_logs = _logging_config(function).get("LogFormat", "Text") == "JSON"
        self._modules: dict[str, ModuleType] = {}
        self._foreign_modules: set[str] = set()
        self._outside_modules: dict[str, ModuleType] = {}
        self._outside_mark = self._mark = (0, "")
        self._session: Any = None
        self._session_initializers: list[Any] = []
        self._root_handlers: list[logging.Handler] = [_Handler(self)]
        self._root_level = logging.WARNING
        self._loggers = _library_loggers()
        self._variables = _environment_variables(function, self.log_stream)
        self._outside: dict[str, Any] | None = None

    def discard(self) -> None:
        self._modules.clear()
        self.handler = None

    # Entering and leaving exchange what Python keeps once a process.

    def enter(self) -> None:
        manager = logging.Logger.manager
        self._outside = {
            "environ": dict(os.environ),
            "modules": self._take_own_modules(self._outside_modules, self._outside_mark),
            "streams": (sys.stdout, sys.stderr),
            "session": boto3.DEFAULT_SESSION,
            "session initializers": _botocore._INITIALIZERS,
            "sleep": time.sleep,
            "loggers": manager.loggerDict,
            "root": (logging.root.handlers, logging.root.level),
        }
        _replace_environment(self._variables)
        sys.modules.update(self._modules)
        self._mark = _mark_modules()
        sys.path.insert(0, str(self.code))
        sys.stdout = sys.stderr = self.output
        boto3.DEFAULT_SESSION = self._session
        _botocore._INITIALIZERS = self._session_initializers
        time.sleep = self.sleep  # type: ignore[assignment]
        manager.loggerDict = self._loggers
        logging.root.handlers = self._root_handlers
        _set_root_level(self._root_level)
        _running.environment = self

    def leave(self) -> None:
        assert self._outside is not None
        outside, self._outside = self._outside, None
        _running.environment = None
        manager = logging.Logger.manager
        self._variables = dict(os.environ)
        self._modules = self._take_own_modules(self._modules, self._mark)
        self._session = boto3.DEFAULT_SESSION
        self._root_handlers, self._root_level = logging.root.handlers, logging.root.level
        sys.path.remove(str(self.code))
        _replace_environment(outside["environ"])
        sys.modules.update(outside["modules"])
        self._outside_modules, self._outside_mark = outside["modules"], _mark_modules()
        sys.stdout, sys.stderr = outside["streams"]
        boto3.DEFAULT_SESSION = outside["session"]
        _botocore._INITIALIZERS = outside["session initializers"]
        time.sleep = outside["sleep"]
        manager.loggerDict = outside["loggers"]
        logging.root.handlers = outside["root"][0]
        _set_root_level(outside["root"][1])

    def _take_own_modules(self, known: dict[str, ModuleType], since: tuple[int, str]) -> dict[str, ModuleType]:
        """Remove the function's own modules from `sys.modules`: those of its package, and those bundled with it.

        `known` are those that were there at `since`, a mark of `_mark_modules`.
        """
        if _mark_modules() == since:
            return {name: sys.modules.pop(name) for name in known if name in sys.modules}
        names = sys.modules.keys() - self._foreign_modules
        packages = {
            name
            for name in {name.partition(".")[0] for name in names}
            if name in _PACKAGED or (name in sys.modules and _comes_from(sys.modules[name], f"{self.code}{os.sep}"))
        }
        own = {name for name in names if name.partition(".")[0] in packages}
        self._foreign_modules |= names - own
        return {name: sys.modules.pop(name) for name in own}

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass, up to the function's time limit. For the function's own thread."""
        with aside():
            self.wait(seconds)

    def wait(self, seconds: float) -> None:
        """The same, when the environment is put aside already."""
        remaining = self.deadline - clock.current().time()
        if seconds >= remaining:
            clock.current().sleep(remaining)
            raise _TaskTimedOut
        clock.current().sleep(seconds)


_idle: dict[str, list[ExecutionEnvironment]] = {}
_busy: dict[str, int] = {}
_running = threading.local()


def current_environment() -> ExecutionEnvironment | None:
    """The execution environment whose code this thread runs, None when it runs none."""
    return getattr(_running, "environment", None)


@contextmanager
def aside() -> Iterator[ExecutionEnvironment | None]:
    """Put this thread's execution environment aside, for what is AWS's work and not the function's."""
    environment = current_environment()
    if environment is None:
        yield None
        return
    environment.leave()
    try:
        yield environment
    finally:
        environment.enter()


@contextmanager
def _inside(environment: ExecutionEnvironment) -> Iterator[None]:
    environment.enter()
    try:
        yield
    finally:
        environment.leave()


def _comes_from(module: ModuleType, directory: str) -> bool:
    file = getattr(module, "__file__", None)
    if file is not None:
        return bool(file.startswith(directory))
    return any(f"{path}{os.sep}".startswith(directory) for path in getattr(module, "__path__", None) or ())


def _mark_modules() -> tuple[int, str]:
    """What is another when a module has been imported since: how many there are, and which came last."""
    return len(sys.modules), next(reversed(sys.modules))


def _library_loggers() -> dict[str, Any]:
    """The loggers of the libraries that functions share; those that anybody else made are nobody's business."""
    return {
        name: logger
        for name, logger in logging.Logger.manager.loggerDict.items()
        if name.partition(".")[0] in ("botocore", "boto3", "urllib3", "s3transfer")
    }


def _replace_environment(variables: dict[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    for name, value in variables.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _set_root_level(level: int) -> None:
    if logging.root.level != level:
        logging.root.setLevel(level)


def _fingerprint(function: Any) -> tuple[Any, ...]:
    return (
        function.code_sha_256,
        function.handler,
        function.timeout,
        function.memory_size,
        function.role,
        json.dumps(_logging_config(function), sort_keys=True),
        tuple(sorted((key, str(value)) for key, value in function.environment_vars.items())),
    )


def _logging_config(function: Any) -> dict[str, Any]:
    return getattr(function, "logging_config", None) or {}


def _log_group(function: Any) -> str:
    return str(_logging_config(function).get("LogGroup") or f"/aws/lambda/{function.function_name}")


def _log_stream_name(function: Any) -> str:
    """Developer Guide, "Configuring CloudWatch log groups": in a group of its choice, a stream names the function."""
    shared = function.function_name if _logging_config(function).get("LogGroup") else ""
    return f"{clock.current().now():%Y/%m/%d}/{shared}[{function.version}]{mock_random.uuid4().hex}"


def _environment_variables(function: Any, log_stream: str) -> dict[str, str]:
    """Developer Guide, "Defined runtime environment variables"; with the credentials of the function's role."""
    session = sts_backends[function.account_id][get_partition(function.region)].assume_role(
        region_name=function.region,
        role_session_name=function.function_name,
        role_arn=function.role,
        policy=None,
        duration=12 * 3600,
        external_id=None,
    )
    return {
        "PATH": os.environ.get("PATH", ""),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(_code_directory(function)),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": _log_group(function),
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_LOG_FORMAT": _logging_config(function).get("LogFormat", "Text"),
        "_HANDLER": str(function.handler),
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
        **{name: str(value) for name, value in function.environment_vars.items()},
    }


# -- one invocation ---------------------------------------------------------------------------------------------------


class LambdaContext:
    """The context object of the Python runtime."""

    def __init__(self, environment: ExecutionEnvironment) -> None:
        function = environment.function
        self.function_name = function.function_name
        self.function_version = function.version
        self.invoked_function_arn = function.function_arn
        self.memory_limit_in_mb = str(function.memory_size)
        self.aws_request_id = environment.request_id
        self.log_group_name = _log_group(function)
        self.log_stream_name = environment.log_stream
        self.identity = None
        self.client_context = None
        self._environment = environment

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self._environment.deadline - clock.current().time()) * 1000))


class _RuntimeError(Exception):
    """An error that Lambda's runtime itself reports, under a name of its own."""

    def __init__(self, error_type: str, message: str, *, with_request: bool = True) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.with_request = with_request


def _run(function: Any, event: Any, request_id: str, caller: str | None) -> InvocationResult:
    key = function.function_arn
    if function.reserved_concurrency is not None and _busy.get(key, 0) >= int(function.reserved_concurrency):
        raise LambdaServiceError("TooManyRequestsException", "Rate Exceeded.", 429)
    _busy[key] = _busy.get(key, 0) + 1
    try:
        return _run_in_environment(function, event, request_id, caller)
    finally:
        _busy[key] = max(0, _busy.get(key, 0) - 1)


def _run_in_environment(function: Any, event: Any, request_id: str, caller: str | None) -> InvocationResult:
    key = function.function_arn
    idle = [one for one in _idle.get(key, []) if one.fingerprint == _fingerprint(function)]
    environment = idle.pop() if idle else None
    _idle[key] = idle
    cold = environment is None
    queued_at = clock.current().time()
    if environment is None:
        clock.current().sleep(_settings.cold_start_seconds)
        environment = ExecutionEnvironment(function)
    environment.request_id = request_id
    started_at = clock.current().time()
    environment.deadline = started_at + float(function.timeout)
    _log_start(environment)
    fatal = False
    try:
        with _inside(environment):
            payload, error_type = _call(environment, event), None
    except _TaskTimedOut:
        said = f"Task timed out after {float(function.timeout):.2f} seconds"
        error_type, fatal = "Sandbox.Timedout", True
        payload = {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {said}"}
        if not environment.json_logs:
            environment.output.write(f"{_iso(clock.current().time())} {request_id} {said}\n")
    except _RuntimeError as error:
        payload, error_type = _error_document(error, request_id), error.error_type
        fatal = error.error_type == "Runtime.ExitError"
        _log_error(environment, payload)
    except Exception as error:  # noqa: BLE001 - whatever the function raises is its answer
        payload, error_type = _exception_document(error, request_id, environment.code), type(error).__name__
        _log_error(environment, payload)
    seconds = clock.current().time() - started_at
    _log_report(environment, seconds, started_at - queued_at if cold else None, error_type)
    log = _deliver_logs(environment)
    _invocations.append(Invocation(function.function_name, request_id, started_at, seconds, cold, caller, error_type))
    if fatal or environment.handler is None:
        environment.discard()
    else:
        _idle[key].append(environment)
    if error_type is not None:
        return InvocationResult(payload, error_type, str(payload["errorMessage"]), log)
    return InvocationResult(payload, log=log)


def _call(environment: ExecutionEnvironment, event: Any) -> Any:
    """Load the handler when this is the first call, call it, and give its answer as JSON.

    Raises _RuntimeError, or what the function's code raises.
    """
    if environment.handler is None:
        environment.handler = _load(str(environment.function.handler))
    environment.sleep(_settings.invocation_seconds)
    try:
        answer = environment.handler(event, LambdaContext(environment))
    except SystemExit as error:
        if isinstance(error, clock.ClockClosed):
            raise
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        how = (
            f"Runtime exited with error: exit status {status}"
            if status
            else "Runtime exited without providing a reason"
        )
        message = f"RequestId: {environment.request_id} Error: {how}"
        raise _RuntimeError("Runtime.ExitError", message, with_request=False) from error
    try:
        text = json.dumps(answer, ensure_ascii=False, default=_decimal)
    except TypeError as error:
        raise _RuntimeError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    if len(text.encode()) > SYNCHRONOUS_PAYLOAD_LIMIT:
        raise _RuntimeError(
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
        raise _RuntimeError(
            "Runtime.MalformedHandlerName", f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        )
    module_name = module_name.replace("/", ".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise _RuntimeError("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        raise _RuntimeError(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}"
        ) from error
    found = getattr(module, name, None)
    if found is None:
        raise _RuntimeError("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'")
    return found  # type: ignore[no-any-return]


def _error_document(error: _RuntimeError, request_id: str) -> dict[str, Any]:
    if not error.with_request:
        return {"errorType": error.error_type, "errorMessage": str(error)}
    return {
        "errorMessage": str(error),
        "errorType": error.error_type,
        "requestId": request_id,
        "stackTrace": [],
    }


def _exception_document(error: Exception, request_id: str, code: Path) -> dict[str, Any]:
    """The error as Lambda's Python runtime reports it: only frames of the code, which is in /var/task there."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
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


# -- logs: Developer Guide, "Log formats" and "Lambda Telemetry API schema reference" ---------------------------------


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _log_event(environment: ExecutionEnvironment, kind: str, record: dict[str, Any]) -> None:
    line = {"time": _iso(clock.current().time()), "type": kind, "record": record}
    environment.output.write(json.dumps(line, separators=(",", ":")) + "\n")


def _log_start(environment: ExecutionEnvironment) -> None:
    version = environment.function.version
    if environment.json_logs:
        _log_event(environment, "platform.start", {"requestId": environment.request_id, "version": version})
    else:
        environment.output.write(f"START RequestId: {environment.request_id} Version: {version}\n")


def _log_error(environment: ExecutionEnvironment, payload: dict[str, Any]) -> None:
    if environment.json_logs:
        line = {"timestamp": _iso(clock.current().time()), "log_level": "ERROR", **payload}
        environment.output.write(json.dumps(line) + "\n")
        return
    environment.output.write(f"[ERROR] {payload['errorType']}: {payload['errorMessage']}\n")
    if payload.get("stackTrace"):
        environment.output.write("Traceback (most recent call last):\n" + "".join(payload["stackTrace"]))


def _log_report(
    environment: ExecutionEnvironment, seconds: float, init_seconds: float | None, error_type: str | None
) -> None:
    milliseconds, init = round(seconds * 1000, 2), round((init_seconds or 0) * 1000, 2)
    billed, memory = math.ceil(milliseconds + init), environment.function.memory_size
    if environment.json_logs:
        metrics = {"durationMs": milliseconds, "billedDurationMs": billed, "memorySizeMB": int(memory)}
        if init_seconds is not None:
            metrics["initDurationMs"] = init
        status = {None: "success", "Sandbox.Timedout": "timeout"}.get(error_type, "error")
        record = {"requestId": environment.request_id, "metrics": metrics, "status": status}
        _log_event(environment, "platform.report", record)
        return
    line = (
        f"END RequestId: {environment.request_id}\nREPORT RequestId: {environment.request_id}\t"
        f"Duration: {milliseconds:.2f} ms\tBilled Duration: {billed} ms\tMemory Size: {memory} MB\t"
    )
    environment.output.write(line + (f"Init Duration: {init:.2f} ms\t\n" if init_seconds is not None else "\n"))


def _deliver_logs(environment: ExecutionEnvironment) -> str:
    """Write what the invocation said to its log group, each line at its moment; returns the text."""
    function = environment.function
    lines = environment.output.take()
    group = _log_group(function)
    backend = logs_backends[function.account_id][function.region]
    backend.ensure_log_group(group)
    backend.ensure_log_stream(group, environment.log_stream)
    events = [{"timestamp": int(moment * 1000), "message": line} for moment, line in lines if line]
    backend.put_log_events(group, environment.log_stream, events)
    return "\n".join(line for _, line in lines)


def log_tail(log: str) -> str:
    """The last 4 KB of an invocation's log, in base64, as `LogType=Tail` gives it."""
    return base64.b64encode(log.encode()[-4096:]).decode()
