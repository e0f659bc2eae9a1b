"""What StartImagePipelineExecution and CreateImage have in common: the settings of a build, and its start."""

from __future__ import annotations

from local_aws.core import clock
from local_aws.imagebuilder.arns import normalised
from local_aws.imagebuilder.builds import Build
from local_aws.imagebuilder.exceptions import InvalidParameterCombinationException
from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.models import ImageBuilderBackend
from local_aws.imagebuilder.not_modelled import refuse
from local_aws.imagebuilder.operations import components, recipes
from local_aws.imagebuilder.operations.resources import existing, now
from local_aws.imagebuilder.shapes import Document


def build_settings(request: Document) -> Document:
    """The settings of a build that have defaults."""
    tests = {"imageTestsEnabled": True, "timeoutMinutes": 720, **request.get("imageTestsConfiguration", {})}
    return {
        "enhancedImageMetadataEnabled": request.get("enhancedImageMetadataEnabled", True),
        "imageTestsConfiguration": tests,
    }


def check_build_settings(backend: ImageBuilderBackend, request: Document) -> None:
    """Check what pipelines and CreateImage refer to: one recipe, and things that exist.

    Raises InvalidParameterCombinationException, ResourceNotFoundException, OperationNotModelled.
    """
    if ("imageRecipeArn" in request) == ("containerRecipeArn" in request):
        raise InvalidParameterCombinationException(
            "Exactly one of 'imageRecipeArn' and 'containerRecipeArn' must be specified."
        )
    refuse(request, "a build", "containerRecipeArn")
    recipes.find(backend, request["imageRecipeArn"])
    existing(backend.infrastructure_configurations, request["infrastructureConfigurationArn"])
    if "distributionConfigurationArn" in request:
        existing(backend.distribution_configurations, request["distributionConfigurationArn"])
    for group in request.get("loggingConfiguration", {}).values():
        if not group.startswith("/aws/imagebuilder/") and "executionRole" not in request:
            raise InvalidParameterCombinationException(
                f"'executionRole' must be specified for the log group '{group}', which does not start with "
                "/aws/imagebuilder/."
            )
    scanning = request.get("imageScanningConfiguration", {})
    refuse(scanning, "an image scanning configuration", "ecrConfiguration", "imageScanningTypes", "scanResultCondition")
    has_tests = build_settings(request)["imageTestsConfiguration"]["imageTestsEnabled"]
    if scanning.get("imageScanningEnabled") and not has_tests:
        raise InvalidParameterCombinationException("'imageScanningEnabled' requires that image tests are enabled.")


def start_build(
    backend: ImageBuilderBackend, configuration: Document, tags: dict[str, str], pipeline_arn: str | None
) -> Image:
    """Start the build of an image. `configuration` is a pipeline, or a CreateImage request with its defaults."""
    recipe = recipes.find(backend, configuration["imageRecipeArn"])
    arn = backend.next_build(backend.arn(f"image/{normalised(recipe['name'])}/{recipe['version']}"))
    document = {
        "arn": arn,
        "type": "AMI",
        "name": recipe["name"],
        "version": "/".join(arn.split("/")[2:]),
        "platform": recipe["platform"],
        "enhancedImageMetadataEnabled": configuration["enhancedImageMetadataEnabled"],
        "imageRecipe": recipe,
        "infrastructureConfiguration": existing(
            backend.infrastructure_configurations, configuration["infrastructureConfigurationArn"]
        ),
        "imageTestsConfiguration": configuration["imageTestsConfiguration"],
        "dateCreated": now(),
        "tags": tags,
        "buildType": "USER_INITIATED",
    }
    if "distributionConfigurationArn" in configuration:
        document["distributionConfiguration"] = existing(
            backend.distribution_configurations, configuration["distributionConfigurationArn"]
        )
    if pipeline_arn is not None:
        document["sourcePipelineArn"] = pipeline_arn
    for name in ("executionRole", "imageScanningConfiguration"):
        if name in configuration:
            document[name] = configuration[name]
    # A pipeline has a log group for its own log and one for the images', a CreateImage request the image's alone.
    logging = configuration.get("loggingConfiguration", {})
    group = logging.get("imageLogGroupName", logging.get("logGroupName"))
    if group is not None:
        document["loggingConfiguration"] = {"logGroupName": group}
    image = Image(document, backend.account_id, backend.region_name, clock.current().time())
    backend.images[arn] = image
    backend.take_build(arn)
    component_arns = [
        components.build_arn(backend, configured["componentArn"]) for configured in recipe.get("components", [])
    ]
    backend.builds[arn] = Build(image, backend.images, component_arns)
    backend.builds[arn].start()
    return image
