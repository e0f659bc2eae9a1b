"""What happens to a target that was updated and then fails its verification; and groups that change size meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
from msgspec import structs

from autopatch.aws.ec2 import Ec2
from autopatch.aws.step_functions import Executions
from autopatch.contracts import Run, StackUpdate, UpdateStatus, Verified, read
from autopatch.verification import InstanceVerifier
from rehearsal import scenario
from rehearsal.report.words import verdict
from rehearsal.scenario import ApplicationStack, Intervention, Scenario
from tests.workflow.rollout import amis, change_sets, fleets, ids, register_ami, rollout
from tests.workflow.running import describe, parameters, patch_run

HELD = "/ami-autopatch/held"
SOON = {"VerificationDeadlineMinutes": "3"}


def holds() -> dict[str, str]:
    held = boto3.client("ssm").get_parameters_by_path(Path=HELD)["Parameters"]
    return {parameter["Name"]: parameter["Value"] for parameter in held}


def test_a_failed_verification_is_rolled_back_and_its_ami_held() -> None:
    # The input decides, whatever the deployment's parameter is.
    chosen = replace(scenario.load("verification-fails"), parameters={**SOON, "Rollback": "manual"}, trigger="manual")
    with patch_run(replace(chosen, input={"rollback": "automatic"})) as ran:
        golden = ran.deployment.golden_ami
        assert (ran.report.status, ran.report.error) == ("FAILED", "VerificationFailed")
        assert ran.amis("web") == [golden, golden]
        assert ran.stack_status("web") == "UPDATE_COMPLETE" and parameters("web")["AmazonMachineImage"] == golden
        words = ran.words()
        assert f"FAILED: web rolled back to {golden}" in words
        assert "0 of 2 instances of AppAutoScalingGroup serving" in words and "is unhealthy Target.Timeout" in words
        assert f"rolled back to {golden}, and all its instances run that and serve" in words
        (target,) = ran.report.targets
        assert (target.outcome, target.ami_after) == ("FAILED", golden)
        # The AMI is not rolled out again until a person removes the hold.
        (name,) = holds()
        assert name.startswith(f"{HELD}/ami-")
        assert holds()[name] == "its instances failed in web (VerificationFailed)"
        assert f"no run rolls it out again; to release it: aws ssm delete-parameter --name {name}" in words
        arn = boto3.client("stepfunctions").start_execution(
            stateMachineArn=ran.deployment.state_machine_arn, input=json.dumps({"amiId": name.rsplit("/", 1)[1]})
        )["executionArn"]
        ran.aws.clock.sleep(3600)
        again = boto3.client("stepfunctions").describe_execution(executionArn=arn)
        assert again["error"] == "TargetNotReady" and f"delete-parameter --name {name}" in again["cause"]
        assert ran.amis("web") == [golden, golden]


def test_a_way_back_leaves_alone_what_somebody_else_has_rolled_out_since() -> None:
    with rollout(Scenario(parameters=SOON)) as world:
        execution_arn = world.start("web")
        while describe("web")["StackStatus"] != "UPDATE_COMPLETE":
            world.aws.clock.sleep(1)
        ill = sorted(ids("web"))[0]
        boto3.client("autoscaling").set_instance_health(InstanceId=ill, HealthStatus="Unhealthy")
        world.aws.clock.sleep(30)
        fixed = register_ami("golden-image-fixed")
        values: list[Any] = [
            {"ParameterKey": name, "UsePreviousValue": True}
            for name in parameters("web")
            if name != "AmazonMachineImage"
        ]
        boto3.client("cloudformation").update_stack(
            StackName="web",
            UsePreviousTemplate=True,
            Parameters=[*values, {"ParameterKey": "AmazonMachineImage", "ParameterValue": fixed}],
            Capabilities=["CAPABILITY_IAM"],
        )
        ended = world.end(execution_arn)
        assert (ended.status, parameters("web")["AmazonMachineImage"], amis("web")) == ("FAILED", fixed, {fixed})
        assert f"found {fixed}: somebody else has updated the stack since, and it is left alone" in ended.flowing
        assert f"web has {fixed} now, which somebody else has put there" in ended.flowing
        assert "rolled back to" not in ended.flowing and "ACTION NEEDED" not in ended.subject


def test_a_failed_verification_is_left_to_a_person_where_the_deployment_says_so() -> None:
    chosen = replace(scenario.load("verification-fails"), parameters={**SOON, "Rollback": "manual"})
    with patch_run(chosen) as ran:
        assert ran.report.error == "VerificationFailed"
        (bad,) = set(ran.amis("web"))
        assert bad != ran.deployment.golden_ami and list(holds()) == [f"{HELD}/{bad}"]
        assert "Roll Back" not in ran.visited()
        assert "FAILED: web updated, but not verified" in ran.words()
        # The way back that the notification has, though an instance is unhealthy still.
        (notification,) = ran.report.notifications
        (line,) = [line for line in notification.message.splitlines() if line.strip().startswith('{"amiId"')]
        arn = boto3.client("stepfunctions").start_execution(
            stateMachineArn=ran.deployment.state_machine_arn, input=line.strip()
        )["executionArn"]
        ran.aws.clock.sleep(3600)
        assert boto3.client("stepfunctions").describe_execution(executionArn=arn)["status"] == "SUCCEEDED"
        assert set(ran.amis("web")) == {ran.deployment.golden_ami}


def test_a_rollback_that_fails_needs_a_person() -> None:
    with patch_run(replace(scenario.load("way-back-fails"), parameters=SOON)) as ran:
        assert (ran.report.status, ran.report.error) == ("FAILED", "RollbackFailed")
        assert ran.deployment.golden_ami not in ran.amis("web"), "there was nothing to roll back to"
        assert verdict(ran.report).endswith(f". web runs {ran.amis('web')[0]} on 2 of 2 instances.")
        words = ran.words()
        assert "ACTION NEEDED: the rollback of web failed" in words
        assert "0 of 2 instances of AppAutoScalingGroup serving" in words, "the first cause is reported as well"
        assert f"The rollback to {ran.deployment.golden_ami} failed as well" in words


def test_a_group_that_has_scaled_out_keeps_its_size() -> None:
    """AutoScalingReplacingUpdate creates the new group with the template's capacity (CloudFormation user guide)."""
    # The target names the parameter here, the deployment does in the next test.
    target = {"stackName": "web", "capacityParameter": "DesiredCapacity"}
    chosen = replace(scenario.load("scaled-out"), parameters={"CapacityParameterName": ""}, input={"targets": [target]})
    with patch_run(replace(chosen, trigger="manual")) as ran:
        new = ran.report.targets[0].ami_after
        assert ran.amis("web") == [new] * 4
        assert parameters("web")["DesiredCapacity"] == "4"
        assert "4 of 4 instances run it, and serve" in ran.words()


