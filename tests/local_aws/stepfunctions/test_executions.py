"""Step Functions on the embedded AWS's clock. Each test names the AWS documentation that it stands for.

SFN: AWS Step Functions Developer Guide. API: AWS Step Functions API Reference. ASL: Amazon States Language
specification (states-language.net).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import START, LocalAws
from local_aws.core.errors import NotModelled
from local_aws.lambda_.invocations import invocations
from local_aws.stepfunctions import executions
from tests.local_aws.lambda_.functions import create_function, create_role

ECHO = "def handler(event, context): return event"
FAIL = """
    class Refused(Exception):
        pass

    def handler(event, context):
        raise Refused("not today")
"""


def create(states: dict[str, Any], start: str | None = None, name: str = "machine", **top: Any) -> str:
    """The ARN of a state machine of these states, of which the first is the start."""
    definition = {"StartAt": start or next(iter(states)), "States": states, **top}
    return boto3.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=create_role("machine")
    )["stateMachineArn"]


def start(machine: str, execution_input: Any = None, **parameters: Any) -> str:
    """The ARN of a new execution."""
    text = json.dumps({} if execution_input is None else execution_input)
    return boto3.client("stepfunctions").start_execution(stateMachineArn=machine, input=text, **parameters)[
        "executionArn"
    ]


def describe(execution: str) -> Any:
    return boto3.client("stepfunctions").describe_execution(executionArn=execution)


def output(aws: LocalAws, machine: str, execution_input: Any = None) -> Any:
    """What an execution that succeeds gives."""
    execution = start(machine, execution_input)
    aws.clock.sleep(3600)
    described = describe(execution)
    assert described["status"] == "SUCCEEDED", described
    return json.loads(described["output"])


def events(execution: str, **parameters: Any) -> list[Any]:
    history = boto3.client("stepfunctions").get_execution_history(executionArn=execution, maxResults=1000, **parameters)
    return history["events"]


def kinds(execution: str) -> list[str]:
    return [event["type"] for event in events(execution)]


def passing(parameters: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Parameters": parameters, "End": True}


@pytest.mark.parametrize("role", ["missing", "of another service"])
def test_step_functions_must_be_let_assume_the_role(aws: LocalAws, role: str) -> None:
    """SFN, "Creating an IAM role for your state machine"; lumigo-io/lumigo-CLI#83: Step Functions' own words."""
    iam, client = boto3.client("iam"), boto3.client("stepfunctions")
    machine = create({"Only": {"Type": "Succeed"}})
    arn = create_role("machine").replace("role/machine", "role/missing")
    if role != "missing":
        statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        arn = iam.create_role(RoleName="other", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    definition = json.dumps({"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}})
    message = "Neither the global service principal states.amazonaws.com, nor the regional one is authorized"
    with pytest.raises(ClientError, match=message) as refused:
        client.create_state_machine(name="other", definition=definition, roleArn=arn)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    with pytest.raises(ClientError, match=message):
        client.update_state_machine(stateMachineArn=machine, roleArn=arn)
    assert [listed["name"] for listed in client.list_state_machines()["stateMachines"]] == ["machine"]


# -- time -------------------------------------------------------------------------------------------------------------


def test_wait_takes_virtual_time_to_the_second(aws: LocalAws) -> None:
    """ASL, "Wait State": Seconds, SecondsPath, Timestamp (any RFC 3339 offset)."""
    later = (START + timedelta(minutes=30)).astimezone().isoformat()
    machine = create(
        {
            "Seconds": {"Type": "Wait", "Seconds": 600, "Next": "Path"},
            "Path": {"Type": "Wait", "SecondsPath": "$.pause", "Next": "Until"},
            "Until": {"Type": "Wait", "Timestamp": later, "End": True},
        }
    )
    execution = start(machine, {"pause": 90})
    aws.clock.sleep(3600)

    entered = [event["timestamp"] - START for event in events(execution) if event["type"] == "WaitStateExited"]
    assert entered == [timedelta(minutes=10), timedelta(minutes=11, seconds=30), timedelta(minutes=30)]
    assert describe(execution)["stopDate"] == START + timedelta(minutes=30)


def test_retries_back_off_up_to_the_longest_delay(aws: LocalAws) -> None:
    """SFN, "Examples using Retry": IntervalSeconds, BackoffRate, MaxDelaySeconds, MaxAttempts."""
    retry = {
        "ErrorEquals": ["Refused"],
        "IntervalSeconds": 10,
        "BackoffRate": 3,
        "MaxDelaySeconds": 50,
        "MaxAttempts": 4,
    }
    task = {"Type": "Task", "Resource": create_function("refuses", FAIL), "Retry": [retry], "End": True}
    execution = start(create({"Task": task}))
    aws.clock.sleep(3600)

    scheduled = [event["timestamp"] for event in events(execution) if event["type"] == "LambdaFunctionScheduled"]
    failed = [event["timestamp"] for event in events(execution) if event["type"] == "LambdaFunctionFailed"]
    pauses = [(again - before).total_seconds() for again, before in zip(scheduled[1:], failed[:-1], strict=True)]
    assert pauses == [10, 30, 50, 50]
    assert describe(execution)["error"] == "Refused"


def test_jitter_is_within_the_delay_and_the_same_in_each_run() -> None:
    """SFN, "Fallback states", JitterStrategy FULL: the delay is drawn between 0 and the computed one."""

    def pauses() -> list[float]:
        with LocalAws() as aws:
            retry = {"ErrorEquals": ["Refused"], "IntervalSeconds": 40, "BackoffRate": 1, "JitterStrategy": "FULL"}
            task = {"Type": "Task", "Resource": create_function("refuses", FAIL), "Retry": [retry], "End": True}
            execution = start(create({"Task": task}))
            aws.clock.sleep(3600)
            moments = [
                event["timestamp"] for event in events(execution) if event["type"].startswith("LambdaFunctionSchedul")
            ]
        return [(later - sooner).total_seconds() for sooner, later in pairwise(moments)]

    first = pauses()

    assert len(first) == 3
    assert len(set(first)) == 3
    assert all(0 < pause < 41.5 for pause in first)
    assert pauses() == first


def test_a_task_past_its_time_limit_fails_with_states_timeout_and_adds_no_more_events(aws: LocalAws) -> None:
    """SFN, "Task workflow state", TimeoutSeconds; "Error names", States.Timeout."""
    slow = create_function("slow", "import time\ndef handler(event, context): time.sleep(100)", Timeout=300)
    task = {"Type": "Task", "Resource": slow, "TimeoutSeconds": 20, "Next": "Never"}
    task["Catch"] = [{"ErrorEquals": ["States.Timeout"], "Next": "Caught"}]
    machine = create({"Task": task, "Never": {"Type": "Fail"}, "Caught": {"Type": "Wait", "Seconds": 600, "End": True}})
    execution = start(machine)
    aws.clock.sleep(3600)

    assert kinds(execution) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionTimedOut",
        "TaskStateExited",
        "WaitStateEntered",
        "WaitStateExited",
        "ExecutionSucceeded",
    ]
    assert describe(execution)["stopDate"] == START + timedelta(seconds=620)


def test_the_time_limit_of_the_machine_ends_it_at_that_moment_whatever_it_does(aws: LocalAws) -> None:
    """SFN, "State machine structure", TimeoutSeconds; nothing catches it, and error and cause stay unset."""
    slow = create_function("slow", "import time\ndef handler(event, context): time.sleep(200)", Timeout=300)
    task = {"Type": "Task", "Resource": slow, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}
    machine = create({"Task": {**task, "End": True}, "Caught": {"Type": "Succeed"}}, TimeoutSeconds=30)
    execution = start(machine)
    aws.clock.sleep(3600)

    described = describe(execution)
    assert described["status"] == "TIMED_OUT"
    assert described["stopDate"] == START + timedelta(seconds=30)
    assert "error" not in described
    assert "cause" not in described
    assert kinds(execution)[-1] == "ExecutionTimedOut"
    assert "TaskStateExited" not in kinds(execution)


# -- Map and Parallel -------------------------------------------------------------------------------------------------


def iteration(seconds_path: str = "$.seconds") -> dict[str, Any]:
    return {
        "StartAt": "Pause",
        "States": {
            "Pause": {"Type": "Wait", "SecondsPath": seconds_path, "Next": "Done"},
            "Done": {"Type": "Pass", "End": True},
        },
    }


def test_a_map_runs_its_iterations_side_by_side_and_keeps_the_order_of_their_results(aws: LocalAws) -> None:
    """SFN, "Map workflow state"."""
    machine = create({"Map": {"Type": "Map", "ItemProcessor": iteration(), "End": True}})
    items = [{"seconds": 300, "name": "slow"}, {"seconds": 10, "name": "fast"}, {"seconds": 300, "name": "also slow"}]
    execution = start(machine, items)
    aws.clock.sleep(3600)

    assert json.loads(describe(execution)["output"]) == items
    assert describe(execution)["stopDate"] == START + timedelta(seconds=300)
    done = [event for event in events(execution) if event["type"] == "MapIterationSucceeded"]
    assert [event["mapIterationSucceededEventDetails"]["index"] for event in done] == [1, 0, 2]


def test_max_concurrency_makes_iterations_wait(aws: LocalAws) -> None:
    """SFN, "Map workflow state", MaxConcurrency."""
    machine = create({"Map": {"Type": "Map", "MaxConcurrency": 2, "ItemProcessor": iteration(), "End": True}})
    execution = start(machine, [{"seconds": 100}] * 5)
    aws.clock.sleep(3600)

    assert describe(execution)["stopDate"] == START + timedelta(seconds=300)


def test_max_concurrency_may_be_taken_from_the_input_and_keeps_the_order_of_the_items(aws: LocalAws) -> None:
    """SFN, "Map state fields", MaxConcurrencyPath; "Using Map state in Inline mode": with 1, one item after the other,
    in the order of the input."""
    mapping = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": iteration(), "End": True}
    machine = create({"Map": {**mapping, "MaxConcurrencyPath": "$.most"}})
    items = [{"seconds": 30}, {"seconds": 10}, {"seconds": 20}]
    executions = {most: start(machine, {"items": items, "most": most}) for most in (0, 1, 2)}
    aws.clock.sleep(3600)

    ends = {most: describe(execution)["stopDate"] - START for most, execution in executions.items()}
    assert ends == {0: timedelta(seconds=30), 1: timedelta(seconds=60), 2: timedelta(seconds=30)}
    begun = [event for event in events(executions[1]) if event["type"] == "MapIterationStarted"]
    assert [event["mapIterationStartedEventDetails"]["index"] for event in begun] == [0, 1, 2]


def test_a_failed_iteration_fails_the_map_under_its_error_and_stops_the_rest(aws: LocalAws) -> None:
    """SFN, "Map workflow state": an iteration that fails fails the Map; States.Timeout keeps its name."""
    slow = create_function("slow", "import time\ndef handler(event, context): time.sleep(60)", Timeout=300)
    states = {
        "Which": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.fails", "BooleanEquals": True, "Next": "Slow"}],
            "Default": "Long",
        },
        "Slow": {"Type": "Task", "Resource": slow, "TimeoutSeconds": 5, "End": True},
        "Long": {"Type": "Wait", "Seconds": 500, "Next": "After"},
        "After": {"Type": "Pass", "End": True},
    }
    processor = {"StartAt": "Which", "States": states}
    mapping = {
        "Type": "Map",
        "ItemProcessor": processor,
        "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Caught"}],
    }
    machine = create({"Map": {**mapping, "End": True}, "Caught": {"Type": "Pass", "End": True}})
    execution = start(machine, [{"fails": True}, {"fails": False}])
    aws.clock.sleep(3600)

    described = describe(execution)
    assert described["status"] == "SUCCEEDED"
    assert json.loads(described["output"])["Error"] == "States.Timeout"
    assert described["stopDate"] == START + timedelta(seconds=5)
    assert not [
        event for event in events(execution) if event.get("stateEnteredEventDetails", {}).get("name") == "After"
    ]


