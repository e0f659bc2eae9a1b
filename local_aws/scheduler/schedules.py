"""EventBridge Scheduler: schedules fire on the virtual clock.

moto keeps schedules and groups; each enabled schedule has one timer of the clock, for its next firing. The timer is
made and cancelled where moto's backend creates, updates and deletes (`local_aws.scheduler.seam`).

Sources: EventBridge Scheduler User Guide, "Schedule types", "Configuring flexible time windows", "Using templated
targets", "Adding context attributes", "Configuring a dead-letter queue"; API Reference, CreateSchedule and Target.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from moto.scheduler.exceptions import ScheduleGroupNotFound, ScheduleNotFound, ValidationException
from moto.scheduler.models import scheduler_backends
from moto.utilities.arns import parse_arn

from local_aws.core import clock, delivery
from local_aws.core.delivery import RetryPolicy, Sender, TargetNotModelled
from local_aws.core.ids import random_uuid
from local_aws.core.times import iso
from local_aws.iam import roles
from local_aws.scheduler.cron import (
    InvalidScheduleExpression,
    InvalidTimezone,
    next_firing,
    parse_at,
    parse_cron,
    parse_rate,
    parse_timezone,
)

PRINCIPAL = "scheduler.amazonaws.com"
KNOWN_TARGETS = "Lambda (lambda), Step Functions (states), SNS (sns), SQS (sqs) or an event bus (events)"
LONGEST_WINDOW = 1440
"""Minutes, of a flexible time window."""


@dataclass(frozen=True)
class Due:
    """The next firing of a schedule: `scheduled_at` by its expression, `fires_at` within its flexible time window."""

    schedule_name: str
    region: str
    scheduled_at: datetime
    fires_at: datetime
    timer: clock.Timer


@dataclass(frozen=True)
class Firing:
    """One invocation of a schedule's target."""

    schedule_name: str
    schedule_arn: str
    account: str
    region: str
    scheduled_at: datetime
    target: Mapping[str, Any]

    @property
    def scheduled_time(self) -> str:
        return iso(self.scheduled_at, "seconds")


_due: clock.PerClock[dict[str, Due]] = clock.PerClock(dict)
"""The next firing of each schedule, by its ARN."""


def next_due(region: str, name: str | None = None) -> tuple[str, datetime] | None:
    """The name and the moment (UTC) of the schedule of `region` that fires next; None when none will.

    With a `name`, only schedules of that name count.
    """
    firings = [due for due in _due().values() if due.region == region and name in (None, due.schedule_name)]
    if not firings:
        return None
    first = min(firings, key=lambda due: (due.fires_at, due.schedule_name))
    return first.schedule_name, first.fires_at


# -- the checks of CreateSchedule and UpdateSchedule -------------------------------------------------------------------


def check_schedule(
    name: str,
    schedule_expression: str,
    schedule_expression_timezone: str | None,
    flexible_time_window: Mapping[str, Any],
    target: Mapping[str, Any],
    group_name: str | None,
    account_id: str,
    region: str,
) -> None:
    """Refuse what EventBridge Scheduler refuses, and what the embedded AWS does not model.

    Raises moto's ValidationException and ScheduleGroupNotFound (the API's), TargetNotModelled.
    """
    try:
        parse_timezone(schedule_expression_timezone or "UTC")
        parsers = {"rate": parse_rate, "at": parse_at}
        parsers.get(schedule_expression.split("(", 1)[0], parse_cron)(schedule_expression)
    except (InvalidScheduleExpression, InvalidTimezone) as error:
        raise ValidationException(str(error)) from error
    if (group_name or "default") not in scheduler_backends[account_id][region].schedule_groups:
        raise ScheduleGroupNotFound(group_name or "default")
    _check_window(flexible_time_window)
    _check_target(name, target, group_name, account_id, region)


