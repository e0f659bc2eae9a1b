"""Image Builder's resources: how they are created, read, updated and refused."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.imagebuilder.not_modelled import OperationNotModelled
from tests.local_aws.imagebuilder.image_building import (
    ACCOUNT,
    ARN,
    COMPONENT_DOCUMENT,
    REGION,
    ImageBuilding,
    ami_distribution,
    building,
)

__all__ = ["building"]

MANAGED_UPDATE = f"arn:aws:imagebuilder:{REGION}:aws:component/update-linux/x.x.x"


# -- client tokens --------------------------------------------------------------------------------------------------


def test_the_same_client_token_gives_the_first_answer_again(building: ImageBuilding) -> None:
    """Amazon EC2 API reference, "Ensuring idempotency", to which Image Builder's API reference refers."""
    pipeline = building.pipeline()
    first = building.start(pipeline, clientToken="run-1")
    building.finish(first)
    assert building.start(pipeline, clientToken="run-1") == first
    images = building.client().list_image_pipeline_images(imagePipelineArn=pipeline)["imageSummaryList"]
    assert [image["arn"] for image in images] == [first]
    assert building.start(pipeline, clientToken="run-2") != first


def test_a_client_token_with_other_parameters_is_refused(building: ImageBuilding) -> None:
    """Image Builder API reference, IdempotentParameterMismatchException."""
    pipeline = building.pipeline()
    building.start(pipeline, clientToken="run-1")
    code, _ = building.refused(
        "start_image_pipeline_execution", imagePipelineArn=pipeline, clientToken="run-1", tags={"run": "1"}
    )
    assert code == "IdempotentParameterMismatchException"


def test_a_client_token_is_of_one_operation_and_a_refused_request_uses_none(building: ImageBuilding) -> None:
    client = building.client()
    missing = f"{ARN}:image-pipeline/none"
    code, _ = building.refused("start_image_pipeline_execution", imagePipelineArn=missing, clientToken="t")
    assert code == "ResourceNotFoundException"
    arn = building.start(building.pipeline(), clientToken="t")
    assert client.cancel_image_creation(imageBuildVersionArn=arn, clientToken="t")["clientToken"] == "t"


def test_a_dry_run_makes_nothing(building: ImageBuilding) -> None:
    """Image Builder API reference, CreateComponent: dryRun answers with DryRunOperationException."""
    parameters: dict[str, Any] = {"name": "app", "semanticVersion": "1.0.0", "platform": "Linux"}
    code, _ = building.refused("create_component", data=COMPONENT_DOCUMENT, dryRun=True, **parameters)
    assert code == "DryRunOperationException"
    assert building.client().list_components()["componentVersionList"] == []
    assert building.component().endswith("/1")


# -- components -----------------------------------------------------------------------------------------------------


def test_other_content_is_another_build_of_a_component(building: ImageBuilding) -> None:
    """Image Builder API reference, CreateComponent: name."""
    first = building.component("Update OS")
    assert first == f"{ARN}:component/update-os/1.0.0/1"
    code, message = building.refused(
        "create_component", name="update_os", semanticVersion="1.0.0", platform="Linux", data=COMPONENT_DOCUMENT
    )
    assert (code, first in message) == ("ResourceAlreadyExistsException", True)
    second = building.component("Update OS", data=COMPONENT_DOCUMENT.replace("upgrade", "update"))
    assert second == f"{ARN}:component/update-os/1.0.0/2"
    building.component("Update OS", version="1.10.0")
    building.component("Update OS", version="1.9.0")
    get = building.client().get_component
    assert get(componentBuildVersionArn=f"{ARN}:component/update-os/1.0.x")["component"]["arn"] == second
    assert get(componentBuildVersionArn=f"{ARN}:component/update-os/x.x.x")["component"]["version"] == "1.10.0"
    component = get(componentBuildVersionArn=first)["component"]
    assert (component["name"], component["type"], component["owner"]) == ("Update OS", "BUILD", ACCOUNT)
    assert (component["data"], component["encrypted"]) == (COMPONENT_DOCUMENT, True)
    versions = building.client().list_components()["componentVersionList"]
    assert [version["arn"] for version in versions] == [
        f"{ARN}:component/update-os/1.0.0",
        f"{ARN}:component/update-os/1.9.0",
        f"{ARN}:component/update-os/1.10.0",
    ]


