"""Lambda functions that really run. Each test names the AWS documentation that it stands for.

LAMBDA: AWS Lambda Developer Guide. API: AWS Lambda API Reference.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import sys
import time
from datetime import timedelta
from itertools import pairwise
from typing import Any

import boto3
import botocore
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.aws import START, LocalAws
from local_aws.core.faults import Fault, Faults
from local_aws.core.ids import REGION
from local_aws.lambda_ import invocations as lambda_invocations
from local_aws.lambda_.asynchronous import invoke_async
from local_aws.lambda_.functions import LambdaServiceError
from local_aws.lambda_.invocations import invocations
from tests.local_aws.lambda_.functions import allow, create_function, create_role, packaged


def invoke(name: str, payload: Any = None, **parameters: Any) -> Any:
    """The answer of Invoke, its payload read."""
    body = json.dumps({} if payload is None else payload)
    answer = boto3.client("lambda").invoke(FunctionName=name, Payload=body, **parameters)
    return {**answer, "Payload": json.loads(answer["Payload"].read() or b"null")}


def log_lines(group: str) -> list[str]:
    events = boto3.client("logs").filter_log_events(logGroupName=group)["events"]
    return [event["message"] for event in events]


# -- what a function sees ---------------------------------------------------------------------------------------------


def test_a_function_gets_its_event_its_context_and_its_environment(aws: LocalAws) -> None:
    """LAMBDA, "Using the Lambda context object to retrieve Python function information"; "Defined runtime environment
    variables"."""
    source = """
        import os

        def handler(event, context):
            return {
                "event": event,
                "context": {
                    name: getattr(context, name)
                    for name in (
                        "function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb",
                        "log_group_name", "log_stream_name", "identity", "client_context",
                    )
                },
                "request": context.aws_request_id,
                "remaining": context.get_remaining_time_in_millis(),
                "environment": dict(os.environ),
            }
    """
    arn = create_function("f", source, Timeout=20, MemorySize=256, Environment={"Variables": {"MINE": "1"}})
    answer = invoke("f", {"a": [1]})
    payload = answer["Payload"]

    assert answer["ExecutedVersion"] == "$LATEST"
    assert payload["event"] == {"a": [1]}
    stream = payload["context"].pop("log_stream_name")
    assert payload["context"] == {
        "function_name": "f",
        "function_version": "$LATEST",
        "invoked_function_arn": arn,
        "memory_limit_in_mb": "256",
        "log_group_name": "/aws/lambda/f",
        "identity": None,
        "client_context": None,
    }
    assert len(payload["request"]) == 36
    assert payload["remaining"] == 19_850
    environment = payload["environment"]
    assert (
        environment.items()
        >= {
            "MINE": "1",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "_HANDLER": "app.handler",
            "TZ": ":UTC",
        }.items()
    )
    assert stream.startswith("2026/12/01/[$LATEST]")
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["AWS_SESSION_TOKEN"]
    assert environment["LAMBDA_TASK_ROOT"]


def test_a_published_version_says_which_it_is(aws: LocalAws) -> None:
    """LAMBDA, "Defined runtime environment variables": AWS_LAMBDA_FUNCTION_VERSION."""
    source = """
        import os

        def handler(event, context):
            return [context.function_version, os.environ["AWS_LAMBDA_FUNCTION_VERSION"]]
    """
    create_function("f", source)
    version = boto3.client("lambda").publish_version(FunctionName="f")["Version"]
    assert invoke("f", Qualifier=version)["Payload"] == [version, version]


def test_a_function_acts_as_its_role(aws: LocalAws) -> None:
    """LAMBDA, "Defining Lambda function permissions with an execution role"."""
    create_function("f", "import boto3\ndef handler(e, c): return boto3.client('sts').get_caller_identity()['Arn']")

    assert invoke("f")["Payload"] == "arn:aws:sts::123456789012:assumed-role/f-role/f"