def test_the_branches_of_a_parallel_state_run_side_by_side(aws: LocalAws) -> None:
    """SFN, "Parallel workflow state"."""
    branches = [iteration("$.first"), iteration("$.second")]
    machine = create({"Both": {"Type": "Parallel", "Branches": branches, "End": True}})
    execution = start(machine, {"first": 20, "second": 50})
    aws.clock.sleep(3600)

    assert json.loads(describe(execution)["output"]) == [{"first": 20, "second": 50}] * 2
    assert describe(execution)["stopDate"] == START + timedelta(seconds=50)


# -- data -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.one", [{"a": 1}]),
        ("$.one[0]", {"a": 1}),
        ("$.one[0].a", 1),
        ("$.none", None),
        ("$.empty", []),
        ("$.nested.list", ["only"]),
        ("$.one[*].a", [1]),
        ("$.one[*].b", []),
        ("$.many[?(@.a==2)]", [{"a": 2}]),
        ("$.many[?(@.a==9)]", []),
        ("$.many[0:1]", [{"a": 1}]),
        ("$..deep", []),
    ],
)
def test_a_definite_path_gives_the_value_as_it_is_and_an_indefinite_one_a_list(
    aws: LocalAws, path: str, expected: Any
) -> None:
    """ASL, "Paths"; "Reference Paths" identify a single node. SFN, "Using JSONPath paths"."""
    machine = create({"Pass": passing({"got.$": path})})
    document = {
        "one": [{"a": 1}],
        "none": None,
        "empty": [],
        "nested": {"list": ["only"]},
        "many": [{"a": 1}, {"a": 2}],
    }

    assert output(aws, machine, document) == {"got": expected}


