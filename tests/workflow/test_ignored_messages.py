"""Messages on the topic of base AMIs that do not concern us start nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest

from local_aws.aws import LocalAws
from local_aws.sns import topics as sns
from rehearsal.deployment import BASE_AMI_TOPIC, deploy
from rehearsal.scenario import Scenario
from tests.workflow.test_triggers import Deployed


@pytest.fixture(scope="module")
def idle() -> Iterator[Deployed]:
    chosen = Scenario()
    with LocalAws(*chosen.behaviour) as aws:
        yield Deployed(aws, deploy(chosen))


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        "{",
        "[]",
        "null",
        '{"v1": {"Regions": {}}}',
        '{"v1": {"Regions": {"eu-west-1": [{"Name": "al2023-ami-2023.1-x86_64", "ImageId": "ami-1"}]}}}',
        '{"v1": {"Regions": {"us-east-1": [{"Name": "amzn2-ami-hvm-x86_64", "ImageId": "ami-1"}]}}}',
        '{"v1": {"Regions": {"us-east-1": [null, 3, {}]}}}',
        '{"\\ud800": "\\udfff"}',
    ],
)
def test_a_message_that_does_not_concern_us_is_ignored_and_the_log_says_why(idle: Deployed, message: str) -> None:
    before, counted = idle.log("BaseAmiTrigger"), idle.metric("BaseAmisIgnored")
    if message:
        sns.publish_as_owner(BASE_AMI_TOPIC, message)
    else:  # SNS publishes no empty message, but Lambda can be invoked with one
        (name,) = [
            function["FunctionName"]
            for function in boto3.client("lambda").list_functions()["Functions"]
            if "BaseAmiTrigger" in function["FunctionName"]
        ]
        payload = json.dumps({"Records": [{"Sns": {"Message": "", "MessageId": "m"}}]}).encode()
        answer = boto3.client("lambda").invoke(FunctionName=name, Payload=payload)
        assert "FunctionError" not in answer
    idle.clock.sleep(600)
    assert idle.executions() == []
    (line,) = idle.log("BaseAmiTrigger")[len(before) :]
    assert line["message"] == "ignored the message" and line["reason"]
    assert idle.metric("BaseAmisIgnored") == counted + 1
    assert idle.metric("BaseAmisAnnounced") == 0
