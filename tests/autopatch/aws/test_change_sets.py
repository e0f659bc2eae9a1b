"""What is read from the descriptions of a change set and from its template, by answers in the shapes on record.

The records are AWS's answers to LocalStack's tests of change sets; what they show of resources that read an attribute
of another is taken here to a launch template and its group.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from autopatch.aws.cloudformation.change_sets import Cause, ChangeSets, ChangeSetState
from autopatch.errors import AwsCallFailed, TargetNotReady, TransientAwsFault
from autopatch.expected_changes import unexpected_changes

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

PLAIN = {"ChangeSetName": "ours"}
WITH_VALUES = {"ChangeSetName": "ours", "IncludePropertyValues": True}
TEMPLATE = {"StackName": "app", "ChangeSetName": "ours", "TemplateStage": "Processed"}
READY = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"}
# boto3 reads a body in JSON (botocore/handlers.py, json_decode_template_body).
BODY = json.dumps({"Resources": {"Group": {"Type": "AWS::AutoScaling::AutoScalingGroup"}}})


def modified(logical_id: str, kind: str, name: str, *details: dict[str, str], **more: Any) -> dict[str, Any]:
    target: Any = {"Attribute": "Properties", "Name": name, "RequiresRecreation": "Never"}
    change = {
        "Action": "Modify",
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": f"physical-{logical_id}",
        "ResourceType": kind,
        "Replacement": "False",
        "Scope": ["Properties"],
        "Details": [{"Target": target, **detail} for detail in details],
        **more,
    }
    return {"Type": "Resource", "ResourceChange": change}


BY_PARAMETER = {"Evaluation": "Static", "ChangeSource": "ParameterReference", "CausingEntity": "Ami"}
BESIDE_IT = {"Evaluation": "Dynamic", "ChangeSource": "DirectModification"}
BY_VERSION = {
    "Evaluation": "Dynamic",
    "ChangeSource": "ResourceAttribute",
    "CausingEntity": "Launch.LatestVersionNumber",
}
LAUNCH = modified("Launch", "AWS::EC2::LaunchTemplate", "LaunchTemplateData", BY_PARAMETER, BESIDE_IT)
GROUP = modified("Group", "AWS::AutoScaling::AutoScalingGroup", "LaunchTemplate", BY_VERSION)
CONTEXT = {"Properties": {"LaunchTemplateData": {"ImageId": "ami-0new"}}}
SHOWN = modified(
    "Launch",
    "AWS::EC2::LaunchTemplate",
    "LaunchTemplateData",
    BY_PARAMETER,
    BESIDE_IT,
    AfterContext=json.dumps(CONTEXT),
)


def test_the_plain_description_has_the_changes_and_the_detailed_one_only_adds_values(
    client: CloudFormationClient, answers: Stubber
) -> None:
    """On record (test_direct_attribute_value_change and seven more): what only reads an attribute of a resource that is
    changed in place is listed by the plain call, is missing from the one with values, and is updated when executed."""
    plain = {**READY, "Changes": [LAUNCH, GROUP], "Parameters": [{"ParameterKey": "Ami", "ParameterValue": "ami-0new"}]}
    answers.add_response("describe_change_set", plain, PLAIN)
    answers.add_response("describe_change_set", {**READY, "Changes": [SHOWN]}, WITH_VALUES)
    answers.add_response("get_template", {"TemplateBody": BODY}, TEMPLATE)
    change_set = ChangeSets(client).change_set("ours", "app")
    launch, group = change_set.changes
    assert (change_set.state, launch.logical_id, launch.after) == (ChangeSetState.READY, "Launch", CONTEXT)
    assert (group.logical_id, group.after) == ("Group", {})
    assert launch.causes == (Cause("ParameterReference", "Ami"), Cause("DirectModification", None, "Dynamic"))
    assert group.causes == (Cause("ResourceAttribute", "Launch.LatestVersionNumber", "Dynamic"),)
    assert change_set.parameters == {"Ami": "ami-0new"} and change_set.template == json.loads(BODY)
    assert unexpected_changes(change_set.changes, {"Ami"}) == ()


def test_all_pages_are_read_and_the_value_of_an_ssm_parameter_counts(
    client: CloudFormationClient, answers: Stubber
) -> None:
    """On record (test_dynamic_ssm_parameter_lookup): ParameterValue is the name, ResolvedValue what it holds."""
    ssm = {"ParameterKey": "Size", "ParameterValue": "/size", "ResolvedValue": "3"}
    first = {**READY, "Changes": [LAUNCH], "Parameters": [ssm], "NextToken": "more"}
    answers.add_response("describe_change_set", first, PLAIN)
    answers.add_response("describe_change_set", {**READY, "Changes": [GROUP]}, {**PLAIN, "NextToken": "more"})
    answers.add_response("describe_change_set", {**READY, "Changes": []}, WITH_VALUES)
    answers.add_response("get_template", {"TemplateBody": BODY}, TEMPLATE)
    change_set = ChangeSets(client).change_set("ours", "app")
    assert [change.logical_id for change in change_set.changes] == ["Launch", "Group"]
    assert change_set.parameters == {"Size": "3"}


def test_the_warning_of_the_detailed_description_is_no_reason(client: CloudFormationClient, answers: Stubber) -> None:
    """On record (test_describe_change_set_import_non_existent_export) and aws/aws-cdk-cli#1780: the call with values
    may warn, and leave out what it cannot show."""
    warning = (
        "[WARN] --include-property-values option can return incomplete ChangeSet data because: ChangeSet creation "
        "failed for resource [Launch] because: No export named network"
    )
    answers.add_response("describe_change_set", {**READY, "Changes": [LAUNCH, GROUP]}, PLAIN)
    answers.add_response("describe_change_set", {**READY, "StatusReason": warning, "Changes": []}, WITH_VALUES)
    answers.add_response("get_template", {"TemplateBody": BODY}, TEMPLATE)
    change_set = ChangeSets(client).change_set("ours", "app")
    assert [(change.logical_id, change.after) for change in change_set.changes] == [("Launch", {}), ("Group", {})]


@pytest.mark.parametrize("context", ["", '{"Properties": {"UserData": "IyEvYm', "(Truncated-Signature):09f9", "[]"])
def test_a_context_that_is_cut_off_has_no_values(client: CloudFormationClient, answers: Stubber, context: str) -> None:
    """Public change sets of launch templates have values that were cut off; of contexts, nothing is documented."""
    shown = modified("Launch", "AWS::EC2::LaunchTemplate", "LaunchTemplateData", BY_PARAMETER, AfterContext=context)
    answers.add_response("describe_change_set", {**READY, "Changes": [LAUNCH, GROUP]}, PLAIN)
    answers.add_response("describe_change_set", {**READY, "Changes": [shown]}, WITH_VALUES)
    answers.add_response("get_template", {"TemplateBody": BODY}, TEMPLATE)
    change_set = ChangeSets(client).change_set("ours", "app")
    assert [(change.logical_id, change.after) for change in change_set.changes] == [("Launch", {}), ("Group", {})]


def test_a_region_that_shows_no_values(client: CloudFormationClient, answers: Stubber) -> None:
    answers.add_response("describe_change_set", {**READY, "Changes": [LAUNCH, GROUP]}, PLAIN)
    answers.add_client_error("describe_change_set", "ValidationError", "not supported", expected_params=WITH_VALUES)
    answers.add_response("get_template", {"TemplateBody": BODY}, TEMPLATE)
    change_set = ChangeSets(client).change_set("ours", "app")
    assert [change.logical_id for change in change_set.changes] == ["Launch", "Group"]


def test_values_that_cannot_be_shown_just_now_are_asked_for_again(
    client: CloudFormationClient, answers: Stubber
) -> None:
    answers.add_response("describe_change_set", {**READY, "Changes": [LAUNCH, GROUP]}, PLAIN)
    answers.add_client_error("describe_change_set", "Throttling", "Rate exceeded", expected_params=WITH_VALUES)
    with pytest.raises(TransientAwsFault):
        ChangeSets(client).change_set("ours", "app")


def test_without_its_template_a_change_set_is_not_judged(client: CloudFormationClient, answers: Stubber) -> None:
    answers.add_response("describe_change_set", {**READY, "Changes": [LAUNCH]}, PLAIN)
    answers.add_response("describe_change_set", {**READY, "Changes": []}, WITH_VALUES)
    answers.add_client_error("get_template", "AccessDenied", "cloudformation:GetTemplate", expected_params=TEMPLATE)
    with pytest.raises(AwsCallFailed, match=r"reading the preview of the stack app: .*cloudformation:GetTemplate"):
        ChangeSets(client).change_set("ours", "app")


@pytest.mark.parametrize("gone_at", [0, 2])
def test_a_change_set_that_is_deleted_meanwhile_is_gone(
    client: CloudFormationClient, answers: Stubber, gone_at: int
) -> None:
    if gone_at == 2:
        answers.add_response("describe_change_set", {**READY, "Changes": [LAUNCH]}, PLAIN)
        answers.add_client_error("describe_change_set", "ChangeSetNotFound", "gone", expected_params=WITH_VALUES)
    answers.add_client_error("get_template" if gone_at else "describe_change_set", "ChangeSetNotFound", "gone")
    assert ChangeSets(client).change_set("ours", "app").state is ChangeSetState.GONE


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"Status": "CREATE_IN_PROGRESS", "ExecutionStatus": "UNAVAILABLE"}, ChangeSetState.CREATING),
        ({"Status": "CREATE_COMPLETE", "ExecutionStatus": "OBSOLETE"}, ChangeSetState.GONE),
        (
            # The plain call has the reason; the one with values may lack it (boto/boto3#4178).
            {
                "Status": "FAILED",
                "ExecutionStatus": "UNAVAILABLE",
                "StatusReason": "The submitted information didn't contain changes. Submit different information to "
                "create a change set.",
            },
            ChangeSetState.NO_CHANGES,
        ),
    ],
)
def test_only_a_change_set_that_is_ready_is_read_further(
    client: CloudFormationClient, answers: Stubber, answer: dict[str, Any], state: ChangeSetState
) -> None:
    answers.add_response("describe_change_set", answer, PLAIN)
    assert ChangeSets(client).change_set("ours", "app").state is state


def test_a_change_set_that_could_not_be_made_is_not_left_in_the_stack(
    client: CloudFormationClient, answers: Stubber
) -> None:
    """CloudFormation user guide, "Deleting a change set": those that failed stay until they are deleted."""
    failed = {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "StatusReason": "Transform X failed"}
    answers.add_response("describe_change_set", failed, PLAIN)
    answers.add_response("delete_change_set", {}, PLAIN)
    with pytest.raises(TargetNotReady, match="could not make it: Transform X failed"):
        ChangeSets(client).change_set("ours", "app")
