"""Operations on infrastructure configurations."""

from __future__ import annotations

from local_aws.iam import instance_profiles
from local_aws.imagebuilder.exceptions import InvalidParameterCombinationException, InvalidParameterValueException
from local_aws.imagebuilder.models import ImageBuilderBackend
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
from local_aws.sns import topics

_KIND = "infrastructure-configuration"
_LISTED = (
    *("arn", "name", "description", "dateCreated", "dateUpdated", "resourceTags", "tags", "instanceTypes"),
    *("instanceProfileName", "placement"),
)


def _create(backend: ImageBuilderBackend, request: Document) -> Document:
    configuration = _configuration(backend, request)
    return create_configuration(backend, request, _KIND, backend.infrastructure_configurations, configuration)


def _update(backend: ImageBuilderBackend, request: Document) -> Document:
    configuration = _configuration(backend, request)
    return update_configuration(request, _KIND, backend.infrastructure_configurations, configuration)


def _get(backend: ImageBuilderBackend, request: Document) -> Document:
    arn = request["infrastructureConfigurationArn"]
    return {"infrastructureConfiguration": existing(backend.infrastructure_configurations, arn)}


def _list(backend: ImageBuilderBackend, request: Document) -> Document:
    summaries = [
        {name: configuration[name] for name in _LISTED if name in configuration}
        for configuration in backend.infrastructure_configurations.values()
    ]
    return page("ListInfrastructureConfigurations", request, summaries, "infrastructureConfigurationSummaryList")


def _delete(backend: ImageBuilderBackend, request: Document) -> Document:
    return delete_unused(backend, request, "infrastructureConfigurationArn", backend.infrastructure_configurations)


def _configuration(backend: ImageBuilderBackend, request: Document) -> Document:
    refuse(request, "an infrastructure configuration", "parentInstance")
    if "snsTopicArn" in request:
        _check_topic(backend, request["snsTopicArn"])
    if not instance_profiles.exists(backend.account_id, backend.region_name, request["instanceProfileName"]):
        raise InvalidParameterValueException(
            "instanceProfileName", "The provided instance profile does not exist. Specify a different one."
        )
    if "subnetId" in request and not request.get("securityGroupIds"):
        raise InvalidParameterCombinationException("'securityGroupIds' must be specified with 'subnetId'.")
    return {"terminateInstanceOnFailure": True, "terminateInstanceOnCompletion": True, **settings_of(request)}


def _check_topic(backend: ImageBuilderBackend, arn: str) -> None:
    if arn.endswith(".fifo"):
        raise InvalidParameterValueException("snsTopicArn", "FIFO topics are not supported.")
    if not topics.exists(backend.account_id, backend.region_name, arn):
        raise InvalidParameterValueException("snsTopicArn", "The topic does not exist.")


OPERATIONS = {
    "CreateInfrastructureConfiguration": _create,
    "UpdateInfrastructureConfiguration": _update,
    "GetInfrastructureConfiguration": _get,
    "ListInfrastructureConfigurations": _list,
    "DeleteInfrastructureConfiguration": _delete,
}
