"""CloudFormation's resource types of Image Builder."""

from __future__ import annotations

from typing import Any

import pytest
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.core.common_models import CloudFormationModel

from local_aws.imagebuilder import resources
from local_aws.imagebuilder.exceptions import InvalidRequestException, ResourceAlreadyExistsException
from tests.local_aws.image_building import (
    ACCOUNT,
    ARN,
    COMPONENT_DOCUMENT,
    REGION,
    ImageBuilding,
    building,
)

__all__ = ["building"]

TYPES = [
    resources.Component,
    resources.ImageRecipe,
    resources.InfrastructureConfiguration,
    resources.DistributionConfiguration,
    resources.ImagePipeline,
    resources.LifecyclePolicy,
]


def create(model: Any, **properties: Any) -> Any:
    return model.create_from_cloudformation_json("app", {"Properties": {"Name": "app", **properties}}, ACCOUNT, REGION)


def update(original: Any, **properties: Any) -> Any:
    document = {"Properties": {"Name": "app", **properties}}
    return type(original).update_from_cloudformation_json(original, "app", document, ACCOUNT, REGION)


def component(**properties: Any) -> Any:
    return create(resources.Component, Version="1.0.0", Platform="Linux", Data=COMPONENT_DOCUMENT, **properties)


def test_moto_finds_the_types() -> None:
    assert all(model in CloudFormationModel.__subclasses__() for model in TYPES)
    assert [model.cloudformation_type() for model in TYPES] == [
        "AWS::ImageBuilder::Component",
        "AWS::ImageBuilder::ImageRecipe",
        "AWS::ImageBuilder::InfrastructureConfiguration",
        "AWS::ImageBuilder::DistributionConfiguration",
        "AWS::ImageBuilder::ImagePipeline",
        "AWS::ImageBuilder::LifecyclePolicy",
    ]


