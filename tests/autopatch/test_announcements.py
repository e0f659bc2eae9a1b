"""What the base-AMI trigger makes of the messages that AWS and anybody else may send."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopatch.announcements import Ignored, read_announcement
from autopatch.base_releases import BaseRelease

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


def read(message: str, pattern: str = AL2023, region: str = "us-east-1") -> BaseRelease | Ignored:
    return read_announcement(message, pattern, region)


def test_a_release_for_this_region_and_pattern_is_announced() -> None:
    assert read(amazon_linux()) == BaseRelease("2023.9.20261130.0")


@pytest.mark.parametrize("version", ["", "2023.9.20261129.0"])
def test_the_release_is_that_of_the_ami_whatever_version_is_beside_it(version: str) -> None:
    """A public Lambda's test event of the Amazon Linux 2 topic has empty version strings."""
    assert read(amazon_linux(image_version=version)) == BaseRelease("2023.9.20261130.0")


def test_the_ecs_message_has_one_ami_a_region() -> None:
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
    assert announced == BaseRelease("amzn-ami-2017.09.j-amazon-ecs-optimized")
    assert isinstance(read(message, "amzn-ami-*-amazon-ecs-optimized", "eu-west-1"), Ignored)


def test_prose_is_searched_for_ami_names() -> None:
    """The Windows topic sends prose."""
    prose = "New Windows AMIs: Windows_Server-2022-English-Full-Base-2026.11.12, and others. https://example.com"
    announced = read(prose, "Windows_Server-2022-English-Full-Base-*")
    assert announced == BaseRelease("Windows_Server-2022-English-Full-Base-2026.11.12")
    ignored = read(prose, AL2023)
    assert isinstance(ignored, Ignored) and AL2023 in ignored.reason


@pytest.mark.parametrize(
    "message",
    [
        "Amazon Linux 2023 version 2023.9.20261130.0 is available.",
        "Amazon Linux 2023 version 2023.9.20261130 is available.",
        "New AMIs: 2023.9.20261130.",
        "2023.9.20261130.0 replaces 2023.9.20261109.0",
        f"2023.9.20261130.0 has {NAME.replace('x86_64', 'arm64')} and others",
        '{"version": "2023.9.20261130.0"}',
        '["2023.9.20261130"]',
        '"2023.9.20261130.0"',
        amazon_linux(regions={}),
        amazon_linux(regions={"us-east-1": "ami-1"}),
        amazon_linux(regions={"us-east-1": [None, 3, {"Name": 7}, {"ImageId": "ami-1"}]}),
    ],
)
def test_a_release_is_enough_where_no_ami_is_named(message: str) -> None:
    """Amazon Linux 2023 User Guide, "Receiving notifications on new updates": of the messages of its topic, it says
    only that they include the version of the AMI."""
    assert read(message) == BaseRelease("2023.9.20261130.0")


@pytest.mark.parametrize(
    ("pattern", "takes"),
    [
        (AL2023, True),
        ("al2023-ami-2023.9.*", True),
        ("al2023-ami-[0-9]*", True),
        ("al2023-ami-*", True),
        ("*-x86_64", True),
        ("al2023-ami-2023.8.*", False),
        ("al2027-ami-2027.*-x86_64", False),
        ("amzn2-ami-hvm-2.0.*-x86_64-gp2", False),
    ],
)
def test_a_release_is_held_to_what_the_pattern_has_of_a_version(pattern: str, takes: bool) -> None:
    assert isinstance(read("version 2023.9.20261130.0", pattern), BaseRelease) is takes


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (amazon_linux(regions={"eu-west-1": [{"Name": NAME, "ImageId": "ami-1"}]}), "only in eu-west-1"),
        (amazon_linux("", regions={}), "nor a version of one"),
        (amazon_linux(regions={"us-east-1": [{"Name": "al2023-ami-2023.9-arm64", "ImageId": "ami-1"}]}), "arm64"),
        (amazon_linux("", regions={"us-east-1": "ami-1"}), "nor a version of one"),
        (amazon_linux("", regions={"us-east-1": [None, 3, {"Name": 7}, {}]}), "nor a version of one"),
        ("Amazon Linux 2.0.20261130.0 is available", "nor a version of one"),
        ("see relnotes-2023.9.20261130, build 12023.9.202611301, and 2023.9.20261130.0-rc1", "nor a version of one"),
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


@given(st.text() | st.builds(json.dumps, _JSON), st.sampled_from(["*", AL2023, "[", "?"]))
def test_any_message_at_all_is_read_or_ignored(message: str, pattern: str) -> None:
    answer = read_announcement(message, pattern, "us-east-1")
    if isinstance(answer, BaseRelease):
        assert re.fullmatch(r"[0-9A-Za-z._-]{1,80}", answer.execution_name)
        json.dumps(answer.execution_input).encode()
    else:
        answer.reason.encode("ascii")