def _check_window(window: Mapping[str, Any]) -> None:
    mode, minutes = window.get("Mode"), window.get("MaximumWindowInMinutes")
    if mode == "FLEXIBLE" and not (minutes and 1 <= int(minutes) <= LONGEST_WINDOW):
        raise ValidationException(
            f"MaximumWindowInMinutes must be between 1 and {LONGEST_WINDOW} when Mode is FLEXIBLE, found {minutes}."
        )
    if mode == "OFF" and minutes:
        raise ValidationException("MaximumWindowInMinutes must not be provided when Mode is OFF.")


def _check_target(name: str, target: Mapping[str, Any], group_name: str | None, account_id: str, region: str) -> None:
    arn = target["Arn"]
    for given in (arn, target.get("DeadLetterConfig", {}).get("Arn")):
        if given is not None and not delivery.is_arn(given):
            raise ValidationException(f"Provided Arn is not in correct format: {given}")
    service = parse_arn(arn).service
    if service not in ("lambda", "states", "sns", "sqs", "events"):
        raise TargetNotModelled(arn, KNOWN_TARGETS)
    if service == "events" and not target.get("EventBridgeParameters"):
        raise ValidationException(f"EventBridgeParameters must be provided for target {arn}.")
    if service == "events" and target["EventBridgeParameters"]["Source"].startswith("aws."):
        raise ValidationException(f"Source must not begin with aws. for target {arn}.")
    if service in ("lambda", "states", "events") and "Input" in target:
        try:
            json.loads(target["Input"])
        except json.JSONDecodeError as error:
            raise ValidationException(f"Input must be well-formed JSON for target {arn}.") from error
    schedule_arn = f"arn:aws:scheduler:{region}:{account_id}:schedule/{group_name or 'default'}/{name}"
    if not roles.trusts(target["RoleArn"], Sender(PRINCIPAL, schedule_arn, account_id)):
        raise ValidationException(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        )


# -- timers -----------------------------------------------------------------------------------------------------------


def watch(schedule: Any) -> None:
    """Set the timer for the next firing of moto's `schedule`, which was created or updated now; cancel an older one."""
    forget(schedule.arn)
    now = clock.current().now()
    start = _moment(schedule.start_date)
    if schedule.schedule_expression.startswith("at("):
        # A one-time schedule ignores its StartDate and EndDate.
        _set_timer(schedule, _after(schedule, now - timedelta(seconds=1)))
    elif schedule.schedule_expression.startswith("rate("):
        first = start or now
        while first < now:
            first += parse_rate(schedule.schedule_expression)
        _set_timer(schedule, first)
    else:
        _set_timer(schedule, _after(schedule, max(now, (start or now) - timedelta(seconds=1))))


def forget(schedule_arn: str) -> None:
    """Cancel the timer of a schedule that was deleted or updated."""
    due = _due().pop(schedule_arn, None)
    if due is not None:
        due.timer.cancel()


def _set_timer(schedule: Any, scheduled_at: datetime | None) -> None:
    end = None if schedule.schedule_expression.startswith("at(") else _moment(schedule.end_date)
    if schedule.state != "ENABLED" or scheduled_at is None or (end is not None and scheduled_at > end):
        return
    fires_at = scheduled_at + _offset_in_window(schedule)
    seconds = (fires_at - clock.current().now()).total_seconds()
    timer = clock.current().call_later(seconds, partial(_fire, schedule), f"schedule {schedule.name}")
    region = parse_arn(schedule.arn).region
    _due()[schedule.arn] = Due(schedule.name, region, scheduled_at, fires_at, timer)


def _fire(schedule: Any) -> None:
    due = _due().pop(schedule.arn)
    following = _after(schedule, due.scheduled_at)
    _set_timer(schedule, following)
    arn = parse_arn(schedule.arn)
    firing = Firing(schedule.name, schedule.arn, arn.account, arn.region, due.scheduled_at, dict(schedule.target))
    _invoke(firing)
    if schedule.action_after_completion == "DELETE" and schedule.arn not in _due():
        _delete(schedule, arn.account, arn.region)


