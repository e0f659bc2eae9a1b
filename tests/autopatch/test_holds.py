"""Which AMIs a hold is for."""

from __future__ import annotations

import pytest

from autopatch.holds import Hold

AMI = "ami-0123456789abcdef0"
BASE = "al2023-ami-2023.9.20261130.0-kernel-6.1-x86_64"


def hold(key: str) -> Hold:
    return Hold(f"/ami-autopatch/held/{key}", "loses its network")


@pytest.mark.parametrize(
    ("key", "name", "covered"),
    [
        (AMI, BASE, True),
        ("ami-0fedcba9876543210", BASE, False),
        ("2023.9.20261130.0", BASE, True),
        ("2023.9.20261130.0-kernel-6.1", BASE, True),
        (BASE, BASE, True),
        ("al2023", BASE, True),
        ("x86_64", BASE, True),
        # Parts of a part are something else: 2023.9.20261130 is not the version 2023.9.20261130.0.
        ("2023.9.20261130", BASE, False),
        ("20261130", BASE, False),
        ("al202", BASE, False),
        ("23.9.20261130.0", BASE, False),
        # A dot is a dot.
        ("2023.9", "golden-image-2023x9-1", False),
        ("2023.9", "golden-image-2023.9-1", True),
        # An AMI without a name is held by its id alone.
        ("2023.9.20261130.0", "", False),
        (AMI, "", True),
    ],
)
def test_a_hold_is_for_an_id_or_for_whole_parts_of_a_name(key: str, name: str, covered: bool) -> None:
    assert hold(key).covers(AMI, name) is covered


def test_a_hold_says_why_and_how_it_is_released() -> None:
    held = hold("2023.9.20261130.0")
    assert str(held) == "held by the parameter /ami-autopatch/held/2023.9.20261130.0 (loses its network)"
    assert held.release == "to release it:\naws ssm delete-parameter --name /ami-autopatch/held/2023.9.20261130.0"
