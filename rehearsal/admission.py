"""Who may call the embedded AWS that is served: whoever has its credentials, and no page in a browser.

It executes code that is uploaded to it, in a process of the developer's. A page that the developer visits can send
requests to any local port, and by DNS rebinding even read the answers; it cannot send another Host than its own, hide
its Origin, or know the secret access key.
"""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from local_aws.iam import access_keys
from local_aws.iam.access_keys import AccessKey
from rehearsal import signatures

# Paths that moto answers with what no endpoint of AWS has: its own control, and the metadata of an instance.
_NOT_OF_AWS = ("/moto-api", "/latest/meta-data/", "/latest/api/", "/favicon.ico")


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered. The error's code depends on the protocol of the service that was called."""

    json_code: str
    query_code: str
    ec2_code: str
    s3_code: str
    message: str

    def answer(self, environ: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status, headers and body: an error as the client of the service that is called reads it.

        Source: the Common Errors of the API references; Amazon EC2 API Reference, "Error codes"; Amazon S3 API
        Reference, "Error Responses". All have the status 403, for which some of AWS's services have 400 or 401.
        """
        message = escape(self.message)
        signature = signatures.read(environ)
        service = signature and signature.service
        is_form = "x-www-form-urlencoded" in (signatures.header(environ, "content-type") or "")
        if service == "ec2":
            body = f"<Response><Errors>{_error(self.ec2_code, message)}</Errors><RequestID/></Response>"
        elif signatures.header(environ, "x-amz-target") or (service not in (None, "s3") and not is_form):
            text = json.dumps({"__type": self.json_code, "message": self.message})
            return _response("application/json", text, ("x-amzn-ErrorType", self.json_code))
        elif is_form:
            body = f"<ErrorResponse>{_error(self.query_code, message)}<RequestId/></ErrorResponse>"
        else:
            body = _error(self.s3_code, message)
        return _response("text/xml", body)


def _error(code: str, message: str) -> str:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"


def _response(content_type: str, body: str, *headers: tuple[str, str]) -> tuple[str, list[tuple[str, str]], bytes]:
    encoded = body.encode()
    status = HTTPStatus.FORBIDDEN
    length = ("Content-Length", str(len(encoded)))
    return f"{status.value} {status.phrase}", [("Content-Type", content_type), length, *headers], encoded


def _denied(message: str) -> Refusal:
    return Refusal("AccessDeniedException", "AccessDenied", "AuthFailure", "AccessDenied", message)


_UNSIGNED = Refusal(
    json_code="MissingAuthenticationTokenException",
    query_code="MissingAuthenticationToken",
    ec2_code="AuthFailure",
    s3_code="AccessDenied",
    message="Missing Authentication Token: the embedded AWS takes requests signed with AWS4-HMAC-SHA256, and no others",
)
_UNKNOWN_KEY = Refusal(
    json_code="UnrecognizedClientException",
    query_code="InvalidClientTokenId",
    ec2_code="AuthFailure",
    s3_code="InvalidAccessKeyId",
    message="The security token included in the request is invalid: the embedded AWS prints new credentials each time "
    "it starts",
)
_WRONG_SIGNATURE = Refusal(
    json_code="InvalidSignatureException",
    query_code="SignatureDoesNotMatch",
    ec2_code="AuthFailure",
    s3_code="SignatureDoesNotMatch",
    message="The request signature we calculated does not match the signature you provided",
)


def new_access_key() -> AccessKey:
    """A long-term access key that nobody can guess."""
    letters = string.ascii_uppercase + "234567"
    return AccessKey("AKIA" + "".join(secrets.choice(letters) for _ in range(16)), secrets.token_hex(20))


class Admission:
    """Judges the requests to a port: they need the access key `root`, or the key of a session of a role."""

    def __init__(self, port: int, root: AccessKey) -> None:
        self._root = root
        self._expected = f"127.0.0.1:{port}"
        # S3's clients put a bucket before `localhost`, and none before an address. Nobody else has those names.
        default = "?" if port == 80 else ""
        self._own = re.compile(rf"(127\.0\.0\.1|\[::1\]|([a-z0-9.-]+\.)?localhost)(:{port}){default}", re.IGNORECASE)

    def elsewhere(self, environ: Mapping[str, Any]) -> Refusal | None:
        """Why the request (a WSGI environ) is refused for where it comes from, or goes to; None when it is not."""
        host = signatures.header(environ, "host") or ""
        origin = signatures.header(environ, "origin")
        site = signatures.header(environ, "sec-fetch-site")
        if not self._own.fullmatch(host):
            return _denied(f"expected the Host {self._expected}, found {host!r}")
        if origin not in (None, f"http://{host}"):
            return _denied(f"expected no request of another origin, found the Origin {origin!r}")
        if site not in (None, "same-origin", "none"):
            return _denied(f"expected no request of another site, found Sec-Fetch-Site {site!r}")
        if environ["PATH_INFO"].startswith(_NOT_OF_AWS):
            return _denied(f"expected a path of an AWS API, found {environ['PATH_INFO']!r}")
        return None

    def unsigned(self, environ: Mapping[str, Any], body: bytes) -> Refusal | None:
        """Why the request, with its body, is refused for its signature; None when it is not.

        The embedded AWS has the keys of sessions, so the caller has to have the clock's turn.
        """
        signature = signatures.read(environ)
        if signature is None:
            return _UNSIGNED
        key = self._root
        if signature.access_key_id != key.access_key_id:
            session = access_keys.of_session(signature.access_key_id)
            if session is None:
                return _UNKNOWN_KEY
            key = session
        if signature.session_token != key.session_token:
            return _UNKNOWN_KEY
        return None if signature.is_made_with(key.secret_access_key, environ, body) else _WRONG_SIGNATURE
