"""The network, and the roles that applications stand on: read by each service's own API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from local_aws.cloudformation import schemas
from local_aws.cloudformation.parameters import element_type
from local_aws.cloudformation.template import parse
from rehearsal.deployment import REPOSITORY
from tests.infrastructure.templates import PARAMETER_TYPES

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
    assert [subnet["CidrBlock"].rsplit("/", 1)[1] for subnet in subnets] == ["25", "25"], "128 addresses, as described"
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


# What the handlers of the application's resource types ask for by their schemas, but only for properties that our
# template does not have, or could not have.
_NOT_FOR_OUR_TEMPLATE = {
    "autoscaling:EnableMetricsCollection": "MetricsCollection",
    "autoscaling:DisableMetricsCollection": "MetricsCollection",
    "autoscaling:PutNotificationConfiguration": "NotificationConfigurations",
    "autoscaling:DeleteNotificationConfiguration": "NotificationConfigurations",
    "autoscaling:AttachLoadBalancers": "LoadBalancerNames, of Classic Load Balancers",
    "autoscaling:DetachLoadBalancers": "LoadBalancerNames, of Classic Load Balancers",
    "autoscaling:AttachTrafficSources": "TrafficSources",
    "autoscaling:DetachTrafficSources": "TrafficSources",
    "autoscaling:PutLifecycleHook": "LifecycleHookSpecificationList",
    "autoscaling:DeleteLifecycleHook": "LifecycleHookSpecificationList",
    "autoscaling:StartInstanceRefresh": "the UpdatePolicy AutoScalingInstanceRefresh",
    "autoscaling:CancelInstanceRefresh": "the UpdatePolicy AutoScalingInstanceRefresh",
    "cloudwatch:PutMetricAlarm": "scaling policies",
    "cognito-idp:DescribeUserPoolClient": "DefaultActions of the type authenticate-cognito",
    "ec2:Describe*": "the calls that it comes to are named one by one",
    "ec2:DescribeIpamPools": "Ipv4IpamPoolId",
    "ec2:Get*": "instance types by InstanceRequirements",
    "elasticloadbalancing:DeregisterTargets": "Targets",
    "elasticloadbalancing:RegisterTargets": "Targets",
    "elasticloadbalancing:ModifyCapacityReservation": "MinimumLoadBalancerCapacity",
    "elasticloadbalancing:ModifyIpPools": "Ipv4IpamPoolId",
    "elasticloadbalancing:ModifyListenerAttributes": "ListenerAttributes",
    "elasticloadbalancing:SetIpAddressType": "IpAddressType",
    "managed-fleets:*": "the Service Authorization Reference knows no such service, and no policy can name it",
    "ssm:Get*": "an ImageId that is the name of an SSM parameter",
    "vpc-lattice:*": "TrafficSources",
}
# What they do not ask for, and is needed nevertheless.
_BEYOND_THE_HANDLERS = {
    "autoscaling:SetDesiredCapacity": "UpdatePolicy attribute: a rolling update adds instances for a time",
    "autoscaling:TerminateInstanceInAutoScalingGroup": "UpdatePolicy attribute: a rolling update ends the old ones",
    "cloudwatch:DescribeAlarms": "Roll back your CloudFormation stack on alarm breach: the credentials need access",
    "ec2:Describe*": "ec2:Describe* of the group's handler, call by call",
}


def test_the_service_role_may_do_what_the_applications_resource_types_need_and_nothing_more(
    outputs: dict[str, str],
) -> None:
    """CloudFormation CLI user guide, "Resource type schema": `handlers` list the permissions that each needs."""
    allowed = {action for said in service_role(outputs) for action in said["Action"]}
    needed = {
        permission
        for kind in parse(APPLICATION).resource_types
        for handler, said in schemas.schema(kind)["handlers"].items()
        if handler != "list"
        for permission in said["permissions"]
    }
    unneeded = {one for one in needed if any(fnmatchcase(one, pattern) for pattern in _NOT_FOR_OUR_TEMPLATE)}
    assert {one for one in needed - unneeded if not any(fnmatchcase(one, action) for action in allowed)} == set()
    stale = [pattern for pattern in _NOT_FOR_OUR_TEMPLATE if not any(fnmatchcase(one, pattern) for one in needed)]
    assert stale == []
    justified = (needed - {"ec2:Describe*"}) | set(_BEYOND_THE_HANDLERS)
    assert {one for one in allowed if not any(fnmatchcase(one, pattern) for pattern in justified)} == set()


def test_the_service_role_may_look_for_what_the_applications_parameters_name(outputs: dict[str, str]) -> None:
    """Whether CloudFormation does so with the service role or as the caller, where there is one, is on no record."""
    allowed = {action for said in service_role(outputs) for action in said["Action"]}
    kinds = {element_type(said) for said in parse(APPLICATION).parameters.values()}
    needed = {action for kind in kinds for action in PARAMETER_TYPES.get(kind, [])}
    assert needed == {"ec2:DescribeImages", "ec2:DescribeSubnets", "ec2:DescribeVpcs"}
    assert needed <= allowed


def test_the_service_role_writes_nothing_everywhere_and_passes_one_role_to_ec2(outputs: dict[str, str]) -> None:
    for said in service_role(outputs):
        if said["Resource"] == ["*"]:
            assert all(action.split(":")[1].startswith("Describe") for action in said["Action"]), said
        assert all(action.endswith(":Describe*") for action in said["Action"] if "*" in action), said
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


def test_the_subnets_fit_into_the_smallest_network_that_is_accepted(outputs: dict[str, str]) -> None:
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName="small",
        TemplateBody=TEMPLATE,
        Parameters=[{"ParameterKey": "VpcCidr", "ParameterValue": "10.7.7.0/24"}],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloudformation.describe_stacks(StackName="small")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    ids = next(one["OutputValue"] for one in stack["Outputs"] if one["OutputKey"] == "SubnetIds")
    subnets = boto3.client("ec2").describe_subnets(SubnetIds=ids.split(","))["Subnets"]
    assert {subnet["CidrBlock"] for subnet in subnets} == {"10.7.7.0/25", "10.7.7.128/25"}


@pytest.mark.parametrize("value", ["10.0.0.0/8", "10.0.0.0", "300.0.0.0/16", "anything"])
def test_a_network_that_cannot_be_is_refused_with_what_is_accepted(outputs: dict[str, str], value: str) -> None:
    with pytest.raises(ClientError, match="must be an IPv4 network of 16 to 24 bits, such as"):
        boto3.client("cloudformation").create_stack(
            StackName="refused",
            TemplateBody=TEMPLATE,
            Parameters=[{"ParameterKey": "VpcCidr", "ParameterValue": value}],
            Capabilities=["CAPABILITY_IAM"],
        )
