"""Parameters of Systems Manager.

Source: CloudFormation Template Reference, AWS::SSM::Parameter; AWS Systems Manager API Reference, PutParameter.
"""

from __future__ import annotations

from typing import Any

from local_aws.core.resource_types import ResourceType, client, names, picked, retag, tag_list, tags, without
from local_aws.core.resources import Request, Resource


def _create_parameter(request: Request) -> tuple[str, dict[str, Any]]:
    ssm = client("ssm", request.region)
    ssm.put_parameter(Name=request.name, **without(request.properties, "Name", "Tags"))
    if own_tags := tags(request):
        ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=request.name, Tags=tag_list(own_tags))
    return request.name, picked(request.properties, "Type", "Value")


def _update_parameter(request: Request, resource: Resource) -> None:
    ssm, parameter = client("ssm", request.region), {"ResourceType": "Parameter", "ResourceId": resource.physical_id}
    ssm.put_parameter(Name=resource.physical_id, Overwrite=True, **without(request.properties, "Name", "Tags"))
    retag(
        request,
        resource,
        lambda added: ssm.add_tags_to_resource(**parameter, Tags=tag_list(added)),
        lambda gone: ssm.remove_tags_from_resource(**parameter, TagKeys=gone),
    )
    resource.attributes = picked(request.properties, "Type", "Value")


TYPES = {
    # moto has a model of this one, which cannot do without a name and forgets the versions.
    "AWS::SSM::Parameter": ResourceType(
        _create_parameter,
        lambda request, resource: client("ssm", request.region).delete_parameter(Name=resource.physical_id),
        names("AllowedPattern DataType Description Name Policies Tags Tier Type Value"),
        update=_update_parameter,
        name_property="Name",
    ),
}