def test_a_path_to_nothing_is_states_runtime_which_nothing_catches(aws: LocalAws) -> None:
    """SFN, "Error names", States.Runtime: "a retry or catch on States.ALL won't catch States.Runtime errors"."""
    echo = create_function("echo", ECHO)
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    task = {"Type": "Task", "Resource": echo, "Parameters": {"got.$": "$.missing"}, "Catch": catch, "End": True}
    execution = start(create({"Task": task, "Caught": {"Type": "Succeed"}}))
    aws.clock.sleep(60)

    assert describe(execution)["status"] == "FAILED"
    assert describe(execution)["error"] == "States.Runtime"
    assert "$.missing" in describe(execution)["cause"]


def test_the_context_object_gives_json_texts(aws: LocalAws) -> None:
    """SFN, "Accessing execution data from the Context object": moments are ISO 8601 in UTC with milliseconds."""
    echo = create_function("echo", ECHO)
    inner = {
        "Type": "Task",
        "Resource": echo,
        "Parameters": {"item.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index", "state.$": "$$.State.Name"},
        "End": True,
    }
    machine = create(
        {
            "Later": {"Type": "Wait", "Seconds": 65, "Next": "Look"},
            "Look": {
                "Type": "Pass",
                "Parameters": {
                    "id.$": "$$.Execution.Id",
                    "name.$": "$$.Execution.Name",
                    "started.$": "$$.Execution.StartTime",
                    "entered.$": "$$.State.EnteredTime",
                    "input.$": "$$.Execution.Input",
                    "machine.$": "$$.StateMachine.Id",
                },
                "ResultPath": "$.context",
                "Next": "Map",
            },
            "Map": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "ItemProcessor": {"StartAt": "Each", "States": {"Each": inner}},
                "ResultPath": "$.each",
                "End": True,
            },
        }
    )
    execution = start(machine, {"items": [None, "b"]}, name="a-name")
    aws.clock.sleep(3600)

    seen = json.loads(describe(execution)["output"])
    assert seen["context"] == {
        "id": execution,
        "name": "a-name",
        "started": "2026-12-01T09:00:00.000Z",
        "entered": "2026-12-01T09:01:05.000Z",
        "input": {"items": [None, "b"]},
        "machine": machine,
    }
    assert seen["each"] == [
        {"item": None, "index": 0, "state": "Each"},
        {"item": "b", "index": 1, "state": "Each"},
    ]


