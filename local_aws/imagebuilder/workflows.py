"""The workflows of a build, and what they log.

Source: EC2 Image Builder API reference, WorkflowExecutionMetadata.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local_aws.core import clock, settings
from local_aws.core.times import iso
from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.settings import ImageBuilderSettings
from local_aws.imagebuilder.shapes import Document


@dataclass(frozen=True)
class Workflow:
    """A workflow that builds of AMIs run by default, in the state `runs_in` of the image."""

    kind: str
    runs_in: str
    resource: str
    """What it is in ARNs."""
    phases: tuple[str, ...]
    """The phases of the components that it executes, in their order."""

    def arn(self, region: str) -> str:
        return f"arn:aws:imagebuilder:{region}:aws:{self.resource}"


_WORKFLOWS = (
    Workflow("BUILD", "BUILDING", "workflow/build/build-image/1.0.3/1", ("build", "validate")),
    Workflow("TEST", "TESTING", "workflow/test/test-image/1.0.3/1", ("test",)),
)


def workflow_in(state: str) -> Workflow | None:
    """The workflow that runs in the state, None where none does."""
    return next((workflow for workflow in _WORKFLOWS if workflow.runs_in == state), None)


def executions_of(image: Image) -> list[Document]:
    """The workflows of the image that have run or run now, in their order."""
    executions = []
    for workflow in _WORKFLOWS:
        # A build that was resumed has been in a state twice; its workflow is then another one.
        index = max((number for number, state in enumerate(image.states) if state == workflow.runs_in), default=None)
        if index is None or workflow.kind not in image.workflow_execution_ids:
            continue  # not begun, or the parent image does not exist
        execution: Document = {
            "workflowBuildVersionArn": workflow.arn(image.region),
            "workflowExecutionId": image.workflow_execution_ids[workflow.kind],
            "type": workflow.kind,
            "status": "RUNNING",
            "startTime": iso(image.history[index][1]),
        }
        if index + 1 < len(image.history):
            following, ended = image.history[index + 1]
            execution["status"] = following if following in ("FAILED", "CANCELLED") else "COMPLETED"
            execution["endTime"] = iso(ended)
        executions.append(execution)
    return executions


def log_lines(workflow: Workflow, image: Image, component_arns: Sequence[str], failed: bool) -> list[str]:
    """What the workflow of an image has logged when it ends, now."""
    execution_id = image.workflow_execution_ids[workflow.kind]
    started, now = iso(image.history[-1][1]), iso(clock.current().now())
    lines = [f"{started} Workflow execution {execution_id} of type {workflow.kind} started"]
    for arn in component_arns:
        lines += [f"{now} Document {arn} phase {phase}" for phase in workflow.phases]
    if failed:
        lines.append(f"{now} {settings.current(ImageBuilderSettings).error_message}")
    lines.append(f"{now} Workflow execution {execution_id} ended with status {'FAILED' if failed else 'COMPLETED'}")
    return lines
