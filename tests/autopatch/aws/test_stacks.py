"""What the CloudFormation gateway makes of answers that the embedded AWS seldom or never gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber

from autopatch.aws.cloudformation.stacks import Stack, Stacks, UpdateAnswer, UpdateRequest
from autopatch.aws.cloudformation.statuses import StackState
from autopatch.errors import AwsCallFailed, TargetNotReady, TransientAwsFault

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/app/11111111-2222-3333-4444-555555555555"
BEGAN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
STACK = Stack(STACK_ID, "app", "UPDATE_COMPLETE", None, None, ("CAPABILITY_IAM",), {"Ami": "ami-0old", "Size": "10"})


@pytest.fixture
def stacks(client: CloudFormationClient) -> Stacks:
    return Stacks(client)


def event(minute: int, resource: str, status: str, reason: str | None = None, token: str = "ours") -> dict[str, Any]:
    stack = resource == "app"
    return {
        "StackId": STACK_ID,
        "EventId": f"{minute}-{resource}",
        "StackName": "app",
        "LogicalResourceId": resource,
        "PhysicalResourceId": STACK_ID if stack else f"physical-{resource}",
        "ResourceType": "AWS::CloudFormation::Stack" if stack else "AWS::AutoScaling::AutoScalingGroup",
        "Timestamp": BEGAN + timedelta(minutes=minute),
        "ResourceStatus": status,
        "ClientRequestToken": token,
        **({"ResourceStatusReason": reason} if reason else {}),
    }


ROLLED_BACK = [
    event(9, "app", "UPDATE_ROLLBACK_COMPLETE"),
    event(8, "Second", "DELETE_FAILED", "it is in use"),
    event(5, "app", "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: [First, Other]."),
    event(4, "Other", "UPDATE_FAILED", "Resource update cancelled"),
    event(3, "First", "UPDATE_FAILED", "Received 0 SUCCESS signal(s) out of 2."),
    event(2, "First", "UPDATE_IN_PROGRESS"),
    event(1, "app", "UPDATE_IN_PROGRESS", "User Initiated"),
]
BEFORE = [
    event(-1, "app", "UPDATE_COMPLETE", token="theirs"),
    event(-2, "First", "UPDATE_FAILED", "an older failure", token="theirs"),
]


def serve_events(answers: Stubber, *pages: list[dict[str, Any]]) -> None:
    for number, page in enumerate(pages):
        more = {"NextToken": f"page-{number + 1}"} if number + 1 < len(pages) else {}
        answers.add_response("describe_stack_events", {"StackEvents": page, **more})


def test_the_first_failed_resource_event_is_the_cause_wherever_the_pages_end(answers: Stubber, stacks: Stacks) -> None:
    serve_events(answers, ROLLED_BACK[:2], ROLLED_BACK[2:4], ROLLED_BACK[4:], BEFORE)
    operation = stacks.operation(STACK_ID, "app", {"ours"}, BEGAN - timedelta(minutes=1, seconds=30))
    assert operation is not None
    assert (operation.state, operation.status) == (StackState.ROLLED_BACK, "UPDATE_ROLLBACK_COMPLETE")
    assert operation.status_since == BEGAN + timedelta(minutes=9)
    assert str(operation.first_failure) == (
        "First (AWS::AutoScaling::AutoScalingGroup) UPDATE_FAILED: Received 0 SUCCESS signal(s) out of 2."
    )
    assert operation.given_up == ("Other",)


def test_events_of_others_and_of_before_are_not_ours(answers: Stubber, stacks: Stacks) -> None:
    serve_events(answers, BEFORE)
    assert stacks.operation(STACK_ID, "app", {"ours"}, BEGAN - timedelta(hours=1)) is None


def test_reading_stops_at_the_moment_asked_for(answers: Stubber, stacks: Stacks) -> None:
    # A page more would be asked for, and the stub has none.
    answers.add_response("describe_stack_events", {"StackEvents": BEFORE, "NextToken": "more"})
    assert stacks.operation(STACK_ID, "app", {"ours"}, BEGAN) is None


def update(stacks: Stacks, **more: Any) -> UpdateAnswer:
    return stacks.update(UpdateRequest(STACK, {"Ami": "ami-0new"}, **{"has_transforms": False, **more}), "ours")


def test_only_the_ami_gets_a_new_value(answers: Stubber, stacks: Stacks) -> None:
    expected = {
        "StackName": STACK_ID,
        "UsePreviousTemplate": True,
        "Parameters": [
            {"ParameterKey": "Ami", "ParameterValue": "ami-0new"},
            {"ParameterKey": "Size", "UsePreviousValue": True},
        ],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "ClientRequestToken": "ours",
    }
    answers.add_response("update_stack", {"StackId": STACK_ID}, expected)
    assert update(stacks, has_transforms=True) is UpdateAnswer.STARTED


@pytest.mark.parametrize(
    ("summary", "may"),
    [
        ({"ResourceTypes": ["AWS::AutoScaling::AutoScalingGroup"]}, False),
        ({"DeclaredTransforms": ["AWS::LanguageExtensions"]}, True),
        ({"Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]}, True),
        ({"ResourceTypes": ["AWS::CloudFormation::Stack"]}, True),
    ],
)
def test_macros_are_acknowledged_wherever_there_may_be_some(
    answers: Stubber, stacks: Stacks, summary: dict[str, Any], may: bool
) -> None:
    """A template with macros, or with nested stacks whose templates have some, is updated directly only with
    CAPABILITY_AUTO_EXPAND (CloudFormation API reference, UpdateStack)."""
    answers.add_response("get_template_summary", summary, {"StackName": "app"})
    assert stacks.template_summary("app").has_transforms is may


def test_a_macro_that_the_summary_does_not_tell_of_is_acknowledged_when_cloudformation_asks_for_it(
    answers: Stubber, stacks: Stacks
) -> None:
    """The words are on record (cfn-sphere/cfn-sphere#191)."""
    text = "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"
    sent = {"StackName": STACK_ID, "UsePreviousTemplate": True, "Parameters": ANY, "ClientRequestToken": "ours"}
    answers.add_client_error(
        "update_stack",
        "InsufficientCapabilitiesException",
        text,
        400,
        expected_params={**sent, "Capabilities": ["CAPABILITY_IAM"]},
    )
    answers.add_response(
        "update_stack",
        {"StackId": STACK_ID},
        {**sent, "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]},
    )
    assert update(stacks) is UpdateAnswer.STARTED
    answers.add_client_error("update_stack", "InsufficientCapabilitiesException", text, 400)
    with pytest.raises(AwsCallFailed, match="CAPABILITY_AUTO_EXPAND"):
        update(stacks, has_transforms=True)


@pytest.mark.parametrize(
    ("code", "text", "answer"),
    [
        ("TokenAlreadyExistsException", "A client request token already exists.", UpdateAnswer.STARTED),
        ("ValidationError", "No updates are to be performed.", UpdateAnswer.NOTHING_TO_UPDATE),
    ],
)
def test_refusals_that_are_answers(
    answers: Stubber, stacks: Stacks, code: str, text: str, answer: UpdateAnswer
) -> None:
    answers.add_client_error("update_stack", code, text, 400)
    assert update(stacks) is answer


def describe(answers: Stubber, status: str) -> None:
    stack = {"StackId": STACK_ID, "StackName": "app", "CreationTime": BEGAN, "StackStatus": status}
    answers.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": STACK_ID})


def refuse_for_state(answers: Stubber, status: str) -> None:
    text = f"Stack:{STACK_ID} is in {status} state and can not be updated."
    answers.add_client_error("update_stack", "ValidationError", text, 400)


def test_the_state_decides_and_not_the_text_that_busy_and_stuck_stacks_share(answers: Stubber, stacks: Stacks) -> None:
    refuse_for_state(answers, "UPDATE_IN_PROGRESS")
    describe(answers, "UPDATE_IN_PROGRESS")
    assert update(stacks) is UpdateAnswer.BUSY
    refuse_for_state(answers, "UPDATE_ROLLBACK_FAILED")
    describe(answers, "UPDATE_ROLLBACK_FAILED")
    with pytest.raises(TargetNotReady, match="found UPDATE_ROLLBACK_FAILED; fix the cause"):
        update(stacks)


def test_a_stack_that_settled_between_the_refusal_and_the_look_is_asked_again(answers: Stubber, stacks: Stacks) -> None:
    refuse_for_state(answers, "UPDATE_IN_PROGRESS")
    describe(answers, "UPDATE_COMPLETE")
    assert update(stacks) is UpdateAnswer.BUSY


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        ("ValidationError", "Parameters: [Ami] do not exist in the template", TargetNotReady),
        ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]", AwsCallFailed),
        ("Throttling", "Rate exceeded", TransientAwsFault),
        ("AccessDenied", "User is not authorized to perform: cloudformation:UpdateStack", AwsCallFailed),
    ],
)
def test_refusals_that_are_errors_keep_aws_own_words(
    answers: Stubber, stacks: Stacks, code: str, text: str, error: type[Exception]
) -> None:
    answers.add_client_error("update_stack", code, text, 400)
    with pytest.raises(error) as refused:
        update(stacks)
    assert text in str(refused.value)


