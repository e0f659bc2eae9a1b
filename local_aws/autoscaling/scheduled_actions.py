"""Scheduled actions: they set a group's sizes when they are due, by the clock.

moto keeps them and does nothing. Source: Amazon EC2 Auto Scaling User Guide, "Scheduled scaling for Amazon EC2 Auto
Scaling"; API Reference, PutScheduledUpdateGroupAction, DescribeScheduledActions.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cronsim import CronSim, CronSimError
from moto.autoscaling.exceptions import ValidationError

from local_aws.autoscaling import capacity, groups
from local_aws.core import clock
from local_aws.core.errors import NotModelled
from local_aws.scheduler.cron import InvalidTimezone, parse_timezone

_FIELDS = 5

_timers: clock.PerClock[dict[int, clock.Timer]] = clock.PerClock(dict)
"""The timers of the actions that wait, by the identity of moto's action."""


def put(backend: Any, create: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    """PutScheduledUpdateGroupAction: `create` makes moto's action of the parameters, in place of one of its name.

    Raises the API's ValidationError.
    """
    group_name, name = parameters["name"], parameters["scheduled_action_name"]
    if group_name not in backend.autoscaling_groups:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{group_name}' not found")
    _check(parameters["start_time"], parameters["recurrence"], parameters["timezone"])
    old = backend.scheduled_actions.get(name)
    if old is not None:
        if old.auto_scaling_group_name != group_name:
            raise NotModelled(f"the embedded AWS does not model scheduled actions of one name ({name}) of two groups")
        forget(backend, name)
    action = create(backend, **parameters)
    _watch(backend, action)
    return action


def forget(backend: Any, name: str) -> None:
    """Cancel the timer of the action of that name, which is replaced or deleted."""
    timer = _timers().pop(id(backend.scheduled_actions.get(name)), None)
    if timer is not None:
        timer.cancel()


def _check(start_time: datetime | None, recurrence: str | None, timezone: str | None) -> None:
    if start_time is None and recurrence is None:
        raise ValidationError("At least one of StartTime and Recurrence must be specified")
    if start_time is not None and _moment(start_time) < clock.current().now():
        raise ValidationError("Given start time is in the past")
    if recurrence is not None:
        try:
            parse_timezone(timezone or "UTC")
            CronSim(recurrence, clock.current().now())
        except (CronSimError, InvalidTimezone) as error:
            raise ValidationError(f"Given recurrence string:{recurrence} is invalid ({error})") from error
        if len(recurrence.split()) != _FIELDS:
            raise ValidationError(f"Given recurrence string:{recurrence} is invalid")


def _watch(backend: Any, action: Any) -> None:
    """Set the timer for the next moment at which moto's action is due."""
    due, now = _next_due(action), clock.current().now()
    if due is None:
        _remove(backend, action)
        return
    name = f"scheduled action {action.scheduled_action_name}"
    seconds = (due - now).total_seconds()
    _timers()[id(action)] = clock.current().call_later(seconds, partial(_fire, backend, action), name)


def _fire(backend: Any, action: Any) -> None:
    _timers().pop(id(action), None)
    group = backend.autoscaling_groups.get(action.auto_scaling_group_name)
    if group is not None and not groups.is_suspended(group, "ScheduledActions"):
        _apply(group, action)
    if action.recurrence is None:
        _remove(backend, action)
    else:
        _watch(backend, action)


def _apply(group: Any, action: Any) -> None:
    """Set the sizes that the action gives. A capacity that it does not give follows the new bounds."""
    least = group.min_size if action.min_size is None else action.min_size
    most = group.max_size if action.max_size is None else action.max_size
    wanted = action.desired_capacity
    desired = max(least, min(group.desired_capacity, most)) if wanted is None else wanted
    if not least <= desired <= most:
        raise NotModelled(
            f"the embedded AWS does not model a scheduled action ({action.scheduled_action_name}) whose sizes do not "
            f"fit: {desired} is not from {least} to {most}"
        )
    group.min_size, group.max_size = least, most
    reason = (
        f"a scheduled action update of AutoScalingGroup constraints to min: {least}, max: {most}, desired: {desired}"
    )
    capacity.set_desired(group, desired, reason)


def _next_due(action: Any) -> datetime | None:
    """The next moment later than now, or StartTime itself; None when the action has ended."""
    now = clock.current().now()
    start = None if action.start_time is None else _moment(action.start_time)
    if action.recurrence is None:
        return start
    if start is not None and start > now:
        return start
    due: datetime = next(CronSim(action.recurrence, now.astimezone(parse_timezone(action.time_zone or "UTC"))))
    ended = action.end_time is not None and due > _moment(action.end_time)
    return None if ended else due.astimezone(UTC)


def _remove(backend: Any, action: Any) -> None:
    """An action that will not run any more is not described."""
    if backend.scheduled_actions.get(action.scheduled_action_name) is action:
        del backend.scheduled_actions[action.scheduled_action_name]


def _moment(given: datetime) -> datetime:
    """A moment of a request; moto has them in UTC, and does not say so."""
    return given if given.tzinfo else given.replace(tzinfo=UTC)
