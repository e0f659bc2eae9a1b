"""What a closed change calendar does to a run: by what GetCalendarState answers, by the deployment's choice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import (
    Execution,
    Freeze,
    FreezeStatus,
    NotStarted,
    Outcome,
    Pending,
    PendingStatus,
    Run,
    Target,
    Trigger,
    Unchanged,
)
from autopatch.errors import AwsCallFailed, ConfigError, UnknownStatus
from autopatch.freezing import check_calendar, freeze
from autopatch.settings import CalendarSettings, Rollback, WhenClosed

NOW = datetime(2026, 12, 8, 6, 0, tzinfo=UTC)


@pytest.fixture
def calendar() -> Iterator[tuple[SystemsManager, Stubber]]:
    client = boto3.client("ssm")
    with Stubber(client) as answers:
        yield SystemsManager(client), answers
        answers.assert_no_pending_responses()


def answer(stub: Stubber, state: str, opening: datetime | None = None) -> None:
    """What GetCalendarState answers for the two calendars (Systems Manager API reference)."""
    document: dict[str, Any] = {"State": state, "AtTime": NOW.isoformat()}
    if opening:
        document["NextTransitionTime"] = opening.strftime("%Y-%m-%dT%H:%M:%SZ")
    stub.add_response("get_calendar_state", document, {"CalendarNames": ["year-end", "launch"]})


def checked(
    calendars: SystemsManager, when_closed: WhenClosed = WhenClosed.SKIP, waited: timedelta = timedelta(0), *names: str
) -> Freeze:
    settings = CalendarSettings(names or ("year-end", "launch"), when_closed)
    return freeze(settings, calendars, NOW - waited, NOW)


def test_without_calendars_nothing_is_asked() -> None:
    client = boto3.client("ssm")
    with Stubber(client):
        assert freeze(CalendarSettings((), WhenClosed.SKIP), SystemsManager(client), NOW, NOW) == Freeze(
            FreezeStatus.OPEN
        )


@pytest.mark.parametrize("when_closed", WhenClosed)
def test_an_open_calendar_lets_the_run_go_on(calendar: tuple[SystemsManager, Stubber], when_closed: WhenClosed) -> None:
    calendars, stub = calendar
    answer(stub, "OPEN", NOW + timedelta(minutes=1))
    assert checked(calendars, when_closed) == Freeze(FreezeStatus.OPEN)


def test_a_closed_calendar_skips_and_says_when_it_opens(calendar: tuple[SystemsManager, Stubber]) -> None:
    calendars, stub = calendar
    answer(stub, "CLOSED", datetime(2027, 1, 4, 6, 0, tzinfo=UTC))
    frozen = checked(calendars)
    assert frozen.status == "SKIP"
    assert frozen.reason == (
        "the change calendar year-end, launch is closed until 2027-01-04 06:00 UTC; start the execution again then"
    )


@pytest.mark.parametrize("when_closed", WhenClosed)
def test_one_that_never_opens_skips(calendar: tuple[SystemsManager, Stubber], when_closed: WhenClosed) -> None:
    calendars, stub = calendar
    answer(stub, "CLOSED")
    frozen = checked(calendars, when_closed)
    assert frozen.status == "SKIP" and "with no opening in sight" in (frozen.reason or "")
    assert (frozen.reason or "").endswith("start the execution again when it is open")


@pytest.mark.parametrize(
    ("opens_in", "seconds"),
    [
        (timedelta(minutes=20), 1200),
        (timedelta(hours=3), 3 * 3600),
        # Someone may open it before its time.
        (timedelta(hours=30), 3 * 3600),
        # The clocks of AWS are not ours.
        (timedelta(0), 1),
        (timedelta(seconds=-5), 1),
    ],
)
def test_a_run_that_waits_does_so_until_the_opening(
    calendar: tuple[SystemsManager, Stubber], opens_in: timedelta, seconds: int
) -> None:
    calendars, stub = calendar
    answer(stub, "CLOSED", NOW + opens_in)
    frozen = checked(calendars, WhenClosed.WAIT)
    assert (frozen.status, frozen.poll_after_seconds) == ("WAIT", seconds)


@pytest.mark.parametrize(
    ("waited", "opens_in", "status"),
    [
        (timedelta(0), timedelta(hours=48), "WAIT"),
        (timedelta(0), timedelta(hours=49), "SKIP"),
        (timedelta(hours=40), timedelta(hours=8), "WAIT"),
        (timedelta(hours=40), timedelta(hours=9), "SKIP"),
    ],
)
def test_a_run_waits_for_two_days_in_all(
    calendar: tuple[SystemsManager, Stubber], waited: timedelta, opens_in: timedelta, status: str
) -> None:
    calendars, stub = calendar
    answer(stub, "CLOSED", NOW + opens_in)
    frozen = checked(calendars, WhenClosed.WAIT, waited)
    assert frozen.status == status
    assert ("longer than a run waits (2 days)" in (frozen.reason or "")) is (status == "SKIP")


def test_an_unknown_state_is_an_error(calendar: tuple[SystemsManager, Stubber]) -> None:
    calendars, stub = calendar
    answer(stub, "HALF_OPEN")
    with pytest.raises(UnknownStatus, match="expected OPEN or CLOSED, found 'HALF_OPEN'"):
        checked(calendars)


@pytest.mark.parametrize("code", ["InvalidDocument", "InvalidDocumentType", "UnsupportedCalendarException"])
def test_what_is_no_calendar_is_the_deployments_fault(calendar: tuple[SystemsManager, Stubber], code: str) -> None:
    calendars, stub = calendar
    stub.add_client_error("get_calendar_state", code, "no such document")
    with pytest.raises(ConfigError, match=r"parameter ChangeCalendars: .* found year-end, launch: no such document"):
        checked(calendars)


def test_a_calendar_that_cannot_be_read_does_not_count_as_open(calendar: tuple[SystemsManager, Stubber]) -> None:
    calendars, stub = calendar
    stub.add_client_error("get_calendar_state", "AccessDeniedException", "no")
    with pytest.raises(AwsCallFailed, match="reading the change calendars year-end, launch"):
        checked(calendars)


# -- a target's calendars ----------------------------------------------------------------------------------------------

EXECUTION = Execution("arn:aws:states:us-east-1:123456789012:execution:patch:one", NOW)
TARGET = Target("web", "AmazonMachineImage", None, "ami-0f1e2d3c4b5a69788")
RUN = Run(Trigger.MANUAL, None, False, Rollback.AUTOMATIC, "arn", None, (TARGET,), 120, 90, 15)
HOUR = timedelta(hours=1)


def target_checked(
    calendars: SystemsManager, so_far: NotStarted | Pending, when_closed: WhenClosed = WhenClosed.WAIT
) -> Pending | Unchanged:
    settings = CalendarSettings(("year-end", "launch"), when_closed)
    return check_calendar(EXECUTION, RUN, TARGET, so_far, settings, calendars, NOW)


def test_a_target_is_begun_now_where_the_calendar_is_open(calendar: tuple[SystemsManager, Stubber]) -> None:
    calendars, stub = calendar
    answer(stub, "OPEN")
    assert target_checked(calendars, NotStarted()) == Pending(
        status=PendingStatus.CALENDAR_OPEN, started_at=NOW, deadline_at=NOW + timedelta(minutes=90)
    )


def test_a_target_that_is_looked_at_again_keeps_its_deadline(calendar: tuple[SystemsManager, Stubber]) -> None:
    calendars, stub = calendar
    busy = Pending(
        status=PendingStatus.STACK_BUSY, started_at=NOW - HOUR, deadline_at=NOW + HOUR, poll_after_seconds=15
    )
    answer(stub, "OPEN")
    assert target_checked(calendars, busy) == Pending(
        status=PendingStatus.CALENDAR_OPEN, started_at=NOW - HOUR, deadline_at=NOW + HOUR
    )


@pytest.mark.parametrize("begun", [NOW, NOW - HOUR])
def test_the_time_until_the_opening_does_not_count(calendar: tuple[SystemsManager, Stubber], begun: datetime) -> None:
    calendars, stub = calendar
    busy = Pending(status=PendingStatus.STACK_BUSY, started_at=begun, deadline_at=begun + timedelta(minutes=90))
    answer(stub, "CLOSED", NOW + HOUR)
    assert target_checked(calendars, NotStarted() if begun == NOW else busy) == Pending(
        status=PendingStatus.CALENDAR_CLOSED,
        started_at=begun + HOUR,
        deadline_at=begun + HOUR + timedelta(minutes=90),
        poll_after_seconds=3600,
    )


def test_a_target_whose_calendar_stays_closed_is_left_unchanged(calendar: tuple[SystemsManager, Stubber]) -> None:
    calendars, stub = calendar
    answer(stub, "CLOSED", NOW + HOUR)
    skipped = target_checked(calendars, NotStarted(), WhenClosed.SKIP)
    assert isinstance(skipped, Unchanged) and skipped.outcome is Outcome.SKIPPED
    assert skipped.ami_before == skipped.ami_after == TARGET.ami_before
    assert skipped.detail == (
        "the change calendar year-end, launch is closed until 2026-12-08 07:00 UTC; start the execution again then"
    )