def test_result_path_null_keeps_the_input_and_a_text_stays_a_text(aws: LocalAws) -> None:
    """SFN, "Specifying state output using ResultPath"; a payload that reads like JSON is not parsed again."""
    echo = create_function("echo", ECHO)
    machine = create(
        {
            "Ignored": {"Type": "Task", "Resource": echo, "ResultPath": None, "Next": "Text"},
            "Text": {"Type": "Task", "Resource": echo, "InputPath": "$.text", "ResultPath": "$.back", "End": True},
        }
    )

    assert output(aws, machine, {"text": "123"}) == {"text": "123", "back": "123"}


def test_a_fail_state_takes_error_and_cause_from_its_input(aws: LocalAws) -> None:
    """SFN, "Fail workflow state": ErrorPath, CausePath."""
    execution = start(
        create({"Fail": {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"}}),
        {"failure": {"Error": "ImageBuildFailed", "Cause": '{"errorMessage": "it failed"}'}},
    )
    aws.clock.sleep(60)

    assert describe(execution)["error"] == "ImageBuildFailed"
    assert describe(execution)["cause"] == '{"errorMessage": "it failed"}'


def test_a_choice_without_a_match_fails_the_execution(aws: LocalAws) -> None:
    """SFN, "Error names", States.NoChoiceMatched."""
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "Done"}]}
    execution = start(create({"Choice": choice, "Done": {"Type": "Succeed"}}), {"a": 2})
    aws.clock.sleep(60)

    assert describe(execution)["error"] == "States.NoChoiceMatched"


