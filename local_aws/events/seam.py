"""EventBridge: rules' deliveries go through `local_aws.events.rules` instead of moto's.

moto's own would deliver events of disabled rules, match everything with a rule that has no pattern, accept match types
that it then takes for a match, raise on Lambda and Step Functions targets, and take events in the name of AWS.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.events import models

from local_aws.core import clock, delivery
from local_aws.core.guard import expect_parameters
from local_aws.events import rules
from local_aws.events.delivery import deliver

expect_parameters(models.Rule.send_to_targets, "self", "original_event", "transform_input")
expect_parameters(
    models.EventsBackend.put_rule,
    "self",
    "name",
    "description",
    "event_bus_arn",
    "event_pattern",
    "role_arn",
    "scheduled_expression",
    "state",
    "managed_by",
    "tags",
)
expect_parameters(models.EventsBackend.put_targets, "self", "name", "event_bus_arn", "targets")
expect_parameters(models.EventsBackend.put_events, "self", "events")
expect_parameters(models.EventPattern.matches_event, "self", "event")
expect_parameters(models.EventPattern.dump, "self")


@functools.cache
def install() -> None:
    """Route moto's EventBridge through the embedded AWS, for the rest of the process; without a clock, moto is moto."""
    _install_delivery()
    _install_checks()
    delivery.register("events", deliver)


def _install_delivery() -> None:
    original = models.Rule.send_to_targets

    @functools.wraps(original)
    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        if clock.is_running():
            rules.send_to_targets(self, original_event)
        else:
            original(self, original_event, transform_input)

    models.Rule.send_to_targets = send_to_targets


def _install_checks() -> None:
    put_rule, put_targets = models.EventsBackend.put_rule, models.EventsBackend.put_targets
    put_events = models.EventsBackend.put_events

    @functools.wraps(put_rule)
    def checked_put_rule(
        self: Any,
        name: str,
        description: str | None = None,
        event_bus_arn: str | None = None,
        event_pattern: str | None = None,
        role_arn: str | None = None,
        scheduled_expression: str | None = None,
        state: str | None = None,
        managed_by: str | None = None,
        tags: list[dict[str, str]] | None = None,
    ) -> Any:
        if clock.is_running():
            rules.check_rule(event_pattern, scheduled_expression)
        return put_rule(
            self,
            name,
            description,
            event_bus_arn,
            event_pattern,
            role_arn,
            scheduled_expression,
            state,
            managed_by,
            tags,
        )

    @functools.wraps(put_targets)
    def checked_put_targets(self: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> None:
        if clock.is_running():
            rules.check_targets(targets)
        put_targets(self, name, event_bus_arn, targets)

    @functools.wraps(put_events)
    def checked_put_events(self: Any, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        refused = [rules.refusal_of(entry) for entry in events]
        answers = iter(put_events(self, [entry for entry, answer in zip(events, refused, strict=True) if not answer]))
        return [answer or next(answers) for answer in refused]

    models.EventsBackend.put_events = checked_put_events
    models.EventsBackend.put_rule = checked_put_rule
    models.EventsBackend.put_targets = checked_put_targets
