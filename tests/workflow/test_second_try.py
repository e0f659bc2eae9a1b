"""Image builds that fail after the building phase are resumed once, in place; others are not."""

from __future__ import annotations

from dataclasses import replace

import boto3
import pytest

from autopatch.aws.image_builder import ImageBuilder
from local_aws.imagebuilder.settings import ImageBuilderSettings
from rehearsal.scenario import Scenario
from tests.workflow.running import Ran, patch_run


def failing(state: str, times: int = 1_000) -> Scenario:
    settings = ImageBuilderSettings(building_seconds=60, testing_seconds=20, distributing_seconds=20)
    return Scenario(image_builder=replace(settings, fail_in=state, fail_times=times))


def resumptions(ran: Ran) -> int:
    """How often the run resumed the build, according to its log."""
    return len(ran.log_lines('"status":"RETRIED"'))


def test_a_build_whose_tests_failed_once_is_resumed_and_rolled_out() -> None:
    """Image Builder API reference, RetryImage: the same build version continues where it stopped."""
    with patch_run("image-tests-fail-once") as ran:
        new = ran.report.targets[0].ami_after
        assert ran.report.status == "SUCCEEDED" and ran.amis("web") == [new, new]
        assert ran.image_statuses() == ["AVAILABLE"] and resumptions(ran) == 1


@pytest.mark.parametrize("state", ["TESTING", "DISTRIBUTING"])
def test_a_build_that_fails_again_is_given_up(state: str) -> None:
    with patch_run(failing(state)) as ran:
        assert (ran.report.status, ran.report.error) == ("FAILED", "ImageBuildFailed")
        assert ran.image_statuses() == ["FAILED"] and resumptions(ran) == 1
        assert "after it had been resumed once" in ran.words()
        assert ran.instance_ids("web") == ran.instances_before["web"]
        assert failure_by_workflows(ran) == (state, True)


def test_a_build_that_fails_while_building_is_not_resumed() -> None:
    with patch_run(failing("BUILDING", times=1)) as ran:
        assert (ran.report.status, ran.report.error) == ("FAILED", "ImageBuildFailed")
        assert resumptions(ran) == 0 and "resumed" not in ran.words()
        assert failure_by_workflows(ran) == ("BUILDING", False)


def failure_by_workflows(ran: Ran) -> tuple[str | None, bool]:
    """The state in which the build failed, and whether that was after building, from its workflows only.

    `failureContext` is not required in an ImageState; Image Builder API reference, ListWorkflowExecutions.
    """
    image_builder = ImageBuilder()
    answer = boto3.client("imagebuilder").list_image_pipeline_images(imagePipelineArn=ran.deployment.pipeline_arn)
    image = image_builder.image(answer["imageSummaryList"][0]["arn"])
    return image.failed_in, image_builder.failed_after_building(replace(image, failed_in=None))