def test_the_document_tells_type_and_parameters_of_a_component(building: ImageBuilding) -> None:
    """Image Builder API reference, Component and ComponentParameterDetail."""
    document = """
schemaVersion: 1.0
parameters:
  - Release:
      type: string
      default: latest
      description: What to update to.
phases:
  - name: test
    steps: [{name: Ping, action: ExecuteBash}]
"""
    arn = building.component(data=document)
    component = building.client().get_component(componentBuildVersionArn=arn)["component"]
    assert component["type"] == "TEST"
    assert component["parameters"] == [
        {"name": "Release", "type": "String", "defaultValue": ["latest"], "description": "What to update to."}
    ]


@pytest.mark.parametrize(
    "data",
    [
        "a: [",
        "just text",
        "schemaVersion: 2.0",
        "schemaVersion: 1.0\nphases: []",
        "schemaVersion: 1.0\nphases: [{name: build}]",
        "schemaVersion: 1.0\nphases: [{name: build, steps: [{name: Update}]}]",
    ],
)
def test_a_component_without_a_proper_document_is_refused(building: ImageBuilding, data: str) -> None:
    """Image Builder User Guide, "Component document schema and definitions"."""
    code, message = building.refused(
        "create_component", name="app", semanticVersion="1.0.0", platform="Linux", data=data
    )
    assert code == "InvalidParameterValueException"
    assert message.startswith("The value supplied for parameter 'data' is not valid. Failed to parse document.")


def test_a_component_has_either_data_or_a_uri(building: ImageBuilding) -> None:
    """Image Builder API reference, CreateComponent: data."""
    code, _ = building.refused("create_component", name="app", semanticVersion="1.0.0", platform="Linux")
    assert code == "InvalidParameterCombinationException"


# -- recipes and configurations -------------------------------------------------------------------------------------


def test_a_recipe_can_use_a_component_that_amazon_manages(building: ImageBuilding) -> None:
    """Image Builder User Guide, "Amazon-managed components": update-linux."""
    recipe = building.recipe(components=[{"componentArn": MANAGED_UPDATE}])
    latest = building.client().get_image_recipe(imageRecipeArn=f"{ARN}:image-recipe/app/x.x.x")["imageRecipe"]
    assert (latest["arn"], latest["platform"], latest["workingDirectory"]) == (recipe, "Linux", "/tmp")


@pytest.mark.parametrize(
    "parameters",
    [
        {"parent": "prod-abcdefghijklm"},
        {"parent": f"arn:aws:imagebuilder:{REGION}:aws:image/windows-server-2022/x.x.x"},
        {"parent": "ami-0123456789abcdef0", "version": "1.0.x"},
        {"components": [{"componentArn": MANAGED_UPDATE.replace("update-linux", "stig-build-linux-high")}]},
    ],
)
def test_what_recipes_of_the_embedded_aws_lack_is_named(building: ImageBuilding, parameters: dict[str, Any]) -> None:
    with pytest.raises(OperationNotModelled, match="not modelled in the embedded AWS"):
        building.recipe(**parameters)


def test_names_are_unique_by_their_form_in_arns(building: ImageBuilding) -> None:
    """Image Builder API reference, CreateImageRecipe, CreateImagePipeline...: name."""
    building.pipeline()
    client = building.client()
    pipeline = client.get_image_pipeline(imagePipelineArn=f"{ARN}:image-pipeline/app")["imagePipeline"]
    used = {name: pipeline[name] for name in ("imageRecipeArn", "infrastructureConfigurationArn")}
    requests: dict[str, dict[str, Any]] = {
        "create_image_recipe": {"semanticVersion": "1.0.0", "parentImage": building.base_ami()},
        "create_infrastructure_configuration": {"instanceProfileName": "builders"},
        "create_distribution_configuration": {"distributions": [ami_distribution()]},
        "create_image_pipeline": used,
    }
    for operation, parameters in requests.items():
        code, message = building.refused(operation, name="APP", **parameters)
        assert (code, "already exists" in message) == ("ResourceAlreadyExistsException", True), operation


def test_what_a_request_refers_to_must_exist(building: ImageBuilding) -> None:
    """Image Builder API reference, ResourceNotFoundException."""
    recipe, infrastructure = building.recipe(), building.infrastructure()
    pipeline = {"name": "app", "imageRecipeArn": recipe, "infrastructureConfigurationArn": infrastructure}
    for parameter, kind in {
        "imageRecipeArn": "image-recipe/none/1.0.0",
        "infrastructureConfigurationArn": "infrastructure-configuration/none",
        "distributionConfigurationArn": "distribution-configuration/none",
    }.items():
        code, message = building.refused("create_image_pipeline", **{**pipeline, parameter: f"{ARN}:{kind}"})
        assert (code, kind in message) == ("ResourceNotFoundException", True)
    components = [{"componentArn": f"{ARN}:component/none/x.x.x"}]
    code, _ = building.refused(
        "create_image_recipe",
        name="other",
        semanticVersion="1.0.0",
        parentImage=building.base_ami(),
        components=components,
    )
    assert code == "ResourceNotFoundException"


