"""CloudFormation's resource types of Image Builder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.core.ids import REGION
from tests.local_aws.imagebuilder.image_building import ARN, COMPONENT_DOCUMENT, ImageBuilding, building

__all__ = ["building"]

VERSION = {"Version": "1.0.0", "Platform": "Linux"}


@dataclass
class Stack:
    """A stack with one resource, of the given kind, that the template names `app`."""

    building: ImageBuilding
    kind: str

    def create(self, **properties: Any) -> str:
        """Create the stack; return the physical id of the resource."""
        self.building.client("cloudformation").create_stack(StackName="app", TemplateBody=self._template(properties))
        assert self.status == "CREATE_COMPLETE", self.reasons
        return self.physical_id

    def update(self, **properties: Any) -> str:
        """Update the stack; return its status."""
        self.building.client("cloudformation").update_stack(StackName="app", TemplateBody=self._template(properties))
        self.building.clock.sleep(300)
        return self.status

    def refused(self, **properties: Any) -> str:
        """Create the stack, which fails; return the reason of the resource."""
        self.building.client("cloudformation").create_stack(StackName="app", TemplateBody=self._template(properties))
        assert self.status == "ROLLBACK_COMPLETE"
        return self.reasons[0]

    def attributes(self, *names: str) -> list[str]:
        """The values of Fn::GetAtt for the resource, which stays as it was."""
        client = self.building.client("cloudformation")
        template = json.loads(json.dumps(client.get_template(StackName="app")["TemplateBody"]))
        template["Outputs"] = {
            f"Output{number}": {"Value": {"Fn::GetAtt": ["Part", name]}} for number, name in enumerate(names)
        }
        client.update_stack(StackName="app", TemplateBody=json.dumps(template))
        self.building.clock.sleep(300)
        assert self.status == "UPDATE_COMPLETE", self.reasons
        outputs = client.describe_stacks(StackName="app")["Stacks"][0]["Outputs"]
        return [output["OutputValue"] for output in sorted(outputs, key=lambda output: str(output["OutputKey"]))]

    @property
    def status(self) -> str:
        client = self.building.client("cloudformation")
        return str(client.describe_stacks(StackName="app")["Stacks"][0]["StackStatus"])

    @property
    def reasons(self) -> list[str]:
        """Why a resource failed, the first failure first."""
        events = self.building.client("cloudformation").describe_stack_events(StackName="app")["StackEvents"]
        return [event["ResourceStatusReason"] for event in reversed(events) if "FAILED" in event["ResourceStatus"]]

    @property
    def physical_id(self) -> str:
        client = self.building.client("cloudformation")
        resource = client.describe_stack_resource(StackName="app", LogicalResourceId="Part")["StackResourceDetail"]
        return str(resource["PhysicalResourceId"])

    def _template(self, properties: dict[str, Any]) -> str:
        part = {"Type": f"AWS::ImageBuilder::{self.kind}", "Properties": {"Name": "app", **properties}}
        return json.dumps({"Resources": {"Part": part}})


def test_ref_is_the_arn_and_the_attributes_are_those_of_the_schema(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::Component and ImageRecipe: return values."""
    stack = Stack(building, "Component")
    arn = stack.create(**VERSION, Data=COMPONENT_DOCUMENT)
    assert arn == f"{ARN}:component/app/1.0.0/1"
    assert stack.attributes("Arn", "Encrypted", "Type") == [arn, "true", "BUILD"]
    assert stack.attributes("LatestVersion.Arn") == [f"{ARN}:component/app/x.x.x"]


