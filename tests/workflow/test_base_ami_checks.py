"""The daily check for a new base AMI: what it starts, what it does not, and that it and the topic start one run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
from moto.iam.access_control import PermissionResult

from autopatch.base_images import NEW_FOR
from local_aws.aws import LocalAws
from local_aws.core.ids import ACCOUNT, REGION
from local_aws.iam.policies import permission
from local_aws.sns import topics as sns
from local_aws.ssm import parameters
from rehearsal.deployment import BASE_AMI_TOPIC, STACK, deploy
from rehearsal.scenario import Scenario
from rehearsal.triggers import BASE_AMI_PARAMETER, publish_base_ami
from tests.workflow.running import describe, shortened
from tests.workflow.test_triggers import Deployed

# Amazon Linux 2023 User Guide, "Naming and versioning": the version of a release, and the name of its AMI.
RELEASE, AMI_NAME = "2023.9.20261130", "al2023-ami-2023.9.20261130.0-kernel-6.1-x86_64"
EXECUTION = "base-image-2023-9-20261130-0"
DAY = 24 * 60 * 60


@pytest.fixture
def deployed() -> Iterator[Deployed]:
    of = shortened(Scenario(parameters={"ScheduleExpression": "at(2030-01-01T00:00:00)"}))
    with LocalAws(*of.behaviour) as aws:
        yield Deployed(aws, deploy(of))


def reasons(deployed: Deployed) -> list[str]:
    return [line.get("reason", line["message"]) for line in deployed.log("CheckBaseAmi")]


def test_a_parameter_that_has_not_moved_lately_starts_nothing(deployed: Deployed) -> None:
    """Neither the deployment nor a release of long ago, whose execution's name is free again, starts a run."""
    deployed.clock.sleep(2 * DAY)
    assert deployed.executions() == []
    ami_id = parameters.read(ACCOUNT, REGION, BASE_AMI_PARAMETER)
    assert reasons(deployed) == [f"{BASE_AMI_PARAMETER} has named {ami_id} since 2026-09-30"] * 2


def test_a_parameter_that_has_moved_starts_one_run_though_it_is_looked_at_every_day(deployed: Deployed) -> None:
    ami_id = publish_base_ami(AMI_NAME)
    deployed.clock.sleep((NEW_FOR.days + 2) * DAY)
    (execution,) = deployed.executions()
    assert (execution["name"], execution["status"]) == (EXECUTION, "SUCCEEDED")
    started, *later = reasons(deployed)
    assert started == "started a run"
    assert later[: NEW_FOR.days - 1] == ["a run was started for 2023.9.20261130.0 before"] * (NEW_FOR.days - 1)
    assert set(later[NEW_FOR.days - 1 :]) == {f"{BASE_AMI_PARAMETER} has named {ami_id} since 2026-12-01"}


@pytest.mark.parametrize("is_announced_first", [True, False])
@pytest.mark.parametrize("pause", [60, DAY])
def test_the_check_and_the_topic_start_one_run(deployed: Deployed, is_announced_first: bool, pause: int) -> None:
    """With the name and the input of a running execution, StartExecution gives that one; once it is closed, the name
    is refused for 90 days, whatever the input is (Step Functions API reference, StartExecution)."""
    publish_base_ami(AMI_NAME)
    until_check = (datetime(2026, 12, 2, 6, 10, tzinfo=UTC) - deployed.clock.now()).total_seconds()
    deployed.clock.sleep(until_check - 60 if is_announced_first else until_check + pause)
    sns.publish_as_owner(BASE_AMI_TOPIC, f"AL2023 version {RELEASE} is available")
    deployed.clock.sleep(pause + DAY)
    (execution,) = deployed.executions()
    assert (execution["name"], execution["status"]) == (EXECUTION, "SUCCEEDED")


def test_what_is_published_again_is_a_release_of_its_own(deployed: Deployed) -> None:
    """al2023-ami-2023.7.20250623.1-kernel-6.1-x86_64 is an AMI of Amazon's that came after one with the number 0."""
    for number in (0, 1):
        publish_base_ami(AMI_NAME.replace(f"{RELEASE}.0", f"{RELEASE}.{number}"))
        deployed.clock.sleep(DAY)
    assert {execution["name"] for execution in deployed.executions()} == {EXECUTION, f"{EXECUTION[:-1]}1"}


