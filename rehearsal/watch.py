"""An execution, watched: what it visits, shown as it goes by, and what a scenario does to it on the way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from local_aws.core import faults
from local_aws.core.clock import Clock
from rehearsal import measurements, state_machine
from rehearsal.deployment import Deployment
from rehearsal.history import Entered, Exited, History
from rehearsal.interventions import intervene
from rehearsal.report.terminal import LiveView
from rehearsal.scenario import Intervention

STARTED = "ExecutionStarted"
_ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
"""The status of the execution after its last event."""


class Watch:
    """Takes the events of one execution, from its first. `history` is what they have told."""

    def __init__(
        self,
        execution_arn: str,
        clock: Clock,
        deployment: Deployment,
        interventions: Sequence[Intervention],
        view: LiveView | None,
    ) -> None:
        self.execution_arn = execution_arn
        self.history = History()
        self._clock = clock
        self._deployment = deployment
        self._interventions = interventions
        self._view = view
        self._prepare_interventions(None)

    def take(self, event: dict[str, Any]) -> str | None:
        """Take the next event, as GetExecutionHistory gives it; returns the execution's status if it was the last."""
        transition = self.history.read(event)
        if isinstance(transition, Entered):
            self._prepare_interventions(transition.name)
            if self._view is not None:
                self._view.on_state_entered(transition.name, transition.at, transition.target)
        elif isinstance(transition, Exited) and self._view is not None:
            with faults.spared():
                self._show_progress(self._view, transition)
        return _ENDS.get(event["type"])

    def _prepare_interventions(self, state: str | None) -> None:
        """Those of the execution's start (`state` is None), or of its first entering of a state."""
        if state is not None and sum(visit.name == state for visit in self.history.visits) > 1:
            return
        for intervention in self._interventions:
            if intervention.when_state == state:
                act = partial(intervene, intervention, self._deployment, self.execution_arn)
                self._clock.call_later(intervention.after_seconds, act, intervention.do)

    def _show_progress(self, view: LiveView, exited: Exited) -> None:
        """What the run itself has learnt of the build and of the updates."""
        if state_machine.failed(exited.state):
            return
        if exited.name == state_machine.BUILD_CHECK:
            seconds = self._seconds_since(state_machine.build_started_at(exited.state))
            view.on_build_progress(state_machine.build_status(exited.state), seconds)
        elif exited.name == state_machine.DEPLOYMENT_CHECK and exited.target is not None:
            seconds = self._seconds_since(state_machine.update_started_at(exited.state))
            view.on_deployment_progress(exited.target, measurements.stack_status(exited.target), seconds, "")

    def _seconds_since(self, moment: datetime) -> float:
        return (self._clock.now() - moment).total_seconds()
