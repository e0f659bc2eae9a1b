"""What an execution may be started with, and what it is told when it may not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopatch.contracts import Trigger
from autopatch.errors import InvalidInput
from autopatch.execution_input import MAX_TARGETS, ExecutionInput, RequestedTarget
from autopatch.settings import Rollback

AMI = "ami-0123456789abcdef0"


def test_an_empty_object_is_enough() -> None:
    assert ExecutionInput.from_event({}) == ExecutionInput(
        trigger=Trigger.MANUAL, targets=None, ami_id=None, dry_run=False, rollback=None
    )


def test_the_consoles_own_input_and_any_comment_are_accepted() -> None:
    """Step Functions' console begins a new execution with this input."""
    assert ExecutionInput.from_event({"Comment": "Insert your JSON here"}) == ExecutionInput.from_event({})
    commented = ExecutionInput.from_event({"Comment": ["CVE-2026-1", None], "dryRun": True})
    assert commented == ExecutionInput.from_event({"dryRun": True})


def test_every_documented_key_is_read() -> None:
    read = ExecutionInput.from_event(
        {
            "trigger": "schedule",
            "reason": "CVE",
            "targets": [
                "web",
                {
                    "stackName": "api",
                    "amiParameter": "ImageId",
                    "capacityParameter": "Size",
                    "accept": ["NoCreationPolicy"],
                },
            ],
            "amiId": AMI,
            "dryRun": True,
            "rollback": "manual",
        }
    )
    assert read == ExecutionInput(
        trigger=Trigger.SCHEDULE,
        reason="CVE",
        targets=(RequestedTarget("web"), RequestedTarget("api", "ImageId", "Size", ("NoCreationPolicy",))),
        ami_id=AMI,
        dry_run=True,
        rollback=Rollback.MANUAL,
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
        ({"reason": 3}, ["reason", "a string", "3"]),
        ({"reason": "x" * 257}, ["reason", "at most 256", "..."]),
        ({"reason": "CVE\n\nStacks\n  web: PATCHED"}, ["reason", "without line breaks"]),
        ({"reason": "\x1b[2J"}, ["reason", "printable"]),
        ({"reason": "\u2028web: PATCHED"}, ["reason", "printable"]),
        ({"x" * 1000: 1}, ["'xxx", "..."]),
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
        ({"rollback": "automatically"}, ["rollback", "automatic, manual", "did you mean 'automatic'?"]),
        ({"rollback": None}, ["rollback", "null", "correct it or leave it out"]),
        ({"rollback": False}, ["rollback", "false"]),
        ({"rollBack": "manual"}, ["'rollBack'", "did you mean 'rollback'?"]),
        (
            {"targets": [{"stackName": "web", "accept": "NoCreationPolicy"}]},
            ["targets[0].accept", "'NoCreationPolicy'"],
        ),
        (
            {"targets": [{"stackName": "web", "accept": ["NoUpdatePolicy"]}]},
            [
                "(AlarmNotOk, GroupSizeChanges, NoCreationPolicy, NoServiceRole, NoWayBack, UnhealthyInstances)",
                "'NoUpdatePolicy'",
            ],
        ),
        ({"targets": ["api", {"stackName": "web", "accept": [{}]}]}, ["targets[1].accept", "an object"]),
        ({"targets": [{"stackName": "web", "accept": None}]}, ["targets[0].accept", "null"]),
        ({"targets": [{"stackName": "web", "accepts": []}]}, ["'accepts'", "did you mean 'accept'?"]),
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


_KEYS = st.sampled_from(["trigger", "reason", "targets", "amiId", "dryRun", "rollback"])


@given(st.dictionaries(_KEYS | st.text(), _JSON) | _JSON)
def test_any_json_is_read_or_refused_by_name(document: Any) -> None:
    try:
        assert isinstance(ExecutionInput.from_event(document), ExecutionInput)
    except InvalidInput as refused:
        assert "expected" in str(refused)