@pytest.mark.parametrize(
    "rule",
    [
        {"Variable": "$.b", "NumericEquals": 1},
        {"Variable": "$.b", "IsNull": True},
        {"Not": {"Variable": "$.b", "IsString": True}},
        {"Or": [{"Variable": "$.a", "NumericEquals": 1}, {"Variable": "$.b", "BooleanEquals": True}]},
        {"Variable": "$.a", "NumericEqualsPath": "$.b"},
    ],
)
def test_a_choice_on_a_path_that_does_not_exist_fails(aws: LocalAws, rule: dict[str, Any]) -> None:
    """SFN, "Choice workflow state": without IsPresent, the execution fails with States.Runtime."""
    states = {
        "Choice": {"Type": "Choice", "Choices": [{**rule, "Next": "Done"}], "Default": "Done"},
        "Done": {"Type": "Succeed"},
    }
    execution = start(create(states), {"a": 2})
    aws.clock.sleep(60)

    assert (describe(execution)["status"], describe(execution)["error"]) == ("FAILED", "States.Runtime")
    assert "$.b" in describe(execution)["cause"]


def test_a_choice_asks_whether_a_path_exists(aws: LocalAws) -> None:
    """SFN, "Choice workflow state": IsPresent, before what else is asked of the path."""
    absent = {"Not": {"Variable": "$.b", "IsPresent": True}, "Next": "Done"}
    both = {"And": [{"Variable": "$.b", "IsPresent": True}, {"Variable": "$.b", "NumericEquals": 1}], "Next": "Done"}
    choice = {"Type": "Choice", "Choices": [both, absent]}
    assert output(aws, create({"Choice": choice, "Done": {"Type": "Succeed"}}), {"a": 2}) == {"a": 2}


@pytest.mark.parametrize("names", [["States.ALL"], ["States.TaskFailed"]])
def test_a_result_over_256_kib_is_data_limit_exceeded_which_the_wildcards_do_not_catch(
    aws: LocalAws, names: list[str]
) -> None:
    """SFN, "Error names", States.DataLimitExceeded; "Quotas": 256 KiB of a state's input or output."""
    big = create_function("big", "def handler(event, context): return 'x' * 300_000")
    task = {"Type": "Task", "Resource": big, "Catch": [{"ErrorEquals": names, "Next": "Caught"}], "End": True}
    execution = start(create({"Task": task, "Caught": {"Type": "Succeed"}}))
    aws.clock.sleep(60)

    assert describe(execution)["status"] == "FAILED"
    assert describe(execution)["error"] == "States.DataLimitExceeded"


def test_an_input_over_256_kib_after_its_parameters_is_data_limit_exceeded(aws: LocalAws) -> None:
    """SFN, "Error names": "when, after Parameters processing, the input of a state is larger than the quota"."""
    twice = {"a.$": "$.text", "b.$": "$.text"}
    task = {"Type": "Task", "Resource": create_function("small", "def handler(e, c): return 1"), "Parameters": twice}
    execution = start(create({"Task": {**task, "End": True}}), {"text": "x" * 150_000})
    aws.clock.sleep(60)

    assert describe(execution)["error"] == "States.DataLimitExceeded"
    assert invocations() == []


def test_task_failed_stands_for_every_error_but_a_timeout(aws: LocalAws) -> None:
    """SFN, "Error names", States.TaskFailed: "a wildcard that matches any known error name except States.Timeout"."""
    slow = create_function("slow", "import time\ndef handler(event, context): time.sleep(60)", Timeout=300)
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught"}]
    refused = {"Type": "Task", "Resource": create_function("refuses", FAIL), "Catch": catch, "End": True}
    late = {"Type": "Task", "Resource": slow, "TimeoutSeconds": 5, "Catch": catch, "End": True}
    caught = {"Caught": {"Type": "Succeed"}}
    first = start(create({"Task": refused, **caught}, name="refused"))
    second = start(create({"Task": late, **caught}, name="late"))
    aws.clock.sleep(60)

    assert describe(first)["status"] == "SUCCEEDED"
    assert describe(second)["status"] == "FAILED"
    assert describe(second)["error"] == "States.Timeout"