def test_an_instance_profile_must_exist(building: ImageBuilding) -> None:
    """Image Builder API reference, CreateInfrastructureConfiguration: instanceProfileName."""
    code, message = building.refused("create_infrastructure_configuration", name="app", instanceProfileName="none")
    assert code == "InvalidParameterValueException"
    assert message.startswith("The value supplied for parameter 'instanceProfileName' is not valid.")


def test_a_subnet_needs_security_groups(building: ImageBuilding) -> None:
    """Image Builder API reference, CreateInfrastructureConfiguration: subnetId."""
    building.infrastructure()
    code, _ = building.refused(
        "create_infrastructure_configuration", name="other", instanceProfileName="builders", subnetId="subnet-1"
    )
    assert code == "InvalidParameterCombinationException"


@pytest.mark.parametrize(
    ("distribution", "parameter"),
    [
        ({"region": "mars-north-1", "amiDistributionConfiguration": {}}, "distributions[0].region"),
        ({"region": REGION}, "distributions[0]"),
        (ami_distribution(name="always-the-same"), "distributions[0].amiDistributionConfiguration.name"),
        (
            {
                **ami_distribution(),
                "ssmParameterConfigurations": [{"parameterName": "/a", "amiAccountId": "111111111111"}],
            },
            "distributions[0].ssmParameterConfigurations[0].amiAccountId",
        ),
    ],
)
def test_a_distribution_that_cannot_be_done_is_refused(
    building: ImageBuilding, distribution: dict[str, Any], parameter: str
) -> None:
    """Image Builder API reference, Distribution, AmiDistributionConfiguration, SsmParameterConfiguration."""
    code, message = building.refused("create_distribution_configuration", name="app", distributions=[distribution])
    assert code == "InvalidParameterValueException"
    assert f"'{parameter}'" in message


def test_a_distribution_that_is_not_modelled_is_named(building: ImageBuilding) -> None:
    templates = [{"launchTemplateId": "lt-0123456789abcdef0"}]
    with pytest.raises(OperationNotModelled, match="launchTemplateConfigurations"):
        building.distribution({**ami_distribution(), "launchTemplateConfigurations": templates})


def test_a_pipeline_has_exactly_one_recipe(building: ImageBuilding) -> None:
    """Image Builder API reference, CreateImagePipeline: imageRecipeArn."""
    code, _ = building.refused(
        "create_image_pipeline", name="app", infrastructureConfigurationArn=building.infrastructure()
    )
    assert code == "InvalidParameterCombinationException"


def test_a_schedule_of_a_pipeline_is_not_modelled(building: ImageBuilding) -> None:
    with pytest.raises(OperationNotModelled, match="schedule"):
        building.pipeline(schedule={"scheduleExpression": "cron(0 0 * * ? *)"})


def test_an_update_replaces_the_whole_configuration(building: ImageBuilding) -> None:
    """Image Builder API reference, UpdateImagePipeline: no selective updates; what is omitted is reset."""
    arn = building.pipeline(status="DISABLED", description="the old one", tags={"kept": "yes"})
    client = building.client()
    before = client.get_image_pipeline(imagePipelineArn=arn)["imagePipeline"]
    building.clock.sleep(60)
    recipe = building.recipe("app", version="1.0.1")
    client.update_image_pipeline(
        imagePipelineArn=arn,
        imageRecipeArn=recipe,
        infrastructureConfigurationArn=before["infrastructureConfigurationArn"],
    )
    after = client.get_image_pipeline(imagePipelineArn=arn)["imagePipeline"]
    assert (after["status"], after["imageRecipeArn"], after["tags"]) == ("ENABLED", recipe, {"kept": "yes"})
    assert "description" not in after
    assert "distributionConfigurationArn" not in after
    assert (after["dateCreated"], after["dateUpdated"]) == ("2026-11-01T00:00:00.000Z", "2026-11-01T00:01:00.000Z")


def test_an_update_does_not_change_images_that_are_there(building: ImageBuilding) -> None:
    """Image Builder API reference, Image: the infrastructure that Image Builder used to create this image."""
    arn = building.start(building.pipeline())
    building.client().update_distribution_configuration(
        distributionConfigurationArn=f"{ARN}:distribution-configuration/app",
        distributions=[ami_distribution("eu-west-1")],
    )
    building.client().update_infrastructure_configuration(
        infrastructureConfigurationArn=f"{ARN}:infrastructure-configuration/app",
        instanceProfileName="builders",
        instanceTypes=["m5.large"],
    )
    image = building.finish(arn)
    assert [ami["region"] for ami in image["outputResources"]["amis"]] == [REGION]
    assert "instanceTypes" not in image["infrastructureConfiguration"]


