"""Executions: moto's interpreter as a task of the clock, and an end, by whatever cause, that is one moment."""

from __future__ import annotations

import copy
import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.stepfunctions.exceptions import (
    ExecutionAlreadyExists,
    InvalidExecutionInput,
    InvalidName,
    NameTooLongException,
    ValidationException,
)
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramTimedOut
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend import execution as execution_models
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from local_aws.core import clock
from local_aws.core.errors import NotModelled
from local_aws.core.ids import random_uuid
from local_aws.core.times import iso
from local_aws.events.rules import put_aws_event
from local_aws.stepfunctions import logs
from local_aws.stepfunctions.definitions import parse
from local_aws.stepfunctions.history import HISTORY_LIMIT, History

DATA_LIMIT_BYTES = 256 * 1024
"""Of a state's input and output. Developer Guide, "Quotas"."""

# API Reference, StartExecution, `name`; without the logging restriction.
_FORBIDDEN_IN_NAMES = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')
_LONGEST_NAME = 80

# Of a status change event. Developer Guide, "EventBridge (CloudWatch Events) for Step Functions execution status
# changes": "If the combined escaped input and escaped output exceeds 248 KB, then the input will be excluded."
_EVENT_DATA_LIMIT_BYTES = 248 * 1024

Listener = Callable[[str, dict[str, Any]], None]
listeners: clock.PerClock[list[Listener]] = clock.PerClock(list)
"""Called with the execution's ARN and each event of its history, as GetExecutionHistory gives it."""


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
        self.env.event_manager = History(execution.publish, execution.fail_at_history_limit)

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
            parse(self.execution.state_machine.definition).eval(env)
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
        suffix = uuid.uuid5(uuid.NAMESPACE_URL, self.exec_arn).hex[:8]
        self._log_stream = f"states/{state_machine.name}/{self.start_date:%Y-%m-%d-%H-%M}/{suffix}"

    @property
    def history(self) -> History:
        return self.exec_worker.env.event_manager  # type: ignore[no-any-return]

    @property
    def redrive_status(self) -> tuple[str, str | None]:
        """Whether the execution may be redriven, and why it may not."""
        if self.exec_status in (ExecutionStatus.RUNNING, ExecutionStatus.SUCCEEDED):
            return "NOT_REDRIVABLE", f"Execution is {self.status} and cannot be redriven"
        return "REDRIVABLE", None

    def get_start_execution_details(self) -> Any:
        details = super().get_start_execution_details()
        details.start_time = iso(self.start_date)
        return details

    def start(self) -> None:
        self.exec_worker = ClockWorker(self)
        self.exec_status = ExecutionStatus.RUNNING
        self._report_status()
        self.exec_worker.start()

    def publish(self, event: dict[str, Any]) -> None:
        """Give an event of the history to the log groups and the listeners."""
        logs.write(event, self.exec_arn, self._log_stream, self.state_machine.loggingConfiguration)
        for listener in list(listeners()):
            listener(self.exec_arn, event)

    # -- the end --------------------------------------------------------------------------------------------------

    def stop(self, stop_date: datetime, error: str | None, cause: str | None) -> None:
        if self.exec_status != ExecutionStatus.RUNNING:
            return
        self.error, self.cause = error, cause
        details = {key: value for key, value in (("error", error), ("cause", cause)) if value is not None}
        self.history.close(HistoryEventType.ExecutionAborted, 0, EventDetails(executionAbortedEventDetails=details))
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
            details = EventDetails(executionTimedOutEventDetails={"error": "States.Timeout"})
            self._close_history(HistoryEventType.ExecutionTimedOut, details)
            self._end(ExecutionStatus.TIMED_OUT)
        else:
            raise NotModelled(f"the embedded AWS does not model an execution that ends in {type(outcome).__name__}")

    def fail_at_history_limit(self) -> None:
        """End the execution with the last event that its history has room for."""
        self.error = "States.Runtime"
        self.cause = f"The execution reached the maximum number of history events ({HISTORY_LIMIT})."
        details = {"error": self.error, "cause": self.cause}
        self._close_history(HistoryEventType.ExecutionFailed, EventDetails(executionFailedEventDetails=details))
        self._end(ExecutionStatus.FAILED)
        self.exec_worker.env.set_error(error=details)

    def _close_history(self, event_type: HistoryEventType, details: EventDetails) -> None:
        self.history.close(event_type, self.exec_worker.env.event_history_context.source_event_id, details)

    def _end(self, status: ExecutionStatus) -> None:
        self.history.closed = True
        self.stop_date = clock.current().now()
        self.exec_status = status
        self._report_status()

    def _report_status(self) -> None:
        """Put the change of status on the default event bus."""
        output = to_json_str(self.output) if self.exec_status == ExecutionStatus.SUCCEEDED else None
        redrive_status, redrive_status_reason = self.redrive_status
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
            "redriveStatus": redrive_status,
            "redriveStatusReason": redrive_status_reason,
        }
        if len(json.dumps(detail["input"])) + len(json.dumps(output)) > _EVENT_DATA_LIMIT_BYTES:
            detail["input"], detail["inputDetails"] = None, {"included": False}
        if len(json.dumps(output)) > _EVENT_DATA_LIMIT_BYTES:
            detail["output"], detail["outputDetails"] = None, {"included": False}
        put_aws_event("aws.states", "Step Functions Execution Status Change", [self.exec_arn], detail, self.region_name)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def start(
    backend: Any,
    state_machine_arn: str,
    name: str | None = None,
    execution_input: str | None = None,
    trace_header: Any = None,
) -> ClockExecution:
    """Start an execution in moto's `backend`, or return the running one of the same name and input.

    Raises moto's errors of StartExecution, NotModelled for a version or an alias.
    """
    state_machine = backend.describe_state_machine(state_machine_arn)
    if not isinstance(state_machine, StateMachine):
        raise NotModelled(
            f"the embedded AWS does not model starting a version or an alias of a state machine: {state_machine_arn}"
        )
    text = "{}" if execution_input is None else execution_input
    _check_name(name)
    _check_input(text)
    for existing in state_machine.executions:
        if existing.name == name:
            if existing.execution_input == text and existing.exec_status == ExecutionStatus.RUNNING:
                return existing  # type: ignore[no-any-return]
            raise ExecutionAlreadyExists(f"Execution Already Exists: '{existing.exec_arn}'")
    snapshot = copy.copy(state_machine)
    snapshot.executions = []
    execution = ClockExecution(backend, snapshot, name or random_uuid(), text, trace_header)
    state_machine.executions.append(execution)
    execution.start()
    return execution


def _check_name(name: str | None) -> None:
    if name is None:
        return
    if len(name) > _LONGEST_NAME:
        raise NameTooLongException(name)
    if not name or _FORBIDDEN_IN_NAMES.search(name):
        raise InvalidName(f"Invalid Name: '{name}'")


def _check_input(text: str) -> None:
    if len(text.encode()) > DATA_LIMIT_BYTES:
        raise ValidationException(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {DATA_LIMIT_BYTES}"
        )
    try:
        json.loads(text)
    except ValueError as error:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{error}'") from None
