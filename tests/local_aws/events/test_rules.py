"""EventBridge rules really start their targets."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.core import delivery
from local_aws.core.delivery import DeliveryFailed, TargetNotModelled, undelivered
from local_aws.events.rules import ScheduledRuleNotModelled, put_aws_event
from local_aws.stepfunctions import delivery as stepfunctions
from tests.local_aws.delivering import ACCOUNT, REGION, Aws, aws

__all__ = ["aws"]

EVENTS, SCHEDULER = "events.amazonaws.com", "scheduler.amazonaws.com"
PATTERN = {"source": ["aws.states"], "detail": {"status": ["TIMED_OUT", "ABORTED"]}}
RULE_ARN = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/ends"
WORKING = {
    "StartAt": "Done",
    "States": {"Done": {"Type": "Succeed"}},
}


def put_rule(aws: Aws, *rule_targets: dict[str, Any], pattern: dict[str, Any] = PATTERN, **parameters: Any) -> None:
    client = aws.client("events")
    client.put_rule(Name="ends", EventPattern=json.dumps(pattern), **parameters)
    client.put_targets(Rule="ends", Targets=[{"Id": str(n), **target} for n, target in enumerate(rule_targets)])


def abort(aws: Aws, seconds: float = 1) -> None:
    """An execution is aborted, and `seconds` pass."""
    detail = {"status": "ABORTED", "name": "run-1", "attempts": [{"state": "Wait", "seconds": 30}]}
    put_aws_event("aws.states", "Step Functions Execution Status Change", ["arn:execution"], detail, REGION)
    aws.clock.sleep(seconds)


def state_machine(aws: Aws) -> str:
    created = aws.client("stepfunctions").create_state_machine(
        name="patch", definition=json.dumps(WORKING), roleArn=aws.role("patch-role", "states.amazonaws.com")
    )
    return str(created["stateMachineArn"])


# -- what reaches a target ------------------------------------------------------------------------------------------


def test_an_event_of_aws_reaches_a_queue_as_it_is(aws: Aws) -> None:
    """EventBridge User Guide, "Event structure reference"."""
    queue = aws.queue("events", EVENTS)
    put_rule(aws, {"Arn": queue})
    abort(aws)
    [event] = aws.bodies(queue)
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": ACCOUNT,
        "time": "2026-11-01T00:00:00Z",
        "region": REGION,
        "resources": ["arn:execution"],
        "detail": {"status": "ABORTED", "name": "run-1", "attempts": [{"state": "Wait", "seconds": 30}]},
    }


def test_put_events_reaches_the_same_targets(aws: Aws) -> None:
    """EventBridge API Reference, PutEvents: the envelope is EventBridge's, without the members that moto adds."""
    queue = aws.queue("events", EVENTS)
    put_rule(aws, {"Arn": queue}, pattern={"source": ["ours"]})
    entry = {"Source": "ours", "DetailType": "test", "Detail": json.dumps({"a": 1}), "Resources": ["r"]}
    aws.client("events").put_events(Entries=[entry])
    aws.clock.sleep(1)
    [event] = aws.bodies(queue)
    assert set(event) == {
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
    }
    assert event["time"] == "2026-11-01T00:00:00Z"
    assert event["detail"] == {"a": 1}


def test_a_rule_of_another_region_does_not_see_the_event(aws: Aws) -> None:
    queue = aws.queue("events", EVENTS, region="eu-west-1")
    client = aws.client("events", "eu-west-1")
    client.put_rule(Name="ends", EventPattern=json.dumps(PATTERN))
    client.put_targets(Rule="ends", Targets=[{"Id": "1", "Arn": queue}])
    abort(aws)
    assert aws.messages(queue) == []


def test_a_disabled_rule_delivers_nothing_until_it_is_enabled(aws: Aws) -> None:
    """EventBridge API Reference, DisableRule: a disabled rule won't match any events."""
    queue = aws.queue("events", EVENTS)
    put_rule(aws, {"Arn": queue}, State="DISABLED")
    abort(aws)
    assert aws.messages(queue) == []
    aws.client("events").enable_rule(Name="ends")
    abort(aws)
    assert len(aws.messages(queue)) == 1


