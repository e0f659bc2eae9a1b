"""Which parameter of a stack takes the AMI: the one that the target names, the deployment's, or the only candidate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest

from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.image_builder import ImageBuilder
from autopatch.contracts import Run
from autopatch.errors import InvalidInput, TargetNotReady
from autopatch.execution_input import ExecutionInput
from autopatch.planning import plan_run
from autopatch.settings import PlanSettings, Rollback
from local_aws.aws import LocalAws
from tests.workflow.running import service_role

ROLE, GIVEN = "arn:aws:iam::123456789012:role/own", "arn:aws:iam::123456789012:role/given"
AMI, OTHER = "ami-0123456789abcdef0", "ami-0fedcba9876543210"
SETTINGS = PlanSettings(
    pipeline_arn="arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/golden-image",
    application_stacks=("app",),
    ami_parameter="AmazonMachineImage",
    capacity_parameter="DesiredCapacity",
    accepted_findings=(("app", "NoCreationPolicy"),),
    cloudformation_role_arn=None,
    rollback=Rollback.MANUAL,
    build_deadline_minutes=120,
    deployment_deadline_minutes=90,
    verification_deadline_minutes=15,
)


@pytest.fixture(autouse=True)
def aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        boto3.client("ssm").put_parameter(Name="/base-ami", Value=AMI, Type="String")
        assert [service_role("own"), service_role("given")] == [ROLE, GIVEN]
        yield running


def create_stack_with(*, role_arn: str | None = ROLE, **values: str) -> None:
    types = {"BaseAmi": "AWS::SSM::Parameter::Value<String>", "Image": "AWS::EC2::Image::Id"}
    template = {
        "Parameters": {name: {"Type": types.get(name, "String"), "NoEcho": name == "Secret"} for name in values},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    }
    boto3.client("cloudformation").create_stack(
        StackName="app",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        **({} if role_arn is None else {"RoleARN": role_arn}),  # type: ignore[arg-type]
    )


def planned(**more: object) -> Run:
    document = {"amiId": AMI, **more}
    return plan_run(ExecutionInput.from_event(document), SETTINGS, Stacks(), ImageBuilder())


def chosen(**target: str) -> tuple[str, str]:
    run = planned(**({"targets": [{"stackName": "app", **target}]} if target else {}))
    return run.targets[0].ami_parameter, run.targets[0].ami_before


def test_the_deployments_parameter_is_used_where_the_stack_has_it() -> None:
    create_stack_with(Bastion=OTHER, AmazonMachineImage=AMI, Image=OTHER)
    assert chosen() == ("AmazonMachineImage", AMI)


def test_the_parameter_that_the_target_names_takes_precedence() -> None:
    create_stack_with(Bastion=OTHER, AmazonMachineImage=AMI)
    assert chosen(amiParameter="Bastion") == ("Bastion", OTHER)


@pytest.mark.parametrize("name", ["Image", "AnyName"])
def test_the_only_parameter_that_holds_an_ami_by_its_type_or_its_value(name: str) -> None:
    create_stack_with(**{"InstanceType": "t3.micro", name: OTHER, "BaseAmi": "/base-ami"})
    assert chosen() == (name, OTHER)


def test_several_candidates_are_listed() -> None:
    create_stack_with(Bastion=OTHER, Web=AMI, Size="2")
    with pytest.raises(
        TargetNotReady, match=r"exactly one that holds an AMI, found Bastion, Web among Bastion, Web, Size"
    ):
        chosen()


def test_without_a_candidate_all_parameters_are_listed() -> None:
    """A parameter of an SSM type takes the name of an SSM parameter, not an AMI id (CloudFormation user guide)."""
    create_stack_with(Size="2", BaseAmi="/base-ami")
    with pytest.raises(TargetNotReady, match="found none among Size, BaseAmi"):
        chosen()
    with pytest.raises(TargetNotReady, match=r"type AWS::SSM::Parameter::Value<String>"):
        chosen(amiParameter="BaseAmi")


def test_a_parameter_that_holds_anything_else_is_not_overwritten() -> None:
    """What it held before could not be put back either: DescribeStacks shows `****` for NoEcho (CloudFormation user
    guide, "Parameters", NoEcho)."""
    create_stack_with(AmazonMachineImage=AMI, Profile="web-servers", Secret=AMI, Size="2", Sizes="2,3", Empty="")
    with pytest.raises(TargetNotReady, match="Profile to hold the id of an AMI, or nothing, found 'web-servers'"):
        chosen(amiParameter="Profile")
    assert chosen(amiParameter="Empty") == ("Empty", "")
    for key in ("amiParameter", "capacityParameter"):
        with pytest.raises(
            TargetNotReady, match="a parameter Secret whose value CloudFormation shows, found one with N"
        ):
            chosen(**{key: "Secret"})
    with pytest.raises(TargetNotReady, match="Sizes to hold a number, found '2,3'"):
        chosen(capacityParameter="Sizes")
    assert chosen(capacityParameter="Size") == ("AmazonMachineImage", AMI)


def test_the_input_takes_precedence_over_the_deployment_on_rollback() -> None:
    create_stack_with(AmazonMachineImage=AMI)
    assert (planned().rollback, planned(rollback="automatic").rollback) == ("manual", "automatic")


def test_a_target_accepts_the_findings_that_the_input_or_the_deployment_accepts() -> None:
    create_stack_with(AmazonMachineImage=AMI)
    (target,) = planned(targets=[{"stackName": "app", "accept": ["NoCreationPolicy"]}]).targets
    assert target.accepted == planned().targets[0].accepted == ("NoCreationPolicy",)
    other = replace(SETTINGS, accepted_findings=(("another", "NoCreationPolicy"),))
    run = plan_run(ExecutionInput(ami_id=AMI), other, Stacks(), ImageBuilder())
    assert run.targets[0].accepted == ()


def test_a_stack_without_a_service_role_is_found_before_anything_is_built() -> None:
    """CloudFormation would update it as the caller (CloudFormation API reference, CreateChangeSet, RoleARN), and the
    functions may change neither EC2 nor Auto Scaling. A role is given to a stack for good (CloudFormation user guide,
    "CloudFormation service role"): a deployment that has one gives it to no stack that does not accept the finding."""
    create_stack_with(role_arn=None, AmazonMachineImage=AMI)
    with_role = replace(SETTINGS, cloudformation_role_arn=GIVEN)
    accepting = (("app", "NoServiceRole"),)
    no_role = r"stack app is not ready:\n- NoServiceRole: expected a service role with which .*, found none"
    for settings, way_out in (
        (
            SETTINGS,
            "let the target accept NoServiceRole, to be given what the deployment names as CloudFormationRoleArn",
        ),
        (replace(SETTINGS, accepted_findings=accepting), "to be given what the deployment names"),
        (with_role, f"let the target accept NoServiceRole, to be given {GIVEN}"),
    ):
        with pytest.raises(TargetNotReady, match=no_role) as refused:
            plan_run(ExecutionInput(ami_id=AMI), settings, Stacks(), ImageBuilder())
        assert way_out in str(refused.value)
        assert "the role cannot be taken from the stack again" in str(refused.value)
    agreed = replace(with_role, accepted_findings=accepting)
    run = plan_run(ExecutionInput(ami_id=AMI), agreed, Stacks(), ImageBuilder())
    assert run.targets[0].accepted == ("NoServiceRole",)
    asked = ExecutionInput.from_event({"amiId": AMI, "targets": [{"stackName": "app", "accept": ["NoServiceRole"]}]})
    assert plan_run(asked, with_role, Stacks(), ImageBuilder()).targets[0].accepted[0] == "NoServiceRole"


def test_a_capacity_parameter_that_no_group_needs_is_left_alone() -> None:
    """The deployment's default is for stacks with one Auto Scaling group; one that a target names must exist."""
    create_stack_with(AmazonMachineImage=AMI, DesiredCapacity="2")
    assert planned().targets[0].capacity_parameter is None
    (target,) = planned(targets=[{"stackName": "app", "capacityParameter": "DesiredCapacity"}]).targets
    assert target.capacity_parameter == "DesiredCapacity"
    with pytest.raises(TargetNotReady, match="expected a parameter Size, found AmazonMachineImage, DesiredCapacity"):
        planned(targets=[{"stackName": "app", "capacityParameter": "Size"}])


def test_a_run_needs_a_stack() -> None:
    without_stacks = replace(SETTINGS, application_stacks=())
    with pytest.raises(InvalidInput, match="found none"):
        plan_run(ExecutionInput(ami_id=AMI), without_stacks, Stacks(), ImageBuilder())
