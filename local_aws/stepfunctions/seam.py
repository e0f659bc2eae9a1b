"""Step Functions: moto's interpreter of the Amazon States Language, on the embedded AWS's clock.

moto parses and runs state machines with threads in real time. Here its threads are tasks of the clock, its executions
end at the very moment they should, its answers are complete, and what it does not interpret is refused by name.
Behaviour: AWS Step Functions Developer Guide and API Reference, unless a comment names another source.
"""

from __future__ import annotations

import base64
import copy
import json
import logging
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

import jsonpath_ng.ext.parser
import jsonpath_ng.parser
from jsonpath_ng.jsonpath import Child, Fields, Index, Root
from moto.core.config import default_user_config
from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.logs.models import logs_backends
from moto.stepfunctions import models as machine_models
from moto.stepfunctions import responses as machine_responses
from moto.stepfunctions.exceptions import (
    ExecutionAlreadyExists,
    InvalidExecutionInput,
    InvalidName,
    InvalidToken,
    NameTooLongException,
    ValidationException,
)
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.api import (
    ExecutionStatus,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.component.common.error_name import custom_error_name, error_equals_decl
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.intrinsic.argument import argument
from moto.stepfunctions.parser.asl.component.program import program
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations import (
    boolean_equals,
    numeric,
    string_operators,
    timestamp_operators,
)
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import inline_iteration_component, job
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branch_worker, branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp, wait_function
from moto.stepfunctions.parser.asl.eval import environment
from moto.stepfunctions.parser.asl.eval import states as eval_states
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramTimedOut
from moto.stepfunctions.parser.asl.parse import asl_parser
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend import execution as execution_models
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from local_aws.core import clock, delivery
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.core.ids import random_uuid
from local_aws.core.times import iso
from local_aws.core.virtual_threading import VirtualThreading
from local_aws.events.rules import put_aws_event
from local_aws.lambda_.functions import LambdaServiceError
from local_aws.lambda_.invocations import invoke
from local_aws.stepfunctions.delivery import deliver

StateMachine = machine_models.StateMachine
Backend = parser_models.StepFunctionsParserBackend

HISTORY_LIMIT = 25_000
DATA_LIMIT_BYTES = 256 * 1024

Listener = Callable[[str, dict[str, Any]], None]
listeners: clock.PerClock[list[Listener]] = clock.PerClock(list)
"""Called with the execution's ARN and each event of its history, as `GetExecutionHistory` gives it."""


class InvalidDefinition(AWSError):  # type: ignore[misc]
    """The definition is not one. moto's own error of this name reaches the caller without its code."""

    TYPE = "InvalidDefinition"


class NotModelled(NotImplementedError):
    """The embedded Step Functions does not do what a definition or a call asks for."""


# -- what is relied on ------------------------------------------------------------------------------------------------

for _module in (program, inline_iteration_component, job, branch_worker, branches_decl, execute_state, environment):
    expect_attributes(_module, "threading")
_JSON_PATH_USERS = (
    *(argument, string_expression, eval_states),
    *(boolean_equals, numeric, string_operators, timestamp_operators),
)
for _module in _JSON_PATH_USERS:
    expect_attributes(_module, "extract_json")
expect_attributes(execute_state, "Thread")
expect_attributes(retrier_decl, "time")
expect_attributes(state, "StateData")
expect_attributes(result_path, "parse")
expect_attributes(lambda_eval_utils, "_invoke_lambda_function", "to_payload_type", "LambdaFunctionErrorException")
expect_attributes(EventManager(), "_history_event_list", "_event_id_gen", "_create_history_event")
expect_parameters(lambda_eval_utils._invoke_lambda_function, "parameters", "region", "state_credentials")
expect_parameters(
    EventManager.add_event, "self", "context", "event_type", "event_details", "timestamp", "update_source_event_id"
)
expect_parameters(Environment.close_frame, "self", "frame")
expect_parameters(Environment.as_inner_frame_of.__func__, "cls", "env", "variable_store", "event_history_frame_cache")
expect_parameters(wait_function.WaitFunction._wait_interval, "self", "env", "wait_seconds")
expect_parameters(timestamp.Timestamp._get_wait_seconds, "self", "env")
expect_parameters(error_equals_decl.ErrorEqualsDecl._eval_body, "self", "env")
expect_parameters(StateChoice._eval_state, "self", "env")
expect_parameters(StateTaskLambda._from_error, "self", "env", "ex")
expect_parameters(StateTaskLambda._eval_parameters, "self", "env")
expect_parameters(json_path.extract_json, "path", "data")
expect_parameters(Backend.start_execution, "self", "state_machine_arn", "name", "execution_input", "trace_header")
expect_parameters(Backend._validate_definition, "definition")
expect_attributes(ExecutionWorker, "_get_evaluation_entrypoint", "_get_evaluation_environment", "_execution_logic")


# -- JSONPath ---------------------------------------------------------------------------------------------------------

_parse_path = lru_cache(maxsize=4096)(jsonpath_ng.ext.parser.parse)
_parse_reference_path = lru_cache(maxsize=4096)(jsonpath_ng.parser.parse)


def _is_definite(path: Any) -> bool:
    """Whether a parsed path can name one value at most: no wildcard, slice, filter, union or descent."""
    if isinstance(path, Child):
        return _is_definite(path.left) and _is_definite(path.right)
    if isinstance(path, Fields):
        return len(path.fields) == 1 and path.fields[0] != "*"
    if isinstance(path, Index):
        return len(path.indices) == 1
    return isinstance(path, Root)


def _extract_json(path: str, data: Any) -> Any:
    """The value at a definite path as it is, or the list of all matches of an indefinite one (which may be empty).

    Amazon States Language, "Paths": moto's own function takes a list of one element for its element.
    """
    expression = _parse_path(path)
    matches = expression.find(data)
    if not _is_definite(expression):
        return [match.value for match in matches]
    if not matches:
        raise json_path.NoSuchJsonPathError(json_path=path, data=data)
    return matches[0].value


# -- history ----------------------------------------------------------------------------------------------------------

_EXECUTION_DATA = ("input", "inputDetails", "output", "outputDetails")
_LOGGED: dict[str, Callable[[str], bool]] = {
    "ALL": lambda _: True,
    "ERROR": lambda kind: kind.endswith(("Failed", "TimedOut", "Aborted")),
    "FATAL": lambda kind: kind in ("ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"),
    "OFF": lambda _: False,
}


class History(EventManager):  # type: ignore[misc]
    """The events of one execution: at most 25,000, none after its end, none from a branch that was given up."""

    def __init__(self, execution: ClockExecution) -> None:
        super().__init__()
        self.execution = execution
        self.closed = False

    @property
    def events(self) -> list[dict[str, Any]]:
        return self._history_event_list  # type: ignore[no-any-return]

    def add_event(
        self,
        context: Any,
        event_type: HistoryEventType,
        event_details: EventDetails | None = None,
        timestamp: datetime | None = None,
        update_source_event_id: bool = True,
    ) -> int:
        if self.closed or getattr(context, "given_up", False):
            return int(context.last_published_event_id)
        at_limit = len(self.events) == HISTORY_LIMIT - 1
        if at_limit and event_type != HistoryEventType.ExecutionSucceeded:
            self.execution.fail_at_history_limit()
            return int(context.last_published_event_id)
        event_id = int(self._event_id_gen.get())
        event = dict(
            self._create_history_event(
                event_id, context.source_event_id, event_type, timestamp or clock.current().now(), event_details
            )
        )
        event["type"] = HistoryEventType(event_type).value
        context.last_published_event_id = event_id
        if update_source_event_id:
            context.source_event_id = event_id
        self.events.append(event)
        self._log(event)
        for listener in list(listeners()):
            listener(self.execution.exec_arn, event)
        return event_id

    def close(self, event_type: HistoryEventType, details: EventDetails) -> None:
        """Write the last event, and take no more."""
        if self.closed:
            return
        root = self.execution.exec_worker.env.event_history_context
        if event_type == HistoryEventType.ExecutionAborted:
            root.source_event_id = 0
        root.given_up = False
        event_id = int(self._event_id_gen.get())
        event = dict(
            self._create_history_event(event_id, root.source_event_id, event_type, clock.current().now(), details)
        )
        event["type"] = HistoryEventType(event_type).value
        self.events.append(event)
        self.closed = True
        self._log(event)
        for listener in list(listeners()):
            listener(self.execution.exec_arn, event)

    def _log(self, event: dict[str, Any]) -> None:
        """Deliver the event to the log group that the state machine's logging configuration names."""
        configuration = self.execution.state_machine.loggingConfiguration
        if not _LOGGED[configuration.get("level", "OFF")](event["type"]):
            return
        details = next((dict(value) for key, value in event.items() if key.endswith("EventDetails")), {})
        if not configuration.get("includeExecutionData", False):
            for key in _EXECUTION_DATA:
                details.pop(key, None)
        moment = int(event["timestamp"].timestamp() * 1000)
        message = {
            "id": str(event["id"]),
            "type": event["type"],
            "details": details,
            "previous_event_id": str(event["previousEventId"]),
            "event_timestamp": str(moment),
            "execution_arn": self.execution.exec_arn,
        }
        for destination in configuration.get("destinations", []):
            arn = destination["cloudWatchLogsLogGroup"]["logGroupArn"]
            region, account, group = arn.split(":")[3], arn.split(":")[4], arn.split(":")[6]
            backend = logs_backends[account][region]
            backend.ensure_log_group(group)
            start = self.execution.start_date.strftime("%Y-%m-%d-%H-%M")
            stream = f"states/{self.execution.state_machine.name}/{start}/{self.execution.log_stream_suffix}"
            if stream not in backend.groups[group].streams:
                backend.create_log_stream(group, stream)
            backend.put_log_events(
                group, stream, [{"timestamp": moment, "message": json.dumps(message, separators=(",", ":"))}]
            )


def _close_frame(self: Environment, frame: Environment) -> None:
    """Close a frame for good: what still runs in it (a task past its time limit) adds nothing to the history."""
    _original_close_frame(self, frame)
    _give_up(frame)


def _give_up(frame: Environment) -> None:
    frame.event_history_context.given_up = True
    for inner in frame._frames:
        _give_up(inner)


_original_close_frame = Environment.close_frame


# -- executions -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _parse_definition(definition: str) -> Any:
    return asl_parser.AmazonStateLanguageParser.parse(definition)[0]


class ClockWorker(ExecutionWorker):  # type: ignore[misc]
    """Interprets one execution, as a task of the clock."""

    def __init__(self, execution: ClockExecution) -> None:
        details = execution_models.EvaluationDetails(
            aws_execution_details=execution._get_start_aws_execution_details(),
            execution_details=execution.get_start_execution_details(),
            state_machine_details=execution_models.StateMachineDetails(
                arn=execution.state_machine.arn,
                name=execution.state_machine.name,
                typ=execution_models.StateMachineType.STANDARD,
                definition=execution.state_machine.definition,
            ),
        )
        super().__init__(
            evaluation_details=details,
            exec_comm=execution_models.BaseExecutionWorkerCommunication(execution),
            cloud_watch_logging_session=None,
            activity_store={},
        )
        self.execution = execution
        self.env = self._get_evaluation_environment()
        self.env.event_manager = History(execution)

    def start(self) -> None:
        clock.current().spawn(self._execution_logic, f"execution {self.execution.name}")

    def _execution_logic(self) -> None:
        env = self.env
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=HistoryEventType.ExecutionStarted,
            event_details=EventDetails(
                executionStartedEventDetails={
                    "input": self.execution.execution_input,
                    "inputDetails": {"truncated": False},
                    "roleArn": self.execution.role_arn,
                }
            ),
            update_source_event_id=False,
        )
        if self.execution.exec_status == ExecutionStatus.RUNNING:
            _parse_definition(self.execution.state_machine.definition).eval(env)
            self.execution.ended_by_program()


