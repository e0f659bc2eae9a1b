"""EventBridge Scheduler: schedules are checked as AWS checks them, and fire; moto keeps them and does nothing more."""

from __future__ import annotations

import functools
from typing import Any

from moto.scheduler import models

from local_aws.core import clock
from local_aws.core.guard import expect_parameters
from local_aws.scheduler import schedules as scheduler

_SCHEDULE = (
    "self",
    "description",
    "end_date",
    "flexible_time_window",
    "group_name",
    "kms_key_arn",
    "name",
    "schedule_expression",
    "schedule_expression_timezone",
    "start_date",
    "state",
    "target",
)
expect_parameters(models.EventBridgeSchedulerBackend.create_schedule, *_SCHEDULE, "action_after_completion")
expect_parameters(models.EventBridgeSchedulerBackend.update_schedule, *_SCHEDULE)
expect_parameters(models.EventBridgeSchedulerBackend.delete_schedule, "self", "group_name", "name")
expect_parameters(models.EventBridgeSchedulerBackend.get_schedule, "self", "group_name", "name")
expect_parameters(models.EventBridgeSchedulerBackend.delete_schedule_group, "self", "name")
expect_parameters(models.EventBridgeSchedulerBackend.get_schedule_group, "self", "group_name")


@functools.cache
def install() -> None:
    """Let moto's schedules fire, for the rest of the process; without a clock, moto is moto."""
    backend = models.EventBridgeSchedulerBackend
    create_schedule, update_schedule = backend.create_schedule, backend.update_schedule
    delete_schedule, delete_schedule_group = backend.delete_schedule, backend.delete_schedule_group

    @functools.wraps(create_schedule)
    def checked_create_schedule(self: Any, **parameters: Any) -> Any:
        if not clock.is_running():
            return create_schedule(self, **parameters)
        _check(self, parameters)
        schedule = create_schedule(self, **parameters)
        scheduler.watch(schedule)
        return schedule

    @functools.wraps(update_schedule)
    def checked_update_schedule(self: Any, **parameters: Any) -> Any:
        if not clock.is_running():
            return update_schedule(self, **parameters)
        _check(self, parameters)
        schedule = update_schedule(self, **parameters)
        # UpdateSchedule sets what it is not given to the default; moto leaves the state empty.
        schedule.state = schedule.state or "ENABLED"
        scheduler.watch(schedule)
        return schedule

    @functools.wraps(delete_schedule)
    def watched_delete_schedule(self: Any, group_name: str | None, name: str) -> None:
        arn = self.get_schedule(group_name, name).arn
        delete_schedule(self, group_name, name)
        if clock.is_running():
            scheduler.forget(arn)

    @functools.wraps(delete_schedule_group)
    def watched_delete_schedule_group(self: Any, name: str | None) -> None:
        # Deleting a group deletes its schedules.
        for schedule in list(self.get_schedule_group(name).schedules.values()):
            self.delete_schedule(name, schedule.name)
        delete_schedule_group(self, name)

    backend.create_schedule = checked_create_schedule
    backend.update_schedule = checked_update_schedule
    backend.delete_schedule = watched_delete_schedule
    backend.delete_schedule_group = watched_delete_schedule_group


def _check(backend: Any, parameters: dict[str, Any]) -> None:
    scheduler.check_schedule(
        name=parameters["name"],
        schedule_expression=parameters["schedule_expression"],
        schedule_expression_timezone=parameters["schedule_expression_timezone"],
        flexible_time_window=parameters["flexible_time_window"],
        target=parameters["target"],
        group_name=parameters["group_name"],
        account_id=backend.account_id,
        region=backend.region_name,
    )
