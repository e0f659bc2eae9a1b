"""What Lambda refuses of a function's configuration: runtimes that are blocked or unknown, too large an environment.

Source: AWS Lambda Developer Guide, "Lambda runtimes" (whose dates cfn-lint carries), "Lambda quotas"; Lambda's own
words, in public issues: perfectsense/gyro#415, github-aws-runners/terraform-aws-github-runner#3594.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException

from local_aws.core import clock

_LARGEST_ENVIRONMENT = 4096
"""Bytes of its JSON text."""


class RuntimesNotFound(ImportError):
    """cfn-lint does not carry the dates of the runtimes where they were."""


@functools.cache
def _runtimes() -> dict[str, dict[str, str | None]]:
    spec = importlib.util.find_spec("cfnlint")
    directory = Path(spec.origin).parent if spec and spec.origin else Path()
    path = directory / "data" / "AdditionalSpecs" / "LmbdRuntimeLifecycle.json"
    if not path.exists():
        raise RuntimesNotFound(
            f"expected the dates of Lambda's runtimes at {path}, found none; "
            "install the cfn-lint of requirements/dev.txt, or adapt local_aws/lambda_/limits.py"
        )
    runtimes: dict[str, dict[str, str | None]] = json.loads(path.read_text(encoding="utf-8"))
    return runtimes


def check_creation(spec: Mapping[str, Any]) -> None:
    """Raise the API's InvalidParameterValueException for a request of CreateFunction that Lambda refuses."""
    _check_runtime(spec.get("Runtime"), "create-block")
    _check_environment(spec)


def check_update(spec: Mapping[str, Any], runtime: str | None) -> None:
    """Raise it for an update of a function that has this runtime after it."""
    _check_runtime(runtime, "update-block")
    _check_environment(spec)


def _check_runtime(runtime: str | None, block: str) -> None:
    """A function of a container image has no runtime."""
    if not runtime:
        return
    if runtime not in _runtimes():
        raise InvalidParameterValueException(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(_runtimes())}] or be a valid ARN"
        )
    blocked = _runtimes()[runtime][block]
    if blocked is not None and clock.current().now().date() >= date.fromisoformat(blocked):
        raise InvalidParameterValueException(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )


def _check_environment(spec: Mapping[str, Any]) -> None:
    variables = (spec.get("Environment") or {}).get("Variables") or {}
    text = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > _LARGEST_ENVIRONMENT:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {text}"
        )