class ClockExecution(execution_models.Execution):  # type: ignore[misc]
    """An execution whose end, by whatever cause, is one moment of virtual time."""

    exec_worker: ClockWorker

    def __init__(self, backend: Any, state_machine: Any, name: str, execution_input: str, trace_header: Any) -> None:
        arn = f"arn:{backend.partition}:states:{backend.region_name}:{backend.account_id}"
        super().__init__(
            name=name,
            sm_type=execution_models.StateMachineType.STANDARD,
            role_arn=state_machine.roleArn,
            exec_arn=f"{arn}:execution:{state_machine.name}:{name}",
            account_id=backend.account_id,
            region_name=backend.region_name,
            state_machine=state_machine,
            start_date=clock.current().now(),
            cloud_watch_logging_session=None,
            activity_store={},
            input_data=execution_input,
            trace_header=trace_header,
        )
        self.log_stream_suffix = uuid.uuid5(uuid.NAMESPACE_URL, self.exec_arn).hex[:8]

    def get_start_execution_details(self) -> Any:
        details = super().get_start_execution_details()
        details.start_time = iso(self.start_date)
        return details

    def start(self) -> None:
        self.exec_worker = ClockWorker(self)
        self.exec_status = ExecutionStatus.RUNNING
        self._tell_eventbridge()
        self.exec_worker.start()

    def stop(self, stop_date: datetime, error: str | None, cause: str | None) -> None:
        if self.exec_status != ExecutionStatus.RUNNING:
            return
        self.error, self.cause = error, cause
        details = {key: value for key, value in (("error", error), ("cause", cause)) if value is not None}
        history: History = self.exec_worker.env.event_manager
        history.close(HistoryEventType.ExecutionAborted, EventDetails(executionAbortedEventDetails=details))
        self._end(ExecutionStatus.ABORTED)
        if self.exec_worker.env.is_running():
            self.exec_worker.env.set_stop(stop_date=stop_date, cause=cause, error=error)

    def ended_by_program(self) -> None:
        """The interpreter has come to an end of its own, or to the state machine's time limit."""
        if self.exec_status != ExecutionStatus.RUNNING:
            return
        env = self.exec_worker.env
        outcome = env.program_state()
        if isinstance(outcome, ProgramEnded):
            self.output = env.states.get_input()
            self._end(ExecutionStatus.SUCCEEDED)
        elif isinstance(outcome, ProgramError):
            self.error = (outcome.error or {}).get("error")
            self.cause = (outcome.error or {}).get("cause")
            self._end(ExecutionStatus.FAILED)
        elif isinstance(outcome, ProgramTimedOut):
            env.event_manager.close(
                HistoryEventType.ExecutionTimedOut,
                EventDetails(executionTimedOutEventDetails={"error": "States.Timeout"}),
            )
            self._end(ExecutionStatus.TIMED_OUT)
        else:
            raise NotModelled(f"an execution that ends in {type(outcome).__name__}")

    def fail_at_history_limit(self) -> None:
        """Developer Guide, "Avoid reaching the history quota": event 25,000 is the last, a success or a failure."""
        self.error = "States.Runtime"
        self.cause = f"The execution reached the maximum number of history events ({HISTORY_LIMIT})."
        details = {"error": self.error, "cause": self.cause}
        env = self.exec_worker.env
        env.event_manager.close(HistoryEventType.ExecutionFailed, EventDetails(executionFailedEventDetails=details))
        self._end(ExecutionStatus.FAILED)
        env.set_error(error=details)

    def _end(self, status: ExecutionStatus) -> None:
        self.exec_worker.env.event_manager.closed = True
        self.stop_date = clock.current().now()
        self.exec_status = status
        self._tell_eventbridge()

    def _tell_eventbridge(self) -> None:
        """Developer Guide, "EventBridge (CloudWatch Events) for Step Functions execution status changes"."""
        output = to_json_str(self.output) if self.exec_status == ExecutionStatus.SUCCEEDED else None
        detail = {
            "executionArn": self.exec_arn,
            "stateMachineArn": self.state_machine_arn,
            "name": self.name,
            "status": self.status,
            "startDate": _milliseconds(self.start_date),
            "stopDate": _milliseconds(self.stop_date) if self.stop_date else None,
            "input": self.execution_input,
            "output": output,
            "inputDetails": {"included": True},
            "outputDetails": None if output is None else {"included": True},
            "error": self.error,
            "cause": self.cause,
            "stateMachineVersionArn": None,
            "stateMachineAliasArn": None,
            "redriveCount": 0,
            "redriveDate": None,
            **dict(zip(("redriveStatus", "redriveStatusReason"), _redrive_status(self), strict=True)),
        }
        # "If the combined escaped input and escaped output exceeds 248 KB, then the input will be excluded."
        if len(json.dumps(detail["input"])) + len(json.dumps(output)) > 248 * 1024:
            detail["input"], detail["inputDetails"] = None, {"included": False}
        if len(json.dumps(output)) > 248 * 1024:
            detail["output"], detail["outputDetails"] = None, {"included": False}
        put_aws_event("aws.states", "Step Functions Execution Status Change", [self.exec_arn], detail, self.region_name)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _redrive_status(execution: ClockExecution) -> tuple[str, str | None]:
    if execution.exec_status in (ExecutionStatus.RUNNING, ExecutionStatus.SUCCEEDED):
        return "NOT_REDRIVABLE", f"Execution is {execution.status} and cannot be redriven"
    return "REDRIVABLE", None


