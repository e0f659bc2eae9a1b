"""Secrets.

Source: CloudFormation Template Reference, AWS::SecretsManager::Secret; AWS Secrets Manager API Reference.
"""

from __future__ import annotations

import json
from typing import Any

from local_aws.core.resource_types import ResourceType, client, names, picked, tag_list, tags, without
from local_aws.core.resources import Request


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
    "AWS::SecretsManager::Secret": ResourceType(
        _create_secret,
        lambda request, resource: client("secretsmanager", request.region).delete_secret(
            SecretId=resource.physical_id, ForceDeleteWithoutRecovery=True
        ),
        names("Description GenerateSecretString KmsKeyId Name SecretString Tags"),
        name_property="Name",
    ),
}
