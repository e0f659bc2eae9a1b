"""CloudFormation's resource types of Image Builder, for moto, which finds the direct subclasses of CloudFormationModel.

Components and image recipes cannot change: another one takes their place, and the old one goes. Of everything else but
its name, a change happens in place. A change of tags always does.

Source: CloudFormation Template Reference, AWS::ImageBuilder::*, and the types' schemas (`createOnlyProperties`,
`readOnlyProperties`); that another version is needed, users report (cloudformation-coverage-roadmap, issue 927;
ec2-image-builder-roadmap, issue 71).
"""

# ruff: noqa: ARG003 - the parameters of these methods are moto's.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.core.common_models import CloudFormationModel
from moto.moto_api._internal import mock_random

from local_aws.imagebuilder.arns import latest_version_references
from local_aws.imagebuilder.exceptions import InvalidRequestException, ResourceAlreadyExistsException
from local_aws.imagebuilder.models import ImageBuilderBackend, imagebuilder_backends
from local_aws.imagebuilder.shapes import Document, service_model

_LATEST_VERSION = {
    "LatestVersion.Arn": "latestVersionArn",
    "LatestVersion.Major": "latestMajorVersionArn",
    "LatestVersion.Minor": "latestMinorVersionArn",
    "LatestVersion.Patch": "latestPatchVersionArn",
}


# Properties whose names in the API are not just the template's with a small first letter.
_RENAMED = {"LaunchPermissionConfiguration": "launchPermission", "Version": "semanticVersion"}


class _ImageBuilderResource:
    """What the resource types have in common.

    A type says its `KIND`, as in the names of operations, and how they name its `ARN`. `arn` is the physical id,
    `properties` the template's.
    """

    KIND: ClassVar[str]
    ARN: ClassVar[str]

    def __init__(self, arn: str, properties: Mapping[str, Any], account_id: str, region_name: str) -> None:
        self.arn = arn
        self.properties = properties
        self.account_id = account_id
        self.region_name = region_name

    @property
    def physical_resource_id(self) -> str:
        return self.arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @classmethod
    def cloudformation_type(cls) -> str:
        return f"AWS::ImageBuilder::{cls.KIND}"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in cls._attribute_names()

    @classmethod
    def _attribute_names(cls) -> set[str]:
        return {"Arn"}

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        if attribute_name == "Arn":
            return self.arn
        raise UnformattedGetAttTemplateException()

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Mapping[str, Any], account_id: str, region_name: str, **_: Any
    ) -> _ImageBuilderResource:
        properties = {"Name": resource_name, **cloudformation_json["Properties"]}
        answer = cls._perform(f"Create{cls.KIND}", properties, account_id, region_name)
        return cls(answer[cls.ARN], properties, account_id, region_name)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: _ImageBuilderResource,
        new_resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
    ) -> _ImageBuilderResource:
        before = original_resource.properties
        properties = {"Name": before["Name"], **cloudformation_json["Properties"]}
        changed = {name for name in {*before, *properties} if before.get(name) != properties.get(name)}
        if cls._needs_replacement(changed):
            created = cls.create_from_cloudformation_json(
                new_resource_name, cloudformation_json, account_id, region_name
            )
            original_resource.delete(account_id, region_name)
            return created
        if changed - {"Tags"}:
            given = {name: value for name, value in properties.items() if name not in ("Name", "Tags")}
            cls._perform(f"Update{cls.KIND}", given, account_id, region_name, {cls.ARN: original_resource.arn})
        if "Tags" in changed:
            original_resource._replace_tags(properties.get("Tags", {}))
        original_resource.properties = properties
        return original_resource

    @classmethod
    def _needs_replacement(cls, changed: set[str]) -> bool:
        return "Name" in changed

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Mapping[str, Any], account_id: str, region_name: str
    ) -> None:
        cls._backend(account_id, region_name).perform(f"Delete{cls.KIND}", {cls.ARN: resource_name})

    def delete(self, account_id: str, region_name: str) -> None:
        self.delete_from_cloudformation_json(self.arn, {}, account_id, region_name)

    def _replace_tags(self, tags: Mapping[str, str]) -> None:
        backend = self._backend(self.account_id, self.region_name)
        before = backend.perform("ListTagsForResource", {"resourceArn": self.arn})["tags"]
        gone = [key for key in before if key not in tags]
        if gone:
            backend.perform("UntagResource", {"resourceArn": self.arn, "tagKeys": gone})
        if tags:
            backend.perform("TagResource", {"resourceArn": self.arn, "tags": dict(tags)})

    @staticmethod
    def _backend(account_id: str, region_name: str) -> ImageBuilderBackend:
        backend: ImageBuilderBackend = imagebuilder_backends[account_id][region_name]
        return backend

    @classmethod
    def _perform(
        cls,
        operation: str,
        properties: Mapping[str, Any],
        account_id: str,
        region_name: str,
        more: Mapping[str, str] | None = None,
    ) -> Document:
        """Call an operation with the template's properties, and with `more` parameters of the API."""
        shape = service_model().operation_model(operation).input_shape
        request = {**_request(shape, properties, "#"), **(more or {}), "clientToken": str(mock_random.uuid4())}
        return cls._backend(account_id, region_name).perform(operation, request)


