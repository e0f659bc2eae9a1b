"""Execution environments: where the code of a function lives, apart from everybody else's in this process.

An execution environment has its own copy of the function's modules, its own environment variables, loggers, standard
streams and default boto3 session, and the credentials of the function's role. Whenever an invocation waits in virtual
time, all of that is put aside, so that nothing of one function is ever seen by another. Behaviour: AWS Lambda
Developer Guide, unless a comment names another source.
"""

from __future__ import annotations

import functools
import io
import json
import logging
import os
import sys
import tempfile
import threading
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import botocore

from local_aws.core import clock, settings
from local_aws.core.ids import random_uuid
from local_aws.core.times import iso
from local_aws.iam import roles
from local_aws.lambda_ import functions
from local_aws.lambda_.settings import LambdaSettings

_botocore: Any = botocore  # its stubs leave out what is not public

_PACKAGED = ("aws_lambda_powertools",)
"""Top-level packages that `sam build` bundles with a function, and that keep state: copied like its own modules."""

# -- code -------------------------------------------------------------------------------------------------------------

_code_directories: dict[str, Path] = {}

_foreign_modules: dict[Path, set[str]] = defaultdict(set)
"""By the code's directory, the names of the modules found to be none of its own: thousands, each looked at once."""


@functools.cache
def _unpacked() -> tempfile.TemporaryDirectory[str]:
    """Where packages are unpacked, until the process ends."""
    return tempfile.TemporaryDirectory(prefix="lambda-")


def register_code(code_sha_256: str, directory: Path) -> None:
    """Have the content of `directory` used as the package of this hash (in base64), which is not unpacked then."""
    _code_directories[code_sha_256] = directory.resolve()


def _code_directory(function: Any) -> Path:
    if function.code_sha_256 not in _code_directories:
        directory = Path(tempfile.mkdtemp(dir=_unpacked().name))
        with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as package:
            package.extractall(directory)
        register_code(function.code_sha_256, directory)
    return _code_directories[function.code_sha_256]


# -- environments -----------------------------------------------------------------------------------------------------


class TaskTimedOut(BaseException):
    """Unwinds a handler that has used up its time. It is not an Exception, so that no handler catches it."""


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
        text = logging.Formatter().format(record)
        if not self._environment.json_logs:
            return f"[{record.levelname}]\t{iso(record.created)}\t{self._environment.request_id}\t{text}"
        return json.dumps(
            {
                "timestamp": iso(record.created, "seconds"),
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
        self._fingerprint = _fingerprint(function)
        self.code = _code_directory(function)
        self.output = _Output()
        self.request_id = ""
        self.deadline = 0.0
        self.handler: Callable[[Any, Any], Any] | None = None
        self.log_stream = _log_stream_name(function)
        self.json_logs = functions.logging_config(function).get("LogFormat", "Text") == "JSON"
        self._modules: dict[str, ModuleType] = {}
        self._foreign_modules = _foreign_modules[self.code]
        self._outside_modules: dict[str, ModuleType] = {}
        self._outside_mark = self._mark = (0, "")
        self._session: Any = None
        self._session_initializers: list[Any] = []
        self._root_handlers: list[logging.Handler] = [_Handler(self)]
        self._root_level = logging.WARNING
        self._loggers = _library_loggers()
        self._variables = _environment_variables(function, self.log_stream)
        self._outside: dict[str, Any] | None = None

    def is_of(self, function: Any) -> bool:
        """Whether it was made for this function, as the function is now."""
        return self._fingerprint == _fingerprint(function)

    def discard(self) -> None:
        """Forget the function's code."""
        self._modules.clear()
        self.handler = None

    def enter(self) -> None:
        """Exchange what Python has once a process for the environment's own."""
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
        """Put the environment's own aside, and what was there before in its place."""
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
        """As `sleep`, for a thread that has put the environment aside already."""
        remaining = self.deadline - clock.current().time()
        if seconds >= remaining:
            clock.current().sleep(remaining)
            raise TaskTimedOut
        clock.current().sleep(seconds)


_running = threading.local()
"""`environment` is the execution environment whose code the thread runs, None or missing when it runs none."""


@contextmanager
def aside() -> Iterator[ExecutionEnvironment | None]:
    """Put this thread's execution environment, if it has one, aside while AWS does something and not the function."""
    environment: ExecutionEnvironment | None = getattr(_running, "environment", None)
    if environment is None:
        yield None
        return
    environment.leave()
    try:
        yield environment
    finally:
        environment.enter()


@contextmanager
def inside(environment: ExecutionEnvironment) -> Iterator[None]:
    """Run the function's code in the execution environment."""
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
    """A value that changes when a module is imported: how many modules there are, and which came last."""
    return len(sys.modules), next(reversed(sys.modules))


def _library_loggers() -> dict[str, Any]:
    """The loggers of the libraries that functions share; no function sees those that another one made."""
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
    """A value that changes with an update of the function after which its execution environments are not used again."""
    return (
        function.code_sha_256,
        function.handler,
        function.timeout,
        function.memory_size,
        function.role,
        json.dumps(functions.logging_config(function), sort_keys=True),
        tuple(sorted((key, str(value)) for key, value in function.environment_vars.items())),
    )


def _log_stream_name(function: Any) -> str:
    """Developer Guide, "Configuring CloudWatch log groups": in a group of its choice, a stream names the function."""
    shared = function.function_name if functions.logging_config(function).get("LogGroup") else ""
    return f"{clock.current().now():%Y/%m/%d}/{shared}[{function.version}]{random_uuid().replace('-', '')}"


def _environment_variables(function: Any, log_stream: str) -> dict[str, str]:
    """Developer Guide, "Defined runtime environment variables"; with the credentials of the function's role."""
    credentials = roles.assume(function.account_id, function.region, function.role, function.function_name, 12 * 3600)
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
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": functions.log_group(function),
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_LOG_FORMAT": functions.logging_config(function).get("LogFormat", "Text"),
        "_HANDLER": str(function.handler),
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        **{name: str(value) for name, value in function.environment_vars.items()},
    }


@contextmanager
def api_call() -> Iterator[None]:
    """Take the time of a call of an AWS API from within a function, and put its execution environment aside for it."""
    with aside() as environment:
        if environment is not None:
            environment.wait(settings.current(LambdaSettings).api_call_seconds)
        yield
