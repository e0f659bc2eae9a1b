"""Step Functions: moto's interpreter of the Amazon States Language, on the embedded AWS's clock.

moto parses and runs state machines with threads in real time. Here its threads are tasks of the clock, its executions
end at the very moment they should, its answers are complete, and what it does not interpret is refused by name.
"""

from __future__ import annotations

import functools
import logging

from moto.core.config import default_user_config
from moto.stepfunctions import models
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.intrinsic.argument import argument
from moto.stepfunctions.parser.asl.component.program import program
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_variable import ComparisonVariable
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
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval import environment, states
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.responses import StepFunctionResponse

from local_aws.core import delivery
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.core.virtual_threading import VirtualThreading
from local_aws.stepfunctions import definitions, executions, interpreter, paths, responses
from local_aws.stepfunctions.delivery import deliver

_Backend = parser_models.StepFunctionsParserBackend

_USERS_OF_THREADING = (
    *(program, inline_iteration_component, job, branch_worker, branches_decl, execute_state, environment),
)
_USERS_OF_JSON_PATH = (
    *(argument, string_expression, states, json_path),
    *(boolean_equals, numeric, string_operators, timestamp_operators),
)

for _module in _USERS_OF_THREADING:
    expect_attributes(_module, "threading")
for _module in _USERS_OF_JSON_PATH:
    expect_attributes(_module, "extract_json")
expect_attributes(execute_state, "Thread")
expect_attributes(retrier_decl, "time")
expect_attributes(state, "StateData")
expect_attributes(result_path, "parse")
expect_attributes(lambda_eval_utils, "_invoke_lambda_function", "to_payload_type", "LambdaFunctionErrorException")
expect_attributes(EventManager(), "_history_event_list", "_event_id_gen", "_create_history_event")
expect_attributes(ExecutionWorker, "_get_evaluation_entrypoint", "_get_evaluation_environment", "_execution_logic")
expect_parameters(lambda_eval_utils._invoke_lambda_function, "parameters", "region", "state_credentials")
expect_parameters(
    EventManager.add_event, "self", "context", "event_type", "event_details", "timestamp", "update_source_event_id"
)
expect_parameters(Environment.close_frame, "self", "frame")
expect_parameters(Environment.as_inner_frame_of.__func__, "cls", "env", "variable_store", "event_history_frame_cache")
expect_parameters(WaitFunction._wait_interval, "self", "env", "wait_seconds")
expect_parameters(timestamp.Timestamp._get_wait_seconds, "self", "env")
expect_parameters(ErrorEqualsDecl._eval_body, "self", "env")
expect_parameters(StateChoice._eval_state, "self", "env")
expect_parameters(ComparisonVariable._eval_body, "self", "env")
expect_parameters(StateTaskLambda._from_error, "self", "env", "ex")
expect_parameters(StateTaskLambda._eval_parameters, "self", "env")
expect_parameters(json_path.extract_json, "path", "data")
expect_parameters(_Backend.start_execution, "self", "state_machine_arn", "name", "execution_input", "trace_header")
expect_parameters(_Backend._validate_definition, "definition")
expect_parameters(StepFunctionResponse.update_state_machine, "self")


@functools.cache
def install() -> None:
    """Put all this in place of moto's own, for the rest of the process."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    models.stepfunctions_backends = parser_models.stepfunctions_parser_backends
    # moto reports each state that fails as an error of its own.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    _install_clock()
    _install_interpreter()
    _install_api()
    delivery.register("states", deliver)


def _install_clock() -> None:
    for module in _USERS_OF_THREADING:
        module.threading = VirtualThreading
    execute_state.Thread = VirtualThreading.Thread
    retrier_decl.time = VirtualThreading
    WaitFunction._wait_interval = interpreter.wait_interval
    timestamp.Timestamp._get_wait_seconds = interpreter.timestamp_wait_seconds
    timestamp.Timestamp._from_timestamp_string = staticmethod(interpreter.from_timestamp_string)


def _install_interpreter() -> None:
    for module in _USERS_OF_JSON_PATH:
        module.extract_json = paths.extract_json
    result_path.parse = paths.parse_reference_path
    state.StateData = interpreter.state_data
    Environment.close_frame = interpreter.close_frame
    Environment.as_inner_frame_of = classmethod(interpreter.as_inner_frame_of)
    ErrorEqualsDecl._eval_body = interpreter.error_equals
    CustomErrorName.__init__ = interpreter.custom_error_name
    StateChoice._eval_state = interpreter.eval_choice
    ComparisonVariable._eval_body = interpreter.eval_comparison
    lambda_eval_utils._invoke_lambda_function = interpreter.invoke_lambda_function
    lambda_eval_utils.to_payload_type = interpreter.to_payload_type
    StateTaskLambda._from_error = interpreter.lambda_from_error
    StateTaskLambda._eval_parameters = interpreter.lambda_parameters


def _install_api() -> None:
    _Backend.start_execution = executions.start
    _Backend._validate_definition = staticmethod(definitions.check)
    StepFunctionResponse.create_state_machine = responses.create_state_machine
    StepFunctionResponse.update_state_machine = responses.update_state_machine
    StepFunctionResponse.describe_execution = responses.describe_execution
    StepFunctionResponse.list_executions = responses.list_executions
    StepFunctionResponse.stop_execution = responses.stop_execution
    StepFunctionResponse.get_execution_history = responses.get_execution_history
