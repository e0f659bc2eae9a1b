"""Whose the embedded AWS is, and the identifiers that it hands out."""

from __future__ import annotations

from moto.moto_api._internal import mock_random

ACCOUNT = "123456789012"
REGION = "us-east-1"
"""The Region of whoever names none."""


def random_uuid() -> str:
    """A UUID from moto's generator, so that runs that are seeded alike are alike."""
    return str(mock_random.uuid4())
