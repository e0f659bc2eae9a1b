"""The sample application on its network: created, updated, scaled and deleted, as each service's own API shows it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.aws import LocalAws
from local_aws.cloudformation.reader import read_template
from rehearsal.deployment import REPOSITORY
from tests.workflow.rollout import amis, ids
from tests.workflow.running import describe, instances, outputs, parameters

TEMPLATES = {name: (REPOSITORY / "infrastructure" / f"{name}.yaml").read_text() for name in ("network", "application")}


class Site:
    """An embedded AWS with the network's stack, and two AMIs to run the application on."""

    def __init__(self, aws: LocalAws) -> None:
        self.clock = aws.clock
        self.cloudformation = boto3.client("cloudformation")
        self.cloudformation.create_stack(
            StackName="network", TemplateBody=TEMPLATES["network"], Capabilities=["CAPABILITY_IAM"]
        )
        self.network = outputs("network")
        ec2 = boto3.client("ec2")
        self.old, self.new = (
            ec2.register_image(Name=name, RootDeviceName="/dev/xvda", Architecture="x86_64")["ImageId"]
            for name in ("old", "new")
        )

    def create(self, name: str, template: str, **parameters: str) -> None:
        """Create an application's stack with the service role of the network's stack."""
        self.cloudformation.create_stack(
            StackName=name,
            TemplateBody=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            RoleARN=self.network["ApplicationServiceRoleArn"],
        )
        assert describe(name)["StackStatus"] == "CREATE_COMPLETE", describe(name).get("StackStatusReason")

    def given(self, **changed: str) -> dict[str, str]:
        return {
            "AmazonMachineImage": self.old,
            "VpcId": self.network["VpcId"],
            "SubnetIds": self.network["SubnetIds"],
            "InstanceProfileName": self.network["InstanceProfileName"],
            "ClientCidr": "203.0.113.0/24",
            **changed,
        }

    def update(self, name: str, seconds: float = 1800, **changed: str) -> str:
        values = [
            {"ParameterKey": key, "ParameterValue": changed[key]}
            if key in changed
            else {"ParameterKey": key, "UsePreviousValue": True}
            for key in parameters(name)
        ]
        self.cloudformation.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=values)  # type: ignore[arg-type]
        self.clock.sleep(seconds)
        return str(describe(name)["StackStatus"])

    def physical_id(self, stack: str, logical_id: str) -> str:
        resource = self.cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
        return resource["StackResourceDetail"]["PhysicalResourceId"]

    def health(self, stack: str) -> dict[str, str]:
        arn = self.physical_id(stack, "AppTargetGroup")
        targets = boto3.client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return {target["Target"]["Id"]: target["TargetHealth"]["State"] for target in targets}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with LocalAws() as aws:
        site = Site(aws)
        site.create("app", TEMPLATES["application"], **site.given())
        yield site


def user_data(site: Site) -> str:
    """The script that the instances of the stack app run when they boot, as EC2 returns it."""
    identifier = site.physical_id("app", "AppLaunchTemplate")
    versions = boto3.client("ec2").describe_launch_template_versions(LaunchTemplateId=identifier, Versions=["$Latest"])
    return base64.b64decode(versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]["UserData"]).decode()


def test_the_instances_are_in_two_zones_behind_the_load_balancer(site: Site) -> None:
    running = instances("app")
    assert [instance["ImageId"] for instance in running] == [site.old, site.old]
    assert len({instance["SubnetId"] for instance in running}) == 2
    assert site.health("app") == {instance["InstanceId"]: "healthy" for instance in running}
    elbv2 = boto3.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers(LoadBalancerArns=[site.physical_id("app", "AppLoadBalancer")])[
        "LoadBalancers"
    ]
    assert (balancer["Scheme"], balancer["Type"]) == ("internet-facing", "application")
    assert outputs("app")["ApplicationUrl"] == f"http://{balancer['DNSName']}"
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert listener["DefaultActions"][0]["TargetGroupArn"] == site.physical_id("app", "AppTargetGroup")


