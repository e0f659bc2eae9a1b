"""A stack of somebody else's template is patched unmodified, and keeps all its parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_aws.aws import LocalAws
from local_aws.core.ids import ACCOUNT
from rehearsal.deployment import deploy
from rehearsal.scenario import Scenario
from tests.workflow.running import describe, instances, outputs, parameters, service_role, shortened

HERE = Path(__file__).parent
SECRET = "correct-horse-battery-staple"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/cloudformation"


@pytest.fixture(scope="module")
def foreign() -> Iterator[LocalAws]:
    scenario = shortened(Scenario(parameters={"CloudFormationRoleArn": ROLE, "ApplicationStacks": "web,theirs"}))
    with LocalAws(*scenario.behaviour) as aws:
        deployment = deploy(scenario)
        boto3.client("ssm").put_parameter(Name="/greeting", Value="hello", Type="String")
        assert service_role("cloudformation") == ROLE
        create("baseline", "foreign-network.yaml", {})
        create(
            "theirs",
            "foreign-application.yaml",
            {
                "BaselineStack": "baseline",
                "InstanceAmi": deployment.golden_ami,
                "InstanceType": "t3.micro",
                "NumberOfInstances": "3",
                "DatabasePassword": SECRET,
            },
        )
        yield aws


def create(name: str, template: str, given: dict[str, str]) -> None:
    boto3.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=(HERE / template).read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": "team", "Value": "web"}],
    )
    assert describe(name)["StackStatus"] == "CREATE_COMPLETE"


def execute(aws: LocalAws, target: Any, **more: Any) -> Any:
    stepfunctions = boto3.client("stepfunctions")
    (machine,) = stepfunctions.list_state_machines()["stateMachines"]
    arn = stepfunctions.start_execution(
        stateMachineArn=machine["stateMachineArn"], input=json.dumps({"targets": [target], **more})
    )["executionArn"]
    aws.clock.sleep(3600)
    return stepfunctions.describe_execution(executionArn=arn)


@pytest.fixture(scope="module")
def patched(foreign: LocalAws) -> dict[str, Any]:
    """The output of the run that patches the stack."""
    execution = execute(foreign, {"stackName": "theirs", "accept": ["NoServiceRole"]})
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    output: dict[str, Any] = json.loads(execution["output"])
    return output


def test_its_instances_run_the_new_ami_behind_its_load_balancer(patched: dict[str, Any]) -> None:
    ami = patched["ami"]["amiId"]
    serving = instances("theirs")
    assert [instance["ImageId"] for instance in serving] == [ami] * 3
    target_group = outputs("baseline")["TargetGroup"]
    targets = boto3.client("elbv2").describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
    assert {target["Target"]["Id"] for target in targets} == {instance["InstanceId"] for instance in serving}


def test_no_parameter_is_lost(patched: dict[str, Any]) -> None:
    """A parameter that UpdateStack is not sent is reset to the template's default; DescribeStacks shows a NoEcho value
    as asterisks (CloudFormation API reference, UpdateStack and DescribeStacks)."""
    ami = patched["ami"]["amiId"]
    assert parameters("theirs") == {
        "BaselineStack": "baseline",
        "InstanceAmi": ami,
        "InstanceType": "t3.micro",
        "NumberOfInstances": "3",
        "DatabasePassword": "****",
        "Greeting": "/greeting",
    }
    kept = boto3.client("ssm").get_parameter(Name="/database/password")["Parameter"]
    assert kept["Value"] == SECRET


def test_its_ami_parameter_is_found_though_it_has_another_name(patched: dict[str, Any]) -> None:
    assert patched["run"]["targets"][0]["amiParameter"] == "InstanceAmi"


def test_tags_stay_and_a_stack_without_a_role_gets_the_one_that_its_target_accepts(patched: dict[str, Any]) -> None:
    """CloudFormation uses it for all later operations on the stack (CloudFormation user guide, "CloudFormation service
    role"), so that the next run finds it there."""
    stack = describe("theirs")
    assert stack["Tags"] == [{"Key": "team", "Value": "web"}]
    assert stack["RoleARN"] == ROLE


def test_a_parameter_that_takes_the_name_of_an_ssm_parameter_is_no_ami_parameter(foreign: LocalAws) -> None:
    execution = execute(foreign, {"stackName": "theirs", "amiParameter": "Greeting"})
    assert execution["error"] == "TargetNotReady"
    assert "takes the name of an SSM parameter" in execution["cause"]


def test_subnets_without_room_for_both_groups_are_refused(foreign: LocalAws, patched: dict[str, Any]) -> None:
    """A replacing update has both groups running at once (CloudFormation user guide, "UpdatePolicy attribute")."""
    ec2 = boto3.client("ec2")
    before = {instance["InstanceId"]: instance["ImageId"] for instance in instances("theirs")}
    filled: list[str] = []
    for subnet in {instance["SubnetId"] for instance in instances("theirs")}:
        (described,) = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
        for _ in range(described["AvailableIpAddressCount"] - 1):
            created = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
            filled.append(created["NetworkInterfaceId"])
    golden = patched["run"]["targets"][0]["amiBefore"]
    execution = execute(foreign, "theirs", amiId=golden)
    for interface in filled:
        ec2.delete_network_interface(NetworkInterfaceId=interface)
    assert execution["error"] == "TargetNotReady"
    assert (
        "NoFreeAddresses: expected 3 free addresses in the subnets of Group, found 1 in subnet-" in execution["cause"]
    )
    assert {instance["InstanceId"]: instance["ImageId"] for instance in instances("theirs")} == before
    assert parameters("theirs")["InstanceAmi"] == patched["ami"]["amiId"]
