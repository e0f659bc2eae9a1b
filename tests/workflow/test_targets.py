"""Which parameter of a stack the AMI goes to: the one named, the deployment's, or the only one there is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest

from autopatch.contracts import ExecutionInput
from autopatch.errors import InvalidInput, TargetNotReady
from autopatch.handlers.plan_run import plan_run
from autopatch.image_builder import ImageBuilder
from autopatch.settings import PlanSettings
from autopatch.stacks import Stacks
from local_aws.aws import LocalAws
from local_aws.scenario import Scenario

AMI, OTHER = "ami-0123456789abcdef0", "ami-0fedcba9876543210"
SETTINGS = PlanSettings(
    pipeline_arn="arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/golden-image",
    application_stacks=("app",),
    ami_parameter="AmazonMachineImage",
    build_deadline_minutes=120,
    deployment_deadline_minutes=90,
)


@pytest.fixture(autouse=True)
def aws() -> Iterator[LocalAws]:
    with LocalAws(Scenario()) as running:
        boto3.client("ssm").put_parameter(Name="/base-ami", Value=AMI, Type="String")
        yield running


def stack_with(**values: str) -> None:
    types = {"BaseAmi": "AWS::SSM::Parameter::Value<String>", "Image": "AWS::EC2::Image::Id"}
    template = {
        "Parameters": {name: {"Type": types.get(name, "String")} for name in values},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    }
    boto3.client("cloudformation").create_stack(
        StackName="app",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
    )


def chosen(**target: str) -> tuple[str, str]:
    document = {"amiId": AMI, **({"targets": [{"stackName": "app", **target}]} if target else {})}
    run = plan_run(ExecutionInput.from_event(document), SETTINGS, Stacks.create(), ImageBuilder.create)
    return run.targets[0].ami_parameter, run.targets[0].ami_before


def test_the_deployments_parameter_comes_first_where_the_stack_has_it() -> None:
    stack_with(Bastion=OTHER, AmazonMachineImage=AMI, Image=OTHER)
    assert chosen() == ("AmazonMachineImage", AMI)


def test_the_one_that_the_target_names_comes_before_it() -> None:
    stack_with(Bastion=OTHER, AmazonMachineImage=AMI)
    assert chosen(amiParameter="Bastion") == ("Bastion", OTHER)


@pytest.mark.parametrize("name", ["Image", "AnyName"])
def test_the_only_one_that_holds_an_ami_by_its_type_or_its_value(name: str) -> None:
    stack_with(**{"InstanceType": "t3.micro", name: OTHER, "BaseAmi": "/base-ami"})
    assert chosen() == (name, OTHER)


def test_several_candidates_are_listed() -> None:
    stack_with(Bastion=OTHER, Web=AMI, Size="2")
    with pytest.raises(
        TargetNotReady, match=r"exactly one that holds an AMI, found Bastion, Web among Bastion, Web, Size"
    ):
        chosen()


def test_no_candidate_lists_what_there_is() -> None:
    """A parameter of an SSM type takes the name of an SSM parameter, not an AMI id (CloudFormation user guide)."""
    stack_with(Size="2", BaseAmi="/base-ami")
    with pytest.raises(TargetNotReady, match="found none among Size, BaseAmi"):
        chosen()
    with pytest.raises(TargetNotReady, match=r"type AWS::SSM::Parameter::Value<String>"):
        chosen(amiParameter="BaseAmi")


def test_a_run_needs_a_stack() -> None:
    nobody = PlanSettings(SETTINGS.pipeline_arn, (), "AmazonMachineImage", 120, 90)
    with pytest.raises(InvalidInput, match="found none"):
        plan_run(ExecutionInput(ami_id=AMI), nobody, Stacks.create(), ImageBuilder.create)
