"""EventBridge Scheduler's schedules really fire."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.core.delivery import TargetNotModelled, undelivered
from local_aws.scheduler.schedules import next_due
from tests.local_aws.delivering import ACCOUNT, REGION, Aws, aws

__all__ = ["aws"]

SCHEDULER = "scheduler.amazonaws.com"
DELIVERIES = ("events:PutEvents", "lambda:InvokeFunction", "sns:Publish", "sqs:SendMessage", "states:StartExecution")
MONTHLY = "cron(0 3 ? * TUE#2 *)"
FIRST = datetime(2026, 11, 10, 3, tzinfo=UTC)
ARN = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/monthly"
OFF = {"Mode": "OFF"}
CAPABLE: Any = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}


def create(
    aws: Aws,
    target: dict[str, Any],
    expression: str = MONTHLY,
    window: dict[str, Any] | None = None,
    name: str = "monthly",
    **parameters: Any,
) -> None:
    """Create a schedule whose role Scheduler may assume."""
    client = aws.client("scheduler")
    role = {"RoleArn": aws.role(f"{name}-schedule", SCHEDULER, *DELIVERIES)}
    client.create_schedule(
        Name=name,
        ScheduleExpression=expression,
        FlexibleTimeWindow=window or OFF,
        Target={**role, **target},
        **parameters,
    )


def update(aws: Aws, **changes: Any) -> None:
    """Update the schedule `monthly` as the API Reference advises: with all that GetSchedule returns."""
    client = aws.client("scheduler")
    schedule = client.get_schedule(Name="monthly")
    keep = ("ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target", "State")
    client.update_schedule(Name="monthly", **{**{key: schedule[key] for key in keep}, **changes})


def jump(aws: Aws) -> datetime:
    """Let time pass until the next schedule has fired; return when that was due."""
    due = next_due(REGION)
    assert due is not None
    aws.clock.sleep((due[1] - aws.clock.now()).total_seconds() + 1)
    return due[1]


# -- when -----------------------------------------------------------------------------------------------------------


def test_a_schedule_fires_each_time_its_expression_names(aws: Aws) -> None:
    """EventBridge Scheduler User Guide, "Schedule types": cron-based schedules."""
    queue = aws.queue("target")
    create(aws, {"Arn": queue, "Input": "<aws.scheduler.scheduled-time>"})
    assert next_due(REGION) == ("monthly", FIRST)
    aws.clock.sleep((FIRST - aws.clock.now()).total_seconds() - 1)
    assert aws.messages(queue) == []
    assert jump(aws) == FIRST
    assert [message["Body"] for message in aws.messages(queue)] == ["2026-11-10T03:00:00Z"]
    assert jump(aws) == datetime(2026, 12, 8, 3, tzinfo=UTC)
    assert [message["Body"] for message in aws.messages(queue)] == ["2026-12-08T03:00:00Z"]


def test_a_schedule_fires_in_its_time_zone(aws: Aws) -> None:
    """EventBridge Scheduler User Guide, "Schedule types": time zones."""
    create(aws, {"Arn": aws.queue("target")}, ScheduleExpressionTimezone="Europe/Berlin")
    assert jump(aws) == datetime(2026, 11, 10, 2, tzinfo=UTC)


def test_a_rate_starts_at_once_and_repeats(aws: Aws) -> None:
    """EventBridge Scheduler User Guide, "Schedule types": a rate without StartDate starts immediately."""
    queue = aws.queue("target")
    create(aws, {"Arn": queue, "Input": "<aws.scheduler.scheduled-time>"}, "rate(2 hours)")
    aws.clock.sleep(4 * 3600 + 1)
    bodies = [message["Body"] for message in aws.messages(queue)]
    assert bodies == ["2026-11-01T00:00:00Z", "2026-11-01T02:00:00Z", "2026-11-01T04:00:00Z"]


def test_a_rate_starts_at_its_start_date_and_stops_at_its_end_date(aws: Aws) -> None:
    """EventBridge Scheduler API Reference, CreateSchedule: StartDate and EndDate."""
    queue = aws.queue("target")
    start = datetime(2026, 11, 2, 6, tzinfo=UTC)
    create(
        aws,
        {"Arn": queue, "Input": "<aws.scheduler.scheduled-time>"},
        "rate(1 day)",
        StartDate=start,
        EndDate=start + timedelta(days=1, hours=1),
    )
    assert next_due(REGION) == ("monthly", start)
    aws.clock.sleep(timedelta(days=5).total_seconds())
    bodies = [message["Body"] for message in aws.messages(queue)]
    assert bodies == ["2026-11-02T06:00:00Z", "2026-11-03T06:00:00Z"]
    assert next_due(REGION) is None


def test_a_cron_schedule_waits_for_its_start_date(aws: Aws) -> None:
    """EventBridge Scheduler API Reference, CreateSchedule: invocations might occur on, or after, the StartDate."""
    create(aws, {"Arn": aws.queue("target")}, StartDate=FIRST + timedelta(seconds=1))
    assert jump(aws) == datetime(2026, 12, 8, 3, tzinfo=UTC)


def test_a_one_time_schedule_fires_once_and_stays_by_default(aws: Aws) -> None:
    """EventBridge Scheduler User Guide, "Deleting a schedule": ActionAfterCompletion."""
    queue = aws.queue("target")
    once = "at(2026-11-05T10:00:00)"
    create(aws, {"Arn": queue}, once, ScheduleExpressionTimezone="Asia/Tokyo")
    create(aws, {"Arn": queue}, once, name="brief", ScheduleExpressionTimezone="UTC", ActionAfterCompletion="DELETE")
    assert jump(aws) == datetime(2026, 11, 5, 1, tzinfo=UTC)
    assert jump(aws) == datetime(2026, 11, 5, 10, tzinfo=UTC)
    assert next_due(REGION) is None
    assert len(aws.messages(queue)) == 2
    assert [schedule["Name"] for schedule in aws.client("scheduler").list_schedules()["Schedules"]] == ["monthly"]


def test_a_flexible_schedule_fires_within_its_window_and_keeps_its_scheduled_time(aws: Aws) -> None:
    """EventBridge Scheduler User Guide, "Configuring flexible time windows"."""
    queue = aws.queue("target")
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30}
    create(aws, {"Arn": queue, "Input": "<aws.scheduler.scheduled-time>"}, window=window)
    assert FIRST < jump(aws) < FIRST + timedelta(minutes=30)
    assert [message["Body"] for message in aws.messages(queue)] == ["2026-11-10T03:00:00Z"]
    assert datetime(2026, 12, 8, 3, tzinfo=UTC) < jump(aws)
    assert [message["Body"] for message in aws.messages(queue)] == ["2026-12-08T03:00:00Z"]


def test_the_first_of_several_schedules_is_the_next_due_in_its_region(aws: Aws) -> None:
    queue = aws.queue("target")
    create(aws, {"Arn": queue})
    create(aws, {"Arn": queue}, "cron(0 3 ? * FRI *)", name="weekly")
    assert next_due(REGION) == ("weekly", datetime(2026, 11, 6, 3, tzinfo=UTC))
    assert next_due(REGION, "monthly") == ("monthly", FIRST)
    assert next_due(REGION, "yearly") is None
    assert next_due("eu-west-1") is None


# -- life -----------------------------------------------------------------------------------------------------------


def test_a_disabled_schedule_does_not_fire_until_it_is_enabled(aws: Aws) -> None:
    """EventBridge Scheduler User Guide, "Changing the schedule state"."""
    queue = aws.queue("target")
    create(aws, {"Arn": queue}, State="DISABLED")
    assert next_due(REGION) is None
    update(aws, State="ENABLED")
    assert next_due(REGION) == ("monthly", FIRST)
    update(aws, State="DISABLED")
    aws.clock.sleep(timedelta(days=10).total_seconds())
    assert aws.messages(queue) == []


def test_an_updated_schedule_fires_by_its_new_expression_only(aws: Aws) -> None:
    """EventBridge Scheduler API Reference, UpdateSchedule."""
    queue = aws.queue("target")
    create(aws, {"Arn": queue, "Input": "<aws.scheduler.scheduled-time>"})
    update(aws, ScheduleExpression="cron(0 5 12 * ? *)")
    aws.clock.sleep(timedelta(days=12).total_seconds())
    assert [message["Body"] for message in aws.messages(queue)] == ["2026-11-12T05:00:00Z"]


def test_an_update_sets_what_it_does_not_mention_to_the_default(aws: Aws) -> None:
    """EventBridge Scheduler API Reference, UpdateSchedule: uses all values, including empty values."""
    create(aws, {"Arn": aws.queue("target")}, State="DISABLED")
    target = aws.client("scheduler").get_schedule(Name="monthly")["Target"]
    aws.client("scheduler").update_schedule(
        Name="monthly", ScheduleExpression=MONTHLY, FlexibleTimeWindow=OFF, Target=target
    )
    assert aws.client("scheduler").get_schedule(Name="monthly")["State"] == "ENABLED"
    assert next_due(REGION) == ("monthly", FIRST)


@pytest.mark.parametrize("group", [None, "patching"])
def test_a_deleted_schedule_does_not_fire(aws: Aws, group: str | None) -> None:
    """EventBridge Scheduler User Guide, "Deleting a schedule" and "Deleting a schedule group"."""
    client = aws.client("scheduler")
    queue = aws.queue("target")
    if group:
        client.create_schedule_group(Name=group)
        create(aws, {"Arn": queue}, GroupName=group)
        client.delete_schedule_group(Name=group)
    else:
        create(aws, {"Arn": queue})
        client.delete_schedule(Name="monthly")
    assert next_due(REGION) is None
    aws.clock.sleep(timedelta(days=10).total_seconds())
    assert aws.messages(queue) == []


# -- what -----------------------------------------------------------------------------------------------------------


def test_a_function_gets_the_input_with_the_context_attributes(aws: Aws) -> None:
    """EventBridge Scheduler User Guide, "Adding context attributes": no permission of the function's own is needed."""
    function = aws.function("start")
    keywords = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
    text = json.dumps({keyword: f"<aws.scheduler.{keyword}>" for keyword in keywords})
    create(aws, {"Arn": function, "Input": text})
    jump(aws)
    aws.clock.sleep(5)
    [(invoked, event)] = aws.invocations()
    assert invoked == function
    assert len(event.pop("execution-id")) == 16
    assert event == {"schedule-arn": ARN, "scheduled-time": "2026-11-10T03:00:00Z", "attempt-number": "1"}