def test_an_event_starts_an_execution(aws: Aws) -> None:
    """EventBridge User Guide, "Amazon EventBridge targets": a state machine gets the event as its input."""
    machine = state_machine(aws)
    put_rule(aws, {"Arn": machine, "RoleArn": aws.role("invoker", EVENTS, "states:StartExecution")})
    abort(aws)
    client = aws.client("stepfunctions")
    [execution] = client.list_executions(stateMachineArn=machine)["executions"]
    described = client.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"])["detail"]["name"] == "run-1"


def test_an_event_reaches_the_subscribers_of_a_topic(aws: Aws) -> None:
    """EventBridge User Guide, "Using resource-based policies": the topic's policy must let EventBridge publish."""
    sns = aws.client("sns")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = aws.queue("alerts", "sns.amazonaws.com")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    put_rule(aws, {"Arn": topic, "InputPath": "$.detail.name"})
    abort(aws)
    assert aws.messages(queue) == []
    assert [lost.error_code for lost in undelivered()] == ["NO_PERMISSIONS"]

    statement = {"Effect": "Allow", "Principal": {"Service": EVENTS}, "Action": "SNS:Publish", "Resource": topic}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    abort(aws)
    assert [body["Message"] for body in aws.bodies(queue)] == ['"run-1"']


# -- permission to invoke a function ------------------------------------------------------------------------------


def test_a_function_that_lets_the_rule_in_is_invoked(aws: Aws) -> None:
    """EventBridge User Guide, "Using resource-based policies": Lambda permissions."""
    function = aws.function("notify")
    aws.permit(function, EVENTS, RULE_ARN)
    put_rule(aws, {"Arn": function})
    abort(aws, seconds=5)
    [(invoked, event)] = aws.invocations()
    assert invoked == function
    assert event["detail"]["status"] == "ABORTED"
    assert undelivered() == []


@pytest.mark.parametrize(
    ("principal", "source_arn"),
    [
        (None, None),
        ("sns.amazonaws.com", RULE_ARN),
        (EVENTS, f"arn:aws:events:{REGION}:{ACCOUNT}:rule/another"),
    ],
    ids=["no permission", "another service", "another rule"],
)
def test_without_permission_the_event_goes_to_the_dead_letter_queue(
    aws: Aws, principal: str | None, source_arn: str | None
) -> None:
    """EventBridge User Guide, "Using dead-letter queues": missing permission is not retried; the attributes."""
    function = aws.function("notify")
    if principal and source_arn:
        aws.permit(function, principal, source_arn)
    dead = aws.queue("dead", EVENTS)
    put_rule(aws, {"Arn": function, "DeadLetterConfig": {"Arn": dead}})
    abort(aws, seconds=5)
    assert aws.invocations() == []
    [message] = aws.messages(dead)
    assert json.loads(message["Body"])["detail"]["status"] == "ABORTED"
    assert message["attributes"].pop("ERROR_MESSAGE")
    assert message["attributes"] == {
        "RULE_ARN": RULE_ARN,
        "TARGET_ARN": function,
        "ERROR_CODE": "NO_PERMISSIONS",
        "RETRY_ATTEMPTS": "0",
    }


def test_without_a_dead_letter_queue_the_event_is_lost_and_listed_in_undelivered(aws: Aws) -> None:
    """EventBridge User Guide, "How EventBridge retries delivering events": the event is dropped."""
    function = aws.function("notify")
    put_rule(aws, {"Arn": function})
    abort(aws)
    [lost] = undelivered()
    assert (lost.source_arn, lost.target_arn, lost.dead_letter_queue) == (RULE_ARN, function, None)


def test_a_dead_letter_queue_needs_a_policy(aws: Aws) -> None:
    """EventBridge User Guide, "Using dead-letter queues": granting permissions to the dead-letter queue."""
    dead = aws.queue("dead")
    put_rule(aws, {"Arn": aws.function("notify"), "DeadLetterConfig": {"Arn": dead}})
    abort(aws)
    assert aws.messages(dead) == []
    assert [lost.dead_letter_queue for lost in undelivered()] == [None]


def test_a_target_that_is_gone_is_no_resource(aws: Aws) -> None:
    """EventBridge User Guide, "Using dead-letter queues": a target that no longer exists is not retried."""
    dead = aws.queue("dead", EVENTS)
    gone = {
        "function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:gone",
        "queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone",
        "topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:gone",
        "machine": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:gone",
    }
    role = aws.role("invoker", EVENTS, "states:StartExecution")
    put_rule(aws, *({"Arn": arn, "RoleArn": role, "DeadLetterConfig": {"Arn": dead}} for arn in gone.values()))
    abort(aws)
    by_target = {message["attributes"]["TARGET_ARN"]: message["attributes"] for message in aws.messages(dead)}
    assert set(by_target) == set(gone.values())
    assert {attributes["ERROR_CODE"] for attributes in by_target.values()} == {"NO_RESOURCE"}
    assert {attributes["RETRY_ATTEMPTS"] for attributes in by_target.values()} == {"0"}


