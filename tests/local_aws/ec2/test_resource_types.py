"""EC2's and Elastic Load Balancing's resource types: what a template says of each is what its service answers.

Source: CloudFormation Template Reference, the page of each type, with "Update requires" of each property.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.stack_world import StackWorld, stack_world


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with stack_world() as found:
        yield found


@pytest.fixture(autouse=True)
def _no_stack_is_left(world: StackWorld) -> Iterator[None]:
    yield
    world.cloudformation.delete_stack(StackName="one")


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def named(name: str) -> list[dict[str, str]]:
    return [{"Key": "Name", "Value": name}]


def own_tags(found: list[dict[str, str]]) -> dict[str, str]:
    """The tags but for those of CloudFormation."""
    return {tag["Key"]: tag["Value"] for tag in found if not tag["Key"].startswith("aws:")}


VPC = resource("EC2::VPC", CidrBlock="10.0.0.0/16")
ID = {"Ref": "Vpc"}


def subnet(number: int, **properties: Any) -> dict[str, Any]:
    zone = f"us-east-1{'ab'[number]}"
    return resource("EC2::Subnet", VpcId=ID, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone, **properties)


# -- EC2 --------------------------------------------------------------------------------------------------------------


def test_a_vpc_and_a_subnet_are_what_the_template_says(world: StackWorld) -> None:
    """AWS::EC2::VPC, AWS::EC2::Subnet: what is said of DNS and of public addresses is updated with no interruption."""
    ec2 = world.ec2

    def settings(vpc: str, subnet_id: str) -> tuple[bool, bool, bool]:
        attributes = [
            ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name)[name[0].upper() + name[1:]]["Value"]
            for name in ("enableDnsSupport", "enableDnsHostnames")
        ]
        (found,) = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
        return attributes[0], attributes[1], found["MapPublicIpOnLaunch"]

    first = {
        "Vpc": resource(
            "EC2::VPC",
            CidrBlock="10.0.0.0/16",
            InstanceTenancy="default",
            EnableDnsSupport=True,
            EnableDnsHostnames=True,
            Tags=named("one"),
        ),
        "Subnet": subnet(0, MapPublicIpOnLaunch=True, Tags=named("one")),
    }
    ids = world.put(first)
    assert settings(ids["Vpc"], ids["Subnet"]) == (True, True, True)
    (vpc,) = ec2.describe_vpcs(VpcIds=[ids["Vpc"]])["Vpcs"]
    (found,) = ec2.describe_subnets(SubnetIds=[ids["Subnet"]])["Subnets"]
    assert (vpc["CidrBlock"], vpc["InstanceTenancy"], own_tags(vpc["Tags"])) == (
        "10.0.0.0/16",
        "default",
        {"Name": "one"},
    )
    assert (found["CidrBlock"], found["AvailabilityZone"], found["VpcId"], own_tags(found["Tags"])) == (
        "10.0.0.0/24",
        "us-east-1a",
        ids["Vpc"],
        {"Name": "one"},
    )
    assert {tag["Key"] for tag in vpc["Tags"]} > {"aws:cloudformation:stack-name", "aws:cloudformation:logical-id"}
    second = {
        "Vpc": resource("EC2::VPC", CidrBlock="10.0.0.0/16", EnableDnsSupport=False, Tags=named("two")),
        "Subnet": subnet(0),
    }
    assert world.put(second) == ids
    assert settings(ids["Vpc"], ids["Subnet"]) == (False, False, False)
    (vpc,) = ec2.describe_vpcs(VpcIds=[ids["Vpc"]])["Vpcs"]
    (found,) = ec2.describe_subnets(SubnetIds=[ids["Subnet"]])["Subnets"]
    assert (own_tags(vpc["Tags"]), own_tags(found["Tags"])) == ({"Name": "two"}, {})
    world.remove()
    with pytest.raises(ClientError, match="InvalidVpcID"):
        ec2.describe_vpcs(VpcIds=[ids["Vpc"]])


def test_routes_lead_where_the_template_says(world: StackWorld) -> None:
    """AWS::EC2::Route: its target is updated with no interruption. AWS::EC2::VPCGatewayAttachment, RouteTable,
    SubnetRouteTableAssociation, InternetGateway."""

    def network(gateway: dict[str, Any]) -> dict[str, Any]:
        return {
            "Vpc": VPC,
            "Subnet": subnet(0),
            "Gateway": resource("EC2::InternetGateway", Tags=named("way out")),
            "Attachment": resource("EC2::VPCGatewayAttachment", VpcId=ID, InternetGatewayId={"Ref": "Gateway"}),
            "Address": resource("EC2::EIP", Domain="vpc"),
            "Nat": resource(
                "EC2::NatGateway", AllocationId={"Fn::GetAtt": "Address.AllocationId"}, SubnetId={"Ref": "Subnet"}
            ),
            "Table": resource("EC2::RouteTable", VpcId=ID, Tags=named("public")),
            "Association": resource(
                "EC2::SubnetRouteTableAssociation", RouteTableId={"Ref": "Table"}, SubnetId={"Ref": "Subnet"}
            ),
            "Route": {
                **resource("EC2::Route", RouteTableId={"Ref": "Table"}, DestinationCidrBlock="0.0.0.0/0", **gateway),
                "DependsOn": "Attachment",
            },
        }

    def default_route(table: str) -> dict[str, Any]:
        (found,) = world.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        assert own_tags(found["Tags"]) == {"Name": "public"}
        (route,) = [each for each in found["Routes"] if each["DestinationCidrBlock"] == "0.0.0.0/0"]
        return {"subnets": [each["SubnetId"] for each in found["Associations"] if "SubnetId" in each], **route}

    ids = world.put(network({"GatewayId": {"Ref": "Gateway"}}))
    route = default_route(ids["Table"])
    assert (route["GatewayId"], route["subnets"]) == (ids["Gateway"], [ids["Subnet"]])
    (gateway,) = world.ec2.describe_internet_gateways(InternetGatewayIds=[ids["Gateway"]])["InternetGateways"]
    assert own_tags(gateway["Tags"]) == {"Name": "way out"}
    assert [each["VpcId"] for each in gateway["Attachments"]] == [ids["Vpc"]]
    assert world.put(network({"NatGatewayId": {"Ref": "Nat"}})) == ids
    route = default_route(ids["Table"])
    assert route["NatGatewayId"] == ids["Nat"]
    assert not route.get("GatewayId")
    world.remove()
    gateways = world.ec2.describe_internet_gateways()["InternetGateways"]
    assert ids["Gateway"] not in [gateway["InternetGatewayId"] for gateway in gateways]
    assert world.ec2.describe_addresses()["Addresses"] == []


def test_a_security_group_has_the_rules_of_the_template_and_no_other(world: StackWorld) -> None:
    """AWS::EC2::SecurityGroup: its rules are updated with no interruption; with SecurityGroupEgress the default rule,
    which lets everything out, is not there. Rules of AWS::EC2::SecurityGroupIngress are left alone."""

    def rules(group: str) -> dict[str, list[Any]]:
        found = world.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
        shown: dict[str, list[Any]] = {"in": [], "out": []}
        for rule in found["SecurityGroupRules"]:
            peer = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule["ReferencedGroupInfo"]["GroupId"]
            ports = (rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort"))
            shown["out" if rule["IsEgress"] else "in"].append((*ports, peer, rule.get("Description")))
        return shown

    def group(ingress: list[Any], egress: list[Any] | None) -> dict[str, Any]:
        given = {} if egress is None else {"SecurityGroupEgress": egress}
        return {
            "Vpc": VPC,
            "Group": resource(
                "EC2::SecurityGroup",
                GroupDescription="web",
                GroupName="web",
                VpcId=ID,
                Tags=named("web"),
                SecurityGroupIngress=ingress,
                **given,
            ),
            "Peer": resource("EC2::SecurityGroup", GroupDescription="peer", VpcId=ID),
            "Separate": resource(
                "EC2::SecurityGroupIngress",
                GroupId={"Ref": "Group"},
                IpProtocol="tcp",
                FromPort=22,
                ToPort=22,
                SourceSecurityGroupId={"Ref": "Peer"},
                Description="administration",
            ),
        }

    http = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0", "Description": "HTTP"}
    six = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIpv6": "::/0"}
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0", "Description": "endpoints"}
    to_peer = {"IpProtocol": "-1", "DestinationSecurityGroupId": {"Fn::GetAtt": ["Peer", "GroupId"]}}
    anywhere = ("-1", -1, -1, "0.0.0.0/0", None)
    ids = world.put(group([http, six], [https]))
    separate = ("tcp", 22, 22, ids["Peer"], "administration")
    found = rules(ids["Group"])
    assert set(found["in"]) == {
        ("tcp", 80, 80, "0.0.0.0/0", "HTTP"),
        ("tcp", 80, 80, "::/0", None),
        separate,
    }
    assert found["out"] == [("tcp", 443, 443, "0.0.0.0/0", "endpoints")]
    assert [rule[3] for rule in rules(ids["Peer"])["out"]] == ["0.0.0.0/0"]
    (shown,) = world.ec2.describe_security_groups(GroupIds=[ids["Group"]])["SecurityGroups"]
    assert (shown["GroupName"], shown["Description"], shown["VpcId"], own_tags(shown["Tags"])) == (
        "web",
        "web",
        ids["Vpc"],
        {"Name": "web"},
    )
    assert world.put(group([six], [to_peer])) == ids
    found = rules(ids["Group"])
    assert set(found["in"]) == {("tcp", 80, 80, "::/0", None), separate}
    assert [rule[3] for rule in found["out"]] == [ids["Peer"]]
    assert world.put(group([], None)) == ids
    found = rules(ids["Group"])
    assert found["in"] == [separate]
    assert found["out"] == [anywhere]
    world.remove()
    with pytest.raises(ClientError, match="InvalidGroup"):
        world.ec2.describe_security_groups(GroupIds=[ids["Group"]])


def test_an_endpoint_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::EC2::VPCEndpoint: its route tables, its security groups and its policy are updated with no interruption."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]}

    def endpoints(table: str, groups: list[str], document: dict[str, Any]) -> dict[str, Any]:
        made = {name: resource("EC2::SecurityGroup", GroupDescription=name, VpcId=ID) for name in ("One", "Two")}
        tables = {name: resource("EC2::RouteTable", VpcId=ID) for name in ("Left", "Right")}
        return {
            "Vpc": VPC,
            "Subnet": subnet(0),
            **made,
            **tables,
            "Storage": resource(
                "EC2::VPCEndpoint",
                VpcId=ID,
                ServiceName="com.amazonaws.us-east-1.s3",
                RouteTableIds=[{"Ref": table}],
                PolicyDocument=document,
                Tags=named("storage"),
            ),
            "Systems": resource(
                "EC2::VPCEndpoint",
                VpcId=ID,
                ServiceName="com.amazonaws.us-east-1.ssm",
                VpcEndpointType="Interface",
                SubnetIds=[{"Ref": "Subnet"}],
                SecurityGroupIds=[{"Ref": name} for name in groups],
                PrivateDnsEnabled=True,
            ),
        }

    def described(identifier: str) -> dict[str, Any]:
        (found,) = world.ec2.describe_vpc_endpoints(VpcEndpointIds=[identifier])["VpcEndpoints"]
        return dict(found)

    ids = world.put(endpoints("Left", ["One"], policy))
    storage, systems = described(ids["Storage"]), described(ids["Systems"])
    assert (storage["VpcEndpointType"], storage["RouteTableIds"]) == ("Gateway", [ids["Left"]])
    assert (storage["PolicyDocument"], own_tags(storage["Tags"])) == (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]}',
        {"Name": "storage"},
    )
    assert (systems["SubnetIds"], [group["GroupId"] for group in systems["Groups"]]) == ([ids["Subnet"]], [ids["One"]])
    assert systems["PrivateDnsEnabled"] is True
    assert world.put(endpoints("Right", ["One", "Two"], {**policy, "Statement": []})) == ids
    storage, systems = described(ids["Storage"]), described(ids["Systems"])
    assert storage["RouteTableIds"] == [ids["Right"]]
    tables = world.ec2.describe_route_tables(RouteTableIds=[ids["Left"], ids["Right"]])["RouteTables"]
    ways = {table["RouteTableId"]: [route.get("GatewayId") for route in table["Routes"]] for table in tables}
    assert ways == {ids["Left"]: ["local"], ids["Right"]: ["local", ids["Storage"]]}
    assert storage["PolicyDocument"] == '{"Version": "2012-10-17", "Statement": []}'
    assert {group["GroupId"] for group in systems["Groups"]} == {ids["One"], ids["Two"]}
    world.remove()
    assert [
        each["State"] for each in world.ec2.describe_vpc_endpoints()["VpcEndpoints"] if each["State"] != "deleted"
    ] == []


def test_a_flow_log_records_what_the_template_says(world: StackWorld) -> None:
    """AWS::EC2::FlowLog: all but its tags needs replacement."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }

    def logged(traffic: str, owner: str, group: str = "Group") -> dict[str, Any]:
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        return {
            "Vpc": VPC,
            "Group": resource("Logs::LogGroup", LogGroupName="/flows"),
            "Other": resource("Logs::LogGroup", LogGroupName="/others"),
            "Role": resource("IAM::Role", AssumeRolePolicyDocument=trust),
            "Flow": resource(
                "EC2::FlowLog",
                ResourceId=ID,
                ResourceType="VPC",
                TrafficType=traffic,
                LogDestinationType="cloud-watch-logs",
                LogGroupName={"Ref": group},
                DeliverLogsPermissionArn={"Fn::GetAtt": ["Role", "Arn"]},
                MaxAggregationInterval=60,
                Tags=named(owner),
            ),
        }

    ids = world.put(logged("REJECT", "one"))
    (found,) = world.ec2.describe_flow_logs()["FlowLogs"]
    assert (found["ResourceId"], found["TrafficType"], found["LogGroupName"], found["MaxAggregationInterval"]) == (
        ids["Vpc"],
        "REJECT",
        "/flows",
        60,
    )
    assert found["DeliverLogsPermissionArn"].endswith(f":role/{ids['Role']}")
    assert own_tags(found["Tags"]) == {"Name": "one"}
    assert world.put(logged("REJECT", "two")) == ids
    assert own_tags(world.ec2.describe_flow_logs()["FlowLogs"][0]["Tags"]) == {"Name": "two"}
    again = world.put(logged("ALL", "two", "Other"))
    assert {name for name in ids if again[name] != ids[name]} == {"Flow"}
    (found,) = world.ec2.describe_flow_logs()["FlowLogs"]
    assert (found["TrafficType"], found["LogGroupName"]) == ("ALL", "/others")
    world.remove()
    assert world.ec2.describe_flow_logs()["FlowLogs"] == []