def test_what_is_in_use_cannot_be_deleted(building: ImageBuilding) -> None:
    """Image Builder API reference, ResourceDependencyException; User Guide, "Delete resources": the order."""
    arn = building.pipeline()
    client = building.client()
    used = {
        "delete_component": {"componentBuildVersionArn": f"{ARN}:component/app/1.0.0/1"},
        "delete_image_recipe": {"imageRecipeArn": f"{ARN}:image-recipe/app/1.0.0"},
        "delete_infrastructure_configuration": {
            "infrastructureConfigurationArn": f"{ARN}:infrastructure-configuration/app"
        },
        "delete_distribution_configuration": {"distributionConfigurationArn": f"{ARN}:distribution-configuration/app"},
    }
    for operation, parameters in used.items():
        code, message = building.refused(operation, **parameters)
        assert (code, "has other resources depended on it" in message) == ("ResourceDependencyException", True)
    image = building.start(arn)
    client.delete_image_pipeline(imagePipelineArn=arn)
    client.delete_image_recipe(**used.pop("delete_image_recipe"))
    for operation, parameters in used.items():
        getattr(client, operation)(**parameters)
    assert client.list_components()["componentVersionList"] == []
    assert client.list_image_recipes()["imageRecipeSummaryList"] == []
    # DeleteImagePipeline: the build continues independently.
    assert building.finish(image)["state"]["status"] == "AVAILABLE"


# -- lists and tags -------------------------------------------------------------------------------------------------


def builds(building: ImageBuilding, count: int) -> tuple[str, list[str]]:
    """A pipeline, and the images of as many builds, the oldest first."""
    pipeline = building.pipeline()
    arns = []
    for _ in range(count):
        arns.append(building.start(pipeline))
        building.clock.sleep(1)
    return pipeline, arns


def test_the_images_of_a_pipeline_come_newest_first_in_pages(building: ImageBuilding) -> None:
    """Image Builder API reference, ListImagePipelineImages: 25 items unless the request gives a number, at most 100."""
    pipeline, arns = builds(building, 27)
    client = building.client()
    page = client.list_image_pipeline_images(imagePipelineArn=pipeline)
    assert [image["arn"] for image in page["imageSummaryList"]] == arns[:1:-1]
    building.start(pipeline)
    rest = client.list_image_pipeline_images(imagePipelineArn=pipeline, nextToken=page["nextToken"])
    assert [image["arn"] for image in rest["imageSummaryList"]] == [arns[1], arns[0]]
    assert "nextToken" not in rest
    assert len(client.list_image_pipeline_images(imagePipelineArn=pipeline, maxResults=100)["imageSummaryList"]) == 28
    code, _ = building.refused("list_image_pipeline_images", imagePipelineArn=pipeline, maxResults=101)
    assert code == "InvalidParameterValueException"


@pytest.mark.parametrize("token", ["nonsense", "MQ==", "e30=", "//8="])
def test_a_token_of_another_request_is_refused(building: ImageBuilding, token: str) -> None:
    """Image Builder API reference, InvalidPaginationTokenException."""
    pipeline, _ = builds(building, 2)
    list_images = building.client().list_image_pipeline_images
    assert "nextToken" in list_images(imagePipelineArn=pipeline, maxResults=1)
    code, _ = building.refused("list_image_pipeline_images", imagePipelineArn=pipeline, nextToken=token)
    assert code == "InvalidPaginationTokenException"
    other = building.client().list_image_build_versions(maxResults=1)["nextToken"]
    code, _ = building.refused("list_image_pipeline_images", imagePipelineArn=pipeline, nextToken=other)
    assert code == "InvalidPaginationTokenException"


def test_a_pipeline_that_does_not_exist_has_no_images(building: ImageBuilding) -> None:
    """Image Builder API reference, ListImagePipelineImages: an empty list rather than ResourceNotFoundException."""
    answer = building.client().list_image_pipeline_images(imagePipelineArn=f"{ARN}:image-pipeline/none")
    assert answer["imageSummaryList"] == []


