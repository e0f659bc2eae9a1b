"""Which changes of an update are expected, and which are not, on plain data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autopatch.aws.cloudformation.change_sets import Cause, Change
from autopatch.aws.cloudformation.stacks import GROUP_TYPE
from autopatch.expected_changes import unexpected_changes
from tests.autopatch.groups import (
    DIRECT,
    PARAMETER,
    REPEATED,
)


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


@pytest.mark.parametrize(
    ("kind", "replacement"),
    [
        # It is replaced, with what it keeps.
        ("AWS::EC2::Instance", "Conditional"),
        ("AWS::ECS::CapacityProvider", "True"),
        ("AWS::SSM::Parameter", "True"),
        # It stays, and replaces instances that are in no group of the stack.
        ("AWS::EKS::Nodegroup", "False"),
        ("AWS::EC2::EC2Fleet", "False"),
        ("AWS::Batch::ComputeEnvironment", "False"),
    ],
)
@pytest.mark.parametrize("source", ["Template", "Group"])
def test_what_has_something_to_lose_does_not_go_with_the_fleet(kind: str, replacement: str, source: str) -> None:
    other = change("Other", kind, Cause("ResourceAttribute", f"{source}.X"), replacement=replacement)
    (line,) = unexpected_changes([TEMPLATE, GROUP, other], OURS)
    assert line.startswith(f"Other ({kind}): ")


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