def state_machine(aws: Aws) -> str:
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    role = aws.role("patch-role", "states.amazonaws.com")
    created = aws.client("stepfunctions").create_state_machine(name="patch", definition=definition, roleArn=role)
    return str(created["stateMachineArn"])


def inputs(aws: Aws, machine: str) -> list[Any]:
    client = aws.client("stepfunctions")
    executions = client.list_executions(stateMachineArn=machine)["executions"]
    described = [client.describe_execution(executionArn=execution["executionArn"]) for execution in executions]
    return [json.loads(execution["input"]) for execution in described]


def test_a_state_machine_is_started_with_the_input(aws: Aws) -> None:
    """EventBridge Scheduler User Guide, "Using templated targets": StartExecution."""
    machine = state_machine(aws)
    create(aws, {"Arn": machine, "Input": '{"trigger": "schedule"}'})
    jump(aws)
    assert inputs(aws, machine) == [{"trigger": "schedule"}]


def test_without_input_the_target_gets_the_default_notification(aws: Aws) -> None:
    """EventBridge Scheduler API Reference, Target: Input."""
    machine = state_machine(aws)
    create(aws, {"Arn": machine})
    jump(aws)
    [event] = inputs(aws, machine)
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": "2026-11-10T03:00:00Z",
        "region": REGION,
        "resources": [ARN],
        "detail": "{}",
    }


