"""One patch run on the embedded AWS, from its trigger to its end, and what is to be told of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import boto3

from local_aws import faults, lambda_runtime
from local_aws.aws import ACCOUNT, REGION, LocalAws
from local_aws.clock import Clock
from local_aws.delivery import scheduler, sns, targets
from local_aws.deployment import BASE_AMI_TOPIC, Deployment, deploy, fill
from local_aws.history import Entered, Exited, History
from local_aws.imagebuilder import imagebuilder_backends
from local_aws.report import Notification, RunReport, TargetReport
from local_aws.scenario import Intervention, Scenario
from local_aws.seams import stepfunctions
from local_aws.view import LiveView

LONGEST_START = 1800.0
"""Virtual seconds that a trigger may take to start an execution, retries of the functions on the way included."""

AFTERMATH = 900.0
"""Virtual seconds that what follows the end of an execution may take: deliveries, their retries, old instances' end."""

_INTERVENTION_TOKEN = "intervention"
_STACK_TYPE = "AWS::CloudFormation::Stack"
_RELEASE = "2023.9.20261130.0"


Span = tuple[datetime, datetime | None]
"""From when to when something lasted; None while it still does."""


class RunError(Exception):
    """A run cannot be made as asked."""


def run(scenario: Scenario, view: LiveView | None = None) -> RunReport:
    """Run `scenario` in an embedded AWS of its own; tell `view` how it goes."""
    with LocalAws(scenario) as aws:
        return PatchRun(aws, deploy(scenario), view).run()


