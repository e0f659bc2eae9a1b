"""What passes between the states: tokens, moments, failures, and documents that survive being written and read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autopatch.contracts import (
    Ami,
    Document,
    Execution,
    Failure,
    Freeze,
    ImageBuild,
    NotStarted,
    Pending,
    Preview,
    Run,
    StackUpdate,
    Summary,
    Target,
    read,
    write,
)
from autopatch.errors import InvalidDocument
from autopatch.operations import OwnOperation

EVENTS = Path(__file__).parents[2] / "events"
AMI = "ami-0123456789abcdef0"


def tokens_of(operation: OwnOperation) -> tuple[str, str]:
    return operation.token, operation.cancel_token


def test_tokens_are_the_same_for_a_retry_and_for_nothing_else() -> None:
    """ClientRequestToken is 1 to 128 characters of [a-zA-Z0-9][-a-zA-Z0-9]* (CloudFormation API, UpdateStack), and
    clientToken 1 to 64 (Image Builder API, StartImagePipelineExecution)."""
    execution = Execution("arn:aws:states:us-east-1:123456789012:execution:m:a", datetime.now(UTC))
    other = Execution("arn:aws:states:us-east-1:123456789012:execution:m:b", datetime.now(UTC))
    assert execution.token("update web") == execution.token("update web")
    tokens = {
        *tokens_of(OwnOperation.update(execution, "web")),
        *tokens_of(OwnOperation.rollback(execution, "web")),
        *tokens_of(OwnOperation.update(execution, "api")),
        *tokens_of(OwnOperation.rollback(execution, "api")),
        *tokens_of(OwnOperation.update(other, "web")),
        execution.token("image"),
        other.token("image"),
    }
    assert len(tokens) == 12
    token = execution.token("update web")
    assert len(token) <= 64 and token[0].isalnum() and token.replace("-", "").isalnum()


def sample(name: str, *place: str) -> Any:
    document = json.loads((EVENTS / f"{name}.json").read_text())
    for key in place:
        document = document[key]
    return document


@pytest.mark.parametrize(
    ("name", "place", "kind"),
    [
        ("check-readiness", ("run",), Run),
        ("check-readiness", ("target",), Target),
        ("preview-update", ("ami",), Ami),
        ("preview-update", ("update",), Pending),
        ("update-stack", ("update",), Preview),
        ("verify-instances", ("update",), StackUpdate),
        ("check-image", ("image",), ImageBuild),
        ("notify-skipped", ("state", "freeze"), Freeze),
        ("notify-success", ("state", "summary"), Summary),
        ("roll-back", ("rollback",), NotStarted),
    ],
)
def test_a_sample_document_is_given_back_as_it_was(name: str, place: tuple[str, ...], kind: type[Document]) -> None:
    document = sample(name, *place)
    assert json.loads(json.dumps(write(read(document, kind)))) == document


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amiID": "ami-1"}, "unknown field `amiID`"),
        ({"deadlineAt": None}, r"Expected `datetime`, got `null` - at `\$\.deadlineAt`"),
        ({"deadlineAt": "2026-12-08T06:00:00"}, "with a timezone component"),
        ({"pollAfterSeconds": "15"}, r"Expected `int`, got `str` - at `\$\.pollAfterSeconds`"),
        ({"capacities": {"Group": 2.5}}, "Expected `int`, got `float`"),
        ({"changes": "Group"}, "Expected `array`, got `str`"),
        ({"status": "READY"}, "Invalid enum value 'READY'"),
        ({"phase": "PREVIEW"}, "Invalid value 'PREVIEW'"),
    ],
)
def test_a_document_that_is_not_what_the_task_takes_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidDocument, match=words):
        read({**sample("verify-instances", "update"), **change}, StackUpdate)


@pytest.mark.parametrize("key", ["status", "startedAt", "updateStartedAt", "stackId", "capacities"])
def test_a_missing_key_is_named(key: str) -> None:
    document = {name: value for name, value in sample("verify-instances", "update").items() if name != key}
    with pytest.raises(InvalidDocument, match=f"missing required field `{key}`"):
        read(document, StackUpdate)


def test_a_key_that_has_a_default_may_be_missing() -> None:
    assert read({"amiId": AMI}, Ami) == Ami(AMI)


def test_moments_are_rfc_3339_in_utc_and_need_their_offset() -> None:
    execution = read({"id": "arn", "startTime": "2026-12-08T08:00:00.123+02:00"}, Execution)
    assert execution.started_at == datetime(2026, 12, 8, 6, 0, 0, 123_000, UTC)
    assert write(Execution("arn", datetime(2026, 12, 8, 6, tzinfo=UTC)))["startTime"] == "2026-12-08T06:00:00Z"


def test_what_step_functions_adds_to_an_error_is_left_aside() -> None:
    assert read({"Error": "X", "Cause": "why", "More": 1}, Failure) == Failure("X", "why")
    assert read({}, Failure).message == "no cause was given"


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ('{"errorMessage": "no such stack", "errorType": "X", "stackTrace": []}', "no such stack"),
        ("not JSON", "not JSON"),
        ("[1]", "[1]"),
        ('{"errorMessage": null}', '{"errorMessage": null}'),
        ("", "no cause was given"),
    ],
)
def test_the_message_of_a_failure_is_what_the_function_said(cause: str, message: str) -> None:
    assert Failure("X", cause).message == message
