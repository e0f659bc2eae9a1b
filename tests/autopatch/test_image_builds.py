"""What is read out of GetImage's answers (Image Builder API reference, Image, ImageState, OutputResources)."""

from __future__ import annotations

from typing import Any

import pytest

from autopatch.aws.image_builder import _image
from autopatch.contracts import Ami
from autopatch.errors import ImageHasNoAmi
from autopatch.image_builds import read_ami

ARN = "arn:aws:imagebuilder:eu-west-1:123456789012:image/app-recipe/1.0.0/7"


def image(**more: Any) -> dict[str, Any]:
    return {"arn": ARN, "state": {"status": "AVAILABLE"}, "dateCreated": "2026-11-23T06:00:00.000Z", **more}


def ami(region: str, account: str, ami_id: str) -> dict[str, str]:
    return {"region": region, "accountId": account, "image": ami_id, "name": f"app in {region}"}


HERE = ami("eu-west-1", "123456789012", "ami-0here")
ELSEWHERE = [ami("us-east-1", "123456789012", "ami-0region"), ami("eu-west-1", "210987654321", "ami-0account")]


def test_the_ami_is_picked_by_region_and_account_wherever_it_stands_in_the_list() -> None:
    for amis in ([HERE, *ELSEWHERE], [*ELSEWHERE, HERE]):
        assert read_ami(_image(image(outputResources={"amis": amis}))) == Ami("ami-0here", "app in eu-west-1")


@pytest.mark.parametrize(
    "resources",
    [
        {},
        {"outputResources": {}},
        {"outputResources": {"amis": ELSEWHERE}},
        {"outputResources": {"amis": [HERE, HERE]}},
    ],
    ids=["no output", "no AMIs", "all elsewhere", "two here"],
)
def test_anything_but_one_ami_here_is_an_error_that_lists_what_there_is(resources: dict[str, Any]) -> None:
    with pytest.raises(ImageHasNoAmi, match="expected one AMI in eu-west-1 of the account 123456789012") as refused:
        read_ami(_image(image(**resources)))
    for listed in resources.get("outputResources", {}).get("amis", []):
        assert listed["image"] in str(refused.value)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"reason": "Component failed"}, "Component failed"),
        ({}, None),
        (
            {
                "reason": "Component failed",
                "failureContext": {
                    "imageStatus": "BUILDING",
                    "failedStep": "ApplyBuildComponents",
                    "componentFailure": {
                        "phaseName": "build",
                        "stepName": "UpdateOS",
                        "action": "UpdateOS",
                        "errorMessage": "yum lock",
                    },
                },
            },
            "failed while BUILDING in the step ApplyBuildComponents at build / UpdateOS / UpdateOS: yum lock",
        ),
        (
            {
                "failureContext": {
                    "imageStatus": "DISTRIBUTING",
                    "distributionFailure": {
                        "regionFailures": [{"region": "eu-west-2", "status": "FAILED", "errorMessage": "no key"}]
                    },
                }
            },
            "failed while DISTRIBUTING: eu-west-2: no key",
        ),
        ({"reason": "no context", "failureContext": {}}, "no context"),
    ],
)
def test_why_a_build_failed_with_and_without_a_failure_context(state: dict[str, Any], words: str | None) -> None:
    """Image Builder API reference, ImageState: `failureContext` is not required; otherwise there is `reason`."""
    assert _image(image(state={"status": "FAILED", **state})).failure == words
