"""A bad AMI reaches one stack and no more: the targets come in their order, and look for a hold before they begin."""

from __future__ import annotations

from datetime import datetime, timedelta

import boto3

from local_aws.autoscaling.settings import AutoScalingSettings
from rehearsal.scenario import ApplicationStack, Scenario
from tests.workflow.rollout import Rollout, amis, change_sets, make_ill, rollout
from tests.workflow.running import describe

THREE = ("web", "api", "batch")
STACKS = tuple(ApplicationStack(name) for name in THREE)
SILENT = AutoScalingSettings(stacks={name: {"signals": "none"} for name in THREE})


def held() -> dict[str, str]:
    """Why each AMI is held, by its id."""
    parameters = boto3.client("ssm").get_parameters_by_path(Path="/ami-autopatch/held")["Parameters"]
    return {parameter["Name"].rsplit("/", 1)[1]: parameter["Value"] for parameter in parameters}


def update_of(stack: str) -> tuple[datetime, datetime]:
    """When the last update of the stack began, and when it was complete."""
    events = [
        event
        for event in boto3.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        if event["PhysicalResourceId"] == event["StackId"]
    ]
    assert events[0]["ResourceStatus"] == "UPDATE_COMPLETE"
    return next(e["Timestamp"] for e in events if e["ResourceStatus"] == "UPDATE_IN_PROGRESS"), events[0]["Timestamp"]


def untouched(world: Rollout, stack: str) -> bool:
    state = describe(stack)["StackStatus"], amis(stack), change_sets(stack)
    return state == ("CREATE_COMPLETE", {world.deployment.golden_ami}, [])


def test_an_ami_whose_instances_fail_in_the_first_stack_is_not_rolled_out_to_the_others() -> None:
    with rollout(Scenario(stacks=STACKS, autoscaling=SILENT)) as world:
        ended = world.roll_out(*THREE)
        assert (ended.status, ended.error) == ("FAILED", "DeploymentFailed")
        golden = world.deployment.golden_ami
        assert (describe("web")["StackStatus"], amis("web")) == ("UPDATE_ROLLBACK_COMPLETE", {golden})
        assert untouched(world, "api") and untouched(world, "batch")
        assert held() == {world.new_ami: "its instances failed in web (DeploymentFailed)"}
        assert ended.subject == f"AMI Autopatch: FAILED: web rolled back to {golden}; 0 of 3 stacks fine, 2 skipped"
        assert "api: SKIPPED" in ended.flowing and "batch: SKIPPED" in ended.flowing
        assert ended.flowing.count("(its instances failed in web (DeploymentFailed))") >= 2


def test_an_ami_is_held_while_cloudformation_goes_back_even_if_the_run_is_aborted_then() -> None:
    with rollout(Scenario(stacks=STACKS[:2], autoscaling=SILENT)) as world:
        execution_arn = world.start("web")
        while not held():
            world.aws.clock.sleep(5)
            assert describe("web")["StackStatus"] != "UPDATE_ROLLBACK_COMPLETE", "it is held before the way back ends"
        boto3.client("stepfunctions").stop_execution(executionArn=execution_arn)
        ended = world.roll_out("api")
        assert ended.error == "TargetNotReady" and untouched(world, "api")
        assert "Held: expected an AMI that may be rolled out" in ended.flowing


def test_an_ami_whose_instances_fail_the_verification_is_held_before_the_way_back() -> None:
    with rollout(Scenario(stacks=STACKS[:2], parameters={"VerificationDeadlineMinutes": "2"})) as world:
        execution_arn = world.start("web", "api", rollback="manual")
        while describe("web")["StackStatus"] != "UPDATE_COMPLETE":
            world.aws.clock.sleep(1)
        make_ill("web")
        ended = world.end(execution_arn)
        assert (ended.error, untouched(world, "api")) == ("VerificationFailed", True)
        assert held() == {world.new_ami: "its instances failed in web (VerificationFailed)"}
        assert "api: SKIPPED" in ended.flowing


def test_targets_are_updated_in_their_order_as_many_at_a_time_as_the_input_says() -> None:
    with rollout(Scenario(stacks=STACKS, parameters={"MaxConcurrentTargets": "3"})) as world:
        assert world.roll_out("batch", "web", "api", maxConcurrentTargets=2).status == "SUCCEEDED"
        (batch, web, api) = (update_of(stack) for stack in ("batch", "web", "api"))
        assert abs(batch[0] - web[0]) < timedelta(minutes=1) < api[0] - batch[0]
        assert api[0] > min(batch[1], web[1])
        assert all(amis(stack) == {world.new_ami} for stack in THREE)


def test_the_others_wait_until_the_first_target_has_soaked() -> None:
    with rollout(Scenario(stacks=STACKS, parameters={"SoakMinutes": "60", "MaxConcurrentTargets": "3"})) as world:
        assert world.roll_out(*THREE).status == "SUCCEEDED"
        web, api, batch = (update_of(stack) for stack in THREE)
        assert timedelta(minutes=60) < api[0] - web[1] < timedelta(minutes=65) and batch[0] > api[1]


def test_a_hold_that_somebody_makes_during_the_soak_stops_the_others() -> None:
    with rollout(Scenario(stacks=STACKS[:2])) as world:
        execution_arn = world.start("web", "api", soakMinutes=120)
        world.aws.clock.sleep(3600)
        name = f"/ami-autopatch/held/{world.new_ami}"
        boto3.client("ssm").put_parameter(Name=name, Value="slow under load", Type="String")
        ended = world.end(execution_arn)
        assert (ended.status, amis("web"), untouched(world, "api")) == ("SUCCEEDED", {world.new_ami}, True)
        assert ended.subject == f"AMI Autopatch: PATCHED: 1 of 2 stacks now on {world.new_ami}"
        assert "(slow under load)" in ended.flowing and f"aws ssm delete-parameter --name {name}" in ended.flowing
