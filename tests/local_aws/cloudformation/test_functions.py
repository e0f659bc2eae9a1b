"""CloudFormation's intrinsic functions, by what the resources of a stack are made of.

Source: CloudFormation User Guide, "Intrinsic function reference", one page a function.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.stack_world import StackWorld, given, stack_world

# Somebody else's web tier: launch configuration, cfn-init, mappings, conditions, imports, IAM, a load balancer, a
# second group on a launch template under a mixed instances policy.
FOREIGN = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  NetworkStack: {Type: String, Default: network}
  WebAmi: {Type: AWS::EC2::Image::Id}
  KeyName: {Type: String, Default: ""}
  Env: {Type: String, Default: prod, AllowedValues: [dev, prod]}
  Fleet: {Type: Number, Default: 2, MinValue: 1, MaxValue: 9}
Mappings:
  Sizes:
    dev: {Type: t3.nano}
    prod: {Type: m5.large}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  HasKey: !Not [!Equals [!Ref KeyName, ""]]
  Both: !And [!Condition IsProd, !Condition HasKey]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {Service: !Sub "ec2.${AWS::URLSuffix}"}, Action: sts:AssumeRole}]
  Extra:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: extra
      Roles: [!Ref Role]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "s3:Get*", Resource: "*"}]}
  Profile:
    Type: AWS::IAM::InstanceProfile
    Properties: {Roles: [!Ref Role]}
  Guard:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: web
      VpcId: {"Fn::ImportValue": !Sub "${NetworkStack}-VpcId"}
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: "80", ToPort: "80", CidrIp: 0.0.0.0/0}]
  Balancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties:
      Subnets: !Split [",", {"Fn::ImportValue": !Sub "${NetworkStack}-SubnetIds"}]
      SecurityGroups: [!Ref Guard]
  Targets:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {Port: 80, Protocol: HTTP, VpcId: {"Fn::ImportValue": !Sub "${NetworkStack}-VpcId"}}
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Balancer
      Port: 80
      Protocol: HTTP
      DefaultActions: [{Type: forward, TargetGroupArn: !Ref Targets}]
  WebConfiguration:
    Type: AWS::AutoScaling::LaunchConfiguration
    Metadata:
      AWS::CloudFormation::Init:
        config: {files: {/etc/ami: {content: !Sub "${WebAmi}", mode: "000644"}}}
    Properties:
      ImageId: !Ref WebAmi
      InstanceType: !FindInMap [Sizes, !Ref Env, Type]
      IamInstanceProfile: !Ref Profile
      KeyName: !If [HasKey, !Ref KeyName, !Ref AWS::NoValue]
      SecurityGroups: [!Ref Guard]
      AssociatePublicIpAddress: true
      UserData:
        Fn::Base64: !Join
          - ""
          - - "#!/bin/bash -xe\\n"
            - !Sub
              - "/opt/aws/bin/cfn-init -s ${AWS::StackName} -r WebConfiguration # ${!HOME} ${x}\\n"
              - {x: !Ref Env}
  Web:
    Type: AWS::AutoScaling::AutoScalingGroup
    DependsOn: [Listener]
    CreationPolicy:
      ResourceSignal: {Count: !Ref Fleet, Timeout: PT10M}
    UpdatePolicy:
      AutoScalingReplacingUpdate: {WillReplace: "true"}
    Properties:
      LaunchConfigurationName: !Ref WebConfiguration
      MinSize: "1"
      MaxSize: "9"
      DesiredCapacity: !Ref Fleet
      VPCZoneIdentifier: !Split [",", {"Fn::ImportValue": !Sub "${NetworkStack}-SubnetIds"}]
      TargetGroupARNs: [!Ref Targets]
      HealthCheckType: ELB
      HealthCheckGracePeriod: "600"
  Tracking:
    Type: AWS::AutoScaling::ScalingPolicy
    Properties:
      AutoScalingGroupName: !Ref Web
      PolicyType: TargetTrackingScaling
      TargetTrackingConfiguration:
        TargetValue: "50"
        PredefinedMetricSpecification: {PredefinedMetricType: ASGAverageCPUUtilization}
  Nightly:
    Type: AWS::AutoScaling::ScheduledAction
    Properties: {AutoScalingGroupName: !Ref Web, MinSize: 1, MaxSize: 2, Recurrence: "0 22 * * *"}
  Hot:
    Type: AWS::CloudWatch::Alarm
    Properties:
      MetricName: CPUUtilization
      Namespace: AWS/EC2
      Statistic: Average
      Period: "60"
      EvaluationPeriods: "2"
      Threshold: "90"
      ComparisonOperator: GreaterThanThreshold
      Dimensions: [{Name: AutoScalingGroupName, Value: !Ref Web}]
  WorkerTemplate:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        ImageId: !Ref WebAmi
        InstanceType: t3.small
        NetworkInterfaces: [{DeviceIndex: 0, AssociatePublicIpAddress: true, Groups: [!Ref Guard]}]
        TagSpecifications: [{ResourceType: instance, Tags: [{Key: tier, Value: worker}]}]
  Worker:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MixedInstancesPolicy:
        LaunchTemplate:
          LaunchTemplateSpecification:
            LaunchTemplateId: !Ref WorkerTemplate
            Version: !GetAtt WorkerTemplate.LatestVersionNumber
          Overrides: [{InstanceType: t3.small}, {InstanceType: t3a.small}]
      MinSize: 1
      MaxSize: 3
      VPCZoneIdentifier: !Split [",", {"Fn::ImportValue": !Sub "${NetworkStack}-SubnetIds"}]
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Wait:
    Type: AWS::CloudFormation::WaitCondition
    DependsOn: Worker
    Properties: {Handle: !Ref Handle, Timeout: "300", Count: 1}
  Sometimes:
    Type: AWS::SNS::Topic
    Condition: Both
Outputs:
  Url: {Value: !Sub "http://${Balancer.DNSName}"}
  Group: {Value: !Ref Web, Export: {Name: !Sub "${AWS::StackName}-group"}}
  Topic: {Condition: Both, Value: !Ref Sometimes}
"""


