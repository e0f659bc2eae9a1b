"""The findings about a target before its update, on plain data: each finding, and its text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autopatch.aws.cloudformation.stacks import Stack
from autopatch.aws.cloudwatch import Alarm, AlarmState
from autopatch.aws.ec2 import MachineImage
from autopatch.findings import (
    alarm_findings,
    ami_findings,
    current_findings,
    fleet_findings,
    pause_findings,
    stack_findings,
)
from autopatch.settings import ACCEPTABLE
from tests.autopatch.groups import (
    ACCOUNT,
    IMAGE,
    NEW,
    OLD,
    fleet,
    member,
    only,
)

# -- what watches over the update, and how long it pauses --------------------------------------------------------------

ERRORS, LATENCY = (f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}" for name in ("errors", "latency"))


def alarms(**states: AlarmState) -> dict[str, Alarm]:
    arns = {"errors": ERRORS, "latency": LATENCY}
    return {arns[name]: Alarm(arns[name], False, state) for name, state in states.items()}


def test_alarms_that_are_ok() -> None:
    assert list(alarm_findings([], {})) == []
    assert list(alarm_findings([ERRORS, LATENCY], alarms(errors=AlarmState.OK, latency=AlarmState.OK))) == []


@pytest.mark.parametrize("state", [AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA])
def test_an_alarm_that_is_not_ok_may_be_soon_and_can_be_accepted(state: AlarmState) -> None:
    finding = only(alarm_findings([ERRORS, LATENCY], alarms(errors=AlarmState.OK, latency=state)))
    assert (finding.name, finding.found, finding.may_pass) == ("AlarmNotOk", f"latency in {state}", True)
    assert finding.name in ACCEPTABLE and "accept AlarmNotOk" in finding.fix


def test_an_alarm_that_is_not_there_is_named_by_its_arn() -> None:
    finding = only(alarm_findings([ERRORS, LATENCY], alarms(errors=AlarmState.OK)))
    assert (finding.name, finding.found, finding.may_pass) == ("NoSuchAlarm", f"no {LATENCY}", False)


def test_an_update_that_pauses_for_longer_than_a_run_can_wait() -> None:
    assert list(pause_findings(2880)) == []
    finding = only(pause_findings(2881))
    assert finding.name == "PausesTooLong" and finding.found.startswith("2881 minutes")


# -- the stack, the AMI, and what runs ---------------------------------------------------------------------------------


def stack(mode: str | None) -> Stack:
    return Stack("arn", "web", "UPDATE_COMPLETE", None, None, (), {}, deployment_mode=mode)


def test_a_deployment_mode_that_waits_for_nothing() -> None:
    """CloudFormation user guide, "Express mode"."""
    finding = only(stack_findings(stack("EXPRESS")))
    assert finding.name == "DoesNotWait" and "EXPRESS" in finding.found and "STANDARD" in finding.fix
    assert list(stack_findings(stack("STANDARD"))) == list(stack_findings(stack(None))) == []


def test_an_ami_that_fits() -> None:
    assert list(ami_findings(NEW, IMAGE, [fleet()])) == []


def test_an_ami_that_is_not_here() -> None:
    finding = only(ami_findings(NEW, None, [fleet()]))
    assert (finding.name, finding.found) == ("NoSuchAmi", "none")
    assert NEW in finding.expected and "copy or share it" in finding.fix


@pytest.mark.parametrize("state", ["pending", "failed", "deregistered", "disabled"])
def test_an_ami_that_cannot_be_launched_now(state: str) -> None:
    """Amazon EC2 API reference, Image: only an AMI that is available can be launched."""
    finding = only(ami_findings(NEW, MachineImage(NEW, "x", state, "x86_64", ACCOUNT), [fleet()]))
    assert (finding.name, finding.found) == ("AmiNotAvailable", state)
    assert "wait until it is" in finding.fix


def test_an_ami_of_another_architecture_names_the_instance_types_once() -> None:
    arm = MachineImage(NEW, "x", "pending", "arm64", ACCOUNT)
    not_available, other = ami_findings(NEW, arm, [fleet(), fleet(logical_id="Other")])
    assert (not_available.name, other.name) == ("AmiNotAvailable", "OtherArchitecture")
    assert "arm64" in other.expected and other.found == "x86_64 (t3.micro)"


def test_an_architecture_that_is_not_known_is_not_judged() -> None:
    mixed = fleet(member("i-1", architecture=None), member("i-2", architecture="arm64", instance_type="t4g.micro"))
    assert only(ami_findings(NEW, IMAGE, [mixed])).found == "arm64 (t4g.micro)"
    assert list(ami_findings(NEW, replace(IMAGE, architecture=None), [mixed])) == []


def test_a_healthy_fleet() -> None:
    assert list(fleet_findings([fleet()])) == []


def test_a_stack_without_a_group() -> None:
    finding = only(fleet_findings([]))
    assert (finding.name, finding.found) == ("NoAutoScalingGroup", "none")


def test_an_unhealthy_fleet_names_its_instances_and_those_that_are_missing() -> None:
    unhealthy = fleet(member("i-1"), member("i-2", trouble="Pending and Healthy"), desired=4)
    finding = only(fleet_findings([fleet(logical_id="Well"), unhealthy]))
    assert finding.name == "UnhealthyInstances" and "all instances of Group " in finding.expected
    assert finding.found == "i-2 Pending and Healthy; 2 of 4 instances missing"
    assert "fix the group first" in finding.fix


def test_a_stack_whose_parameter_holds_the_ami_may_still_run_another() -> None:
    mixed = fleet(member("i-1", NEW), member("i-2", OLD))
    finding = only(current_findings(NEW, "AmazonMachineImage", [mixed]))
    assert finding.name == "OtherAmiRunning" and finding.found == f"i-2 on {OLD}"
    assert "AmazonMachineImage" in finding.expected and "instance refresh" in finding.fix
    assert list(current_findings(NEW, "X", [fleet(member("i-1", NEW))])) == []


def test_a_group_of_another_ami_parameter_may_run_something_else_as_a_whole() -> None:
    ours, others = fleet(member("i-1", NEW)), fleet(member("i-2", OLD), logical_id="Bastion")
    assert list(current_findings(NEW, "X", [ours, others])) == []
    not_patched = current_findings(NEW, "X", [fleet(member("i-1", OLD)), others])
    assert [finding.name for finding in not_patched] == ["OtherAmiRunning", "OtherAmiRunning"]
