"""The image pipeline's template: deployed into the embedded AWS, and built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from moto.cloudformation import parsing

from local_aws.imagebuilder import resources
from tests.local_aws.image_building import REGION, ImageBuilding, building_on_public_amis

__all__ = ["building_on_public_amis", "resources"]

INFRASTRUCTURE = Path(__file__).parents[2] / "infrastructure"
TEMPLATE = INFRASTRUCTURE / "image-pipeline.yaml"


class _Loader(yaml.SafeLoader):
    """Reads !Ref and the like as the text after them."""


_Loader.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))


def template() -> Any:
    return yaml.load(TEMPLATE.read_text(), _Loader)


@pytest.fixture
def deployed(building_on_public_amis: ImageBuilding) -> ImageBuilding:
    """The stack `images`, of the template as it is."""
    for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        cached.cache_clear()
    cloudformation = building_on_public_amis.client("cloudformation")
    cloudformation.create_stack(StackName="images", TemplateBody=TEMPLATE.read_text(), Capabilities=["CAPABILITY_IAM"])
    for _ in range(60):
        if stack(building_on_public_amis)["StackStatus"] != "CREATE_IN_PROGRESS":
            break
        building_on_public_amis.clock.sleep(30)
    return building_on_public_amis


def stack(building: ImageBuilding) -> Any:
    return building.client("cloudformation").describe_stacks(StackName="images")["Stacks"][0]


def output(building: ImageBuilding, key: str) -> str:
    return next(str(output["OutputValue"]) for output in stack(building)["Outputs"] if output["OutputKey"] == key)


def test_every_parameter_and_output_is_described() -> None:
    for section in ("Parameters", "Outputs"):
        for name, declared in template()[section].items():
            assert len(declared["Description"]) > 20, name


def test_the_component_in_the_template_is_the_document_in_components() -> None:
    carried = template()["Resources"]["UpdateOs"]["Properties"]["Data"]
    assert carried == (INFRASTRUCTURE / "components" / "update-os.yaml").read_text()


def test_the_pipeline_that_the_template_makes_builds_an_ami_on_the_latest_amazon_linux(deployed: ImageBuilding) -> None:
    """Amazon Linux 2023 User Guide: the public parameter names the latest AMI."""
    assert stack(deployed)["StackStatus"] == "CREATE_COMPLETE"
    arn = output(deployed, "ImagePipelineArn")
    pipeline = deployed.client().get_image_pipeline(imagePipelineArn=arn)["imagePipeline"]
    assert (pipeline["status"], "schedule" in pipeline) == ("ENABLED", False)
    image = deployed.finish(deployed.start(arn))
    assert image["state"] == {"status": "AVAILABLE"}
    assert image["imageRecipe"]["parentImage"].startswith("ssm:/aws/service/ami-amazon-linux-latest/al2023-")
    [ami] = image["outputResources"]["amis"]
    assert (ami["region"], ami["name"].split(" ")[0]) == (REGION, "images")


def test_build_instances_are_limited_to_what_image_builder_needs(deployed: ImageBuilding) -> None:
    """Image Builder User Guide, "Prerequisites": the instance profile's policies; EC2 User Guide: IMDSv2."""
    [listed] = deployed.client().list_infrastructure_configurations()["infrastructureConfigurationSummaryList"]
    infrastructure = deployed.client().get_infrastructure_configuration(infrastructureConfigurationArn=listed["arn"])[
        "infrastructureConfiguration"
    ]
    assert infrastructure["instanceMetadataOptions"]["httpTokens"] == "required"
    iam = deployed.client("iam")
    profile = iam.get_instance_profile(InstanceProfileName=infrastructure["instanceProfileName"])["InstanceProfile"]
    [role] = profile["Roles"]
    assert role["Arn"] == output(deployed, "BuildInstanceRoleArn")
    # moto attaches no managed policies in CloudFormation.
    attached = template()["Resources"]["BuildInstanceRole"]["Properties"]["ManagedPolicyArns"]
    assert [policy.rsplit("/", 1)[1] for policy in attached] == [
        "AmazonSSMManagedInstanceCore",
        "EC2InstanceProfileForImageBuilder",
    ]
