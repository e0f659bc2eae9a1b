"""The findings about a target before its update, on plain data: each finding, its text, and the expected changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from autopatch.aws.auto_scaling import Group, GroupInstance
from autopatch.aws.cloudformation.change_sets import Cause, Change
from autopatch.aws.cloudformation.stacks import GROUP_TYPE, Stack
from autopatch.aws.cloudwatch import Alarm, AlarmState
from autopatch.aws.ec2 import Instance, MachineImage
from autopatch.findings import (
    Finding,
    GroupChange,
    alarm_findings,
    ami_findings,
    current_findings,
    fleet_findings,
    group_findings,
    pause_findings,
    room_findings,
    stack_findings,
    unexpected_changes,
)
from autopatch.fleet import GroupFleet, Member
from autopatch.settings import ACCEPTABLE
from autopatch.templates import Template

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/web/1"
OLD, NEW = "ami-0f1e2d3c4b5a69788", "ami-0123456789abcdef0"
IMAGE = MachineImage(NEW, "golden-image", "available", "x86_64")
PARAMETER = Cause("ParameterReference", "AmazonMachineImage")
# On record: a DirectModification that repeats a reference is Dynamic, a value that has moved by itself is Static.
REPEATED = Cause("DirectModification", None, "Dynamic")
DIRECT = Cause("DirectModification", None)
REPLACING = {"AutoScalingReplacingUpdate": {"WillReplace": "true"}}
SIGNALS = {"ResourceSignal": {"Count": "2", "Timeout": "PT15M"}}


def member(instance_id: str = "i-1", ami: str = OLD, trouble: str | None = None, **more: Any) -> Member:
    facts = {"instance_type": "t3.micro", "architecture": "x86_64", "virtual_cpus": 2, "is_on_demand": True, **more}
    return Member(instance_id, Instance(instance_id=instance_id, ami_id=ami, state="running", **facts), trouble)


def fleet(*members: Member, logical_id: str = "Group", desired: int | None = None, subnets: int = 2) -> GroupFleet:
    members = members or (member("i-1"), member("i-2"))
    group = Group(
        name=f"stack-{logical_id}-1",
        desired_capacity=len(members) if desired is None else desired,
        instances=tuple(GroupInstance(member.instance_id, "InService", "Healthy") for member in members),
        subnet_ids=tuple(f"subnet-{number}" for number in range(subnets)),
        target_group_arns=(),
        load_balancer_names=(),
    )
    return GroupFleet(logical_id, group, members)


def changed(
    policy: dict[str, Any] | None = None,
    creation: dict[str, Any] | None = None,
    properties: dict[str, Any] | None = None,
    running: GroupFleet | None = None,
    after: dict[str, Any] | None = None,
) -> GroupChange:
    """A group that an update changes, with these attributes in its template; `after` is what the change set shows."""
    resource = {"Type": GROUP_TYPE, "Properties": {"DesiredCapacity": 2} if properties is None else properties}
    resource |= {} if policy is None else {"UpdatePolicy": policy}
    resource |= {} if creation is None else {"CreationPolicy": creation}
    document = {"Resources": {"Group": resource}, "Parameters": {"Size": {"Type": "Number", "NoEcho": True}}}
    reason = Cause("ResourceAttribute", "Template.LatestVersionNumber")
    change = Change("Modify", "Group", GROUP_TYPE, "Conditional", ("LaunchTemplate",), (reason,), after or {})
    return GroupChange.read(running or fleet(), change, Template(document, {}, STACK_ID))


def only(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    assert str(finding) == f"{finding.name}: expected {finding.expected}, found {finding.found}; {finding.fix}"
    return finding


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


@pytest.mark.parametrize(
    ("preferences", "seconds"),
    [
        (None, 0),
        ({}, 0),
        ({"BakeTime": 600}, 600),
        ({"CheckpointPercentages": [50, 100]}, 7200),
        ({"CheckpointPercentages": [20, 50, 100], "CheckpointDelay": "60", "BakeTime": 1}, 181),
        ({"CheckpointDelay": 60}, 0),
    ],
)
def test_how_long_an_instance_refresh_pauses(preferences: dict[str, Any] | None, seconds: int) -> None:
    """CDK API reference, CfnAutoScalingInstanceRefreshPreferences: seconds; a checkpoint pauses an hour by default."""
    policy = {"Strategy": "Rolling"} | ({} if preferences is None else {"Preferences": preferences})
    assert changed({"AutoScalingInstanceRefresh": policy}, None, {}).pauses_seconds == seconds
    assert changed(REPLACING, SIGNALS).pauses_seconds == 0


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
    finding = only(ami_findings(NEW, MachineImage(NEW, "x", state, "x86_64"), [fleet()]))
    assert (finding.name, finding.found) == ("AmiNotAvailable", state)
    assert "wait until it is" in finding.fix


def test_an_ami_of_another_architecture_names_the_instance_types_once() -> None:
    arm = MachineImage(NEW, "x", "pending", "arm64")
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


# -- the groups that change --------------------------------------------------------------------------------------------


def test_an_update_that_changes_no_group() -> None:
    finding = only(group_findings([], "Bastion"))
    assert finding.name == "NoGroupChanges" and "Bastion" in finding.expected and "amiParameter" in finding.fix


@pytest.mark.parametrize(
    ("policy", "creation", "expected"),
    [
        # CloudFormation user guide, "UpdatePolicy attribute" and "CreationPolicy attribute".
        (None, SIGNALS, "NoUpdatePolicy"),
        ({}, SIGNALS, "NoUpdatePolicy"),
        ({"AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": "true"}}, SIGNALS, "NoUpdatePolicy"),
        ({"AutoScalingReplacingUpdate": {"WillReplace": "false"}}, SIGNALS, "NoUpdatePolicy"),
        (REPLACING, SIGNALS, None),
        ({"AutoScalingReplacingUpdate": {"WillReplace": True}}, SIGNALS, None),
        (REPLACING, None, "NoCreationPolicy"),
        (REPLACING, {"AutoScalingCreationPolicy": {"MinSuccessfulInstancesPercent": "50"}}, "NoCreationPolicy"),
        (REPLACING, {"ResourceSignal": {"Count": "0"}}, "NoCreationPolicy"),
        (REPLACING, {"ResourceSignal": {"Timeout": "PT5M"}}, None),
        ({"AutoScalingRollingUpdate": {"WaitOnResourceSignals": "true"}}, None, None),
        ({"AutoScalingRollingUpdate": {"WaitOnResourceSignals": "false"}}, SIGNALS, "NoCreationPolicy"),
        ({"AutoScalingRollingUpdate": {}}, SIGNALS, "NoCreationPolicy"),
        # Where both are given, WillReplace decides.
        ({**REPLACING, "AutoScalingRollingUpdate": {"WaitOnResourceSignals": "true"}}, None, "NoCreationPolicy"),
        ({"AutoScalingInstanceRefresh": {"Strategy": "Rolling"}}, None, None),
    ],
)
def test_an_update_policy_replaces_the_instances_and_waits_for_signals(
    policy: dict[str, Any] | None, creation: dict[str, Any] | None, expected: str | None
) -> None:
    names = [finding.name for finding in group_findings([changed(policy, creation)], "AmazonMachineImage")]
    assert names == ([expected] if expected else [])


def test_the_texts_for_what_is_missing_in_the_template() -> None:
    nothing = only(group_findings([changed(None)], "X"))
    assert nothing.found == "none, so that the update would succeed and patch nothing"
    assert "WillReplace: true" in nothing.fix
    new_group = only(group_findings([changed(REPLACING)], "X"))
    assert new_group.found == "no CreationPolicy with signals" and "accept NoCreationPolicy" in new_group.fix
    rolling = only(group_findings([changed({"AutoScalingRollingUpdate": {}})], "X"))
    assert rolling.found == "an AutoScalingRollingUpdate without WaitOnResourceSignals"


ROLLING = {"AutoScalingRollingUpdate": {"WaitOnResourceSignals": "true"}}
SCHEDULED = {**ROLLING, "AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": "true"}}


@pytest.mark.parametrize(
    ("policy", "properties", "after"),
    [
        (REPLACING, {"DesiredCapacity": "2", "MinSize": "1"}, 2),
        (REPLACING, {"MinSize": "1", "MaxSize": "8"}, 1),
        (ROLLING, {"DesiredCapacity": "2", "MinSize": "1"}, 2),
        (ROLLING, {"MinSize": "1", "MaxSize": "8"}, None),
        (SCHEDULED, {"DesiredCapacity": "2"}, None),
        # A new group is created with the template's sizes, whatever the scheduled actions say.
        ({**REPLACING, **SCHEDULED}, {"DesiredCapacity": "2"}, 2),
    ],
)
def test_the_current_capacity_has_to_be_kept(
    policy: dict[str, Any], properties: dict[str, str], after: int | None
) -> None:
    """CloudFormation user guide, "UpdatePolicy attribute": a new group has the template's size; so has one updated in
    place, unless it leaves the sizes to scheduled actions."""
    four = fleet(*(member(f"i-{number}") for number in range(4)))
    change = changed(policy, SIGNALS, properties, four)
    assert change.capacity_after == after
    findings = list(group_findings([change], "X"))
    if after is None:
        assert findings == []
    else:
        finding = only(findings)
        assert finding.name == "CapacityShrinks" and "4 instances" in finding.expected
        assert finding.found == f"that the update would leave {after}" and "capacityParameter" in finding.fix


@pytest.mark.parametrize("live", [1, 2])
def test_a_capacity_that_stays_or_grows_is_fine(live: int) -> None:
    running = fleet(*(member(f"i-{number}") for number in range(live)))
    assert list(group_findings([changed(REPLACING, SIGNALS, running=running)], "X")) == []


UNKNOWN: dict[str, Any] = {"Fn::GetAtt": ["Sizes", "Count"]}
ROLLING_BY: dict[str, Any] = {"AutoScalingRollingUpdate": {"WaitOnResourceSignals": {"Ref": "Size"}}}


@pytest.mark.parametrize(
    ("policy", "creation", "properties", "expected", "source"),
    [
        # WillReplace decides what the rest means: all of it is unknown.
        (
            {"AutoScalingReplacingUpdate": {"WillReplace": UNKNOWN}},
            SIGNALS,
            None,
            ["replaces instances", "waits for signals", "how many instances"],
            "Fn::GetAtt Sizes.Count",
        ),
        (
            {"AutoScalingReplacingUpdate": {"WillReplace": UNKNOWN}, **ROLLING_BY},
            SIGNALS,
            None,
            ["waits for signals", "how many instances"],
            "Fn::GetAtt Sizes.Count",
        ),
        ({"Fn::Transform": {}}, None, {}, ["replaces instances", "waits", "how many", "how long"], "Fn::Transform"),
        (
            {"AutoScalingInstanceRefresh": {"Preferences": {"BakeTime": UNKNOWN}}},
            None,
            {},
            ["how long the update pauses"],
            "Fn::GetAtt Sizes.Count",
        ),
        (REPLACING, {"ResourceSignal": {"Count": UNKNOWN}}, None, ["waits for signals"], "Fn::GetAtt Sizes.Count"),
        (REPLACING, {"ResourceSignal": {"Fn::Transform": {}}}, None, ["waits for signals"], "Fn::Transform"),
        (REPLACING, SIGNALS, {"DesiredCapacity": UNKNOWN}, ["how many instances"], "Fn::GetAtt Sizes.Count"),
        (REPLACING, SIGNALS, {"DesiredCapacity": "{{resolve:ssm:/n}}"}, ["how many"], "{{resolve:ssm:/n}}"),
        (REPLACING, SIGNALS, {"MinSize": {"Ref": "Size"}}, ["how many instances"], "Ref Size"),
        (ROLLING_BY, None, {}, ["waits for signals"], "Ref Size"),
        (
            {
                "AutoScalingInstanceRefresh": {},
                "AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": UNKNOWN},
            },
            None,
            None,
            ["how many instances"],
            "Fn::GetAtt Sizes.Count",
        ),
    ],
)
def test_what_nobody_can_know_before_the_update_is_a_finding(
    policy: dict[str, Any],
    creation: dict[str, Any] | None,
    properties: dict[str, Any] | None,
    expected: list[str],
    source: str,
) -> None:
    """Neither the template nor the change set says it: it is not guessed, and nothing else is made of it."""
    unknown = {"Properties": {"DesiredCapacity": "{{changeSet:KNOWN_AFTER_APPLY}}"}}
    for after in ({}, unknown):
        findings = list(group_findings([changed(policy, creation, properties, after=after)], "X"))
        assert [finding.name for finding in findings] == ["NotKnownBefore"] * len(expected)
        for finding, words in zip(findings, expected, strict=True):
            assert "of Group, before" in finding.expected and words in finding.expected
            assert finding.found == f"that it depends on {source}"


def test_the_change_set_says_what_the_template_cannot() -> None:
    """A value of another resource's attribute or of an import is in the change set's context, if there is one."""
    after = {"Properties": {"DesiredCapacity": "3"}, "CreationPolicy": {"ResourceSignal": {"Count": "3"}}}
    change = changed(REPLACING, {"ResourceSignal": {"Count": UNKNOWN}}, {"DesiredCapacity": UNKNOWN}, after=after)
    assert (change.capacity_after, change.is_guarded, change.launches) == (3, True, 3)
    assert list(group_findings([change], "X")) == []


def test_what_the_template_says_is_what_counts() -> None:
    """With or without policies in the change set's contexts, the same is decided."""
    after = {"UpdatePolicy": REPLACING, "CreationPolicy": SIGNALS, "Properties": {"DesiredCapacity": "9"}}
    assert only(group_findings([changed(None, after=after)], "X")).name == "NoUpdatePolicy"
    assert changed(REPLACING, SIGNALS, {"DesiredCapacity": "2"}, after=after).capacity_after == 2


