"""What the failure of an update shows of its AMI."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import GROUP_TYPE, Operation, ResourceFailure
from autopatch.aws.cloudformation.statuses import StackState
from autopatch.aws.ec2 import Ec2
from autopatch.diagnosis import Diagnosis

BEGAN = datetime(2026, 12, 8, 6, tzinfo=UTC)
SIGNALS = "Received 0 SUCCESS signal(s) out of 2.  Unable to satisfy 100% MinSuccessfulInstancesPercent requirement"
FAILED = BEGAN + timedelta(minutes=16)
GROUP = ResourceFailure("Group", "web-Group-1", GROUP_TYPE, "CREATE_FAILED", SIGNALS, FAILED)
BAD = "instances failed"


def launch(status: str = "Successful", message: str | None = None, minutes: int = 1) -> dict[str, Any]:
    return {
        "ActivityId": "1",
        "AutoScalingGroupName": "web-Group-1",
        "Cause": "a difference between desired and actual capacity",
        "Description": "Launching a new EC2 instance: i-0123456789abcdef0",
        "StartTime": BEGAN + timedelta(minutes=minutes),
        "StatusCode": status,
        **({"StatusMessage": message} if message else {}),
    }


def verdict(failure: ResourceFailure | None, *activities: dict[str, Any]) -> str:
    """Why the failure does not show that the AMI is bad, or that it does."""
    client = boto3.client("autoscaling", region_name="us-east-1")
    operation = Operation(StackState.ROLLED_BACK, "UPDATE_ROLLBACK_COMPLETE", FAILED, BEGAN, failure, ())
    with Stubber(client) as answers:
        answers.add_response("describe_scaling_activities", {"Activities": list(activities)})
        return Diagnosis(AutoScaling(client), Ec2()).exoneration(operation) or BAD


@pytest.mark.parametrize(
    "reason",
    [
        SIGNALS,
        "Received 1 FAILURE signal(s) out of 1. Unable to satisfy 100% MinSuccessfulInstancesPercent requirement",
        "Failed to receive 2 resource signal(s) within the specified duration",
        "Failed to receive 1 resource signal(s) for the current batch.  Each resource signal timeout is counted as a "
        "FAILURE.",
    ],
)
def test_instances_that_came_up_and_were_not_accepted(reason: str) -> None:
    """Texts from public threads: aws-quickstart/quickstart-linux-bastion#144, widdix/aws-cf-templates#565."""
    assert verdict(replace(GROUP, reason=reason), launch(), launch()) == BAD


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (None, "no resource failed before CloudFormation began to roll back"),
        (replace(GROUP, reason="You are not authorized to use launch template"), "for another reason than its inst"),
        (replace(GROUP, reason="web already exists"), "Group failed for another reason"),
        (replace(GROUP, reason="Action denied by stack policy: Statement [#1]"), "Group failed for another reason"),
        (replace(GROUP, physical_id=""), "Group failed for another reason"),
        (ResourceFailure("Fn", "fn", "Custom::Warm", "UPDATE_FAILED", SIGNALS, FAILED), "Fn failed for another reason"),
    ],
)
def test_what_has_nothing_to_do_with_the_instances(failure: ResourceFailure | None, words: str) -> None:
    assert words in verdict(failure, launch())


@pytest.mark.parametrize(
    ("activities", "words"),
    [
        ([], "Group launched no instance"),
        ([launch("Failed", "no capacity")], "Group could not launch all instances"),
        ([launch(), launch("Failed", "quota")], "Group could not launch all instances"),
        # An instance that ended at once, for its disk cannot be decrypted.
        ([launch(), launch("Cancelled", "Client.InvalidKMSKey.InvalidState")], "Group could not launch all instances"),
    ],
)
def test_instances_that_did_not_come_up(activities: list[dict[str, Any]], words: str) -> None:
    assert words in verdict(GROUP, *activities)


@pytest.mark.parametrize("minutes", [-2, 17])
def test_launches_before_the_update_and_in_its_rollback_clear_no_ami(minutes: int) -> None:
    assert verdict(GROUP, launch(), launch("Failed", "no capacity", minutes)) == BAD


def test_a_launch_that_was_given_up_with_the_update_is_no_failed_one() -> None:
    assert verdict(GROUP, launch(), launch("Cancelled")) == BAD
