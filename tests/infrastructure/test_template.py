"""What template.yaml deploys, and that the sample events are what the functions take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_aws.aws import LocalAws
from local_aws.deployment import STACK, deploy, transformed_template
from local_aws.scenario import Scenario

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"


@pytest.fixture(scope="module")
def template() -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield transformed_template()


def of_type(template: dict[str, Any], resource_type: str) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in template["Resources"].items() if one["Type"] == resource_type}


def test_every_parameter_is_described_and_what_is_optional_has_a_default(template: dict[str, Any]) -> None:
    parameters = template["Parameters"]
    assert all(len(parameter["Description"]) > 20 for parameter in parameters.values())
    assert {name for name, parameter in parameters.items() if "Default" not in parameter} == {
        "PipelineArn",
        "ApplicationStacks",
    }


def test_without_a_base_ami_topic_or_an_address_there_is_no_trigger_and_no_subscription() -> None:
    with LocalAws(Scenario(parameters={"BaseAmiTopicArn": "", "NotificationEmail": ""})) as aws:
        deploy(aws.scenario)
        names = [function["FunctionName"] for function in boto3.client("lambda").list_functions()["Functions"]]
        assert len(names) == 13 and not [name for name in names if "BaseAmiTrigger" in name]
        assert boto3.client("sns").list_subscriptions()["Subscriptions"] == []
        assert boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
