"""Operations on images."""

from __future__ import annotations

from local_aws.imagebuilder.arns import latest_match, latest_version_references, version_arn
from local_aws.imagebuilder.exceptions import (
    InvalidRequestException,
    ResourceDependencyException,
    ResourceNotFoundException,
)
from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.models import ImageBuilderBackend
from local_aws.imagebuilder.not_modelled import refuse, refuse_other_owners
from local_aws.imagebuilder.operations.builds import build_settings, check_build_settings, start_build
from local_aws.imagebuilder.packages import packages_of
from local_aws.imagebuilder.pages import page
from local_aws.imagebuilder.shapes import Document
from local_aws.imagebuilder.workflows import executions_of

_LISTED = ("name", "type", "platform", "dateCreated", "buildType")


def forget(backend: ImageBuilderBackend, arn: str) -> None:
    """Delete an image that exists. Its AMIs stay."""
    del backend.images[arn], backend.builds[arn]


def _image(backend: ImageBuilderBackend, arn: str) -> Image:
    if arn not in backend.images:
        raise ResourceNotFoundException(arn)
    return backend.images[arn]


def _create(backend: ImageBuilderBackend, request: Document) -> Document:
    refuse(request, "CreateImage", "workflows")
    check_build_settings(backend, request)
    configuration = {**request, **build_settings(request)}
    image = start_build(backend, configuration, tags=request.get("tags", {}), pipeline_arn=None)
    return {"imageBuildVersionArn": image.arn, "latestVersionReferences": latest_version_references(image.arn)}


def _get(backend: ImageBuilderBackend, request: Document) -> Document:
    """An ARN without a build number, or with wildcards, is that of the latest build that is AVAILABLE."""
    arn = request["imageBuildVersionArn"]
    available = [image.arn for image in backend.images.values() if image.status == "AVAILABLE"]
    image = _image(backend, arn if arn in backend.images else latest_match(arn, available) or arn)
    return {"image": image.describe(), "latestVersionReferences": latest_version_references(image.arn)}


def _list(backend: ImageBuilderBackend, request: Document) -> Document:
    refuse_other_owners(request, "ListImages")
    versions = {}
    for image in backend.images.values():
        arn = version_arn(image.arn)
        versions[arn] = {
            **{name: image.document[name] for name in _LISTED},
            "arn": arn,
            "version": arn.split("/")[2],
            "owner": backend.account_id,
        }
    return page("ListImages", request, versions.values(), "imageVersionList")


def _list_builds(backend: ImageBuilderBackend, request: Document) -> Document:
    """Newest first; AWS documents no order."""
    version = request.get("imageVersionArn")
    images = [image for image in backend.images.values() if version in (None, version_arn(image.arn))]
    summaries = [image.summary() for image in reversed(images)]
    return page("ListImageBuildVersions", request, summaries, "imageSummaryList")


def _list_packages(backend: ImageBuilderBackend, request: Document) -> Document:
    packages = packages_of(_image(backend, request["imageBuildVersionArn"]))
    return page("ListImagePackages", request, packages, "imagePackageList", "packageName")


def _list_workflow_executions(backend: ImageBuilderBackend, request: Document) -> Document:
    """The build and test workflows; distribution is not modelled as one."""
    arn = request["imageBuildVersionArn"]
    executions = executions_of(_image(backend, arn))
    return {
        **page("ListWorkflowExecutions", request, executions, "workflowExecutions", "workflowExecutionId"),
        "imageBuildVersionArn": arn,
    }


def _cancel_creation(backend: ImageBuilderBackend, request: Document) -> Document:
    """The image is CANCELLED some time after the answer."""
    image = _image(backend, request["imageBuildVersionArn"])
    if not image.is_building:
        raise InvalidRequestException(
            f"The image '{image.arn}' cannot be cancelled: it is in the terminal state {image.status}."
        )
    backend.builds[image.arn].cancel()
    return {"imageBuildVersionArn": image.arn}


def _retry(backend: ImageBuilderBackend, request: Document) -> Document:
    """The build goes on where it stopped."""
    image = _image(backend, request["imageBuildVersionArn"])
    if backend.builds[image.arn].resumable_state is None:
        raise InvalidRequestException(
            f"The image '{image.arn}' cannot be retried: it has not failed or been cancelled in its test or "
            f"distribution phase, and is in state {image.status}."
        )
    backend.builds[image.arn].retry()
    return {"imageBuildVersionArn": image.arn}


def _delete(backend: ImageBuilderBackend, request: Document) -> Document:
    """The AMIs of the image stay."""
    image = _image(backend, request["imageBuildVersionArn"])
    if image.is_building:
        raise ResourceDependencyException(f"The image '{image.arn}' is being built, in state {image.status}.")
    forget(backend, image.arn)
    return {"imageBuildVersionArn": image.arn}


OPERATIONS = {
    "CreateImage": _create,
    "GetImage": _get,
    "ListImages": _list,
    "ListImageBuildVersions": _list_builds,
    "ListImagePackages": _list_packages,
    "ListWorkflowExecutions": _list_workflow_executions,
    "CancelImageCreation": _cancel_creation,
    "RetryImage": _retry,
    "DeleteImage": _delete,
}
