"""Resources of many types: a stack makes them, and leaves nothing of them when it is deleted.

Source: CloudFormation User Guide, "Delete a stack"; Template Reference, the page of each type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local_aws.cloudformation.reader import read_template
from rehearsal.deployment import transformed_template
from tests.local_aws.cloudformation.test_functions import FOREIGN
from tests.local_aws.stack_world import INFRASTRUCTURE, NETWORK, StackWorld, stack_world

MORE = """
  Bucket:
    Type: AWS::S3::Bucket
  Announcements:
    Type: AWS::SNS::Topic
  Queue:
    Type: AWS::SQS::Queue
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Queue]
      PolicyDocument: {Version: 2012-10-17, Statement: []}
  TopicPolicy:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref Announcements]
      PolicyDocument: {Version: 2012-10-17, Statement: []}
  LogGroup:
    Type: AWS::Logs::LogGroup
    Properties:
      RetentionInDays: 3
  MetricFilter:
    Type: AWS::Logs::MetricFilter
    Properties:
      LogGroupName: !Ref LogGroup
      FilterPattern: ERROR
      MetricTransformations: [{MetricName: e, MetricNamespace: n, MetricValue: 1}]
  ManagedPolicy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}
      Roles: [!Ref Role]
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.13
      Handler: index.x
      Role: !GetAtt Role.Arn
      Code: {ZipFile: "def x(a,b): pass"}
      Timeout: "30"
      MemorySize: "256"
  FunctionVersion:
    Type: AWS::Lambda::Version
    Properties:
      FunctionName: !Ref Function
  FunctionAlias:
    Type: AWS::Lambda::Alias
    Properties:
      FunctionName: !Ref Function
      FunctionVersion: !GetAtt FunctionVersion.Version
      Name: live
  InvokeConfig:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref Function
      Qualifier: $LATEST
      MaximumRetryAttempts: 1
      DestinationConfig: {OnFailure: {Destination: !GetAtt Queue.Arn}}
  Permission:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !Ref Function
      Action: lambda:InvokeFunction
      Principal: events.amazonaws.com
      SourceArn: !GetAtt EventRule.Arn
  EventRule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [aws.x]}
      Targets: [{Id: q, Arn: !GetAtt Queue.Arn}]
  MachineRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}]
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt MachineRole.Arn
      DefinitionString: '{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}'
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: {PasswordLength: 20}
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy: {Version: 2012-10-17, Statement: []}
  KeyAlias:
    Type: AWS::KMS::Alias
    Properties:
      AliasName: alias/x
      TargetKeyId: !Ref Key
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: a, AttributeType: S}]
      KeySchema: [{AttributeName: a, KeyType: HASH}]
  NetworkAcl:
    Type: AWS::EC2::NetworkAcl
    Properties:
      VpcId: {"Fn::ImportValue": !Sub "${NetworkStack}-VpcId"}
  NetworkAclEntry:
    Type: AWS::EC2::NetworkAclEntry
    Properties:
      NetworkAclId: !Ref NetworkAcl
      RuleNumber: 100
      Protocol: -1
      RuleAction: allow
      CidrBlock: 0.0.0.0/0
  Nat:
    Type: AWS::EC2::NatGateway
    Properties:
      AllocationId: !GetAtt Address.AllocationId
      SubnetId: !Select [0, !Split [",", {"Fn::ImportValue": !Sub "${NetworkStack}-SubnetIds"}]]
  Address:
    Type: AWS::EC2::EIP
    Properties:
      Domain: vpc
  Ingress:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupId: !Ref Guard
      IpProtocol: tcp
      FromPort: 22
      ToPort: 22
      SourceSecurityGroupId: !Ref Guard
  Hook:
    Type: AWS::AutoScaling::LifecycleHook
    Properties:
      AutoScalingGroupName: !Ref Web
      LifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING"
      HeartbeatTimeout: 60
  Subscription:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: !Ref Announcements
      Protocol: sqs
      Endpoint: !GetAtt Queue.Arn
  ClassicBalancer:
    Type: AWS::ElasticLoadBalancing::LoadBalancer
    Properties:
      AvailabilityZones: !GetAZs ""
      Listeners: [{InstancePort: 80, LoadBalancerPort: 80, Protocol: HTTP}]
  ListenerRule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Listener
      Priority: 1
      Conditions: [{Field: path-pattern, Values: ["/x"]}]
      Actions: [{Type: forward, TargetGroupArn: !Ref Targets}]
  Volume:
    Type: AWS::EC2::Volume
    Properties:
      Size: 8
      AvailabilityZone: us-east-1a
  Endpoint:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      VpcId: {"Fn::ImportValue": !Sub "${NetworkStack}-VpcId"}
      ServiceName: !Sub "com.amazonaws.${AWS::Region}.s3"
"""


@pytest.fixture
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        yield created


def types_of_our_templates() -> list[str]:
    documents = [read_template(path.read_text(encoding="utf-8")) for path in sorted(INFRASTRUCTURE.glob("*.yaml"))]
    documents.append(transformed_template())
    return sorted({resource["Type"] for document in documents for resource in document["Resources"].values()})


def test_no_type_of_our_templates_drops_a_property_in_silence(world: StackWorld) -> None:
    """What the embedded AWS does not model fails by its name: no property of a template is without effect."""
    for kind in types_of_our_templates():
        body = json.dumps({"Resources": {"It": {"Type": kind, "Properties": {"Colour": "red"}}}})
        world.create("one", body)
        assert world.status("one") == "ROLLBACK_COMPLETE", f"{kind} took a property that it does not have"
        assert any("Colour" in reason for reason in world.reasons("one")), world.reasons("one")
        world.remove("one")


def test_a_stack_leaves_nothing_when_it_is_deleted(world: StackWorld) -> None:
    """Delete a stack: all the resources in the stack are deleted."""
    world.create("network", NETWORK)
    world.create("all", FOREIGN.replace("\nOutputs:", f"{MORE}\nOutputs:"), WebAmi=world.old_ami)
    assert world.status("all") == "CREATE_COMPLETE", world.reasons("all")
    identifier = world.stack("all")["StackId"]
    resources = world.cloudformation.list_stack_resources(StackName="all")["StackResourceSummaries"]
    assert {resource["ResourceStatus"] for resource in resources} == {"CREATE_COMPLETE"}
    assert all(resource["PhysicalResourceId"] for resource in resources)
    world.cloudformation.delete_stack(StackName="all")
    assert world.status(identifier) == "DELETE_COMPLETE", world.reasons(identifier)
    left = {
        service: getattr(world.client(service), operation)()[key]
        for service, operation, key in (
            ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
            ("cloudwatch", "describe_alarms", "MetricAlarms"),
            ("dynamodb", "list_tables", "TableNames"),
            ("elb", "describe_load_balancers", "LoadBalancerDescriptions"),
            ("elbv2", "describe_target_groups", "TargetGroups"),
            ("events", "list_rules", "Rules"),
            ("iam", "list_roles", "Roles"),
            ("lambda", "list_functions", "Functions"),
            ("logs", "describe_log_groups", "logGroups"),
            ("s3", "list_buckets", "Buckets"),
            ("secretsmanager", "list_secrets", "SecretList"),
            ("sns", "list_topics", "Topics"),
            ("stepfunctions", "list_state_machines", "stateMachines"),
            ("ec2", "describe_addresses", "Addresses"),
        )
    }
    assert {service: resources for service, resources in left.items() if resources} == {}
    assert world.running() == {}
    world.cloudformation.delete_stack(StackName="network")
    assert world.cloudformation.describe_stacks()["Stacks"] == []
