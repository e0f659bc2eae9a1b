"""The network, and the roles that applications stand on: read by each service's own API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from local_aws.cloudformation import schemas
from local_aws.cloudformation.template import parse
from local_aws.deployment import REPOSITORY

TEMPLATE = (REPOSITORY / "infrastructure" / "network.yaml").read_text()
APPLICATION = (REPOSITORY / "infrastructure" / "application.yaml").read_text()


@pytest.fixture(scope="module")
def outputs() -> Iterator[dict[str, str]]:
    with LocalAws():
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(StackName="net", TemplateBody=TEMPLATE, Capabilities=["CAPABILITY_IAM"])
        (stack,) = cloudformation.describe_stacks(StackName="net")["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
        yield {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def statements(role: str) -> list[dict[str, Any]]:
    """The statements of the role's inline policies, as IAM has them."""
    iam = boto3.client("iam")
    documents = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    return [
        {**said, "Action": listed(said["Action"]), "Resource": listed(said["Resource"])}
        for document in documents
        for said in (json.loads(document) if isinstance(document, str) else document)["Statement"]
    ]


def listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def service_role(outputs: dict[str, str]) -> list[dict[str, Any]]:
    return statements(outputs["ApplicationServiceRoleArn"].rsplit("/", 1)[1])


def test_the_subnets_are_in_two_zones_with_a_way_to_the_internet(outputs: dict[str, str]) -> None:
    ec2 = boto3.client("ec2")
    subnets = ec2.describe_subnets(SubnetIds=outputs["SubnetIds"].split(","))["Subnets"]
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 2
    assert {subnet["VpcId"] for subnet in subnets} == {outputs["VpcId"]}
    for subnet in subnets:
        (table,) = ec2.describe_route_tables(
            Filters=[{"Name": "association.subnet-id", "Values": [subnet["SubnetId"]]}]
        )["RouteTables"]
        assert any(
            route.get("DestinationCidrBlock") == "0.0.0.0/0" and route.get("GatewayId", "").startswith("igw-")
            for route in table["Routes"]
        )


def test_instances_may_ask_the_load_balancer_and_nothing_else_of_their_own(outputs: dict[str, str]) -> None:
    iam = boto3.client("iam")
    profile = iam.get_instance_profile(InstanceProfileName=outputs["InstanceProfileName"])["InstanceProfile"]
    (role,) = profile["Roles"]
    assert [said["Action"] for said in statements(role["RoleName"])] == [["elasticloadbalancing:DescribeTargetHealth"]]
    attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonSSMManagedInstanceCore"]


def test_the_service_role_is_for_cloudformation_in_this_account(outputs: dict[str, str]) -> None:
    role = boto3.client("iam").get_role(RoleName=outputs["ApplicationServiceRoleArn"].rsplit("/", 1)[1])["Role"]
    document: Any = role["AssumeRolePolicyDocument"]
    (trust,) = document["Statement"]
    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_the_service_role_covers_what_the_applications_resource_types_call(outputs: dict[str, str]) -> None:
    """The handlers of a resource type list the permissions that they need (CloudFormation CLI user guide, "Resource
    type schema"); what our template never has them do is left out."""
    allowed = {action for said in service_role(outputs) for action in said["Action"]}
    needed = {
        "AWS::AutoScaling::AutoScalingGroup": {
            *("CreateAutoScalingGroup", "UpdateAutoScalingGroup", "DeleteAutoScalingGroup", "CreateOrUpdateTags"),
            *("DescribeAutoScalingGroups", "DescribeScalingActivities", "SuspendProcesses", "ResumeProcesses"),
            *("TerminateInstanceInAutoScalingGroup", "AttachLoadBalancerTargetGroups"),
        },
        "AWS::EC2::LaunchTemplate": {
            *("CreateLaunchTemplate", "CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "DeleteLaunchTemplate"),
            *("DescribeLaunchTemplates", "DescribeLaunchTemplateVersions", "CreateTags", "RunInstances"),
        },
        "AWS::EC2::SecurityGroup": {
            *("CreateSecurityGroup", "DeleteSecurityGroup", "AuthorizeSecurityGroupIngress"),
            *("AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
            *("DescribeSecurityGroups", "CreateTags"),
        },
        "AWS::EC2::SecurityGroupIngress": {"AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"},
        "AWS::ElasticLoadBalancingV2::LoadBalancer": {
            *("CreateLoadBalancer", "DeleteLoadBalancer", "DescribeLoadBalancers", "ModifyLoadBalancerAttributes"),
            *("DescribeLoadBalancerAttributes", "SetSecurityGroups", "SetSubnets", "AddTags"),
        },
        "AWS::ElasticLoadBalancingV2::TargetGroup": {
            *("CreateTargetGroup", "DeleteTargetGroup", "ModifyTargetGroup", "ModifyTargetGroupAttributes"),
            *("DescribeTargetGroups", "DescribeTargetGroupAttributes", "AddTags"),
        },
        "AWS::ElasticLoadBalancingV2::Listener": {
            *("CreateListener", "DeleteListener", "ModifyListener", "DescribeListeners"),
        },
    }
    services = {"AutoScaling": "autoscaling", "EC2": "ec2", "ElasticLoadBalancingV2": "elasticloadbalancing"}
    assert set(parse(APPLICATION).resource_types) == set(needed)
    assert all(schemas.exists(kind) for kind in needed)
    missing = {
        f"{services[kind.split('::')[1]]}:{call}"
        for kind, calls in needed.items()
        for call in calls
        if f"{services[kind.split('::')[1]]}:{call}" not in allowed
    }
    assert missing == set()


def test_the_service_role_writes_nothing_everywhere_and_passes_one_role_to_ec2(outputs: dict[str, str]) -> None:
    for said in service_role(outputs):
        if said["Resource"] == ["*"]:
            assert all(action.split(":")[1].startswith("Describe") for action in said["Action"]), said
        assert not any("*" in action for action in said["Action"])
    (passing,) = [said for said in service_role(outputs) if "iam:PassRole" in said["Action"]]
    profile = boto3.client("iam").get_instance_profile(InstanceProfileName=outputs["InstanceProfileName"])
    assert passing["Resource"] == [profile["InstanceProfile"]["Roles"][0]["Arn"]]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    (linked,) = [said for said in service_role(outputs) if "iam:CreateServiceLinkedRole" in said["Action"]]
    assert linked["Condition"]["StringEquals"]["iam:AWSServiceName"] == [
        "autoscaling.amazonaws.com",
        "elasticloadbalancing.amazonaws.com",
    ]
    iam = {action for said in service_role(outputs) for action in said["Action"] if action.startswith("iam:")}
    assert iam == {"iam:PassRole", "iam:CreateServiceLinkedRole"}


@pytest.mark.parametrize("value", ["10.0.0.0/8", "10.0.0.0", "300.0.0.0/16", "anything"])
def test_a_network_that_cannot_be_is_refused_with_what_is_accepted(outputs: dict[str, str], value: str) -> None:
    with pytest.raises(ClientError, match="must be an IPv4 network of 16 to 24 bits, such as"):
        boto3.client("cloudformation").create_stack(
            StackName="refused",
            TemplateBody=TEMPLATE,
            Parameters=[{"ParameterKey": "VpcCidr", "ParameterValue": value}],
            Capabilities=["CAPABILITY_IAM"],
        )