def test_functions_share_nothing(aws: LocalAws) -> None:
    """LAMBDA, "Understanding the Lambda execution environment lifecycle": each function has environments of its own."""
    source = """
        import logging, os, boto3, helper

        logger = logging.getLogger("shared-name")
        session = boto3.session.Session

        def handler(event, context):
            helper.seen.append(os.environ["WHO"])
            boto3.setup_default_session(region_name=os.environ["WHO"])
            logger.handlers.append(logging.NullHandler())
            return {"seen": helper.seen, "handlers": len(logger.handlers)}

        def look(event, context):
            return boto3.DEFAULT_SESSION is None
    """
    for name in ("one", "two"):
        create_function(
            name,
            "",
            Code={"ZipFile": packaged(app=source, helper="seen = []")},
            Environment={"Variables": {"WHO": f"{name}-west-1"}},
        )
    first, second, again = invoke("one"), invoke("two"), invoke("one")

    assert first["Payload"] == {"seen": ["one-west-1"], "handlers": 1}
    assert second["Payload"] == {"seen": ["two-west-1"], "handlers": 1}
    assert again["Payload"] == {"seen": ["one-west-1"] * 2, "handlers": 2}


def test_a_function_that_waits_leaves_nothing_of_itself_to_another(aws: LocalAws) -> None:
    """The same, while one invocation is under way and another takes its turn."""
    source = """
        import os, sys, time, state

        def handler(event, context):
            print("before", os.environ["WHO"])
            state.who = os.environ["WHO"]
            time.sleep(5)
            import later
            print("after", os.environ["WHO"])
            return [state.who, os.environ["WHO"], later.who]
    """
    for name in ("one", "two"):
        code = packaged(app=source, state="who = None", later=f"who = '{name}'")
        create_function(name, "", Code={"ZipFile": code}, Timeout=30, Environment={"Variables": {"WHO": name}})
    answers: dict[str, Any] = {}

    def call(name: str) -> None:
        answers[name] = lambda_invocations.invoke(name, {}, REGION).payload

    outside = (dict(os.environ), sys.stdout, time.sleep, logging.root.handlers, "state" in sys.modules)
    aws.clock.spawn(lambda: call("one"), "one")
    aws.clock.call_later(2, lambda: call("two"), "two")
    aws.clock.sleep(30)

    assert answers == {"one": ["one"] * 3, "two": ["two"] * 3}
    for name in ("one", "two"):
        printed = [line for line in log_lines(f"/aws/lambda/{name}") if line.startswith(("before", "after"))]
        assert printed == [f"before {name}", f"after {name}"]
    assert (dict(os.environ), sys.stdout, time.sleep, logging.root.handlers, "state" in sys.modules) == outside


def test_a_function_keeps_its_modules_until_its_code_or_configuration_changes(aws: LocalAws) -> None:
    """LAMBDA, "Understanding the Lambda execution environment lifecycle": warm starts; updates start anew."""
    create_function("f", "calls = []\ndef handler(event, context):\n    calls.append(1)\n    return len(calls)")
    client = boto3.client("lambda")

    assert [invoke("f")["Payload"] for _ in range(3)] == [1, 2, 3]
    client.update_function_configuration(FunctionName="f", Environment={"Variables": {"NEW": "1"}})
    assert invoke("f")["Payload"] == 1
    client.update_function_code(FunctionName="f", ZipFile=packaged(app="def handler(e, c): return 'new code'"))
    assert invoke("f")["Payload"] == "new code"
    assert [invocation.cold_start for invocation in invocations()] == [True, False, False, True, True]


