"""Lambda's resource types: what a template says of each is what Lambda answers, after creation and after an update.

Source: CloudFormation Template Reference, AWS::Lambda::Function, AWS::Lambda::Version, with "Update requires" of each
property.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_aws.lambda_.functions import create_role
from tests.local_aws.stack_world import StackWorld, stack_world


@pytest.fixture
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        yield created


def function(**properties: Any) -> dict[str, Any]:
    described = {"Handler": "index.handler", "Runtime": "python3.13", "Role": create_role("r"), **properties}
    return {"Function": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "f", **described}}}


def answer(world: StackWorld) -> Any:
    return json.load(world.client("lambda").invoke(FunctionName="f")["Payload"])


def test_a_function_is_updated_in_place(world: StackWorld) -> None:
    """AWS::Lambda::Function: all but its name and package type is updated with no interruption."""
    code = "import os\ndef handler(event, context): return [%d, os.environ.get('A')]"
    world.put(
        function(
            Code={"ZipFile": code % 1},
            Environment={"Variables": {"A": "b"}},
            ReservedConcurrentExecutions=2,
            Tags=[{"Key": "kept", "Value": "1"}, {"Key": "gone", "Value": "1"}],
        )
    )
    client = world.client("lambda")
    before = client.get_function(FunctionName="f")
    assert answer(world) == [1, "b"]
    assert before["Concurrency"] == {"ReservedConcurrentExecutions": 2}
    world.put(
        function(
            Code={"ZipFile": code % 2},
            Description="changed",
            MemorySize=512,
            Timeout=7,
            Architectures=["arm64"],
            EphemeralStorage={"Size": 1024},
            TracingConfig={"Mode": "Active"},
            LoggingConfig={"LogGroup": "/mine"},
            Tags=[{"Key": "kept", "Value": "2"}],
        )
    )
    assert answer(world) == [2, None]
    after = client.get_function(FunctionName="f")
    configuration = after["Configuration"]
    assert configuration["FunctionArn"] == before["Configuration"]["FunctionArn"]
    assert (configuration["Description"], configuration["MemorySize"], configuration["Timeout"]) == ("changed", 512, 7)
    assert (configuration["Architectures"], configuration["EphemeralStorage"], configuration["TracingConfig"]) == (
        ["arm64"],
        {"Size": 1024},
        {"Mode": "Active"},
    )
    assert "Environment" not in configuration
    assert "Concurrency" not in after
    assert after["Tags"] == {"kept": "2"}
    assert world.client("logs").describe_log_streams(logGroupName="/mine")["logStreams"]
    world.remove()
    assert client.list_functions()["Functions"] == []


def test_a_version_is_known_by_its_arn(world: StackWorld) -> None:
    """AWS::Lambda::Version: Ref gives the ARN of the version, Fn::GetAtt its number."""
    resources = {
        **function(Code={"ZipFile": "def handler(event, context): return 1"}),
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
    }
    outputs = {"Arn": {"Value": {"Ref": "Version"}}, "Number": {"Value": {"Fn::GetAtt": ["Version", "Version"]}}}
    world.create("one", json.dumps({"Resources": resources, "Outputs": outputs}))
    assert world.status("one") == "CREATE_COMPLETE", world.reasons("one")
    assert world.outputs("one") == {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:f:1", "Number": "1"}
    published = world.client("lambda").get_function(FunctionName="f", Qualifier="1")["Configuration"]
    assert (published["FunctionArn"], published["Version"]) == (world.outputs("one")["Arn"], "1")
