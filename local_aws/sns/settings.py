"""How SNS behaves where that is chance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SnsSettings:
    """How SNS delivers; the default is the happy path.

    `duplicate_deliveries` is how many times more than once it delivers each message to a Lambda function, with the
    same MessageId (SNS is at-least-once).
    """

    duplicate_deliveries: int = 0
