"""Access keys, as whoever checks a request's signature sees them."""

from __future__ import annotations

from dataclasses import dataclass, field

from moto.sts.models import sts_backends


@dataclass(frozen=True)
class AccessKey:
    """An access key. `session_token` is that of temporary credentials; a long-term key has none."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def of_session(access_key_id: str) -> AccessKey | None:
    """The key with this id of a session that a role has been assumed in, in any account; None where there is none.

    It has no end here: virtual time passes faster than that of whoever holds the key.
    """
    for account in list(sts_backends.values()):
        for backend in list(account.values()):
            session = backend.get_assumed_role_from_access_key(access_key_id)
            if session is not None:
                return AccessKey(session.access_key_id, session.secret_access_key, session.session_token)
    return None
