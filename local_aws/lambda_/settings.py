"""How Lambda behaves where that is chance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LambdaSettings:
    """How long things take, in virtual seconds.

    `cold_start_seconds` is the Init phase of a new execution environment, `invocation_seconds` what any invocation
    takes besides, `api_call_seconds` what each call of an AWS API from within a function takes.
    """

    cold_start_seconds: float = 0.9
    invocation_seconds: float = 0.15
    api_call_seconds: float = 0.05
