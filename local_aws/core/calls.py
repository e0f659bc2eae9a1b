"""What botocore and werkzeug do over again for every client and every call, remembered for the process or left out.

A run makes some hundred calls, and next to what a service does for a call, these took a tenth of its time.
"""

from __future__ import annotations

import functools
from typing import Any

import botocore.auth
import botocore.hooks
import botocore.parsers
import botocore.useragent
import werkzeug.sansio.utils
import werkzeug.test

from local_aws.core import clock
from local_aws.core.guard import expect_parameters

_auth: Any = botocore.auth
_hooks: Any = botocore.hooks

expect_parameters(_auth.SigV4Auth.canonical_request, "self", "request")
expect_parameters(_hooks._PrefixTrie._recursive_copy, "self", "node")

_canonical_request = _auth.SigV4Auth.canonical_request

# Functions of which the answer depends on the arguments alone, where they are looked up.
_PURE: tuple[tuple[Any, str], ...] = (
    (botocore.auth, "_host_from_url"),
    (botocore.parsers, "DEFAULT_TIMESTAMP_PARSER"),
    (botocore.useragent, "sanitize_user_agent_string_component"),
    (werkzeug.sansio.utils, "uri_to_iri"),
    (werkzeug.test, "iri_to_uri"),
)


def _recursive_copy(trie: Any, node: dict[str, Any]) -> dict[str, Any]:
    """What botocore's method of this name returns, without copy.copy for each of a client's many lists of handlers."""
    copied: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, _hooks.NodeList):
            copied[key] = _hooks.NodeList(value.first[:], value.middle[:], value.last[:])
        else:
            copied[key] = _recursive_copy(trie, value) if isinstance(value, dict) else value
    return copied


def _canonical_request_or_nothing(self: Any, request: Any) -> Any:
    """An embedded AWS in this process reads who calls and checks no signature, so it may be one of nothing."""
    return "" if clock.is_running() else _canonical_request(self, request)


@functools.cache
def install() -> None:
    """Remember from now on, for the rest of the process."""
    for module, name in _PURE:
        setattr(module, name, functools.lru_cache(4096)(getattr(module, name)))
    _hooks._PrefixTrie._recursive_copy = _recursive_copy
    _auth.SigV4Auth.canonical_request = _canonical_request_or_nothing
