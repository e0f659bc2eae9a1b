"""What template.yaml deploys, and that the sample events are what the functions take."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_aws.aws import LocalAws
from local_aws.delivery.cron import next_firing
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


def test_the_default_schedule_fires_once_a_month(template: dict[str, Any]) -> None:
    from datetime import UTC, datetime

    expression = template["Parameters"]["ScheduleExpression"]["Default"]
    moment, months = datetime(2026, 12, 1, tzinfo=UTC), []
    for _ in range(12):
        following = next_firing(expression, "UTC", moment)
        assert following is not None
        moment = following
        months.append((moment.year, moment.month))
    assert len(set(months)) == 12


def test_functions_run_on_the_platform_of_the_design(template: dict[str, Any]) -> None:
    functions = of_type(template, "AWS::Lambda::Function")
    assert len(functions) == 10
    for function in functions.values():
        properties = function["Properties"]
        assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["arm64"])
        assert properties["TracingConfig"] == {"Mode": "Active"}
        assert properties["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": {"Ref": "FunctionLogs"}}
        module, name = properties["Handler"].rsplit(".", 1)
        assert callable(getattr(importlib.import_module(module), name))


def test_every_function_has_a_role_of_its_own(template: dict[str, Any]) -> None:
    functions = of_type(template, "AWS::Lambda::Function")
    roles = [json.dumps(function["Properties"]["Role"]) for function in functions.values()]
    assert len(set(roles)) == len(roles)


def test_no_function_may_change_ec2_or_auto_scaling(template: dict[str, Any]) -> None:
    for role in of_type(template, "AWS::IAM::Role").values():
        for policy in role["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement.get("Action", [])
                for action in [actions] if isinstance(actions, str) else actions:
                    service, _, call = action.partition(":")
                    if service in ("ec2", "autoscaling", "elasticloadbalancing"):
                        assert call.startswith("Describe"), action


def test_without_a_base_ami_topic_or_an_address_there_is_no_trigger_and_no_subscription() -> None:
    with LocalAws(Scenario(parameters={"BaseAmiTopicArn": "", "NotificationEmail": ""})) as aws:
        deploy(aws.scenario)
        names = [function["FunctionName"] for function in boto3.client("lambda").list_functions()["Functions"]]
        assert len(names) == 9 and not [name for name in names if "BaseAmiTrigger" in name]
        assert boto3.client("sns").list_subscriptions()["Subscriptions"] == []
        assert boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