def test_a_topic_and_an_event_bus_are_reached(aws: Aws) -> None:
    """EventBridge Scheduler User Guide, "Using templated targets": SNS Publish, EventBridge PutEvents."""
    sns, events = aws.client("sns"), aws.client("events")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    subscriber, listener = aws.queue("subscriber", "sns.amazonaws.com"), aws.queue("listener", "events.amazonaws.com")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=subscriber)
    events.put_rule(Name="ours", EventPattern='{"source": ["ours"]}')
    events.put_targets(Rule="ours", Targets=[{"Id": "1", "Arn": listener, "InputPath": "$.detail"}])
    create(aws, {"Arn": topic, "Input": "plain text"}, name="to-topic")
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    parameters = {"Source": "ours", "DetailType": "test"}
    create(aws, {"Arn": bus, "Input": '{"a": 1}', "EventBridgeParameters": parameters}, name="to-bus")
    jump(aws)
    assert [body["Message"] for body in aws.bodies(subscriber)] == ["plain text"]
    assert aws.bodies(listener) == [{"a": 1}]


# -- failure --------------------------------------------------------------------------------------------------------


def test_what_cannot_be_invoked_goes_to_the_dead_letter_queue(aws: Aws) -> None:
    """EventBridge Scheduler User Guide, "Configuring a dead-letter queue": the attributes of a dead-letter event."""
    dead = aws.queue("dead")
    gone = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:gone"
    create(aws, {"Arn": gone, "Input": '{"trigger": "schedule"}', "DeadLetterConfig": {"Arn": dead}})
    jump(aws)
    [message] = aws.messages(dead)
    assert json.loads(message["Body"]) == {"StateMachineArn": gone, "Input": '{"trigger": "schedule"}'}
    attributes = message["attributes"]
    assert attributes.pop("ERROR_MESSAGE")
    assert attributes.pop("EXECUTION_ID")
    assert attributes == {
        "SCHEDULE_ARN": ARN,
        "TARGET_ARN": gone,
        "SCHEDULED_TIME": "2026-11-10T03:00:00Z",
        "ERROR_CODE": "StateMachineDoesNotExist",
        "RETRY_ATTEMPTS": "0",
        "IS_PAYLOAD_TRUNCATED": "false",
    }
    assert [lost.source_arn for lost in undelivered()] == [ARN]
    assert next_due(REGION) == ("monthly", datetime(2026, 12, 8, 3, tzinfo=UTC))


