"""All that a rehearsal knows of the state machine that it runs: names of states, and where they put what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

BUILD_WAIT, BUILD_CHECK = "Wait For Image", "Check Image"
DEPLOYMENT_WAIT, DEPLOYMENT_CHECK = "Wait For Deployment", "Check Deployment"
SKIPPED_END = "Patch Skipped"

TRIGGERS = ("schedule", "manual", "base-image", "base-image-check")
"""What starts a run."""


def stack_name(state: Any) -> str | None:
    """The stack that an iteration of the Map is about; None for a state of the run itself."""
    name: str | None = _object(_object(state).get("target")).get("stackName")
    return name


def failed(state: Any) -> bool:
    """Whether the run, or the target, has met an error."""
    return _object(state).get("failure") is not None


def build_status(state: Any) -> str:
    """The status of the image build that the run waits for (an Image Builder image status)."""
    return str(state["image"]["status"])


def build_started_at(state: Any) -> datetime:
    """When that build began."""
    return datetime.fromisoformat(state["image"]["startedAt"])


def update_started_at(state: Any) -> datetime:
    """When the update of the target's stack began."""
    return datetime.fromisoformat(state["update"]["updateStartedAt"])


def image_arn(state: Any) -> str | None:
    """The image that the run has built, or is building."""
    arn: str | None = _object(_object(state).get("image")).get("imageArn")
    return arn


def skip_reason(state: Any) -> str | None:
    """Why the run was skipped as a whole; None when it was not."""
    freeze = _object(_object(state).get("freeze"))
    return str(freeze.get("reason")) if freeze.get("status") == "SKIP" else None


def planned_targets(state: Any) -> list[Mapping[str, Any]]:
    """The targets of the run (`stackName`, `amiParameter`, `amiBefore`), once it has a plan."""
    return list(_object(_object(state).get("run")).get("targets", []))


def target_results(state: Any) -> dict[str, Mapping[str, Any]]:
    """How each target ended (`outcome`, `amiBefore`, `amiAfter`, `seconds`, `reason`), by stack, once the run is
    summarised."""
    summary = _object(_object(state).get("summary"))
    return {target["stackName"]: target for target in summary.get("targets", [])}


def _object(value: Any) -> Mapping[str, Any]:
    """The value where it is an object; the input of an execution may be any JSON."""
    return value if isinstance(value, dict) else {}
