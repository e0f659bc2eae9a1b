"""How far an operation on a stack is: the time that it takes, the events that it makes, whether it was cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local_aws.autoscaling import behaviours
from local_aws.autoscaling.behaviours import WELL, Behaviour
from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.cloudformation.errors import OperationFailed
from local_aws.cloudformation.stacks import Operation, Stack
from local_aws.core import clock, settings
from local_aws.core.resources import Resource

POLL_SECONDS = 60.0
INSTANTLY = Behaviour(is_instant=True)


class Cancelled(Exception):
    """The operation was cancelled while it waited."""


class Progress:
    """The progress of an operation on `stack`. An `instant` operation takes no time.

    `is_rolling_back` is True from the moment at which the operation undoes what it did. `failed` is the logical id of
    the resource that failed, or at which the operation was cancelled. `instances` is how the settings have the
    instances behave that it launches. `deadline` is the moment at which the operation fails unless it has ended, None
    when there is none.
    """

    def __init__(self, stack: Stack, operation: Operation, *, instant: bool) -> None:
        self.stack = stack
        self.operation = operation
        self.instant = instant
        self.is_rolling_back = False
        self.is_cancelled = False
        self.failed: str | None = None
        self.deadline: float | None = None
        self._operations = [operation]
        self._at_work: tuple[Resource, str] | None = None
        self._watch: Callable[[], None] | None = None
        self._wake = clock.current().event()
        self.instances = settings.current(AutoScalingSettings).instances_of(stack.name)
        behaviours.begin(stack.name, INSTANTLY if instant else Behaviour(self.instances))

    def begin_rollback(self) -> None:
        """From now on, the operation undoes what it did; the instances that it launches behave well."""
        self.is_rolling_back = True
        behaviours.begin(self.stack.name, INSTANTLY if self.instant else WELL)

    # -- time -----------------------------------------------------------------------------------------------------

    def sleep(self, duration: float) -> None:
        """Let `duration` virtual seconds pass.

        Raises Cancelled as soon as the update is cancelled.
        """
        if self.instant:
            return
        until = clock.current().time() + duration
        while (left := until - clock.current().time()) > 0:
            self.pause(left)

    def pause(self, duration: float | None) -> None:
        """Wait until something happens to the stack, for at most `duration` virtual seconds.

        Raises Cancelled when the operation was cancelled, OperationFailed when its deadline has come, and what
        `watching` found.
        """
        watch, deadline = (None, None) if self.is_rolling_back else (self._watch, self.deadline)
        limits = [] if deadline is None else [max(0.0, deadline - clock.current().time())]
        limits += [] if watch is None else [POLL_SECONDS]
        if limits:
            duration = min(limits) if duration is None else min(duration, *limits)
        self._wake.clear()
        self._wake.wait(duration)
        if self.is_cancelled and not self.is_rolling_back:
            raise Cancelled()
        if deadline is not None and clock.current().time() >= deadline:
            self._give_up_work()
            raise OperationFailed("Stack creation time exceeded the specified timeout")
        if watch is not None:
            watch()

    @contextmanager
    def watching(self, check: Callable[[], None]) -> Iterator[None]:
        """Call `check` now, whenever time passes inside, at least once a minute, and at the end.

        What it raises ends the work on the resource at which the operation is.
        """

        def watch() -> None:
            try:
                check()
            except Exception:
                self._give_up_work()
                raise

        check()
        self._watch = watch
        try:
            yield
            check()
        finally:
            self._watch = None

    def wake(self) -> None:
        """End the pause, if there is one."""
        self._wake.set()

    # -- events ---------------------------------------------------------------------------------------------------

    def begin_work(self, resource: Resource, status: str) -> None:
        """The operation is at work on this resource, which has the status, until `end_work`."""
        self._at_work = (resource, status)

    def end_work(self) -> None:
        self._at_work = None

    def set_status(self, status: str, reason: str | None = None) -> None:
        """Move the stack to the status."""
        self.stack.set_status(self.operation, status, reason)

    def set_resource_status(self, resource: Resource, status: str, reason: str | None = None) -> None:
        """Move a resource to the status, with the event of it."""
        resource.status, resource.status_reason, resource.updated = status, reason, clock.current().now()
        self.stack.add_event(
            self.operation,
            resource.logical_id,
            resource.physical_id,
            resource.definition.type,
            status,
            reason,
            resource.definition.properties,
        )

    # -- the operation itself -------------------------------------------------------------------------------------

    def cancel(self, operation: Operation) -> None:
        """Cancel the update where it is. `operation` is the cancellation, to which belongs what happens from now on."""
        self.stop()
        self._operations.append(operation)
        self.operation = operation
        self.set_status("UPDATE_ROLLBACK_IN_PROGRESS", "Stack update cancelled")

    def stop(self) -> None:
        """Stop the operation where it is."""
        self.is_cancelled = True
        self._give_up_work()
        self.wake()

    def _give_up_work(self) -> None:
        if self._at_work is not None:
            resource, status = self._at_work
            self.failed = resource.logical_id
            verb = "creation" if status.startswith("CREATE_") else "update"
            self.set_resource_status(resource, f"{status.split('_')[0]}_FAILED", f"Resource {verb} cancelled")
            self.end_work()

    def resume(self, operation: Operation) -> None:
        """Go on as another operation, after this one has ended."""
        self.operation, self._operations = operation, [operation]
        self.is_cancelled = False

    def end(self) -> None:
        """The operation has ended."""
        self.stack.policy_during_update = None
        behaviours.begin(self.stack.name, WELL)
        for operation in self._operations:
            operation.ended = clock.current().now()
