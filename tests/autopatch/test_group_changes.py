"""What an update does to groups, on plain data: what is known of it, and the findings."""

from __future__ import annotations

from typing import Any

import pytest

from autopatch.group_findings import group_findings, reach_findings, room_findings
from autopatch.templates import Template
from tests.autopatch.groups import (
    REPLACING,
    SIGNALS,
    STACK_ID,
    changed,
    fleet,
    member,
    only,
)

# -- the groups that change --------------------------------------------------------------------------------------------


def test_an_update_that_changes_no_group() -> None:
    finding = only(reach_findings([fleet()], [], Template({}, {}, STACK_ID), "Bastion"))
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
        # Of 0 percent, no instance has to succeed.
        (REPLACING, {**SIGNALS, "AutoScalingCreationPolicy": {"MinSuccessfulInstancesPercent": 0}}, "NoCreationPolicy"),
        (REPLACING, {**SIGNALS, "AutoScalingCreationPolicy": {"MinSuccessfulInstancesPercent": 50}}, None),
        (
            {"AutoScalingRollingUpdate": {"WaitOnResourceSignals": "true", "MinSuccessfulInstancesPercent": "0"}},
            None,
            "NoCreationPolicy",
        ),
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
    names = [finding.name for finding in group_findings([changed(policy, creation)])]
    assert names == ([expected] if expected else [])


def test_the_texts_for_what_is_missing_in_the_template() -> None:
    nothing = only(group_findings([changed(None)]))
    assert nothing.found == "none, so that the update would succeed and patch nothing"
    assert "WillReplace: true" in nothing.fix
    new_group = only(group_findings([changed(REPLACING)]))
    assert new_group.found == "no CreationPolicy with signals" and "accept NoCreationPolicy" in new_group.fix
    assert new_group.fix.startswith("add a CreationPolicy with a ResourceSignal to the template")
    rolling = only(group_findings([changed({"AutoScalingRollingUpdate": {}})]))
    assert rolling.found == "an AutoScalingRollingUpdate without WaitOnResourceSignals"
    assert rolling.fix.startswith("add WaitOnResourceSignals: true to the template")
    policy = {"AutoScalingRollingUpdate": {"WaitOnResourceSignals": "true", "MinSuccessfulInstancesPercent": 0}}
    none_has_to = only(group_findings([changed(policy)]))
    assert none_has_to.found == "MinSuccessfulInstancesPercent: 0" and none_has_to.fix.startswith("raise it in the")


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
    findings = list(group_findings([change]))
    if after is None:
        assert findings == []
    else:
        finding = only(findings)
        assert finding.name == "CapacityShrinks" and "4 instances" in finding.expected
        assert finding.found == f"that the update would leave {after}"
        way_out = "capacityParameter of the target" if change.replaces_group else "IgnoreUnmodifiedGroupSizeProperties"
        assert way_out in finding.fix


@pytest.mark.parametrize("live", [1, 2])
def test_a_capacity_that_stays_or_grows_is_fine(live: int) -> None:
    running = fleet(*(member(f"i-{number}") for number in range(live)))
    assert list(group_findings([changed(REPLACING, SIGNALS, running=running)])) == []


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
        findings = list(group_findings([changed(policy, creation, properties, after=after)]))
        assert [finding.name for finding in findings] == ["NotKnownBefore"] * len(expected)
        for finding, words in zip(findings, expected, strict=True):
            assert "of Group, before" in finding.expected and words in finding.expected
            assert finding.found == f"that it depends on {source}"


def test_the_change_set_says_what_the_template_cannot() -> None:
    """A value of another resource's attribute or of an import is in the change set's context, if there is one."""
    after = {"Properties": {"DesiredCapacity": "3"}, "CreationPolicy": {"ResourceSignal": {"Count": "3"}}}
    change = changed(REPLACING, {"ResourceSignal": {"Count": UNKNOWN}}, {"DesiredCapacity": UNKNOWN}, after=after)
    assert (change.capacity_after, change.is_guarded, change.launches) == (3, True, 3)
    assert list(group_findings([change])) == []


def test_what_the_template_says_is_what_counts() -> None:
    """With or without policies in the change set's contexts, the same is decided."""
    after = {"UpdatePolicy": REPLACING, "CreationPolicy": SIGNALS, "Properties": {"DesiredCapacity": "9"}}
    assert only(group_findings([changed(None, after=after)])).name == "NoUpdatePolicy"
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


# -- how long an update pauses -----------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [
        ({}, 0),
        ({"PauseTime": "PT15M"}, 4 * 900),
        ({"PauseTime": "PT1H2M3S", "MaxBatchSize": 3}, 2 * 3723),
        ({"PauseTime": "PT15M", "WaitOnResourceSignals": True}, 0),
    ],
)
def test_how_long_a_rolling_update_pauses(policy: dict[str, Any], seconds: int) -> None:
    """CloudFormation user guide, "UpdatePolicy attribute": after each batch, unless it waits for signals that long."""
    running = fleet(*(member(f"i-{number}") for number in range(4)))
    assert changed({"AutoScalingRollingUpdate": policy}, None, {}, running).pauses_seconds == seconds


@pytest.mark.parametrize("policy", [{"PauseTime": UNKNOWN}, {"PauseTime": "PT15M", "MaxBatchSize": UNKNOWN}])
def test_a_pause_of_a_rolling_update_that_is_not_known(policy: dict[str, Any]) -> None:
    assert list(changed({"AutoScalingRollingUpdate": policy}, None, {}).unresolved) == ["how long the update pauses"]
