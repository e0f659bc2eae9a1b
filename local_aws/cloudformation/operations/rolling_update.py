"""How an update replaces the instances of an Auto Scaling group in batches.

Source: CloudFormation User Guide, "UpdatePolicy attribute", AutoScalingRollingUpdate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from local_aws.autoscaling import capacity
from local_aws.autoscaling import groups as autoscaling
from local_aws.cloudformation.operations.groups import group_of
from local_aws.cloudformation.operations.progress import Progress
from local_aws.cloudformation.operations.signals import Awaited, await_signals, duration_seconds
from local_aws.cloudformation.stacks import Signals
from local_aws.core import clock
from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceFailed
from local_aws.core.resources import Resource

_STATUS = "UPDATE_IN_PROGRESS"
_NEEDED = ("AddToLoadBalancer", "Launch", "Terminate")
_SERVICE_SECONDS = 3600.0
_POLL_SECONDS = 15.0
_TERMINATION_POLL_SECONDS = 5.0


class RollingUpdate:
    """One rolling update of the group `resource`, by its AutoScalingRollingUpdate `policy`.

    The group has its new sizes and launch source already. `signals` are those that its new instances send.
    """

    def __init__(self, progress: Progress, resource: Resource, policy: Mapping[str, Any], signals: Signals) -> None:
        self._progress = progress
        self._resource = resource
        self._signals = signals
        self._waits = str(policy.get("WaitOnResourceSignals", False)).lower() == "true"
        self._pause = str(policy.get("PauseTime", "PT5M" if self._waits else "PT0S"))
        self._percent = int(policy.get("MinSuccessfulInstancesPercent", 100))
        self._active_percent = int(policy.get("MinActiveInstancesPercent", 100))
        self._suspended = [str(process) for process in policy.get("SuspendProcesses", [])]
        self._batch_size = int(policy.get("MaxBatchSize", 1))
        self._least = int(policy.get("MinInstancesInService", 0))
        self._obsolete = autoscaling.obsolete_instance_ids(self._group)
        self._added = len(autoscaling.coming_instance_ids(self._group))
        self._total = len(self._obsolete) + self._added
        self._to_launch = len(self._obsolete)
        self._failed = 0

    @property
    def _group(self) -> Any:
        return group_of(self._resource)

    def run(self) -> None:
        """Replace all instances that were launched from something else than the group has now.

        Raises ResourceFailed when the policy cannot be kept, or too many of the new instances fail; NotModelled when it
        suspends what the update itself needs.
        """
        if not self._obsolete and not self._added:
            return
        if needed := [process for process in self._suspended if process in _NEEDED]:
            raise NotModelled(
                f"the embedded AWS does not model a rolling update that suspends the processes {', '.join(needed)}"
            )
        with autoscaling.suspended(self._group, self._suspended):
            self._run()

    def _run(self) -> None:
        most = autoscaling.max_size(self._group)
        if self._least >= most:
            raise ResourceFailed(
                f"MinInstancesInService must be less than the autoscaling group's MaxSize ({self._least} >= {most})"
            )
        self._announce_start()
        if self._added:
            self._await(self._added, since=0)
        with self._room(most):
            while self._obsolete and not self._has_failed:
                self._replace_batch()
                self._obsolete = self._without_those_that_left(self._obsolete)
        if self._has_failed:
            raise ResourceFailed(
                f"Received {self._failed} FAILURE signal(s) out of {self._total}.  "
                f"Unable to satisfy {self._percent}% MinSuccessfulInstancesPercent requirement"
            )

    @property
    def _has_failed(self) -> bool:
        return self._failed > self._total - math.ceil(self._total * self._percent / 100)

    def _announce(self, text: str) -> None:
        self._progress.set_resource_status(self._resource, _STATUS, text)

    def _announce_start(self) -> None:
        text = (
            f"Rolling update initiated. Terminating {len(self._obsolete)} obsolete instance(s) in batches of "
            f"{self._batch_size}, while keeping at least {self._least} instance(s) in service."
        )
        if self._waits:
            text += (
                f" Waiting on resource signals with a timeout of {self._pause} "
                "when new instances are added to the autoscaling group."
            )
        self._announce(text)

    @contextmanager
    def _room(self, most: int) -> Iterator[None]:
        """Launch so many instances first that the first batch can go without too few being in service.

        After the last batch the group has the size again that it is to have.
        """
        group = self._group
        least, in_service = group.min_size, len(autoscaling.members(group))
        wanted = max(0, self._least + min(self._batch_size, len(self._obsolete)) - in_service)
        surge = min(wanted, most - in_service, len(self._obsolete))
        if surge > 0 and not self._has_failed:
            size = in_service + surge
            text = f"Temporarily setting autoscaling group MinSize and DesiredCapacity to {size}."
            self._announce(text)
            self._to_launch -= surge
            since, group.min_size = len(self._signals.received), size
            capacity.set_desired(group, size, "a user request update of AutoScalingGroup constraints")
            self._await(surge, since)
        yield
        group.min_size = min(least, group.min_size)

    def _without_those_that_left(self, instances: list[str]) -> list[str]:
        """Those of the instances that nobody else has taken out of the group or terminated; no others are replaced."""
        living = autoscaling.living_instance_ids(self._group)
        left = [instance for instance in instances if instance in living]
        self._total -= len(instances) - len(left)
        return left

    def _replace_batch(self) -> None:
        """The group launches the new instances of a batch while the old ones terminate."""
        in_service = len(autoscaling.members(self._group))
        size = min(self._batch_size, len(self._obsolete), max(1, in_service - self._least))
        batch, self._obsolete = self._obsolete[:size], self._obsolete[size:]
        number = min(size, self._to_launch)
        self._to_launch -= number
        self._announce(f"Terminating instance(s) [{','.join(batch)}]; replacing with {number} new instance(s).")
        since = len(self._signals.received)
        capacity.replace(self._group, batch, number)
        while not set(batch).isdisjoint(autoscaling.terminating_instance_ids(self._group)):
            self._progress.sleep(_TERMINATION_POLL_SECONDS)
        remaining = len(self._obsolete)
        done = 100 - 100 * remaining // max(1, self._total)
        self._announce(f"Successfully terminated instance(s) [{','.join(batch)}] (Progress {done}%).")
        if number:
            self._await(number, since)

    def _await(self, number: int, since: int) -> None:
        """Wait for so many instances that the group launches, and count those that fail.

        Signals count of which `since` came before.
        """
        if self._waits:
            self._announce(
                f"New instance(s) added to autoscaling group - Waiting on {number} resource signal(s) "
                f"with a timeout of {self._pause}."
            )
            awaited = Awaited(number, 100, duration_seconds(self._pause), since)
            self._failed += number - await_signals(self._progress, self._resource, _STATUS, self._signals, awaited)
        else:
            self._progress.sleep(duration_seconds(self._pause))
        if not self._has_failed:
            self._await_service()

    def _await_service(self) -> None:
        """Wait until enough of the group's instances are in service.

        Raises ResourceFailed when that takes more than an hour.
        """
        deadline = clock.current().time() + _SERVICE_SECONDS
        needed = math.ceil(autoscaling.desired_capacity(self._group) * self._active_percent / 100)
        while (found := len(autoscaling.in_service_instance_ids(self._group))) < needed:
            if clock.current().time() >= deadline:
                raise ResourceFailed(
                    f"{found} of {autoscaling.desired_capacity(self._group)} instance(s) are in service.  Unable to "
                    f"satisfy {self._active_percent}% MinActiveInstancesPercent requirement"
                )
            self._progress.sleep(_POLL_SECONDS)