# -- Lambda -----------------------------------------------------------------------------------------------------------


def test_an_exception_arrives_under_its_class_name_with_lambdas_error_document_as_cause(aws: LocalAws) -> None:
    """SFN, "Handling error conditions in a Step Functions state machine"."""
    execution = start(create({"Task": {"Type": "Task", "Resource": create_function("refuses", FAIL), "End": True}}))
    aws.clock.sleep(60)

    described = describe(execution)
    cause = json.loads(described["cause"])
    assert described["error"] == "Refused"
    assert cause["errorType"] == "Refused"
    assert cause["errorMessage"] == "not today"
    assert cause["requestId"]
    assert cause["stackTrace"][0].startswith('  File "/var/task/app.py", line 6, in handler\n')
    [failed] = [event for event in events(execution) if event["type"] == "LambdaFunctionFailed"]
    assert failed["lambdaFunctionFailedEventDetails"] == {"error": "Refused", "cause": described["cause"]}


def test_a_function_that_does_not_exist_is_an_error_of_the_lambda_service(aws: LocalAws) -> None:
    """SFN, "Handling errors": service errors of Lambda are named `Lambda.<exception>`."""
    arn = "arn:aws:lambda:us-east-1:123456789012:function:gone"
    execution = start(create({"Task": {"Type": "Task", "Resource": arn, "End": True}}))
    aws.clock.sleep(60)

    assert describe(execution)["error"] == "Lambda.ResourceNotFoundException"
    assert f"Function not found: {arn}" in describe(execution)["cause"]


# -- starting ---------------------------------------------------------------------------------------------------------


def test_executions_without_a_name_do_not_collide(aws: LocalAws) -> None:
    """API, StartExecution: a name that is not given is a UUID."""
    machine = create({"Wait": {"Type": "Wait", "Seconds": 60, "End": True}})
    first, second = start(machine), start(machine)

    assert first != second
    assert len(first.rsplit(":", 1)[1]) == 36


def test_the_name_and_input_of_a_running_execution_start_nothing_and_anything_else_is_an_error(aws: LocalAws) -> None:
    """API, StartExecution, idempotency."""
    machine = create({"Wait": {"Type": "Wait", "Seconds": 60, "End": True}})
    first = start(machine, {"a": 1}, name="release-1")

    assert start(machine, {"a": 1}, name="release-1") == first
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(machine, {"a": 2}, name="release-1")
    aws.clock.sleep(120)
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(machine, {"a": 1}, name="release-1")
    listed = boto3.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert [(execution["name"], execution["status"]) for execution in listed] == [("release-1", "SUCCEEDED")]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"name": "a b"}, "InvalidName"),
        ({"name": "a/b"}, "InvalidName"),
        ({"name": "x" * 81}, "ValidationException"),
        ({"input": "{"}, "InvalidExecutionInput"),
        ({"input": json.dumps("x" * 262_144)}, "ValidationException"),
        ({"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:gone"}, "StateMachineDoesNotExist"),
    ],
)
def test_start_execution_refuses_what_it_documents(aws: LocalAws, parameters: dict[str, str], code: str) -> None:
    """API, StartExecution: Errors, and the constraints of `name` and `input`."""
    machine = create({"Done": {"Type": "Succeed"}})
    client = boto3.client("stepfunctions")

    with pytest.raises(ClientError) as refused:
        client.start_execution(**{"stateMachineArn": machine, **parameters})

    assert refused.value.response["Error"]["Code"] == code


# -- ending -----------------------------------------------------------------------------------------------------------


