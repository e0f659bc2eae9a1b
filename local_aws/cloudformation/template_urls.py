"""Templates and stack policies in S3, by their URLs.

Source: S3 User Guide, "Virtual hosting of general purpose buckets".
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

from moto.core.exceptions import ServiceException

from local_aws.cloudformation.errors import ValidationError
from local_aws.s3 import objects

_S3_HOST = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com")
_OWN_HOSTS = ("127.0.0.1", "localhost")
_ON_S3_ERRORS = "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"


def read_text(url: str, account: str, parameter: str) -> str:
    """The text of the template or policy that the URL names, which is the value of the request's `parameter`.

    The URL has the bucket in its host or in its path; one of this machine, on which the embedded AWS may be served, has
    it in the path. Raises ValidationError, with CloudFormation's text.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    on_s3 = _S3_HOST.fullmatch(host) if parts.scheme == "https" else None
    if on_s3 is None and host not in _OWN_HOSTS:
        raise ValidationError(f"{parameter} must be a supported URL.")
    path = unquote(parts.path).lstrip("/")
    bucket, key = (on_s3["bucket"], path) if on_s3 and on_s3["bucket"] else path.partition("/")[::2]
    (version,) = parse_qs(parts.query).get("versionId", [None])
    try:
        return objects.read(account, bucket, key, version)
    except ServiceException as error:
        raise ValidationError(f"S3 error: {error.message}\n{_ON_S3_ERRORS}") from error
