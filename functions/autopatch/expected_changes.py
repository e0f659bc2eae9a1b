"""Whether an update changes anything but the instances of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopatch.aws.cloudformation.stacks import GROUP_TYPE

if TYPE_CHECKING:
    from collections.abc import Collection

    from autopatch.aws.cloudformation.change_sets import Cause, Change

# What the fleet is launched from, and may change or be replaced for another AMI.
_LAUNCHES_INSTANCES = frozenset({GROUP_TYPE, "AWS::EC2::LaunchTemplate", "AWS::AutoScaling::LaunchConfiguration"})
# What hangs on a group and keeps nothing of its own: it may be replaced with the group.
_FOLLOWERS = frozenset(
    {
        "AWS::AutoScaling::LifecycleHook",
        "AWS::AutoScaling::ScalingPolicy",
        "AWS::AutoScaling::ScheduledAction",
        "AWS::AutoScaling::WarmPool",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
    }
)
# What replaces instances of its own when its launch template or image moves, even where it is itself changed in place.
_OTHER_FLEETS = frozenset(
    {
        "AWS::Batch::ComputeEnvironment",
        "AWS::EC2::EC2Fleet",
        "AWS::EC2::Instance",
        "AWS::EC2::SpotFleet",
        "AWS::ECS::CapacityProvider",
        "AWS::EKS::Nodegroup",
    }
)
_BY_REFERENCE = frozenset({"ResourceReference", "ResourceAttribute"})


def unexpected_changes(changes: Collection[Change], our_parameters: Collection[str]) -> tuple[str, ...]:
    """What the update would do besides bringing up other instances, a line a resource.

    Our parameters have to be the cause of each change, or another change of which that is true. What the fleet is
    launched from may then be replaced, and with it what hangs on a group and keeps nothing; anything else may only be
    changed in place, and what has instances outside the groups not even that.
    So a group whose AMI moves by itself, because an SSM parameter that the stack names holds another value, is not let
    through with ours, nor is what moves beside it in the same resource: such a change is shown without its cause (on
    record, test_update_parameter_between_deployments).
    """
    undecided = [change for change in changes if change.action == "Modify"]
    expected: set[str] = set()
    of_the_fleet: set[str] = set()
    grown = True
    while grown:
        grown = False
        for change in list(undecided):
            if not _is_caused_by(change, our_parameters, expected):
                continue
            follows = change.resource_type in _FOLLOWERS and _is_caused_by(change, (), of_the_fleet)
            with_the_fleet = change.resource_type in _LAUNCHES_INSTANCES or follows
            in_place = change.replacement == "False" and change.resource_type not in _OTHER_FLEETS
            if with_the_fleet or in_place:
                expected.add(change.logical_id)
                if with_the_fleet:
                    of_the_fleet.add(change.logical_id)
                undecided.remove(change)
                grown = True
    return tuple(f"{change}; cause: {_causes(change)}" for change in changes if change.logical_id not in expected)


def _is_caused_by(change: Change, parameters: Collection[str], expected: Collection[str]) -> bool:
    causes = _real_causes(change)
    return bool(causes) and all(
        _is_reference_to(cause, expected) or (cause.source == "ParameterReference" and cause.entity in parameters)
        for cause in causes
    )


def _real_causes(change: Change) -> list[Cause]:
    # One DirectModification beside our cause may repeat it, and another be a value that has moved by itself.
    return [cause for cause in change.causes if not cause.is_repetition]


def _is_reference_to(cause: Cause, logical_ids: Collection[str]) -> bool:
    return cause.source in _BY_REFERENCE and (cause.entity or "").split(".", 1)[0] in logical_ids


def _causes(change: Change) -> str:
    causes = _real_causes(change) or change.causes
    names = dict.fromkeys(f"{cause.source} {cause.entity}" if cause.entity else cause.source for cause in causes)
    return ", ".join(names) or "unknown"
