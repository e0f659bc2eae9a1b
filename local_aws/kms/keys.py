"""Keys, as the services that encrypt with them see them."""

from __future__ import annotations

from moto.kms.models import kms_backends


def arn_of(account: str, region: str, key: str) -> str | None:
    """The ARN of the key that `key` names in the Region: an ID, an alias, or the ARN of either.

    None where there is no such key, or its ARN is of another Region. An ARN names its own account.
    """
    if key.startswith("arn:"):
        _, _, _, key_region, account, key = key.split(":", 5)
        if key_region != region:
            return None
        key = key.removeprefix("key/")
    try:
        return str(kms_backends[account][region].describe_key(key).arn)
    except (KeyError, AttributeError):  # the latter for an unknown alias, which moto takes for the key None
        return None
