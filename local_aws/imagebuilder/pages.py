"""The pages and the filters of the List operations.

Source: EC2 Image Builder API reference, each List operation, and Filter.
"""

from __future__ import annotations

from collections.abc import Iterable

from moto.core.exceptions import InvalidToken
from moto.utilities.paginator import Paginator

from local_aws.imagebuilder.exceptions import InvalidPaginationTokenException, InvalidParameterValueException
from local_aws.imagebuilder.shapes import Document

PAGE_SIZE = 25
"""Items in a page when the request gives no number; 100 are the most."""

_FILTERS = {
    "ListComponents": {
        "description",
        "name",
        "platform",
        "productCodes",
        "status",
        "supportedOsVersion",
        "type",
        "version",
    },
    "ListDistributionConfigurations": {"name"},
    "ListImageBuildVersions": {"name", "osVersion", "platform", "type", "version"},
    "ListImagePipelineImages": {"name", "version"},
    "ListImagePipelines": {
        "description",
        "distributionConfigurationArn",
        "imageRecipeArn",
        "infrastructureConfigurationArn",
        "name",
        "status",
    },
    "ListImageRecipes": {"name", "parentImage", "platform"},
    "ListImages": {"name", "osVersion", "platform", "type", "version"},
    "ListInfrastructureConfigurations": {"name"},
    "ListLifecyclePolicies": {"name", "resourceType", "status"},
}


def page(operation: str, request: Document, items: Iterable[Document], member: str, identity: str = "arn") -> Document:
    """The items that pass the request's filters, from its token on. `identity` is the member that identifies one.

    Raises InvalidParameterValueException for a filter that the operation lacks, InvalidPaginationTokenException.
    """
    filters = request.get("filters", [])
    for index, condition in enumerate(filters):
        if condition.get("name") not in _FILTERS[operation]:
            raise InvalidParameterValueException(
                f"filters[{index}].name", f"It must be one of {', '.join(sorted(_FILTERS[operation]))}."
            )
    passing = [item for item in items if all(_passes(item, condition) for condition in filters)]
    same = {name: value for name, value in request.items() if name not in ("nextToken", "maxResults")}
    try:
        items_of_page, token = Paginator(
            max_results=request.get("maxResults"),
            max_results_default=PAGE_SIZE,
            starting_token=request.get("nextToken"),
            unique_attribute=identity,
            param_values_to_check={"operation": operation, **same},
        ).paginate(passing)
    # moto's paginator takes a token for a base64-coded JSON object.
    except (InvalidToken, AttributeError, KeyError) as error:
        raise InvalidPaginationTokenException() from error
    return {member: items_of_page} | ({"nextToken": token} if token is not None else {})


def _passes(item: Document, condition: Document) -> bool:
    """Whether the item passes a filter (API reference, Filter): it must have one of the values."""
    name: str = condition["name"]
    actual = item.get({"supportedOsVersion": "supportedOsVersions"}.get(name, name))
    if actual is None:
        return False
    texts = actual if isinstance(actual, list) else [actual]
    if name == "version":
        # A build version is filtered by its version, too.
        texts = [actual, actual.split("/")[0]]
    values = condition.get("values", [])
    return any(_equals(text, value, wildcards=name == "name") for text in texts for value in values)


def _equals(text: str, value: str, wildcards: bool) -> bool:
    if wildcards and len(value) > 1 and value.endswith("*"):
        part = value[:-1]
        return part[1:] in text if part.startswith("*") else text.startswith(part)
    return text == value
