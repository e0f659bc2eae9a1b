"""What an execution may be started with, and what it is told when it may not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopatch.contracts import (
    MAX_TARGETS,
    Execution,
    ExecutionInput,
    Failure,
    RequestedTarget,
    Update,
    moment,
    text_of,
)
from autopatch.errors import InvalidInput

AMI = "ami-0123456789abcdef0"


def test_an_empty_object_is_enough() -> None:
    assert ExecutionInput.from_event({}) == ExecutionInput(trigger="manual", targets=None, ami_id=None, dry_run=False)


def test_every_documented_key_is_read() -> None:
    read = ExecutionInput.from_event(
        {
            "trigger": "schedule",
            "reason": "CVE",
            "targets": ["web", {"stackName": "api", "amiParameter": "ImageId", "capacityParameter": "Size"}],
            "amiId": AMI,
            "dryRun": True,
        }
    )
    assert read == ExecutionInput(
        trigger="schedule",
        reason="CVE",
        targets=(RequestedTarget("web"), RequestedTarget("api", "ImageId", "Size")),
        ami_id=AMI,
        dry_run=True,
    )


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"amiID": AMI}, ["'amiID'", "did you mean 'amiId'?"]),
        ({"target": ["web"]}, ["'target'", "did you mean 'targets'?"]),
        ({"dry-run": True}, ["'dry-run'", "did you mean 'dryRun'?"]),
        ({"zzz": 1}, ["'zzz'", "leave it out"]),
        ({"trigger": "shedule"}, ["trigger", "did you mean 'schedule'?"]),
        ({"trigger": None}, ["trigger", "null"]),
        ({"trigger": {}}, ["trigger", "an object"]),
        ({"reason": 3}, ["reason", "a text", "3"]),
        ({"targets": []}, ["targets", "a list of 0"]),
        ({"targets": "web"}, ["targets", "'web'"]),
        ({"targets": [3]}, ["targets[0]", "3"]),
        ({"targets": ["web", "web"]}, ["'web' 2 times"]),
        ({"targets": [f"s{n}" for n in range(MAX_TARGETS + 1)]}, [f"1 to {MAX_TARGETS}"]),
        ({"targets": [{"amiParameter": "X"}]}, ["targets[0].stackName", "found nothing"]),
        ({"targets": [{"stackname": "web"}]}, ["targets[0]", "did you mean 'stackName'?"]),
        ({"targets": [{"stackName": "no_underscore"}]}, ["targets[0].stackName", "'no_underscore'"]),
        ({"targets": [{"stackName": "web", "amiParameter": ""}]}, ["targets[0].amiParameter", "''"]),
        ({"amiId": "ami-latest"}, ["amiId", "'ami-latest'"]),
        ({"amiId": None}, ["amiId", "null"]),
        ({"dryRun": "true"}, ["dryRun", "'true'", "without quotes"]),
        ({"trigger": "base-image", "amiId": AMI}, ["amiId", "base-image"]),
        ([], ["a JSON object", "a list"]),
        ("text", ["a JSON object", "'text'"]),
        (None, ["a JSON object", "null"]),
    ],
)
def test_what_cannot_be_meant_is_named(document: Any, named: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        ExecutionInput.from_event(document)
    for part in named:
        assert part in str(refused.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["trigger", "reason", "targets", "amiId", "dryRun"]) | st.text(), _JSON) | _JSON)
def test_any_json_is_read_or_refused_by_name(document: Any) -> None:
    try:
        assert isinstance(ExecutionInput.from_event(document), ExecutionInput)
    except InvalidInput as refused:
        assert "expected" in str(refused)


def test_tokens_are_the_same_for_a_retry_and_for_nothing_else() -> None:
    """ClientRequestToken is 1 to 128 characters of [a-zA-Z0-9][-a-zA-Z0-9]* (CloudFormation API, UpdateStack), and
    clientToken 1 to 64 (Image Builder API, StartImagePipelineExecution)."""
    one = Execution("arn:aws:states:us-east-1:123456789012:execution:m:a", datetime.now(UTC))
    other = Execution("arn:aws:states:us-east-1:123456789012:execution:m:b", datetime.now(UTC))
    assert one.token("update web") == one.token("update web")
    assert len({one.token("update web"), one.token("update api"), one.token("image"), other.token("image")}) == 4
    token = one.token("update web")
    assert len(token) <= 64 and token[0].isalnum() and token.replace("-", "").isalnum()


def test_an_update_survives_the_way_through_the_state() -> None:
    now = datetime(2026, 12, 8, 6, 0, tzinfo=UTC)
    update = Update(stack_id="arn", ami_before=AMI).waiting("UPDATING", now, 90)
    assert Update.from_event(json.loads(json.dumps(update.to_event()))) == update
    assert Update.from_event({"status": "NOT_STARTED"}) == Update()


def test_moments_are_utc_with_milliseconds() -> None:
    assert text_of(moment("2026-12-08T08:00:00.123456+02:00")) == "2026-12-08T06:00:00.123Z"
    assert moment("2026-12-08T06:00:00") == moment("2026-12-08T06:00:00Z")


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