def test_powertools_keeps_its_state_apart_for_each_function(aws: LocalAws) -> None:
    """The same, for a library that is bundled with the function and counts cold starts a process."""
    source = """
        import json
        from aws_lambda_powertools import Logger, Metrics

        logger = Logger(service="both")
        metrics = Metrics(namespace="n", service="both")

        @logger.inject_lambda_context
        @metrics.log_metrics(capture_cold_start_metric=False)
        def handler(event, context):
            import botocore
            logger.info("called", extra={"function": context.function_name})
            metrics.add_metric(name="Called", unit="Count", value=1)
            return len(botocore._INITIALIZERS)
    """
    library: Any = botocore
    outside = list(library._INITIALIZERS)
    for name in ("one", "two"):
        create_function(name, source)
        # What powertools does to each new session, it does to those of its own function, once.
        assert invoke(name)["Payload"] == 1
    assert outside == library._INITIALIZERS

    for name in ("one", "two"):
        lines = [json.loads(line) for line in log_lines(f"/aws/lambda/{name}") if line.startswith("{")]
        [called] = [line for line in lines if line.get("message") == "called"]
        assert called["function"] == called["function_name"] == name
        assert called["cold_start"] is True
        assert len([line for line in lines if "_aws" in line]) == 1


@pytest.mark.usefixtures("aws")
def test_a_session_of_its_own_shares_what_botocore_reads_from_its_data() -> None:
    """Each function has a session; reading the models of the services again for each would be most of a cold start."""
    first, second = (boto3.Session().client("sqs").meta.service_model for _ in range(2))
    assert first is second


# -- time -------------------------------------------------------------------------------------------------------------


def test_invocations_take_the_time_of_the_settings(aws: LocalAws) -> None:
    """LAMBDA, "Understanding the Lambda execution environment lifecycle": Init, then Invoke; API calls take theirs."""
    create_function("f", "import boto3\ndef handler(e, c): boto3.client('sts').get_caller_identity()")
    began = aws.clock.time()
    invoke("f")
    cold = aws.clock.time() - began
    invoke("f")
    warm = aws.clock.time() - began - cold

    assert cold == pytest.approx(0.9 + 0.15 + 0.05)
    assert warm == pytest.approx(0.15 + 0.05)


def test_two_invocations_at_once_need_two_environments(aws: LocalAws) -> None:
    """LAMBDA, "Understanding Lambda function scaling": an environment does one invocation at a time."""
    create_function("f", "import time\ndef handler(e, c): time.sleep(1)")
    for moment in (0, 0.5, 30):
        aws.clock.call_later(moment, lambda: lambda_invocations.invoke("f", {}, REGION), "invocation")
    aws.clock.sleep(60)

    assert [invocation.cold_start for invocation in invocations()] == [True, True, False]


def test_a_function_past_its_time_limit_is_sandbox_timedout_and_starts_cold_again(aws: LocalAws) -> None:
    """LAMBDA, "Troubleshoot invocation issues": timeouts; the environment is reset."""
    create_function(
        "f",
        """
        import time
        def handler(event, context):
            try:
                time.sleep(event["seconds"])
            except Exception:
                return "caught it"
            return "done"
        """,
    )
    began = aws.clock.time()
    answer = invoke("f", {"seconds": 10})

    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorType"] == "Sandbox.Timedout"
    assert answer["Payload"]["errorMessage"].endswith("Error: Task timed out after 3.00 seconds")
    assert aws.clock.time() - began == pytest.approx(0.9 + 3)
    assert invoke("f", {"seconds": 1})["Payload"] == "done"
    assert [invocation.cold_start for invocation in invocations()] == [True, True]


def test_a_throttled_call_is_retried_by_boto3_in_virtual_time() -> None:
    """boto3, "Retries", standard mode; the pauses between the attempts are the function's time."""
    faults = (Fault("sts", "GetCallerIdentity", "Throttling", "Rate exceeded", times=2),)
    with LocalAws(Faults(faults)) as aws:
        source = """
            import boto3
            from botocore.config import Config

            def handler(event, context):
                config = Config(retries={"mode": "standard", "total_max_attempts": event["attempts"]})
                answer = boto3.client("sts", config=config).get_caller_identity()
                return answer["ResponseMetadata"]["RetryAttempts"]
        """
        create_function("f", source, Timeout=60)
        real = time.perf_counter()

        assert invoke("f", {"attempts": 4})["Payload"] == 2
        assert time.perf_counter() - real < 5
        assert 0.3 < invocations()[0].seconds < 10
        assert aws.clock.time() > START.timestamp()


