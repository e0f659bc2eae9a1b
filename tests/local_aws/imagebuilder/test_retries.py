"""RetryImage: a build that stopped in its test or distribution phase goes on under the same ARN."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.core import settings
from local_aws.imagebuilder.settings import ImageBuilderSettings
from tests.local_aws.imagebuilder.image_building import ImageBuilding, building

__all__ = ["building"]


def failed(building: ImageBuilding, state: str) -> Any:
    settings.use(ImageBuilderSettings(fail_in=state, fail_times=1))
    image = building.finish(building.start(building.pipeline()))
    assert image["state"]["status"] == "FAILED"
    return image


def retry(building: ImageBuilding, arn: str, token: str = "again") -> Any:
    return building.client().retry_image(imageBuildVersionArn=arn, clientToken=token)


@pytest.mark.parametrize("state", ["TESTING", "DISTRIBUTING"])
def test_a_failed_build_goes_on_where_it_stopped(building: ImageBuilding, state: str) -> None:
    """API Reference, RetryImage: in place, under the same build version."""
    arn = failed(building, state)["arn"]
    assert retry(building, arn)["imageBuildVersionArn"] == arn
    client = building.client()
    resumed = client.get_image(imageBuildVersionArn=arn)["image"]["state"]
    assert resumed["status"] == state and "reason" not in resumed
    image = building.finish(arn)
    assert image["state"]["status"] == "AVAILABLE" and len(image["outputResources"]["amis"]) == 1
    workflows = client.list_workflow_executions(imageBuildVersionArn=arn)["workflowExecutions"]
    assert {workflow["status"] for workflow in workflows} == {"COMPLETED"}


def test_the_same_token_resumes_a_build_once(building: ImageBuilding) -> None:
    arn = failed(building, "TESTING")["arn"]
    assert retry(building, arn)["imageBuildVersionArn"] == retry(building, arn)["imageBuildVersionArn"]


@pytest.mark.parametrize("state", ["BUILDING", "CREATING"])
def test_a_build_that_was_never_built_cannot_be_resumed(building: ImageBuilding, state: str) -> None:
    arn = failed(building, state)["arn"]
    with pytest.raises(ClientError, match="cannot be retried") as refused:
        retry(building, arn)
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"


def test_an_available_image_cannot_be_resumed(building: ImageBuilding) -> None:
    settings.use(ImageBuilderSettings())
    image = building.finish(building.start(building.pipeline()))
    with pytest.raises(ClientError, match="cannot be retried"):
        retry(building, image["arn"])
