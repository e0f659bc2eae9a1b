"""Answers of the Step Functions API, complete where moto's own are not.

Source: AWS Step Functions API Reference.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidToken, ValidationException
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.responses import StepFunctionResponse

from local_aws.core import clock, delivery
from local_aws.core.delivery import Sender
from local_aws.core.errors import NotModelled
from local_aws.iam import roles
from local_aws.stepfunctions.executions import ClockExecution
from local_aws.stepfunctions.logs import without_execution_data

_LARGEST_PAGE = 1000
_USUAL_PAGE = 100

_PRINCIPAL = "states.amazonaws.com"

_create_state_machine = StepFunctionResponse.create_state_machine
_update_state_machine = StepFunctionResponse.update_state_machine


class AccessDenied(AWSError):  # type: ignore[misc]
    """Step Functions may not assume the role."""

    TYPE = "AccessDeniedException"
    STATUS = 400


def create_state_machine(response: Any) -> ActionResult:
    """Create a state machine, of the one type that the embedded AWS has."""
    machine_type = response._get_param("type") or "STANDARD"
    if machine_type != "STANDARD":
        raise NotModelled(f"the embedded AWS does not model state machines of the type {machine_type}")
    _check_role(response, response._get_param("name"))
    return _create_state_machine(response)


def update_state_machine(response: Any) -> ActionResult:
    """Update a state machine."""
    _check_role(response, response._get_param("stateMachineArn").rsplit(":", 1)[-1])
    return _update_state_machine(response)


def _check_role(response: Any, name: str) -> None:
    """Raise AccessDenied unless Step Functions may assume the role that the request gives, if it gives one.

    Source: AWS Step Functions Developer Guide, "Creating an IAM role for your state machine"; Step Functions' own
    words, in a public issue: lumigo-io/lumigo-CLI#83.
    """
    role, account, region = response._get_param("roleArn"), response.current_account, response.region
    if role is None or not delivery.is_arn(role):
        return
    arn = f"arn:aws:states:{region}:{account}:stateMachine:{name}"
    principals = (_PRINCIPAL, f"states.{region}.amazonaws.com")
    if not any(roles.trusts(role, Sender(principal, arn, account)) for principal in principals):
        raise AccessDenied(
            f"Neither the global service principal {_PRINCIPAL}, nor the regional one is authorized to assume the "
            "provided role."
        )


def describe_execution(response: Any) -> ActionResult:
    execution = _execution(response)
    redrive_status, redrive_status_reason = execution.redrive_status
    answer: dict[str, Any] = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "traceHeader": execution.trace_header,
        "error": execution.error,
        "cause": execution.cause,
        "redriveCount": 0,
        "redriveStatus": redrive_status,
        "redriveStatusReason": redrive_status_reason,
    }
    if execution.exec_status == ExecutionStatus.SUCCEEDED:
        answer |= {"output": to_json_str(execution.output), "outputDetails": {"included": True}}
    return ActionResult({key: value for key, value in answer.items() if value is not None})


def list_executions(response: Any) -> ActionResult:
    machine = response.stepfunction_backend.describe_state_machine(response._get_param("stateMachineArn"))
    executions, next_token = response.stepfunction_backend.list_executions(
        machine.arn,
        status_filter=response._get_param("statusFilter"),
        max_results=response._get_int_param("maxResults") or None,
        next_token=response._get_param("nextToken"),
    )
    items = [
        {
            "executionArn": execution.exec_arn,
            "stateMachineArn": machine.arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": execution.start_date,
            "redriveCount": 0,
            **({"stopDate": execution.stop_date} if execution.stop_date else {}),
        }
        for execution in executions
    ]
    return ActionResult({"executions": items, "nextToken": next_token})


def stop_execution(response: Any) -> ActionResult:
    execution = _execution(response)
    execution.stop(clock.current().now(), error=response._get_param("error"), cause=response._get_param("cause"))
    return ActionResult({"stopDate": execution.stop_date})


def get_execution_history(response: Any) -> ActionResult:
    execution = _execution(response)
    size = response._get_int_param("maxResults") or _USUAL_PAGE
    if not 0 < size <= _LARGEST_PAGE:
        raise ValidationException(
            f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: "
            f"Member must have value less than or equal to {_LARGEST_PAGE}"
        )
    reverse = bool(response._get_param("reverseOrder"))
    token = response._get_param("nextToken")
    events = execution.history.events
    # A token names the last event seen: in a running execution, more events arrive between two pages.
    after = _decode_token(token, execution, reverse) if token else None
    if reverse:
        chosen = [event for event in reversed(events) if after is None or event["id"] < after]
    else:
        chosen = [event for event in events if after is None or event["id"] > after]
    page = chosen[:size]
    if response._get_param("includeExecutionData", True) is False:
        page = [_without_data(event) for event in page]
    more = {"nextToken": _encode_token(page[-1]["id"], execution, reverse)} if len(chosen) > size else {}
    return ActionResult({"events": page, **more})


def _execution(response: Any) -> ClockExecution:
    return response.stepfunction_backend.describe_execution(  # type: ignore[no-any-return]
        response._get_param("executionArn")
    )


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: without_execution_data(value) if key.endswith("EventDetails") else value for key, value in event.items()
    }


def _encode_token(last: int, execution: ClockExecution, reverse: bool) -> str:
    return base64.b64encode(json.dumps([last, execution.exec_arn, reverse]).encode()).decode()


def _decode_token(token: str, execution: ClockExecution, reverse: bool) -> int:
    try:
        last, arn, direction = json.loads(base64.b64decode(token, validate=True))
    except ValueError:
        raise InvalidToken(f"'{token}'") from None
    if arn != execution.exec_arn or direction != reverse:
        raise InvalidToken(f"'{token}'")
    return int(last)