# API Reference, StartExecution, `name`; without the logging restriction.
_FORBIDDEN_IN_NAMES = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')


def _start_execution(
    self: Any,
    state_machine_arn: str,
    name: str | None = None,
    execution_input: str | None = None,
    trace_header: Any = None,
) -> ClockExecution:
    state_machine = self.describe_state_machine(state_machine_arn)
    if not isinstance(state_machine, StateMachine):
        raise NotModelled(f"starting a version or an alias of a state machine: {state_machine_arn}")
    if name is not None and len(name) > 80:
        raise NameTooLongException(name)
    if name is not None and (not name or _FORBIDDEN_IN_NAMES.search(name)):
        raise InvalidName(f"Invalid Name: '{name}'")
    text = "{}" if execution_input is None else execution_input
    if len(text.encode()) > DATA_LIMIT_BYTES:
        raise ValidationException(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {DATA_LIMIT_BYTES}"
        )
    try:
        json.loads(text)
    except ValueError as error:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{error}'") from None
    for existing in state_machine.executions:
        if existing.name == name:
            if existing.execution_input == text and existing.exec_status == ExecutionStatus.RUNNING:
                return existing  # type: ignore[no-any-return]
            raise ExecutionAlreadyExists(f"Execution Already Exists: '{existing.exec_arn}'")
    snapshot = copy.copy(state_machine)
    snapshot.executions = []
    execution = ClockExecution(self, snapshot, name or str(random_uuid()), text, trace_header)
    state_machine.executions.append(execution)
    execution.start()
    return execution


