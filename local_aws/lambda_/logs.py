"""What Lambda writes to a function's log group: the function's own lines, and the platform's around them.

Source: AWS Lambda Developer Guide, "Log formats" and "Lambda Telemetry API schema reference".
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

from local_aws.core import clock
from local_aws.core.times import iso
from local_aws.lambda_ import functions
from local_aws.lambda_.environments import ExecutionEnvironment
from local_aws.logs import groups


def _write_event(environment: ExecutionEnvironment, kind: str, record: dict[str, Any]) -> None:
    line = {"time": iso(clock.current().time()), "type": kind, "record": record}
    environment.output.write(json.dumps(line, separators=(",", ":")) + "\n")


def start(environment: ExecutionEnvironment) -> None:
    """Write that an invocation begins."""
    version = environment.function.version
    if environment.json_logs:
        _write_event(environment, "platform.start", {"requestId": environment.request_id, "version": version})
    else:
        environment.output.write(f"START RequestId: {environment.request_id} Version: {version}\n")


def time_out(environment: ExecutionEnvironment, message: str) -> None:
    """Write that the invocation has used up its time; in JSON only the report has it."""
    if not environment.json_logs:
        environment.output.write(f"{iso(clock.current().time())} {environment.request_id} {message}\n")


def error(environment: ExecutionEnvironment, payload: dict[str, Any]) -> None:
    """Write the error document that the invocation returns."""
    if environment.json_logs:
        line = {"timestamp": iso(clock.current().time()), "log_level": "ERROR", **payload}
        environment.output.write(json.dumps(line) + "\n")
        return
    environment.output.write(f"[ERROR] {payload['errorType']}: {payload['errorMessage']}\n")
    if payload.get("stackTrace"):
        environment.output.write("Traceback (most recent call last):\n" + "".join(payload["stackTrace"]))


def report(
    environment: ExecutionEnvironment, seconds: float, init_seconds: float | None, error_type: str | None
) -> None:
    """Write how long the invocation took, in seconds, `init_seconds` of a cold start before it, and how it ended."""
    milliseconds, init = round(seconds * 1000, 2), round((init_seconds or 0) * 1000, 2)
    billed, memory = math.ceil(milliseconds + init), environment.function.memory_size
    if environment.json_logs:
        metrics = {"durationMs": milliseconds, "billedDurationMs": billed, "memorySizeMB": int(memory)}
        if init_seconds is not None:
            metrics["initDurationMs"] = init
        status = {None: "success", "Sandbox.Timedout": "timeout"}.get(error_type, "error")
        record = {"requestId": environment.request_id, "metrics": metrics, "status": status}
        _write_event(environment, "platform.report", record)
        return
    line = (
        f"END RequestId: {environment.request_id}\nREPORT RequestId: {environment.request_id}\t"
        f"Duration: {milliseconds:.2f} ms\tBilled Duration: {billed} ms\tMemory Size: {memory} MB\t"
    )
    environment.output.write(line + (f"Init Duration: {init:.2f} ms\t\n" if init_seconds is not None else "\n"))


def deliver(environment: ExecutionEnvironment) -> str:
    """Write the output of the invocation to its log group, each line at its moment; returns the text."""
    function = environment.function
    lines = environment.output.take()
    events = [(moment, line) for moment, line in lines if line]
    place = (function.account_id, function.region, functions.log_group(function), environment.log_stream)
    groups.write(*place, events)
    return "\n".join(line for _, line in lines)


def tail(log: str) -> str:
    """The last 4 KB of an invocation's log, in base64, as `LogType=Tail` gives it."""
    return base64.b64encode(log.encode()[-4096:]).decode()