def test_room_for_a_new_group_of_unknown_size_is_room_for_the_one_there_is() -> None:
    three = fleet(*(member(f"i-{number}") for number in range(3)))
    assert changed(REPLACING, SIGNALS, {"DesiredCapacity": UNKNOWN}, three).launches == 3


# -- room for both groups ----------------------------------------------------------------------------------------------


def quota_not_read() -> tuple[int, int]:
    raise AssertionError("expected no instance that the quota counts, found that the quota was read")


def test_there_is_room() -> None:
    change = changed(REPLACING, SIGNALS)
    assert list(room_findings([change], lambda _: {"subnet-0": 1, "subnet-1": 1}, lambda: (1, 5))) == []


def test_free_addresses_are_reported_by_subnet() -> None:
    change = changed(REPLACING, SIGNALS, {"DesiredCapacity": "3"})
    finding = only(room_findings([change], lambda _: {"subnet-0": 2, "subnet-1": 0}, lambda: (0, 100)))
    assert finding.name == "NoFreeAddresses" and finding.expected.startswith("3 free addresses in the subnets of Group")
    assert finding.found == "2 in subnet-0, 0 in subnet-1"


def test_the_quota_counts_both_groups() -> None:
    """Amazon EC2 user guide, "Amazon EC2 instance type quotas": vCPUs of running On-Demand Standard instances."""
    both = fleet(member("i-1"), member("i-2", virtual_cpus=4))
    calls: list[str] = []

    def used_and_quota() -> tuple[int, int]:
        calls.append("used_and_quota")
        return 6, 13

    finding = only(
        room_findings([changed(REPLACING, SIGNALS, running=both)], lambda _: {"s": 9}, used_and_quota),
    )
    assert calls == ["used_and_quota"]
    assert finding.name == "QuotaExceeded" and "room for 8 more vCPUs" in finding.expected
    assert finding.found == "a quota of 13, of which 6 are in use" and "L-1216C47A" in finding.fix
    assert list(room_findings([changed(REPLACING, SIGNALS)], lambda _: {"s": 9}, lambda: (6, 10))) == []