class PatchRun:
    """A run of what is deployed in `aws`."""

    def __init__(self, aws: LocalAws, deployment: Deployment, view: LiveView | None = None) -> None:
        self._scenario = aws.scenario
        self._clock: Clock = aws.clock
        self._deployment = deployment
        self._view = view
        self._history = History()
        self._execution_arn: str | None = None
        self._started = aws.clock.event()
        self._ended = aws.clock.event()
        self._told = 0

    def run(self) -> RunReport:
        """Pull the trigger, see the execution to its end and what follows it, and report."""
        with faults.spared():
            instances_before = {name: _instances(name) for name in self._deployment.stacks}
        stepfunctions.listeners.append(self._on_event)
        try:
            _TRIGGERS[self._scenario.trigger](self)
            if self._started.wait(LONGEST_START):
                self._ended.wait()
            self._clock.sleep(AFTERMATH)
        finally:
            stepfunctions.listeners.remove(self._on_event)
        self._tell_notifications()
        with faults.spared():
            return self._report(instances_before)

    # -- triggers ----------------------------------------------------------------------------------------------

    def _by_schedule(self) -> None:
        due = scheduler.next_due(REGION)
        if due is None:
            raise RunError("expected the deployment to have a schedule that fires again, found none")
        self._clock.sleep((due[1] - self._clock.now()).total_seconds())

    def _by_hand(self) -> None:
        chosen = {} if self._scenario.input is None else self._scenario.input
        execution_input = fill(chosen, self._deployment.golden_ami)
        boto3.client("stepfunctions").start_execution(
            stateMachineArn=self._deployment.state_machine_arn, input=json.dumps(execution_input)
        )

    def _by_base_image(self) -> None:
        """As Amazon Linux announces it: user guide, "Receive notifications on new updates"."""
        image = {"Name": f"al2023-ami-{_RELEASE}-kernel-6.1-x86_64", "ImageId": "ami-0aaaabbbbccccdddd"}
        message = {
            "v1": {
                "ReleaseVersion": "2023",
                "ImageVersion": _RELEASE,
                "ReleaseNotes": "",
                "Regions": {REGION: [image], "eu-west-1": [{**image, "ImageId": "ami-02222333344445555"}]},
            }
        }
        sns.publish_as_owner(BASE_AMI_TOPIC, json.dumps(message), "New Amazon Linux 2023 AMIs")

    # -- as it goes by -----------------------------------------------------------------------------------------

    def _on_event(self, execution_arn: str, event: dict[str, Any]) -> None:
        if self._execution_arn is None and event["type"] == "ExecutionStarted":
            self._execution_arn = execution_arn
            self._started.set()
            self._prepare_interventions(None)
        if execution_arn != self._execution_arn:
            return
        happened = self._history.read(event)
        if isinstance(happened, Entered):
            self._prepare_interventions(happened.name)
            if self._view is not None:
                self._tell_notifications()
                self._view.on_state_entered(happened.name, happened.at, happened.target)
        elif isinstance(happened, Exited) and self._view is not None:
            with faults.spared():
                self._tell_progress(self._view, happened)
        if event["type"] in ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"):
            self._ended.set()

    def _tell_progress(self, view: LiveView, exited: Exited) -> None:
        """What the run itself has learnt of the build and of the deployments."""
        document = exited.state if isinstance(exited.state, dict) else {}
        now = self._clock.now()
        if exited.target is None and exited.name == "Check Image" and "failure" not in document:
            image = document["image"]
            view.on_build_progress(image["status"], _seconds_since(image["startedAt"], now))
        elif exited.target is not None and exited.name == "Check Deployment" and "failure" not in document:
            update = document["update"]
            stack = boto3.client("cloudformation").describe_stacks(StackName=exited.target)["Stacks"][0]
            seconds = _seconds_since(update["updateStartedAt"], now)
            view.on_deployment_progress(exited.target, stack["StackStatus"], seconds, "")

    def _tell_notifications(self) -> None:
        if self._view is not None:
            for notification in self._notifications()[self._told :]:
                self._told += 1
                self._view.on_notification(notification)

    # -- what others do meanwhile ------------------------------------------------------------------------------

    def _prepare_interventions(self, state: str | None) -> None:
        for intervention in self._scenario.interventions:
            if intervention.when_state == state and self._is_first_visit(state):
                self._clock.call_later(
                    intervention.after_seconds, partial(self._intervene, intervention), intervention.do
                )

    def _is_first_visit(self, state: str | None) -> bool:
        return state is None or sum(visit.name == state for visit in self._history.visits) == 1

    def _intervene(self, intervention: Intervention) -> None:
        with faults.spared():
            self._do(intervention)

    def _do(self, intervention: Intervention) -> None:
        golden_ami = self._deployment.golden_ami
        if intervention.do == "abort":
            assert self._execution_arn is not None
            boto3.client("stepfunctions").stop_execution(
                executionArn=self._execution_arn, cause="Stopped by an operator in the console"
            )
        elif intervention.do == "cancel-image":
            image_builder = boto3.client("imagebuilder")
            images = image_builder.list_image_pipeline_images(imagePipelineArn=self._deployment.pipeline_arn)
            image_builder.cancel_image_creation(
                imageBuildVersionArn=images["imageSummaryList"][0]["arn"], clientToken=_INTERVENTION_TOKEN
            )
        elif intervention.do == "call":
            assert intervention.service is not None and intervention.operation is not None
            client = boto3.client(intervention.service)  # type: ignore[call-overload]
            getattr(client, intervention.operation)(**_resolved(fill(intervention.parameters, golden_ami)))
        else:
            assert intervention.stack is not None
            cloudformation = boto3.client("cloudformation")
            stack = cloudformation.describe_stacks(StackName=intervention.stack)["Stacks"][0]
            changed = fill(intervention.parameters, golden_ami)
            cloudformation.update_stack(
                StackName=intervention.stack,
                UsePreviousTemplate=True,
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": changed[key]}
                    if key in changed
                    else {"ParameterKey": key, "UsePreviousValue": True}
                    for key in (parameter["ParameterKey"] for parameter in stack.get("Parameters", []))
                ],
                Capabilities=stack.get("Capabilities", []),
                ClientRequestToken=_INTERVENTION_TOKEN,
            )

    # -- the report --------------------------------------------------------------------------------------------

    def _report(self, instances_before: dict[str, set[str]]) -> RunReport:
        notifications = tuple(self._notifications())
        invocations = len(lambda_runtime.invocations())
        if self._execution_arn is None:
            return RunReport(
                scenario=self._scenario.name,
                trigger=self._scenario.trigger,
                execution_arn=None,
                started_at=None,
                status=None,
                error=None,
                cause=_why_not_started(),
                seconds=None,
                targets=(),
                notifications=notifications,
                build_seconds=None,
                deploy_seconds=None,
                overhead_seconds=None,
                transitions=0,
                invocations=invocations,
                visits=(),
                definition=self._deployment.definition,
            )
        execution = boto3.client("stepfunctions").describe_execution(executionArn=self._execution_arn)
        start, stop = execution["startDate"], execution["stopDate"]
        build, deployments = self._build(), self._deployments(start)
        at_work: list[Span] = [(max(begin, start), min(end or stop, stop)) for begin, end in [*build, *deployments]]
        return RunReport(
            scenario=self._scenario.name,
            trigger=self._scenario.trigger,
            execution_arn=self._execution_arn,
            started_at=start,
            status=execution["status"],
            error=execution.get("error"),
            cause=execution.get("cause"),
            seconds=(stop - start).total_seconds(),
            targets=tuple(self._targets(instances_before)),
            notifications=notifications,
            build_seconds=_covered(build),
            deploy_seconds=_covered(deployments),
            overhead_seconds=(stop - start).total_seconds() - (_covered(at_work) or 0),
            transitions=len(self._history.visits),
            invocations=invocations,
            visits=tuple(self._history.visits),
            definition=self._deployment.definition,
        )

    def _notifications(self) -> list[Notification]:
        return [
            Notification(message.subject or "", message.message, dict(message.attributes))
            for message in sns.published()
            if message.topic_arn == self._deployment.notification_topic_arn
        ]

    def _targets(self, instances_before: dict[str, set[str]]) -> list[TargetReport]:
        """What the execution itself reported of each target; the instances as EC2 has them."""
        state = self._history.last_state if isinstance(self._history.last_state, dict) else {}
        planned = (state.get("run") or {}).get("targets", [])
        told = {target["stackName"]: target for target in (state.get("summary") or {}).get("targets", [])}
        reports = []
        for plan in planned:
            name = plan["stackName"]
            target = told.get(name) or {
                "amiBefore": plan["amiBefore"],
                "amiAfter": _parameter(name, plan["amiParameter"]),
            }
            reports.append(
                TargetReport(
                    stack_name=name,
                    outcome=target.get("outcome"),
                    ami_before=target.get("amiBefore"),
                    ami_after=target.get("amiAfter"),
                    seconds=target.get("seconds"),
                    reason=target.get("reason"),
                    instances_replaced=len(instances_before.get(name, set()) - _instances(name)),
                )
            )
        return reports

    def _build(self) -> list[Span]:
        """From when to when the image was built, as Image Builder has it; nothing when the run had no build."""
        state = self._history.last_state if isinstance(self._history.last_state, dict) else {}
        image_arn = (state.get("image") or {}).get("imageArn")
        if image_arn is None:
            return []
        image = imagebuilder_backends[ACCOUNT][REGION].images[image_arn]
        ended_at = None if image.ended_at is None else datetime.fromtimestamp(image.ended_at, UTC)
        return [(datetime.fromtimestamp(image.started_at, UTC), ended_at)]

    def _deployments(self, since: datetime) -> list[Span]:
        """From when to when a stack was updated by the run, as CloudFormation's events have it."""
        return [span for name in self._deployment.stacks for span in _operations(name, since)]


