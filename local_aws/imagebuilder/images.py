"""Images, as builds leave them.

An image goes through PENDING, CREATING, BUILDING, TESTING (unless its tests are off), DISTRIBUTING and INTEGRATING to
AVAILABLE, or to FAILED or CANCELLED on the way.

Source: EC2 Image Builder API reference, Image, ImageState, ImageSummary.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from local_aws.imagebuilder.scans import scan_state
from local_aws.imagebuilder.shapes import Document

_FINAL_STATES = ("AVAILABLE", "CANCELLED", "FAILED")
_SUMMARISED = (
    *("arn", "name", "type", "version", "platform", "state", "dateCreated"),
    *("outputResources", "tags", "buildType"),
)


@dataclass(eq=False)
class Image:
    """An image build version.

    `document` is what stays the same of the answer of GetImage; `history` has each state with the moment at which it
    was entered; `started_at` and `ended_at` are the moments of the first and the final one, in seconds since the epoch.
    """

    document: Document
    account_id: str
    region: str
    started_at: float
    ended_at: float | None = None
    history: list[tuple[str, float]] = field(default_factory=list)
    reason: str | None = None
    failure_context: Document | None = None
    amis: list[Document] = field(default_factory=list)
    workflow_execution_ids: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return str(self.document["arn"])

    @property
    def pipeline_arn(self) -> str | None:
        """The ARN of the pipeline that started the build, None for one that CreateImage did."""
        return self.document.get("sourcePipelineArn")

    @property
    def status(self) -> str:
        return self.history[-1][0]

    @property
    def states(self) -> list[str]:
        """The states that it has been in, in their order."""
        return [state for state, _ in self.history]

    @property
    def is_scanned(self) -> bool:
        """Whether vulnerability scans are enabled for it."""
        return bool(self.document.get("imageScanningConfiguration", {}).get("imageScanningEnabled"))

    @property
    def is_building(self) -> bool:
        return self.status not in _FINAL_STATES

    @property
    def build_number(self) -> int:
        return int(self.arn.rsplit("/", 1)[1])

    def describe(self) -> Document:
        """The `image` of GetImage."""
        state: Document = {"status": self.status}
        if self.reason is not None:
            state["reason"] = self.reason
        if self.failure_context is not None:
            state["failureContext"] = self.failure_context
        described: Document = {**self.document, "state": state}
        if self.amis or self.status == "AVAILABLE":
            described["outputResources"] = {"amis": self.amis}
        if self.is_scanned:
            described["scanState"] = scan_state(self.states, self.account_id, self.region)
        return described

    def summary(self) -> Document:
        """The ImageSummary of a list."""
        described = self.describe()
        return {name: described[name] for name in _SUMMARISED if name in described} | {"owner": self.account_id}
