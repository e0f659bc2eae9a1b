"""Events in a function's queue: how they are tried again, and where they go in the end.

Source: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation", "Capturing
records of Lambda asynchronous invocations".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from local_aws.core import clock, delivery
from local_aws.core.errors import NotModelled
from local_aws.core.ids import random_uuid
from local_aws.core.times import iso
from local_aws.lambda_ import runtime
from local_aws.lambda_.functions import LambdaServiceError, find_function
from local_aws.lambda_.invocations import InvocationResult, check_size, run

_DEFAULT_RETRIES = 2
_OLDEST_SECONDS = 6 * 3600
_DESTINATIONS = ("sqs", "sns", "lambda")


@dataclass(frozen=True)
class _Event:
    """An event that a function was invoked with: `body` is a JSON text, `queued_at` in seconds of virtual time."""

    function_name: str
    region: str
    body: str
    request_id: str
    queued_at: float


def invoke_async(function_name: str, payload: Any, region: str) -> None:
    """Queue an event for a function: tried again after one and after two minutes when the function fails.

    An event that fails for good goes to the function's on-failure destination and dead-letter queue.
    Raises LambdaServiceError when the service does not take the event.
    """
    function = find_function(function_name, region)
    body = json.dumps(payload)
    check_size(body, "Event", runtime.ASYNCHRONOUS_PAYLOAD_LIMIT)
    event = _Event(function_name, region, body, random_uuid(), clock.current().time())
    clock.current().spawn(partial(_process, event), f"event for {function.function_name}")


def _process(event: _Event) -> None:
    attempt = 0
    while True:
        attempt += 1
        function = find_function(event.function_name, event.region)
        config = _event_invoke_config(function)
        try:
            result = run(function, json.loads(event.body), event.request_id, None)
        except LambdaServiceError as error:
            # Throttles and service errors stay in the queue for up to its maximum age, tried ever more seldom.
            delay = min(2.0**attempt, 300)
            result = InvocationResult(None, error.code, str(error))
        else:
            delay = 60 if attempt == 1 else 120
            if result.error_type is None:
                _send_to_destination(function, "OnSuccess", event, attempt, "Success", result)
                return
            if attempt > int(config.get("MaximumRetryAttempts", _DEFAULT_RETRIES)):
                _give_up(function, event, attempt, "RetriesExhausted", result)
                return
        oldest = float(config.get("MaximumEventAgeInSeconds", _OLDEST_SECONDS))
        if clock.current().time() + delay - event.queued_at > oldest:
            _give_up(function, event, attempt, "EventAgeExceeded", result)
            return
        clock.current().sleep(delay)


def _event_invoke_config(function: Any) -> dict[str, Any]:
    return function.event_invoke_config[0].config if function.event_invoke_config else {}


def _give_up(function: Any, event: _Event, attempts: int, condition: str, result: InvocationResult) -> None:
    _send_to_destination(function, "OnFailure", event, attempts, condition, result)
    dead_letter_queue = (getattr(function, "dead_letter_config", None) or {}).get("TargetArn")
    if dead_letter_queue:
        texts = {"RequestID": event.request_id, "ErrorCode": "200", "ErrorMessage": result.error_message or ""}
        attributes = delivery.text_attributes({name: text for name, text in texts.items() if text})
        _send(function, {"Arn": dead_letter_queue, "MessageAttributes": attributes}, event.body)


def _send_to_destination(
    function: Any, outcome: str, event: _Event, attempts: int, condition: str, result: InvocationResult
) -> None:
    """Send the invocation record to the function's destination for the outcome, if it has one."""
    destination = _event_invoke_config(function).get("DestinationConfig", {}).get(outcome, {}).get("Destination")
    if not destination:
        return
    if destination.split(":")[2] not in _DESTINATIONS:
        raise NotModelled(
            f"expected a Lambda destination of {', '.join(_DESTINATIONS)}, found {destination}: the embedded AWS sends "
            "to no other"
        )
    record = {
        "version": "1.0",
        "timestamp": iso(clock.current().time()),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": f"{function.function_arn}:{function.version}",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": json.loads(event.body),
        "responseContext": {
            "statusCode": 200,
            "executedVersion": function.version,
            **({"functionError": "Unhandled"} if result.error_type else {}),
        },
        "responsePayload": result.payload,
    }
    _send(function, {"Arn": destination}, json.dumps(record))


def _send(function: Any, target: dict[str, Any], body: str) -> None:
    """Send as the function's role. What does not arrive is lost, and counted by metrics (Developer Guide, "Capturing
    records of Lambda asynchronous invocations")."""
    try:
        delivery.send(target, body, _sender(function))
    except delivery.DeliveryFailed as error:
        delivery.give_up(target["Arn"], error.code, error, None, body, {}, _sender(function))


def _sender(function: Any) -> delivery.Sender:
    return delivery.Sender("lambda.amazonaws.com", function.function_arn, function.account_id, function.role)