def test_a_launch_template_gets_a_version(world: StackWorld) -> None:
    """AWS::EC2::LaunchTemplate: LaunchTemplateData is updated with no interruption, as a new version."""

    def template(**data: Any) -> dict[str, Any]:
        return {
            "Template": resource(
                "EC2::LaunchTemplate",
                LaunchTemplateName="web",
                VersionDescription="of the stack",
                TagSpecifications=[{"ResourceType": "launch-template", "Tags": named("web")}],
                LaunchTemplateData={"ImageId": world.old_ami, **data},
            )
        }

    script = base64.b64encode(b"#!/bin/sh").decode()
    said: dict[str, Any] = {
        "InstanceType": "t3.micro",
        "UserData": script,
        "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeType": "gp3"}}],
        "Monitoring": {"Enabled": True},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": named("web")}],
    }
    ids = world.put(template(**said))
    (shown,) = world.ec2.describe_launch_templates()["LaunchTemplates"]
    assert (shown["LaunchTemplateName"], shown["LatestVersionNumber"], own_tags(shown["Tags"])) == (
        "web",
        1,
        {"Name": "web"},
    )
    assert world.put(template(**{**said, "InstanceType": "t3.small"})) == ids
    versions = world.ec2.describe_launch_template_versions(LaunchTemplateId=ids["Template"])["LaunchTemplateVersions"]
    data = {version["VersionNumber"]: version["LaunchTemplateData"] for version in versions}
    assert data[1] == {"ImageId": world.old_ami, **said}
    assert data[2] == {"ImageId": world.old_ami, **said, "InstanceType": "t3.small"}
    assert {version["VersionDescription"] for version in versions} == {"of the stack"}
    world.remove()
    assert world.ec2.describe_launch_templates()["LaunchTemplates"] == []