def test_a_fault_arrives_as_the_error_that_botocore_makes_of_it() -> None:
    """API error shapes: the code, the message and the status of a fault, by three protocols."""
    faults = (
        Fault("cloudformation", "UpdateStack", "Throttling", "Rate exceeded", times=None),
        Fault("lambda", "GetFunction", "TooManyRequestsException", "Rate Exceeded.", 429, times=None),
        Fault("stepfunctions", "StartExecution", "AccessDeniedException", "no", times=1, where={"name": "x-*"}),
    )
    with LocalAws(Faults(faults)):
        once = Config(retries={"total_max_attempts": 1})
        calls = [
            (boto3.client("cloudformation", config=once).update_stack, {"StackName": "a", "TemplateBody": "{}"}),
            (boto3.client("lambda", config=once).get_function, {"FunctionName": "f"}),
            (
                boto3.client("stepfunctions", config=once).start_execution,
                {"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m", "name": "x-1"},
            ),
        ]
        refusals = []
        for call, parameters in calls:
            with pytest.raises(ClientError) as failed:
                call(**parameters)
            error = failed.value.response
            refusals.append(
                (error["Error"]["Code"], error["Error"]["Message"], error["ResponseMetadata"]["HTTPStatusCode"])
            )
        with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
            calls[2][0](**{**calls[2][1], "name": "y-1"})

    assert refusals == [
        ("Throttling", "Rate exceeded", 400),
        ("TooManyRequestsException", "Rate Exceeded.", 429),
        ("AccessDeniedException", "no", 400),
    ]


# -- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "source", "error_type", "message"),
    [
        (
            {"Handler": "gone.handler"},
            "",
            "Runtime.ImportModuleError",
            "Unable to import module 'gone': No module named 'gone'",
        ),
        ({}, "import nowhere", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'nowhere'"),
        ({}, "x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ({"Handler": "app"}, "", "Runtime.MalformedHandlerName", "Bad handler 'app'"),
        ({}, "def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        (
            {},
            "def handler(e, c): return {1, 2}",
            "Runtime.MarshalError",
            "Unable to marshal response: Object of type set",
        ),
        ({}, "import sys\ndef handler(e, c): sys.exit(3)", "Runtime.ExitError", "exit status 3"),
        ({}, "def handler(e, c): return 'x' * 7_000_000", "Function.ResponseSizeTooLarge", "6291556 bytes"),
        ({}, "def handler(e, c): raise KeyError('k')", "KeyError", "'k'"),
    ],
)
def test_a_function_fails_in_the_words_of_the_runtime(
    aws: LocalAws, settings: dict[str, str], source: str, error_type: str, message: str
) -> None:
    """LAMBDA, "Troubleshoot invocation issues"; aws-lambda-python-runtime-interface-client, bootstrap.py."""
    create_function("f", source, **settings)
    answer = invoke("f")

    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorType"] == error_type
    assert message in answer["Payload"]["errorMessage"]


def test_a_stack_trace_has_no_frame_of_the_embedded_aws(aws: LocalAws) -> None:
    """On AWS, an error in a call of an API comes from the SDK."""
    source = """
        import boto3

        def handler(event, context):
            boto3.client("lambda").invoke_async(FunctionName="f", InvokeArgs=b"{}")
    """
    create_function("f", source)
    trace = invoke("f")["Payload"]["stackTrace"]

    assert trace[0].startswith('  File "/var/task/app.py", line 5, in handler')
    assert not [line for line in trace if "local_aws" in line]


def test_a_handler_may_be_deep_in_a_package(aws: LocalAws) -> None:
    """LAMBDA, "Define Lambda function handler in Python": package.module.function."""
    code = packaged({"deep/__init__.py": "", "deep/er/app.py": "def handle(e, c): return __name__"})
    create_function("f", "", Code={"ZipFile": code}, Handler="deep.er.app.handle")

    assert invoke("f")["Payload"] == "deep.er.app"


@pytest.mark.parametrize(
    ("parameters", "code", "status"),
    [
        ({"FunctionName": "gone"}, "ResourceNotFoundException", 404),
        ({"FunctionName": "f", "Qualifier": "7"}, "ResourceNotFoundException", 404),
        ({"FunctionName": "f", "Payload": b"{"}, "InvalidRequestContentException", 400),
        ({"FunctionName": "f", "Payload": b'"' + b"x" * 6_300_000 + b'"'}, "RequestTooLargeException", 413),
        (
            {"FunctionName": "f", "Payload": b'"' + b"x" * 1_100_000 + b'"', "InvocationType": "Event"},
            "RequestTooLargeException",
            413,
        ),
    ],
)
def test_invoke_refuses_what_it_documents(aws: LocalAws, parameters: dict[str, Any], code: str, status: int) -> None:
    """API, Invoke, Errors; LAMBDA, "Lambda quotas"."""
    create_function("f", "def handler(e, c): return 1")

    with pytest.raises(ClientError) as refused:
        boto3.client("lambda").invoke(**parameters)

    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert invocations() == []


def test_reserved_concurrency_throttles(aws: LocalAws) -> None:
    """LAMBDA, "Configuring reserved concurrency for a function": 0 throttles every invocation."""
    create_function("f", "def handler(e, c): return 1")
    boto3.client("lambda").put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)

    with pytest.raises(LambdaServiceError, match="Rate Exceeded"):
        lambda_invocations.invoke("f", {}, REGION)


