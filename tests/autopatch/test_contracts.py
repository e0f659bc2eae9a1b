"""What passes between the states: tokens, moments, failures, and documents that survive the way through the state."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autopatch.contracts import (
    Ami,
    Execution,
    Failure,
    Freeze,
    ImageBuild,
    Run,
    Summary,
    Target,
    Update,
    moment,
    text_of,
)
from autopatch.operations import OwnOperation

EVENTS = Path(__file__).parents[2] / "events"
AMI = "ami-0123456789abcdef0"


def tokens_of(operation: OwnOperation) -> tuple[str, str]:
    return operation.token, operation.cancel_token


def test_tokens_are_the_same_for_a_retry_and_for_nothing_else() -> None:
    """ClientRequestToken is 1 to 128 characters of [a-zA-Z0-9][-a-zA-Z0-9]* (CloudFormation API, UpdateStack), and
    clientToken 1 to 64 (Image Builder API, StartImagePipelineExecution)."""
    one = Execution("arn:aws:states:us-east-1:123456789012:execution:m:a", datetime.now(UTC))
    other = Execution("arn:aws:states:us-east-1:123456789012:execution:m:b", datetime.now(UTC))
    assert one.token("update web") == one.token("update web")
    tokens = {
        *tokens_of(OwnOperation.update(one, "web")),
        *tokens_of(OwnOperation.rollback(one, "web")),
        *tokens_of(OwnOperation.update(one, "api")),
        *tokens_of(OwnOperation.rollback(one, "api")),
        *tokens_of(OwnOperation.update(other, "web")),
        one.token("image"),
        other.token("image"),
    }
    assert len(tokens) == 12
    token = one.token("update web")
    assert len(token) <= 64 and token[0].isalnum() and token.replace("-", "").isalnum()


def test_an_update_survives_the_way_through_the_state() -> None:
    now = datetime(2026, 12, 8, 6, 0, tzinfo=UTC)
    update = Update(
        stack_id="arn",
        ami_before=AMI,
        ami_after="ami-00000000",
        is_way_back=True,
        change_set_id="arn",
        capacities={"Group": 3},
        changes=("Group: replaced",),
        begun_at=now - timedelta(minutes=1),
    ).waiting("UPDATING", now, 90)
    assert update.deadline_at == now + timedelta(minutes=90)
    assert Update.from_event(json.loads(json.dumps(update.to_event()))) == update
    assert Update.from_event({"status": "NOT_STARTED"}) == Update()


@pytest.mark.parametrize(
    ("sample", "place", "kind"),
    [
        ("check-readiness", ("run",), Run),
        ("check-readiness", ("target",), Target),
        ("check-readiness", ("ami",), Ami),
        ("update-stack", ("update",), Update),
        ("check-image", ("image",), ImageBuild),
        ("notify-skipped", ("state", "freeze"), Freeze),
        ("notify-success", ("state", "summary"), Summary),
    ],
)
def test_a_sample_document_is_given_back_as_it_was(sample: str, place: tuple[str, ...], kind: Any) -> None:
    document = json.loads((EVENTS / f"{sample}.json").read_text())
    for key in place:
        document = document[key]
    assert kind.from_event(document).to_event() == document


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