def test_a_group_that_scales_out_after_the_preview_is_previewed_again() -> None:
    with patch_run("scales-out-meanwhile") as ran:
        new = ran.report.targets[0].ami_after
        assert ran.amis("web") == [new] * 4 and ran.report.status == "SUCCEEDED"
        assert ran.visited().count("Update Stack") == 2
        assert "Wait For Healthy Instances" in ran.visited(), "the group is launching instances at that moment"


def test_a_group_that_scales_out_during_the_preview_is_previewed_again() -> None:
    chosen = scenario.load("scales-out-meanwhile")
    (intervention,) = chosen.interventions
    with patch_run(replace(chosen, interventions=(replace(intervention, when_state="Preview Started?"),))) as ran:
        new = ran.report.targets[0].ami_after
        assert ran.amis("web") == [new] * 4 and ran.report.status == "SUCCEEDED"
        assert ran.visited().count("Update Stack") == 1


def test_a_dry_run_previews_and_changes_nothing() -> None:
    with patch_run("dry-run") as ran:
        assert (ran.report.status, ran.report.targets[0].outcome) == ("SUCCEEDED", "DRY_RUN")
        assert ran.instance_ids("web") == ran.instances_before["web"]
        assert (ran.stack_status("web"), change_sets("web")) == ("CREATE_COMPLETE", [])
        words = ran.words()
        assert "would set AmazonMachineImage" in words
        assert "AppLaunchTemplate (AWS::EC2::LaunchTemplate): changed in place (LaunchTemplateData)" in words
        assert "AppAutoScalingGroup (AWS::AutoScaling::AutoScalingGroup): replaced if its new values need it" in words


def test_a_group_that_scales_in_after_its_update_is_no_shortfall() -> None:
    """It has launched as many instances as ran before; a group that the update shrank has launched fewer."""
    smaller = Intervention(
        do="call",
        when_state="Verify Instances",
        service="autoscaling",
        operation="set_desired_capacity",
        parameters={"AutoScalingGroupName": "${web.AppAutoScalingGroup}", "DesiredCapacity": 1},
    )
    stacks = (ApplicationStack("web", parameters={"MinSize": "1"}),)
    chosen = replace(scenario.load("happy-path"), interventions=(smaller,), parameters=SOON, stacks=stacks)
    with patch_run(chosen) as ran:
        new = ran.report.targets[0].ami_after
        assert ran.report.status == "SUCCEEDED" and ran.amis("web") == [new]
        assert "1 of 1 instances run it, and serve" in ran.words()
        state = state_at("Verify Instances", str(ran.report.execution_arn))
        run, updated = read(state["run"], Run), read(state["update"], StackUpdate)
        verifier = InstanceVerifier(run, run.targets[0], fleets(), Ec2())
        assert isinstance(verifier.verify(updated, datetime.now(UTC)), Verified)
        small = structs.replace(updated, started_at=datetime.now(UTC))
        shortfall = verifier.verify(small, datetime.now(UTC))
        assert isinstance(shortfall, StackUpdate) and shortfall.status is UpdateStatus.VERIFYING


def test_the_way_back_has_no_time_for_a_bake_that_it_does_not_make() -> None:
    chosen = replace(scenario.load("verification-fails"), parameters={**SOON, "BakeMinutes": "30"})
    with patch_run(chosen) as ran:
        state = state_at("Verify Rollback", str(ran.report.execution_arn))
        assert (state["update"]["pausesMinutes"], state["rollback"]["pausesMinutes"]) == (30, 0)


def test_an_instance_that_an_operator_puts_in_standby_does_not_blame_the_ami() -> None:
    aside = Intervention(
        do="call",
        when_state="Verify Instances",
        service="autoscaling",
        operation="enter_standby",
        parameters={
            "AutoScalingGroupName": "${web.AppAutoScalingGroup}",
            "InstanceIds": ["${web.AppAutoScalingGroup[0]}"],
            "ShouldDecrementDesiredCapacity": True,
        },
    )
    stacks = (ApplicationStack("web", parameters={"MinSize": "1"}),)
    chosen = replace(scenario.load("happy-path"), interventions=(aside,), parameters=SOON, stacks=stacks)
    with patch_run(chosen) as ran:
        assert (ran.report.status, holds()) == ("SUCCEEDED", {})
        assert "1 of 1 instances run it, and serve" in ran.words()


def state_at(name: str, execution_arn: str) -> dict[str, Any]:
    """The input with which the execution last entered the state."""
    (visit,) = [visit for visit in Executions().last_visits(execution_arn, 1000) if visit.state_name == name][:1]
    state: dict[str, Any] = visit.input
    return state
