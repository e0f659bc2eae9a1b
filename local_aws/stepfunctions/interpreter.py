"""Corrections of moto's interpreter of the Amazon States Language, each in place of a method or function of its own.

Behaviour: AWS Step Functions Developer Guide, unless a comment names another source.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_operator_type import (
    ComparisonOperatorType,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.variable import NoSuchVariable
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState, FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from local_aws.core import clock
from local_aws.core.ids import random_uuid
from local_aws.core.resource_policies import not_authorized
from local_aws.core.times import iso
from local_aws.iam import permissions
from local_aws.lambda_.functions import LambdaServiceError, find_function
from local_aws.lambda_.invocations import invoke
from local_aws.stepfunctions.history import give_up

_close_frame = Environment.close_frame
_as_inner_frame_of = Environment.as_inner_frame_of.__func__
_eval_choice = StateChoice._eval_state
_lambda_from_error = StateTaskLambda._from_error
_lambda_parameters = StateTaskLambda._eval_parameters

# -- time -------------------------------------------------------------------------------------------------------------


def wait_interval(_: Any, env: Environment, wait_seconds: float) -> None:
    """Of WaitFunction: an execution that ends does not wait on."""
    due = clock.current().time() + max(0, wait_seconds)
    while env.is_running() and (remaining := due - clock.current().time()) > 0:
        env.program_state_event.wait(remaining)


def from_timestamp_string(timestamp: str) -> datetime | None:
    """Of Timestamp: the moment that it names (RFC 3339 with an upper-case T), or None."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", timestamp):
        return None
    try:
        return datetime.fromisoformat(timestamp)
    except ValueError:
        return None


def timestamp_wait_seconds(wait: Any, env: Environment) -> float:
    """Of Timestamp: the seconds until then, on the clock."""
    wait.string.eval(env=env)
    text = env.stack.pop()
    moment = from_timestamp_string(text) if isinstance(text, str) else None
    if moment is None:
        raise FailureEventException(wait._create_failure_event(env, text))
    return (moment - clock.current().now()).total_seconds()


def state_data(EnteredTime: str, Name: str) -> dict[str, Any]:  # noqa: ARG001, N803 - moto's names
    """The context object's State."""
    return {"EnteredTime": iso(clock.current().now()), "Name": Name}


# -- frames -----------------------------------------------------------------------------------------------------------


def close_frame(environment: Environment, frame: Environment) -> None:
    """Of Environment: what still runs in the frame (a task past its time limit) adds nothing more to the history."""
    _close_frame(environment, frame)
    give_up(frame)


def as_inner_frame_of(
    cls: Any, env: Environment, variable_store: Any, event_history_frame_cache: Any = None
) -> Environment:
    """Of Environment: what is inside a Map sees the context object's Map, at any depth."""
    frame = _as_inner_frame_of(cls, env, variable_store, event_history_frame_cache)
    outer = env.states.context_object.context_object_data
    if "Map" in outer:
        frame.states.context_object.context_object_data["Map"] = outer["Map"]
    return frame


# -- errors -----------------------------------------------------------------------------------------------------------


def error_equals(declaration: Any, env: Environment) -> None:
    """Of ErrorEqualsDecl. "Handling errors in Step Functions workflows", the notes on each error name."""
    raised = env.stack.pop()
    error = raised.error_name if raised is not None else None
    names = {name.error_name for name in declaration.error_names}
    if error == "States.Runtime":
        matches = False
    elif error == "States.DataLimitExceeded":
        matches = error in names
    else:
        matches = (
            error in names or "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")
        )
    env.stack.append(matches)


def custom_error_name(name: Any, error_name: str | None) -> None:
    """Of CustomErrorName: a Map iteration that ends in States.Timeout fails its Map state with that name."""
    super(CustomErrorName, name).__init__(error_name=error_name)


def eval_choice(state: Any, env: Environment) -> None:
    """Of StateChoice. "Error names", States.NoChoiceMatched."""
    try:
        _eval_choice(state, env)
    except RuntimeError as error:
        if error.args != ("No branching option reached in state %s", state.name):
            raise
        cause = f"No choice of the state {state.name} matches its input, and it has no Default"
        raise _execution_failure(env, "States.NoChoiceMatched", cause) from error


def eval_comparison(comparison: Any, env: Environment) -> None:
    """Of ComparisonVariable. "Choice workflow state": what does not exist can be asked for IsPresent only."""
    comparison.variable.eval(env)
    asked = comparison.comparison_function.operator_type
    if isinstance(env.stack[-1], NoSuchVariable) and asked != ComparisonOperatorType.IsPresent:
        path = comparison.variable.string_sampler.literal_value
        cause = f"Invalid path '{path}': The choice state's condition path references an invalid value."
        raise _execution_failure(env, "States.Runtime", cause)
    comparison.comparison_function.eval(env)


def _execution_failure(env: Environment, error: str, cause: str) -> FailureEventException:
    details = EventDetails(executionFailedEventDetails={"error": error, "cause": cause})
    return FailureEventException(FailureEvent(env, CustomErrorName(error), HistoryEventType.ExecutionFailed, details))


# -- Lambda -----------------------------------------------------------------------------------------------------------


def invoke_lambda_function(parameters: dict[str, Any], region: str, state_credentials: Any) -> dict[str, Any]:
    """The answer of the function, which runs in this process, for the role of the state machine."""
    role_arn = state_credentials.role_arn
    function_arn = str(find_function(parameters["FunctionName"], region).function_arn)
    if not permissions.allows(role_arn, "lambda:InvokeFunction", function_arn, {"aws:requestedregion": region}):
        raise LambdaServiceError(
            "AccessDeniedException",
            not_authorized(f"User: {role_arn}", "lambda:InvokeFunction", function_arn),
            403,
        )
    result = invoke(function_arn, json.loads(parameters["Payload"]), region, caller=role_arn)
    answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": result.payload}
    if result.error_type is not None:
        answer["FunctionError"] = "Unhandled"
    return answer


def to_payload_type(payload: Any) -> bytes:
    """A payload as JSON; moto's own takes a text for JSON already."""
    return json.dumps(payload).encode()


def lambda_parameters(state: Any, env: Environment) -> Any:
    """Of StateTaskLambda: "when, after Parameters processing, the input of a state is larger than the quota"."""
    parameters = _lambda_parameters(state, env)
    state._verify_size_quota(env=env, value=parameters["Payload"])
    return parameters


def lambda_from_error(state: Any, env: Environment, ex: Exception) -> FailureEvent:
    """Of StateTaskLambda: errors of the Lambda service itself arrive as `Lambda.<code>`."""
    if isinstance(ex, NoSuchJsonPathError):
        return ExecutionState._from_error(state, env, ex)
    if not isinstance(ex, LambdaServiceError):
        return _lambda_from_error(state, env, ex)
    name = f"Lambda.{ex.step_functions_code}"
    cause = (
        f"{ex} (Service: AWSLambda; Status Code: {ex.status}; Error Code: {ex.code}; "
        f"Request ID: {random_uuid()}; Proxy: null)"
    )
    return FailureEvent(
        env=env,
        error_name=CustomErrorName(name),
        event_type=HistoryEventType.LambdaFunctionFailed,
        event_details=EventDetails(lambdaFunctionFailedEventDetails={"error": name, "cause": cause}),
    )
