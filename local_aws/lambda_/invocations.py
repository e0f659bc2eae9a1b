"""Invocations: functions really run, in this process, and their callers get what they return.

Behaviour: AWS Lambda Developer Guide, unless a comment names another source.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from local_aws.core import clock, faults, settings
from local_aws.core.ids import random_uuid
from local_aws.lambda_ import logs, runtime
from local_aws.lambda_.environments import ExecutionEnvironment, TaskTimedOut, inside
from local_aws.lambda_.functions import LambdaServiceError, find_function
from local_aws.lambda_.settings import LambdaSettings


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


@dataclass
class _Pool:
    """The execution environments of one function that wait for an invocation, and how many are busy with one."""

    idle: list[ExecutionEnvironment] = field(default_factory=list)
    busy: int = 0


invocations: clock.PerClock[list[Invocation]] = clock.PerClock(list)
"""Every invocation in the embedded AWS that runs now, by its end."""

_pools: clock.PerClock[defaultdict[str, _Pool]] = clock.PerClock(lambda: defaultdict(_Pool))


def invoke(function_name: str, payload: Any, region: str, caller: str | None = None) -> InvocationResult:
    """Invoke a function and wait for its answer: takes virtual time, so call it from a task of the clock.

    `function_name` is a name, an ARN or a partial ARN, with or without a qualifier; `payload` is a JSON value; `caller`
    is the ARN of the role that invokes.
    Raises LambdaServiceError when the service refuses: no such function, throttled, payload too large.
    """
    function = find_function(function_name, region)
    fault = faults.take("lambda", "Invoke", {"FunctionName": function.function_name})
    if fault is not None:
        raise LambdaServiceError(fault.error, fault.message, fault.status)
    body = json.dumps(payload)
    check_size(body, "RequestResponse", runtime.SYNCHRONOUS_PAYLOAD_LIMIT)
    return run(function, json.loads(body), random_uuid(), caller)


def check_size(body: str, invocation_type: str, limit: int) -> None:
    """Raise LambdaServiceError when the payload has more bytes than `limit`."""
    size = len(body.encode())
    if size > limit:
        message = f"{size} byte payload is too large for the {invocation_type} invocation type (limit {limit} bytes)"
        raise LambdaServiceError("RequestTooLargeException", message, 413)


def run(function: Any, event: Any, request_id: str, caller: str | None) -> InvocationResult:
    """Run moto's `function` with the JSON value `event`, in an execution environment that waits for it or a new one.

    Raises LambdaServiceError when as many invocations as the function may have are running.
    """
    pool = _pools()[function.function_arn]
    if function.reserved_concurrency is not None and pool.busy >= int(function.reserved_concurrency):
        raise LambdaServiceError("TooManyRequestsException", "Rate Exceeded.", 429)
    pool.busy += 1
    try:
        return _run_in_environment(function, pool, event, request_id, caller)
    finally:
        pool.busy -= 1


def _run_in_environment(
    function: Any, pool: _Pool, event: Any, request_id: str, caller: str | None
) -> InvocationResult:
    # An environment of the function as it was before it was updated is not used again.
    pool.idle = [environment for environment in pool.idle if environment.is_of(function)]
    environment = pool.idle.pop() if pool.idle else None
    init_seconds = None
    if environment is None:
        init_seconds = settings.current(LambdaSettings).cold_start_seconds
        clock.current().sleep(init_seconds)
        environment = ExecutionEnvironment(function)
    environment.request_id = request_id
    started_at = clock.current().time()
    environment.deadline = started_at + float(function.timeout)
    logs.start(environment)
    fatal = False
    try:
        with inside(environment):
            payload, error_type = runtime.call(environment, event), None
    except TaskTimedOut:
        message = f"Task timed out after {float(function.timeout):.2f} seconds"
        error_type, fatal = "Sandbox.Timedout", True
        payload = {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {message}"}
        logs.time_out(environment, message)
    except runtime.RuntimeFailure as error:
        payload, error_type = runtime.error_document(error, request_id), error.error_type
        fatal = error.error_type == "Runtime.ExitError"
        logs.error(environment, payload)
    except Exception as error:  # noqa: BLE001 - whatever the function raises is its answer
        payload, error_type = runtime.exception_document(error, request_id, environment.code), type(error).__name__
        logs.error(environment, payload)
    seconds = clock.current().time() - started_at
    logs.report(environment, seconds, init_seconds, error_type)
    log = logs.deliver(environment)
    invocations().append(
        Invocation(
            function.function_name, request_id, started_at, seconds, init_seconds is not None, caller, error_type
        )
    )
    if fatal or environment.handler is None:
        environment.discard()
    else:
        pool.idle.append(environment)
    if error_type is not None:
        return InvocationResult(payload, error_type, str(payload["errorMessage"]), log)
    return InvocationResult(payload, log=log)