# -- what CreateSchedule refuses ------------------------------------------------------------------------------------


def refusal(aws: Aws, **changes: Any) -> dict[str, str]:
    role = aws.role("any-schedule", SCHEDULER, *DELIVERIES)
    parameters: dict[str, Any] = {
        "Name": "monthly",
        "ScheduleExpression": MONTHLY,
        "FlexibleTimeWindow": OFF,
        "Target": {"Arn": aws.queue("target"), "RoleArn": role},
    }
    if "Target" in changes:
        changes["Target"] = {**parameters["Target"], **changes["Target"]}
    with pytest.raises(ClientError) as refused:
        aws.client("scheduler").create_schedule(**{**parameters, **changes})
    assert aws.client("scheduler").list_schedules()["Schedules"] == []
    assert next_due(REGION) is None
    error = refused.value.response["Error"]
    return {"Code": str(error["Code"]), "Message": str(error["Message"])}


def test_an_invalid_expression_is_a_validation_exception(aws: Aws) -> None:
    """EventBridge Scheduler API Reference, CreateSchedule: ValidationException, with the text that AWS gives."""
    assert refusal(aws, ScheduleExpression="cron(0 3 * * * *)") == {
        "Code": "ValidationException",
        "Message": "Invalid Schedule Expression cron(0 3 * * * *).",
    }


def test_an_update_is_checked_like_a_creation(aws: Aws) -> None:
    """EventBridge Scheduler API Reference, UpdateSchedule: ValidationException."""
    create(aws, {"Arn": aws.queue("target")})
    with pytest.raises(ClientError) as refused:
        update(aws, ScheduleExpression="rate(10 seconds)")
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert next_due(REGION) == ("monthly", FIRST)


@pytest.mark.parametrize(
    "changes",
    [
        {"ScheduleExpressionTimezone": "Europe/Atlantis"},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1441}},
        {"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 5}},
        {"Target": {"Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f", "Input": "not json"}},
        {"Target": {"Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"}},
        {
            "Target": {
                "Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default",
                "EventBridgeParameters": {"Source": "aws.ours", "DetailType": "test"},
            }
        },
        {"Target": {"Arn": "queue"}},
        {"Target": {"DeadLetterConfig": {"Arn": "queue"}}},
    ],
)
def test_impossible_parameters_are_a_validation_exception(aws: Aws, changes: dict[str, Any]) -> None:
    """EventBridge Scheduler API Reference, CreateSchedule, FlexibleTimeWindow and Target."""
    assert refusal(aws, **changes)["Code"] == "ValidationException"