# -- logs -------------------------------------------------------------------------------------------------------------


def test_an_invocation_is_logged_from_start_to_report(aws: LocalAws) -> None:
    """LAMBDA, "Working with Python function logs": START, what is printed and logged, END, REPORT."""
    create_function("f", "import logging\ndef handler(e, c):\n    print('said')\n    logging.warning('careful')")
    answer = invoke("f", LogType="Tail")
    [request] = [invocation.request_id for invocation in invocations()]

    assert log_lines("/aws/lambda/f") == [
        f"START RequestId: {request} Version: $LATEST",
        "said",
        f"[WARNING]\t2026-12-01T09:00:01.050Z\t{request}\tcareful",
        f"END RequestId: {request}",
        f"REPORT RequestId: {request}\tDuration: 150.00 ms\tBilled Duration: 1050 ms\tMemory Size: 128 MB\t"
        "Init Duration: 900.00 ms\t",
    ]
    assert "said" in base64.b64decode(answer["LogResult"]).decode()
    [first, *_] = boto3.client("logs").filter_log_events(logGroupName="/aws/lambda/f")["events"]
    assert first["timestamp"] == round((START + timedelta(seconds=0.9)).timestamp() * 1000)


def test_json_logs_of_many_functions_in_one_group(aws: LocalAws) -> None:
    """LAMBDA, "Configuring JSON and plain text log formats"; "Configuring CloudWatch log groups"."""
    create_function(
        "f",
        "def handler(e, c): raise ValueError('bad')",
        LoggingConfig={"LogFormat": "JSON", "LogGroup": "/together"},
    )
    invoke("f")
    lines = [json.loads(line) for line in log_lines("/together")]
    [stream] = boto3.client("logs").describe_log_streams(logGroupName="/together")["logStreams"]

    assert [line.get("type", line.get("log_level")) for line in lines] == ["platform.start", "ERROR", "platform.report"]
    assert lines[1]["errorType"] == "ValueError"
    assert lines[2]["record"]["status"] == "error"
    assert lines[2]["record"]["metrics"]["initDurationMs"] == 900
    assert stream["logStreamName"].startswith("2026/12/01/f[$LATEST]")


# -- asynchronous invocations -----------------------------------------------------------------------------------------


