"""Every status and every refusal that AWS documents means one thing, and anything else is an error."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from autopatch.aws.client import named_errors
from autopatch.aws.cloudformation.change_sets import ChangeSetState, _state
from autopatch.aws.cloudformation.refusals import Refusal, refusal
from autopatch.aws.cloudformation.statuses import StackState, remedy, state_of
from autopatch.aws.image_builder import ImageStatus, _image
from autopatch.errors import AwsCallFailed, TargetNotReady, TransientAwsFault, UnknownStatus


def documented(service: str, shape: str) -> set[str]:
    model = botocore.session.get_session().get_service_model(service)
    return set(model.shape_for(shape).metadata["enum"])


def test_every_image_status_that_botocore_knows_is_known_here() -> None:
    assert {status.value for status in ImageStatus} == documented("imagebuilder", "ImageStatus")


def test_only_the_states_of_a_build_mean_that_it_goes_on() -> None:
    assert [status.value for status in ImageStatus if status.is_building] == [
        "PENDING", "CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING",
    ]  # fmt: skip


def test_an_unknown_image_status_is_an_error() -> None:
    with pytest.raises(UnknownStatus, match="found 'POLISHING'"):
        _image({"arn": "arn", "state": {"status": "POLISHING"}, "dateCreated": "2026-11-23T06:00:00.000Z"})


def test_every_stack_status_that_botocore_knows_is_known_here() -> None:
    for status in documented("cloudformation", "StackStatus"):
        assert isinstance(state_of(status, "web"), StackState)


def test_an_unknown_stack_status_is_an_error() -> None:
    with pytest.raises(UnknownStatus, match="found 'UPDATE_PAUSED'"):
        state_of("UPDATE_PAUSED", "web")


@pytest.mark.parametrize("status", sorted(documented("cloudformation", "StackStatus")))
def test_a_stack_is_ready_or_busy_or_has_a_remedy(status: str) -> None:
    state = state_of(status, "web")
    assert state.is_ready + state.is_busy <= 1
    if not state.is_ready and not state.is_busy:
        assert remedy(status) != "look at the stack in the console"
    assert state.is_busy is (status.endswith("_IN_PROGRESS") and status[:6] not in ("DELETE", "REVIEW"))


def test_only_one_status_of_an_update_is_success() -> None:
    statuses = documented("cloudformation", "StackStatus")
    assert [status for status in statuses if state_of(status, "web") is StackState.UPDATED] == ["UPDATE_COMPLETE"]


@pytest.mark.parametrize("status", sorted(documented("cloudformation", "ChangeSetStatus") - {"FAILED"}))
def test_only_a_complete_change_set_is_ready_to_be_executed(status: str) -> None:
    """Every status of the CloudFormation API reference, DescribeChangeSet."""
    state = _state({"Status": status, "ExecutionStatus": "AVAILABLE"}, "web")
    assert (state is ChangeSetState.READY) is (status == "CREATE_COMPLETE")
    assert (state is ChangeSetState.CREATING) is (status in ("CREATE_PENDING", "CREATE_IN_PROGRESS"))
    assert (state is ChangeSetState.GONE) is status.startswith("DELETE_")


@pytest.mark.parametrize("status", sorted(documented("cloudformation", "ExecutionStatus")))
def test_a_change_set_that_was_executed_or_overtaken_is_gone(status: str) -> None:
    """Every execution status of the same page; an UNAVAILABLE one goes with a status that is not complete."""
    state = _state({"Status": "CREATE_COMPLETE", "ExecutionStatus": status}, "web")
    still_there = status in ("AVAILABLE", "UNAVAILABLE")
    assert state is (ChangeSetState.READY if still_there else ChangeSetState.GONE)


@pytest.mark.parametrize(
    "reason",
    [
        # On record, for a change set and for UpdateStack.
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
        # aws/aws-cdk#10650, for a template with a transform; tools compare the beginnings (aws-cdk, aws-sam-cli).
        "No updates are to be performed",
        "The submitted information didn't contain changes.",
    ],
)
def test_a_change_set_without_changes_is_told_by_the_beginning_of_its_reason(reason: str) -> None:
    document = {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "StatusReason": reason}
    assert _state(document, "web") is ChangeSetState.NO_CHANGES


@pytest.mark.parametrize(
    "reason",
    [
        "Transform AWS::Serverless-2016-10-31 failed with: no",
        "Transform 1::Macro failed with: No updates are to be performed.",
        None,
    ],
)
def test_a_change_set_that_could_not_be_made_says_why(reason: str | None) -> None:
    document = {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", **({"StatusReason": reason} if reason else {})}
    with pytest.raises(
        TargetNotReady, match=f"stack web: .* could not make it: {reason or 'no reason given'}; correct"
    ):
        _state(document, "web")


def test_an_unknown_change_set_status_is_an_error() -> None:
    with pytest.raises(UnknownStatus, match=r"stack web: .* found 'CREATE_PAUSED'"):
        _state({"Status": "CREATE_PAUSED", "ExecutionStatus": "UNAVAILABLE"}, "web")
    with pytest.raises(UnknownStatus, match=r"stack web: .* found 'CREATE_COMPLETE', 'EXECUTE_PAUSED'"):
        _state({"Status": "CREATE_COMPLETE", "ExecutionStatus": "EXECUTE_PAUSED"}, "web")


STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/app/1111"


@pytest.mark.parametrize(
    ("code", "text", "meaning"),
    [
        ("ValidationError", "No updates are to be performed.", Refusal.NOTHING_TO_UPDATE),
        ("ValidationError", "No updates are to be performed", Refusal.NOTHING_TO_UPDATE),
        ("ValidationError", f"Stack:{STACK} is in UPDATE_IN_PROGRESS state and can not be updated.", Refusal.STATE),
        (
            "ValidationError",
            f"Stack:{STACK} is in UPDATE_ROLLBACK_FAILED state and can not be updated.",
            Refusal.STATE,
        ),
        ("ValidationError", "Stack with id app does not exist", Refusal.NO_SUCH_STACK),
        ("ValidationError", "Stack [app] does not exist", Refusal.NO_SUCH_STACK),
        ("ValidationError", "Parameters: [AmazonMachineImage] do not exist in the template", Refusal.INVALID),
        (
            "ValidationError",
            "Invalid input for parameter key X. Cannot specify usePreviousValue as true for a parameter key not in "
            "the previous template",
            Refusal.INVALID,
        ),
        ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]", Refusal.OTHER),
        ("TokenAlreadyExistsException", "A client request token already exists.", Refusal.TOKEN_IN_USE),
        ("Throttling", "Rate exceeded", Refusal.OTHER),
    ],
)
def test_the_texts_of_cloudformation_are_told_apart(code: str, text: str, meaning: Refusal) -> None:
    """CloudFormation gives most refusals the one code ValidationError; these are the real texts."""
    error = ClientError({"Error": {"Code": code, "Message": text}}, "UpdateStack")
    assert refusal(error) is meaning


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("Throttling", 400, TransientAwsFault),
        ("CallRateLimitExceededException", 429, TransientAwsFault),
        ("ServiceUnavailable", 503, TransientAwsFault),
        ("InternalFailure", 500, TransientAwsFault),
        ("AccessDenied", 403, AwsCallFailed),
        ("ValidationError", 400, AwsCallFailed),
    ],
)
def test_only_faults_that_pass_are_tried_again(code: str, status: int, expected: type[Exception]) -> None:
    response = {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(expected, match=f"reading: AWS answered {code}: why"), named_errors("reading"):
        raise ClientError(response, "X")  # type: ignore[arg-type]


def test_a_lost_connection_is_tried_again_and_a_wrong_call_is_not() -> None:
    with pytest.raises(TransientAwsFault), named_errors("reading"):
        raise EndpointConnectionError(endpoint_url="https://example.com")
    with pytest.raises(AwsCallFailed), named_errors("reading"):
        raise ParamValidationError(report="wrong")
