"""Objects, as the services that read them see them."""

from __future__ import annotations

from moto.s3.exceptions import MissingKey
from moto.s3.models import s3_backends


def read(account: str, bucket: str, key: str, version: str | None = None) -> str:
    """The text of an object, which is UTF-8.

    Raises moto's MissingBucket and MissingKey, the errors of GetObject.
    """
    content = s3_backends[account]["aws"].get_object(bucket, key, version)
    if content is None:
        raise MissingKey(key)
    return str(content.value.decode())
