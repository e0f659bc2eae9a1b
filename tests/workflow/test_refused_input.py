"""An invalid input starts nothing, and the notification says what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest

from rehearsal.scenario import Scenario
from tests.workflow.rollout import Rollout, change_sets, rollout
from tests.workflow.running import describe

ROLE = "arn:aws:iam::123456789012:role/updates"


@pytest.fixture(scope="module")
def untouched() -> Iterator[Rollout]:
    with rollout(
        Scenario(parameters={"CloudFormationRoleArn": ROLE, "ApplicationStacks": "web,bare,gone,lost"})
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
        ({"targets": ["webb"]}, "TargetNotReady", ["stack webb: expected one of the deployment's application stacks"]),
        ({"targets": ["gone", "web", "lost"]}, "TargetNotReady", ["stack gone: ", "stack lost: "]),
        ({"targets": [{"stackName": "web", "amiParameter": "Ami"}]}, "TargetNotReady", ["expected a parameter Ami"]),
        ({"targets": [{"stackName": "web", "capacityParameter": "Size"}]}, "TargetNotReady", ["parameter Size"]),
        (
            {"targets": ["web", "bare"]},
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
