"""The resource types that no service's folder defines: those of moto's models, made into resource types.

A model is a class of moto's that creates an object from the properties of a template, and may update and delete it. As
a rule it ignores the properties that it does not know.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.core.common_models import CloudFormationModel

from local_aws.cloudformation import schemas
from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceType
from local_aws.core.resources import Request, Resource
from local_aws.ec2.tags import tag_model

# The model does not do what the type does.
_UNUSABLE = {"AWS::CloudFormation::Stack"}
# The models update these in place, or create them again under the same name, which loses nothing. Those of the others
# would lose what the resource has become since its creation.
_UPDATABLE = {
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Logs::ResourcePolicy",
    "AWS::Route53::RecordSet",
    "AWS::SSM::Document",
}


def find(name: str) -> ResourceType | None:
    """The resource type of that name, if moto has a model of it."""
    return _types(len(CloudFormationModel.__subclasses__())).get(name)


@functools.cache
def _types(count: int) -> dict[str, ResourceType]:
    """The resource types by name. `count` is the number of models: one that is imported later is found."""
    del count
    models = {str(model.cloudformation_type()): model for model in CloudFormationModel.__subclasses__()}
    return {name: _resource_type(name, model) for name, model in models.items() if name not in _UNUSABLE}


def _resource_type(name: str, model: Any) -> ResourceType:
    return ResourceType(
        create=partial(_create, model),
        delete=partial(_delete, model),
        properties=None,
        update=partial(_update, model) if name in _UPDATABLE else None,
        name_property=model.cloudformation_name_type() or None,
    )


class _Attributes(Mapping[str, Any]):
    """The attributes of a resource that an object of moto's keeps, as they are at each moment."""

    def __init__(self, resource_type: str, kept: Any) -> None:
        self._resource_type = resource_type
        self.kept = kept

    def __getitem__(self, name: str) -> Any:
        try:
            value = self.kept.get_cfn_attribute(name) if hasattr(self.kept, "get_cfn_attribute") else None
        except (UnformattedGetAttTemplateException, NotImplementedError):
            value = None
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        published = schemas.schema(self._resource_type).get("readOnlyProperties", [])
        attributes = [path.removeprefix("/properties/").replace("/", ".") for path in published]
        return iter([attribute for attribute in attributes if attribute in self])

    def __len__(self) -> int:
        return len(list(self))


def _create(model: Any, request: Request) -> tuple[str, _Attributes]:
    kept = model.create_from_cloudformation_json(
        request.name,
        _document(request),
        request.account_id,
        request.region,
        LogicalId=request.logical_id,
        StackId=request.stack_id,
        ResourceType=request.type,
    )
    tag_model(request, kept)
    return _physical_id(request, kept), _Attributes(request.type, kept)


def _update(model: Any, request: Request, resource: Resource) -> None:
    assert isinstance(resource.attributes, _Attributes)
    kept = model.update_from_cloudformation_json(
        original_resource=resource.attributes.kept,
        new_resource_name=resource.request.name,
        cloudformation_json=_document(request),
        account_id=request.account_id,
        region_name=request.region,
    )
    tag_model(request, kept)
    resource.attributes = _Attributes(request.type, kept)
    if _physical_id(request, kept) != resource.physical_id:
        raise NotModelled(f"the embedded AWS changed the identity of an {request.type} in an update in place")


def _delete(model: Any, request: Request, resource: Resource) -> None:
    assert isinstance(resource.attributes, _Attributes)
    kept = resource.attributes.kept
    if not getattr(model.delete_from_cloudformation_json, "__isabstractmethod__", False):
        model.delete_from_cloudformation_json(
            resource.physical_id, _document(request), request.account_id, request.region
        )
    elif hasattr(kept, "delete"):
        kept.delete(request.account_id, request.region)
    else:
        raise NotModelled(f"the embedded AWS does not model the deletion of an {request.type}")


def _document(request: Request) -> dict[str, Any]:
    """The resource's part of a template. It is a copy: the models change what they are given."""
    return {"Type": request.type, "Properties": copy.deepcopy(request.properties)}


def _physical_id(request: Request, kept: Any) -> str:
    return str(getattr(kept, "physical_resource_id", request.name))
