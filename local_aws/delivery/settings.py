"""What a scenario may say about delivery."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DeliverySettings:
    """How deliveries behave; the defaults are the happy path.

    `duplicate_deliveries` is how many times more than once SNS delivers each message to a Lambda function, with the
    same MessageId (SNS is at-least-once).
    """

    duplicate_deliveries: int = 0


_settings = DeliverySettings()


def configure(settings: DeliverySettings) -> None:
    """Use `settings` from now on."""
    global _settings
    _settings = settings


def settings() -> DeliverySettings:
    """The settings that hold now."""
    return _settings