def test_clients_reach_the_load_balancer_and_only_it_reaches_the_instances(site: Site) -> None:
    ec2 = boto3.client("ec2")

    def rules(logical_id: str) -> tuple[list[Any], list[Any]]:
        (group,) = ec2.describe_security_groups(GroupIds=[site.physical_id("app", logical_id)])["SecurityGroups"]
        return list(group["IpPermissions"]), list(group["IpPermissionsEgress"])

    ingress, egress = rules("LoadBalancerSecurityGroup")
    assert [(rule["FromPort"], rule["IpRanges"][0]["CidrIp"]) for rule in ingress] == [(80, "203.0.113.0/24")]
    assert [rule["UserIdGroupPairs"][0]["GroupId"] for rule in egress] == [site.physical_id("app", "AppSecurityGroup")]
    (ingress_rule,), egress = rules("AppSecurityGroup")
    assert ingress_rule["IpRanges"] == []
    assert ingress_rule["UserIdGroupPairs"][0]["GroupId"] == site.physical_id("app", "LoadBalancerSecurityGroup")
    assert [(rule["FromPort"], rule["IpRanges"][0]["CidrIp"]) for rule in egress] == [(443, "0.0.0.0/0")]


def test_instances_need_version_2_of_the_metadata_service_and_have_encrypted_volumes(site: Site) -> None:
    identifier = site.physical_id("app", "AppLaunchTemplate")
    versions = boto3.client("ec2").describe_launch_template_versions(LaunchTemplateId=identifier, Versions=["$Latest"])
    data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert data["IamInstanceProfile"]["Name"] == site.network["InstanceProfileName"]
    script = user_data(site)
    assert site.physical_id("app", "AppTargetGroup") in script and "describe-target-health" in script
    assert script.index("describe-target-health") < script.index("signal --exit-code 0")


def test_an_instance_that_is_never_healthy_signals_failure_before_the_group_replaces_it(site: Site) -> None:
    """Amazon EC2 Auto Scaling User Guide, "Set the health check grace period for an Auto Scaling group": a terminated
    instance cannot signal. The embedded AWS does not run user data, and has to wait as long as ours does."""
    assumed = AutoScalingSettings()
    script = user_data(site)
    (attempts,) = re.findall(r"for attempt in \{1\.\.(\d+)\}", script)
    (pause,) = re.findall(r"sleep (\d+)", script)
    patience = int(attempts) * int(pause)
    assert patience == assumed.load_balancer_patience_seconds
    (group,) = boto3.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[site.physical_id("app", "AppAutoScalingGroup")]
    )["AutoScalingGroups"]
    assert group["HealthCheckType"] == "ELB"
    # Each attempt takes a second or two in addition to its pause.
    assert group["HealthCheckGracePeriod"] > assumed.instance_boot_seconds + patience + 2 * int(attempts)
    creation = read_template(TEMPLATES["application"])["Resources"]["AppAutoScalingGroup"]["CreationPolicy"]
    assert creation["ResourceSignal"]["Timeout"] == "PT15M" and group["HealthCheckGracePeriod"] < 15 * 60


def test_a_new_ami_creates_a_new_group_that_signals_when_its_instances_are_healthy(site: Site) -> None:
    site.create("blue-green", TEMPLATES["application"], **site.given())
    before, group = ids("blue-green"), site.physical_id("blue-green", "AppAutoScalingGroup")
    assert site.update("blue-green", seconds=100, AmazonMachineImage=site.new) == "UPDATE_IN_PROGRESS"
    fresh = set(site.health("blue-green")) - before
    # They boot still, and have failed two health checks: this is what the grace period of the group is for.
    assert {site.health("blue-green")[instance_id] for instance_id in fresh} == {"unhealthy"} and len(fresh) == 2
    assert {site.health("blue-green")[instance_id] for instance_id in before} == {"healthy"}, (
        "the old group still serves"
    )
    site.clock.sleep(1800)
    assert describe("blue-green")["StackStatus"] == "UPDATE_COMPLETE"
    assert site.physical_id("blue-green", "AppAutoScalingGroup") != group
    assert ids("blue-green") == fresh and amis("blue-green") == {site.new}
    assert set(site.health("blue-green").values()) == {"healthy"}