def test_a_group_that_does_not_exist_is_not_found(aws: Aws) -> None:
    """EventBridge Scheduler API Reference, CreateSchedule: ResourceNotFoundException."""
    assert refusal(aws, GroupName="none")["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize("role", ["missing", "of another service"])
def test_the_role_must_let_scheduler_assume_it(aws: Aws, role: str) -> None:
    """EventBridge Scheduler User Guide, "Setting up": the execution role's trust policy."""
    arn = (
        f"arn:aws:iam::{ACCOUNT}:role/missing"
        if role == "missing"
        else aws.role("other", "events.amazonaws.com", *DELIVERIES)
    )
    assert refusal(aws, Target={"RoleArn": arn}) == {
        "Code": "ValidationException",
        "Message": "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
    }


def test_a_target_that_is_not_modelled_says_so(aws: Aws) -> None:
    with pytest.raises(TargetNotModelled, match="aws-sdk:ec2"):
        create(aws, {"Arn": "arn:aws:scheduler:::aws-sdk:ec2:startInstances"})


# -- CloudFormation -------------------------------------------------------------------------------------------------


SENDS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT}:target"}
    ],
}


def template(**properties: Any) -> str:
    return json.dumps(
        {
            "Resources": {
                "Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "patching"}},
                "Role": {
                    "Type": "AWS::IAM::Role",
                    "Properties": {
                        "AssumeRolePolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Principal": {"Service": SCHEDULER},
                                    "Action": "sts:AssumeRole",
                                }
                            ],
                        },
                        "Policies": [{"PolicyName": "send", "PolicyDocument": SENDS}],
                    },
                },
                "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "target"}},
                "Schedule": {
                    "Type": "AWS::Scheduler::Schedule",
                    "Properties": {
                        "GroupName": {"Ref": "Group"},
                        "ScheduleExpression": MONTHLY,
                        "FlexibleTimeWindow": OFF,
                        "Target": {
                            "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
                            "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                            "Input": '{"trigger": "schedule"}',
                        },
                        **properties,
                    },
                },
            },
            "Outputs": {
                "Name": {"Value": {"Ref": "Schedule"}},
                "Arn": {"Value": {"Fn::GetAtt": ["Schedule", "Arn"]}},
            },
        }
    )


def test_a_schedule_of_a_stack_fires_is_updated_in_place_and_goes_with_the_stack(aws: Aws) -> None:
    """CloudFormation Template Reference, AWS::Scheduler::Schedule: Ref is the name, GetAtt Arn."""
    cloudformation, client = aws.client("cloudformation"), aws.client("scheduler")
    cloudformation.create_stack(StackName="app", TemplateBody=template(StartDate="2026-11-02T00:00:00Z"), **CAPABLE)
    outputs = cloudformation.describe_stacks(StackName="app")["Stacks"][0]["Outputs"]
    values = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    [listed] = client.list_schedules()["Schedules"]
    assert values == {"Name": listed["Name"], "Arn": listed["Arn"]}
    assert listed["GroupName"] == "patching"
    jump(aws)
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:target"
    assert aws.bodies(queue) == [{"trigger": "schedule"}]

    body = template(ScheduleExpression="cron(0 5 15 * ? *)", ScheduleExpressionTimezone="Europe/Berlin")
    cloudformation.update_stack(StackName="app", TemplateBody=body, **CAPABLE)
    aws.clock.sleep(120)  # updates and deletions take their time
    [updated] = client.list_schedules()["Schedules"]
    assert updated["Arn"] == listed["Arn"]
    assert jump(aws) == datetime(2026, 11, 15, 4, tzinfo=UTC)

    cloudformation.delete_stack(StackName="app")
    aws.clock.sleep(120)  # updates and deletions take their time
    assert client.list_schedules()["Schedules"] == []
    assert [group["Name"] for group in client.list_schedule_groups()["ScheduleGroups"]] == ["default"]
    assert next_due(REGION) is None


def test_a_schedule_of_a_stack_with_another_name_is_replaced(aws: Aws) -> None:
    """CloudFormation Template Reference, AWS::Scheduler::Schedule: Name, update requires replacement."""
    cloudformation, client = aws.client("cloudformation"), aws.client("scheduler")
    cloudformation.create_stack(StackName="app", TemplateBody=template(Name="first"), **CAPABLE)
    cloudformation.update_stack(StackName="app", TemplateBody=template(Name="second"), **CAPABLE)
    aws.clock.sleep(120)  # updates and deletions take their time
    assert [schedule["Name"] for schedule in client.list_schedules()["Schedules"]] == ["second"]
    assert next_due(REGION) == ("second", FIRST)


def test_an_unknown_property_says_so(aws: Aws) -> None:
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="app", TemplateBody=template(Surprise=1), **CAPABLE)
    events = cloudformation.describe_stack_events(StackName="app")["StackEvents"]
    assert any("does not model Surprise" in event.get("ResourceStatusReason", "") for event in events)
