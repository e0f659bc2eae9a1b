"""Operations on the tags of resources of every kind."""

from __future__ import annotations

from local_aws.imagebuilder.exceptions import ResourceNotFoundException
from local_aws.imagebuilder.models import ImageBuilderBackend
from local_aws.imagebuilder.shapes import Document


def _list(backend: ImageBuilderBackend, request: Document) -> Document:
    return {"tags": _tagged(backend, request["resourceArn"])["tags"]}


def _tag(backend: ImageBuilderBackend, request: Document) -> Document:
    resource = _tagged(backend, request["resourceArn"])
    resource["tags"] = {**resource["tags"], **request["tags"]}
    return {}


def _untag(backend: ImageBuilderBackend, request: Document) -> Document:
    resource = _tagged(backend, request["resourceArn"])
    resource["tags"] = {key: value for key, value in resource["tags"].items() if key not in request["tagKeys"]}
    return {}


def _tagged(backend: ImageBuilderBackend, arn: str) -> Document:
    if arn in backend.images:
        return backend.images[arn].document
    for resources in (
        backend.components,
        backend.image_recipes,
        backend.infrastructure_configurations,
        backend.distribution_configurations,
        backend.image_pipelines,
        backend.lifecycle_policies,
    ):
        if arn in resources:
            return resources[arn]
    raise ResourceNotFoundException(arn)


OPERATIONS = {
    "ListTagsForResource": _list,
    "TagResource": _tag,
    "UntagResource": _untag,
}
