"""State machines in templates: what the template says of one is what Step Functions answers.

Source: CloudFormation Template Reference, AWS::StepFunctions::StateMachine, with "Update requires" of each property.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.local_aws.stack_world import StackWorld, stack_world

STATES = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ]
        }
    },
}


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with stack_world() as started:
        boto3.client("s3").create_bucket(Bucket="definitions")
        yield started


@pytest.fixture(autouse=True)
def _no_stack_is_left(world: StackWorld) -> Iterator[None]:
    yield
    world.cloudformation.delete_stack(StackName="one")


def machine(**properties: Any) -> dict[str, Any]:
    """Resources: a role, and a state machine that has it."""
    role = {"Fn::GetAtt": ["Role", "Arn"]}
    return {
        "Role": ROLE,
        "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": role, **properties}},
    }


def described(world: StackWorld, resources: dict[str, Any]) -> Any:
    """What Step Functions says of the state machine, once the stack has these resources."""
    arn = world.put(resources)["Machine"]
    return boto3.client("stepfunctions").describe_state_machine(stateMachineArn=arn)


def reason(world: StackWorld, resources: dict[str, Any]) -> str:
    """Why the stack of these resources is not created."""
    assert world.create("one", json.dumps({"Resources": resources}))["StackStatus"] == "ROLLBACK_COMPLETE"
    events = world.events("one")
    (failed,) = (event for event in events if event["ResourceStatus"] == "CREATE_FAILED")
    return str(failed["ResourceStatusReason"])


def test_a_state_machine_is_what_the_template_says_and_is_updated_where_it_is(world: StackWorld) -> None:
    """All but StateMachineName and StateMachineType: no interruption."""
    client = boto3.client("stepfunctions")
    boto3.client("logs").create_log_group(logGroupName="/machine")
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/machine:*"
    logging = {"Level": "ERROR", "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": group}}]}
    tags = [{"Key": "team", "Value": "web"}, {"Key": "gone", "Value": "soon"}]
    text = json.dumps(STATES)
    before = described(
        world, machine(DefinitionString=text, LoggingConfiguration=logging, Tags=tags, StateMachineName="named")
    )
    after = described(
        world,
        machine(
            DefinitionString=json.dumps({**STATES, "Comment": "new"}),
            LoggingConfiguration={**logging, "Level": "ALL", "IncludeExecutionData": True},
            TracingConfiguration={"Enabled": True},
            Tags=[{"Key": "team", "Value": "shop"}],
            StateMachineName="named",
        ),
    )

    assert before["stateMachineArn"] == after["stateMachineArn"]
    assert (before["name"], before["definition"]) == ("named", text)
    assert before["loggingConfiguration"]["level"] == "ERROR"
    assert json.loads(after["definition"])["Comment"] == "new"
    assert after["loggingConfiguration"] == {
        "level": "ALL",
        "includeExecutionData": True,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
    }
    assert after["tracingConfiguration"] == {"enabled": True}
    listed = client.list_tags_for_resource(resourceArn=after["stateMachineArn"])["tags"]
    assert {tag["key"]: tag["value"] for tag in listed if not tag["key"].startswith("aws:")} == {"team": "shop"}


def test_another_name_is_another_state_machine(world: StackWorld) -> None:
    """StateMachineName: replacement."""
    text = json.dumps(STATES)
    before = described(world, machine(DefinitionString=text))
    after = described(world, machine(DefinitionString=text, StateMachineName="another"))

    machines = boto3.client("stepfunctions").list_state_machines()["stateMachines"]
    assert before["stateMachineArn"] != after["stateMachineArn"]
    assert [listed["name"] for listed in machines] == ["another"]


def test_a_definition_may_be_a_text_an_object_or_a_file_in_s3(world: StackWorld) -> None:
    """Definition, DefinitionString, DefinitionS3Location, each with DefinitionSubstitutions."""
    definition = {"StartAt": "Go", "States": {"Go": {"Type": "Task", "Resource": "${Arn}", "End": True}}}
    arn = "arn:aws:lambda:us-east-1:123456789012:function:echo"
    boto3.client("s3").put_object(Bucket="definitions", Key="machine.json", Body=json.dumps(definition).encode())
    for source in (
        {"DefinitionString": json.dumps(definition)},
        {"Definition": definition},
        {"DefinitionS3Location": {"Bucket": "definitions", "Key": "machine.json"}},
    ):
        answer = described(world, machine(**source, DefinitionSubstitutions={"Arn": arn}))
        assert json.loads(answer["definition"])["States"]["Go"]["Resource"] == arn


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"DefinitionString": '{"StartAt": "A"}'}, "Invalid State Machine Definition"),
        ({"DefinitionS3Location": {"Bucket": "definitions", "Key": "gone"}}, "The specified key does not exist"),
        ({"DefinitionS3Location": {"Bucket": "nowhere", "Key": "gone"}}, "The specified bucket does not exist"),
        ({"DefinitionString": json.dumps(STATES), "RoleArn": {"Ref": "AWS::NoValue"}}, "roleArn"),
    ],
)
def test_what_cannot_be_created_fails_with_the_services_reason(
    world: StackWorld, properties: dict[str, Any], message: str
) -> None:
    assert message in reason(world, machine(**properties))