def test_an_event_is_tried_three_times_and_then_goes_to_queue_and_destination(
    aws: LocalAws,
) -> None:
    """LAMBDA, "How Lambda handles errors and retries with asynchronous invocation": after one and two minutes."""
    sqs = boto3.client("sqs")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("dead", "failed")}
    arns = {name: f"arn:aws:sqs:{REGION}:123456789012:{name}" for name in urls}
    source = "def handler(e, c): raise ValueError('bad')"
    arn = create_function("f", source, DeadLetterConfig={"TargetArn": arns["dead"]})
    allow("f-role", "sqs:SendMessage")
    client = boto3.client("lambda")
    client.put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnFailure": {"Destination": arns["failed"]}}
    )
    answer = client.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"n": 1}')
    aws.clock.sleep(600)

    assert answer["StatusCode"] == 202
    began = [invocation.started_at - START.timestamp() for invocation in invocations()]
    assert [round(later - sooner) for sooner, later in pairwise(began)] == [60, 120]
    assert len({invocation.request_id for invocation in invocations()}) == 1
    [dead] = sqs.receive_message(QueueUrl=urls["dead"], MessageAttributeNames=["All"])["Messages"]
    assert dead["Body"] == '{"n": 1}'
    assert dead["MessageAttributes"]["ErrorMessage"]["StringValue"] == "bad"
    [failed] = sqs.receive_message(QueueUrl=urls["failed"])["Messages"]
    record = json.loads(failed["Body"])
    assert record["requestContext"] == {
        "requestId": invocations()[0].request_id,
        "functionArn": f"{arn}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert record["requestPayload"] == {"n": 1}
    assert record["responsePayload"]["errorType"] == "ValueError"


def test_the_number_of_retries_of_an_event_is_the_functions_choice(aws: LocalAws) -> None:
    """API, PutFunctionEventInvokeConfig, MaximumRetryAttempts."""
    create_function("f", "def handler(e, c): raise ValueError('bad')")
    boto3.client("lambda").put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    invoke_async("f", {}, REGION)
    aws.clock.sleep(600)

    assert len(invocations()) == 1


# -- templates --------------------------------------------------------------------------------------------------------


def test_a_template_gives_a_function_all_that_it_says_and_nothing_is_dropped_in_silence(aws: LocalAws) -> None:
    """CloudFormation User Guide, AWS::Lambda::Function."""
    properties = {
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": create_role("r"),
        "Code": {"ZipFile": "import os\ndef handler(e, c): return [os.environ['A'], c.memory_limit_in_mb]"},
        "Environment": {"Variables": {"A": "b"}},
        "MemorySize": 1024,
        "LoggingConfig": {"LogGroup": "/mine"},
        "Architectures": ["arm64"],
        "Tags": [{"Key": "k", "Value": "v"}],
    }
    template = {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}}
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template))
    name = cloudformation.describe_stack_resource(StackName="s", LogicalResourceId="F")["StackResourceDetail"][
        "PhysicalResourceId"
    ]

    assert invoke(name)["Payload"] == ["b", "1024"]
    assert log_lines("/mine")
    configuration = boto3.client("lambda").get_function(FunctionName=name)
    assert configuration["Configuration"]["Architectures"] == ["arm64"]
    assert configuration["Tags"].items() >= {"k": "v"}.items()


def test_a_property_that_is_not_modelled_is_refused_by_name(aws: LocalAws) -> None:
    """The embedded AWS's own rule."""
    properties = {"SnapStart": {"ApplyOn": "None"}, "Code": {"ZipFile": ""}, "Role": create_role("r")}
    template = {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}}
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template))
    reasons = [
        event.get("ResourceStatusReason")
        for event in cloudformation.describe_stack_events(StackName="s")["StackEvents"]
        if event["LogicalResourceId"] == "F"
    ]

    assert "the embedded AWS does not model SnapStart of an AWS::Lambda::Function" in reasons
