"""How images are built: states and durations, AMIs, failures, cancellation."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from local_aws.core import settings
from local_aws.core.settings import InvalidSettings
from local_aws.imagebuilder.models import imagebuilder_backends
from local_aws.imagebuilder.settings import ImageBuilderSettings
from tests.local_aws.imagebuilder.image_building import (
    ACCOUNT,
    ARN,
    COMPONENT_DOCUMENT,
    REGION,
    ImageBuilding,
    ami_distribution,
    building,
    building_on_public_amis,
)

__all__ = ["building", "building_on_public_amis"]


def kept(building: ImageBuilding, arn: str) -> Any:
    return imagebuilder_backends[ACCOUNT][REGION].images[arn]


def amis(building: ImageBuilding, region: str = REGION) -> list[Any]:
    """The AMIs that Image Builder has created."""
    created = [{"Name": "tag:CreatedBy", "Values": ["EC2 Image Builder"]}]
    return list(building.client("ec2", region).describe_images(Filters=created)["Images"])


# -- the happy path -------------------------------------------------------------------------------------------------


def test_a_build_passes_through_every_state_in_order(building: ImageBuilding) -> None:
    """Image Builder API reference, ImageState; the product counts on a build of 15 to 30 minutes."""
    arn = building.start(building.pipeline())
    assert building.status(arn) == "PENDING"
    building.finish(arn)
    image = kept(building, arn)
    assert [state for state, _ in image.history] == [
        "PENDING",
        "CREATING",
        "BUILDING",
        "TESTING",
        "DISTRIBUTING",
        "INTEGRATING",
        "AVAILABLE",
    ]
    assert image.started_at == image.history[0][1]
    assert image.ended_at == image.history[-1][1]
    assert 20 * 60 <= image.ended_at - image.started_at <= 25 * 60
    seconds = {
        state: image.history[number + 1][1] - entered for number, (state, entered) in enumerate(image.history[:-1])
    }
    assert max(seconds, key=lambda state: seconds[state]) == "BUILDING"


def test_the_seconds_in_each_state_are_settings(building: ImageBuilding) -> None:
    settings.use(ImageBuilderSettings(building_seconds=3000))
    arn = building.start(building.pipeline())
    building.clock.sleep(3000)
    assert building.status(arn) == "BUILDING"
    building.clock.sleep(20)
    assert building.status(arn) == "TESTING"


def test_without_image_tests_there_is_no_testing(building: ImageBuilding) -> None:
    """Image Builder API reference, ImageTestsConfiguration: imageTestsEnabled."""
    arn = building.start(building.pipeline(imageTestsConfiguration={"imageTestsEnabled": False}))
    building.finish(arn)
    assert "TESTING" not in dict(kept(building, arn).history)


def test_get_image_tells_what_the_image_was_built_from(building: ImageBuilding) -> None:
    """Image Builder API reference, Image; `sourcePipelineName` is not returned for new images."""
    pipeline = building.pipeline()
    arn = building.start(pipeline, tags={"run": "1"})
    image = building.image(arn)
    assert arn == f"{ARN}:image/app/1.0.0/1"
    assert (image["name"], image["version"], image["type"]) == ("app", "1.0.0/1", "AMI")
    assert image["buildType"] == "USER_INITIATED"
    assert image["dateCreated"] == "2026-11-01T00:00:00.000Z"
    assert image["tags"] == {"run": "1"}
    assert image["sourcePipelineArn"] == pipeline
    assert "sourcePipelineName" not in image
    assert "outputResources" not in image
    client = building.client()
    assert (
        image["imageRecipe"] == client.get_image_recipe(imageRecipeArn=f"{ARN}:image-recipe/app/1.0.0")["imageRecipe"]
    )
    assert image["infrastructureConfiguration"]["arn"] == f"{ARN}:infrastructure-configuration/app"
    assert image["distributionConfiguration"]["arn"] == f"{ARN}:distribution-configuration/app"


def test_each_build_of_a_recipe_has_the_next_number(building: ImageBuilding) -> None:
    """Image Builder User Guide, "Semantic versioning": Image Builder assigns the build number."""
    pipeline = building.pipeline()
    first = building.start(pipeline)
    building.finish(first)
    building.client().delete_image(imageBuildVersionArn=first)
    assert building.start(pipeline) == f"{ARN}:image/app/1.0.0/2"


def test_a_disabled_pipeline_can_be_started(building: ImageBuilding) -> None:
    """Image Builder API reference, StartImagePipelineExecution: whether the pipeline is enabled or disabled."""
    arn = building.start(building.pipeline(status="DISABLED"))
    assert building.finish(arn)["state"] == {"status": "AVAILABLE"}


def test_create_image_builds_without_a_pipeline(building: ImageBuilding) -> None:
    """Image Builder API reference, CreateImage: no distribution configuration means this account and Region."""
    created = building.client().create_image(
        imageRecipeArn=building.recipe(), infrastructureConfigurationArn=building.infrastructure()
    )
    assert created["latestVersionReferences"]["latestVersionArn"] == f"{ARN}:image/app/x.x.x"
    image = building.finish(created["imageBuildVersionArn"])
    assert "sourcePipelineArn" not in image
    [ami] = image["outputResources"]["amis"]
    assert (ami["region"], ami["accountId"]) == (REGION, ACCOUNT)
    # AmiDistributionConfiguration: the name, when none is given.
    assert ami["name"] == "app 2026-11-01T00-00-00.000000Z"


def test_the_pipeline_tells_of_its_last_run(building: ImageBuilding) -> None:
    """Image Builder API reference, ImagePipeline: dateLastRun, lastRunStatus."""
    pipeline = building.pipeline()
    described = building.client().get_image_pipeline(imagePipelineArn=pipeline)["imagePipeline"]
    assert "dateLastRun" not in described
    building.clock.sleep(60)
    building.finish(building.start(pipeline))
    described = building.client().get_image_pipeline(imagePipelineArn=pipeline)["imagePipeline"]
    assert (described["dateLastRun"], described["lastRunStatus"]) == ("2026-11-01T00:01:00.000Z", "AVAILABLE")


# -- AMIs -----------------------------------------------------------------------------------------------------------


def test_every_region_of_the_distribution_gets_an_ami(building: ImageBuilding) -> None:
    """Image Builder API reference, Ami; User Guide, "Tag Image Builder output resources"."""
    arn = building.start(
        building.pipeline(
            ami_distribution(description="patched", amiTags={"Built": "{{imagebuilder:buildVersion}}"}),
            ami_distribution("eu-west-1"),
        )
    )
    outputs = building.finish(arn)["outputResources"]["amis"]
    assert [(ami["region"], ami["accountId"], ami.get("description")) for ami in outputs] == [
        (REGION, ACCOUNT, "patched"),
        ("eu-west-1", ACCOUNT, None),
    ]
    for output in outputs:
        [ami] = amis(building, output["region"])
        assert (ami["ImageId"], ami.get("Description")) == (output["image"], output.get("description"))
        assert ami["Name"] == output["name"] == "app 2026-11-01T00-00-00.000000Z"
        assert (ami["OwnerId"], ami["State"], ami["Public"]) == (ACCOUNT, "available", False)
        tags = {tag["Key"]: tag["Value"] for tag in ami["Tags"]}
        assert tags.pop("Built", "1") == "1"
        assert tags == {"CreatedBy": "EC2 Image Builder", "Ec2ImageBuilderArn": arn}


def test_every_target_account_gets_an_ami_of_its_own(building: ImageBuilding) -> None:
    """Image Builder API reference, AmiDistributionConfiguration: targetAccountIds."""
    accounts = ["111111111111", "222222222222"]
    arn = building.start(building.pipeline(ami_distribution(targetAccountIds=accounts)))
    outputs = building.finish(arn)["outputResources"]["amis"]
    assert [ami["accountId"] for ami in outputs] == accounts
    assert len({ami["image"] for ami in outputs}) == 2
    assert amis(building) == []


def test_an_ami_has_the_architecture_of_its_parent_and_can_be_launched(building_on_public_amis: ImageBuilding) -> None:
    """Image Builder User Guide, "How Image Builder works": the output AMI is made of the parent image."""
    building = building_on_public_amis
    parent = "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    building.finish(building.start(building.pipeline(recipe={"parent": parent})))
    [ami] = amis(building)
    assert (ami["Architecture"], ami["RootDeviceType"], ami["RootDeviceName"]) == ("arm64", "ebs", "/dev/xvda")
    parameters = {"ImageId": ami["ImageId"], "InstanceType": "t4g.micro"}
    started = building.client("ec2").run_instances(MinCount=1, MaxCount=1, **parameters)
    assert started["Instances"][0]["ImageId"] == ami["ImageId"]


def test_launch_permissions_are_given(building: ImageBuilding) -> None:
    """Image Builder API reference, LaunchPermissionConfiguration: userIds."""
    building.finish(building.start(building.pipeline(ami_distribution(launchPermission={"userIds": ["111111111111"]}))))
    [ami] = amis(building)
    attribute = building.client("ec2").describe_image_attribute(ImageId=ami["ImageId"], Attribute="launchPermission")
    assert attribute["LaunchPermissions"] == [{"UserId": "111111111111"}]


def test_ssm_parameters_hold_the_ami_of_their_region(building: ImageBuilding) -> None:
    """Image Builder API reference, SsmParameterConfiguration: made if it does not exist, else updated."""
    pipeline = building.pipeline(
        {
            **ami_distribution("eu-west-1"),
            "ssmParameterConfigurations": [{"parameterName": "/imagebuilder/app/ami", "dataType": "aws:ec2:image"}],
        }
    )
    for _ in range(2):
        image = building.finish(building.start(pipeline))
    parameter = building.client("ssm", "eu-west-1").get_parameter(Name="/imagebuilder/app/ami")["Parameter"]
    assert parameter["Value"] == image["outputResources"]["amis"][0]["image"]
    assert (parameter["DataType"], parameter["Version"]) == ("aws:ec2:image", 2)


def test_a_scenario_can_leave_the_home_region_without_an_ami(building: ImageBuilding) -> None:
    settings.use(ImageBuilderSettings(distribute_to=["eu-west-1"]))
    image = building.finish(building.start(building.pipeline()))
    assert image["state"] == {"status": "AVAILABLE"}
    assert [ami["region"] for ami in image["outputResources"]["amis"]] == ["eu-west-1"]
    assert amis(building) == []


# -- parent images --------------------------------------------------------------------------------------------------


def test_the_parent_may_be_an_image_of_our_own(building: ImageBuilding) -> None:
    """Image Builder API reference, ImageRecipe: parentImage; x.x.x means the latest that is AVAILABLE."""
    base = building.start(building.pipeline())
    recipe = building.recipe("child", parent=f"{ARN}:image/app/x.x.x")
    child = {"imageRecipeArn": recipe, "infrastructureConfigurationArn": f"{ARN}:infrastructure-configuration/app"}
    early = building.client().create_image(**child)["imageBuildVersionArn"]
    building.finish(base)
    late = building.client().create_image(**child)["imageBuildVersionArn"]
    assert building.finish(early)["state"]["status"] == "FAILED"
    assert building.finish(late)["state"]["status"] == "AVAILABLE"


@pytest.mark.parametrize(
    "parent",
    ["ami-0123456789abcdef0", "ssm:/aws/service/no/such", f"{ARN}:image/none/x.x.x"],
)
def test_a_parent_that_cannot_be_found_fails_the_build(building: ImageBuilding, parent: str) -> None:
    """Image Builder logs "Resolved Image Recipe parent image" as the first thing in BUILDING."""
    image = building.finish(building.start(building.pipeline(recipe={"parent": parent})))
    assert image["state"]["status"] == "FAILED"
    assert parent in image["state"]["reason"]
    assert image["state"]["failureContext"] == {"imageStatus": "BUILDING"}
    assert building.client().list_workflow_executions(imageBuildVersionArn=image["arn"])["workflowExecutions"] == []
    assert amis(building) == []


@pytest.mark.parametrize("taken_away", ["deregister_image", "disable_image"])
def test_a_parent_that_is_no_longer_available_fails_the_build(building: ImageBuilding, taken_away: str) -> None:
    """Image Builder API reference, ImageRecipe: you must have access to the AMI."""
    base = building.finish(building.start(building.pipeline()))["outputResources"]["amis"][0]["image"]
    recipe = building.recipe("child", parent=base)
    getattr(building.client("ec2"), taken_away)(ImageId=base)
    arn = building.client().create_image(
        imageRecipeArn=recipe, infrastructureConfigurationArn=f"{ARN}:infrastructure-configuration/app"
    )["imageBuildVersionArn"]
    assert building.finish(arn)["state"]["status"] == "FAILED"


def test_an_amazon_managed_image_is_what_its_parameter_says(building_on_public_amis: ImageBuilding) -> None:
    """Image Builder User Guide, "Semantic versioning": arn:...:aws:image/amazon-linux-2023-x86/x.x.x."""
    building = building_on_public_amis
    managed = f"arn:aws:imagebuilder:{REGION}:aws:image/amazon-linux-2023-arm64/x.x.x"
    building.finish(building.start(building.pipeline(recipe={"parent": managed})))
    assert [ami["Architecture"] for ami in amis(building)] == ["arm64"]


# -- failures -------------------------------------------------------------------------------------------------------


def test_a_component_that_fails_is_told(building: ImageBuilding) -> None:
    """Image Builder API reference, ImageFailureContext and ComponentFailureContext."""
    settings.use(ImageBuilderSettings(fail_in="BUILDING"))
    arn = building.start(building.pipeline())
    state = building.finish(arn)["state"]
    assert state["status"] == "FAILED"
    component = f"{ARN}:component/app/1.0.0/1"
    assert f"Document {component} failed!" in state["reason"]
    context = state["failureContext"]
    [execution] = building.client().list_workflow_executions(imageBuildVersionArn=arn)["workflowExecutions"]
    assert execution["status"] == "FAILED"
    assert context["workflowExecutionId"] == execution["workflowExecutionId"]
    assert (context["imageStatus"], context["failedStep"]) == ("BUILDING", "ApplyBuildComponents")
    failure = context["componentFailure"]
    assert (failure["componentArn"], failure["phaseName"], failure["stepName"], failure["action"]) == (
        component,
        "build",
        "UpdateOS",
        "ExecuteBash",
    )
    assert "Curl error" in failure["errorMessage"]
    assert amis(building) == []
    assert dict(kept(building, arn).history)["FAILED"] == kept(building, arn).ended_at


def test_the_words_of_a_failure_are_settings(building: ImageBuilding) -> None:
    settings.use(
        ImageBuilderSettings(
            fail_in="TESTING",
            failure_reason="{image_arn} did not boot in {status} {}",
            failed_step="LaunchTestInstance",
            failed_phase="validate",
            failed_component_step="Ping",
            failed_action="ExecuteBinary",
            error_message="no answer",
        )
    )
    arn = building.start(building.pipeline())
    state = building.finish(arn)["state"]
    assert state["reason"] == f"{arn} did not boot in TESTING {{}}"
    context = state["failureContext"]
    assert context["failedStep"] == "LaunchTestInstance"
    del context["componentFailure"]["componentArn"]
    assert context["componentFailure"] == {
        "phaseName": "validate",
        "stepName": "Ping",
        "action": "ExecuteBinary",
        "errorMessage": "no answer",
    }


def test_a_distribution_that_fails_is_told_by_region(building: ImageBuilding) -> None:
    """Image Builder API reference, DistributionFailureContext."""
    settings.use(ImageBuilderSettings(fail_in="DISTRIBUTING", error_message="the KMS key is disabled"))
    context = building.finish(building.start(building.pipeline()))["state"]["failureContext"]
    assert "componentFailure" not in context
    assert context["distributionFailure"] == {
        "errorMessage": "the KMS key is disabled",
        "regionFailures": [{"region": REGION, "status": "FAILED", "errorMessage": "the KMS key is disabled"}],
    }


@pytest.mark.parametrize("state", ["PENDING", "CREATING", "INTEGRATING"])
def test_a_build_can_fail_in_any_state(building: ImageBuilding, state: str) -> None:
    """Image Builder API reference, ImageFailureContext: only the properties that apply."""
    settings.use(ImageBuilderSettings(fail_in=state))
    state_of_image = building.finish(building.start(building.pipeline()))["state"]
    assert state_of_image["status"] == "FAILED"
    assert state_of_image["failureContext"]["imageStatus"] == state
    assert "failedStep" not in state_of_image["failureContext"]


@pytest.mark.parametrize("settings", [{"fail_in": "BOILING"}, {"hang_in": "AVAILABLE"}])
def test_a_setting_that_names_no_state_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(InvalidSettings, match="one of PENDING, CREATING"):
        ImageBuilderSettings(**settings)  # type: ignore[arg-type]


def test_a_build_cannot_fail_and_hang_in_the_same_state() -> None:
    with pytest.raises(InvalidSettings, match="found both"):
        ImageBuilderSettings(fail_in="TESTING", hang_in="TESTING")


# -- cancellation ---------------------------------------------------------------------------------------------------


def test_a_build_that_hangs_is_cancelled_soon_after_it_is_told_to(building: ImageBuilding) -> None:
    """Image Builder API reference, CancelImageCreation: asynchronous, then CANCELLED."""
    settings.use(ImageBuilderSettings(hang_in="TESTING"))
    arn = building.start(building.pipeline())
    building.clock.sleep(timedelta(days=1).total_seconds())
    assert building.status(arn) == "TESTING"
    building.client().cancel_image_creation(imageBuildVersionArn=arn)
    assert building.status(arn) == "TESTING"
    building.clock.sleep(30)
    assert building.image(arn)["state"] == {"status": "CANCELLED", "reason": "Cancelled by user"}
    assert kept(building, arn).ended_at == pytest.approx(building.clock.time() - 10)


def test_a_cancelled_build_does_not_go_on(building: ImageBuilding) -> None:
    """Image Builder API reference, CancelImageCreation: Image Builder stops the running build."""
    arn = building.start(building.pipeline())
    building.clock.sleep(100)
    for _ in range(2):
        building.client().cancel_image_creation(imageBuildVersionArn=arn)
    building.clock.sleep(7200)
    assert building.status(arn) == "CANCELLED"
    assert [state for state, _ in kept(building, arn).history].count("CANCELLED") == 1
    assert amis(building) == []


def test_cancelling_removes_no_ami_that_exists(building: ImageBuilding) -> None:
    """Image Builder API reference, CancelImageCreation: output resources already created are not removed."""
    settings.use(ImageBuilderSettings(hang_in="INTEGRATING"))
    arn = building.start(building.pipeline())
    building.clock.sleep(3600)
    building.client().cancel_image_creation(imageBuildVersionArn=arn)
    image = building.finish(arn)
    assert image["state"]["status"] == "CANCELLED"
    assert [ami["ImageId"] for ami in amis(building)] == [ami["image"] for ami in image["outputResources"]["amis"]]
    assert len(amis(building)) == 1


def test_what_has_ended_cannot_be_cancelled(building: ImageBuilding) -> None:
    """Image Builder API reference, CancelImageCreation: only images in a non-terminal state."""
    arn = building.start(building.pipeline())
    building.finish(arn)
    code, message = building.refused("cancel_image_creation", imageBuildVersionArn=arn)
    assert (code, "AVAILABLE" in message) == ("InvalidRequestException", True)


def test_somebody_else_can_cancel(building: ImageBuilding) -> None:
    settings.use(ImageBuilderSettings(cancelled_after=120))
    arn = building.start(building.pipeline())
    building.clock.sleep(119)
    assert building.status(arn) == "BUILDING"
    building.clock.sleep(60)
    assert building.status(arn) == "CANCELLED"


def test_an_image_that_is_being_built_cannot_be_deleted(building: ImageBuilding) -> None:
    """Image Builder API reference, DeleteImage: it fails while the build runs, and deletes no AMI."""
    arn = building.start(building.pipeline())
    assert building.refused("delete_image", imageBuildVersionArn=arn)[0] == "ResourceDependencyException"
    building.finish(arn)
    building.client().delete_image(imageBuildVersionArn=arn)
    assert building.refused("get_image", imageBuildVersionArn=arn)[0] == "ResourceNotFoundException"
    assert len(amis(building)) == 1


# -- events, workflows and packages ---------------------------------------------------------------------------------


def test_every_change_of_state_is_an_event(building: ImageBuilding) -> None:
    """Image Builder User Guide, "EventBridge integration": EC2 Image Builder Image State Change."""
    sqs, events = building.client("sqs"), building.client("events")
    url = sqs.create_queue(QueueName="changes")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    pattern = {"source": ["aws.imagebuilder"], "detail-type": ["EC2 Image Builder Image State Change"]}
    events.put_rule(Name="changes", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="changes", Targets=[{"Id": "queue", "Arn": queue}])
    settings.use(ImageBuilderSettings(fail_in="TESTING"))
    arn = building.start(building.pipeline())
    building.finish(arn)
    building.clock.sleep(60)
    received = [
        json.loads(message["Body"]) for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    ]
    states = ["PENDING", "CREATING", "BUILDING", "TESTING", "FAILED"]
    assert [event["detail"] for event in received] == [
        {"previous-state": {"status": before}, "state": {"status": after}} for before, after in pairwise(states)
    ]
    assert {(event["region"], event["account"], *event["resources"]) for event in received} == {(REGION, ACCOUNT, arn)}


def test_the_workflows_have_the_times_of_their_states(building: ImageBuilding) -> None:
    """Image Builder API reference, WorkflowExecutionMetadata."""
    arn = building.start(building.pipeline())
    building.clock.sleep(60)
    [running] = building.client().list_workflow_executions(imageBuildVersionArn=arn)["workflowExecutions"]
    assert (running["type"], running["status"], "endTime" in running) == ("BUILD", "RUNNING", False)
    building.finish(arn)
    answer = building.client().list_workflow_executions(imageBuildVersionArn=arn)
    assert answer["imageBuildVersionArn"] == arn
    build, test = answer["workflowExecutions"]
    assert build["workflowExecutionId"] == running["workflowExecutionId"]
    assert (build["startTime"], build["endTime"]) == ("2026-11-01T00:00:15.000Z", "2026-11-01T00:14:15.000Z")
    assert (test["type"], test["status"], test["startTime"]) == ("TEST", "COMPLETED", build["endTime"])


def test_packages_are_known_once_the_image_is_built(building: ImageBuilding) -> None:
    """Image Builder API reference, ListImagePackages: 25 in a page by default."""
    pipeline = building.pipeline()
    first = building.start(pipeline)
    client = building.client()
    assert client.list_image_packages(imageBuildVersionArn=first)["imagePackageList"] == []
    building.finish(first)
    page = client.list_image_packages(imageBuildVersionArn=first)
    assert len(page["imagePackageList"]) == 25
    rest = client.list_image_packages(imageBuildVersionArn=first, nextToken=page["nextToken"])
    assert "nextToken" not in rest

    def packages(arn: str) -> dict[str, str]:
        pages = client.get_paginator("list_image_packages").paginate(imageBuildVersionArn=arn)
        return {
            package["packageName"]: package["packageVersion"] for page in pages for package in page["imagePackageList"]
        }

    second = building.start(pipeline)
    building.finish(second)
    before, after = packages(first), packages(second)
    assert list(before) == [package["packageName"] for package in page["imagePackageList"] + rest["imagePackageList"]]
    changed = {name for name, version in after.items() if version != before[name]}
    assert "kernel" in changed
    assert changed < set(after)


def test_without_enhanced_metadata_there_are_no_packages(building: ImageBuilding) -> None:
    """Image Builder API reference, Image: enhancedImageMetadataEnabled collects the package list."""
    arn = building.start(building.pipeline(enhancedImageMetadataEnabled=False))
    building.finish(arn)
    assert building.client().list_image_packages(imageBuildVersionArn=arn)["imagePackageList"] == []


def test_a_version_arn_is_that_of_the_latest_available_build(building: ImageBuilding) -> None:
    """Image Builder API reference, GetImage: wildcards resolve to what has reached AVAILABLE."""
    pipeline = building.pipeline()
    client = building.client()
    first = building.start(pipeline)
    assert (
        building.refused("get_image", imageBuildVersionArn=f"{ARN}:image/app/x.x.x")[0] == "ResourceNotFoundException"
    )
    building.finish(first)
    settings.use(ImageBuilderSettings(fail_in="BUILDING"))
    building.finish(building.start(pipeline))
    settings.use(ImageBuilderSettings())
    for version in ("x.x.x", "1.x.x", "1.0.0"):
        answer = client.get_image(imageBuildVersionArn=f"{ARN}:image/app/{version}")
        assert answer["image"]["arn"] == first
    assert building.image(f"{ARN}:image/app/1.0.0/2")["state"]["status"] == "FAILED"


def test_moto_can_be_reset_while_an_image_is_built(building: ImageBuilding) -> None:
    building.start(building.pipeline())
    imagebuilder_backends[ACCOUNT][REGION].reset()
    building.clock.sleep(7200)
    assert amis(building) == []
    assert building.component(data=COMPONENT_DOCUMENT) == f"{ARN}:component/app/1.0.0/1"