def test_two_new_groups_share_the_quota() -> None:
    pair = [changed(REPLACING, SIGNALS), changed(REPLACING, SIGNALS)]
    finding = only(room_findings(pair, lambda _: {"s": 9}, lambda: (8, 15)))
    assert "room for 8 more vCPUs" in finding.expected


@pytest.mark.parametrize(
    "other", [{"is_on_demand": False}, {"instance_type": "g5.xlarge"}, {"instance_type": "inf2.xlarge"}]
)
def test_the_standard_quota_is_not_read_for_instances_that_it_does_not_count(other: dict[str, Any]) -> None:
    change = changed(REPLACING, SIGNALS, running=fleet(member("i-1", **other), member("i-2", **other)))
    assert list(room_findings([change], lambda _: {"s": 9}, quota_not_read)) == []


def test_an_update_in_place_needs_no_room() -> None:
    assert list(room_findings([changed(ROLLING)], lambda _: {}, quota_not_read)) == []


# -- what else would change --------------------------------------------------------------------------------------------


def change(
    logical_id: str,
    kind: str,
    *causes: Cause,
    action: str = "Modify",
    replacement: str = "False",
    properties: tuple[str, ...] = ("X",),
) -> Change:
    return Change(action, logical_id, kind, replacement, properties, causes, {})


