"""Load balancing's resource types: the API returns of each what the template specifies, after creation and updates.

Source: CloudFormation Template Reference, AWS::ElasticLoadBalancingV2::*, with "Update requires" of each property.
"""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.core.errors import NotModelled
from tests.local_aws.ec2.templates import ID, VPC, named, own_tags, resource, subnet
from tests.local_aws.stack_world import StackWorld

pytestmark = pytest.mark.usefixtures("no_stack_is_left")


def balanced(balancer: dict[str, Any], targets: dict[str, Any], listener: dict[str, Any]) -> dict[str, Any]:
    """A load balancer of two subnets, a target group and a listener."""
    return {
        "Vpc": VPC,
        "Gateway": resource("EC2::InternetGateway"),
        "Attachment": resource("EC2::VPCGatewayAttachment", VpcId=ID, InternetGatewayId={"Ref": "Gateway"}),
        "One": subnet(0),
        "Two": subnet(1),
        "Open": resource("EC2::SecurityGroup", GroupDescription="open", VpcId=ID),
        "Closed": resource("EC2::SecurityGroup", GroupDescription="closed", VpcId=ID),
        "Balancer": resource(
            "ElasticLoadBalancingV2::LoadBalancer", Subnets=[{"Ref": "One"}, {"Ref": "Two"}], **balancer
        ),
        "Targets": resource("ElasticLoadBalancingV2::TargetGroup", VpcId=ID, Port=8080, Protocol="HTTP", **targets),
        "Listener": resource("ElasticLoadBalancingV2::Listener", LoadBalancerArn={"Ref": "Balancer"}, **listener),
    }


FORWARD = [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}]


def attributes(answer: dict[str, Any]) -> dict[str, str]:
    """The attributes of a Describe call's answer, by key."""
    return {attribute["Key"]: attribute["Value"] for attribute in answer["Attributes"]}


