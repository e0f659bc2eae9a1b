"""How Image Builder's builds go, where that is chance."""

from __future__ import annotations

from dataclasses import dataclass

from local_aws.core.settings import InvalidSettings

BUILD_STATES = ("PENDING", "CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING")
"""The states of an image that is being built, in their order (Image Builder API reference, ImageState)."""


@dataclass(frozen=True)
class ImageBuilderSettings:
    """How builds go; the defaults are the happy path, 22 minutes.

    `*_seconds` is the time in each state. `fail_in` and `hang_in` name a state of BUILD_STATES: the build fails at its
    end, `fail_times` times if it is resumed, or stays in it until it is cancelled. A failure is described by
    `failure_reason` (`{status}`, `{image_arn}` and `{component_arn}` are filled in), `failed_step` of the workflow,
    `failed_phase` of the component, and the component's `failed_component_step`, `failed_action` and `error_message`;
    what is None is as on AWS for the state. `cancelled_after` seconds after its start, somebody else cancels the build.
    `distribute_to` names the Regions that get an AMI in place of those of the distribution configuration.
    `cancelling_seconds` pass from CancelImageCreation to CANCELLED. `*_findings` is the number of findings of a
    vulnerability scan in each image, by severity.

    Raises InvalidSettings.
    """

    pending_seconds: float = 5
    creating_seconds: float = 10
    building_seconds: float = 840
    testing_seconds: float = 300
    distributing_seconds: float = 150
    integrating_seconds: float = 15
    cancelling_seconds: float = 20
    fail_in: str | None = None
    fail_times: int = 1_000
    failure_reason: str | None = None
    failed_step: str | None = None
    failed_phase: str | None = None
    failed_component_step: str = "UpdateOS"
    failed_action: str = "ExecuteBash"
    error_message: str = (
        "Error: Failed to download metadata for repo 'amazonlinux': Cannot prepare internal mirrorlist: "
        "Curl error (28): Timeout was reached"
    )
    hang_in: str | None = None
    cancelled_after: float | None = None
    distribute_to: list[str] | None = None
    critical_findings: int = 0
    high_findings: int = 0
    medium_findings: int = 0
    low_findings: int = 0

    def __post_init__(self) -> None:
        for name in ("fail_in", "hang_in"):
            state = getattr(self, name)
            if state is not None and state not in BUILD_STATES:
                raise InvalidSettings(
                    f"expected {name} to be one of {', '.join(BUILD_STATES)}, found {state!r}; "
                    "name a state that an image passes through while it is built"
                )
        if self.fail_in is not None and self.fail_in == self.hang_in:
            raise InvalidSettings(
                f"expected a build to fail or to hang in {self.fail_in}, found both; leave fail_in or hang_in out"
            )

    def seconds_in(self, state: str) -> float:
        """How long an image stays in a state of BUILD_STATES, in seconds."""
        return float(getattr(self, f"{state.lower()}_seconds"))