TEMPLATE = change("Template", "AWS::EC2::LaunchTemplate", PARAMETER, REPEATED)
GROUP = change(
    "Group", GROUP_TYPE, Cause("ResourceAttribute", "Template.LatestVersionNumber"), replacement="Conditional"
)
OURS = {"AmazonMachineImage", "DesiredCapacity"}


def policy(*causes: Cause, replacement: str = "Conditional", name: str = "Policy") -> Change:
    return change(name, "AWS::AutoScaling::ScalingPolicy", *causes, replacement=replacement)


def test_the_fleet_itself_may_change() -> None:
    configuration = change("Launch", "AWS::AutoScaling::LaunchConfiguration", PARAMETER, replacement="True")
    assert unexpected_changes([TEMPLATE, GROUP, configuration], OURS) == ()


@pytest.mark.parametrize("replacement", ["True", "Conditional", "False"])
def test_what_refers_to_the_group_may_be_replaced_with_it(replacement: str) -> None:
    scaling = policy(Cause("ResourceReference", "Group"), REPEATED, replacement=replacement)
    alarm = change("Alarm", "AWS::CloudWatch::Alarm", Cause("ResourceReference", "Policy"), replacement=replacement)
    hook = change(
        "Hook", "AWS::AutoScaling::LifecycleHook", Cause("ResourceAttribute", "Group.Arn"), replacement="True"
    )
    # The order does not matter: the alarm refers to the policy, and that to the group.
    assert unexpected_changes([alarm, hook, scaling, GROUP, TEMPLATE], OURS) == ()


