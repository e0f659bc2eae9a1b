"""Change calendars and holds: what is not started, for how long, and what the notification says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3

from rehearsal import scenario
from rehearsal.scenario import Intervention, Scenario
from tests.workflow.rollout import change_sets, ids, rollout
from tests.workflow.running import Ran, patch_run

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//AWS//Change Calendar 1.0//EN
X-CALENDAR-TYPE:DEFAULT_OPEN
BEGIN:VEVENT
UID:1
DTSTAMP:20261101T000000Z
DTSTART:{begin}
DTEND:{end}
END:VEVENT
END:VCALENDAR
"""


def untouched(ran: Ran) -> bool:
    return ran.instance_ids("web") == ran.instances_before["web"] and ran.stack_status("web") == "CREATE_COMPLETE"


def test_a_closed_calendar_ends_the_run_before_anything_is_built() -> None:
    """Systems Manager API reference, GetCalendarState: CLOSED, and the time of the next transition."""
    with patch_run("frozen") as ran:
        assert ran.report.status == "SUCCEEDED" and ran.visited()[-1] == "Patch Skipped"
        assert untouched(ran) and ran.image_statuses() == []
        assert "SKIPPED: nothing was built; web not touched" in ran.words()
        assert "the change calendar year-end is closed until 2027-01-04 08:00 UTC" in ran.words()
        assert ran.report.notifications[0].attributes["outcome"] == "SKIPPED"
        assert ran.report.skip_reason is not None and "year-end is closed until 2027-01-04" in ran.report.skip_reason


def test_a_run_waits_for_the_opening_where_the_deployment_says_so() -> None:
    with patch_run("freeze-waits") as ran:
        new = ran.report.targets[0].ami_after
        assert ran.report.status == "SUCCEEDED" and ran.amis("web") == [new, new]
        assert ran.report.seconds is not None and 6 * 3600 < ran.report.seconds < 7 * 3600
        (image,) = boto3.client("imagebuilder").list_image_pipeline_images(
            imagePipelineArn=ran.deployment.pipeline_arn
        )["imageSummaryList"]
        assert image["dateCreated"] >= "2026-12-08T12:00", "nothing was built before the opening"


def test_a_run_waits_for_two_days_at_most() -> None:
    calendar = CALENDAR.format(begin="20261208T000000Z", end="20261211T000000Z")
    chosen = Scenario(
        change_calendars={"long": calendar},
        parameters={"ChangeCalendars": "long", "WhenCalendarClosed": "wait"},
    )
    with patch_run(chosen) as ran:
        assert ran.visited()[-1] == "Patch Skipped" and untouched(ran)
        assert "closed until 2026-12-11 00:00 UTC, which is longer than a run waits (2 days)" in ran.words()


def test_a_calendar_that_closes_during_the_build_leaves_the_stacks_alone() -> None:
    calendar = CALENDAR.format(begin="20261208T060030Z", end="20261208T120000Z")
    chosen = Scenario(change_calendars={"lunch": calendar}, parameters={"ChangeCalendars": "lunch"})
    with patch_run(chosen) as ran:
        assert ran.report.status == "SUCCEEDED" and untouched(ran)
        assert ran.image_statuses() == ["AVAILABLE"]
        assert ran.report.targets[0].outcome == "SKIPPED"
        assert "SKIPPED: web" in ran.words() and "closed until 2026-12-08 12:00 UTC" in ran.words()


def closing_during_the_preview(when_closed: str) -> Scenario:
    """A run during whose preview somebody closes the calendar until noon."""

    def call(operation: str, after_seconds: float, parameters: dict[str, str]) -> Intervention:
        return Intervention(
            do="call",
            when_state="Wait For Preview",
            after_seconds=after_seconds,
            service="ssm",
            operation=operation,
            parameters=parameters,
        )

    closed = CALENDAR.format(begin="20261208T060000Z", end="20261208T120000Z")
    document = {"Name": "lunch", "Content": closed, "DocumentType": "ChangeCalendar", "DocumentFormat": "TEXT"}
    return Scenario(
        change_calendars={"lunch": CALENDAR.format(begin="20270101T000000Z", end="20270102T000000Z")},
        parameters={"ChangeCalendars": "lunch", "WhenCalendarClosed": when_closed},
        interventions=(call("delete_document", 1, {"Name": "lunch"}), call("create_document", 2, document)),
    )


def test_a_calendar_that_closes_during_the_preview_stops_the_update() -> None:
    with patch_run(closing_during_the_preview("skip")) as ran:
        assert ran.report.status == "SUCCEEDED" and untouched(ran) and change_sets("web") == []
        assert ran.report.targets[0].outcome == "SKIPPED"
        assert "SKIPPED: web" in ran.words() and "closed until 2026-12-08 12:00 UTC" in ran.words()
        begun = ran.visited().index("Update Stack")
        assert ran.visited()[begun : begun + 5] == [
            "Update Stack",
            "Update Started?",
            "Check Calendar",
            "Calendar Open?",
            "Record Result",
        ]


def test_a_target_that_waits_for_the_opening_is_previewed_again() -> None:
    with patch_run(closing_during_the_preview("wait")) as ran:
        new = ran.report.targets[0].ami_after
        assert ran.report.status == "SUCCEEDED" and ran.amis("web") == [new, new]
        states = ran.visited()
        assert (states.count("Wait For Calendar"), states.count("Preview Update")) == (2, 2)
        updated = [event["Timestamp"] for event in events("web") if event["ResourceStatus"] == "UPDATE_IN_PROGRESS"]
        assert min(updated) >= datetime(2026, 12, 8, 12, tzinfo=UTC)


def events(stack: str) -> list[Any]:
    return list(boto3.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"])


def test_a_calendar_that_does_not_exist_is_a_configuration_error() -> None:
    with patch_run(Scenario(parameters={"ChangeCalendars": "no-such-calendar"})) as ran:
        assert (ran.report.status, ran.report.error) == ("FAILED", "ConfigError")
        assert "expected names or ARNs of change calendars, found no-such-calendar" in ran.words() and untouched(ran)


def test_a_held_base_version_is_not_built_on() -> None:
    """The base image is the AMI that the recipe's SSM parameter names now (Image Builder API reference,
    CreateImageRecipe)."""
    parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    with rollout(Scenario()) as world:
        ssm = boto3.client("ssm")
        parent = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
        (image,) = boto3.client("ec2").describe_images(ImageIds=[parent])["Images"]
        hold = f"/ami-autopatch/held/{image['Name'].split('-')[2]}"
        ssm.put_parameter(Name=hold, Value="breaks our agent", Type="String")
        before = ids("web")
        ended = world.end(world.start_with({}), hours=1)
        assert ended.status == "SUCCEEDED" and ids("web") == before
        built = boto3.client("imagebuilder").list_image_pipeline_images(imagePipelineArn=world.deployment.pipeline_arn)
        assert built["imageSummaryList"] == []
        assert "SKIPPED: nothing was built" in ended.subject
        assert "breaks our agent" in ended.flowing and f"delete-parameter --name {hold}" in ended.flowing


def test_a_held_base_version_does_not_stop_the_rollout_of_a_given_ami() -> None:
    hold = Intervention(
        do="call",
        when_state="Plan Run",
        service="ssm",
        operation="put_parameter",
        parameters={"Name": "/ami-autopatch/held/2023", "Value": "nothing of that year", "Type": "String"},
    )
    chosen = replace(scenario.load("already-current"), interventions=(hold,))
    with patch_run(chosen) as ran:
        assert ran.report.targets[0].outcome == "ALREADY_CURRENT"
