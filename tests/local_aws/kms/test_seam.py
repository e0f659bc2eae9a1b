"""KMS keys: which have a key pair.

Source: KMS Developer Guide, "Key spec reference"; KMS API Reference, GetPublicKey: only asymmetric keys have one.
"""

from __future__ import annotations

import boto3
import pytest

from local_aws.aws import LocalAws


def test_a_symmetric_key_encrypts_and_has_no_public_half(aws: LocalAws) -> None:
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"secret"
    with pytest.raises(NotImplementedError, match="private half of a symmetric KMS key"):
        kms.get_public_key(KeyId=key)


def test_an_asymmetric_key_has_a_public_half(aws: LocalAws) -> None:
    kms = boto3.client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    assert kms.get_public_key(KeyId=key)["PublicKey"]
