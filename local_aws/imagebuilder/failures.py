"""How a build that fails by the settings describes its failure.

Source: EC2 Image Builder API reference, ImageState, ImageFailureContext; the reason is in the words that AWS uses for a
component that fails.
"""

from __future__ import annotations

from collections.abc import Sequence

from local_aws.core import settings
from local_aws.core.ids import random_uuid
from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.outputs import distributions_of
from local_aws.imagebuilder.settings import ImageBuilderSettings
from local_aws.imagebuilder.shapes import Document
from local_aws.imagebuilder.workflows import workflow_in

_FAILED_STEPS = {"BUILDING": "ApplyBuildComponents", "TESTING": "ApplyTestComponents"}
_FAILED_PHASES = {"BUILDING": "build", "TESTING": "test"}
_REASON = "Image creation failed with status = 'Failed' in state = '{status}': {message}"
_REASON_OF_COMPONENT = (
    "SSM execution '{execution}' failed for image arn: '{image_arn}' with status = 'Failed' in state = '{status}' and "
    "failure message = 'Document {component_arn} failed!'"
)


def failure_of(image: Image, state: str, component_arns: Sequence[str]) -> tuple[str, Document]:
    """The reason and the ImageFailureContext of a build that fails in the state."""
    behaviour = settings.current(ImageBuilderSettings)
    context: Document = {"imageStatus": state}
    workflow = workflow_in(state)
    if workflow is not None:
        context["workflowExecutionId"] = image.workflow_execution_ids[workflow.kind]
        context["workflowArn"] = workflow.arn(image.region)
        context["stepExecutionId"] = f"step-{random_uuid()}"
    reason = _REASON
    component_arn = next(iter(component_arns), "")
    if component_arn and state in _FAILED_STEPS:
        reason = _REASON_OF_COMPONENT
        context["componentFailure"] = {
            "componentArn": component_arn,
            "phaseName": behaviour.failed_phase or _FAILED_PHASES[state],
            "stepName": behaviour.failed_component_step,
            "action": behaviour.failed_action,
            "errorMessage": behaviour.error_message,
        }
    if state in ("DISTRIBUTING", "INTEGRATING"):
        regions = [distribution["region"] for distribution in distributions_of(image)]
        context["distributionFailure"] = distribution_failure(regions, behaviour.error_message)
    failed_step = behaviour.failed_step or _FAILED_STEPS.get(state)
    if failed_step is not None:
        context["failedStep"] = failed_step
    reason = behaviour.failure_reason or reason
    for placeholder, text in {
        "{status}": state,
        "{image_arn}": image.arn,
        "{component_arn}": component_arn,
        "{execution}": random_uuid(),
        "{message}": behaviour.error_message,
    }.items():
        reason = reason.replace(placeholder, text)
    return reason, context


def distribution_failure(regions: Sequence[str], message: str) -> Document:
    """The distributionFailure of an ImageFailureContext."""
    failures = [{"region": region, "status": "FAILED", "errorMessage": message} for region in regions]
    return {"errorMessage": message, "regionFailures": failures}
