"""An embedded AWS for tests of CloudFormation: its clients, its clock, and what many tests do with stacks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from local_aws.aws import LocalAws
from local_aws.core import settings
from local_aws.core.clock import Clock
from local_aws.core.ids import REGION

INFRASTRUCTURE = Path(__file__).parents[2] / "infrastructure"
# A network, and an application with one Auto Scaling group in it: the smallest stacks whose update replaces something.
APPLICATION = (Path(__file__).parent / "stacks" / "application.yaml").read_text(encoding="utf-8")
NETWORK = (Path(__file__).parent / "stacks" / "network.yaml").read_text(encoding="utf-8")


@dataclass
class StackWorld:
    """The clients of an embedded AWS in one Region, and two AMIs that exist in it."""

    clock: Clock
    cloudformation: Any
    autoscaling: Any
    ec2: Any
    old_ami: str
    new_ami: str

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]

    def create(self, name: str, body: str, **parameters: str) -> dict[str, Any]:
        """Create a stack with all capabilities acknowledged; returns its description."""
        self.cloudformation.create_stack(
            StackName=name,
            TemplateBody=body,
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=given(**parameters),
        )
        return self.stack(name)

    def put(self, resources: dict[str, Any], name: str = "one") -> dict[str, str]:
        """Create a stack of the resources, or update it to them; returns their physical ids."""
        body = json.dumps({"Resources": resources})
        if name in [stack["StackName"] for stack in self.cloudformation.describe_stacks()["Stacks"]]:
            self.cloudformation.update_stack(
                StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
            )
            assert self.settle(name) == "UPDATE_COMPLETE", self.reasons(name)
        else:
            assert self.create(name, body)["StackStatus"] == "CREATE_COMPLETE", self.reasons(name)
        return self.physical_ids(name)

    def physical_ids(self, name: str) -> dict[str, str]:
        resources = self.cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}

    def remove(self, name: str = "one") -> None:
        """Delete the stack, and expect its deletion to succeed."""
        identifier = self.stack(name)["StackId"]
        self.cloudformation.delete_stack(StackName=name)
        assert self.status(identifier) == "DELETE_COMPLETE", self.reasons(identifier)

    def create_application(self, name: str = "app", **parameters: str) -> dict[str, str]:
        """Create the network, unless it exists, and the application; returns the network's outputs."""
        if not self.cloudformation.list_exports()["Exports"]:
            self.create("network", NETWORK)
        outputs = self.outputs("network")
        stack = self.create(name, APPLICATION, AmazonMachineImage=self.old_ami, **{**outputs, **parameters})
        assert stack["StackStatus"] == "CREATE_COMPLETE", self.reasons(name)
        return outputs

    def patch(self, name: str = "app", token: str = "patch-1", **parameters: str) -> None:
        """Update the application to the new AMI and the given parameters; the others keep their values."""
        self.cloudformation.update_stack(
            StackName=name,
            UsePreviousTemplate=True,
            ClientRequestToken=token,
            Parameters=self.patched(name, **parameters),
        )

    def patched(self, name: str = "app", **parameters: str) -> list[dict[str, Any]]:
        """The parameters of a patch: the new AMI and those given, and the others with their previous values."""
        changed = {"AmazonMachineImage": self.new_ami, **parameters}
        names = [parameter["ParameterKey"] for parameter in self.stack(name)["Parameters"]]
        return [
            *given(**changed),
            *({"ParameterKey": key, "UsePreviousValue": True} for key in names if key not in changed),
        ]

    def stack(self, name: str) -> dict[str, Any]:
        stack: dict[str, Any] = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return stack

    def status(self, name: str = "app") -> str:
        return str(self.stack(name)["StackStatus"])

    def outputs(self, name: str) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack(name).get("Outputs", [])}

    def parameters(self, name: str) -> dict[str, str]:
        parameters = self.stack(name)["Parameters"]
        return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in parameters}

    def settle(self, name: str = "app", limit: float = 7200) -> str:
        """Let time pass until no operation on the stack is in progress, at most `limit` seconds; returns its status."""
        until = self.clock.time() + limit
        while self.status(name).endswith("_IN_PROGRESS") and self.clock.time() < until:
            self.clock.sleep(30)
        return self.status(name)

    def events(self, name: str = "app", token: str | None = None) -> list[dict[str, Any]]:
        """The stack's events, oldest first; those of a single operation when its token is given."""
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
        events = [event for page in pages for event in page["StackEvents"]][::-1]
        return [event for event in events if token in (None, event.get("ClientRequestToken"))]

    def trail(self, name: str = "app", token: str | None = None) -> list[tuple[str, str]]:
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in self.events(name, token)]

    def reasons(self, name: str = "app", token: str | None = None) -> list[str]:
        return [e["ResourceStatusReason"] for e in self.events(name, token) if e.get("ResourceStatusReason")]

    def made(self, stack: str, change_set: str, **more: Any) -> dict[str, Any]:
        """The change set, after the time that CloudFormation takes to create it."""
        self.clock.sleep(10)
        described: dict[str, Any] = self.cloudformation.describe_change_set(
            StackName=stack, ChangeSetName=change_set, **more
        )
        return described

    def groups(self) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = self.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        return groups

    def group(self) -> dict[str, Any]:
        (group,) = self.groups()
        return group

    def running(self) -> dict[str, str]:
        """The AMI of each running instance."""
        return {
            instance["InstanceId"]: instance["ImageId"]
            for reservation in self.ec2.describe_instances()["Reservations"]
            for instance in reservation["Instances"]
            if instance["State"]["Name"] == "running"
        }


def given(**parameters: str) -> list[dict[str, Any]]:
    """The parameters as a list for a request."""
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


@contextmanager
def stack_world() -> Iterator[StackWorld]:
    """An embedded AWS with default settings, in which two AMIs exist and nothing else."""
    with LocalAws() as aws:
        clients: dict[str, Any] = {
            name: boto3.client(name, region_name=REGION) for name in ("cloudformation", "autoscaling", "ec2")
        }
        old, new = (
            clients["ec2"].register_image(Name=name, RootDeviceName="/dev/xvda", Architecture="x86_64")["ImageId"]
            for name in ("old", "new")
        )
        yield StackWorld(aws.clock, **clients, old_ami=old, new_ami=new)
        settings.reset()