def test_a_recipe_has_the_references_to_its_latest_versions(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::ImageRecipe: return values."""
    stack = Stack(building, "ImageRecipe")
    stack.create(Version="1.0.0", ParentImage=building.base_ami())
    assert stack.attributes("LatestVersion.Major") == [f"{ARN}:image-recipe/app/1.x.x"]


def test_an_attribute_that_the_type_does_not_have_is_refused(building: ImageBuilding) -> None:
    """CloudFormation User Guide, Fn::GetAtt."""
    part = {
        "Type": "AWS::ImageBuilder::Component",
        "Properties": {"Name": "app", **VERSION, "Data": COMPONENT_DOCUMENT},
    }
    template = {"Resources": {"Part": part}, "Outputs": {"Colour": {"Value": {"Fn::GetAtt": ["Part", "Colour"]}}}}
    with pytest.raises(ClientError, match="resource Part does not support attribute type Colour in Fn::GetAtt"):
        building.client("cloudformation").create_stack(StackName="app", TemplateBody=json.dumps(template))


def test_properties_become_the_parameters_of_the_api(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::DistributionConfiguration and Component."""
    Stack(building, "DistributionConfiguration").create(
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
    configuration = building.client().get_distribution_configuration(
        distributionConfigurationArn=f"{ARN}:distribution-configuration/app"
    )["distributionConfiguration"]
    assert configuration["tags"] == {"CostCentre": "1"}
    assert configuration["distributions"] == [
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
    reason = Stack(building, "Component").refused(**VERSION, Data=COMPONENT_DOCUMENT, Colour="blue")
    assert "#: extraneous key [Colour] is not permitted" in reason


def test_a_changed_component_is_another_component(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::Component: update requires replacement."""
    stack = Stack(building, "Component")
    before = stack.create(**VERSION, Data=COMPONENT_DOCUMENT)
    data = COMPONENT_DOCUMENT.replace("upgrade", "update")
    assert stack.update(Version="1.0.1", Platform="Linux", Data=data) == "UPDATE_COMPLETE"
    assert stack.physical_id == f"{ARN}:component/app/1.0.1/1"
    code, _ = building.refused("get_component", componentBuildVersionArn=before)
    assert code == "ResourceNotFoundException"


def test_a_changed_component_needs_another_version(building: ImageBuilding) -> None:
    """ec2-image-builder-roadmap, issue 71: the resource already exists; only another version helps."""
    stack = Stack(building, "Component")
    before = stack.create(**VERSION, Data=COMPONENT_DOCUMENT)
    data = COMPONENT_DOCUMENT.replace("upgrade", "update")
    assert stack.update(**VERSION, Data=data) == "UPDATE_ROLLBACK_COMPLETE"
    assert "already exists" in stack.reasons[0]
    answer = building.client().get_component(componentBuildVersionArn=before)
    assert answer["component"]["data"] == COMPONENT_DOCUMENT


def test_changed_tags_replace_nothing(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::Component: Tags, update requires no interruption."""
    stack = Stack(building, "Component")
    before = stack.create(**VERSION, Data=COMPONENT_DOCUMENT, Tags={"a": "1", "b": "2"})
    assert stack.update(**VERSION, Data=COMPONENT_DOCUMENT, Tags={"b": "3"}) == "UPDATE_COMPLETE"
    assert stack.physical_id == before
    assert building.client().list_tags_for_resource(resourceArn=before)["tags"] == {"b": "3"}


def test_a_changed_configuration_stays_where_it_is(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::InfrastructureConfiguration and ImagePipeline."""
    building.infrastructure("unused")
    stack = Stack(building, "InfrastructureConfiguration")
    arn = stack.create(InstanceProfileName="builders", Description="old")
    assert stack.update(InstanceProfileName="builders", InstanceTypes=["m5.large"]) == "UPDATE_COMPLETE"
    assert stack.physical_id == arn
    get = building.client().get_infrastructure_configuration
    configuration = get(infrastructureConfigurationArn=arn)["infrastructureConfiguration"]
    assert (configuration["instanceTypes"], "description" in configuration) == (["m5.large"], False)


def test_a_changed_pipeline_stays_where_it_is(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::ImagePipeline."""
    stack = Stack(building, "ImagePipeline")
    arn = building.infrastructure("unused")
    pipeline = stack.create(ImageRecipeArn=building.recipe(), InfrastructureConfigurationArn=arn, Status="ENABLED")
    newer = building.recipe(version="1.0.1")
    updated = stack.update(ImageRecipeArn=newer, InfrastructureConfigurationArn=arn, Status="DISABLED")
    assert (updated, stack.physical_id) == ("UPDATE_COMPLETE", pipeline)
    described = building.client().get_image_pipeline(imagePipelineArn=pipeline)["imagePipeline"]
    assert (described["imageRecipeArn"], described["status"]) == (newer, "DISABLED")


def test_a_renamed_configuration_is_another_one(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::InfrastructureConfiguration: Name, replacement."""
    building.infrastructure("unused")
    stack = Stack(building, "InfrastructureConfiguration")
    stack.create(InstanceProfileName="builders")
    assert stack.update(Name="other", InstanceProfileName="builders") == "UPDATE_COMPLETE"
    assert stack.physical_id == f"{ARN}:infrastructure-configuration/other"
    listed = building.client().list_infrastructure_configurations()["infrastructureConfigurationSummaryList"]
    assert sorted(configuration["name"] for configuration in listed) == ["other", "unused"]


def test_a_changed_lifecycle_policy_stays_where_it_is(building: ImageBuilding) -> None:
    """CloudFormation Template Reference, AWS::ImageBuilder::LifecyclePolicy."""
    building.role("lifecycle", "imagebuilder.amazonaws.com")
    settings = {
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

    stack = Stack(building, "LifecyclePolicy")
    arn = stack.create(**settings, PolicyDetails=details(3), Tags={"a": "1"})
    assert stack.update(**settings, PolicyDetails=details(5), Status="DISABLED", Tags={"b": "2"}) == "UPDATE_COMPLETE"
    assert stack.physical_id == arn == f"{ARN}:lifecycle-policy/app"
    policy = building.client().get_lifecycle_policy(lifecyclePolicyArn=arn)["lifecyclePolicy"]
    assert (policy["status"], policy["tags"]) == ("DISABLED", {"b": "2"})
    assert policy["policyDetails"] == [
        {
            "action": {"type": "DELETE", "includeResources": {"amis": True}},
            "filter": {"type": "COUNT", "value": 5},
            "exclusionRules": {"amis": {"lastLaunched": {"value": 3, "unit": "WEEKS"}, "tagMap": {"Keep": "true"}}},
        }
    ]
    building.client("cloudformation").delete_stack(StackName="app")
    assert building.client().list_lifecycle_policies()["lifecyclePolicySummaryList"] == []


def test_a_deleted_resource_is_gone(building: ImageBuilding) -> None:
    Stack(building, "Component").create(**VERSION, Data=COMPONENT_DOCUMENT)
    building.client("cloudformation").delete_stack(StackName="app")
    assert building.client().list_components()["componentVersionList"] == []