def test_a_rolling_update_replaces_one_instance_after_another_in_the_same_group(site: Site) -> None:
    site.create("rolling", TEMPLATES["application"], **site.given(UpdateBy="RollingUpdate", MinSize="1"))
    before, group = ids("rolling"), site.physical_id("rolling", "AppAutoScalingGroup")
    assert site.update("rolling", seconds=3600, AmazonMachineImage=site.new) == "UPDATE_COMPLETE"
    assert site.physical_id("rolling", "AppAutoScalingGroup") == group
    assert ids("rolling").isdisjoint(before) and amis("rolling") == {site.new}


def test_scaling_out_launches_instances_that_become_healthy(site: Site) -> None:
    site.create("scaled", TEMPLATES["application"], **site.given())
    before = ids("scaled")
    boto3.client("autoscaling").set_desired_capacity(
        AutoScalingGroupName=site.physical_id("scaled", "AppAutoScalingGroup"), DesiredCapacity=4
    )
    site.clock.sleep(30)
    fresh = set(site.health("scaled")) - before
    assert len(fresh) == 2 and {site.health("scaled")[instance_id] for instance_id in fresh} == {"initial"}
    site.clock.sleep(600)
    assert list(site.health("scaled").values()) == ["healthy"] * 4


def test_deletion_leaves_nothing_behind(site: Site) -> None:
    def resource_counts() -> list[int]:
        elbv2, ec2 = boto3.client("elbv2"), boto3.client("ec2")
        running = ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
        return [
            len(elbv2.describe_load_balancers()["LoadBalancers"]),
            len(elbv2.describe_target_groups()["TargetGroups"]),
            len(ec2.describe_security_groups()["SecurityGroups"]),
            len(ec2.describe_launch_templates()["LaunchTemplates"]),
            len(boto3.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]),
            len(running["Reservations"]),
        ]

    before = resource_counts()
    site.create("gone", TEMPLATES["application"], **site.given())
    assert resource_counts() != before
    site.cloudformation.delete_stack(StackName="gone")
    site.clock.sleep(600)
    assert resource_counts() == before


@pytest.mark.parametrize(
    ("parameter", "value", "accepted"),
    [
        ("ClientCidr", "everywhere", "must be a range of IPv4 addresses, such as 203.0.113.0/24"),
        ("InstanceType", "small", "must be an instance type, such as t3.micro"),
        ("DesiredCapacity", "1000", "must be a whole number from 0 to 100"),
        ("UpdateBy", "Magic", "must be ReplacingUpdate or RollingUpdate"),
    ],
)
def test_an_invalid_parameter_is_refused_with_what_is_accepted(
    site: Site, parameter: str, value: str, accepted: str
) -> None:
    with pytest.raises(ClientError) as refused:
        site.create("refused", TEMPLATES["application"], **site.given(**{parameter: value}))
    assert accepted in refused.value.response["Error"]["Message"]


def test_subnets_of_another_vpc_are_refused(site: Site) -> None:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    with pytest.raises(ClientError) as refused:
        site.create("elsewhere", TEMPLATES["application"], **site.given(SubnetIds=subnet))
    assert "Every one of SubnetIds must be a subnet of VpcId" in refused.value.response["Error"]["Message"]


def test_a_rolling_update_without_room_for_it_is_refused(site: Site) -> None:
    """CloudFormation User Guide, "UpdatePolicy attribute": MinInstancesInService must be below the group's MaxSize,
    which CloudFormation itself checks only in the middle of the update."""
    with pytest.raises(ClientError) as refused:
        site.create("tight", TEMPLATES["application"], **site.given(UpdateBy="RollingUpdate", MinSize="2", MaxSize="2"))
    assert "For a RollingUpdate, MaxSize must be above MinSize" in refused.value.response["Error"]["Message"]
