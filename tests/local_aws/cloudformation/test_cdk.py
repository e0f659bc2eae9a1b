"""A template of the CDK, deployed by the calls that `cdk deploy` makes.

cdk-fleet.json is what `cdk synth` (aws-cdk-lib 2.x) makes of a VPC with two public subnets and an AutoScalingGroup of
two instances in it, with MachineImage.fromSsmParameter, Signals.waitForMinCapacity and UpdatePolicy.replacingUpdate.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.stack_world import StackWorld

FLEET = (Path(__file__).parents[1] / "stacks" / "cdk-fleet.json").read_text(encoding="utf-8")


def change_set(world: StackWorld, kind: str, body: str) -> dict[str, Any]:
    """The change set that `cdk deploy` creates, described as it does (aws/aws-cdk-cli, toolkit-lib, deploy-stack)."""
    if kind == "UPDATE":
        world.cloudformation.delete_change_set(StackName="fleet", ChangeSetName="cdk-deploy-change-set")
    world.cloudformation.create_change_set(
        StackName="fleet",
        ChangeSetName="cdk-deploy-change-set",
        ChangeSetType=kind,
        TemplateBody=body,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        IncludeNestedStacks=True,
        ImportExistingResources=False,
    )
    described = world.made("fleet", "cdk-deploy-change-set", IncludePropertyValues=True)
    assert described["IncludeNestedStacks"] is True
    return described


def test_a_stack_of_the_cdk_is_created_and_updated(world: StackWorld) -> None:
    """AWS::CDK::Metadata makes nothing, and changes in place (CDK Developer Guide, "Configure AWS CDK usage data
    reporting"). The CDK reads from the description with values that there are no changes, and asks for the results of
    Hooks of a change set that FAILED (API Reference, ListHookResults)."""
    world.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="33", Type="String")
    assert change_set(world, "CREATE", FLEET)["Status"] == "CREATE_COMPLETE"
    world.cloudformation.execute_change_set(StackName="fleet", ChangeSetName="cdk-deploy-change-set")
    assert world.status("fleet") == "CREATE_COMPLETE", world.reasons("fleet")
    image = world.client("ssm").get_parameter(
        Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    )["Parameter"]["Value"]
    assert list(world.running().values()) == [image, image]

    nothing = change_set(world, "UPDATE", FLEET)
    assert nothing["Status"] == "FAILED"
    assert nothing["StatusReason"].startswith("The submitted information didn't contain changes.")
    results = world.cloudformation.list_hook_results(TargetType="CHANGE_SET", TargetId=nothing["ChangeSetId"])
    assert (results["TargetId"], results["HookResults"]) == (nothing["ChangeSetId"], [])
    document = json.loads(FLEET)
    document["Resources"]["CDKMetadata"]["Properties"]["Analytics"] = "v2:deflate64:other"
    metadata = world.physical_ids("fleet")["CDKMetadata"]
    change_set(world, "UPDATE", json.dumps(document))
    world.cloudformation.execute_change_set(StackName="fleet", ChangeSetName="cdk-deploy-change-set")
    assert world.settle("fleet") == "UPDATE_COMPLETE"
    assert world.physical_ids("fleet")["CDKMetadata"] == metadata


def test_a_creation_ends_as_its_change_set_says(world: StackWorld) -> None:
    """API Reference, CreateChangeSet, OnStackFailure, with which DisableRollback cannot be given at the execution."""
    body = json.dumps(
        {
            "Resources": {
                "Kept": {"Type": "AWS::SNS::Topic"},
                "Failing": {
                    "Type": "AWS::S3::Bucket",
                    "Properties": {"AccessControl": "PublicRead"},
                    "DependsOn": "Kept",
                },
            }
        }
    )
    for on_failure, status in (("DO_NOTHING", "CREATE_FAILED"), ("DELETE", "DELETE_COMPLETE")):
        name = on_failure.replace("_", "-")
        stack = world.cloudformation.create_change_set(
            StackName=name, ChangeSetName="set", ChangeSetType="CREATE", TemplateBody=body, OnStackFailure=on_failure
        )["StackId"]
        assert world.made(name, "set")["OnStackFailure"] == on_failure
        with pytest.raises(ClientError, match="either DisableRollback or OnStackFailure"):
            world.cloudformation.execute_change_set(StackName=name, ChangeSetName="set", DisableRollback=True)
        world.cloudformation.execute_change_set(StackName=name, ChangeSetName="set")
        assert world.settle(stack) == status, world.reasons(stack)
