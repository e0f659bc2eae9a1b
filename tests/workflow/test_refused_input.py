"""An invalid input starts nothing, and the notification says what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest

from rehearsal.scenario import ApplicationStack, Scenario
from tests.workflow.rollout import Rollout, amis, change_sets, ids, rollout
from tests.workflow.running import describe

ALLOW = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
DENY = {
    "Effect": "Deny",
    "Action": "Update:Replace",
    "Principal": "*",
    "Resource": "*",
    "Condition": {"StringEquals": {"ResourceType": ["AWS::AutoScaling::AutoScalingGroup"]}},
}
ROLE = "arn:aws:iam::123456789012:role/updates"


@pytest.fixture(scope="module")
def untouched() -> Iterator[Rollout]:
    with rollout(
        Scenario(
            stacks=(ApplicationStack("web"), ApplicationStack("policed")),
            parameters={"CloudFormationRoleArn": ROLE, "ApplicationStacks": "web,policed,bare,gone,lost"},
        )
    ) as world:
        template = {
            "Parameters": {"Ami": {"Type": "AWS::EC2::Image::Id"}},
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Ami"}}}},
        }
        boto3.client("cloudformation").create_stack(
            StackName="bare",
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": "Ami", "ParameterValue": world.deployment.golden_ami}],
        )
        yield world


@pytest.mark.parametrize(
    ("document", "error", "words"),
    [
        ({"amiID": "ami-0123456789abcdef0"}, "InvalidInput", ["did you mean 'amiId'?"]),
        ([], "InvalidInput", ["a JSON object"]),
        ({"reason": "CVE-2026-1\n\nStacks\n  web: PATCHED"}, "InvalidInput", ["without line breaks"]),
        ({"reason": "x" * 130_000}, "InvalidInput", ["at most 256 printable characters"]),
        ({"targets": [{"stackName": "web", "amiParameter": "InstanceType"}]}, "TargetNotReady", ["'t3.micro'"]),
        ({"targets": ["webb"]}, "TargetNotReady", ["stack webb: expected one of the deployment's application stacks"]),
        ({"targets": ["gone", "lost"]}, "TargetNotReady", ["stack gone: ", "stack lost: "]),
        ({"targets": [{"stackName": "web", "amiParameter": "Ami"}]}, "TargetNotReady", ["expected a parameter Ami"]),
        ({"targets": [{"stackName": "web", "capacityParameter": "Size"}]}, "TargetNotReady", ["parameter Size"]),
        (
            {"targets": ["bare"]},
            "TargetNotReady",
            ["NoServiceRole: expected a service role", f"to be given {ROLE}"],
        ),
    ],
)
def test_invalid_input_starts_nothing_and_is_reported(
    untouched: Rollout, document: object, error: str, words: list[str]
) -> None:
    ended = untouched.end(untouched.start_with(document), hours=0.1)
    assert (ended.status, ended.error) == ("FAILED", error)
    assert all(word in ended.flowing for word in words)
    images = boto3.client("imagebuilder").list_image_pipeline_images(imagePipelineArn=untouched.deployment.pipeline_arn)
    assert images["imageSummaryList"] == []
    for stack in ("web", "bare"):
        assert (describe(stack)["StackStatus"], change_sets(stack)) == ("CREATE_COMPLETE", [])
    assert "RoleARN" not in describe("bare")


def test_a_target_that_cannot_be_patched_stops_no_other(untouched: Rollout) -> None:
    """It is a failed target like any other, found before anything is built."""
    sized = json.loads(json.dumps(describe("web")["Parameters"]))
    boto3.client("cloudformation").set_stack_policy(
        StackName="policed", StackPolicyBody=json.dumps({"Statement": [DENY, ALLOW]})
    )
    before = ids("policed")
    ended = untouched.end(untouched.start_with({"targets": ["gone", "bare", "policed", "web"]}))
    assert (ended.status, ended.error) == ("FAILED", "TargetNotReady")
    assert ended.subject.endswith("FAILED: gone, bare, policed not patched; 1 of 4 stacks fine (TargetNotReady)")
    for words in (
        "gone: FAILED AMI: unknown Why: TargetNotReady stack gone: expected a stack of that name",
        "NoServiceRole: expected a service role",
        "StackPolicyDenies: expected a stack policy that lets the update change what launches the instances, found "
        "that it does not allow Update:Replace of AppAutoScalingGroup",
        "web: PATCHED",
    ):
        assert words in ended.flowing
    (image,) = boto3.client("imagebuilder").list_image_pipeline_images(
        imagePipelineArn=untouched.deployment.pipeline_arn
    )["imageSummaryList"]
    assert amis("web") == {image["outputResources"]["amis"][0]["image"]}
    assert [value for value in describe("web")["Parameters"] if value not in sized] == [
        {"ParameterKey": "AmazonMachineImage", "ParameterValue": amis("web").pop()}
    ]
    assert ids("policed") == before
    # The way out.
    boto3.client("cloudformation").set_stack_policy(
        StackName="policed", StackPolicyBody=json.dumps({"Statement": [ALLOW]})
    )
    (ami,) = amis("web")
    assert untouched.end(untouched.start_with({"amiId": ami, "targets": ["policed"]})).status == "SUCCEEDED"
