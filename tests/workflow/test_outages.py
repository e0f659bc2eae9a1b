"""An outage of an AWS API is waited for like anything else, as long as the deadlines hold."""

from __future__ import annotations

from dataclasses import replace

import boto3
import pytest

from local_aws.core import faults
from local_aws.core.faults import Fault
from rehearsal import scenario
from tests.workflow.running import parameters, patch_run
from tests.workflow.test_freeze import CALENDAR

MINUTES = 60.0
LONGER_THAN_EVERY_RETRY = 80 * MINUTES


def outage(service: str, action: str, seconds: float = 10 * MINUTES, after_calls: int = 0) -> Fault:
    """AWS answers no such call for so long, from the first on that it does not answer."""
    return Fault(
        service, action, "ServiceUnavailable", status=503, times=None, after_calls=after_calls, seconds=seconds
    )


# Each call of the tasks that begin something, and of those that look.
OUTAGES = (
    outage("imagebuilder", "GetImagePipeline"),
    outage("cloudformation", "GetTemplateSummary"),
    outage("ssm", "GetCalendarState"),
    outage("ssm", "GetParametersByPath"),
    outage("imagebuilder", "StartImagePipelineExecution"),
    outage("imagebuilder", "GetImage", after_calls=2),
    outage("cloudformation", "CreateChangeSet"),
    outage("cloudformation", "DescribeChangeSet"),
    outage("cloudformation", "ExecuteChangeSet"),
    outage("cloudformation", "DescribeStackEvents", after_calls=2),
    outage("elbv2", "DescribeTargetHealth", after_calls=4),
    outage("cloudformation", "DescribeStacks", after_calls=8),
    outage("lambda", "Invoke", after_calls=30),
    outage("sns", "Publish"),
)


# A change calendar that is open throughout, so that it is asked for.
OPEN_CALENDAR = {"year-end": CALENDAR.format(begin="20270101T000000Z", end="20270102T000000Z")}


def test_ten_minutes_of_every_api_one_after_the_other_are_ridden_out() -> None:
    chosen = replace(
        scenario.load("happy-path"),
        faults=OUTAGES,
        change_calendars=OPEN_CALENDAR,
        parameters={"ChangeCalendars": "year-end"},
    )
    with patch_run(chosen) as ran:
        assert len(faults._failing_since()) == len(OUTAGES), "every outage was met"
        assert (ran.report.status, ran.report.error) == ("SUCCEEDED", None)
        new = ran.report.targets[0].ami_after
        assert ran.amis("web") == [new, new] and new != ran.deployment.golden_ami
        assert ran.image_statuses() == ["AVAILABLE"], "one build"
        events = boto3.client("cloudformation").describe_stack_events(StackName="web")["StackEvents"]
        assert sum(event.get("ResourceStatusReason") == "User Initiated" for event in events) == 2, "create and update"
        assert len(ran.report.notifications) == 1


@pytest.mark.parametrize(
    "fault",
    [
        outage("imagebuilder", "GetImage", LONGER_THAN_EVERY_RETRY, after_calls=2),
        outage("cloudformation", "DescribeChangeSet", LONGER_THAN_EVERY_RETRY),
        outage("cloudformation", "DescribeStackEvents", LONGER_THAN_EVERY_RETRY, after_calls=2),
    ],
    ids=lambda fault: fault.action,
)
def test_an_outage_of_what_is_looked_at_may_last_until_the_deadline(fault: Fault) -> None:
    with patch_run(replace(scenario.load("happy-path"), faults=(fault,))) as ran:
        assert (ran.report.status, ran.report.error) == ("SUCCEEDED", None)
        assert ran.amis("web") == [ran.report.targets[0].ami_after] * 2
        assert ran.report.seconds is not None and ran.report.seconds > LONGER_THAN_EVERY_RETRY


def test_outages_on_the_way_back_are_ridden_out() -> None:
    on_the_way_back = (
        outage("cloudformation", "UpdateStack"),
        outage("cloudformation", "DescribeStackEvents", after_calls=6),
        outage("autoscaling", "DescribeAutoScalingGroups", after_calls=8),
    )
    chosen = replace(
        scenario.load("verification-fails"), faults=on_the_way_back, parameters={"VerificationDeadlineMinutes": "3"}
    )
    with patch_run(chosen) as ran:
        golden = ran.deployment.golden_ami
        assert ran.report.error == "VerificationFailed"
        assert ran.amis("web") == [golden, golden] and parameters("web")["AmazonMachineImage"] == golden
        assert f"rolled back to {golden}, and all its instances run that and serve" in ran.words()


@pytest.mark.parametrize(("chosen", "status"), [("happy-path", "SUCCEEDED"), ("image-build-fails", "FAILED")])
def test_a_lost_answer_of_publish_gives_at_most_one_notification_more(chosen: str, status: str) -> None:
    lost = Fault("sns", "Publish", "", times=None, seconds=10 * MINUTES, answer_lost=True)
    with patch_run(replace(scenario.load(chosen), faults=(lost,))) as ran:
        assert ran.report.status == status
        first, second = ran.report.notifications
        assert first.subject == second.subject
