"""What Step Functions writes of an execution to the log groups of the state machine's logging configuration.

Source: AWS Step Functions Developer Guide, "Using CloudWatch Logs to log execution history in Step Functions".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.utilities.arns import parse_arn

from local_aws.logs import groups

_LOGGED: dict[str, Callable[[str], bool]] = {
    "ALL": lambda _: True,
    "ERROR": lambda event_type: event_type.endswith(("Failed", "TimedOut", "Aborted")),
    "FATAL": lambda event_type: event_type in ("ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"),
    "OFF": lambda _: False,
}
_EXECUTION_DATA = ("input", "inputDetails", "output", "outputDetails")


def write(event: Mapping[str, Any], execution_arn: str, stream: str, configuration: Mapping[str, Any]) -> None:
    """Write an event of an execution's history to the destinations of `configuration`, if its level includes it."""
    if not _LOGGED[configuration.get("level", "OFF")](event["type"]):
        return
    details = next((dict(value) for key, value in event.items() if key.endswith("EventDetails")), {})
    if not configuration.get("includeExecutionData", False):
        details = without_execution_data(details)
    moment = event["timestamp"].timestamp()
    message = {
        "id": str(event["id"]),
        "type": event["type"],
        "details": details,
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(int(moment * 1000)),
        "execution_arn": execution_arn,
    }
    line = json.dumps(message, separators=(",", ":"))
    for destination in configuration.get("destinations", []):
        group = parse_arn(destination["cloudWatchLogsLogGroup"]["logGroupArn"].removesuffix(":*"))
        groups.write(group.account, group.region, group.resource_id, stream, [(moment, line)])


def without_execution_data(details: Mapping[str, Any]) -> dict[str, Any]:
    """The details of an event without what it says of input and output."""
    return {name: value for name, value in details.items() if name not in _EXECUTION_DATA}