def test_ref_is_the_arn_and_the_attributes_are_those_of_the_schema(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::Component and ImageRecipe: return values."""
    made = component()
    assert made.physical_resource_id == made.get_cfn_attribute("Arn") == f"{ARN}:component/app/1.0.0/1"
    assert (made.get_cfn_attribute("Encrypted"), made.get_cfn_attribute("Type")) == (True, "BUILD")
    recipe = create(resources.ImageRecipe, Version="1.0.0", ParentImage=building.base_ami())
    assert recipe.get_cfn_attribute("LatestVersion.Major") == f"{ARN}:image-recipe/app/1.x.x"
    for resource in (made, recipe):
        with pytest.raises(UnformattedGetAttTemplateException):
            resource.get_cfn_attribute("Colour")
        assert not type(resource).has_cfn_attr("Colour")
        assert type(resource).has_cfn_attr("LatestVersion.Arn")


def test_properties_become_the_parameters_of_the_api(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::DistributionConfiguration and Component."""
    create(
        resources.DistributionConfiguration,
        Tags={"CostCentre": "1"},
        Distributions=[
            {
                "Region": REGION,
                "AmiDistributionConfiguration": {
                    "Name": "app {{ imagebuilder:buildDate }}",
                    "AmiTags": {"Team": "ops"},
                    "LaunchPermissionConfiguration": {"UserIds": ["111111111111"]},
                },
                "SsmParameterConfigurations": [{"ParameterName": "/app/ami", "DataType": "aws:ec2:image"}],
            }
        ],
    )
    found = building.client().get_distribution_configuration(
        distributionConfigurationArn=f"{ARN}:distribution-configuration/app"
    )["distributionConfiguration"]
    assert found["tags"] == {"CostCentre": "1"}
    assert found["distributions"] == [
        {
            "region": REGION,
            "amiDistributionConfiguration": {
                "name": "app {{ imagebuilder:buildDate }}",
                "amiTags": {"Team": "ops"},
                "launchPermission": {"userIds": ["111111111111"]},
            },
            "ssmParameterConfigurations": [{"parameterName": "/app/ami", "dataType": "aws:ec2:image"}],
        }
    ]


def test_a_property_that_the_type_does_not_have_is_refused(building: ImageBuilding) -> None:
    """CloudFormation User Guide, "Troubleshooting": extraneous key is not permitted."""
    with pytest.raises(InvalidRequestException, match=r"#: extraneous key \[Colour\] is not permitted"):
        component(Colour="blue")


def test_a_changed_component_is_another_component(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::Component: update requires replacement."""
    before = component()
    data = COMPONENT_DOCUMENT.replace("upgrade", "update")
    after = update(before, Version="1.0.1", Platform="Linux", Data=data)
    assert after.physical_resource_id == f"{ARN}:component/app/1.0.1/1"
    code, _ = building.refused("get_component", componentBuildVersionArn=before.physical_resource_id)
    assert code == "ResourceNotFoundException"


def test_a_changed_component_needs_another_version(building: ImageBuilding) -> None:
    """ec2-image-builder-roadmap, issue 71: the resource already exists; only another version helps."""
    before = component()
    data = COMPONENT_DOCUMENT.replace("upgrade", "update")
    with pytest.raises(ResourceAlreadyExistsException, match="already exists"):
        update(before, Version="1.0.0", Platform="Linux", Data=data)
    found = building.client().get_component(componentBuildVersionArn=before.physical_resource_id)
    assert found["component"]["data"] == COMPONENT_DOCUMENT


def test_changed_tags_replace_nothing(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::Component: Tags, update requires no interruption."""
    before = component(Tags={"a": "1", "b": "2"})
    after = update(before, Version="1.0.0", Platform="Linux", Data=COMPONENT_DOCUMENT, Tags={"b": "3"})
    assert after.physical_resource_id == before.physical_resource_id
    assert building.client().list_tags_for_resource(resourceArn=after.physical_resource_id)["tags"] == {"b": "3"}


def test_a_changed_configuration_stays_where_it_is(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::InfrastructureConfiguration and ImagePipeline."""
    building.infrastructure("unused")
    before = create(resources.InfrastructureConfiguration, InstanceProfileName="builders", Description="old")
    after = update(before, InstanceProfileName="builders", InstanceTypes=["m5.large"])
    arn = after.physical_resource_id
    assert arn == before.physical_resource_id
    get = building.client().get_infrastructure_configuration
    found = get(infrastructureConfigurationArn=arn)["infrastructureConfiguration"]
    assert (found["instanceTypes"], "description" in found) == (["m5.large"], False)
    pipeline = create(
        resources.ImagePipeline, ImageRecipeArn=building.recipe(), InfrastructureConfigurationArn=arn, Status="ENABLED"
    )
    newer = building.recipe(version="1.0.1")
    update(pipeline, ImageRecipeArn=newer, InfrastructureConfigurationArn=arn, Status="DISABLED")
    described = building.client().get_image_pipeline(imagePipelineArn=pipeline.physical_resource_id)["imagePipeline"]
    assert (described["imageRecipeArn"], described["status"]) == (newer, "DISABLED")


def test_a_renamed_configuration_is_another_one(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::InfrastructureConfiguration: Name, replacement."""
    building.infrastructure("unused")
    before = create(resources.InfrastructureConfiguration, InstanceProfileName="builders")
    after = update(before, Name="other", InstanceProfileName="builders")
    assert after.physical_resource_id == f"{ARN}:infrastructure-configuration/other"
    listed = building.client().list_infrastructure_configurations()["infrastructureConfigurationSummaryList"]
    assert sorted(configuration["name"] for configuration in listed) == ["other", "unused"]


def test_a_changed_lifecycle_policy_stays_where_it_is(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::LifecyclePolicy."""
    building.role("lifecycle", "imagebuilder.amazonaws.com")
    given = {
        "ExecutionRole": "lifecycle",
        "ResourceType": "AMI_IMAGE",
        "ResourceSelection": {"Recipes": [{"Name": "app", "SemanticVersion": "x.x.x"}]},
    }

    def details(count: int) -> list[Any]:
        last_launched = {"Value": 3, "Unit": "WEEKS"}
        return [
            {
                "Action": {"Type": "DELETE", "IncludeResources": {"Amis": True}},
                "Filter": {"Type": "COUNT", "Value": count},
                "ExclusionRules": {"Amis": {"LastLaunched": last_launched, "TagMap": {"Keep": "true"}}},
            }
        ]

    before = create(resources.LifecyclePolicy, **given, PolicyDetails=details(3), Tags={"a": "1"})
    after = update(before, **given, PolicyDetails=details(5), Status="DISABLED", Tags={"b": "2"})
    arn = after.physical_resource_id
    assert arn == before.physical_resource_id == f"{ARN}:lifecycle-policy/app"
    found = building.client().get_lifecycle_policy(lifecyclePolicyArn=arn)["lifecyclePolicy"]
    assert (found["status"], found["tags"]) == ("DISABLED", {"b": "2"})
    assert found["policyDetails"] == [
        {
            "action": {"type": "DELETE", "includeResources": {"amis": True}},
            "filter": {"type": "COUNT", "value": 5},
            "exclusionRules": {"amis": {"lastLaunched": {"value": 3, "unit": "WEEKS"}, "tagMap": {"Keep": "true"}}},
        }
    ]
    after.delete(ACCOUNT, REGION)
    assert building.client().list_lifecycle_policies()["lifecyclePolicySummaryList"] == []


def test_a_deleted_resource_is_gone(building: ImageBuilding) -> None:
    made = component()
    resources.Component.delete_from_cloudformation_json(made.physical_resource_id, {}, ACCOUNT, REGION)
    assert building.client().list_components()["componentVersionList"] == []
