"""Operations on the findings of vulnerability scans."""

from __future__ import annotations

from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.models import ImageBuilderBackend
from local_aws.imagebuilder.not_modelled import OperationNotModelled
from local_aws.imagebuilder.scans import severity_counts
from local_aws.imagebuilder.shapes import Document

_SCANNED = {"status": "COMPLETED"}
# By what findings are counted, with the member of an ImageScanFindingAggregation.
_AGGREGATIONS = {
    "accountId": "accountAggregation",
    "imageBuildVersionArn": "imageAggregation",
    "imagePipelineArn": "imagePipelineAggregation",
}


def _list_finding_aggregations(backend: ImageBuilderBackend, request: Document) -> Document:
    condition = request.get("filter", {"name": "accountId", "values": [backend.account_id]})
    scanned = [image for image in backend.images.values() if image.describe().get("scanState") == _SCANNED]
    kind = condition.get("name")
    if kind not in _AGGREGATIONS:
        raise OperationNotModelled(
            f"EC2 Image Builder's scan findings by {kind} are not modelled in the embedded AWS, only by "
            f"{', '.join(_AGGREGATIONS)}"
        )
    responses = []
    for key in condition.get("values", []):
        arns = [image.arn for image in scanned if _keys(backend, image)[kind] == key]
        if arns:
            responses.append({_AGGREGATIONS[kind]: {kind: key, "severityCounts": severity_counts(arns)}})
    return {"aggregationType": kind, "responses": responses}


def _keys(backend: ImageBuilderBackend, image: Image) -> Document:
    """By what the findings of the image are counted."""
    return {
        "accountId": backend.account_id,
        "imageBuildVersionArn": image.arn,
        "imagePipelineArn": image.pipeline_arn,
    }


OPERATIONS = {"ListImageScanFindingAggregations": _list_finding_aggregations}