def test_a_chain_that_begins_outside_the_fleet_is_unexpected_to_its_end() -> None:
    server = change("Server", "AWS::EC2::Instance", PARAMETER, REPEATED, replacement="True", properties=("ImageId",))
    address = change("Address", "AWS::EC2::EIP", Cause("ResourceReference", "Server"), properties=("InstanceId",))
    lines = unexpected_changes([TEMPLATE, GROUP, server, address], OURS)
    assert lines == (
        "Server (AWS::EC2::Instance): replaced (ImageId); cause: ParameterReference AmazonMachineImage",
        "Address (AWS::EC2::EIP): changed in place (InstanceId); cause: ResourceReference Server",
    )


def test_what_refers_to_the_group_and_to_something_else_is_unexpected() -> None:
    mixed = policy(Cause("ResourceReference", "Group"), Cause("ResourceReference", "Other"))
    (line,) = unexpected_changes([TEMPLATE, GROUP, mixed], OURS)
    assert line.startswith("Policy (AWS::AutoScaling::ScalingPolicy): replaced if its new values need it (X); cause:")


def test_two_resources_that_refer_to_each_other_are_still_unexpected() -> None:
    first = policy(Cause("ResourceReference", "Two"), name="One")
    second = policy(Cause("ResourceReference", "One"), name="Two")
    assert len(unexpected_changes([TEMPLATE, GROUP, first, second], OURS)) == 2


def test_a_change_in_place_that_our_parameter_causes_is_fine() -> None:
    tagged = change("Parameter", "AWS::SSM::Parameter", PARAMETER, REPEATED)
    sized = change("Alarm", "AWS::CloudWatch::Alarm", Cause("ParameterReference", "DesiredCapacity"))
    assert unexpected_changes([TEMPLATE, GROUP, tagged, sized], OURS) == ()


@pytest.mark.parametrize(
    "cause",
    [
        Cause("ParameterReference", "SomebodyElses"),
        # It comes with another cause where there is one; alone, the template has changed, for example by a macro.
        DIRECT,
        # CloudFormation API reference, ResourceChangeDetail: a nested stack, whose template may have changed.
        Cause("Automatic", None),
        Cause("NoModification", None),
    ],
)
def test_a_change_in_place_for_another_reason_is_unexpected(cause: Cause) -> None:
    (line,) = unexpected_changes([TEMPLATE, GROUP, change("Child", "AWS::CloudFormation::Stack", cause)], OURS)
    assert line.startswith("Child (AWS::CloudFormation::Stack): changed in place (X); cause: " + cause.source)


