"""Schedule expressions of EventBridge Scheduler: when does a schedule fire next?

The calendar arithmetic is cronsim's, on local time without an offset. This module translates AWS's dialect into
cronsim's (days of the week count from 1 = SUN, one of the two day fields is `?`), and adds what cronsim lacks: the
year, the weekday nearest to a date (`15W`), and AWS's own rule for daylight saving time.

Source: EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler".
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

DAYS_OF_WEEK = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
FIRST_YEAR, LAST_YEAR = 1970, 2199

_RATE = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)s?\)")
_AT = re.compile(r"at\([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\)")
_CRON = re.compile(r"cron\((.*)\)")
_NEAREST_WEEKDAY = re.compile(r"([1-9]|[12][0-9]|3[01])W")
_NTH_OF_MONTH = re.compile(r"([^#]+)#([1-5])")


class InvalidScheduleExpression(ValueError):
    """EventBridge Scheduler does not accept the expression; the message is that of its ValidationException."""

    def __init__(self, expression: str) -> None:
        super().__init__(f"Invalid Schedule Expression {expression}.")


class InvalidTimezone(ValueError):
    """The time zone is not in the IANA time zone database."""

    def __init__(self, timezone: str) -> None:
        super().__init__(f"Invalid Schedule Expression Timezone {timezone}.")


@dataclass(frozen=True)
class Cron:
    """A cron expression: `fields` for cronsim, and the conditions that cronsim does not know."""

    fields: str
    years: frozenset[int]
    nearest_weekday_to: int | None

    def next_local_time(self, after: datetime) -> datetime | None:
        """The first local time later than `after` (both without offset) that matches, None when there is none."""
        moment = after
        while moment.year <= max(self.years):
            if moment.year not in self.years:
                following = min(year for year in self.years if year > moment.year)
                moment = datetime(following, 1, 1) - timedelta(seconds=1)
            try:
                candidate = next(CronSim(self.fields, moment))
            except StopIteration:
                return None
            if candidate.year in self.years and self._is_nearest_weekday(candidate.date()):
                return candidate
            # Nothing else on a day that does not qualify, nor earlier in the year than a candidate of another year.
            moment = candidate if candidate.year not in self.years else _end_of_day(candidate)
        return None

    def _is_nearest_weekday(self, day: date) -> bool:
        if self.nearest_weekday_to is None:
            return True
        length = calendar.monthrange(day.year, day.month)[1]
        return self.nearest_weekday_to <= length and day == _nearest_weekday(day.replace(day=self.nearest_weekday_to))


def parse_cron(expression: str) -> Cron:
    """Parse `cron(minutes hours day-of-month month day-of-week year)`.

    Raises InvalidScheduleExpression.
    """
    cron_expression = _CRON.fullmatch(expression)
    fields = cron_expression[1].upper().split() if cron_expression else []
    if len(fields) != 6:
        raise InvalidScheduleExpression(expression)
    minutes, hours, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?") or "?" in minutes + hours + month + year:
        raise InvalidScheduleExpression(expression)
    nearest = _NEAREST_WEEKDAY.fullmatch(day)
    try:
        cron = Cron(
            fields=" ".join([minutes, hours, "*" if nearest or day == "?" else day, month, _weekdays(weekday)]),
            years=_years(year),
            nearest_weekday_to=int(nearest[1]) if nearest else None,
        )
        CronSim(cron.fields, datetime(FIRST_YEAR, 1, 1))
    except (CronSimError, ValueError) as error:
        raise InvalidScheduleExpression(expression) from error
    return cron


def parse_rate(expression: str) -> timedelta:
    """The interval of a `rate(value unit)`.

    Raises InvalidScheduleExpression.
    """
    rate = _RATE.fullmatch(expression)
    if not rate:
        raise InvalidScheduleExpression(expression)
    try:
        return timedelta(**{rate[2] + "s": int(rate[1])})
    except OverflowError as error:
        raise InvalidScheduleExpression(expression) from error


def parse_at(expression: str) -> datetime:
    """The local time, without offset, of an `at(yyyy-mm-ddThh:mm:ss)`.

    Raises InvalidScheduleExpression.
    """
    if not _AT.fullmatch(expression):
        raise InvalidScheduleExpression(expression)
    try:
        return datetime.fromisoformat(expression[3:-1])
    except ValueError as error:
        raise InvalidScheduleExpression(expression) from error


def parse_timezone(timezone: str) -> ZoneInfo:
    """The time zone of that name.

    Raises InvalidTimezone.
    """
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidTimezone(timezone) from error


def next_firing(expression: str, timezone: str, after: datetime) -> datetime | None:
    """When a schedule with this expression fires next, strictly after the aware moment `after`.

    The answer is in UTC; None when it never fires again. For `rate(...)`, `after` is the firing before, or the start.
    A cron expression skips a local time that daylight saving time leaves out, and fires once, the first time, at one
    that daylight saving time repeats.

    Raises InvalidScheduleExpression, InvalidTimezone.
    """
    zone = parse_timezone(timezone)
    kind = expression.split("(", 1)[0]
    if kind == "rate":
        return after.astimezone(UTC) + parse_rate(expression)
    if kind == "at":
        moment = parse_at(expression).replace(tzinfo=zone).astimezone(UTC)
        return moment if moment > after else None
    cron = parse_cron(expression)
    local: datetime | None = after.astimezone(zone).replace(tzinfo=None)
    while local is not None:
        local = cron.next_local_time(local)
        if local is not None:
            moment = local.replace(tzinfo=zone).astimezone(UTC)
            exists = moment.astimezone(zone).replace(tzinfo=None) == local
            if exists and moment > after:
                return moment
    return None


def _weekdays(field: str) -> str:
    """AWS's day-of-week field as cronsim's, where Sunday is 0."""
    if field in ("?", "*"):
        return "*"
    if field == "L":
        return "6"
    nth = _NTH_OF_MONTH.fullmatch(field)
    if nth:
        return f"{_weekday(nth[1]) - 1}#{nth[2]}"
    if len(field) > 1 and field.endswith("L"):
        return f"{_weekday(field[:-1]) - 1}L"
    values = {value for term in field.split(",") for value in _expand(term, 1, 7, _weekday)}
    return ",".join(str(value - 1) for value in sorted(values))


def _weekday(text: str) -> int:
    return DAYS_OF_WEEK.index(text) + 1 if text in DAYS_OF_WEEK else _number(text)


def _years(field: str) -> frozenset[int]:
    return frozenset(year for term in field.split(",") for year in _expand(term, FIRST_YEAR, LAST_YEAR, _number))


def _expand(term: str, lowest: int, highest: int, value: Callable[[str], int]) -> range:
    """The values that one term of a list stands for: `*`, `a`, `a-b`, and any of these with `/step`."""
    base, slash, step = term.partition("/")
    first, dash, last = base.partition("-")
    start = lowest if base == "*" else value(first)
    end = value(last) if dash else highest if slash or base == "*" else start
    if not lowest <= start <= end <= highest or (slash and _number(step) < 1):
        raise ValueError(term)
    return range(start, end + 1, _number(step) if slash else 1)


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]+", text):
        raise ValueError(text)
    return int(text)


def _nearest_weekday(day: date) -> date:
    """The weekday nearest to `day` in the same month, as `W` means it."""
    length = calendar.monthrange(day.year, day.month)[1]
    if day.weekday() == calendar.SATURDAY:
        return day - timedelta(days=1) if day.day > 1 else day + timedelta(days=2)
    if day.weekday() == calendar.SUNDAY:
        return day + timedelta(days=1) if day.day < length else day - timedelta(days=2)
    return day


def _end_of_day(moment: datetime) -> datetime:
    return moment.replace(hour=23, minute=59, second=59)