# -- the interpreter, corrected ---------------------------------------------------------------------------------------


def _wait_interval(self: Any, env: Environment, wait_seconds: float) -> None:  # noqa: ARG001 - moto's signature
    due = clock.current().time() + max(0, wait_seconds)
    while env.is_running() and (remaining := due - clock.current().time()) > 0:
        env.program_state_event.wait(remaining)


def _from_timestamp_string(timestamp: str) -> datetime | None:
    """The moment that a timestamp of the States Language names (RFC 3339 with an upper-case T), or None."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", timestamp):
        return None
    try:
        return datetime.fromisoformat(timestamp)
    except ValueError:
        return None


def _timestamp_wait_seconds(self: Any, env: Environment) -> float:
    self.string.eval(env=env)
    text = env.stack.pop()
    moment = _from_timestamp_string(text) if isinstance(text, str) else None
    if moment is None:
        raise execute_state.FailureEventException(self._create_failure_event(env, text))
    return (moment - clock.current().now()).total_seconds()


def _state_data(EnteredTime: str, Name: str) -> dict[str, Any]:  # noqa: ARG001, N803 - moto's names
    return {"EnteredTime": iso(clock.current().now()), "Name": Name}


def _error_equals(self: Any, env: Environment) -> None:
    """Developer Guide, "Handling errors in Step Functions workflows", the notes on each error name."""
    raised = env.stack.pop()
    error = raised.error_name if raised is not None else None
    names = {name.error_name for name in self.error_names}
    if error == "States.Runtime":
        matches = False
    elif error == "States.DataLimitExceeded":
        matches = error in names
    else:
        matches = (
            error in names or "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")
        )
    env.stack.append(matches)


def _custom_error_name(self: Any, error_name: str | None) -> None:
    # A Map iteration that ends in States.Timeout fails its Map state with that name.
    super(CustomErrorName, self).__init__(error_name=error_name)


def _as_inner_frame_of(
    cls: Any, env: Environment, variable_store: Any, event_history_frame_cache: Any = None
) -> Environment:
    frame = _original_as_inner_frame_of(cls, env, variable_store, event_history_frame_cache)
    outer = env.states.context_object.context_object_data
    if "Map" in outer:
        frame.states.context_object.context_object_data["Map"] = outer["Map"]
    return frame


_original_as_inner_frame_of = Environment.as_inner_frame_of.__func__


def _invoke_lambda_function(parameters: dict[str, Any], region: str, state_credentials: Any) -> dict[str, Any]:
    result = invoke(
        parameters["FunctionName"], json.loads(parameters["Payload"]), region, caller=state_credentials.role_arn
    )
    answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": result.payload}
    if result.error_type is not None:
        answer["FunctionError"] = "Unhandled"
    return answer


def _payload_bytes(payload: Any) -> bytes:
    return json.dumps(payload).encode()


def _lambda_error(self: Any, env: Environment, ex: Exception) -> FailureEvent:
    """Errors of the Lambda service itself arrive as `Lambda.<code>`."""
    if isinstance(ex, json_path.NoSuchJsonPathError):
        return execute_state.ExecutionState._from_error(self, env, ex)
    if not isinstance(ex, LambdaServiceError):
        return _original_lambda_error(self, env, ex)
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


_original_lambda_error = StateTaskLambda._from_error


def _choose(self: Any, env: Environment) -> None:
    """Developer Guide, "Error names", States.NoChoiceMatched."""
    try:
        _original_choose(self, env)
    except RuntimeError as error:
        if error.args != ("No branching option reached in state %s", self.name):
            raise
        name = "States.NoChoiceMatched"
        details = {
            "error": name,
            "cause": f"No choice of the state {self.name} matches its input, and it has no Default",
        }
        failure = FailureEvent(
            env,
            CustomErrorName(name),
            HistoryEventType.ExecutionFailed,
            EventDetails(executionFailedEventDetails=details),
        )
        raise execute_state.FailureEventException(failure) from error


_original_choose = StateChoice._eval_state


def _lambda_parameters(self: Any, env: Environment) -> Any:
    parameters = _original_lambda_parameters(self, env)
    self._verify_size_quota(env=env, value=parameters["Payload"])
    return parameters


_original_lambda_parameters = StateTaskLambda._eval_parameters


# -- definitions ------------------------------------------------------------------------------------------------------

_UNMODELLED_FIELDS = (
    "Assign",
    "Output",
    "Arguments",
    "Items",
    "HeartbeatSeconds",
    "HeartbeatSecondsPath",
    "Credentials",
)
_UNMODELLED_RESOURCES = (".waitForTaskToken", ".sync", ".sync:2")


def _validate_definition(definition: str) -> None:
    """Refuse what is not a state machine (InvalidDefinition, as on AWS) and what is not modelled (NotModelled)."""
    try:
        document = json.loads(definition)
    except ValueError as error:
        raise InvalidDefinition(f"Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: {error}'") from None
    if not isinstance(document, dict):
        raise InvalidDefinition(
            "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: The value is not an object at /'"
        )
    _refuse_unmodelled(document, "")
    try:
        _parse_definition(definition)
    except asl_parser.ASLParserException as error:
        raise InvalidDefinition(
            f"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: {'; '.join(error.errors)}'"
        ) from None
    except (ValueError, TypeError, RuntimeError) as error:
        raise InvalidDefinition(f"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: {error}'") from None
    _check_transitions(document, "")


def _refuse_unmodelled(machine: dict[str, Any], where: str) -> None:
    if machine.get("QueryLanguage", "JSONPath") != "JSONPath":
        raise NotModelled(f"the query language {machine['QueryLanguage']} at {where}/QueryLanguage: write JSONPath")
    for name, body in _states(machine).items():
        path = f"{where}/States/{name}"
        if body.get("QueryLanguage", "JSONPath") != "JSONPath":
            raise NotModelled(f"the query language {body['QueryLanguage']} at {path}/QueryLanguage: write JSONPath")
        for field in _UNMODELLED_FIELDS:
            if field in body:
                raise NotModelled(f"{field} at {path}/{field}")
        for holder in (*body.get("Catch", []), *body.get("Choices", [])):
            for field in ("Assign", "Output"):
                if isinstance(holder, dict) and field in holder:
                    raise NotModelled(f"{field} at {path}")
        resource = body.get("Resource")
        if isinstance(resource, str) and (resource.endswith(_UNMODELLED_RESOURCES) or ":activity:" in resource):
            raise NotModelled(f"the resource {resource} at {path}/Resource")
        for inner, inner_path in _inner_machines(body, path):
            if inner.get("ProcessorConfig", {}).get("Mode", "INLINE") != "INLINE":
                raise NotModelled(f"a distributed Map at {path}")
            _refuse_unmodelled(inner, inner_path)


def _check_transitions(machine: dict[str, Any], where: str) -> None:
    states = _states(machine)
    targets = [("StartAt", f"{where}/StartAt", machine.get("StartAt"))]
    for name, body in states.items():
        path = f"{where}/States/{name}"
        targets += [(key, f"{path}/{key}", body[key]) for key in ("Next", "Default") if key in body]
        for field in ("Catch", "Choices"):
            targets += [
                ("Next", f"{path}/{field}[{position}]/Next", holder.get("Next"))
                for position, holder in enumerate(body.get(field, []))
            ]
        for inner, inner_path in _inner_machines(body, path):
            _check_transitions(inner, inner_path)
    for field, path, target in targets:
        if target not in states:
            raise InvalidDefinition(
                "Invalid State Machine Definition: "
                f"'MISSING_TRANSITION_TARGET: Missing '{field}' target: {target} at {path}'"
            )


def _states(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    states = machine.get("States")
    return {name: body for name, body in states.items() if isinstance(body, dict)} if isinstance(states, dict) else {}


def _inner_machines(body: dict[str, Any], path: str) -> list[tuple[dict[str, Any], str]]:
    inner = [(body[key], f"{path}/{key}") for key in ("ItemProcessor", "Iterator") if isinstance(body.get(key), dict)]
    inner += [
        (branch, f"{path}/Branches[{position}]")
        for position, branch in enumerate(body.get("Branches", []))
        if isinstance(branch, dict)
    ]
    return inner


# -- answers of the API -----------------------------------------------------------------------------------------------


def _create_state_machine_response(self: Any) -> ActionResult:
    if (self._get_param("type") or "STANDARD") != "STANDARD":
        raise NotModelled(f"state machines of the type {self._get_param('type')}")
    return _original_create_state_machine(self)


_original_create_state_machine = machine_responses.StepFunctionResponse.create_state_machine


def _execution_of(self: Any) -> ClockExecution:
    return self.stepfunction_backend.describe_execution(self._get_param("executionArn"))  # type: ignore[no-any-return]


def _describe_execution(self: Any) -> ActionResult:
    execution = _execution_of(self)
    redrive_status, redrive_reason = _redrive_status(execution)
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
        "redriveStatusReason": redrive_reason,
    }
    if execution.exec_status == ExecutionStatus.SUCCEEDED:
        answer |= {"output": to_json_str(execution.output), "outputDetails": {"included": True}}
    return ActionResult({key: value for key, value in answer.items() if value is not None})


def _list_executions(self: Any) -> ActionResult:
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    executions, next_token = self.stepfunction_backend.list_executions(
        machine.arn,
        status_filter=self._get_param("statusFilter"),
        max_results=self._get_int_param("maxResults") or None,
        next_token=self._get_param("nextToken"),
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


def _stop_execution(self: Any) -> ActionResult:
    execution = _execution_of(self)
    execution.stop(clock.current().now(), error=self._get_param("error"), cause=self._get_param("cause"))
    return ActionResult({"stopDate": execution.stop_date})


def _get_execution_history(self: Any) -> ActionResult:
    execution = _execution_of(self)
    size = self._get_int_param("maxResults") or 100
    if not 0 < size <= 1000:
        raise ValidationException(
            f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: "
            "Member must have value less than or equal to 1000"
        )
    reverse = bool(self._get_param("reverseOrder"))
    token = self._get_param("nextToken")
    events: list[dict[str, Any]] = execution.exec_worker.env.event_manager.events
    # A token names the last event seen: in a running execution, more events arrive between two pages.
    after = _decode_token(token, execution, reverse) if token else None
    if reverse:
        chosen = [event for event in reversed(events) if after is None or event["id"] < after]
    else:
        chosen = [event for event in events if after is None or event["id"] > after]
    page = chosen[:size]
    if self._get_param("includeExecutionData", True) is False:
        page = [_without_data(event) for event in page]
    more = {"nextToken": _encode_token(page[-1]["id"], execution, reverse)} if len(chosen) > size else {}
    return ActionResult({"events": page, **more})


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {name: inner for name, inner in value.items() if name not in _EXECUTION_DATA}
        if key.endswith("EventDetails")
        else value
        for key, value in event.items()
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


# -- installation -----------------------------------------------------------------------------------------------------


def install() -> None:
    """Put all this in place of moto's own. Calling it again changes nothing."""
    delivery.register("states", deliver)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    # moto reports each state that fails as an error of its own.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    machine_models.stepfunctions_backends = parser_models.stepfunctions_parser_backends

    for module in (program, inline_iteration_component, job, branch_worker, branches_decl, execute_state, environment):
        module.threading = VirtualThreading
    execute_state.Thread = VirtualThreading.Thread
    retrier_decl.time = VirtualThreading
    wait_function.WaitFunction._wait_interval = _wait_interval
    timestamp.Timestamp._get_wait_seconds = _timestamp_wait_seconds
    timestamp.Timestamp._from_timestamp_string = staticmethod(_from_timestamp_string)
    state.StateData = _state_data
    Environment.close_frame = _close_frame
    Environment.as_inner_frame_of = classmethod(_as_inner_frame_of)
    error_equals_decl.ErrorEqualsDecl._eval_body = _error_equals
    custom_error_name.CustomErrorName.__init__ = _custom_error_name

    json_path.extract_json = _extract_json
    for module in _JSON_PATH_USERS:
        module.extract_json = _extract_json
    result_path.parse = _parse_reference_path

    lambda_eval_utils._invoke_lambda_function = _invoke_lambda_function
    lambda_eval_utils.to_payload_type = _payload_bytes
    StateChoice._eval_state = _choose
    StateTaskLambda._from_error = _lambda_error
    StateTaskLambda._eval_parameters = _lambda_parameters

    Backend.start_execution = _start_execution
    Backend._validate_definition = staticmethod(_validate_definition)

    response = machine_responses.StepFunctionResponse
    response.create_state_machine = _create_state_machine_response
    response.describe_execution = _describe_execution
    response.list_executions = _list_executions
    response.stop_execution = _stop_execution
    response.get_execution_history = _get_execution_history
