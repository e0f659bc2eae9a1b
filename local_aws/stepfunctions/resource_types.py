"""State machines.

Source: CloudFormation Template Reference, AWS::StepFunctions::StateMachine; AWS Step Functions API Reference.
"""

from __future__ import annotations

from typing import Any

from local_aws.core.resource_types import ResourceType, client, lower_first, names, picked, retag, tags
from local_aws.core.resources import Request, Resource
from local_aws.stepfunctions.template_definitions import definition_of

_AS_THEY_ARE = ("EncryptionConfiguration", "LoggingConfiguration", "RoleArn", "TracingConfiguration")
"""Properties that the API takes as parameters of the same form."""


def _create(request: Request) -> tuple[str, dict[str, Any]]:
    machine_type = {"type": request.properties["StateMachineType"]} if "StateMachineType" in request.properties else {}
    created = client("stepfunctions", request.region).create_state_machine(
        name=request.name,
        definition=definition_of(request),
        tags=_tag_list(tags(request)),
        **machine_type,
        **lower_first(picked(request.properties, *_AS_THEY_ARE)),
    )
    arn = created["stateMachineArn"]
    return arn, {"Arn": arn, "Name": request.name}


def _update(request: Request, resource: Resource) -> None:
    stepfunctions, arn = client("stepfunctions", request.region), resource.physical_id
    # What the request does not give stays as it is, as with CloudFormation's own handler of the type.
    stepfunctions.update_state_machine(
        stateMachineArn=arn,
        definition=definition_of(request),
        **lower_first(picked(request.properties, *_AS_THEY_ARE)),
    )
    retag(
        request,
        resource,
        lambda added: stepfunctions.tag_resource(resourceArn=arn, tags=_tag_list(added)),
        lambda gone: stepfunctions.untag_resource(resourceArn=arn, tagKeys=gone),
    )


def _tag_list(by_key: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in by_key.items()]


TYPES = {
    # Name and type of a state machine cannot change without another one.
    "AWS::StepFunctions::StateMachine": ResourceType(
        _create,
        lambda request, resource: client("stepfunctions", request.region).delete_state_machine(
            stateMachineArn=resource.physical_id
        ),
        names(
            "Definition DefinitionS3Location DefinitionString DefinitionSubstitutions EncryptionConfiguration "
            "LoggingConfiguration RoleArn StateMachineName StateMachineType Tags TracingConfiguration"
        ),
        update=_update,
        name_property="StateMachineName",
    ),
}
