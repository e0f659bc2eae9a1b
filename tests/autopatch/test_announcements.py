"""What the base-AMI trigger makes of the messages that AWS and anybody else may send."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopatch.announcements import Announcement, Ignored, read_announcement

AL2023 = "al2023-ami-2023.*-x86_64"
NAME = "al2023-ami-2023.9.20261130.0-kernel-6.1-x86_64"


def amazon_linux(image_version: str = "2023.9.20261130.0", regions: Any = None) -> str:
    """The shape of the Amazon Linux user guide's schema for AMI release messages."""
    return json.dumps(
        {
            "v1": {
                "ReleaseVersion": "2023",
                "ImageVersion": image_version,
                "ReleaseNotes": "",
                "Regions": regions if regions is not None else {"us-east-1": [{"Name": NAME, "ImageId": "ami-1"}]},
            }
        }
    )


def read(message: str, pattern: str = AL2023, region: str = "us-east-1") -> Announcement | Ignored:
    return read_announcement(message, "e2534930-337d-5561-8636-1a2be5ba802e", pattern, region)


def test_a_release_for_this_region_and_pattern_is_announced() -> None:
    assert read(amazon_linux()) == Announcement("2023.9.20261130.0", f"new base AMI {NAME} in us-east-1")


def test_the_execution_is_named_after_the_release() -> None:
    announced = read(amazon_linux())
    assert isinstance(announced, Announcement)
    assert announced.execution_name == "base-image-2023.9.20261130.0"


def test_an_empty_version_gives_way_to_the_ami_name_not_to_the_major_release() -> None:
    """A public Lambda's test event of the Amazon Linux 2 topic has empty version strings."""
    announced = read(amazon_linux(image_version=""))
    assert isinstance(announced, Announcement)
    assert announced.execution_name == f"base-image-{NAME}"


def test_the_ecs_message_has_one_ami_a_region_and_its_own_release() -> None:
    """ECS developer guide, the ECS-optimized AMI notification."""
    message = json.dumps(
        {
            "ECSAgent": {"ReleaseVersion": "1.17.2"},
            "ECSAmis": [
                {
                    "ReleaseVersion": "2017.09.j",
                    "Regions": {"us-east-1": {"Name": "amzn-ami-2017.09.j-amazon-ecs-optimized", "ImageId": "ami-1"}},
                }
            ],
        }
    )
    announced = read(message, "amzn-ami-*-amazon-ecs-optimized")
    assert isinstance(announced, Announcement) and announced.release == "2017.09.j"
    assert isinstance(read(message, "amzn-ami-*-amazon-ecs-optimized", "eu-west-1"), Ignored)


def test_prose_is_searched_for_ami_names_and_told_apart_by_message_id() -> None:
    """The Windows topic sends prose."""
    prose = "New Windows AMIs: Windows_Server-2022-English-Full-Base-2026.11.12, and others. https://example.com"
    announced = read(prose, "Windows_Server-2022-English-Full-Base-*")
    assert isinstance(announced, Announcement)
    assert announced.execution_name == "base-image-e2534930-337d-5561-8636-1a2be5ba802e"
    ignored = read(prose, AL2023)
    assert isinstance(ignored, Ignored) and AL2023 in ignored.reason


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (amazon_linux(regions={"eu-west-1": [{"Name": NAME, "ImageId": "ami-1"}]}), "only in eu-west-1"),
        (amazon_linux(regions={}), "no Region"),
        (amazon_linux(regions={"us-east-1": [{"Name": "al2023-ami-2023.9-arm64", "ImageId": "ami-1"}]}), "arm64"),
        (amazon_linux(regions={"us-east-1": "ami-1"}), "no AMI in us-east-1"),
        (amazon_linux(regions={"us-east-1": [None, 3, {"Name": 7}, {}]}), "no AMI in us-east-1"),
        ("", "0 characters"),
        ("{}", "{}"),
        ("[]", "[]"),
        ("null", "null"),
        ("{not json", "{not json"),
        ("[" * 100_000, "100000 characters"),
        ('{"Regions": {"\\ud800": []}}', "\\ud800"),
    ],
)
def test_what_does_not_concern_us_is_ignored_with_the_reason(message: str, why: str) -> None:
    ignored = read(message)
    assert isinstance(ignored, Ignored)
    assert why in ignored.reason


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["Regions", "v1", "us-east-1", "Name", "ImageVersion"]) | st.text(), inner)
    ),
    max_leaves=20,
)


@given(st.text() | st.builds(json.dumps, _JSON), st.text(min_size=1), st.sampled_from(["*", AL2023, "[", "?"]))
def test_any_message_at_all_is_read_or_ignored(message: str, message_id: str, pattern: str) -> None:
    answer = read_announcement(message, message_id, pattern, "us-east-1")
    if isinstance(answer, Announcement):
        assert re.fullmatch(r"[0-9A-Za-z._-]{1,80}", answer.execution_name)
        json.dumps({"reason": answer.reason}).encode()
    else:
        answer.reason.encode("ascii")


def test_long_and_odd_releases_make_distinct_valid_names() -> None:
    """Execution names: 1 to 80 characters, no white space, brackets, wildcards or special characters (Step Functions
    API reference, StartExecution)."""
    releases = ["a" * 100, "a" * 100 + "b", "a b", "a/b", "a"]
    names = {Announcement(release, "").execution_name for release in releases}
    assert len(names) == len(releases)
    assert all(re.fullmatch(r"[0-9A-Za-z._-]{1,80}", name) for name in names)
