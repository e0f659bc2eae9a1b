"""State machines in templates: what the template says of one is what Step Functions answers.

Source: CloudFormation Template Reference, AWS::StepFunctions::StateMachine, with "Update requires" of each property.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import yaml

from local_aws.stepfunctions.template_definitions import to_json
from tests.local_aws.stack_world import StackWorld, stack_world

pytestmark = pytest.mark.usefixtures("no_stack_is_left")

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


def machine(**properties: Any) -> dict[str, Any]:
    """Resources: a role, and a state machine that has it."""
    role = {"Fn::GetAtt": ["Role", "Arn"]}
    return {
        "Role": ROLE,
        "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": role, **properties}},
    }


def uploaded(key: str, text: str) -> dict[str, str]:
    """Where the text is in S3 now, as DefinitionS3Location has it."""
    boto3.client("s3").put_object(Bucket="definitions", Key=key, Body=text.encode())
    return {"Bucket": "definitions", "Key": key}


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
    for source in (
        {"DefinitionString": json.dumps(definition)},
        {"Definition": definition},
        {"DefinitionS3Location": uploaded("machine.json", json.dumps(definition))},
        {"DefinitionS3Location": uploaded("machine.yaml", yaml.safe_dump(definition))},
    ):
        answer = described(world, machine(**source, DefinitionSubstitutions={"Arn": arn}))
        assert json.loads(answer["definition"])["States"]["Go"]["Resource"] == arn


def test_substitutions_are_made_in_the_text_before_it_is_read(world: StackWorld) -> None:
    """DefinitionSubstitutions: what stands in the file without quotes may become a number, a boolean or a mapping."""
    text = """
        # the states, in the order of the file
        StartAt: Second
        States:
          Second: {Type: Wait, Seconds: ${Pause}, Next: First}
          First: {Type: Pass, Result: ${Result}, End: ${End}}
        """
    substitutions = {"Pause": 30, "Result": "{a: 1}", "End": True}
    location = uploaded("machine.yaml", text)
    answer = described(world, machine(DefinitionS3Location=location, DefinitionSubstitutions=substitutions))

    definition = json.loads(answer["definition"])
    assert definition["States"]["Second"] == {"Type": "Wait", "Seconds": 30, "Next": "First"}
    assert definition["States"]["First"] == {"Type": "Pass", "Result": {"a": 1}, "End": True}
    assert list(definition["States"]) == ["Second", "First"]


ANCHOR = """
StartAt: A
States:
  A: &pass {Type: Pass, Next: B}
  B: {Type: Succeed}
"""


def test_an_anchor_alone_does_nothing(world: StackWorld) -> None:
    answer = described(world, machine(DefinitionS3Location=uploaded("machine.yaml", ANCHOR)))
    assert json.loads(answer["definition"])["States"]["A"] == {"Type": "Pass", "Next": "B"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ANCHOR.replace("{Type: Succeed}", "*pass"), "line 5 .* no alias, .* found [*]pass; write out"),
        (ANCHOR.replace("{Type: Succeed}", "{<<: *pass}"), "line 5 .* no alias"),
        (ANCHOR + "  A: {Type: Succeed}", "line 6 .* each key once, .* found A again"),
        (ANCHOR.replace("Next: B", "Next: B, Next: B"), "line 4 .* found Next again"),
        (ANCHOR.replace("{Type: Succeed}", "!Ref Other"), "line 5 .* no tag, .* found !Ref"),
        (ANCHOR.replace("{Type: Succeed}", "{Type: Wait, Seconds: 0x10, End: true}"), "a decimal number, found 0x10"),
        (ANCHOR.replace("{Type: Succeed}", "{Type: Wait, Seconds: 1:30, End: true}"), "a decimal number, found 1:30"),
        (ANCHOR.replace("{Type: Succeed}", "{Type: Succeed"), "Invalid StateMachine definition[.]"),
        (ANCHOR.replace("{Type: Succeed}", "{[Type]: Succeed}"), "Invalid StateMachine definition[.]"),
        ("", "Invalid StateMachine definition[.]"),
        ("just text", "The value is not an object"),
    ],
)
def test_a_file_that_cloudformation_reads_as_something_else_is_refused(
    world: StackWorld, text: str, message: str
) -> None:
    """CloudFormation takes an alias for the name of its anchor, and of two equal keys the last: here, neither runs."""
    assert re.search(message, reason(world, machine(DefinitionS3Location=uploaded("machine.yaml", text))))


def test_yaml_is_read_as_cloudformation_reads_it() -> None:
    """As Jackson does, whose implicit types are YAML 1.1's: dates stay strings, and so does every key."""
    text = "{a: yes, b: 'yes', c: ~, d: 2026-12-01, e: 1_000, f: 2.0, g: -3, h: 1e3, i: [], 1: x, true: y}"
    assert json.loads(to_json(text)) == {
        **{"a": True, "b": "yes", "c": None, "d": "2026-12-01", "e": 1000, "f": 2.0, "g": -3, "h": "1e3", "i": []},
        **{"1": "x", "true": "y"},
    }


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"DefinitionString": '{"StartAt": "A"}'}, "Invalid State Machine Definition"),
        ({"DefinitionString": "StartAt: A"}, "INVALID_JSON_DESCRIPTION"),
        ({}, "Required key [DefinitionS3Location], [DefinitionString] or [Definition] not found."),
        ({"DefinitionString": "{}", "Definition": {}}, "Please use one of [DefinitionS3Location], [DefinitionString]"),
        ({"DefinitionString": "{}", "DefinitionSubstitutions": {"A": [1]}}, "either String, Integer, or Boolean"),
        ({"DefinitionS3Location": {"Bucket": "definitions", "Key": "gone"}}, "The specified key does not exist"),
        ({"DefinitionS3Location": {"Bucket": "nowhere", "Key": "gone"}}, "The specified bucket does not exist"),
        ({"DefinitionString": json.dumps(STATES), "RoleArn": {"Ref": "AWS::NoValue"}}, "roleArn"),
    ],
)
def test_what_cannot_be_created_fails_with_the_services_reason(
    world: StackWorld, properties: dict[str, Any], message: str
) -> None:
    assert message in reason(world, machine(**properties))
