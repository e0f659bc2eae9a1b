"""Schedule expressions of EventBridge Scheduler."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.scheduler.cron import InvalidScheduleExpression, InvalidTimezone, next_firing

AFTER = datetime(2026, 11, 1, tzinfo=UTC)


def firings(expression: str, timezone: str, after: datetime, count: int) -> list[str]:
    """The next `count` firings, in local time with offset."""
    moments = []
    for _ in range(count):
        following = next_firing(expression, timezone, after)
        assert following is not None
        after = following
        moments.append(following.astimezone(ZoneInfo(timezone)).isoformat(timespec="minutes"))
    return moments


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # The third and sixth are the examples of the page, with the years of these tests.
        ("cron(0 3 1 * ? *)", ["2026-11-01T03:00+00:00", "2026-12-01T03:00+00:00"]),
        ("cron(0 3 ? * TUE#2 *)", ["2026-11-10T03:00+00:00", "2026-12-08T03:00+00:00"]),
        ("cron(0 3 ? * 3#2 *)", ["2026-11-10T03:00+00:00", "2026-12-08T03:00+00:00"]),
        ("cron(15 10 ? * 6L 2026-2027)", ["2026-11-27T10:15+00:00", "2026-12-25T10:15+00:00"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-11-02T18:00+00:00", "2026-11-03T18:00+00:00"]),
        ("cron(0 8 ? * 1 *)", ["2026-11-01T08:00+00:00", "2026-11-08T08:00+00:00"]),
        ("cron(0 8 ? * 7 *)", ["2026-11-07T08:00+00:00", "2026-11-14T08:00+00:00"]),
        ("cron(0 8 ? * L *)", ["2026-11-07T08:00+00:00", "2026-11-14T08:00+00:00"]),
        ("cron(0 8 ? * 2/2 *)", ["2026-11-02T08:00+00:00", "2026-11-04T08:00+00:00", "2026-11-06T08:00+00:00"]),
        ("cron(0 0 L * ? *)", ["2026-11-30T00:00+00:00", "2026-12-31T00:00+00:00"]),
        ("cron(0 0 15W * ? *)", ["2026-11-16T00:00+00:00", "2026-12-15T00:00+00:00"]),
        ("cron(0 0 1W MAY,NOV ? *)", ["2026-11-02T00:00+00:00", "2027-05-03T00:00+00:00"]),
        ("cron(0 0 31W * ? *)", ["2026-12-31T00:00+00:00", "2027-01-29T00:00+00:00"]),
        ("cron(0/20 7-8 2 jan ? *)", ["2027-01-02T07:00+00:00", "2027-01-02T07:20+00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00"]),
        ("cron(0 0 1 1 ? 2030,2040)", ["2030-01-01T00:00+00:00", "2040-01-01T00:00+00:00"]),
        ("rate(12 hours)", ["2026-11-01T12:00+00:00", "2026-11-02T00:00+00:00"]),
        ("at(2026-11-20T13:00:00)", ["2026-11-20T13:00+00:00"]),
    ],
)
def test_fires_when_the_user_guide_says(expression: str, expected: list[str]) -> None:
    """EventBridge Scheduler User Guide, "Schedule types": fields, wildcards, 1-7 is SUN-SAT."""
    assert firings(expression, "UTC", AFTER, len(expected)) == expected


@pytest.mark.parametrize("expression", ["cron(0 0 1 1 ? 2020)", "cron(0 0 29 2 ? 2027)", "at(2026-10-31T23:59:59)"])
def test_never_fires_again(expression: str) -> None:
    assert next_firing(expression, "UTC", AFTER) is None


def test_a_time_that_daylight_saving_leaves_out_is_skipped() -> None:
    """EventBridge Scheduler User Guide, "Schedule types", daylight saving time: clocks go forward."""
    after = datetime(2027, 3, 13, 12, tzinfo=UTC)
    expected = ["2027-03-15T02:30-04:00"]
    assert firings("cron(30 2 * * ? *)", "America/New_York", after, 1) == expected


def test_a_time_that_daylight_saving_repeats_fires_once() -> None:
    """EventBridge Scheduler User Guide, "Schedule types", daylight saving time: clocks go back."""
    after = datetime(2026, 10, 31, 12, tzinfo=UTC)
    expected = ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]
    assert firings("cron(30 1 * * ? *)", "America/New_York", after, 2) == expected


def test_within_the_repeated_hour_the_next_firing_is_after_it() -> None:
    """EventBridge Scheduler User Guide, "Schedule types", daylight saving time: it does not repeat its invocation."""
    second_ten_past_one = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)
    expected = ["2026-11-01T02:00-05:00", "2026-11-01T02:20-05:00"]
    assert firings("cron(0/20 * * * ? *)", "America/New_York", second_ten_past_one, 2) == expected


def test_a_rate_in_days_counts_24_hours() -> None:
    """EventBridge Scheduler User Guide, "Schedule types", daylight saving time: rates."""
    after = datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert next_firing("rate(1 day)", "America/New_York", after) == after + timedelta(hours=24)


def test_the_time_zone_moves_with_the_season() -> None:
    expected = ["2026-10-01T03:00+02:00", "2026-11-01T03:00+01:00"]
    assert firings("cron(0 3 1 * ? *)", "Europe/Berlin", datetime(2026, 9, 2, tzinfo=UTC), 2) == expected


@pytest.mark.parametrize(
    "expression",
    [
        # AWS is on record for refusing these.
        "cron(0 1 * * * *)",
        "cron(7 20 * * NOT *)",
        "cron(INVALID)",
        "cron(0 dummy ? * MON-FRI *)",
        "cron(71 8 1 * ? *)",
        "cron()",
        "rate(10 seconds)",
        "rate(10 years)",
        "rate()",
        "rate(10)",
        "rate(10 minutess)",
        "rate(foo minutes)",
        "rate(-10 minutes)",
        "rate( 10 minutes )",
        " rate(10 minutes)",
        "at(2021-12-31T23:59:59Z)",
        "at(2021-12-31)",
        # And these follow from the User Guide.
        "cron(0 3 * *)",
        "cron(0 3 ? * ? *)",
        "cron(0 3 1 * MON *)",
        "cron(0 3 ? * 0 *)",
        "cron(0 3 ? * 8 *)",
        "cron(0 3 ? * 3#6 *)",
        "cron(0 3 ? * 3#1,6#3 *)",
        "cron(0 3 0W * ? *)",
        "cron(0 3 1 * ? 1969)",
        "cron(0 3 1 * ? 2200)",
        "cron(0 3 1 ? * *)",
        "cron(0 24 1 * ? *)",
        "cron(0/0 3 1 * ? *)",
        "rate(0 minutes)",
        "rate(99999999999999 days)",
        "at(2026-02-30T00:00:00)",
        "every day",
    ],
)
def test_an_invalid_expression_is_refused(expression: str) -> None:
    """EventBridge Scheduler API Reference, CreateSchedule: ValidationException."""
    with pytest.raises(InvalidScheduleExpression) as refusal:
        next_firing(expression, "UTC", AFTER)
    assert str(refusal.value) == f"Invalid Schedule Expression {expression}."


@pytest.mark.parametrize("timezone", ["Europe/Atlantis", "", "../etc/passwd", "CEST"])
def test_an_unknown_time_zone_is_refused(timezone: str) -> None:
    """EventBridge Scheduler User Guide, "Schedule types": time zones are those of the IANA database."""
    with pytest.raises(InvalidTimezone):
        next_firing("rate(1 day)", timezone, AFTER)


def numbers(lowest: int, highest: int) -> st.SearchStrategy[tuple[str, set[int]]]:
    """A field as `*`, a list, a range or a step: its text, and the values that it stands for."""
    number = st.integers(lowest, highest)
    pair = st.tuples(number, number).map(lambda ends: (min(ends), max(ends)))
    step = st.integers(1, highest)
    return st.one_of(
        st.just(("*", set(range(lowest, highest + 1)))),
        st.lists(number, min_size=1, max_size=4).map(lambda some: (",".join(map(str, some)), set(some))),
        pair.map(lambda ends: (f"{ends[0]}-{ends[1]}", set(range(ends[0], ends[1] + 1)))),
        st.tuples(number, step).map(lambda two: (f"{two[0]}/{two[1]}", set(range(two[0], highest + 1, two[1])))),
    )


DAYS = st.one_of(
    numbers(1, 31).map(lambda field: (field[0], "?", lambda day: day.day in field[1])),
    numbers(1, 7).map(lambda field: ("?", field[0], lambda day: day.isoweekday() % 7 + 1 in field[1])),
    st.just(("L", "?", lambda day: day.day == calendar.monthrange(day.year, day.month)[1])),
    st.tuples(st.integers(1, 7), st.integers(1, 5)).map(
        lambda nth: (
            "?",
            f"{nth[0]}#{nth[1]}",
            lambda day: day.isoweekday() % 7 + 1 == nth[0] and (day.day - 1) // 7 + 1 == nth[1],
        )
    ),
    st.integers(1, 7).map(
        lambda last: (
            "?",
            f"{last}L",
            lambda day: day.isoweekday() % 7 + 1 == last and (day + timedelta(days=7)).month != day.month,
        )
    ),
)


@given(
    minutes=numbers(0, 59),
    hours=numbers(0, 23),
    days=DAYS,
    months=numbers(1, 12),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    after=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)
def test_the_next_firing_is_later_and_matches_every_field_and_is_the_first(
    minutes: tuple[str, set[int]],
    hours: tuple[str, set[int]],
    days: tuple[str, str, object],
    months: tuple[str, set[int]],
    timezone: str,
    after: datetime,
) -> None:
    """EventBridge Scheduler User Guide, "Schedule types": what each field of a cron expression means."""
    day_of_month, day_of_week, is_day = days
    assert callable(is_day)
    zone = ZoneInfo(timezone)
    expression = f"cron({minutes[0]} {hours[0]} {day_of_month} {months[0]} {day_of_week} *)"
    try:
        firing = next_firing(expression, timezone, after)
    except InvalidScheduleExpression:
        # A day that none of the months has.
        assert not any(
            is_day(date(2028, month, day))
            for month in months[1]
            for day in range(1, calendar.monthrange(2028, month)[1] + 1)
        )
        return
    if firing is None:
        return

    def first_on(day: date) -> datetime | None:
        if day.month not in months[1] or not is_day(day):
            return None
        times = (
            datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
            for hour in sorted(hours[1])
            for minute in sorted(minutes[1])
            if is_real(datetime(day.year, day.month, day.day, hour, minute), zone)
        )
        return min((moment for moment in times if moment > after), default=None)

    assert firing > after
    local = firing.astimezone(zone)
    assert first_on(local.date()) == firing
    day = after.astimezone(zone).date()
    while day < min(local.date(), after.date() + timedelta(days=500)):
        assert first_on(day) is None
        day += timedelta(days=1)


def is_real(local: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks in the zone ever show this time."""
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local
