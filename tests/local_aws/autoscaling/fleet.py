"""A group of two instances behind a load balancer, made by Auto Scaling's own API, and what AWS tells of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3

from local_aws.aws import LocalAws

NAME = "web"
PENDING = 20
"""For how long an instance is pending by default, in seconds."""
DRAINING = 40
"""The deregistration delay of the target group, in seconds."""
ENDING = 60
"""How long an instance takes to shut down by default, in seconds."""


@dataclass(frozen=True)
class Fleet:
    """The group, its target group, and the clients to look at them."""

    aws: LocalAws
    autoscaling: Any
    ec2: Any
    target_group: str
    image: str

    def sleep(self, seconds: float) -> None:
        self.aws.clock.sleep(seconds)

    def group(self) -> dict[str, Any]:
        (group,) = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"]
        return dict(group)

    def states(self) -> dict[str, str]:
        """The lifecycle state of each instance in the group."""
        return {instance["InstanceId"]: instance["LifecycleState"] for instance in self.group()["Instances"]}

    def ids(self) -> list[str]:
        """The ids of the instances in service."""
        return [identifier for identifier, state in self.states().items() if state == "InService"]

    def running(self, *ids: str) -> dict[str, str]:
        """EC2's state of instances."""
        reservations = self.ec2.describe_instances(InstanceIds=list(ids))["Reservations"]
        instances = [instance for reservation in reservations for instance in reservation["Instances"]]
        return {instance["InstanceId"]: instance["State"]["Name"] for instance in instances}

    def targets(self) -> dict[str, str]:
        """The state of each registered target."""
        health = boto3.client("elbv2").describe_target_health(TargetGroupArn=self.target_group)
        return {
            target["Target"]["Id"]: target["TargetHealth"]["State"] for target in health["TargetHealthDescriptions"]
        }

    def activities(self, *words: str) -> list[dict[str, Any]]:
        """The activities whose description or cause has all the words; those in progress first, then the newest."""
        listed = self.autoscaling.describe_scaling_activities(AutoScalingGroupName=NAME)["Activities"]
        return [
            activity
            for activity in listed
            if all(word in f"{activity['Description']} {activity['Cause']}" for word in words)
        ]

    def collect(self, source: str) -> str:
        """Have the events of an AWS service sent to a queue; returns its URL."""
        sqs, events, name = boto3.client("sqs"), boto3.client("events"), source.replace(".", "-")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        return str(url)


def events_in(queue: str) -> list[dict[str, Any]]:
    """The events that were sent to the queue, which is empty then."""
    sqs, found = boto3.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def fleet(aws: LocalAws, **group: Any) -> Fleet:
    """Create the group, with more parameters of CreateAutoScalingGroup, in the default VPC."""
    ec2: Any = boto3.client("ec2")
    elbv2: Any = boto3.client("elbv2")
    autoscaling: Any = boto3.client("autoscaling")
    image = ec2.register_image(Name="base", RootDeviceName="/dev/xvda", Architecture="x86_64")["ImageId"]
    data = {"ImageId": image, "InstanceType": "t3.micro"}
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
    subnets = [
        subnet
        for subnet in ec2.describe_subnets()["Subnets"]
        if subnet["AvailabilityZone"] in ("us-east-1a", "us-east-1b")
    ]
    ids = [subnet["SubnetId"] for subnet in subnets]
    target_group = elbv2.create_target_group(
        Name="web",
        Protocol="HTTP",
        Port=80,
        VpcId=subnets[0]["VpcId"],
        HealthCheckIntervalSeconds=10,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": str(DRAINING)}
    elbv2.modify_target_group_attributes(TargetGroupArn=target_group, Attributes=[delay])
    balancer = elbv2.create_load_balancer(Name="web", Subnets=ids)["LoadBalancers"][0]["LoadBalancerArn"]
    forward = {"Type": "forward", "TargetGroupArn": target_group}
    elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[forward])
    given = {
        "AutoScalingGroupName": NAME,
        "LaunchTemplate": {"LaunchTemplateName": "web", "Version": "$Latest"},
        "VPCZoneIdentifier": ",".join(ids),
        "MinSize": 0,
        "MaxSize": 4,
        "DesiredCapacity": 2,
        "TargetGroupARNs": [target_group],
        **group,
    }
    autoscaling.create_auto_scaling_group(**given)
    return Fleet(aws, autoscaling, ec2, target_group, image)
