"""KMS: a symmetric key has no private half.

KMS Developer Guide, "Key spec reference": only asymmetric key specs have a key pair. moto makes an RSA pair for every
key, such as the account's own for EBS, which takes longer than all the rest of launching an instance.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.kms import models
from moto.kms.utils import generate_private_key

from local_aws.core.errors import NotModelled
from local_aws.core.guard import expect_attributes, expect_parameters

expect_attributes(models, "generate_private_key")
expect_parameters(models.KmsBackend.describe_key, "self", "key_id")
expect_parameters(generate_private_key, "key_spec")


class _NoPrivateKey:
    """A symmetric key has it in place of a key pair, with which moto would sign."""

    def __getattr__(self, name: str) -> Any:
        raise NotModelled(f"The embedded AWS does not model the private half of a symmetric KMS key: {name}")


def _private_key(key_spec: str) -> Any:
    return _NoPrivateKey() if key_spec == "SYMMETRIC_DEFAULT" else generate_private_key(key_spec)


@functools.cache
def install() -> None:
    """Put the seam in place, for the rest of the process."""
    models.generate_private_key = _private_key
