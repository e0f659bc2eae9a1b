"""The network's stack, and the roles in it that applications use, as each service's own API shows them."""

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
from tests.infrastructure.templates import PARAMETER_TYPES, listed
from tests.workflow.running import describe
from tests.workflow.running import outputs as stack_outputs

TEMPLATE = (REPOSITORY / "infrastructure" / "network.yaml").read_text()
APPLICATION = (REPOSITORY / "infrastructure" / "application.yaml").read_text()


@pytest.fixture(scope="module")
def outputs() -> Iterator[dict[str, str]]:
    with LocalAws():
        create_network("net")
        yield stack_outputs("net")


def create_network(name: str, **parameters: str) -> None:
    boto3.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=TEMPLATE,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    assert describe(name)["StackStatus"] == "CREATE_COMPLETE", describe(name).get("StackStatusReason")


def statements(role: str) -> list[dict[str, Any]]:
    """The statements of the role's inline policies, as IAM returns them."""
    iam = boto3.client("iam")
    documents = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    return [
        {**statement, "Action": listed(statement["Action"]), "Resource": listed(statement["Resource"])}
        for document in documents
        for statement in (json.loads(document) if isinstance(document, str) else document)["Statement"]
    ]


def service_role_statements(outputs: dict[str, str]) -> list[dict[str, Any]]:
    return statements(outputs["ApplicationServiceRoleArn"].rsplit("/", 1)[1])


def test_the_subnets_are_in_two_zones_with_a_route_to_the_internet(outputs: dict[str, str]) -> None:
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


def test_instances_may_ask_for_their_health_and_nothing_else(outputs: dict[str, str]) -> None:
    iam = boto3.client("iam")
    profile = iam.get_instance_profile(InstanceProfileName=outputs["InstanceProfileName"])["InstanceProfile"]
    (role,) = profile["Roles"]
    (statement,) = statements(role["RoleName"])
    assert statement["Action"] == ["elasticloadbalancing:DescribeTargetHealth"]
    attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonSSMManagedInstanceCore"]


def test_the_service_role_is_for_cloudformation_in_this_account(outputs: dict[str, str]) -> None:
    role = boto3.client("iam").get_role(RoleName=outputs["ApplicationServiceRoleArn"].rsplit("/", 1)[1])["Role"]
    document: Any = role["AssumeRolePolicyDocument"]
    (trust,) = document["Statement"]
    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


# Permissions that the schemas of the application's resource types list for their handlers, each with the property that
# it is for: our template does not have it, or could not have it.
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
    "ec2:Describe*": "the role names the calls that are needed one by one",
    "ec2:DescribeIpamPools": "Ipv4IpamPoolId",
    "ec2:Get*": "instance types by InstanceRequirements",
    "elasticloadbalancing:DeregisterTargets": "Targets",
    "elasticloadbalancing:RegisterTargets": "Targets",
    "elasticloadbalancing:ModifyCapacityReservation": "MinimumLoadBalancerCapacity",
    "elasticloadbalancing:ModifyIpPools": "Ipv4IpamPoolId",
    "elasticloadbalancing:ModifyListenerAttributes": "ListenerAttributes",
    "elasticloadbalancing:SetIpAddressType": "IpAddressType",
    "managed-fleets:*": "the Service Authorization Reference has no such service, and no policy can name it",
    "ssm:Get*": "an ImageId that is the name of an SSM parameter",
    "vpc-lattice:*": "TrafficSources",
}
# Permissions that the schemas do not list, and that are needed nevertheless.
_BEYOND_THE_HANDLERS = {
    "autoscaling:SetDesiredCapacity": "UpdatePolicy attribute: a rolling update adds instances for a time",
    "autoscaling:TerminateInstanceInAutoScalingGroup": "UpdatePolicy attribute: a rolling update removes old instances",
    "cloudwatch:DescribeAlarms": "Roll back your CloudFormation stack on alarm breach: the credentials need access",
    "ec2:Describe*": "the ec2:Describe* of the group's handler, call by call",
}


