"""Operations on image pipelines."""

from __future__ import annotations

from local_aws.imagebuilder.logs import write_pipeline_log
from local_aws.imagebuilder.models import ImageBuilderBackend
from local_aws.imagebuilder.not_modelled import refuse
from local_aws.imagebuilder.operations import recipes
from local_aws.imagebuilder.operations.builds import build_settings, check_build_settings, start_build
from local_aws.imagebuilder.operations.resources import (
    create_configuration,
    delete,
    existing,
    settings_of,
    update_configuration,
)
from local_aws.imagebuilder.pages import page
from local_aws.imagebuilder.shapes import Document

_KIND = "image-pipeline"


def _create(backend: ImageBuilderBackend, request: Document) -> Document:
    return create_configuration(backend, request, _KIND, backend.image_pipelines, _pipeline(backend, request))


def _update(backend: ImageBuilderBackend, request: Document) -> Document:
    return update_configuration(request, _KIND, backend.image_pipelines, _pipeline(backend, request))


def _get(backend: ImageBuilderBackend, request: Document) -> Document:
    return {"imagePipeline": _described(backend, request["imagePipelineArn"])}


def _list(backend: ImageBuilderBackend, request: Document) -> Document:
    described = [_described(backend, arn) for arn in backend.image_pipelines]
    return page("ListImagePipelines", request, described, "imagePipelineList")


def _delete(backend: ImageBuilderBackend, request: Document) -> Document:
    """The images of the pipeline stay, and its builds go on."""
    arn = request["imagePipelineArn"]
    existing(backend.image_pipelines, arn)
    delete(backend.image_pipelines, arn, is_used=False)
    return {"imagePipelineArn": arn}


def _start_execution(backend: ImageBuilderBackend, request: Document) -> Document:
    """Whatever the pipeline's status: a disabled one only does not run by its schedule."""
    pipeline = existing(backend.image_pipelines, request["imagePipelineArn"])
    image = start_build(backend, pipeline, tags=request.get("tags", {}), pipeline_arn=pipeline["arn"])
    write_pipeline_log(pipeline, backend.account_id, backend.region_name, f"Started the build of image {image.arn}")
    return {"imageBuildVersionArn": image.arn}


def _list_images(backend: ImageBuilderBackend, request: Document) -> Document:
    """Newest first; AWS documents no order. None for a pipeline that does not exist."""
    arn = request["imagePipelineArn"]
    images = [image for image in backend.images.values() if image.pipeline_arn == arn]
    summaries = [image.summary() for image in reversed(images)]
    return page("ListImagePipelineImages", request, summaries, "imageSummaryList")


def _pipeline(backend: ImageBuilderBackend, request: Document) -> Document:
    refuse(request, "an image pipeline", "schedule", "workflows")
    check_build_settings(backend, request)
    recipe = recipes.find(backend, request["imageRecipeArn"])
    return {
        "status": "ENABLED",
        "platform": recipe["platform"],
        **settings_of(request),
        **build_settings(request),
    }


def _described(backend: ImageBuilderBackend, arn: str) -> Document:
    pipeline = existing(backend.image_pipelines, arn)
    images = [image for image in backend.images.values() if image.pipeline_arn == arn]
    if not images:
        return pipeline
    last = images[-1]
    return {**pipeline, "dateLastRun": last.document["dateCreated"], "lastRunStatus": last.status}


OPERATIONS = {
    "CreateImagePipeline": _create,
    "UpdateImagePipeline": _update,
    "GetImagePipeline": _get,
    "ListImagePipelines": _list,
    "DeleteImagePipeline": _delete,
    "StartImagePipelineExecution": _start_execution,
    "ListImagePipelineImages": _list_images,
}
