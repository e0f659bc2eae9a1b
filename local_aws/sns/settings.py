"""How SNS behaves where that is chance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SnsSettings:
    """How SNS delivers; by default, each message once.

    `duplicate_deliveries` is how many more times it delivers a message to a Lambda function, with the same MessageId:
    SNS delivers at least once.
    """

    duplicate_deliveries: int = 0
