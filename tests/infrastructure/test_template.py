"""The stack of template.yaml: what it creates, what AWS and the run refuse, and that its deletion leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.image_builder import ImageBuilder
from autopatch.errors import ConfigError, InvalidInput
from autopatch.execution_input import ExecutionInput
from autopatch.planning import plan_run
from autopatch.settings import PlanSettings
from local_aws.aws import LocalAws
from local_aws.core.clock import current
from local_aws.iam.permissions import allows
from rehearsal.deployment import (
    BASE_AMI_TOPIC,
    REPOSITORY,
    STACK,
    TEMPLATE_URL,
    Deployment,
    deploy,
    packaged_template,
    transformed_template,
)
from rehearsal.scenario import Scenario
from tests.workflow.running import describe, outputs


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployment]:
    with LocalAws():
        yield deploy(Scenario())


def create(name: str, deployed: Deployment, **changed: str) -> str:
    """Create another stack of the template; returns its status at the end."""
    given = {"PipelineArn": deployed.pipeline_arn, "ApplicationStacks": "web", **changed}
    boto3.client("cloudformation").create_stack(
        StackName=name,
        TemplateURL=TEMPLATE_URL,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    return str(describe(name)["StackStatus"])


def functions(stack: str) -> set[str]:
    names = [function["FunctionName"] for function in boto3.client("lambda").list_functions()["Functions"]]
    return {name.split("-")[-2] for name in names if name.startswith(f"{stack}-")}


@pytest.mark.usefixtures("deployed")
def test_the_definition_is_uploaded_as_it_is() -> None:
    """SAM Developer Guide, "sam deploy": a local DefinitionUri becomes the S3 location that the file is uploaded to."""
    properties = transformed_template()["Resources"]["PatchStateMachine"]["Properties"]
    location = properties["DefinitionS3Location"]
    stored = boto3.client("s3").get_object(Bucket=location["Bucket"], Key=location["Key"])["Body"].read()
    assert stored == (REPOSITORY / "statemachine" / "patch.asl.yaml").read_bytes()
    assert "DefinitionString" not in properties


@pytest.mark.usefixtures("deployed")
def test_cloudformation_transforms_the_template_in_a_change_set() -> None:
    """SAM Developer Guide, "sam deploy": it creates a change set of the packaged template, and executes it."""
    cloudformation: Any = boto3.client("cloudformation")
    original, processed = (
        cloudformation.get_template(StackName=STACK, TemplateStage=stage)["TemplateBody"]
        for stage in ("Original", "Processed")
    )
    assert original == json.loads(packaged_template())
    assert original["Transform"] == "AWS::Serverless-2016-10-31"
    assert processed == transformed_template()
    change_sets = cloudformation.list_change_sets(StackName=STACK)["Summaries"]
    assert [change_set["ExecutionStatus"] for change_set in change_sets] == ["EXECUTE_COMPLETE"]


@pytest.mark.usefixtures("deployed")
def test_no_role_reads_a_parameter_that_a_pipeline_cannot_build_on() -> None:
    """AWS managed policy reference, AWSServiceRoleForImageBuilder: it reads public parameters and its own."""
    roles = [role["Arn"] for role in boto3.client("iam").list_roles()["Roles"] if "FunctionRole" in role["RoleName"]]
    readers = {
        name: {
            role.split(f"{STACK}-")[1].split("FunctionRole")[0]
            for role in roles
            if allows(role, "ssm:GetParameter", f"arn:aws:ssm:us-east-1:{owner}:parameter/{name}", {})
        }
        for owner, name in (
            ("", "aws/service/x"),
            ("123456789012", "imagebuilder/x"),
            ("123456789012", "database/password"),
        )
    }
    assert readers == {
        "aws/service/x": {"CheckBaseAmi", "CheckFreeze"},
        "imagebuilder/x": {"CheckFreeze"},
        "database/password": set(),
    }


@pytest.mark.usefixtures("deployed")
def test_two_parameters_are_required() -> None:
    parameters = transformed_template()["Parameters"]
    required = {name for name, parameter in parameters.items() if "Default" not in parameter}
    assert required == {"PipelineArn", "ApplicationStacks"}


def test_without_a_base_ami_topic_or_an_address_there_is_no_trigger_and_no_subscription(deployed: Deployment) -> None:
    assert create("plain", deployed) == "CREATE_COMPLETE"
    assert functions(STACK) - functions("plain") == {"BaseAmiTriggerFunction", "CheckBaseAmiFunction"}
    assert len(functions("plain")) == 17
    sns, topic = boto3.client("sns"), outputs("plain")["NotificationTopicArn"]
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=deployed.notification_topic_arn)["Subscriptions"]
    assert [subscription["Protocol"] for subscription in subscriptions] == ["email"]


@pytest.mark.parametrize(
    ("topic", "check", "is_checked"),
    [
        (BASE_AMI_TOPIC, "with-topic", True),
        (BASE_AMI_TOPIC, "always", True),
        (BASE_AMI_TOPIC, "never", False),
        ("", "with-topic", False),
        ("", "always", True),
        ("", "never", False),
    ],
)
def test_whether_there_is_a_check_for_base_amis_is_a_choice(
    deployed: Deployment, topic: str, check: str, is_checked: bool
) -> None:
    name = f"check-{check}-{'topic' if topic else 'none'}"
    assert create(name, deployed, BaseAmiTopicArn=topic, BaseAmiCheck=check) == "CREATE_COMPLETE"
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    made = {one["LogicalResourceId"] for one in resources}
    assert ("BaseAmiCheckSchedule" in made) is is_checked
    assert ("CheckBaseAmiFunction" in made) is is_checked
    boto3.client("cloudformation").delete_stack(StackName=name)
    current().sleep(600)


@pytest.mark.parametrize(
    ("parameter", "value", "reason"),
    [
        ("ScheduleExpression", "cron(0 25 ? * TUE#2 *)", "Invalid Schedule Expression cron(0 25 ? * TUE#2 *)."),
        ("ScheduleTimezone", "Europe/Atlantis", "Invalid Schedule Expression Timezone Europe/Atlantis."),
    ],
)
def test_what_only_scheduler_can_check_fails_the_stack_with_its_reason(
    deployed: Deployment, parameter: str, value: str, reason: str
) -> None:
    name = f"wrong-{parameter}"
    assert create(name, deployed, **{parameter: value}) == "ROLLBACK_COMPLETE"
    events = boto3.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    first = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"][-1]
    assert first["LogicalResourceId"] == "MonthlySchedule"
    assert reason in first["ResourceStatusReason"]


def plan(pipeline_arn: str, minutes: str = "120", stacks: str = "web") -> None:
    environment = {
        "PIPELINE_ARN": pipeline_arn,
        "APPLICATION_STACKS": stacks,
        "AMI_PARAMETER": "AmazonMachineImage",
        "BUILD_DEADLINE_MINUTES": minutes,
        "DEPLOYMENT_DEADLINE_MINUTES": "90",
        "VERIFICATION_DEADLINE_MINUTES": "15",
        "ROLLBACK": "automatic",
        "MAX_CONCURRENT_TARGETS": "1",
        "SOAK_MINUTES": "0",
    }
    plan_run(ExecutionInput(), PlanSettings.from_env(environment), Stacks(), ImageBuilder())


def test_a_pipeline_of_another_region_or_account_is_refused_by_the_run(deployed: Deployment) -> None:
    """No pattern can know the Region or the account, and no function of the Rules section splits an ARN
    (CloudFormation Template Reference, "Rule functions")."""
    arn = deployed.pipeline_arn
    plan(arn)
    for elsewhere in (arn.replace("us-east-1", "eu-west-1"), arn.replace("123456789012", "210987654321")):
        with pytest.raises(ConfigError, match=r"expected the image pipeline that PIPELINE_ARN names"):
            plan(elsewhere)


def test_a_fraction_of_a_minute_is_refused_by_the_run(deployed: Deployment) -> None:
    """A parameter of the type Number may be an integer or a float, and has no pattern (CloudFormation User Guide,
    "CloudFormation template Parameters syntax")."""
    with pytest.raises(ConfigError, match=r"BUILD_DEADLINE_MINUTES: expected a whole number .* found '15\.5'"):
        plan(deployed.pipeline_arn, minutes="15.5")


@pytest.mark.parametrize(
    ("stacks", "error", "reason"),
    [
        (",".join(f"web-{number}" for number in range(11)), ConfigError, "at most 10 stacks in one run, found 11"),
        ("web,api,web", ConfigError, "expected each stack once, found 'web' 2 times"),
        (" , ", InvalidInput, "expected a stack in the input or in the deployment's application stacks, found none"),
    ],
)
def test_too_many_stacks_duplicates_or_none_are_refused_by_the_run(
    deployed: Deployment, stacks: str, error: type[Exception], reason: str
) -> None:
    """No pattern can detect duplicates, and a function's environment can be changed without the template."""
    with pytest.raises(error, match=reason):
        plan(deployed.pipeline_arn, stacks=stacks)


