"""Every status and every refusal that AWS documents means one thing, and anything else is an error."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from autopatch.aws_client import named_errors
from autopatch.errors import AwsCallFailed, TransientAwsFault, UnknownStatus
from autopatch.image_builder import ImageStatus, _image
from autopatch.stacks import Phase, Stack, _Refusal, _refusal, phase_of


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
        assert isinstance(phase_of(status, "web"), Phase)


def test_an_unknown_stack_status_is_an_error() -> None:
    with pytest.raises(UnknownStatus, match="found 'UPDATE_PAUSED'"):
        phase_of("UPDATE_PAUSED", "web")


@pytest.mark.parametrize("status", sorted(documented("cloudformation", "StackStatus")))
def test_a_stack_is_ready_or_busy_or_has_a_way_out(status: str) -> None:
    stack = Stack("id", "web", status, None, None, (), {})
    assert stack.is_ready + stack.is_busy <= 1
    if not stack.is_ready and not stack.is_busy:
        assert stack.way_out != "look at the stack in the console"
    assert stack.is_busy is (status.endswith("_IN_PROGRESS") and status[:6] not in ("DELETE", "REVIEW"))


def test_only_one_status_of_an_update_is_success() -> None:
    statuses = documented("cloudformation", "StackStatus")
    assert [status for status in statuses if phase_of(status, "web") is Phase.UPDATED] == ["UPDATE_COMPLETE"]


STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/app/1111"


@pytest.mark.parametrize(
    ("code", "text", "meaning"),
    [
        ("ValidationError", "No updates are to be performed.", _Refusal.NOTHING_TO_UPDATE),
        ("ValidationError", f"Stack:{STACK} is in UPDATE_IN_PROGRESS state and can not be updated.", _Refusal.STATE),
        (
            "ValidationError",
            f"Stack:{STACK} is in UPDATE_ROLLBACK_FAILED state and can not be updated.",
            _Refusal.STATE,
        ),
        ("ValidationError", "Stack with id app does not exist", _Refusal.NO_SUCH_STACK),
        ("ValidationError", "Stack [app] does not exist", _Refusal.NO_SUCH_STACK),
        ("ValidationError", "Parameters: [AmazonMachineImage] do not exist in the template", _Refusal.INVALID),
        (
            "ValidationError",
            "Invalid input for parameter key X. Cannot specify usePreviousValue as true for a parameter key not in "
            "the previous template",
            _Refusal.INVALID,
        ),
        ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]", _Refusal.OTHER),
        ("TokenAlreadyExistsException", "A client request token already exists.", _Refusal.TOKEN_IN_USE),
        ("Throttling", "Rate exceeded", _Refusal.OTHER),
    ],
)
def test_the_texts_of_cloudformation_are_told_apart(code: str, text: str, meaning: _Refusal) -> None:
    """CloudFormation gives most refusals the one code ValidationError; these are the real texts."""
    error = ClientError({"Error": {"Code": code, "Message": text}}, "UpdateStack")
    assert _refusal(error) is meaning


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