def test_cancelling_says_whether_it_could(answers: Stubber, stacks: Stacks) -> None:
    answers.add_response("cancel_update_stack", {}, {"StackName": STACK_ID, "ClientRequestToken": ANY})
    assert stacks.cancel_update(STACK_ID, "cancel") is True
    text = "CancelUpdateStack cannot be called from current stack status"
    answers.add_client_error("cancel_update_stack", "ValidationError", text, 400)
    assert stacks.cancel_update(STACK_ID, "cancel") is False
    answers.add_client_error("cancel_update_stack", "TokenAlreadyExistsException", "exists", 400)
    assert stacks.cancel_update(STACK_ID, "cancel") is True


def test_the_deployments_role_is_only_for_stacks_without_one_of_their_own(answers: Stubber, stacks: Stacks) -> None:
    own = Stack(STACK_ID, "app", "UPDATE_COMPLETE", None, "arn:aws:iam::1:role/own", (), {"Ami": "ami-0old"})
    answers.add_response(
        "update_stack",
        {"StackId": STACK_ID},
        {
            "StackName": STACK_ID,
            "UsePreviousTemplate": True,
            "Parameters": [{"ParameterKey": "Ami", "ParameterValue": "ami-0new"}],
            "Capabilities": [],
            "ClientRequestToken": "ours",
        },
    )
    role = "arn:aws:iam::1:role/deployment"
    answer = stacks.update(UpdateRequest(own, {"Ami": "ami-0new"}, has_transforms=False, role_arn=role), "ours")
    assert answer is UpdateAnswer.STARTED
