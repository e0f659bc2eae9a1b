"""EC2's resource types: the API returns of each what the template specifies, after creation and after an update.

Source: CloudFormation Template Reference, the page of each type, with "Update requires" of each property.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.ec2.templates import ID, VPC, named, own_tags, resource, subnet
from tests.local_aws.stack_world import StackWorld

pytestmark = pytest.mark.usefixtures("no_stack_is_left")


def test_a_vpc_and_a_subnet_are_what_the_template_says(world: StackWorld) -> None:
    """AWS::EC2::VPC, AWS::EC2::Subnet: the settings for DNS and public addresses are updated with no interruption."""
    ec2 = world.ec2

    def settings(vpc: str, subnet_id: str) -> tuple[bool, bool, bool]:
        attributes = [
            ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name)[name[0].upper() + name[1:]]["Value"]
            for name in ("enableDnsSupport", "enableDnsHostnames")
        ]
        (described,) = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
        return attributes[0], attributes[1], described["MapPublicIpOnLaunch"]

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
    (described,) = ec2.describe_subnets(SubnetIds=[ids["Subnet"]])["Subnets"]
    assert (vpc["CidrBlock"], vpc["InstanceTenancy"], own_tags(vpc["Tags"])) == (
        "10.0.0.0/16",
        "default",
        {"Name": "one"},
    )
    assert (described["CidrBlock"], described["AvailabilityZone"], described["VpcId"], own_tags(described["Tags"])) == (
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
    (described,) = ec2.describe_subnets(SubnetIds=[ids["Subnet"]])["Subnets"]
    assert (own_tags(vpc["Tags"]), own_tags(described["Tags"])) == ({"Name": "two"}, {})
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
        (described,) = world.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        assert own_tags(described["Tags"]) == {"Name": "public"}
        (route,) = [entry for entry in described["Routes"] if entry["DestinationCidrBlock"] == "0.0.0.0/0"]
        return {"subnets": [entry["SubnetId"] for entry in described["Associations"] if "SubnetId" in entry], **route}

    ids = world.put(network({"GatewayId": {"Ref": "Gateway"}}))
    route = default_route(ids["Table"])
    assert (route["GatewayId"], route["subnets"]) == (ids["Gateway"], [ids["Subnet"]])
    (gateway,) = world.ec2.describe_internet_gateways(InternetGatewayIds=[ids["Gateway"]])["InternetGateways"]
    assert own_tags(gateway["Tags"]) == {"Name": "way out"}
    assert [attachment["VpcId"] for attachment in gateway["Attachments"]] == [ids["Vpc"]]
    assert world.put(network({"NatGatewayId": {"Ref": "Nat"}})) == ids
    route = default_route(ids["Table"])
    assert route["NatGatewayId"] == ids["Nat"]
    assert not route.get("GatewayId")
    world.remove()
    gateways = world.ec2.describe_internet_gateways()["InternetGateways"]
    assert ids["Gateway"] not in [gateway["InternetGatewayId"] for gateway in gateways]
    assert world.ec2.describe_addresses()["Addresses"] == []


def test_a_security_group_has_the_rules_of_the_template_and_no_other(world: StackWorld) -> None:
    """AWS::EC2::SecurityGroup: its rules are updated with no interruption; with SecurityGroupEgress it has no default
    rule, which allows everything out. Rules of AWS::EC2::SecurityGroupIngress are left alone."""

    def rules(group: str) -> dict[str, list[Any]]:
        described = world.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
        by_direction: dict[str, list[Any]] = {"in": [], "out": []}
        for rule in described["SecurityGroupRules"]:
            peer = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule["ReferencedGroupInfo"]["GroupId"]
            ports = (rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort"))
            by_direction["out" if rule["IsEgress"] else "in"].append((*ports, peer, rule.get("Description")))
        return by_direction

    def group(ingress: list[Any], egress: list[Any] | None) -> dict[str, Any]:
        optional = {} if egress is None else {"SecurityGroupEgress": egress}
        return {
            "Vpc": VPC,
            "Group": resource(
                "EC2::SecurityGroup",
                GroupDescription="web",
                GroupName="web",
                VpcId=ID,
                Tags=named("web"),
                SecurityGroupIngress=ingress,
                **optional,
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
    actual = rules(ids["Group"])
    assert set(actual["in"]) == {
        ("tcp", 80, 80, "0.0.0.0/0", "HTTP"),
        ("tcp", 80, 80, "::/0", None),
        separate,
    }
    assert actual["out"] == [("tcp", 443, 443, "0.0.0.0/0", "endpoints")]
    assert [rule[3] for rule in rules(ids["Peer"])["out"]] == ["0.0.0.0/0"]
    (described_group,) = world.ec2.describe_security_groups(GroupIds=[ids["Group"]])["SecurityGroups"]
    assert (
        described_group["GroupName"],
        described_group["Description"],
        described_group["VpcId"],
        own_tags(described_group["Tags"]),
    ) == (
        "web",
        "web",
        ids["Vpc"],
        {"Name": "web"},
    )
    assert world.put(group([six], [to_peer])) == ids
    actual = rules(ids["Group"])
    assert set(actual["in"]) == {("tcp", 80, 80, "::/0", None), separate}
    assert [rule[3] for rule in actual["out"]] == [ids["Peer"]]
    assert world.put(group([], None)) == ids
    actual = rules(ids["Group"])
    assert actual["in"] == [separate]
    assert actual["out"] == [anywhere]
    world.remove()
    with pytest.raises(ClientError, match="InvalidGroup"):
        world.ec2.describe_security_groups(GroupIds=[ids["Group"]])


def test_an_endpoint_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::EC2::VPCEndpoint: its route tables, its security groups and its policy are updated with no interruption."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]}

    def endpoints(table: str, groups: list[str], document: dict[str, Any]) -> dict[str, Any]:
        peers = {name: resource("EC2::SecurityGroup", GroupDescription=name, VpcId=ID) for name in ("One", "Two")}
        tables = {name: resource("EC2::RouteTable", VpcId=ID) for name in ("Left", "Right")}
        return {
            "Vpc": VPC,
            "Subnet": subnet(0),
            **peers,
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
        (endpoint,) = world.ec2.describe_vpc_endpoints(VpcEndpointIds=[identifier])["VpcEndpoints"]
        return dict(endpoint)

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
    states = [endpoint["State"] for endpoint in world.ec2.describe_vpc_endpoints()["VpcEndpoints"]]
    assert [state for state in states if state != "deleted"] == []


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
    (flow_log,) = world.ec2.describe_flow_logs()["FlowLogs"]
    assert (
        flow_log["ResourceId"],
        flow_log["TrafficType"],
        flow_log["LogGroupName"],
        flow_log["MaxAggregationInterval"],
    ) == (
        ids["Vpc"],
        "REJECT",
        "/flows",
        60,
    )
    assert flow_log["DeliverLogsPermissionArn"].endswith(f":role/{ids['Role']}")
    assert own_tags(flow_log["Tags"]) == {"Name": "one"}
    assert world.put(logged("REJECT", "two")) == ids
    assert own_tags(world.ec2.describe_flow_logs()["FlowLogs"][0]["Tags"]) == {"Name": "two"}
    again = world.put(logged("ALL", "two", "Other"))
    assert {name for name in ids if again[name] != ids[name]} == {"Flow"}
    (flow_log,) = world.ec2.describe_flow_logs()["FlowLogs"]
    assert (flow_log["TrafficType"], flow_log["LogGroupName"]) == ("ALL", "/others")
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
    launch_data: dict[str, Any] = {
        "InstanceType": "t3.micro",
        "UserData": script,
        "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeType": "gp3"}}],
        "Monitoring": {"Enabled": True},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": named("web")}],
    }
    ids = world.put(template(**launch_data))
    (shown,) = world.ec2.describe_launch_templates()["LaunchTemplates"]
    assert (shown["LaunchTemplateName"], shown["LatestVersionNumber"], own_tags(shown["Tags"])) == (
        "web",
        1,
        {"Name": "web"},
    )
    assert world.put(template(**{**launch_data, "InstanceType": "t3.small"})) == ids
    versions = world.ec2.describe_launch_template_versions(LaunchTemplateId=ids["Template"])["LaunchTemplateVersions"]
    data = {version["VersionNumber"]: version["LaunchTemplateData"] for version in versions}
    assert data[1] == {"ImageId": world.old_ami, **launch_data}
    assert data[2] == {"ImageId": world.old_ami, **launch_data, "InstanceType": "t3.small"}
    assert {version["VersionDescription"] for version in versions} == {"of the stack"}
    world.remove()
    assert world.ec2.describe_launch_templates()["LaunchTemplates"] == []