class _VersionedResource(_ImageBuilderResource):
    """A type whose resources cannot change: another version of the same name takes the place of the old one."""

    @staticmethod
    def cloudformation_name_type() -> str:
        # Its name alone does not tell it from what it replaces.
        return ""

    @classmethod
    def _attribute_names(cls) -> set[str]:
        return {"Arn", *_LATEST_VERSION}

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        reference = _LATEST_VERSION.get(attribute_name)
        if reference is not None:
            return latest_version_references(self.arn)[reference]
        return super().get_cfn_attribute(attribute_name)

    @classmethod
    def _needs_replacement(cls, changed: set[str]) -> bool:
        return bool(changed - {"Tags"})


class Component(_VersionedResource, CloudFormationModel):  # type: ignore[misc]
    """AWS::ImageBuilder::Component.

    The API makes another build of a version that exists; CloudFormation refuses it.
    """

    KIND = "Component"
    ARN = "componentBuildVersionArn"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Mapping[str, Any], account_id: str, region_name: str, **_: Any
    ) -> _ImageBuilderResource:
        properties = cloudformation_json["Properties"]
        for component in cls._backend(account_id, region_name).components.values():
            if (component["name"], component["version"]) == (properties["Name"], properties["Version"]):
                raise ResourceAlreadyExistsException("Component", component["arn"])
        return super().create_from_cloudformation_json(resource_name, cloudformation_json, account_id, region_name)

    @classmethod
    def _attribute_names(cls) -> set[str]:
        return {"Encrypted", "Type"} | super()._attribute_names()

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        if attribute_name in ("Encrypted", "Type"):
            component = self._backend(self.account_id, self.region_name).components[self.arn]
            return component[attribute_name.lower()]
        return super().get_cfn_attribute(attribute_name)


class ImageRecipe(_VersionedResource, CloudFormationModel):  # type: ignore[misc]
    """AWS::ImageBuilder::ImageRecipe."""

    KIND = "ImageRecipe"
    ARN = "imageRecipeArn"


class InfrastructureConfiguration(_ImageBuilderResource, CloudFormationModel):  # type: ignore[misc]
    """AWS::ImageBuilder::InfrastructureConfiguration."""

    KIND = "InfrastructureConfiguration"
    ARN = "infrastructureConfigurationArn"


class DistributionConfiguration(_ImageBuilderResource, CloudFormationModel):  # type: ignore[misc]
    """AWS::ImageBuilder::DistributionConfiguration."""

    KIND = "DistributionConfiguration"
    ARN = "distributionConfigurationArn"


class ImagePipeline(_ImageBuilderResource, CloudFormationModel):  # type: ignore[misc]
    """AWS::ImageBuilder::ImagePipeline."""

    KIND = "ImagePipeline"
    ARN = "imagePipelineArn"


class LifecyclePolicy(_ImageBuilderResource, CloudFormationModel):  # type: ignore[misc]
    """AWS::ImageBuilder::LifecyclePolicy."""

    KIND = "LifecyclePolicy"
    ARN = "lifecyclePolicyArn"


def _request(shape: Any, value: Any, path: str) -> Any:
    """A template's properties as a request: the API has the same names with a small first letter.

    Raises InvalidRequestException for a property that the API does not have, in CloudFormation's words.
    """
    if shape.type_name == "list" and isinstance(value, list):
        return [_request(shape.member, item, f"{path}/{index}") for index, item in enumerate(value)]
    if shape.type_name != "structure" or not isinstance(value, Mapping):
        return value
    request = {}
    for name, item in value.items():
        member = _RENAMED.get(name, name[:1].lower() + name[1:])
        if member not in shape.members:
            raise InvalidRequestException(
                f"Properties validation failed: {path}: extraneous key [{name}] is not permitted"
            )
        request[member] = _request(shape.members[member], item, f"{path}/{name}")
    return request
