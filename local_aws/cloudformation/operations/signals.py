"""The signals that an operation awaits before a resource is complete.

Sources: CloudFormation User Guide, "CreationPolicy attribute", "UpdatePolicy attribute"; Template Reference,
AWS::CloudFormation::WaitCondition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local_aws.autoscaling import booting
from local_aws.autoscaling import groups as autoscaling
from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.cloudformation.operations.groups import is_group
from local_aws.cloudformation.operations.progress import Progress
from local_aws.cloudformation.stacks import Signals, seconds
from local_aws.core import clock, settings
from local_aws.core.resource_types import ResourceFailed
from local_aws.core.resources import Definition, Resource

_WAIT_CONDITION = "AWS::CloudFormation::WaitCondition"


@dataclass(frozen=True)
class Awaited:
    """The signals to wait for: how many, how many percent of them, and for how long, in seconds.

    Those do not count of which `since` came before.
    """

    count: int
    percent: int
    timeout: float
    since: int = 0

    @property
    def needed(self) -> int:
        """How many successes are enough."""
        return math.ceil(self.count * self.percent / 100)


def duration_seconds(duration: str) -> float:
    """The length of an ISO 8601 duration of a policy, in seconds.

    Raises ResourceFailed when it is none.
    """
    try:
        return seconds(duration)
    except ValueError as error:
        raise ResourceFailed(f"Invalid duration in a policy of the resource: {error}") from error


@contextmanager
def receiving(progress: Progress, resource: Resource, status: str) -> Iterator[Signals]:
    """Take signals for the resource inside, which has the status; the instances that its group launches send them."""

    def announce(unique_id: str, outcome: str) -> None:
        progress.set_resource_status(resource, status, f"Received {outcome} signal with UniqueId {unique_id}")
        progress.wake()

    stack, signals, name = progress.stack, Signals(announce), resource.logical_id
    senders = _Instances(progress, signals, name)
    stack.awaiting[name] = signals
    booting.listeners()[stack.stack_id, name] = senders.launched
    try:
        yield signals
    finally:
        stack.awaiting.pop(name, None)
        booting.listeners().pop((stack.stack_id, name), None)


class _Instances:
    """The instances that a group launches while its stack takes signals for it."""

    def __init__(self, progress: Progress, signals: Signals, logical_id: str) -> None:
        self._progress = progress
        self._signals = signals
        self._logical_id = logical_id
        self._count = 0

    def launched(self, group: Any, instance: Any) -> None:
        """A launched instance sends a signal when it is ready, if it is one of those that do."""
        self._count += 1
        if self._progress.instant or not _sends(self._progress, self._count):
            return

        def send(outcome: str) -> None:
            is_awaited = self._progress.stack.awaiting.get(self._logical_id) is self._signals
            if is_awaited and autoscaling.runs(group, instance.id):
                self._signals.receive(instance.id, outcome)

        booting.signal_when_ready(group, instance, send)


def _sending(progress: Progress) -> str | int:
    """The settings' `signals` of the operation."""
    return "all" if progress.is_rolling_back else progress.instances.signals


def _sends(progress: Progress, position: int) -> bool:
    sending = _sending(progress)
    return sending == "all" or (isinstance(sending, int) and position <= sending)


def creation_signals(definition: Definition) -> Awaited | None:
    """What a new resource has to wait for; None for one that is complete when it is there.

    Raises ResourceFailed when its policy says no duration.
    """
    if definition.type == _WAIT_CONDITION and "Handle" in definition.properties:
        count, timeout = int(definition.properties.get("Count", 1)), float(definition.properties.get("Timeout", 0))
    elif definition.success_signals is not None:
        count, duration = definition.success_signals
        timeout = duration_seconds(duration)
    elif definition.type == _WAIT_CONDITION:
        count, timeout = 1, duration_seconds("PT5M")
    else:
        return None
    return Awaited(count, definition.minimum_success_percent, timeout) if count else None


def await_creation(progress: Progress, resource: Resource, status: str, signals: Signals, awaited: Awaited) -> None:
    """Wait for the signals without which the new resource, which has the status, is not complete.

    Raises ResourceFailed when too few come in time.
    """
    if progress.instant:
        for sender in _senders(resource, awaited.count):
            signals.receive(sender, "SUCCESS")
    elif not is_group(resource):
        _schedule(progress, signals, _senders(resource, awaited.count))
    successes = await_signals(progress, resource, status, signals, awaited)
    if successes >= awaited.needed:
        return
    if resource.definition.type == _WAIT_CONDITION:
        raise ResourceFailed(f"WaitCondition timed out. Received {successes} conditions when expecting {awaited.count}")
    raise ResourceFailed(
        f"Received {successes} SUCCESS signal(s) out of {awaited.count}.  "
        f"Unable to satisfy {awaited.percent}% MinSuccessfulInstancesPercent requirement"
    )


def await_signals(progress: Progress, resource: Resource, status: str, signals: Signals, awaited: Awaited) -> int:
    """Wait until all signals have come, or so many failures that enough successes can no longer come, or it is too
    late. The resource has the status meanwhile.

    Returns the number of successes.
    """
    deadline = None if _sending(progress) == "hang" else clock.current().time() + awaited.timeout

    def successes() -> int:
        return signals.count("SUCCESS", awaited.since)

    while successes() < awaited.count and signals.count("FAILURE", awaited.since) <= awaited.count - awaited.needed:
        left = None if deadline is None else deadline - clock.current().time()
        if left is not None and left <= 0:
            missing = awaited.count - (len(signals.received) - awaited.since)
            progress.set_resource_status(
                resource,
                status,
                f"Failed to receive {missing} resource signal(s) for the current batch.  "
                "Each resource signal timeout is counted as a FAILURE.",
            )
            break
        progress.pause(left)
    return successes()


def _senders(resource: Resource, count: int) -> list[str]:
    """Who sends the signals that the resource waits for when nobody is launched for it."""
    return [resource.physical_id, *(f"{resource.physical_id}-{number}" for number in range(2, count + 1))]


def _schedule(progress: Progress, signals: Signals, senders: list[str]) -> None:
    """Have the senders send their signals."""
    wait = settings.current(AutoScalingSettings).instance_signal_seconds
    for position, sender in enumerate(senders, 1):
        if _sends(progress, position):
            clock.current().call_later(wait, _sender(signals, sender), f"signal of {sender}")


def _sender(signals: Signals, sender: str) -> Callable[[], None]:
    return lambda: signals.receive(sender, "SUCCESS")
