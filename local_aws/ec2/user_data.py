"""The user data of instances."""

from __future__ import annotations

import base64
import binascii

from local_aws.core.resource_types import ResourceFailed


def decoded(user_data: str) -> bytes:
    """The user data of a template, which is Base64, as boto3 takes it: boto3 encodes it again.

    Raises ResourceFailed when it is not Base64.
    """
    try:
        return base64.b64decode(user_data, validate=True)
    except binascii.Error as error:
        raise ResourceFailed("Invalid BASE64 encoding of user data") from error