def test_the_service_role_may_do_what_the_applications_resource_types_need_and_nothing_more(
    outputs: dict[str, str],
) -> None:
    """CloudFormation CLI user guide, "Resource type schema": `handlers` list the permissions that each needs."""
    allowed = {action for statement in service_role_statements(outputs) for action in statement["Action"]}
    needed = {
        permission
        for kind in parse(APPLICATION).resource_types
        for operation, handler in schemas.schema(kind)["handlers"].items()
        if operation != "list"
        for permission in handler["permissions"]
    }
    unneeded = matching(needed, set(_NOT_FOR_OUR_TEMPLATE))
    assert needed - unneeded - matching(needed, allowed) == set()
    stale = [pattern for pattern in _NOT_FOR_OUR_TEMPLATE if not matching(needed, {pattern})]
    assert stale == []
    justified = (needed - {"ec2:Describe*"}) | set(_BEYOND_THE_HANDLERS)
    assert allowed - matching(allowed, justified) == set()


def matching(permissions: set[str], patterns: set[str]) -> set[str]:
    """The permissions that any of the patterns covers."""
    return {permission for permission in permissions if any(fnmatchcase(permission, pattern) for pattern in patterns)}


def test_the_service_role_may_look_up_what_the_applications_parameters_name(outputs: dict[str, str]) -> None:
    """Whether CloudFormation does so with a stack's service role, if it has one, or as the caller is on no record."""
    allowed = {action for statement in service_role_statements(outputs) for action in statement["Action"]}
    kinds = {element_type(parameter) for parameter in parse(APPLICATION).parameters.values()}
    needed = {action for kind in kinds for action in PARAMETER_TYPES.get(kind, [])}
    assert needed == {"ec2:DescribeImages", "ec2:DescribeSubnets", "ec2:DescribeVpcs"}
    assert needed <= allowed


def test_the_service_role_writes_nothing_everywhere_and_passes_one_role_to_ec2(outputs: dict[str, str]) -> None:
    allowed = service_role_statements(outputs)
    for statement in allowed:
        if statement["Resource"] == ["*"]:
            assert all(action.split(":")[1].startswith("Describe") for action in statement["Action"]), statement
        assert all(action.endswith(":Describe*") for action in statement["Action"] if "*" in action), statement
    (passing,) = [statement for statement in allowed if "iam:PassRole" in statement["Action"]]
    profile = boto3.client("iam").get_instance_profile(InstanceProfileName=outputs["InstanceProfileName"])
    assert passing["Resource"] == [profile["InstanceProfile"]["Roles"][0]["Arn"]]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    (linked,) = [statement for statement in allowed if "iam:CreateServiceLinkedRole" in statement["Action"]]
    assert linked["Condition"]["StringEquals"]["iam:AWSServiceName"] == [
        "autoscaling.amazonaws.com",
        "elasticloadbalancing.amazonaws.com",
    ]
    actions = {action for statement in allowed for action in statement["Action"] if action.startswith("iam:")}
    assert actions == {"iam:PassRole", "iam:CreateServiceLinkedRole"}


def test_the_subnets_fit_into_the_smallest_network_that_is_accepted(outputs: dict[str, str]) -> None:
    create_network("small", VpcCidr="10.7.7.0/24")
    ids = stack_outputs("small")["SubnetIds"].split(",")
    subnets = boto3.client("ec2").describe_subnets(SubnetIds=ids)["Subnets"]
    assert {subnet["CidrBlock"] for subnet in subnets} == {"10.7.7.0/25", "10.7.7.128/25"}


@pytest.mark.parametrize("value", ["10.0.0.0/8", "10.0.0.0", "300.0.0.0/16", "anything"])
def test_an_invalid_network_is_refused_with_what_is_accepted(outputs: dict[str, str], value: str) -> None:
    with pytest.raises(ClientError, match="must be an IPv4 network of 16 to 24 bits, such as"):
        create_network("refused", VpcCidr=value)
