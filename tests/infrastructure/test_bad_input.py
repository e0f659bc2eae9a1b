"""Invalid parameters of template.yaml: refused before anything is created, with what is accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from autopatch.settings import ACCEPTABLE
from local_aws.aws import LocalAws
from local_aws.scheduler.cron import next_firing
from rehearsal.deployment import TEMPLATE_URL, transformed_template, upload

PIPELINE = "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/golden-image"
TOPIC = "arn:aws:sns:us-east-1:137112412989:amazon-linux-2023-ami-updates"
ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:high-latency"
A_PIPELINE = (
    f"must be the ARN of an Image Builder pipeline, such as {PIPELINE.replace('golden-image', 'image-pipeline')}"
)
STACKS = "must be the names of 1 to 10 stacks, separated by commas without spaces, such as web,api"
A_ROLE = "must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/name, or empty"
ROLES = "must be ARNs of IAM roles, such as arn:aws:iam::123456789012:role/name, separated by commas, or empty"
FUNCTIONS = "must be ARNs of Lambda functions, separated by commas, or empty"
A_TOPIC = f"must be the ARN of a standard SNS topic, such as {TOPIC}, or empty"
A_PARAMETER = "must be the name of a CloudFormation parameter, letters and digits only"
OWNERS = "must be account IDs such as 123456789012, or amazon, separated by commas, or empty"
FINDINGS = "must be entries such as my-stack:NoCreationPolicy, or empty"
CALENDARS = "must be names or ARNs of Systems Manager change calendars, separated by commas, or empty"
ALARMS = "must be ARNs of CloudWatch alarms, separated by commas, or empty"
A_SCHEDULE = (
    "must be a cron(...), rate(...) or at(...) expression of EventBridge Scheduler, such as cron(0 6 ? * TUE#2 *), "
    "rate(30 days) or at(2027-01-12T06:00:00)"
)
A_TIMEZONE = "must be the name of a time zone in the IANA database, such as Europe/Berlin"
AN_ADDRESS = "must be one e-mail address, such as operations@example.com, or empty"
A_PATTERN = "must be a pattern of AMI names, such as al2023-ami-2023.*-x86_64"


@pytest.fixture(scope="module")
def cloudformation() -> Iterator[Any]:
    with LocalAws():
        upload()
        yield boto3.client("cloudformation")


@pytest.mark.parametrize(
    ("parameter", "value", "accepted"),
    [
        ("PipelineArn", "", A_PIPELINE),
        ("PipelineArn", "golden-image", A_PIPELINE),
        ("PipelineArn", "arn:aws:codepipeline:us-east-1:123456789012:image-pipeline", A_PIPELINE),
        ("PipelineArn", PIPELINE.replace("image-pipeline/", "image-recipe/"), A_PIPELINE),
        ("PipelineArn", PIPELINE.replace("123456789012", "1234"), A_PIPELINE),
        ("PipelineArn", PIPELINE.replace("us-east-1", "virginia"), A_PIPELINE),
        ("PipelineArn", f"{PIPELINE}/1.0.0", A_PIPELINE),
        ("ApplicationStacks", "", STACKS),
        ("ApplicationStacks", "web,the api", STACKS),
        ("ApplicationStacks", "web, api", STACKS),
        ("ApplicationStacks", "web,", STACKS),
        ("ApplicationStacks", "1st", STACKS),
        ("ApplicationStacks", "web_app", STACKS),
        ("ApplicationStacks", "a" * 129, STACKS),
        ("ApplicationStacks", "arn:aws:cloudformation:us-east-1:123456789012:stack/web/1", STACKS),
        ("ApplicationStacks", ",".join(f"web-{number}" for number in range(11)), STACKS),
        ("AmiOwners", "self", OWNERS),
        ("AmiOwners", "amazon,1234", OWNERS),
        ("AmiParameterName", "Machine-Image", A_PARAMETER),
        ("AmiParameterName", "", A_PARAMETER),
        ("CapacityParameterName", "Desired-Capacity", f"{A_PARAMETER}, or empty"),
        ("CapacityParameterName", "a" * 256, f"{A_PARAMETER}, or empty"),
        ("AcceptedFindings", "web", FINDINGS),
        ("AcceptedFindings", "web:Anything", FINDINGS),
        ("AcceptedFindings", "web:NoCreationPolicy,1st:NoCreationPolicy", FINDINGS),
        ("CloudFormationRoleArn", "arn:aws:iam::123456789012:user/me", A_ROLE),
        ("CloudFormationRoleArn", "arn:aws:iam::1234:role/deployer", A_ROLE),
        ("CloudFormationRoleArn", "arn:aws:iam::123456789012:role/", A_ROLE),
        ("CloudFormationRoleArn", "arn:aws:iam::123456789012:role/the deployer", A_ROLE),
        ("CloudFormationRoleArn", f"arn:aws:iam::123456789012:role/{'a' * 65}", A_ROLE),
        ("StackRoleArns", "arn:aws:iam::123456789012:role/one,two", ROLES),
        ("StackRoleArns", "arn:aws:iam::123456789012:role/*", ROLES),
        ("MacroFunctionArns", "expand", FUNCTIONS),
        ("MacroFunctionArns", "arn:aws:lambda:us-east-1:123456789012:function:*", FUNCTIONS),
        ("ScheduleExpression", "0 6 * * 2", A_SCHEDULE),
        ("ScheduleExpression", "cron(monthly)", A_SCHEDULE),
        ("ScheduleExpression", "cron(0 6 * * *)", A_SCHEDULE),
        ("ScheduleExpression", "cron(0 6 * * TUE#2 *)", A_SCHEDULE),
        ("ScheduleExpression", "cron(0 6 ? * ? *)", A_SCHEDULE),
        ("ScheduleExpression", "rate(often)", A_SCHEDULE),
        ("ScheduleExpression", "rate(0 days)", A_SCHEDULE),
        ("ScheduleExpression", "rate(2 months)", A_SCHEDULE),
        ("ScheduleExpression", "at(tomorrow)", A_SCHEDULE),
        ("ScheduleExpression", "at(2027-01-12T06:00:00Z)", A_SCHEDULE),
        ("ScheduleTimezone", "Central European Time", A_TIMEZONE),
        ("ScheduleTimezone", "/Europe/Berlin", A_TIMEZONE),
        ("ScheduleTimezone", "", A_TIMEZONE),
        ("ScheduleTimezone", "Z" * 51, A_TIMEZONE),
        ("BaseAmiTopicArn", "amazon-linux-2023-ami-updates", A_TOPIC),
        ("BaseAmiTopicArn", "arn:aws:sqs:us-east-1:137112412989:queue", A_TOPIC),
        ("BaseAmiTopicArn", f"{TOPIC}.fifo", A_TOPIC),
        ("BaseAmiTopicArn", f"{TOPIC}:9b4f0a3e-2c1d-4f6b-8a7e-5d3c2b1a0f9e", A_TOPIC),
        ("BaseAmiCheck", "daily", "must be with-topic, always or never"),
        ("BaseAmiNamePattern", "", A_PATTERN),
        ("BaseAmiNamePattern", "al2023|al2", A_PATTERN),
        ("ChangeCalendars", "year end", CALENDARS),
        ("ChangeCalendars", "year-end,my", CALENDARS),
        ("ChangeCalendars", "arn:aws:ssm:us-east-1:123456789012:parameter/year-end", CALENDARS),
        ("WhenCalendarClosed", "fail", "must be skip or wait"),
        ("Rollback", "never", "must be automatic or manual"),
        ("RollbackAlarmArns", "high-latency", ALARMS),
        ("RollbackAlarmArns", "arn:aws:cloudwatch::123456789012:dashboard/web", ALARMS),
        ("RollbackAlarmArns", ALARM.replace("123456789012", "1234"), ALARMS),
        ("RollbackAlarmArns", f"{ALARM},high-latency", ALARMS),
        ("BakeMinutes", "200", "must be a whole number of minutes from 0 to 180"),
        ("BakeMinutes", "-1", "must be a whole number of minutes from 0 to 180"),
        ("NotificationEmail", "operations", AN_ADDRESS),
        ("NotificationEmail", "operations@localhost", AN_ADDRESS),
        ("NotificationEmail", "a@example.com,b@example.com", AN_ADDRESS),
        ("NotificationEmail", "Operations <operations@example.com>", AN_ADDRESS),
        ("BuildDeadlineMinutes", "5", "must be a whole number of minutes from 15 to 1440"),
        ("BuildDeadlineMinutes", "two hours", "must be a whole number of minutes from 15 to 1440"),
        ("DeploymentDeadlineMinutes", "100000", "must be a whole number of minutes from 5 to 480"),
        ("VerificationDeadlineMinutes", "0", "must be a whole number of minutes from 1 to 120"),
        ("VerificationDeadlineMinutes", "121", "must be a whole number of minutes from 1 to 120"),
        ("LogRetentionDays", "100", "must be a retention period that CloudWatch Logs offers, in days"),
    ],
)
def test_an_invalid_parameter_is_refused(cloudformation: Any, parameter: str, value: str, accepted: str) -> None:
    given = {"PipelineArn": PIPELINE, "ApplicationStacks": "web", parameter: value}
    with pytest.raises(ClientError) as refused:
        cloudformation.create_stack(
            StackName="refused",
            TemplateURL=TEMPLATE_URL,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationError"
    assert error["Message"].startswith(f"Parameter {parameter} failed to satisfy constraint: {accepted}")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("PipelineArn", "arn:aws-us-gov:imagebuilder:us-gov-west-1:123456789012:image-pipeline/golden_image-2"),
        ("PipelineArn", "arn:aws-cn:imagebuilder:cn-northwest-1:123456789012:image-pipeline/a"),
        ("PipelineArn", "arn:aws-eusc:imagebuilder:eusc-de-east-1:123456789012:image-pipeline/a"),
        ("ApplicationStacks", "web"),
        ("ApplicationStacks", ",".join("a" * 128 for _ in range(10))),
        ("CloudFormationRoleArn", ""),
        ("StackRoleArns", ""),
        ("StackRoleArns", "arn:aws:iam::123456789012:role/teams/web:api!/deployer"),
        ("MacroFunctionArns", ""),
        ("MacroFunctionArns", "arn:aws:lambda:us-east-1:123456789012:function:expand:live"),
        ("CloudFormationRoleArn", "arn:aws:iam::123456789012:role/service-role/deployer+1=a,b.c@d_e-f"),
        ("CloudFormationRoleArn", "arn:aws:iam::123456789012:role/teams/web:api!/deployer"),
        ("CapacityParameterName", ""),
        ("AmiOwners", ""),
        ("AmiOwners", "123456789012"),
        ("AcceptedFindings", ""),
        *(("AcceptedFindings", f"my-stack:{finding}") for finding in ACCEPTABLE),
        ("ChangeCalendars", ""),
        ("ChangeCalendars", "Year_end-2026.v2"),
        ("ChangeCalendars", "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:document/year-end"),
        ("RollbackAlarmArns", ""),
        ("RollbackAlarmArns", f"{ALARM} of (web): 99 %"),
        ("ScheduleTimezone", "America/Argentina/Buenos_Aires"),
        ("ScheduleTimezone", "Etc/GMT+5"),
        ("BaseAmiTopicArn", ""),
        ("BaseAmiTopicArn", "arn:aws:sns:eu-central-1:177427601217:ecs-optimized-amazon-ami-update"),
        ("BaseAmiNamePattern", "Windows_Server-2022-English-Full-Base-*"),
        ("BaseAmiNamePattern", "my image (v?) [prod] a/b.c'@"),
        ("NotificationEmail", "first.last+aws@mail.example.com"),
    ],
)
def test_a_valid_parameter_is_not_refused(parameter: str, value: str) -> None:
    assert re.fullmatch(transformed_template()["Parameters"][parameter]["AllowedPattern"], value)


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 6 ? * TUE#2 *)",
        "cron(0 6 ? * 3#2 *)",
        "cron(15 10 ? * 6L 2027-2030)",
        "cron(0 18 ? * MON-FRI *)",
        "cron(0/10 * ? * mon,wed *)",
        "cron(0 8 1 * ? *)",
        "cron(0 8 L JAN,JUL ? *)",
        "cron(0 8 15W 1/3 ? 2027)",
        "cron(0-30/5 8 * * ? *)",
        "rate(1 day)",
        "rate(30 days)",
        "at(2027-01-12T06:00:00)",
    ],
)
def test_an_expression_that_scheduler_accepts_is_not_refused(expression: str) -> None:
    """EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler"."""
    assert next_firing(expression, "UTC", datetime(2026, 12, 1, tzinfo=UTC))
    assert re.fullmatch(transformed_template()["Parameters"]["ScheduleExpression"]["AllowedPattern"], expression)