def test_stop_execution_ends_it_at_once_in_whatever_state(aws: LocalAws) -> None:
    """API, StopExecution; the waits of a Map's iterations end with it, and nothing follows."""
    ticking = create_function("ticking", ECHO)
    states = {
        "Pause": {"Type": "Wait", "Seconds": 500, "Next": "Tick"},
        "Tick": {"Type": "Task", "Resource": ticking, "End": True},
    }
    machine = create({"Map": {"Type": "Map", "ItemProcessor": {"StartAt": "Pause", "States": states}, "End": True}})
    execution = start(machine, [1, 2])
    aws.clock.sleep(100)
    stopped = boto3.client("stepfunctions").stop_execution(executionArn=execution, error="Changed", cause="my mind")
    at_once = describe(execution)
    aws.clock.sleep(3600)

    assert at_once["status"] == "ABORTED"
    assert at_once["stopDate"] == stopped["stopDate"] == START + timedelta(seconds=100)
    assert (at_once["error"], at_once["cause"]) == ("Changed", "my mind")
    assert describe(execution) | {"ResponseMetadata": None} == at_once | {"ResponseMetadata": None}
    last = events(execution)[-1]
    assert last["type"] == "ExecutionAborted"
    assert last["executionAbortedEventDetails"] == {"error": "Changed", "cause": "my mind"}


def test_stop_execution_does_not_wait_for_a_running_function(aws: LocalAws) -> None:
    """API, StopExecution: the function goes on, the execution does not."""
    slow = create_function("slow", "import time\ndef handler(event, context): time.sleep(100)", Timeout=300)
    execution = start(create({"Task": {"Type": "Task", "Resource": slow, "Next": "After"}, "After": passing({})}))
    aws.clock.sleep(30)
    boto3.client("stepfunctions").stop_execution(executionArn=execution)
    aws.clock.sleep(3600)

    assert kinds(execution)[-2:] == ["LambdaFunctionStarted", "ExecutionAborted"]
    assert describe(execution)["stopDate"] == START + timedelta(seconds=30)


def test_the_history_holds_25000_events_and_the_last_one_is_the_end(aws: LocalAws) -> None:
    """SFN, "Avoid reaching the history quota"."""
    machine = create(
        {"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Again"}, "Again": {"Type": "Pass", "Next": "Wait"}}
    )
    execution = start(machine)
    aws.clock.sleep(86_400)

    described = describe(execution)
    assert described["status"] == "FAILED"
    assert "25000" in described["cause"]
    [last, *_] = events(execution, reverseOrder=True)
    assert (last["id"], last["type"]) == (25_000, "ExecutionFailed")


def test_every_change_of_status_is_an_event_on_the_default_bus(aws: LocalAws) -> None:
    """SFN, "Automating Step Functions event delivery with EventBridge": RUNNING, then the ending, moments in ms."""
    keep = create_function("keep", "def handler(event, context): print(event['detail'])")
    rules = boto3.client("events")
    rules.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.states"]}))
    rules.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": create_queue("kept")}])
    machine = create({"Wait": {"Type": "Wait", "Seconds": 60, "Next": "Fail"}, "Fail": {"Type": "Fail", "Error": "E"}})
    execution = start(machine, {"a": 1})
    aws.clock.sleep(120)

    assert keep
    [running, failed] = [json.loads(message) for message in received("kept")]
    assert running["source"] == "aws.states"
    assert running["detail-type"] == "Step Functions Execution Status Change"
    assert running["resources"] == [execution]
    began = round(START.timestamp() * 1000)
    assert running["detail"].items() >= {"status": "RUNNING", "startDate": began, "stopDate": None}.items()
    assert (
        failed["detail"].items()
        >= {
            "executionArn": execution,
            "stateMachineArn": machine,
            "status": "FAILED",
            "startDate": began,
            "stopDate": began + 60_000,
            "input": '{"a": 1}',
            "output": None,
            "error": "E",
            "cause": None,
        }.items()
    )


def create_queue(name: str) -> str:
    """The ARN of a queue that EventBridge may send to."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    return str(arn)


def received(name: str) -> list[str]:
    """The bodies of all messages in the queue, in their order."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


# -- looking at it ----------------------------------------------------------------------------------------------------