def _delete(schedule: Any, account: str, region: str) -> None:
    """Delete a schedule that has completed, unless it has been replaced or deleted meanwhile."""
    backend = scheduler_backends[account][region]
    try:
        present = backend.get_schedule(schedule.group_name, schedule.name)
    except (ScheduleNotFound, ScheduleGroupNotFound):
        return
    if present is schedule:
        backend.delete_schedule(schedule.group_name, schedule.name)


def _after(schedule: Any, moment: datetime) -> datetime | None:
    return next_firing(schedule.schedule_expression, schedule.schedule_expression_timezone, moment)


def _offset_in_window(schedule: Any) -> timedelta:
    """Where in its flexible time window a schedule fires: on AWS at any moment, here always at the same one."""
    if schedule.flexible_time_window["Mode"] == "OFF":
        return timedelta()
    seconds = int(schedule.flexible_time_window["MaximumWindowInMinutes"]) * 60
    return timedelta(seconds=zlib.crc32(schedule.arn.encode()) % seconds)


def _moment(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(float(timestamp), UTC)


# -- invoking a target ------------------------------------------------------------------------------------------------


def _invoke(firing: Firing) -> None:
    sender = Sender(PRINCIPAL, firing.schedule_arn, firing.account, firing.target["RoleArn"])
    execution_ids: list[str] = []

    def attempt(number: int) -> None:
        execution_ids.append(random_uuid().replace("-", "")[:16])
        delivery.send(firing.target, _input(firing, execution_ids[-1], number), sender)

    given_up = delivery.deliver(attempt, RetryPolicy.of(firing.target.get("RetryPolicy")))
    if given_up is None:
        return
    attributes = {
        "SCHEDULE_ARN": firing.schedule_arn,
        "TARGET_ARN": firing.target["Arn"],
        "SCHEDULED_TIME": firing.scheduled_time,
        "EXECUTION_ID": execution_ids[-1],
        "ERROR_CODE": given_up.error.code,
        "ERROR_MESSAGE": given_up.error.message,
        "RETRY_ATTEMPTS": str(given_up.retry_attempts),
        "IS_PAYLOAD_TRUNCATED": "false",
    }
    if given_up.exhausted_condition is not None:
        attributes["EXHAUSTED_RETRY_CONDITION"] = given_up.exhausted_condition
    payload = _input(firing, execution_ids[-1], len(execution_ids))
    delivery.give_up(
        target_arn=firing.target["Arn"],
        error_code=given_up.error.code,
        error=given_up.error,
        dead_letter_queue=firing.target.get("DeadLetterConfig", {}).get("Arn"),
        body=json.dumps(_request(firing.target["Arn"], payload)),
        attributes=attributes,
        sender=sender,
    )


def _input(firing: Firing, execution_id: str, attempt: int) -> str:
    """The target's Input with the context attributes filled in; Scheduler's default notification without an Input."""
    text = firing.target.get("Input")
    if text is None:
        return json.dumps(
            {
                "version": "0",
                "id": random_uuid(),
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": firing.account,
                "time": firing.scheduled_time,
                "region": firing.region,
                "resources": [firing.schedule_arn],
                "detail": "{}",
            }
        )
    context = {
        "schedule-arn": firing.schedule_arn,
        "scheduled-time": firing.scheduled_time,
        "execution-id": execution_id,
        "attempt-number": str(attempt),
    }
    for name, value in context.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return str(text)


def _request(target_arn: str, payload: str) -> dict[str, str]:
    """The call that failed, as the dead-letter event shows it."""
    arn = parse_arn(target_arn)
    if arn.service == "lambda":
        return {"FunctionName": target_arn, "InvocationType": "Event", "Payload": payload}
    if arn.service == "states":
        return {"StateMachineArn": target_arn, "Input": payload}
    if arn.service == "sns":
        return {"TopicArn": target_arn, "Message": payload}
    if arn.service == "sqs":
        queue_url = f"https://sqs.{arn.region}.amazonaws.com/{arn.account}/{arn.resource_id}"
        return {"QueueUrl": queue_url, "MessageBody": payload}
    return {"EventBusName": target_arn, "Detail": payload}
