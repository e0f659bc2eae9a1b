"""When the boto3 clients of the gateways are made."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from autopatch.aws.ec2 import Ec2


def test_a_client_is_made_once_and_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Client:
        def describe_images(self, **_: Any) -> dict[str, Any]:
            return {"Images": []}

    def client(service: str, **_: Any) -> Client:
        made.append(service)
        return Client()

    monkeypatch.setattr(boto3, "client", client)
    ec2 = Ec2()
    assert made == []
    assert ec2.image("ami-1") is None and ec2.image("ami-2") is None
    assert made == ["ec2"]