def test_a_fifo_queue_that_wants_a_deduplication_id_takes_no_event(aws: Aws) -> None:
    """EventBridge User Guide, "Amazon EventBridge targets": a FIFO queue needs content-based deduplication. What it
    refuses is not retried, but sent to the dead-letter queue."""
    dead, sqs = aws.queue("dead", EVENTS), aws.client("sqs")
    url = sqs.create_queue(QueueName="events.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    statement = {"Effect": "Allow", "Principal": {"Service": EVENTS}, "Action": "sqs:SendMessage", "Resource": "*"}
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    )
    fifo = f"arn:aws:sqs:{REGION}:{ACCOUNT}:events.fifo"
    put_rule(aws, {"Arn": fifo, "SqsParameters": {"MessageGroupId": "all"}, "DeadLetterConfig": {"Arn": dead}})
    abort(aws)
    [message] = aws.messages(dead)
    assert (message["attributes"]["TARGET_ARN"], message["attributes"]["RETRY_ATTEMPTS"]) == (fifo, "0")
    assert "MessageDeduplicationId" in message["attributes"]["ERROR_MESSAGE"]


@pytest.mark.parametrize("target", [{"Arn": "invalid"}, {"Arn": "arn:aws:sqs"}, {"DeadLetterConfig": {"Arn": "dead"}}])
def test_a_malformed_arn_is_a_validation_exception(aws: Aws, target: dict[str, Any]) -> None:
    """EventBridge API Reference, PutTargets, "Errors"."""
    with pytest.raises(ClientError) as refusal:
        put_rule(aws, {"Arn": aws.queue("events", EVENTS), **target})
    error = refusal.value.response["Error"]
    assert (error["Code"], "not in correct format" in error["Message"]) == ("ValidationException", True)


def test_events_in_the_name_of_aws_are_refused(aws: Aws) -> None:
    """EventBridge API Reference, PutEventsRequestEntry, Source; aws-samples/serverless-patterns#3089: EventBridge's own
    words."""
    queue = aws.queue("events", EVENTS)
    put_rule(aws, {"Arn": queue}, pattern={"detail-type": ["test"]})
    entries = [{"Source": source, "DetailType": "test", "Detail": "{}"} for source in ("aws.ssm", "ours")]
    answer = aws.client("events").put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0] == {
        "ErrorCode": "NotAuthorizedForSourceException",
        "ErrorMessage": "Not authorized for the source.",
    }
    aws.clock.sleep(1)
    assert [event["source"] for event in aws.bodies(queue)] == ["ours"]


def test_a_state_machine_needs_a_role_that_eventbridge_may_assume(aws: Aws) -> None:
    """EventBridge API Reference, PutTargets: for state machines EventBridge relies on RoleArn."""
    machine = state_machine(aws)
    with pytest.raises(ClientError) as refusal:
        put_rule(aws, {"Arn": machine})
    assert refusal.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": f"RoleArn is required for target {machine}.",
    }
    put_rule(aws, {"Arn": machine, "RoleArn": aws.role("scheduler", SCHEDULER, "states:StartExecution")})
    abort(aws)
    assert aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"] == []
    assert [lost.error_code for lost in undelivered()] == ["FAILED_TO_ASSUME_ROLE"]


# -- retries --------------------------------------------------------------------------------------------------------


