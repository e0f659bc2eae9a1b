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
"""Items in a page when the request does not say; 100 are the most."""

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
    """The items that pass the request's filters, from its token on; `identity` is what tells them apart.

    Raises InvalidParameterValueException for a filter that the operation lacks, InvalidPaginationTokenException.
    """
    filters = request.get("filters", [])
    for index, wanted in enumerate(filters):
        if wanted.get("name") not in _FILTERS[operation]:
            raise InvalidParameterValueException(
                f"filters[{index}].name", f"It must be one of {', '.join(sorted(_FILTERS[operation]))}."
            )
    passing = [item for item in items if all(_passes(item, wanted) for wanted in filters)]
    same = {name: value for name, value in request.items() if name not in ("nextToken", "maxResults")}
    try:
        found, token = Paginator(
            max_results=request.get("maxResults"),
            max_results_default=PAGE_SIZE,
            starting_token=request.get("nextToken"),
            unique_attribute=identity,
            param_values_to_check={"operation": operation, **same},
        ).paginate(passing)
    # moto's paginator takes a token for a base64-coded JSON object.
    except (InvalidToken, AttributeError, KeyError) as error:
        raise InvalidPaginationTokenException() from error
    return {member: found} | ({"nextToken": token} if token is not None else {})


def _passes(item: Document, wanted: Document) -> bool:
    """Whether the item passes a filter (API reference, Filter): one of the values must be there."""
    name: str = wanted["name"]
    found = item.get({"supportedOsVersion": "supportedOsVersions"}.get(name, name))
    if found is None:
        return False
    actual = found if isinstance(found, list) else [found]
    if name == "version":
        # A build version is filtered by its version, too.
        actual = [found, found.split("/")[0]]
    return any(_equals(text, value, wildcards=name == "name") for text in actual for value in wanted.get("values", []))


def _equals(text: str, value: str, wildcards: bool) -> bool:
    if wildcards and len(value) > 1 and value.endswith("*"):
        part = value[:-1]
        return part[1:] in text if part.startswith("*") else text.startswith(part)
    return text == value
