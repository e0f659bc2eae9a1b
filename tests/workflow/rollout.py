"""An embedded AWS with stacks of any template, in which a test rolls AMIs out, one after another."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.ec2 import Ec2
from autopatch.aws.elastic_load_balancing import ElasticLoadBalancing
from autopatch.fleet import Fleets
from local_aws.aws import LocalAws
from local_aws.cloudformation.reader import read_template
from local_aws.sns import topics as sns
from rehearsal.deployment import REPOSITORY, Deployment, deploy
from rehearsal.scenario import ApplicationStack, Scenario
from tests.workflow.running import instances, shortened

Change = Callable[[dict[str, Any]], object]


@dataclass(frozen=True)
class Ended:
    """How an execution ended, and the notification of its end."""

    status: str
    error: str | None
    output: Any
    subject: str
    message: str

    @property
    def flowing(self) -> str:
        """The text of the notification without line breaks."""
        return " ".join(self.message.split())


@dataclass(frozen=True)
class Rollout:
    """A deployment, and an AMI that no instance runs yet."""

    aws: LocalAws
    deployment: Deployment
    new_ami: str

    def start(self, *targets: Any, **more: Any) -> str:
        """Start an execution that rolls the new AMI out to these targets; returns its ARN."""
        return self.start_with({"amiId": self.new_ami, "targets": list(targets), **more})

    def start_with(self, document: object) -> str:
        """Start an execution with this input; returns its ARN."""
        answer = boto3.client("stepfunctions").start_execution(
            stateMachineArn=self.deployment.state_machine_arn, input=json.dumps(document)
        )
        return answer["executionArn"]

    def end(self, execution_arn: str, hours: float = 4) -> Ended:
        """Let so many hours pass, and expect the execution to have ended."""
        self.aws.clock.sleep(hours * 3600)
        execution = boto3.client("stepfunctions").describe_execution(executionArn=execution_arn)
        assert execution["status"] != "RUNNING"
        email = sns.emails()[-1]
        return Ended(
            status=execution["status"],
            error=execution.get("error"),
            output=json.loads(execution["output"]) if "output" in execution else None,
            subject=email.subject,
            message=email.body,
        )

    def roll_out(self, *targets: Any, **more: Any) -> Ended:
        """Run an execution for these targets to its end."""
        return self.end(self.start(*targets, **more))


@contextmanager
def rollout(scenario: Scenario) -> Iterator[Rollout]:
    """Deploy the scenario's stacks and start nothing yet; builds and boots are `shortened`."""
    scenario = shortened(scenario)
    with LocalAws(*scenario.behaviour) as aws:
        deployment = deploy(scenario)
        yield Rollout(aws, deployment, register_ami("golden-image-second"))


def register_ami(name: str, architecture: Any = "x86_64") -> str:
    """Register a new AMI in this account; returns its id."""
    registered = boto3.client("ec2").register_image(Name=name, RootDeviceName="/dev/xvda", Architecture=architecture)
    return registered["ImageId"]


def application(folder: Path, name: str, change: Change | None = None, **parameters: str) -> ApplicationStack:
    """A stack of the repository's application; a changed template is written to a file in `folder`."""
    if change is None:
        return ApplicationStack(name, parameters=parameters)
    template = copy.deepcopy(read_template((REPOSITORY / "infrastructure" / "application.yaml").read_text()))
    change(template)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(template))
    return ApplicationStack(name, str(path), parameters)


def group_of(template: dict[str, Any]) -> dict[str, Any]:
    """The Auto Scaling group in the application's template."""
    group: dict[str, Any] = template["Resources"]["AppAutoScalingGroup"]
    return group


def amis(stack: str) -> set[str]:
    """The AMIs that the stack's instances run from."""
    return {instance["ImageId"] for instance in instances(stack)}


def ids(stack: str) -> set[str]:
    """The ids of the stack's instances."""
    return {instance["InstanceId"] for instance in instances(stack)}


def group_name(stack: str) -> str:
    """The name of the stack's Auto Scaling group."""
    resource = boto3.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId="AppAutoScalingGroup"
    )
    return resource["StackResourceDetail"]["PhysicalResourceId"]


def fleets() -> Fleets:
    """The reader of stacks' groups, made as the functions make it."""
    return Fleets(Stacks(), AutoScaling(), Ec2(), ElasticLoadBalancing())


def change_sets(stack: str) -> list[str]:
    """The names of the stack's change sets."""
    return [
        summary["ChangeSetName"]
        for summary in boto3.client("cloudformation").list_change_sets(StackName=stack)["Summaries"]
    ]


def make_ill(stack: str) -> None:
    """Mark an instance of the stack's group as unhealthy, which the group then does not replace."""
    autoscaling = boto3.client("autoscaling")
    autoscaling.suspend_processes(AutoScalingGroupName=group_name(stack), ScalingProcesses=["ReplaceUnhealthy"])
    autoscaling.set_instance_health(
        InstanceId=min(ids(stack)), HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
    )