@pytest.fixture
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        yield created


def evaluated(world: StackWorld, value: Any, **sections: Any) -> str:
    """The output of a stack whose value is `value`."""
    document = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"It": {"Value": value}}, **sections}
    world.create("evaluated", json.dumps(document))
    assert world.status("evaluated") == "CREATE_COMPLETE", world.reasons("evaluated")
    output = world.outputs("evaluated")["It"]
    world.cloudformation.delete_stack(StackName="evaluated")
    return output


def test_functions_on_text_and_lists(world: StackWorld) -> None:
    """Fn::Join, Fn::Split, Fn::Select, Fn::Sub, Fn::Base64, Fn::Cidr, Fn::GetAZs and the pseudo parameters, nested."""
    split = {"Fn::Split": ["|", "a|b|c"]}
    for value, expected in (
        ({"Fn::Join": ["-", split]}, "a-b-c"),
        ({"Fn::Select": ["1", split]}, "b"),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "us-east-1a"),
        ({"Fn::Select": [1, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}, "us-east-1b"),
        ({"Fn::Select": [1, {"Fn::Cidr": ["10.0.0.0/16", 4, 8]}]}, "10.0.1.0/24"),
        ({"Fn::Join": [",", {"Fn::Cidr": ["10.0.0.0/24", "2", "5"]}]}, "10.0.0.0/27,10.0.0.32/27"),
        ({"Fn::Base64": {"Fn::Sub": "x ${AWS::Region}"}}, base64.b64encode(b"x us-east-1").decode()),
        ({"Fn::Sub": "${AWS::AccountId} ${!Literal} ${AWS::Partition}"}, "123456789012 ${Literal} aws"),
        ({"Fn::Sub": "ec2.${AWS::URLSuffix}"}, "ec2.amazonaws.com"),
        ({"Fn::Sub": ["${a}-${AWS::StackName}", {"a": {"Fn::Select": [2, split]}}]}, "c-evaluated"),
        ({"Fn::Sub": "${Topic.TopicName}"}, "*"),
    ):
        output = evaluated(world, value)
        assert output == expected or (expected == "*" and output.startswith("evaluated-Topic-"))


