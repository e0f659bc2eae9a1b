"""One patch run on the embedded AWS, from its trigger to its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import boto3

from local_aws.aws import LocalAws
from local_aws.core import delivery, faults
from local_aws.lambda_.invocations import invocations
from local_aws.sns import topics
from local_aws.stepfunctions import executions as stepfunctions
from rehearsal import measurements, state_machine, triggers
from rehearsal.deployment import Deployment, deploy
from rehearsal.report.document import Notification, Phase, RunReport, TargetReport
from rehearsal.report.terminal import LiveView
from rehearsal.scenario import Scenario
from rehearsal.watch import STARTED, Watch

LONGEST_START = 1800.0
"""Virtual seconds that a trigger may take to start an execution, retries of the functions on the way included."""

AFTERMATH = 900.0
"""Virtual seconds that what follows the end of an execution may take: deliveries, their retries, old instances' end."""


def run(scenario: Scenario, view: LiveView | None = None) -> RunReport:
    """Run `scenario` in an embedded AWS of its own; `view` shows how it goes.

    Raises DeploymentError where a stack cannot be created, NoSchedule where the schedule cannot start a run.
    """
    with LocalAws(*scenario.behaviour) as aws:
        deployment = deploy(scenario) if view is None else deploy(scenario, view.on_stack)
        return PatchRun(aws, scenario, deployment, view).run()


class PatchRun:
    """A run of what is deployed in `aws`."""

    def __init__(self, aws: LocalAws, scenario: Scenario, deployment: Deployment, view: LiveView | None = None) -> None:
        self._scenario = scenario
        self._clock = aws.clock
        self._deployment = deployment
        self._view = view
        self._watch: Watch | None = None
        self._started = aws.clock.event()
        self._ended = aws.clock.event()
        self._shown_notifications = 0
        self._invocations_before = 0

    def run(self) -> RunReport:
        """Pull the trigger, see the execution to its end and what follows it, and report."""
        with faults.spared():
            instances_before = {name: measurements.instances(name) for name in self._deployment.stacks}
        stepfunctions.listeners().append(self._on_event)
        try:
            triggers.pull(self._scenario, self._deployment)
            if self._started.wait(LONGEST_START):
                self._ended.wait()
            self._clock.sleep(AFTERMATH)
        finally:
            stepfunctions.listeners().remove(self._on_event)
        self._show_notifications()
        with faults.spared():
            if self._watch is None:
                return self._report_of_no_execution()
            return self._report(self._watch, instances_before)

    # -- as it goes by -----------------------------------------------------------------------------------------

    def _on_event(self, execution_arn: str, event: dict[str, Any]) -> None:
        if self._watch is None and event["type"] == STARTED:
            interventions = self._scenario.interventions
            self._watch = Watch(execution_arn, self._clock, self._deployment, interventions, self._view)
            # Those of days before, of which the trigger's own is none: it has not ended yet.
            self._invocations_before = len(invocations())
            self._started.set()
        if self._watch is None or execution_arn != self._watch.execution_arn:
            return
        self._show_notifications()
        if self._watch.take(event) is not None:
            self._ended.set()

    def _show_notifications(self) -> None:
        if self._view is not None:
            for notification in self._notifications()[self._shown_notifications :]:
                self._shown_notifications += 1
                self._view.on_notification(notification)

    # -- the report --------------------------------------------------------------------------------------------

    def _report(self, watch: Watch, instances_before: Mapping[str, set[str]]) -> RunReport:
        execution = boto3.client("stepfunctions").describe_execution(executionArn=watch.execution_arn)
        history = watch.history
        start, stop = execution["startDate"], execution["stopDate"]
        builds = measurements.build_spans(state_machine.image_arn(history.last_state))
        updates = measurements.update_spans(self._deployment.stacks, start)
        at_work = measurements.covered_seconds(span.within(start, stop) for span in [*builds, *updates])
        return RunReport(
            scenario=self._scenario.name,
            trigger=self._scenario.trigger,
            execution_arn=watch.execution_arn,
            started_at=start,
            status=execution["status"],
            error=execution.get("error"),
            cause=execution.get("cause"),
            skip_reason=state_machine.skip_reason(history.last_state),
            seconds=(stop - start).total_seconds(),
            targets=tuple(self._targets(history.last_state, instances_before)),
            notifications=tuple(self._notifications()),
            build_seconds=measurements.covered_seconds(builds),
            deploy_seconds=measurements.covered_seconds(updates),
            overhead_seconds=(stop - start).total_seconds() - (at_work or 0),
            transitions=len(history.visits),
            invocations=len(invocations()) - self._invocations_before,
            visits=tuple(history.visits),
            phases=tuple(self._phases(history.last_state, start)),
            definition=self._deployment.definition,
        )

    def _report_of_no_execution(self) -> RunReport:
        undelivered = [
            f"{entry.source_arn} to {entry.target_arn}: {entry.error_message}" for entry in delivery.undelivered()
        ]
        return RunReport(
            scenario=self._scenario.name,
            trigger=self._scenario.trigger,
            execution_arn=None,
            started_at=None,
            status=None,
            error=None,
            cause="; ".join(undelivered) or "the trigger started no execution",
            skip_reason=None,
            seconds=None,
            targets=(),
            notifications=tuple(self._notifications()),
            build_seconds=None,
            deploy_seconds=None,
            overhead_seconds=None,
            transitions=0,
            invocations=len(invocations()),
            visits=(),
            phases=(),
            definition=self._deployment.definition,
        )

    def _notifications(self) -> list[Notification]:
        return [
            Notification(message.subject or "", message.message, dict(message.attributes))
            for message in topics.published()
            if message.topic_arn == self._deployment.notification_topic_arn
        ]

    def _phases(self, last_state: Any, start: datetime) -> Iterator[Phase]:
        image_arn = state_machine.image_arn(last_state)
        if image_arn is not None:
            yield measurements.build_phase(image_arn, start)
        for plan in state_machine.planned_targets(last_state):
            phase = measurements.update_phase(plan["stackName"], start)
            if phase is not None:
                yield phase

    def _targets(self, last_state: Any, instances_before: Mapping[str, set[str]]) -> list[TargetReport]:
        """What the execution itself reported of each target; the instances as EC2 has them."""
        results = state_machine.target_results(last_state)
        reports = []
        for plan in state_machine.planned_targets(last_state):
            name = plan["stackName"]
            result = results.get(name) or {
                "amiBefore": plan["amiBefore"],
                "amiAfter": measurements.stack_parameter(name, plan["amiParameter"]),
            }
            reports.append(
                TargetReport(
                    stack_name=name,
                    outcome=result.get("outcome"),
                    ami_before=result.get("amiBefore"),
                    ami_after=result.get("amiAfter"),
                    seconds=result.get("seconds"),
                    reason=result.get("reason"),
                    instances_replaced=len(instances_before.get(name, set()) - measurements.instances(name)),
                    instances=measurements.amis(name),
                )
            )
        return reports