def test_what_reads_an_attribute_of_what_our_parameter_changes_in_place_is_fine() -> None:
    """On record (test_direct_attribute_value_change_in_get_attr_chain): the plain description lists the whole chain."""
    held = change("Held", "AWS::SSM::Parameter", PARAMETER, REPEATED)
    reader = change("Reader", "AWS::SNS::Topic", Cause("ResourceAttribute", "Held.Value"))
    last = change("Last", "AWS::SNS::Topic", Cause("ResourceAttribute", "Reader.TopicName"))
    by_way = change("Template", "AWS::EC2::LaunchTemplate", Cause("ResourceAttribute", "Held.Value"))
    assert unexpected_changes([last, reader, GROUP, by_way, held], OURS) == ()
    (line,) = unexpected_changes([replace(reader, replacement="Conditional"), held], OURS)
    assert line.startswith("Reader (AWS::SNS::Topic): replaced if its new values need it (X); cause: ResourceAttribute")


@pytest.mark.parametrize(
    "cause",
    [
        # On record (test_update_parameter_between_deployments): the value of an SSM parameter has moved.
        DIRECT,
        Cause("ParameterReference", "SomebodyElses"),
        Cause("ResourceAttribute", "SecurityGroup.GroupId"),
    ],
)
def test_another_group_that_moves_by_itself_is_unexpected(cause: Cause) -> None:
    moved = change("OtherTemplate", "AWS::EC2::LaunchTemplate", cause)
    follows = change(
        "OtherGroup", GROUP_TYPE, Cause("ResourceAttribute", "OtherTemplate.LatestVersionNumber"), replacement="True"
    )
    first, second = unexpected_changes([TEMPLATE, GROUP, moved, follows], OURS)
    assert first.startswith(f"OtherTemplate (AWS::EC2::LaunchTemplate): changed in place (X); cause: {cause.source}")
    assert second.startswith(f"OtherGroup ({GROUP_TYPE}): replaced (X); cause: ResourceAttribute OtherTemplate")


@pytest.mark.parametrize("ours", [PARAMETER, Cause("ResourceAttribute", "Template.LatestVersionNumber")])
def test_what_moves_by_itself_beside_our_change_is_unexpected(ours: Cause) -> None:
    """On record, a DirectModification that repeats our cause is Dynamic, and a value that has moved is Static
    (test_base_dynamic_parameter_scenarios, test_update_parameter_between_deployments)."""
    moved = change("Other", "AWS::EC2::LaunchTemplate", ours, REPEATED, DIRECT, properties=("LaunchTemplateData", "Y"))
    (line,) = unexpected_changes([TEMPLATE, GROUP, moved], OURS)
    assert line == (
        "Other (AWS::EC2::LaunchTemplate): changed in place (LaunchTemplateData, Y); "
        f"cause: {ours.source} {ours.entity}, DirectModification"
    )


def test_a_repetition_of_nothing_is_unexpected() -> None:
    (line,) = unexpected_changes([TEMPLATE, GROUP, change("Topic", "AWS::SNS::Topic", REPEATED)], OURS)
    assert line == "Topic (AWS::SNS::Topic): changed in place (X); cause: DirectModification"


def test_a_change_without_a_cause_is_unexpected() -> None:
    assert unexpected_changes([change("Topic", "AWS::SNS::Topic")], OURS) == (
        "Topic (AWS::SNS::Topic): changed in place (X); cause: unknown",
    )


@pytest.mark.parametrize(
    ("action", "word"), [("Add", "add"), ("Remove", "remove"), ("Import", "import"), ("Dynamic", "dynamic")]
)
@pytest.mark.parametrize("kind", ["AWS::SNS::Topic", GROUP_TYPE, "AWS::EC2::LaunchTemplate"])
def test_nothing_is_added_or_removed_not_even_a_group(action: str, word: str, kind: str) -> None:
    """Every action of the CloudFormation API reference, ResourceChange, but Modify."""
    assert unexpected_changes([change("New", kind, action=action, properties=())], OURS) == (
        f"New ({kind}): {word}; cause: unknown",
    )