def test_conditions_and_mappings(world: StackWorld) -> None:
    """Fn::If, Fn::Equals, Fn::And, Fn::Or, Fn::Not, Condition, Fn::FindInMap with keys that are computed."""
    conditions = {
        "Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]},
        "Not": {"Fn::Not": [{"Condition": "Here"}]},
        "Both": {"Fn::And": [{"Condition": "Here"}, {"Fn::Or": [{"Condition": "Not"}, {"Condition": "Here"}]}]},
    }
    mappings = {"Sizes": {"us-east-1": {"Type": "m5.large"}}}
    in_map = {"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "Type"]}
    value = {"Fn::If": ["Both", {"Fn::If": ["Not", "wrong", in_map]}, "wrong"]}
    assert evaluated(world, value, Conditions=conditions, Mappings=mappings) == "m5.large"


def test_a_property_of_no_value_is_left_out(world: StackWorld) -> None:
    """Pseudo parameters reference, AWS::NoValue."""
    condition = {"Never": {"Fn::Equals": ["a", "b"]}}
    optional = {"Fn::If": ["Never", "named", {"Ref": "AWS::NoValue"}]}
    resources = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": optional}}}
    name = evaluated(world, {"Fn::GetAtt": ["Topic", "TopicName"]}, Conditions=condition, Resources=resources)
    assert name.startswith("evaluated-Topic-")
    items = ["a", {"Fn::If": ["Never", "b", {"Ref": "AWS::NoValue"}]}, "c"]
    assert evaluated(world, {"Fn::Join": [",", items]}, Conditions=condition) == "a,c"


def test_nested_functions_on_what_other_resources_are(world: StackWorld) -> None:
    """Intrinsic function reference: Fn::Sub with a map, Fn::GetAtt, Fn::Join, Fn::Split, Fn::Select and Fn::Cidr in
    each other."""
    zone = {"Fn::Select": [1, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}
    blocks = {"Fn::Cidr": [{"Fn::GetAtt": ["Vpc", "CidrBlock"]}, 4, 8]}
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/16"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "AvailabilityZone": zone,
                "CidrBlock": {"Fn::Select": [2, blocks]},
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
    }
    value = {
        "Fn::Sub": [
            "${Subnet.AvailabilityZone} ${Block} ${Last} ${Topic.TopicName}",
            {
                "Block": {"Fn::GetAtt": "Subnet.CidrBlock"},
                "Last": {"Fn::Select": [5, {"Fn::Split": [":", {"Fn::Join": [":", [{"Ref": "Topic"}, "end"]]}]}]},
            },
        ]
    }
    zone_name, block, last, name = evaluated(world, value, Resources=resources).split()
    assert (zone_name, block) == ("us-east-1b", "10.1.2.0/24")
    assert last == name
    assert name.startswith("evaluated-Topic-")


def test_conditions_decide_on_resources_policies_and_items_of_lists(world: StackWorld) -> None:
    """Condition functions, Fn::If: in UpdatePolicy, and in Properties with AWS::NoValue in a list. DependsOn attribute:
    a dependency that the stack does not have is none."""
    rules = [
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"},
        {
            "Fn::If": [
                "Secure",
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"},
                {"Ref": "AWS::NoValue"},
            ]
        },
    ]
    replacing = {"AutoScalingReplacingUpdate": {"WillReplace": True}}
    rolling = {"AutoScalingRollingUpdate": {"MaxBatchSize": 1, "MinInstancesInService": 0}}
    document = {
        "Parameters": {"Ami": {"Type": "String"}, "Stage": {"Type": "String"}},
        "Conditions": {
            "Production": {"Fn::Equals": [{"Ref": "Stage"}, "production"]},
            "Secure": {"Fn::And": [{"Condition": "Production"}, {"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}]},
        },
        "Resources": {
            "Extra": {"Type": "AWS::SNS::Topic", "Condition": "Production"},
            "Guard": {
                "Type": "AWS::EC2::SecurityGroup",
                "DependsOn": ["Extra"],
                "Properties": {"GroupDescription": "guard", "SecurityGroupIngress": rules},
            },
            "Launch": {
                "Type": "AWS::EC2::LaunchTemplate",
                "Properties": {"LaunchTemplateData": {"ImageId": {"Ref": "Ami"}, "InstanceType": "t3.micro"}},
            },
            "Group": {
                "Type": "AWS::AutoScaling::AutoScalingGroup",
                "UpdatePolicy": {"Fn::If": ["Production", replacing, rolling]},
                "Properties": {
                    "AvailabilityZones": {"Fn::GetAZs": ""},
                    "MinSize": 1,
                    "MaxSize": 1,
                    "LaunchTemplate": {
                        "LaunchTemplateId": {"Ref": "Launch"},
                        "Version": {"Fn::GetAtt": ["Launch", "LatestVersionNumber"]},
                    },
                },
            },
        },
    }
    for stage, topics, ports, replaced in (("production", 1, {80, 443}, True), ("test", 0, {80}, False)):
        world.create("one", json.dumps(document), Ami=world.old_ami, Stage=stage)
        assert world.status("one") == "CREATE_COMPLETE", world.reasons("one")
        assert len(world.client("sns").list_topics()["Topics"]) == topics
        group_id = world.physical_ids("one")["Guard"]
        (guard,) = world.ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
        assert {rule["FromPort"] for rule in guard["IpPermissions"]} == ports
        group = world.physical_ids("one")["Group"]
        world.cloudformation.update_stack(
            StackName="one", UsePreviousTemplate=True, Parameters=given(Ami=world.new_ami, Stage=stage)
        )
        assert world.settle("one") == "UPDATE_COMPLETE", world.reasons("one")
        assert (world.physical_ids("one")["Group"] != group) is replaced
        assert list(world.running().values()) == [world.new_ami]
        world.remove("one")


def test_a_reference_to_a_resource_that_the_stack_does_not_have_is_refused(world: StackWorld) -> None:
    """Condition functions: nothing may refer to a resource whose condition is false, nor a condition to a resource. The
    texts are CloudFormation's."""
    topic = {"Type": "AWS::SNS::Topic"}
    kept = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Topic"}}}
    never = {"Never": {"Fn::Equals": ["a", "b"]}}
    body = {"Conditions": never, "Resources": {"Topic": {**topic, "Condition": "Never"}, "Kept": kept}}
    with pytest.raises(ClientError, match=r"Unresolved resource dependencies \[Topic\] in the Resources block"):
        world.create("one", json.dumps(body))
    circular = {"Conditions": {"Odd": {"Fn::Equals": [{"Ref": "Topic"}, "a"]}}, "Resources": {"Topic": topic}}
    with pytest.raises(ClientError, match=r"Unresolved dependencies \[Topic\]. Cannot reference resources in the Cond"):
        world.create("one", json.dumps(circular))


def test_a_dynamic_reference_reads_the_parameter_store(world: StackWorld) -> None:
    """Get a plaintext value from Systems Manager Parameter Store."""
    world.client("ssm").put_parameter(Name="/golden/ami", Value=world.old_ami, Type="String")
    assert evaluated(world, "{{resolve:ssm:/golden/ami}} and more") == f"{world.old_ami} and more"


def test_an_attribute_that_the_type_does_not_have_is_refused(world: StackWorld) -> None:
    """Fn::GetAtt; the text is CloudFormation's. It refuses the request, as it has the types' schemas."""
    document = {
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Kept": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["Topic", "Colour"]}},
        },
    }
    text = "Template error: resource Topic does not support attribute type Colour in Fn::GetAtt"
    with pytest.raises(ClientError, match=text):
        world.create("one", json.dumps({"Resources": document}))


def test_a_default_in_a_map_needs_the_language_extensions(world: StackWorld) -> None:
    """Fn::FindInMap enhancements: DefaultValue takes the transform AWS::LanguageExtensions, which is not modelled."""
    name = {"Fn::FindInMap": ["Names", "there", "name", {"DefaultValue": "other"}]}
    document = {
        "Mappings": {"Names": {"there": {"name": "this"}}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}},
    }
    with pytest.raises(ClientError, match="every Fn::FindInMap object requires three parameters"):
        world.create("one", json.dumps(document))


@pytest.mark.parametrize("made", ["yes", "no"])
def test_an_output_of_a_resource_that_a_condition_leaves_out_is_refused(world: StackWorld, made: str) -> None:
    """Condition functions: a reference to a resource that is not made is an error, unless Fn::If leaves it out. moto's
    tests that are marked as verified on AWS have it refused with the request."""
    topic = {"Type": "AWS::SNS::Topic", "Condition": "Made"}
    document: dict[str, Any] = {
        "Parameters": {"Made": {"Type": "String"}},
        "Conditions": {"Made": {"Fn::Equals": [{"Ref": "Made"}, "yes"]}},
        "Resources": {"Topic": topic, "Other": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"Arn": {"Value": {"Fn::If": ["Made", {"Ref": "Topic"}, "none"]}}},
    }
    assert world.create("good", json.dumps(document), Made=made)["StackStatus"] == "CREATE_COMPLETE"
    document["Outputs"]["Arn"]["Value"] = {"Ref": "Topic"}
    if made == "yes":
        assert world.create("bad", json.dumps(document), Made=made)["StackStatus"] == "CREATE_COMPLETE"
        return
    with pytest.raises(ClientError, match=r"Unresolved resource dependencies \[Topic\] in the Outputs block"):
        world.create("bad", json.dumps(document), Made=made)


@pytest.mark.parametrize(
    "name", ["Fn::Length", "Fn::ToJsonString", "Fn::Transform", "Fn::GetStackOutput", "Fn::Lenght"]
)
def test_a_function_that_is_not_modelled_is_named(world: StackWorld, name: str) -> None:
    """What the embedded AWS does not model fails by its name: language extensions, macros, misspellings."""
    document = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {name: ["a"]}}}}}
    with pytest.raises(ClientError, match=f"{name} is not modelled by the embedded AWS"):
        world.create("one", json.dumps(document))