_TRIGGERS: dict[str, Callable[[PatchRun], None]] = {
    "schedule": PatchRun._by_schedule,
    "manual": PatchRun._by_hand,
    "base-image": PatchRun._by_base_image,
}


_RESOURCE = re.compile(r"\$\{([\w-]+)\.(\w+)(?:\[(\d+)\])?\}")


def _resolved(value: Any) -> Any:
    """`value` with the physical ids of resources, and the ids of instances, in place of what stands for them."""
    if isinstance(value, dict):
        return {key: _resolved(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item) for item in value]
    return _RESOURCE.sub(lambda match: _identifier(*match.groups()), value) if isinstance(value, str) else value


def _identifier(stack_name: str, logical_id: str, position: str | None) -> str:
    found = boto3.client("cloudformation").describe_stack_resource(StackName=stack_name, LogicalResourceId=logical_id)
    physical_id = found["StackResourceDetail"]["PhysicalResourceId"]
    if position is None:
        return physical_id
    groups = boto3.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[physical_id])
    return groups["AutoScalingGroups"][0]["Instances"][int(position)]["InstanceId"]


def moment(text: str) -> datetime:
    """An ISO 8601 timestamp of an AWS API or of the run's state."""
    return datetime.fromisoformat(text)


def _covered(spans: list[Span]) -> float | None:
    """The seconds in which at least one of the spans lasted; None without spans, or when one has no end."""
    total, reached = 0.0, None
    for begin, end in sorted(spans, key=lambda span: span[0]):
        if end is None:
            return None
        total += max(0.0, (end - max(begin, reached or begin)).total_seconds())
        reached = end if reached is None else max(end, reached)
    return total if spans else None


def _seconds_since(text: str, now: datetime) -> float:
    return (now - moment(text)).total_seconds()


def _operations(stack_name: str, since: datetime) -> list[Span]:
    """From when to when the stack was updated after `since`, by anybody but the scenario's own interventions."""
    pages = boto3.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack_name)
    events = [event for page in pages for event in page["StackEvents"]]
    spans: list[Span] = []
    for event in reversed(events):
        of_stack = event["ResourceType"] == _STACK_TYPE and event.get("PhysicalResourceId") == event["StackId"]
        if not of_stack or event["Timestamp"] < since or event.get("ClientRequestToken") == _INTERVENTION_TOKEN:
            continue
        status = event.get("ResourceStatus")
        if status == "UPDATE_IN_PROGRESS":
            spans.append((event["Timestamp"], None))
        elif status in _END_STATUSES and spans and spans[-1][1] is None:
            spans[-1] = (spans[-1][0], event["Timestamp"])
    return spans


_END_STATUSES = ("UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")


def _parameter(stack_name: str, parameter: str) -> str | None:
    stack = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    values = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    return values.get(parameter)


def _instances(stack_name: str) -> set[str]:
    """The instances in the Auto Scaling groups of the stack."""
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=stack_name)["StackResources"]
    groups = [
        resource["PhysicalResourceId"]
        for resource in resources
        if resource["ResourceType"] == "AWS::AutoScaling::AutoScalingGroup"
    ]
    if not groups:
        return set()
    found = boto3.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=groups)
    return {instance["InstanceId"] for group in found["AutoScalingGroups"] for instance in group["Instances"]}


def _why_not_started() -> str:
    lost = [f"{one.source_arn} to {one.target_arn}: {one.error_message}" for one in targets.undelivered()]
    return "; ".join(lost) or "the trigger started no execution"
