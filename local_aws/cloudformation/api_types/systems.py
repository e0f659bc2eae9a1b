"""Parameters of Systems Manager, and secrets.

Source: CloudFormation Template Reference, AWS::SSM::Parameter, AWS::SecretsManager::Secret; AWS Systems Manager API
Reference, PutParameter; AWS Secrets Manager API Reference.
"""

from __future__ import annotations

import json
from typing import Any

from local_aws.cloudformation.api_types.api_type import ApiType, client, names, picked, retag, tag_list, tags, without
from local_aws.cloudformation.resources import Request, Resource

# -- parameters -------------------------------------------------------------------------------------------------------


def _create_parameter(request: Request) -> tuple[str, dict[str, Any]]:
    ssm = client("ssm", request.region)
    ssm.put_parameter(Name=request.name, **without(request.properties, "Name", "Tags"))
    if found := tags(request):
        ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=request.name, Tags=tag_list(found))
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


# -- secrets ----------------------------------------------------------------------------------------------------------


def _create_secret(request: Request) -> tuple[str, dict[str, Any]]:
    manager = client("secretsmanager", request.region)
    text = request.properties.get("SecretString")
    generate = request.properties.get("GenerateSecretString")
    if text is None and generate is not None:
        known = ("SecretStringTemplate", "GenerateStringKey")
        password = manager.get_random_password(**without(generate, *known))["RandomPassword"]
        text = password
        if "GenerateStringKey" in generate:
            content = json.loads(generate.get("SecretStringTemplate", "{}"))
            text = json.dumps({**content, generate["GenerateStringKey"]: password})
    given = {} if text is None else {"SecretString": text}
    made = manager.create_secret(
        Name=request.name,
        Tags=tag_list(tags(request)),
        **given,
        **picked(request.properties, "Description", "KmsKeyId"),
    )
    return made["ARN"], {"Id": made["ARN"]}


TYPES = {
    # moto has a model of this one, which cannot do without a name and forgets the versions.
    "AWS::SSM::Parameter": ApiType(
        _create_parameter,
        lambda request, resource: client("ssm", request.region).delete_parameter(Name=resource.physical_id),
        names("AllowedPattern DataType Description Name Policies Tags Tier Type Value"),
        update=_update_parameter,
        name_property="Name",
    ),
    "AWS::SecretsManager::Secret": ApiType(
        _create_secret,
        lambda request, resource: client("secretsmanager", request.region).delete_secret(
            SecretId=resource.physical_id, ForceDeleteWithoutRecovery=True
        ),
        names("Description GenerateSecretString KmsKeyId Name SecretString Tags"),
        name_property="Name",
    ),
}
