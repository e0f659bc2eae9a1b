"""Operations on distribution configurations."""

from __future__ import annotations

from local_aws.imagebuilder.exceptions import InvalidParameterValueException
from local_aws.imagebuilder.models import REGIONS, ImageBuilderBackend
from local_aws.imagebuilder.not_modelled import refuse
from local_aws.imagebuilder.operations.resources import (
    create_configuration,
    delete_unused,
    existing,
    settings_of,
    update_configuration,
)
from local_aws.imagebuilder.pages import page
from local_aws.imagebuilder.shapes import Document

_KIND = "distribution-configuration"
_LISTED = ("arn", "name", "description", "dateCreated", "dateUpdated", "tags")
_NOT_MODELLED = (
    *("containerDistributionConfiguration", "fastLaunchConfigurations", "launchTemplateConfigurations"),
    *("licenseConfigurationArns", "s3ExportConfiguration"),
)


def _create(backend: ImageBuilderBackend, request: Document) -> Document:
    configuration = _configuration(backend, request)
    return create_configuration(backend, request, _KIND, backend.distribution_configurations, configuration)


def _update(backend: ImageBuilderBackend, request: Document) -> Document:
    configuration = _configuration(backend, request)
    return update_configuration(request, _KIND, backend.distribution_configurations, configuration)


def _get(backend: ImageBuilderBackend, request: Document) -> Document:
    arn = request["distributionConfigurationArn"]
    return {"distributionConfiguration": existing(backend.distribution_configurations, arn)}


def _list(backend: ImageBuilderBackend, request: Document) -> Document:
    summaries = [
        {name: configuration[name] for name in _LISTED if name in configuration}
        | {"regions": [distribution["region"] for distribution in configuration["distributions"]]}
        for configuration in backend.distribution_configurations.values()
    ]
    return page("ListDistributionConfigurations", request, summaries, "distributionConfigurationSummaryList")


def _delete(backend: ImageBuilderBackend, request: Document) -> Document:
    return delete_unused(backend, request, "distributionConfigurationArn", backend.distribution_configurations)


def _configuration(backend: ImageBuilderBackend, request: Document) -> Document:
    for index, distribution in enumerate(request["distributions"]):
        refuse(distribution, "a distribution", *_NOT_MODELLED)
        _check(backend, distribution, f"distributions[{index}]")
    # AWS answers with a timeout that it does not use and that cannot be set.
    return {"timeoutMinutes": 60, **settings_of(request)}


def _check(backend: ImageBuilderBackend, distribution: Document, path: str) -> None:
    if distribution["region"] not in REGIONS:
        raise InvalidParameterValueException(f"{path}.region", f"'{distribution['region']}' is no Region.")
    if len(distribution) == 1:
        raise InvalidParameterValueException(
            path, "One or more outputs should be provided for each region in a distribution configuration."
        )
    configuration = distribution.get("amiDistributionConfiguration", {})
    launch_permission = configuration.get("launchPermission", {})
    refuse(launch_permission, "a launch permission", "organizationArns", "organizationalUnitArns")
    if "imagebuilder:buildDate" not in configuration.get("name", "{{ imagebuilder:buildDate }}"):
        raise InvalidParameterValueException(
            f"{path}.amiDistributionConfiguration.name", "It must include {{ imagebuilder:buildDate }}."
        )
    targets = configuration.get("targetAccountIds", [backend.account_id])
    for index, parameter in enumerate(distribution.get("ssmParameterConfigurations", [])):
        if parameter.get("amiAccountId", backend.account_id) not in targets:
            raise InvalidParameterValueException(
                f"{path}.ssmParameterConfigurations[{index}].amiAccountId",
                "The account must be a target account of the distribution.",
            )


OPERATIONS = {
    "CreateDistributionConfiguration": _create,
    "UpdateDistributionConfiguration": _update,
    "GetDistributionConfiguration": _get,
    "ListDistributionConfigurations": _list,
    "DeleteDistributionConfiguration": _delete,
}
