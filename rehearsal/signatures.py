"""Signature Version 4: whether the sender of a request knows the secret of the access key that the request names.

Source: IAM User Guide, "Create a signed AWS API request"; Amazon S3 API Reference, "Authenticating Requests: Using
Query Parameters (AWS Signature Version 4)". What differs: a signature does not expire, since its time is the client's,
which is not virtual.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from botocore.utils import normalize_url_path

_ALGORITHM = "AWS4-HMAC-SHA256"
_HEADER = re.compile(
    rf"{_ALGORITHM} +Credential=(?P<credential>[^, ]+), *SignedHeaders=(?P<headers>[^, ]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_SHA_256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Signature:
    """What a request says of its signature, in its Authorization header or, where it is presigned, in its URL."""

    access_key_id: str
    scope: tuple[str, str, str, str]
    """Date, Region, service and the word `aws4_request`."""
    signed_headers: tuple[str, ...]
    moment: str
    session_token: str | None
    presigned: bool
    value: str

    @property
    def service(self) -> str:
        return self.scope[2]

    def is_made_with(self, secret: str, environ: Mapping[str, Any], body: bytes) -> bool:
        """Whether it is the signature that this secret access key makes for the request (a WSGI environ, its body)."""
        declared = header(environ, "x-amz-content-sha256")
        actual = hashlib.sha256(body).hexdigest()
        if declared and _SHA_256.fullmatch(declared) and declared != actual:
            return False
        payload = declared or ("UNSIGNED-PAYLOAD" if self.presigned and self.service == "s3" else actual)
        canonical = "\n".join([*self._canonical_request(environ), payload])
        text = "\n".join(
            [_ALGORITHM, self.moment, "/".join(self.scope), hashlib.sha256(canonical.encode()).hexdigest()]
        )
        key = f"AWS4{secret}".encode()
        for part in (*self.scope, text):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(key.hex().encode(), self.value.encode())

    def _canonical_request(self, environ: Mapping[str, Any]) -> list[str]:
        """Its lines, but for the last."""
        path, _, query = environ["RAW_URI"].partition("?")
        if self.service != "s3":
            path = quote(normalize_url_path(path), safe="/~")
        pairs = [pair.partition("=") for pair in query.split("&") if pair]
        parameters = sorted((_encoded(name), _encoded(value)) for name, _, value in pairs if name != "X-Amz-Signature")
        headers = [f"{name}:{' '.join((header(environ, name) or '').split())}" for name in self.signed_headers]
        return [
            environ["REQUEST_METHOD"],
            path,
            "&".join(f"{name}={value}" for name, value in parameters),
            *headers,
            "",
            ";".join(self.signed_headers),
        ]


def read(environ: Mapping[str, Any]) -> Signature | None:
    """The signature of a request (a WSGI environ), unchecked; None where it has none of version 4, or half of one."""
    query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    found = _HEADER.fullmatch(header(environ, "authorization") or "")
    if found is not None:
        credential, headers, value = found["credential"], found["headers"], found["signature"]
        moment, token = header(environ, "x-amz-date"), header(environ, "x-amz-security-token")
    elif query.get("X-Amz-Algorithm") == _ALGORITHM:
        credential, headers, value = (
            query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")
        )
        moment, token = query.get("X-Amz-Date"), query.get("X-Amz-Security-Token")
    else:
        return None
    access_key_id, *scope = credential.split("/")
    names = tuple(headers.split(";"))
    if len(scope) != 4 or not moment:
        return None
    date, region, service, terminator = scope
    return Signature(
        access_key_id, (date, region, service, terminator), names, moment, token or None, found is None, value
    )


def header(environ: Mapping[str, Any], name: str) -> str | None:
    """The value of a request's header, as a WSGI environ has it; None where the request does not have the header."""
    key = name.upper().replace("-", "_")
    value: str | None = environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")
    return value


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-_.~")