def test_a_function_beside_another_key_is_refused(world: StackWorld) -> None:
    """Intrinsic function reference: a function is an object of its own. The words are the embedded AWS's own."""
    tags = [{"Key": "a", "Fn::Sub": "b"}]
    document = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Tags": tags}}}}
    with pytest.raises(ClientError, match="Fn::Sub must stand alone, found Key, Fn::Sub"):
        world.create("one", json.dumps(document))


def test_somebody_elses_web_tier_is_created_patched_and_deleted(world: StackWorld) -> None:
    """UpdatePolicy attribute on a launch configuration, which is replaced: its properties cannot be changed
    (Template Reference, AWS::AutoScaling::LaunchConfiguration)."""
    world.create_application()
    world.cloudformation.delete_stack(StackName="app")
    assert world.create("web", FOREIGN, WebAmi=world.old_ami)["StackStatus"] == "CREATE_COMPLETE"
    groups = {group["AutoScalingGroupName"].split("-")[1]: group for group in world.groups()}
    assert "LaunchTemplate" not in groups["Worker"]
    assert len(groups["Web"]["Instances"]) == 2
    old_workers = {instance["InstanceId"] for instance in groups["Worker"]["Instances"]}
    configurations = world.autoscaling.describe_launch_configurations()["LaunchConfigurations"]
    script = base64.b64decode(configurations[0]["UserData"]).decode()
    assert script == ("#!/bin/bash -xe\n/opt/aws/bin/cfn-init -s web -r WebConfiguration # ${HOME} prod\n")
    assert configurations[0]["InstanceType"] == "m5.large"
    world.cloudformation.update_stack(
        StackName="web",
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=given(WebAmi=world.new_ami),
    )
    assert world.settle("web") == "UPDATE_COMPLETE"
    groups = {group["AutoScalingGroupName"].split("-")[1]: group for group in world.groups()}
    assert set(groups) == {"Web", "Worker"}
    web = {instance["InstanceId"] for instance in groups["Web"]["Instances"]}
    assert {world.running()[identifier] for identifier in web} == {world.new_ami}
    # The worker group has no UpdatePolicy: its instances stay, on the AMI that they were launched from.
    assert {instance["InstanceId"] for instance in groups["Worker"]["Instances"]} == old_workers
    assert {world.running()[identifier] for identifier in old_workers} == {world.old_ami}
    balancers = world.client("elbv2")
    arn = balancers.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    health = balancers.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert {item["Target"]["Id"] for item in health} == web
    (policy,) = world.autoscaling.describe_policies()["ScalingPolicies"]
    assert policy["AutoScalingGroupName"] == groups["Web"]["AutoScalingGroupName"]
    (configuration,) = world.autoscaling.describe_launch_configurations()["LaunchConfigurations"]
    assert configuration["ImageId"] == world.new_ami
    world.cloudformation.delete_stack(StackName="web")
    assert world.running() == {}
    world.cloudformation.delete_stack(StackName="network")
    assert world.cloudformation.describe_stacks()["Stacks"] == []
