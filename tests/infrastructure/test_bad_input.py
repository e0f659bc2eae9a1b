"""Parameters of template.yaml that cannot be: refused before anything is made, with what is accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from autopatch.errors import ConfigError, InvalidInput
from autopatch.execution_input import ExecutionInput
from autopatch.handlers.plan_run import plan_run
from autopatch.image_builder import ImageBuilder
from autopatch.settings import PlanSettings
from autopatch.stacks import Stacks
from local_aws.aws import LocalAws
from local_aws.deployment import transformed_template
from local_aws.scenario import Scenario

PIPELINE = "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/golden-image"
GOOD = {"PipelineArn": PIPELINE, "ApplicationStacks": "web"}


@pytest.fixture(scope="module")
def cloudformation() -> Iterator[Any]:
    with LocalAws(Scenario()):
        yield boto3.client("cloudformation")


@pytest.mark.parametrize(
    ("parameter", "value", "accepted"),
    [
        ("PipelineArn", "golden-image", "must be the ARN of an Image Builder pipeline"),
        ("PipelineArn", "arn:aws:lambda:us-east-1:123456789012:function:web", "must be the ARN of an Image Builder"),
        ("PipelineArn", PIPELINE.replace("123456789012", "1234"), "must be the ARN of an Image Builder pipeline"),
        ("ApplicationStacks", "web,the api", "must be names of stacks"),
        ("ApplicationStacks", "", "must be names of stacks"),
        ("ApplicationStacks", "1st", "must be names of stacks"),
        ("AmiParameterName", "Machine-Image", "must be the name of a CloudFormation parameter"),
        ("CloudFormationRoleArn", "arn:aws:iam::123456789012:user/me", "must be the ARN of an IAM role, or empty"),
        ("ScheduleExpression", "0 6 * * 2", "must be a cron(...), rate(...) or at(...) expression"),
        ("ScheduleExpression", "cron(monthly)", "must be a cron(...), rate(...) or at(...) expression"),
        ("ScheduleExpression", "cron(0 6 * * *)", "must be a cron(...), rate(...) or at(...) expression"),
        ("ScheduleExpression", "rate(often)", "must be a cron(...), rate(...) or at(...) expression"),
        ("ScheduleTimezone", "Central European Time", "must be the name of a time zone"),
        ("BaseAmiTopicArn", "amazon-linux-2023-ami-updates", "must be the ARN of an SNS topic, or empty"),
        ("BaseAmiNamePattern", "", "must be a pattern of AMI names"),
        ("NotificationEmail", "operations", "must be an e-mail address, or empty"),
        ("AcceptedFindings", "web:Anything", "must be entries such as my-stack:NoCreationPolicy"),
        ("WhenCalendarClosed", "fail", "must be skip or wait"),
        ("Rollback", "never", "must be automatic or manual"),
        ("RollbackAlarmArns", "high-latency", "must be ARNs of CloudWatch alarms"),
        ("BakeMinutes", "200", "must be from 0 to 180 minutes"),
        ("VerificationDeadlineMinutes", "0", "must be from 1 to 120 minutes"),
        ("BuildDeadlineMinutes", "5", "must be from 15 to 1440 minutes"),
        ("DeploymentDeadlineMinutes", "100000", "must be from 5 to"),
        ("LogRetentionDays", "100", "must be one of the retentions of CloudWatch Logs"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(cloudformation: Any, parameter: str, value: str, accepted: str) -> None:
    given = {**GOOD, parameter: value}
    with pytest.raises(ClientError) as refused:
        cloudformation.create_stack(
            StackName="refused",
            TemplateBody=json.dumps(transformed_template()),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert accepted in refused.value.response["Error"]["Message"]


def settings(**changed: Any) -> PlanSettings:
    environment = {
        "PIPELINE_ARN": PIPELINE,
        "APPLICATION_STACKS": "web",
        "AMI_PARAMETER": "AmazonMachineImage",
        "BUILD_DEADLINE_MINUTES": "120",
        "DEPLOYMENT_DEADLINE_MINUTES": "90",
        "VERIFICATION_DEADLINE_MINUTES": "15",
        "ROLLBACK": "automatic",
        **changed,
    }
    return PlanSettings.from_env(environment)


def plan(**changed: Any) -> None:
    plan_run(ExecutionInput(), settings(**changed), Stacks.create(), ImageBuilder.create)


@pytest.mark.usefixtures("cloudformation")
def test_what_no_constraint_can_say_is_refused_by_the_run() -> None:
    """A constraint sees one parameter, and neither the account nor the Region."""
    with pytest.raises(ConfigError, match=r"expected at most 10 stacks in one run, found 11"):
        plan(APPLICATION_STACKS=",".join(f"web-{number}" for number in range(11)))
    with pytest.raises(ConfigError, match=r"expected the image pipeline that PIPELINE_ARN names"):
        plan(PIPELINE_ARN=PIPELINE.replace("us-east-1", "eu-west-1"))
    with pytest.raises(ConfigError, match=r"expected each stack once, found 'web' 2 times"):
        plan(APPLICATION_STACKS="web,api,web")
    with pytest.raises(InvalidInput, match=r"expected a stack"):
        plan(APPLICATION_STACKS=" , ")