# -- Elastic Load Balancing -------------------------------------------------------------------------------------------


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


def attributes(found: dict[str, Any]) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in found["Attributes"]}


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
    found = attributes(elbv2.describe_load_balancer_attributes(LoadBalancerArn=ids["Balancer"]))
    assert found["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert found["idle_timeout.timeout_seconds"] == "30"
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
    assert [own_tags(each["Tags"]) for each in listed] == [{"Name": "web"}, {"Name": "targets"}]
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
    found = attributes(elbv2.describe_load_balancer_attributes(LoadBalancerArn=ids["Balancer"]))
    assert found["routing.http.drop_invalid_header_fields.enabled"] == "false"
    assert found["idle_timeout.timeout_seconds"] == "90"
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
    assert [own_tags(each["Tags"]) for each in listed] == [{}, {"Name": "others"}]
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=ids["Balancer"])["Listeners"]
    assert listener["Port"] == 81
    assert [action["FixedResponseConfig"]["StatusCode"] for action in listener["DefaultActions"]] == ["503"]
    world.remove()
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
    assert elbv2.describe_target_groups()["TargetGroups"] == []


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
        found = elbv2.describe_rules(ListenerArn=ids["Listener"])["Rules"]
        (rule,) = [each for each in found if not each["IsDefault"]]
        assert (rule["RuleArn"], rule["Priority"]) == (ids["Rule"], str(priority))
        assert rule["Conditions"][0]["Values"] == [path]
        assert rule["Actions"][0]["TargetGroupArn"] == ids["Targets"]
    world.remove()
