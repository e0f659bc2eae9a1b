"""Operations on image recipes."""

from __future__ import annotations

from local_aws.imagebuilder.arns import is_managed, latest_match, latest_version_references, normalised
from local_aws.imagebuilder.component_documents import MANAGED_COMPONENTS
from local_aws.imagebuilder.exceptions import ResourceAlreadyExistsException
from local_aws.imagebuilder.models import ImageBuilderBackend
from local_aws.imagebuilder.not_modelled import OperationNotModelled, refuse, refuse_other_owners
from local_aws.imagebuilder.operations import components
from local_aws.imagebuilder.operations.resources import add, check_key, delete_unused, existing, now
from local_aws.imagebuilder.pages import page
from local_aws.imagebuilder.parents import MANAGED_IMAGES
from local_aws.imagebuilder.shapes import Document

_GIVEN = (
    *("name", "description", "components", "parentImage", "blockDeviceMappings", "workingDirectory"),
    *("additionalInstanceConfiguration", "amiTags"),
)
_LISTED = ("arn", "name", "platform", "owner", "parentImage", "dateCreated", "tags")


def find(backend: ImageBuilderBackend, arn: str) -> Document:
    """The latest recipe that an ARN matches, which may have wildcards.

    Raises ResourceNotFoundException.
    """
    return existing(backend.image_recipes, latest_match(arn, backend.image_recipes) or arn)


def _create(backend: ImageBuilderBackend, request: Document) -> Document:
    if "x" in request["semanticVersion"]:
        raise OperationNotModelled(
            f"EC2 Image Builder's automatic versions ({request['semanticVersion']}) of image recipes are not "
            "modelled in the embedded AWS"
        )
    refuse(request, "CreateImageRecipe", "amiWatermarks")
    for index, mapping in enumerate(request.get("blockDeviceMappings", [])):
        refuse(mapping, "a block device mapping", "virtualName")
        refuse(mapping.get("ebs", {}), "a block device mapping", "snapshotId")
        check_key(backend, mapping.get("ebs", {}), "kmsKeyId", f"blockDeviceMappings[{index}].ebs.")
    _check_parent_image(request["parentImage"])
    arn = backend.arn(f"image-recipe/{normalised(request['name'])}/{request['semanticVersion']}")
    if arn in backend.image_recipes:
        raise ResourceAlreadyExistsException("ImageRecipe", arn)
    recipe = {
        **{name: request[name] for name in _GIVEN if name in request},
        "arn": arn,
        "version": request["semanticVersion"],
        "platform": _platform(backend, request),
        "owner": backend.account_id,
        "workingDirectory": request.get("workingDirectory", "/tmp"),
        "dateCreated": now(),
        "tags": request.get("tags", {}),
    }
    add(request, backend.image_recipes, recipe)
    return {"imageRecipeArn": arn, "latestVersionReferences": latest_version_references(arn)}


def _check_parent_image(parent: str) -> None:
    """Check the form only: which AMI the parent image is, is looked up when a build starts."""
    if parent.startswith(("ami-", "ssm:")):
        return
    if ":image/" not in parent:
        raise OperationNotModelled(
            f"the parent image {parent} is not modelled in the embedded AWS: only AMIs (ami-...), SSM parameters "
            "(ssm:...) and Image Builder images (arn:...:image/...) are"
        )
    if is_managed(parent) and parent.split("/")[1] not in MANAGED_IMAGES:
        raise OperationNotModelled(
            f"the Amazon-managed image {parent} is not modelled in the embedded AWS, only {', '.join(MANAGED_IMAGES)}"
        )


def _platform(backend: ImageBuilderBackend, request: Document) -> str:
    """The platform of the recipe, which is that of its components."""
    platform = "Linux"
    for configuration in request.get("components", []):
        arn = configuration["componentArn"]
        if not is_managed(arn):
            platform = components.find(backend, arn)["platform"]
        elif arn.split("/")[1] not in MANAGED_COMPONENTS:
            raise OperationNotModelled(
                f"the Amazon-managed component {arn} is not modelled in the embedded AWS, only "
                f"{', '.join(MANAGED_COMPONENTS)}"
            )
    return platform


def _get(backend: ImageBuilderBackend, request: Document) -> Document:
    recipe = find(backend, request["imageRecipeArn"])
    return {"imageRecipe": recipe, "latestVersionReferences": latest_version_references(recipe["arn"])}


def _list(backend: ImageBuilderBackend, request: Document) -> Document:
    refuse_other_owners(request, "ListImageRecipes")
    summaries = [{name: recipe[name] for name in _LISTED} for recipe in backend.image_recipes.values()]
    return page("ListImageRecipes", request, summaries, "imageRecipeSummaryList")


def _delete(backend: ImageBuilderBackend, request: Document) -> Document:
    return delete_unused(backend, request, "imageRecipeArn", backend.image_recipes)


OPERATIONS = {
    "CreateImageRecipe": _create,
    "GetImageRecipe": _get,
    "ListImageRecipes": _list,
    "DeleteImageRecipe": _delete,
}