class Throttling:
    """Step Functions' StartExecution, throttled `failures` times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, aws: Aws, failures: int) -> None:
        self.calls: list[float] = []
        original = stepfunctions.deliver
        started = aws.clock.time()

        def throttled(*arguments: Any) -> None:
            self.calls.append(aws.clock.time() - started)
            if len(self.calls) <= failures:
                raise DeliveryFailed("THROTTLING", "ThrottlingException", "Rate exceeded", retryable=True)
            original(*arguments)

        monkeypatch.setitem(delivery._deliveries, "states", throttled)


def test_a_throttled_delivery_is_repeated_in_virtual_time(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """EventBridge User Guide, "How EventBridge retries delivering events": exponential back off."""
    machine = state_machine(aws)
    put_rule(aws, {"Arn": machine, "RoleArn": aws.role("invoker", EVENTS, "states:StartExecution")})
    throttling = Throttling(monkeypatch, aws, failures=3)
    abort(aws, seconds=60)
    assert throttling.calls == [0, 1, 3, 7]
    assert len(aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]) == 1
    assert undelivered() == []


@pytest.mark.parametrize(
    ("policy", "condition", "attempts"),
    [
        ({"MaximumRetryAttempts": 2}, "MaximumRetryAttempts", 3),
        ({"MaximumRetryAttempts": 0}, "MaximumRetryAttempts", 1),
        ({"MaximumEventAgeInSeconds": 60}, "MaximumEventAgeInSeconds", 6),
        ({}, "MaximumEventAgeInSeconds", 177),
    ],
)
def test_a_retry_policy_ends_in_the_dead_letter_queue(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, policy: dict[str, int], condition: str, attempts: int
) -> None:
    """EventBridge User Guide, "Using dead-letter queues": EXHAUSTED_RETRY_CONDITION; by default 24 hours."""
    dead = aws.queue("dead", EVENTS)
    role = aws.role("invoker", EVENTS, "states:StartExecution")
    target = {"Arn": state_machine(aws), "RoleArn": role, "DeadLetterConfig": {"Arn": dead}}
    put_rule(aws, {**target, "RetryPolicy": policy})
    throttling = Throttling(monkeypatch, aws, failures=1000)
    abort(aws, seconds=timedelta(hours=25).total_seconds())
    [message] = aws.messages(dead)
    assert message["attributes"]["EXHAUSTED_RETRY_CONDITION"] == condition
    assert message["attributes"]["RETRY_ATTEMPTS"] == str(attempts - 1)
    assert message["attributes"]["ERROR_CODE"] == "THROTTLING"
    assert len(throttling.calls) == attempts


# -- what a target is given -----------------------------------------------------------------------------------------


TRANSFORMED = [
    ({"Input": '{"fixed": true}'}, '{"fixed": true}'),
    (
        {"InputPath": "$.detail"},
        '{"status": "ABORTED", "name": "run-1", "attempts": [{"state": "Wait", "seconds": 30}]}',
    ),
    ({"InputPath": "$.detail.name"}, '"run-1"'),
    (
        {
            "InputTransformer": {
                "InputPathsMap": {"status": "$.detail.status", "all": "$.detail.attempts", "first": "$.resources[0]"},
                "InputTemplate": '{"is": <status>, "text": "run is \\"<status>\\"", "all": <all>, "arn": "<first>"}',
            }
        },
        '{"is": "ABORTED", "text": "run is \\"ABORTED\\"", "all": [{"state": "Wait", "seconds": 30}], '
        '"arn": "arn:execution"}',
    ),
    (
        {
            "InputTransformer": {
                "InputPathsMap": {"missing": "$.detail.nothing", "name": "$.detail.name"},
                "InputTemplate": '"<name> of <missing> by <aws.events.rule-name>"',
            }
        },
        '"run-1 of  by ends"',
    ),
    (
        {
            "InputTransformer": {
                "InputTemplate": '{"rule": <aws.events.rule-arn>, "at": <aws.events.event.ingestion-time>}'
            }
        },
        json.dumps({"rule": RULE_ARN, "at": "2026-11-01T00:00:00Z"}),
    ),
]


@pytest.mark.parametrize(("transformation", "expected"), TRANSFORMED)
def test_a_target_is_given_what_its_input_says(aws: Aws, transformation: dict[str, Any], expected: str) -> None:
    """EventBridge User Guide, "Amazon EventBridge input transformation"; API Reference, PutTargets."""
    queue = aws.queue("events", EVENTS)
    put_rule(aws, {"Arn": queue, **transformation})
    abort(aws)
    [message] = aws.messages(queue)
    assert json.loads(message["Body"]) == json.loads(expected)


def test_the_original_event_can_be_put_into_a_template(aws: Aws) -> None:
    """EventBridge User Guide, "Amazon EventBridge input transformation": predefined variables."""
    queue = aws.queue("events", EVENTS)
    template = '{"event": <aws.events.event>, "text": "<aws.events.event.json>"}'
    put_rule(aws, {"Arn": queue, "InputTransformer": {"InputTemplate": template}})
    abort(aws)
    [body] = aws.bodies(queue)
    assert body["event"]["detail"]["name"] == "run-1"
    assert json.loads(body["text"]) == body["event"]


def test_a_value_that_breaks_the_template_is_not_delivered(aws: Aws) -> None:
    """EventBridge User Guide, "Amazon EventBridge input transformation": extracted values are not escaped."""
    queue = aws.queue("events", EVENTS)
    transformer = {"InputPathsMap": {"cause": "$.detail.cause"}, "InputTemplate": '"because <cause>"'}
    put_rule(aws, {"Arn": queue, "InputTransformer": transformer})
    put_aws_event("aws.states", "test", [], {"status": "ABORTED", "cause": 'it said "no"'}, REGION)
    aws.clock.sleep(1)
    assert aws.messages(queue) == []
    assert [lost.error_code for lost in undelivered()] == ["INVALID_JSON"]


@pytest.mark.parametrize(
    "transformation",
    [
        {"Input": "not json"},
        {"InputTransformer": {"InputTemplate": "no quotes around <aws.events.rule-name>"}},
        {"Input": "{}", "InputPath": "$.detail"},
    ],
)
def test_put_targets_refuses_an_impossible_input(aws: Aws, transformation: dict[str, Any]) -> None:
    """EventBridge API Reference, PutTargets: Input is valid JSON; the three are mutually exclusive."""
    with pytest.raises(ClientError) as refusal:
        put_rule(aws, {"Arn": aws.queue("events", EVENTS), **transformation})
    assert refusal.value.response["Error"]["Code"] == "ValidationException"


# -- patterns -------------------------------------------------------------------------------------------------------

DETAIL = {
    "status": "ABORTED",
    "cause": None,
    "seconds": 30,
    "tags": ["Production", "web"],
    "nested": {"name": "blue-green"},
    "ip": "10.0.0.7",
    "steps": [{"name": "build", "result": "ok"}, {"name": "deploy", "result": "failed"}],
}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"status": ["FAILED", "ABORTED"]}, True),
        ({"status": ["FAILED"]}, False),
        ({"cause": [None]}, True),
        ({"tags": ["web"]}, True),
        ({"nested": {"name": ["blue-green"]}}, True),
        ({"status": [{"prefix": "ABO"}]}, True),
        ({"status": [{"prefix": "abo"}]}, False),
        ({"status": [{"prefix": {"equals-ignore-case": "abo"}}]}, True),
        ({"status": [{"suffix": "TED"}]}, True),
        ({"status": [{"suffix": "ING"}]}, False),
        ({"status": [{"equals-ignore-case": "aborted"}]}, True),
        ({"status": [{"wildcard": "A*T*D"}]}, True),
        ({"status": [{"wildcard": "A*X"}]}, False),
        ({"status": [{"anything-but": "ABORTED"}]}, False),
        ({"status": [{"anything-but": ["FAILED", "TIMED_OUT"]}]}, True),
        ({"status": [{"anything-but": {"prefix": "ABO"}}]}, False),
        ({"status": [{"anything-but": {"suffix": ["ING", "TED"]}}]}, False),
        ({"status": [{"anything-but": {"equals-ignore-case": "failed"}}]}, True),
        ({"status": [{"anything-but": {"wildcard": "*B*"}}]}, False),
        ({"seconds": [{"numeric": [">", 0, "<=", 30]}]}, True),
        ({"seconds": [{"numeric": ["<", 30]}]}, False),
        ({"seconds": [{"numeric": ["=", 30]}]}, True),
        ({"ip": [{"cidr": "10.0.0.0/24"}]}, True),
        ({"ip": [{"cidr": "10.0.1.0/24"}]}, False),
        ({"reason": [{"exists": False}]}, True),
        ({"status": [{"exists": True}]}, True),
        ({"reason": [{"exists": True}]}, False),
        ({"$or": [{"status": ["FAILED"]}, {"seconds": [30]}]}, True),
        ({"$or": [{"status": ["FAILED"]}, {"seconds": [31]}]}, False),
        ({"steps": {"name": ["deploy"]}}, True),
        ({"steps": {"name": ["deploy"], "result": ["failed"]}}, True),
        ({"steps": {"name": ["build"], "result": ["failed"]}}, False),
    ],
)
def test_a_pattern_matches_as_the_user_guide_says(aws: Aws, pattern: dict[str, Any], matches: bool) -> None:
    """EventBridge User Guide, "Comparison operators for use in event patterns", and matching in arrays."""
    queue = aws.queue("events", EVENTS)
    put_rule(aws, {"Arn": queue}, pattern={"source": ["ours"], "detail": pattern})
    put_aws_event("ours", "test", [], DETAIL, REGION)
    aws.clock.sleep(1)
    assert len(aws.messages(queue)) == matches


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ('{"source": "aws.states"}', '"source" must be an object or an array'),
        ('{"source": []}', "Empty arrays are not allowed"),
        ('{"detail": {"status": [{"EXISTS": true}]}}', "Unrecognized match type EXISTS"),
        ('{"detail": {"seconds": [{"NUMERIC": ["=", 5]}]}}', "Unrecognized match type NUMERIC"),
        ('{"detail": {"seconds": [{"numeric": [">", 0, ">", 0]}]}}', "Bad numeric range operator: >"),
        ('{"detail": {"status": [{"anything-like": "x"}]}}', "Unrecognized match type anything-like"),
        ('{"detail": {"$or": [{"status": [{"sufix": "x"}]}]}}', "Unrecognized match type sufix"),
        ('{"detail": {"status": [{"prefix": "a", "suffix": "b"}]}}', "Only one key allowed in match expression"),
        ('{"detail": {"status": [{"exists": "yes"}]}}', 'Invalid value for match type exists: "yes"'),
        ('{"source": ["aws.states"]', "Invalid JSON"),
    ],
)
def test_put_rule_refuses_a_pattern_that_eventbridge_does_not_know(aws: Aws, pattern: str, reason: str) -> None:
    """EventBridge API Reference, PutRule: InvalidEventPatternException."""
    with pytest.raises(ClientError) as refusal:
        aws.client("events").put_rule(Name="ends", EventPattern=pattern)
    assert refusal.value.response["Error"] == {
        "Code": "InvalidEventPatternException",
        "Message": f"Event pattern is not valid. Reason: {reason}",
    }


# -- what is not modelled -------------------------------------------------------------------------------------------


def test_what_is_not_modelled_says_so(aws: Aws) -> None:
    with pytest.raises(TargetNotModelled, match="kinesis"):
        put_rule(aws, {"Arn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"})
    with pytest.raises(ScheduledRuleNotModelled, match="rate"):
        aws.client("events").put_rule(Name="often", ScheduleExpression="rate(5 minutes)")


# -- CloudFormation -------------------------------------------------------------------------------------------------


def stack_resources(*dead_letter: str, state: str = "ENABLED") -> dict[str, Any]:
    return {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "target"}},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": PATTERN,
                "State": state,
                "Targets": [
                    {
                        "Id": "Queue",
                        "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
                        "Input": '{"by": "stack"}',
                        "RetryPolicy": {"MaximumRetryAttempts": 3},
                        **({"DeadLetterConfig": {"Arn": dead_letter[0]}} if dead_letter else {}),
                    }
                ],
            },
        },
    }


def test_a_rule_of_a_stack_keeps_its_targets_and_its_name_and_goes_with_the_stack(aws: Aws) -> None:
    """CloudFormation Template Reference, AWS::Events::Rule: Targets; Ref is the rule's name; updates in place."""
    dead = aws.queue("dead", EVENTS)
    cloudformation, client = aws.client("cloudformation"), aws.client("events")
    body = json.dumps({"Resources": stack_resources(dead)})
    cloudformation.create_stack(StackName="app", TemplateBody=body)
    [rule] = client.list_rules()["Rules"]
    [target] = client.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Input"] == '{"by": "stack"}'
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 3}
    assert target["DeadLetterConfig"] == {"Arn": dead}
    abort(aws)
    # The queue has no policy that lets EventBridge in.
    assert [message["attributes"]["ERROR_CODE"] for message in aws.messages(dead)] == ["NO_PERMISSIONS"]

    body = json.dumps({"Resources": stack_resources(dead, state="DISABLED")})
    cloudformation.update_stack(StackName="app", TemplateBody=body)
    aws.clock.sleep(120)  # updates and deletions take their time
    [updated] = client.list_rules()["Rules"]
    assert (updated["Name"], updated["State"]) == (rule["Name"], "DISABLED")
    abort(aws)
    assert aws.messages(dead) == []

    cloudformation.delete_stack(StackName="app")
    aws.clock.sleep(120)  # updates and deletions take their time
    assert client.list_rules()["Rules"] == []
