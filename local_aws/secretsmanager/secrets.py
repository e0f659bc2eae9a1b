"""Secrets, as the services that read them see them."""

from __future__ import annotations

from moto.secretsmanager.models import secretsmanager_backends


def read(account: str, region: str, secret_id: str) -> str:
    """The current text of a secret, by its name or ARN.

    Raises moto's ResourceNotFoundException and InvalidRequestException, the errors of GetSecretValue.
    """
    secret = secretsmanager_backends[account][region].get_secret_value(secret_id, version_id="", version_stage="")
    return str(secret["SecretString"])