def test_a_load_balancer_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::ElasticLoadBalancingV2::LoadBalancer, TargetGroup, Listener: attributes, security groups, health checks and
    actions are updated with no interruption."""
    elbv2 = world.client("elbv2")
    first = balanced(
        {
            "Name": "web",
            "Scheme": "internal",
            "SecurityGroups": [{"Ref": "Open"}],
            "LoadBalancerAttributes": [
                {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
                {"Key": "idle_timeout.timeout_seconds", "Value": "30"},
            ],
            "Tags": named("web"),
        },
        {
            "TargetType": "instance",
            "HealthCheckPath": "/health",
            "HealthCheckIntervalSeconds": 10,
            "HealthCheckTimeoutSeconds": 4,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 3,
            "Matcher": {"HttpCode": "200-299"},
            "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "15"}],
            "Tags": named("targets"),
        },
        {"Port": 80, "Protocol": "HTTP", "DefaultActions": FORWARD},
    )
    ids = world.put(first)
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    assert (balancer["LoadBalancerName"], balancer["Scheme"], balancer["SecurityGroups"], balancer["Type"]) == (
        "web",
        "internal",
        [ids["Open"]],
        "application",
    )
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == {ids["One"], ids["Two"]}
    of_balancer = attributes(elbv2.describe_load_balancer_attributes(LoadBalancerArn=ids["Balancer"]))
    assert of_balancer["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert of_balancer["idle_timeout.timeout_seconds"] == "30"
    (group,) = elbv2.describe_target_groups()["TargetGroups"]
    assert {name: group[name] for name in first["Targets"]["Properties"] if name in group and name != "VpcId"} == {
        "Port": 8080,
        "Protocol": "HTTP",
        "TargetType": "instance",
        "HealthCheckPath": "/health",
        "HealthCheckIntervalSeconds": 10,
        "HealthCheckTimeoutSeconds": 4,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 3,
        "Matcher": {"HttpCode": "200-299"},
    }
    assert group["VpcId"] == ids["Vpc"]
    assert (
        attributes(elbv2.describe_target_group_attributes(TargetGroupArn=ids["Targets"]))[
            "deregistration_delay.timeout_seconds"
        ]
        == "15"
    )
    listed = elbv2.describe_tags(ResourceArns=[ids["Balancer"], ids["Targets"]])["TagDescriptions"]
    assert [own_tags(described["Tags"]) for described in listed] == [{"Name": "web"}, {"Name": "targets"}]
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=ids["Balancer"])["Listeners"]
    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")
    assert [action["TargetGroupArn"] for action in listener["DefaultActions"]] == [ids["Targets"]]

    second = balanced(
        {
            "Name": "web",
            "Scheme": "internal",
            "SecurityGroups": [{"Ref": "Closed"}],
            "LoadBalancerAttributes": [
                {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "false"},
                {"Key": "idle_timeout.timeout_seconds", "Value": "90"},
            ],
        },
        {
            "TargetType": "instance",
            "HealthCheckPath": "/",
            "HealthCheckIntervalSeconds": 20,
            "HealthCheckTimeoutSeconds": 5,
            "HealthyThresholdCount": 4,
            "UnhealthyThresholdCount": 5,
            "Matcher": {"HttpCode": "200"},
            "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "60"}],
            "Tags": named("others"),
        },
        {
            "Port": 81,
            "Protocol": "HTTP",
            "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
        },
    )
    assert world.put(second) == ids
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    assert balancer["SecurityGroups"] == [ids["Closed"]]
    of_balancer = attributes(elbv2.describe_load_balancer_attributes(LoadBalancerArn=ids["Balancer"]))
    assert of_balancer["routing.http.drop_invalid_header_fields.enabled"] == "false"
    assert of_balancer["idle_timeout.timeout_seconds"] == "90"
    (group,) = elbv2.describe_target_groups()["TargetGroups"]
    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"], group["HealthCheckTimeoutSeconds"]) == (
        "/",
        20,
        5,
    )
    assert (group["HealthyThresholdCount"], group["UnhealthyThresholdCount"], group["Matcher"]) == (
        4,
        5,
        {"HttpCode": "200"},
    )
    assert (
        attributes(elbv2.describe_target_group_attributes(TargetGroupArn=ids["Targets"]))[
            "deregistration_delay.timeout_seconds"
        ]
        == "60"
    )
    listed = elbv2.describe_tags(ResourceArns=[ids["Balancer"], ids["Targets"]])["TagDescriptions"]
    assert [own_tags(described["Tags"]) for described in listed] == [{}, {"Name": "others"}]
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=ids["Balancer"])["Listeners"]
    assert listener["Port"] == 81
    assert [action["FixedResponseConfig"]["StatusCode"] for action in listener["DefaultActions"]] == ["503"]
    world.remove()
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
    assert elbv2.describe_target_groups()["TargetGroups"] == []


def test_a_target_is_not_in_use_without_a_load_balancer_and_in_a_zone_that_it_does_not_have(world: StackWorld) -> None:
    """Elastic Load Balancing API reference, TargetHealth, Target.NotInUse; TargetGroup, LoadBalancerArns."""
    elbv2 = world.client("elbv2")
    third = {"Three": resource("EC2::Subnet", VpcId=ID, CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1c")}
    used = {**balanced({}, {}, {"Port": 80, "Protocol": "HTTP", "DefaultActions": FORWARD}), **third}
    ids = world.put({name: part for name, part in used.items() if name != "Listener"})
    instances = [
        world.ec2.run_instances(ImageId=world.old_ami, MinCount=1, MaxCount=1, SubnetId=ids[name])["Instances"][0]
        for name in ("One", "Three")
    ]
    inside, outside = (instance["InstanceId"] for instance in instances)
    elbv2.register_targets(TargetGroupArn=ids["Targets"], Targets=[{"Id": inside}, {"Id": outside}])

    def balancers() -> list[str]:
        (group,) = elbv2.describe_target_groups(TargetGroupArns=[ids["Targets"]])["TargetGroups"]
        return list(group.get("LoadBalancerArns", []))

    def states() -> dict[str, tuple[str, str | None]]:
        described = elbv2.describe_target_health(TargetGroupArn=ids["Targets"])["TargetHealthDescriptions"]
        healths = {description["Target"]["Id"]: description["TargetHealth"] for description in described}
        return {target: (health["State"], health.get("Reason")) for target, health in healths.items()}

    not_in_use = ("unused", "Target.NotInUse")
    assert balancers() == [] and states() == {inside: not_in_use, outside: not_in_use}
    world.put(used)
    world.clock.sleep(600)
    assert balancers() == [ids["Balancer"]] and states() == {inside: ("healthy", None), outside: not_in_use}
    world.put({name: part for name, part in used.items() if name != "Listener"})
    assert balancers() == [] and states() == {inside: not_in_use, outside: not_in_use}
    world.ec2.terminate_instances(InstanceIds=[inside, outside])


def test_a_target_is_known_by_its_port(world: StackWorld) -> None:
    """Elastic Load Balancing API reference, DescribeTargetHealth, TargetDescription; TargetHealth: a deregistered
    target drains, and any other is not registered."""
    elbv2 = world.client("elbv2")
    vpc = world.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = elbv2.create_target_group(Name="ports", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"]
    group = made[0]["TargetGroupArn"]
    instance = world.ec2.run_instances(ImageId=world.old_ami, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": instance, "Port": 8080}])

    def asked(port: int) -> tuple[int, str, str]:
        answer = elbv2.describe_target_health(TargetGroupArn=group, Targets=[{"Id": instance, "Port": port}])
        (found,) = answer["TargetHealthDescriptions"]
        return found["Target"]["Port"], found["TargetHealth"]["State"], found["TargetHealth"]["Reason"]

    assert asked(8080) == (8080, "unused", "Target.NotInUse")
    assert asked(80) == (80, "unused", "Target.NotRegistered")
    with pytest.raises(NotModelled, match="two ports"):
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": instance, "Port": 80}])
    elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": instance, "Port": 8080}])
    assert asked(8080) == (8080, "draining", "Target.DeregistrationInProgress")
    assert asked(80) == (80, "unused", "Target.NotRegistered")
    elbv2.delete_target_group(TargetGroupArn=group)
    world.ec2.terminate_instances(InstanceIds=[instance])


def test_a_listener_rule_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::ElasticLoadBalancingV2::ListenerRule: actions, conditions and priority are updated with no interruption."""
    elbv2 = world.client("elbv2")

    def ruled(path: str, priority: int) -> dict[str, Any]:
        rule = resource(
            "ElasticLoadBalancingV2::ListenerRule",
            ListenerArn={"Ref": "Listener"},
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [path]}],
            Actions=FORWARD,
        )
        return {**balanced({}, {}, {"Port": 80, "Protocol": "HTTP", "DefaultActions": FORWARD}), "Rule": rule}

    for path, priority in (("/a", 5), ("/b", 7)):
        ids = world.put(ruled(path, priority))
        rules = elbv2.describe_rules(ListenerArn=ids["Listener"])["Rules"]
        (rule,) = [listed for listed in rules if not listed["IsDefault"]]
        assert (rule["RuleArn"], rule["Priority"]) == (ids["Rule"], str(priority))
        assert rule["Conditions"][0]["Values"] == [path]
        assert rule["Actions"][0]["TargetGroupArn"] == ids["Targets"]
    world.remove()