def test_a_pipeline_on_anything_else_than_a_public_parameter_is_not_looked_into(deployed: Deployed) -> None:
    ami_id = publish_base_ami(AMI_NAME)
    pipeline = describe("image-pipeline")
    changed = {"ParentImage": ami_id, "RecipeVersion": "1.0.1"}
    boto3.client("cloudformation").update_stack(
        StackName="image-pipeline",
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": changed[key]}
            if key in changed
            else {"ParameterKey": key, "UsePreviousValue": True}
            for key in (parameter["ParameterKey"] for parameter in pipeline["Parameters"])
        ],
    )
    deployed.clock.sleep(DAY)
    assert deployed.executions() == []
    assert reasons(deployed) == [f"the pipeline builds on {ami_id}, which is no public parameter"]


def test_a_public_parameter_may_be_named_by_its_arn(deployed: Deployed) -> None:
    """Image Builder API reference, CreateImageRecipe: "ssm:" is followed by the parameter name or ARN."""
    image_builder = boto3.client("imagebuilder")
    (pipeline,) = image_builder.list_image_pipelines()["imagePipelineList"]
    recipe = image_builder.get_image_recipe(imageRecipeArn=pipeline["imageRecipeArn"])["imageRecipe"]
    by_arn = image_builder.create_image_recipe(
        clientToken="by-arn",
        name="by-arn",
        semanticVersion="1.0.0",
        components=recipe["components"],
        parentImage=f"ssm:arn:aws:ssm:{REGION}::parameter{BASE_AMI_PARAMETER}",
    )
    image_builder.update_image_pipeline(
        clientToken="by-arn",
        imagePipelineArn=pipeline["arn"],
        imageRecipeArn=by_arn["imageRecipeArn"],
        infrastructureConfigurationArn=pipeline["infrastructureConfigurationArn"],
        distributionConfigurationArn=pipeline["distributionConfigurationArn"],
    )
    publish_base_ami(AMI_NAME)
    deployed.clock.sleep(DAY)
    (execution,) = deployed.executions()
    assert (execution["name"], execution["status"]) == (EXECUTION, "SUCCEEDED")


def test_a_check_that_fails_is_tried_again_and_then_kept(deployed: Deployed) -> None:
    parameters.publish(ACCOUNT, REGION, BASE_AMI_PARAMETER, "ami-0123456789abcdef0")
    deployed.clock.sleep(DAY)
    assert deployed.executions() == []
    outputs = {output["OutputKey"]: output["OutputValue"] for output in describe(STACK)["Outputs"]}
    (kept,) = boto3.client("sqs").receive_message(QueueUrl=outputs["UndeliveredTriggersUrl"])["Messages"]
    body = json.loads(kept["Body"])
    assert body["requestContext"]["approximateInvokeCount"] == 3
    assert body["responsePayload"]["errorType"] == "TransientAwsFault"
    assert "expected ami-0123456789abcdef0 in this Region, found none" in body["responsePayload"]["errorMessage"]


def test_the_check_may_read_what_it_reads_and_start_a_run_and_nothing_else(deployed: Deployed) -> None:
    """The ARNs of public parameters have no account: arn:aws:ssm:us-east-1::parameter/aws/service/... (as GetParameter
    answers them)."""
    iam = boto3.client("iam")
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    (role,) = (
        each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "CheckBaseAmiFunctionRole"
    )
    policies = [
        json.dumps(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    pipeline = {output["OutputKey"]: output["OutputValue"] for output in describe("image-pipeline")["Outputs"]}

    def may(action: str, resource: str) -> bool:
        return permission(policies, action, resource, {}) is PermissionResult.PERMITTED

    for action, resource in (
        ("imagebuilder:GetImagePipeline", pipeline["ImagePipelineArn"]),
        ("imagebuilder:GetImageRecipe", pipeline["ImageRecipeArn"]),
        ("ssm:GetParameter", f"arn:aws:ssm:{REGION}::parameter{BASE_AMI_PARAMETER}"),
        ("states:StartExecution", deployed.machine),
    ):
        assert may(action, resource), action
    for action, resource in (
        ("imagebuilder:GetImagePipeline", f"{pipeline['ImagePipelineArn']}-of-others"),
        ("imagebuilder:StartImagePipelineExecution", pipeline["ImagePipelineArn"]),
        ("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/database/password"),
        ("states:StartExecution", f"{deployed.machine}-of-others"),
    ):
        assert not may(action, resource), (action, resource)