def resource_counts() -> dict[str, int]:
    """How many resources there are of each type that the template creates."""
    sns, elsewhere = boto3.client("sns"), boto3.client("sns", region_name=BASE_AMI_TOPIC.split(":")[3])
    resources: dict[str, Any] = {
        "functions": boto3.client("lambda").list_functions()["Functions"],
        "log groups": boto3.client("logs").describe_log_groups()["logGroups"],
        "queues": boto3.client("sqs").list_queues().get("QueueUrls", []),
        "roles": [
            role for page in boto3.client("iam").get_paginator("list_roles").paginate() for role in page["Roles"]
        ],
        "rules": boto3.client("events").list_rules()["Rules"],
        "schedules": boto3.client("scheduler").list_schedules()["Schedules"],
        "state machines": boto3.client("stepfunctions").list_state_machines()["stateMachines"],
        "subscriptions": sns.list_subscriptions()["Subscriptions"],
        "subscriptions to the base AMIs": elsewhere.list_subscriptions_by_topic(TopicArn=BASE_AMI_TOPIC)[
            "Subscriptions"
        ],
        "topics": sns.list_topics()["Topics"],
    }
    return {kind: len(of_kind) for kind, of_kind in resources.items()}


def test_a_deleted_stack_leaves_nothing(deployed: Deployment) -> None:
    before = resource_counts()
    options = {"BaseAmiTopicArn": BASE_AMI_TOPIC, "NotificationEmail": "operations@example.com"}
    assert create("gone", deployed, **options) == "CREATE_COMPLETE"
    during = resource_counts()
    assert all(during[kind] > before[kind] for kind in before), during
    boto3.client("cloudformation").delete_stack(StackName="gone")
    current().sleep(600)
    assert resource_counts() == before
