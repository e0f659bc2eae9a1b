"""A client of CloudFormation that answers what a test says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient


@pytest.fixture
def client() -> CloudFormationClient:
    return boto3.client("cloudformation", region_name="eu-west-1")


@pytest.fixture
def answers(client: CloudFormationClient) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()