def test_images_are_listed_by_version_and_by_build(building: ImageBuilding) -> None:
    """Image Builder API reference, ListImages (one entry for each version), ListImageBuildVersions."""
    _, arns = builds(building, 2)
    building.finish(arns[-1])
    [version] = building.client().list_images()["imageVersionList"]
    assert (version["arn"], version["version"], version["owner"]) == (f"{ARN}:image/app/1.0.0", "1.0.0", ACCOUNT)
    summaries = building.client().list_image_build_versions(imageVersionArn=version["arn"])["imageSummaryList"]
    assert [image["version"] for image in summaries] == ["1.0.0/2", "1.0.0/1"]
    assert (summaries[0]["state"]["status"], len(summaries[0]["outputResources"]["amis"])) == ("AVAILABLE", 1)
    other = building.client().list_image_build_versions(imageVersionArn=f"{ARN}:image/app/9.9.9")
    assert other["imageSummaryList"] == []


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ([{"name": "name", "values": ["app"]}], 2),
        ([{"name": "name", "values": ["App"]}], 0),
        ([{"name": "name", "values": ["ap*"]}], 2),
        ([{"name": "name", "values": ["*pp*"]}], 2),
        ([{"name": "name", "values": ["no", "app"]}], 2),
        ([{"name": "version", "values": ["1.0.0"]}], 2),
        ([{"name": "version", "values": ["1.0.0/2"]}], 1),
        ([{"name": "name", "values": ["app"]}, {"name": "version", "values": ["2.0.0"]}], 0),
    ],
)
def test_filters_are_exact_but_for_the_wildcards_of_names(
    building: ImageBuilding, filters: list[dict[str, Any]], count: int
) -> None:
    """Image Builder API reference, Filter; ListImagePipelineImages: name, version."""
    pipeline, _ = builds(building, 2)
    answer = building.client().list_image_pipeline_images(imagePipelineArn=pipeline, filters=filters)
    assert len(answer["imageSummaryList"]) == count


def test_a_filter_that_the_operation_lacks_is_refused(building: ImageBuilding) -> None:
    filters = [{"name": "status", "values": ["AVAILABLE"]}]
    code, message = building.refused("list_image_build_versions", filters=filters)
    assert (code, "'filters[0].name'" in message) == ("InvalidParameterValueException", True)


def test_configurations_are_listed(building: ImageBuilding) -> None:
    """Image Builder API reference, DistributionConfigurationSummary: regions."""
    building.distribution(ami_distribution(), ami_distribution("eu-west-1"))
    building.infrastructure(resourceTags={"team": "ops"})
    client = building.client()
    [distribution] = client.list_distribution_configurations()["distributionConfigurationSummaryList"]
    assert distribution["regions"] == [REGION, "eu-west-1"]
    [infrastructure] = client.list_infrastructure_configurations()["infrastructureConfigurationSummaryList"]
    assert (infrastructure["instanceProfileName"], infrastructure["resourceTags"]) == ("builders", {"team": "ops"})


def test_only_what_the_account_owns_is_listed(building: ImageBuilding) -> None:
    for operation in ("list_images", "list_components", "list_image_recipes"):
        with pytest.raises(OperationNotModelled, match="Amazon"):
            getattr(building.client(), operation)(owner="Amazon")


def test_resources_are_tagged(building: ImageBuilding) -> None:
    """Image Builder API reference, TagResource, UntagResource, ListTagsForResource."""
    client = building.client()
    arn = building.start(building.pipeline(), tags={"a": "1", "b": "2"})
    for resource in (arn, f"{ARN}:component/app/1.0.0/1", f"{ARN}:image-pipeline/app"):
        client.tag_resource(resourceArn=resource, tags={"b": "3", "c": "4"})
        client.untag_resource(resourceArn=resource, tagKeys=["a", "c"])
        assert client.list_tags_for_resource(resourceArn=resource)["tags"] == {"b": "3"}
    assert building.image(arn)["tags"] == {"b": "3"}
    code, _ = building.refused("list_tags_for_resource", resourceArn=f"{ARN}:image/none/1.0.0/1")
    assert code == "ResourceNotFoundException"


def test_regions_are_apart(building: ImageBuilding) -> None:
    building.component()
    assert building.client(region="eu-west-1").list_components()["componentVersionList"] == []
    created = building.client(region="ap-southeast-2").create_component(
        name="app", semanticVersion="1.0.0", platform="Linux", data=COMPONENT_DOCUMENT
    )
    assert created["componentBuildVersionArn"].split(":")[3] == "ap-southeast-2"


def test_an_operation_that_is_not_modelled_is_named(building: ImageBuilding) -> None:
    with pytest.raises(OperationNotModelled, match="CancelLifecycleExecution"):
        building.client().cancel_lifecycle_execution(lifecycleExecutionId="lce-0123456789abcdef0")