def test_the_history_comes_in_pages_either_way_with_or_without_data(aws: LocalAws) -> None:
    """API, GetExecutionHistory: maxResults, nextToken, reverseOrder, includeExecutionData."""
    machine = create(
        {f"S{number}": {"Type": "Pass", "Next": f"S{number + 1}"} for number in range(20)} | {"S20": passing({"b": 2})}
    )
    execution = start(machine, {"a": 1})
    aws.clock.sleep(60)
    client = boto3.client("stepfunctions")

    whole = events(execution)
    pages = client.get_paginator("get_execution_history").paginate(
        executionArn=execution, PaginationConfig={"PageSize": 7}
    )
    backwards = client.get_paginator("get_execution_history").paginate(
        executionArn=execution, reverseOrder=True, includeExecutionData=False, PaginationConfig={"PageSize": 7}
    )

    assert [event["id"] for event in whole] == list(range(1, 45))
    assert [event for page in pages for event in page["events"]] == whole
    reversed_events = [event for page in backwards for event in page["events"]]
    assert [event["id"] for event in reversed_events] == list(range(44, 0, -1))
    assert reversed_events[-1]["executionStartedEventDetails"] == {"roleArn": create_role("machine")}
    assert reversed_events[1]["stateExitedEventDetails"] == {"name": "S20"}
    with pytest.raises(ClientError, match="InvalidToken"):
        client.get_execution_history(executionArn=execution, nextToken="bm9uc2Vuc2U=")


def test_executions_are_logged_as_the_machine_says(aws: LocalAws) -> None:
    """SFN, "Using CloudWatch Logs to log execution history": levels, and execution data only on request."""
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="/machine")
    group = logs.describe_log_groups()["logGroups"][0]["arn"]
    machine = create({"Look": {"Type": "Pass", "Next": "Fail"}, "Fail": {"Type": "Fail", "Error": "E", "Cause": "c"}})
    destination = {"cloudWatchLogsLogGroup": {"logGroupArn": group}}
    client: Any = boto3.client("stepfunctions")

    def logged(level: str, data: bool) -> list[Any]:
        configuration = {"level": level, "includeExecutionData": data, "destinations": [destination]}
        client.update_state_machine(stateMachineArn=machine, loggingConfiguration=configuration)
        execution = start(machine, {"secret": 1})
        aws.clock.sleep(60)
        lines = [json.loads(event["message"]) for event in logs.filter_log_events(logGroupName="/machine")["events"]]
        return [line for line in lines if line["execution_arn"] == execution]

    [failed] = logged("ERROR", data=True)
    silent, full = logged("ALL", data=False), logged("ALL", data=True)

    assert failed["type"] == "ExecutionFailed"
    assert failed["details"] == {"error": "E", "cause": "c"}
    assert [line["type"] for line in silent] == [line["type"] for line in full]
    assert "secret" not in json.dumps(silent)
    assert full[1]["details"] == {"name": "Look", "input": '{"secret":1}', "inputDetails": {"truncated": False}}


def test_listeners_get_each_event_at_its_moment(aws: LocalAws) -> None:
    """The live view reads the same events that GetExecutionHistory gives."""
    heard: list[tuple[datetime, str, dict[str, Any]]] = []
    executions.listeners().append(lambda arn, event: heard.append((datetime.now(UTC), arn, event)))
    execution = start(create({"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}))
    aws.clock.sleep(120)

    assert {arn for _, arn, _ in heard} == {execution}
    assert [event["type"] for _, _, event in heard] == kinds(execution)
    assert all(moment == event["timestamp"] for moment, _, event in heard)


# -- definitions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ({"A": {"Type": "Pass", "Next": "Nowhere"}}, "Missing 'Next' target: Nowhere at /States/A/Next"),
        (
            {
                "A": {
                    "Type": "Map",
                    "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "Next": "A"}}},
                    "End": True,
                }
            },
            "/States/A/ItemProcessor/States/B/Next",
        ),
        ({"A": {"Type": "Wait", "Seconds": "soon", "End": True}}, "SCHEMA_VALIDATION_FAILED"),
    ],
)
def test_a_definition_that_is_none_is_refused(aws: LocalAws, states: dict[str, Any], message: str) -> None:
    """API, CreateStateMachine, InvalidDefinition."""
    with pytest.raises(ClientError) as refused:
        create(states)

    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"
    assert message in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ({"Type": "Pass", "Assign": {"a": 1}, "End": True}, "Assign at /States/A/Assign"),
        ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": {}, "End": True}, "JSONata"),
        (
            {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True},
            "waitForTaskToken",
        ),
        ({"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:a", "End": True}, "activity"),
        (
            {
                "Type": "Map",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "B",
                    "States": {"B": {"Type": "Pass", "End": True}},
                },
                "End": True,
            },
            "distributed Map",
        ),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(aws: LocalAws, state: dict[str, Any], name: str) -> None:
    """The embedded AWS's own rule: never silently do something else than AWS."""
    with pytest.raises(NotModelled, match=name):
        create({"A": state})
