"""Each scenario, from its trigger to its end, tested by the state that it leaves AWS in."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from local_aws.core.delivery import undelivered
from local_aws.sns import topics as sns
from rehearsal import scenario, scenario_names
from rehearsal.scenario import ApplicationStack, Intervention, Scenario
from tests.workflow.rollout import amis, rollout
from tests.workflow.running import parameters, patch_run


def test_happy_path() -> None:
    with patch_run("happy-path", as_long_as_on_aws=True) as ran:
        new = ran.report.targets[0].ami_after
        assert ran.report.status == "SUCCEEDED"
        assert ran.amis("web") == [new, new] and new != ran.deployment.golden_ami
        assert ran.instance_ids("web").isdisjoint(ran.instances_before["web"])
        assert ran.stack_status("web") == "UPDATE_COMPLETE"
        assert parameters("web")["AmazonMachineImage"] == new
        assert ran.image_statuses() == ["AVAILABLE"]
        (image,) = boto3.client("ec2").describe_images(ImageIds=[str(new)])["Images"]
        assert image["State"] == "available"
        build, update = ran.report.phases
        assert [step.status for step in build.steps] == [
            *("PENDING", "CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING")
        ]
        assert [event.status for event in build.events] == [*(step.status for step in build.steps), "AVAILABLE"]
        assert build.steps[-1].end == build.events[-1].at and 1300 < build.events[-1].at < 1400
        assert [(step.status, step.is_failure) for step in update.steps] == [
            ("UPDATE_IN_PROGRESS", False),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", False),
        ]
        assert {(event.resource, event.status) for event in update.events} >= {
            ("AppAutoScalingGroup", "UPDATE_COMPLETE"),
            ("AppAutoScalingGroup", "DELETE_COMPLETE"),
            ("the stack", "UPDATE_COMPLETE"),
        }
        (notification,) = ran.report.notifications
        assert notification.subject == f"AMI Autopatch: PATCHED: web now on {new}"
        assert notification.attributes["outcome"] == "PATCHED" and json.loads(notification.attributes["stack"]) == [
            "web"
        ]
        (email,) = sns.emails()
        assert (email.address, email.subject) == ("operations@example.com", notification.subject)
        assert undelivered() == []
        # The schedule started it, on the second Tuesday of the month.
        (execution,) = ran.executions()
        assert execution["startDate"].strftime("%A %d %H:%M") == "Tuesday 08 06:00"
        described = boto3.client("stepfunctions").describe_execution(executionArn=execution["executionArn"])
        assert json.loads(described["input"]) == {"trigger": "schedule"}
        # Every line of the functions' logs has the execution's ARN, but for the daily checks' that belong to none.
        lines = [json.loads(line) for line in ran.log_lines('"level"') if "CheckBaseAmi" not in line]
        assert len(lines) > 10
        assert {line["correlation_id"] for line in lines} == {ran.report.execution_arn}
        assert {"PlanRunFunction", "CheckImageFunction", "NotifyFunction"} <= {
            part for line in lines for part in line["function_name"].split("-")
        }
        # The old group is gone.
        groups = boto3.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        assert len(groups) == len(ran.deployment.stacks)


def test_alarm_goes_off() -> None:
    with patch_run("alarm-goes-off") as ran:
        assert (ran.report.status, ran.report.error) == ("FAILED", "DeploymentFailed")
        assert ran.instance_ids("web") == ran.instances_before["web"]
        assert ran.stack_status("web") == "UPDATE_ROLLBACK_COMPLETE"
        words = ran.words()
        assert "alarm:web-errors is in ALARM state" in words
        assert "is not held, because nothing shows that its instances failed: no resource failed before" in words
        assert boto3.client("ssm").get_parameters_by_path(Path="/ami-autopatch/held")["Parameters"] == []


def test_image_build_fails() -> None:
    with patch_run("image-build-fails") as ran:
        assert (ran.report.status, ran.report.error) == ("FAILED", "ImageBuildFailed")
        assert ran.image_statuses() == ["FAILED"]
        assert ran.stack_status("web") == "CREATE_COMPLETE"
        assert ran.instance_ids("web") == ran.instances_before["web"]
        (notification,) = ran.report.notifications
        assert "the image build failed; web not touched" in notification.subject
        # The failure context of the image: the status, the step and the component's own words.
        image = boto3.client("imagebuilder").list_image_pipeline_images(imagePipelineArn=ran.deployment.pipeline_arn)
        state = boto3.client("imagebuilder").get_image(imageBuildVersionArn=image["imageSummaryList"][0]["arn"])
        context = state["image"]["state"]["failureContext"]
        flowing = " ".join(notification.message.split())
        assert context["failedStep"] in flowing and context["componentFailure"]["errorMessage"] in flowing
        assert ran.report.overhead_seconds is not None and ran.report.overhead_seconds < 65, "noticed within a poll"


def test_image_build_hangs() -> None:
    chosen = scenario.load("image-build-hangs")
    with patch_run(replace(chosen, parameters={"BuildDeadlineMinutes": "25"})) as ran:
        assert ran.report.error == "ImageBuildTimedOut"
        assert ran.image_statuses() == ["CANCELLED"]
        assert ran.report.seconds == pytest.approx(25 * 60, abs=15)
        assert ran.instance_ids("web") == ran.instances_before["web"]
        assert len(ran.report.notifications) == 1


def test_image_has_no_ami_here() -> None:
    with patch_run("image-has-no-ami-here") as ran:
        assert ran.report.error == "ImageHasNoAmi"
        assert ran.image_statuses() == ["AVAILABLE"]
        assert ran.stack_status("web") == "CREATE_COMPLETE"
        (notification,) = ran.report.notifications
        assert "eu-west-1" in notification.message


def test_deployment_rolls_back() -> None:
    with patch_run("deployment-rolls-back") as ran:
        assert ran.report.error == "DeploymentFailed"
        assert ran.stack_status("web") == "UPDATE_ROLLBACK_COMPLETE"
        assert ran.amis("web") == [ran.deployment.golden_ami] * 2
        assert ran.instance_ids("web") == ran.instances_before["web"]
        (notification,) = ran.report.notifications
        assert notification.subject == f"AMI Autopatch: FAILED: web rolled back to {ran.deployment.golden_ami}"
        # The first failed resource event of this update.
        assert "AppAutoScalingGroup" in notification.message
        assert "Received 0 SUCCESS signal(s) out of 2" in " ".join(notification.message.split())
        # The AMI is not rolled out again until a person removes the hold.
        held = boto3.client("ssm").get_parameters_by_path(Path="/ami-autopatch/held")["Parameters"]
        assert [parameter["Value"] for parameter in held] == ["its instances failed in web (DeploymentFailed)"]


def test_rollback_fails() -> None:
    with patch_run("rollback-fails") as ran:
        assert ran.report.error == "RollbackFailed"
        assert ran.stack_status("web") == "UPDATE_ROLLBACK_FAILED"
        (notification,) = ran.report.notifications
        assert notification.subject == "AMI Autopatch: ACTION NEEDED: the rollback of web failed"
        command = "aws cloudformation continue-update-rollback --stack-name web"
        assert command in [line.strip() for line in notification.message.splitlines()]
        # Another run does not touch the stack either: it says how to repair it before anything is changed.
        again = boto3.client("stepfunctions").start_execution(
            stateMachineArn=ran.deployment.state_machine_arn,
            input=json.dumps({"targets": ["web"], "amiId": ran.deployment.golden_ami}),
        )
        ran.aws.clock.sleep(600)
        refused = boto3.client("stepfunctions").describe_execution(executionArn=again["executionArn"])
        assert refused["error"] == "TargetNotReady"
        assert "found UPDATE_ROLLBACK_FAILED" in refused["cause"] and "continue-update-rollback" in refused["cause"]
        assert ran.stack_status("web") == "UPDATE_ROLLBACK_FAILED"


def test_deployment_hangs() -> None:
    chosen = scenario.load("deployment-hangs")
    with patch_run(replace(chosen, parameters={"DeploymentDeadlineMinutes": "20"})) as ran:
        assert ran.report.error == "DeploymentTimedOut"
        assert ran.stack_status("web") == "UPDATE_ROLLBACK_COMPLETE"
        assert ran.instance_ids("web") == ran.instances_before["web"]
        events = boto3.client("cloudformation").describe_stack_events(StackName="web")["StackEvents"]
        cancelled = min(event["Timestamp"] for event in events if "ROLLBACK" in event["ResourceStatus"])
        begun = min(event["Timestamp"] for event in events if event["ResourceStatus"] == "UPDATE_IN_PROGRESS")
        assert (cancelled - begun).total_seconds() == pytest.approx(20 * 60, abs=15)
        (notification,) = ran.report.notifications
        assert "still waiting for AppAutoScalingGroup" in " ".join(notification.message.split())


def test_already_current() -> None:
    with patch_run("already-current") as ran:
        assert ran.report.status == "SUCCEEDED"
        assert ran.report.targets[0].outcome == "ALREADY_CURRENT"
        assert ran.image_statuses() == []
        assert ran.stack_status("web") == "CREATE_COMPLETE"
        assert ran.instance_ids("web") == ran.instances_before["web"]
        assert "PATCHED" not in ran.report.notifications[0].subject


def test_stack_busy() -> None:
    with patch_run("stack-busy") as ran:
        assert ran.report.targets[0].outcome == "PATCHED"
        busy = ["Preview Update", "Preview Started?", "Wait For Stack", "Check Calendar", "Calendar Open?"]
        begun = ran.visited().index("Preview Update")
        assert ran.visited()[begun : begun + 10] == 2 * busy
        assert ran.amis("web") == [ran.report.targets[0].ami_after] * 2
        # What the other operator changed meanwhile is kept.
        assert parameters("web")["InstanceType"] == "t3.small"


def test_two_stacks_one_fails() -> None:
    with patch_run("two-stacks-one-fails") as ran:
        assert (ran.report.status, ran.report.error) == ("FAILED", "DeploymentFailed")
        web, api = ran.report.targets
        assert (web.outcome, api.outcome) == ("PATCHED", "FAILED")
        assert ran.amis("web") == [web.ami_after] * 2
        assert ran.amis("api") == [ran.deployment.golden_ami] * 2
        assert ran.instance_ids("api") == ran.instances_before["api"]
        assert (web.instances, api.instances) == ({web.ami_after: 2}, {ran.deployment.golden_ami: 2})
        rolled_back = ran.report.phases[-1]
        assert rolled_back.stack_name == "api" and [step.is_failure for step in rolled_back.steps][1:] == [True, True]
        assert any(event.reason.startswith("Received 0 SUCCESS signal(s)") for event in rolled_back.events)
        (notification,) = ran.report.notifications
        assert notification.attributes["outcome"] == "FAILED"
        assert "web: PATCHED" in notification.message and "api: FAILED" in notification.message


def test_throttled() -> None:
    with patch_run("throttled") as ran:
        assert ran.report.status == "SUCCEEDED"
        assert ran.image_statuses() == ["AVAILABLE"], "no second build by a retried start"
        assert ran.amis("web") == [ran.report.targets[0].ami_after] * 2
        assert len(ran.report.notifications) == 1


def test_duplicate_base_image() -> None:
    with patch_run("duplicate-base-image") as ran:
        (execution,) = ran.executions()
        assert execution["name"] == "base-image-2023-9-20261130-0"
        assert execution["status"] == "SUCCEEDED"
        assert ran.image_statuses() == ["AVAILABLE"]
        assert len(ran.report.notifications) == 1


def test_silent_topic() -> None:
    with patch_run("silent-topic") as ran:
        (execution,) = ran.executions()
        assert (execution["name"], execution["status"]) == ("base-image-2023-9-20261130-0", "SUCCEEDED")
        assert execution["startDate"] - datetime(2026, 12, 2, 6, 10, tzinfo=UTC) < timedelta(minutes=1)
        assert ran.amis("web") == [ran.report.targets[0].ami_after] * 2
        assert "release 2023.9.20261130.0" in ran.words()


def test_notification_fails() -> None:
    with patch_run("notification-fails") as ran:
        assert ran.report.status == "FAILED"
        assert ran.amis("web") == [ran.report.targets[0].ami_after] * 2
        assert ran.report.notifications == ()
        # The notification from outside the execution failed as well, and its event is kept for a person to find.
        (kept,) = ran.undelivered_triggers()
        assert str(ran.report.execution_arn) in kept


def test_aborted() -> None:
    with patch_run("aborted", as_long_as_on_aws=True) as ran:
        assert ran.report.status == "ABORTED"
        assert ran.instance_ids("web") == ran.instances_before["web"]
        (notification,) = ran.report.notifications
        assert notification.attributes["outcome"] == "ABORTED"
        assert "'Wait For Image'" in notification.subject and "Stopped by an operator" in notification.message


def test_every_scenario_has_its_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    played = set(re.findall(r'\b(?:patch_run|scenario\.load)\("([a-z-]+)"', tests))
    assert set(scenario_names.names()) <= played


# -- other paths through the state machine ----------------------------------------------------------------------------


def by_hand(document: object, **changes: object) -> Scenario:
    return replace(scenario.load("happy-path"), trigger="manual", input=document, **changes)  # type: ignore[arg-type]


def test_a_missing_pipeline_is_reported_before_anything_is_done() -> None:
    arn = "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/gone"
    with patch_run(by_hand({}, parameters={"PipelineArn": arn})) as ran:
        assert ran.report.error == "ConfigError"
        assert arn in ran.report.notifications[0].message


def test_the_most_urgent_of_several_failures_is_the_runs_error() -> None:
    stacks = {"api": {"signals": "none"}, "web": {"signals": "none"}}
    document = {
        "trigger": "manual",
        "stacks": [{"name": "api"}, {"name": "web"}],
        "autoscaling": {"stacks": stacks},
        "cloudformation": {"rollback_fails": {"web": "the old image is gone"}},
        # Both are on their way before the AMI is held.
        "parameters": {"MaxConcurrentTargets": "2"},
    }
    with patch_run(scenario.from_document("two-stacks-fail", document)) as ran:
        assert ran.report.error == "RollbackFailed"
        assert "api: DeploymentFailed:" in str(ran.report.cause) and "web: RollbackFailed:" in str(ran.report.cause)
        (notification,) = ran.report.notifications
        assert notification.subject == "AMI Autopatch: ACTION NEEDED: the rollback of web failed; 0 of 2 stacks fine"
        assert ran.stack_status("api") == "UPDATE_ROLLBACK_COMPLETE"


def test_a_given_ami_is_rolled_out_and_nothing_is_built() -> None:
    stacks = (ApplicationStack("web"), ApplicationStack("api"))
    document = {"amiId": "${GoldenAmi}", "targets": ["web"], "reason": "go back"}
    with patch_run(by_hand(document, stacks=stacks)) as ran:
        assert ran.image_statuses() == []
        assert [target.stack_name for target in ran.report.targets] == ["web"]
        assert "go back" in ran.report.notifications[0].message


def test_every_other_parameter_keeps_its_value() -> None:
    """An omitted parameter would be reset to the template's default (CloudFormation API reference, UpdateStack)."""
    resized = ApplicationStack("web", parameters={"DesiredCapacity": "3", "MaxSize": "6", "InstanceType": "t3.large"})
    with patch_run(by_hand({}, stacks=(resized,))) as ran:
        assert ran.report.status == "SUCCEEDED"
        after = parameters("web")
        assert (after["DesiredCapacity"], after["MaxSize"], after["InstanceType"]) == ("3", "6", "t3.large")
        assert ran.amis("web") == [after["AmazonMachineImage"]] * 3


def test_a_joined_build_is_waited_for_and_not_started_twice() -> None:
    with rollout(Scenario()) as world:
        images = boto3.client("imagebuilder")
        images.start_image_pipeline_execution(
            imagePipelineArn=world.deployment.pipeline_arn, clientToken="somebody-else"
        )
        world.aws.clock.sleep(30)
        ended = world.end(world.start_with({}))
        assert ended.status == "SUCCEEDED" and ended.output["image"]["joined"] is True
        built = images.list_image_pipeline_images(imagePipelineArn=world.deployment.pipeline_arn)["imageSummaryList"]
        assert [image["state"]["status"] for image in built] == ["AVAILABLE"]
        assert amis("web") == {ended.output["ami"]["amiId"]}


def test_a_build_cancelled_by_somebody_else_is_a_failed_build() -> None:
    cancelled = (Intervention("cancel-image", when_state="Wait For Image", after_seconds=200),)
    with patch_run(by_hand({}, interventions=cancelled), as_long_as_on_aws=True) as ran:
        assert ran.report.error == "ImageBuildFailed"
        assert "CANCELLED" in ran.report.notifications[0].message
