"""What a run for a base AMI is named after."""

from __future__ import annotations

import re

import pytest

from autopatch.base_releases import BaseRelease, releases_in
from autopatch.execution_input import ExecutionInput


@pytest.mark.parametrize(
    ("ami_name", "release"),
    [
        # Amazon Linux 2023 User Guide, "Naming and versioning"; the others are names of AMIs that Amazon has published.
        ("al2023-ami-2023.0.20230301.0-kernel-6.1-x86_64", "2023.0.20230301.0"),
        ("al2023-ami-2023.7.20250623.1-kernel-6.1-x86_64", "2023.7.20250623.1"),
        ("al2023-ami-minimal-2023.12.20260817.0-kernel-6.18-arm64", "2023.12.20260817.0"),
        ("amzn2-ami-kernel-5.10-hvm-2.0.20260727.0-x86_64-gp2", "2.0.20260727.0"),
        ("al2023-ami-ecs-hvm-2023.0.20260801-kernel-6.1-x86_64", "2023.0.20260801.0"),
        ("Windows_Server-2022-English-Full-Base-2026.11.12", "Windows_Server-2022-English-Full-Base-2026.11.12"),
    ],
)
def test_the_release_of_an_ami_is_the_version_in_its_name(ami_name: str, release: str) -> None:
    assert BaseRelease.of_ami(ami_name) == BaseRelease(release)


def test_a_text_names_releases_by_their_versions() -> None:
    text = "2023.10.20270104 follows 2023.9.20261130.0, and not 2023.9.20261130. See al2023-ami-2023.8.20261001.0-arm64"
    assert releases_in(text) == [BaseRelease("2023.10.20270104.0"), BaseRelease("2023.9.20261130.0")]


def test_the_execution_is_named_after_the_release() -> None:
    assert BaseRelease("2023.9.20261130.0").execution_name == "base-image-2023-9-20261130-0"


def test_the_input_of_the_execution_is_one_that_a_run_takes() -> None:
    read = ExecutionInput.from_event(BaseRelease("2023.9.20261130.0").execution_input)
    assert (read.trigger, read.reason) == ("base-image", "new base AMI: release 2023.9.20261130.0")


def test_long_and_odd_releases_make_distinct_valid_names() -> None:
    """Execution names: 1 to 80 characters; for logging to CloudWatch Logs only letters, digits, - and _ (Step Functions
    API reference, StartExecution)."""
    releases = ["a" * 100, "a" * 100 + "b", "a b", "a/b", "a", "a.b", "a-b", "2023.9.20261130.0", "2.0.20260727.0"]
    names = {BaseRelease(release).execution_name for release in releases}
    assert len(names) == len(releases)
    assert all(re.fullmatch(r"[0-9A-Za-z_-]{1,80}", name) for name in names)
