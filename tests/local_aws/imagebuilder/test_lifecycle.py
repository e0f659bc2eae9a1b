"""Lifecycle policies: what is deleted as virtual days and months pass, and what is spared."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from local_aws.imagebuilder.not_modelled import OperationNotModelled
from tests.local_aws.imagebuilder.image_building import ACCOUNT, ARN, REGION, ImageBuilding, ami_distribution, building

__all__ = ["building"]

DAY = 24 * 60 * 60
POLICY = f"{ARN}:lifecycle-policy/app"
EVERYTHING = {"amis": True, "snapshots": True}


def rule(include: dict[str, bool] | None = None, **parts: Any) -> dict[str, Any]:
    """A rule that deletes all but the newest two, with AMIs and snapshots; the parameters change that."""
    return {
        "action": {"type": "DELETE", "includeResources": EVERYTHING if include is None else include},
        "filter": {"type": "COUNT", "value": 2},
        **parts,
    }


def settings(*rules: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    """The parameters of a policy for images of the recipe `app`."""
    return {
        "name": "app",
        "executionRole": "lifecycle",
        "resourceType": "AMI_IMAGE",
        "policyDetails": list(rules) or [rule()],
        "resourceSelection": {"recipes": [{"name": "app", "semanticVersion": "x.x.x"}]},
        **parameters,
    }


def create(building: ImageBuilding, *rules: dict[str, Any], **parameters: Any) -> None:
    building.role("lifecycle", "imagebuilder.amazonaws.com")
    building.client().create_lifecycle_policy(**settings(*rules, **parameters))


def build(building: ImageBuilding, pipeline: str, number: int = 1, **parameters: Any) -> list[str]:
    """Build `number` images, a day apart; return their ARNs."""
    arns = []
    for _ in range(number):
        arns.append(building.finish(building.start(pipeline, **parameters))["arn"])
        building.clock.sleep(DAY)
    return arns


def images(building: ImageBuilding) -> list[str]:
    summaries = building.client().list_image_build_versions()["imageSummaryList"]
    return sorted(image["arn"] for image in summaries)


def ami(building: ImageBuilding, arn: str, region: str = REGION) -> str:
    outputs = building.image(arn)["outputResources"]["amis"]
    return next(str(output["image"]) for output in outputs if output["region"] == region)


def existing(building: ImageBuilding, region: str = REGION) -> tuple[set[str], set[str]]:
    """The AMIs and the snapshots that Image Builder has created."""
    by_image_builder = [{"Name": "tag:CreatedBy", "Values": ["EC2 Image Builder"]}]
    ec2 = building.client("ec2", region)
    return (
        {image["ImageId"] for image in ec2.describe_images(Filters=by_image_builder)["Images"]},
        {snapshot["SnapshotId"] for snapshot in ec2.describe_snapshots(Filters=by_image_builder)["Snapshots"]},
    )


def executions(building: ImageBuilding) -> list[Any]:
    """Newest first."""
    return list(building.client().list_lifecycle_executions(resourceArn=POLICY)["lifecycleExecutions"])


# -- what goes and what stays ---------------------------------------------------------------------------------------


def test_the_newest_stay_and_the_others_go_with_amis_and_snapshots(building: ImageBuilding) -> None:
    """Image Builder User Guide, "How lifecycle management rules work": delete rule, by count."""
    create(building)
    pipeline = building.pipeline(ami_distribution(), ami_distribution("eu-west-1"))
    built = build(building, pipeline, 2)
    kept = [ami(building, arn) for arn in built]
    assert images(building) == built
    built += build(building, pipeline, 5)
    assert images(building) == built[-2:]
    for region in (REGION, "eu-west-1"):
        newest = {ami(building, arn, region) for arn in built[-2:]}
        existing_amis, snapshots = existing(building, region)
        assert (existing_amis, len(snapshots)) == (newest, 2)
    assert not newest & set(kept)


def test_over_a_year_of_months_there_are_never_more_than_are_to_be_kept(building: ImageBuilding) -> None:
    """Image Builder User Guide, "How lifecycle policy execution works": once per day."""
    create(building)
    pipeline = building.pipeline()
    for _ in range(12):
        [newest] = build(building, pipeline)
        building.clock.sleep(30 * DAY)
        assert newest in images(building)
        assert len(images(building)) <= 2
    runs = executions(building)
    gaps = {(later["startTime"] - earlier["startTime"]).days for later, earlier in pairwise(runs)}
    assert gaps == {1}


def test_an_ami_that_was_launched_lately_stays_until_that_is_long_ago(building: ImageBuilding) -> None:
    """Image Builder API reference, LifecyclePolicyDetailExclusionRulesAmis: lastLaunched.

    EC2 User Guide, "Check when an Amazon EC2 AMI was last used": it is reported 24 hours later.
    """
    recently = {"amis": {"lastLaunched": {"value": 3, "unit": "WEEKS"}}}
    pipeline = building.pipeline()
    old, launched, *newer = build(building, pipeline, 4)
    in_use = ami(building, launched)
    building.client("ec2").run_instances(ImageId=in_use, MinCount=1, MaxCount=1)
    building.clock.sleep(DAY)
    create(building, rule(exclusionRules=recently))
    building.clock.sleep(2.5 * DAY)
    assert old not in images(building)
    assert images(building) == [launched, *newer]
    assert in_use in existing(building)[0]
    skipped = building.client().list_lifecycle_execution_resources(
        lifecycleExecutionId=executions(building)[0]["lifecycleExecutionId"]
    )
    assert [(listed["resourceId"], listed["state"]["status"]) for listed in skipped["resources"]] == [
        (launched, "SKIPPED")
    ]
    building.clock.sleep(21 * DAY)
    assert images(building) == newer
    assert in_use not in existing(building)[0]


def test_a_launch_within_the_last_24_hours_is_not_reported_yet(building: ImageBuilding) -> None:
    """EC2 User Guide, "Check when an Amazon EC2 AMI was last used"."""
    old, *newer = build(building, building.pipeline(), 3)
    create(building, rule(exclusionRules={"amis": {"lastLaunched": {"value": 1, "unit": "YEARS"}}}))
    building.clock.sleep(DAY / 2)
    building.client("ec2").run_instances(ImageId=ami(building, old), MinCount=1, MaxCount=1)
    building.clock.sleep(DAY)
    assert images(building) == newer


@pytest.mark.parametrize(
    "exclusion",
    [
        {"tagMap": {"Keep": "true"}},
        {"amis": {"tagMap": {"Keep": "true", "Other": "no"}}},
        {"amis": {"isPublic": True}},
        {"amis": {"sharedAccounts": ["111111111111", "222222222222"]}},
        {"amis": {"regions": [REGION]}},
    ],
)
def test_every_exclusion_rule_spares_what_it_names(building: ImageBuilding, exclusion: dict[str, Any]) -> None:
    """Image Builder API reference, LifecyclePolicyDetailExclusionRules, LifecyclePolicyDetailExclusionRulesAmis."""
    permission = {"userIds": ["222222222222"], "userGroups": ["all"]}
    pipeline = building.pipeline(ami_distribution(launchPermission=permission, amiTags={"Keep": "true"}))
    built = build(building, pipeline, 3, tags={"Keep": "true"})
    create(building, rule(exclusionRules=exclusion))
    building.clock.sleep(2 * DAY)
    assert (images(building), len(existing(building)[0])) == (built, 3)
    assert executions(building)[0]["resourcesImpactedSummary"] == {"hasImpactedResources": False}


@pytest.mark.parametrize(
    "exclusion",
    [
        {"tagMap": {"Keep": "false"}},
        {"amis": {"tagMap": {"Keep": "false"}}},
        {"amis": {"isPublic": True, "sharedAccounts": ["222222222222"], "regions": ["eu-west-1"]}},
        {"amis": {"lastLaunched": {"value": 365, "unit": "DAYS"}}},
    ],
)
def test_an_exclusion_rule_spares_nothing_else(building: ImageBuilding, exclusion: dict[str, Any]) -> None:
    """Image Builder API reference: key and value of a tag must match; what was never launched is not excluded."""
    pipeline = building.pipeline(ami_distribution(amiTags={"Keep": "true"}))
    built = build(building, pipeline, 3, tags={"Keep": "true"})
    create(building, rule(exclusionRules=exclusion))
    building.clock.sleep(2 * DAY)
    assert images(building) == built[1:]


def test_the_image_stays_with_the_ami_that_is_excluded_and_its_other_amis_go(building: ImageBuilding) -> None:
    """Image Builder User Guide, "AMI lifecycle exclusion rules": the AMIs are excluded that meet the criteria."""
    pipeline = building.pipeline(ami_distribution(), ami_distribution("eu-west-1"))
    built = build(building, pipeline, 3)
    create(building, rule(exclusionRules={"amis": {"regions": [REGION]}}))
    building.clock.sleep(2 * DAY)
    assert images(building) == built
    assert (len(existing(building)[0]), len(existing(building, "eu-west-1")[0])) == (3, 2)


@pytest.mark.parametrize(
    ("include", "amis", "snapshots"), [({}, 3, 3), ({"amis": True}, 2, 3), ({"amis": True, "snapshots": True}, 2, 2)]
)
def test_a_rule_says_what_goes_with_the_image(
    building: ImageBuilding, include: dict[str, bool], amis: int, snapshots: int
) -> None:
    """Image Builder API reference, LifecyclePolicyDetailActionIncludeResources."""
    built = build(building, building.pipeline(), 3)
    create(building, rule(include))
    building.clock.sleep(2 * DAY)
    existing_amis, existing_snapshots = existing(building)
    assert images(building) == built[1:]
    assert (len(existing_amis), len(existing_snapshots)) == (amis, snapshots)


def test_by_age_and_never_fewer_than_are_to_be_retained(building: ImageBuilding) -> None:
    """Image Builder API reference, LifecyclePolicyDetailFilter: AGE, unit, retainAtLeast."""
    built = build(building, building.pipeline(), 4)
    create(building, rule(filter={"type": "AGE", "value": 5, "unit": "DAYS", "retainAtLeast": 1}))
    building.clock.sleep(1.5 * DAY)
    assert images(building) == built[1:]
    building.clock.sleep(30 * DAY)
    assert images(building) == built[-1:]


def test_only_available_images_that_are_selected_are_touched(building: ImageBuilding) -> None:
    """Image Builder API reference, LifecyclePolicyResourceSelection: recipes with wildcards, or tags."""
    pipeline = building.pipeline()
    built = build(building, pipeline, 3)
    create(
        building, resourceSelection={"recipes": [{"name": "app", "semanticVersion": "2.x.x"}]}, policyDetails=[rule()]
    )
    building.client().create_lifecycle_policy(
        **settings(name="tags", resourceSelection={"tagMap": {"Team": "nobody"}}, policyDetails=[rule()])
    )
    building.clock.sleep(3 * DAY)
    assert images(building) == built
    cancelled = building.start(pipeline)
    building.client().cancel_image_creation(imageBuildVersionArn=cancelled)
    building.finish(cancelled)
    building.client().update_lifecycle_policy(
        lifecyclePolicyArn=POLICY, **{key: value for key, value in settings().items() if key != "name"}
    )
    building.clock.sleep(2 * DAY)
    assert images(building) == [*built[1:], cancelled]


# -- executions -----------------------------------------------------------------------------------------------------


def test_an_execution_tells_what_it_did(building: ImageBuilding) -> None:
    """Image Builder API reference, LifecycleExecution, LifecycleExecutionResource."""
    old, *_ = build(building, building.pipeline(), 3)
    old_ami = ami(building, old)
    _, snapshots = existing(building)
    create(building)
    building.clock.sleep(1.5 * DAY)
    [execution] = executions(building)
    assert execution["lifecyclePolicyArn"] == POLICY
    assert execution["state"] == {"status": "SUCCESS"}
    assert execution["resourcesImpactedSummary"] == {"hasImpactedResources": True}
    client, run = building.client(), {"lifecycleExecutionId": execution["lifecycleExecutionId"]}
    assert client.get_lifecycle_execution(**run)["lifecycleExecution"] == execution
    [image] = client.list_lifecycle_execution_resources(**run)["resources"]
    assert (image["resourceId"], image["accountId"], image["region"]) == (old, ACCOUNT, REGION)
    assert (image["action"]["name"], image["state"]) == ("DELETE", {"status": "SUCCESS"})
    [output] = client.list_lifecycle_execution_resources(**run, parentResourceId=old)["resources"]
    assert output["resourceId"] == old_ami
    deleted_snapshots = {listed["snapshotId"] for listed in output["snapshots"]}
    assert deleted_snapshots == snapshots - existing(building)[1]
    policy = client.get_lifecycle_policy(lifecyclePolicyArn=POLICY)["lifecyclePolicy"]
    assert policy["dateLastRun"] == execution["startTime"]


def test_an_ami_that_somebody_has_deregistered_stops_nothing(building: ImageBuilding) -> None:
    """Image Builder User Guide, "How lifecycle policies handle externally modified resources"."""
    built = build(building, building.pipeline(), 3)
    building.client("ec2").deregister_image(ImageId=ami(building, built[0]))
    create(building)
    building.clock.sleep(2 * DAY)
    assert images(building) == built[1:]


def test_without_its_role_an_execution_fails_and_deletes_nothing(building: ImageBuilding) -> None:
    """Image Builder API reference, CreateLifecyclePolicy: executionRole; LifecycleExecutionState."""
    built = build(building, building.pipeline(), 3)
    create(building)
    building.client("iam").delete_role(RoleName="lifecycle")
    building.clock.sleep(1.5 * DAY)
    [execution] = executions(building)
    assert execution["state"]["status"] == "FAILED"
    assert "'lifecycle' does not exist" in execution["state"]["reason"]
    assert images(building) == built


def test_a_disabled_policy_does_not_run_and_a_deleted_one_neither(building: ImageBuilding) -> None:
    """Image Builder API reference, LifecyclePolicy: status; DeleteLifecyclePolicy; UpdateLifecyclePolicy."""
    built = build(building, building.pipeline(), 3)
    create(building, status="DISABLED")
    building.clock.sleep(3 * DAY)
    assert (images(building), executions(building)) == (built, [])
    client = building.client()
    update = {key: value for key, value in settings().items() if key != "name"}
    client.update_lifecycle_policy(lifecyclePolicyArn=POLICY, **update)
    assert client.get_lifecycle_policy(lifecyclePolicyArn=POLICY)["lifecyclePolicy"]["status"] == "ENABLED"
    building.clock.sleep(1.5 * DAY)
    assert images(building) == built[1:]
    client.update_lifecycle_policy(lifecyclePolicyArn=POLICY, status="DISABLED", **update)
    building.clock.sleep(3 * DAY)
    assert len(executions(building)) == 1
    client.update_lifecycle_policy(lifecyclePolicyArn=POLICY, **update)
    client.delete_lifecycle_policy(lifecyclePolicyArn=POLICY)
    building.clock.sleep(3 * DAY)
    assert len(executions(building)) == 1
    assert building.refused("get_lifecycle_policy", lifecyclePolicyArn=POLICY)[0] == "ResourceNotFoundException"


def test_policies_are_listed_with_their_filters(building: ImageBuilding) -> None:
    """Image Builder API reference, ListLifecyclePolicies: name, resourceType, status."""
    create(building, tags={"Team": "ops"})
    building.client().create_lifecycle_policy(**settings(name="off", status="DISABLED"))
    listed = building.client().list_lifecycle_policies(filters=[{"name": "status", "values": ["ENABLED"]}])
    [policy] = listed["lifecyclePolicySummaryList"]
    assert (policy["name"], policy["tags"], "policyDetails" in policy) == ("app", {"Team": "ops"}, False)


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"resourceSelection": {}}, "Exactly one of 'recipes' and 'tagMap'"),
        ({"policyDetails": [rule(), rule()]}, "one rule at most for each action type"),
        ({"policyDetails": [rule(filter={"type": "AGE", "value": 1})]}, "'unit' of policyDetails[0].filter"),
        ({"policyDetails": [rule(filter={"type": "COUNT", "value": 1, "retainAtLeast": 1})]}, "for AGE only"),
        ({"policyDetails": [rule({"snapshots": True})]}, "'snapshots' only with 'amis'"),
        ({"executionRole": "nobody"}, "'nobody' does not exist"),
        ({"executionRole": "lambda"}, "cannot be assumed by imagebuilder.amazonaws.com"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(
    building: ImageBuilding, parameters: dict[str, Any], reason: str
) -> None:
    """Image Builder API reference, CreateLifecyclePolicy and LifecyclePolicyDetail*."""
    building.role("lifecycle", "imagebuilder.amazonaws.com")
    building.role("lambda", "lambda.amazonaws.com")
    code, message = building.refused("create_lifecycle_policy", **settings(**{"policyDetails": [rule()], **parameters}))
    assert code == "InvalidRequestException"
    assert reason in message


@pytest.mark.parametrize(
    "parameters",
    [
        {"resourceType": "CONTAINER_IMAGE"},
        {"policyDetails": [rule({"containers": True})]},
        {"policyDetails": [{**rule({}), "action": {"type": "DEPRECATE"}}]},
    ],
)
def test_what_policies_of_the_embedded_aws_lack_is_named(building: ImageBuilding, parameters: dict[str, Any]) -> None:
    building.role("lifecycle", "imagebuilder.amazonaws.com")
    with pytest.raises(OperationNotModelled, match="not modelled in the embedded AWS"):
        building.client().create_lifecycle_policy(**settings(**{"policyDetails": [rule()], **parameters}))


def test_the_type_of_a_policy_cannot_be_changed(building: ImageBuilding) -> None:
    """Image Builder API reference, UpdateLifecyclePolicy: the resourceType must match."""
    create(building)
    update = {**{key: value for key, value in settings().items() if key != "name"}, "resourceType": "CONTAINER_IMAGE"}
    code, _ = building.refused("update_lifecycle_policy", lifecyclePolicyArn=POLICY, **update)
    assert code == "InvalidRequestException"
