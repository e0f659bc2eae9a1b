"""A task that Step Functions runs again starts nothing twice, and nobody else's work is taken for the run's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from autopatch.auto_scaling import AutoScaling
from autopatch.contracts import Ami, Execution, ImageBuild, Run, Target, Update
from autopatch.errors import DeploymentTimedOut, ImageBuildTimedOut, TargetNotReady
from autopatch.handlers.check_deployment import DeploymentChecker
from autopatch.handlers.check_image import check_image
from autopatch.handlers.start_image_build import start_image_build
from autopatch.handlers.update_stack import StackUpdater
from autopatch.image_builder import ImageBuilder
from autopatch.settings import UpdateSettings
from autopatch.stacks import Stacks
from local_aws import scenario
from local_aws.aws import LocalAws
from local_aws.deployment import Deployment, deploy
from local_aws.scenario import Scenario
from tests.workflow.running import describe, instances


@pytest.fixture
def deployed() -> Iterator[tuple[LocalAws, Deployment]]:
    with LocalAws(Scenario()) as aws:
        yield aws, deploy(Scenario())


def execution(name: str = "one") -> Execution:
    return Execution(f"arn:aws:states:us-east-1:123456789012:execution:patch:{name}", datetime.now(UTC))


def plan(deployment: Deployment, ami_before: str) -> Run:
    target = Target("web", "AmazonMachineImage", None, ami_before)
    return Run("manual", None, False, deployment.pipeline_arn, None, (target,), 120, 90)


def updater(of: Execution, run: Run, ami: str) -> StackUpdater:
    return StackUpdater(
        execution=of,
        run=run,
        target=run.targets[0],
        ami=Ami(ami),
        settings=UpdateSettings(None),
        stacks=Stacks.create(),
        auto_scaling=AutoScaling.create,
    )


def new_ami() -> str:
    return str(boto3.client("ec2").register_image(Name="newer", RootDeviceName="/dev/xvda")["ImageId"])


def images(deployment: Deployment) -> list[str]:
    answer = boto3.client("imagebuilder").list_image_pipeline_images(imagePipelineArn=deployment.pipeline_arn)
    return [image["arn"] for image in answer["imageSummaryList"]]


def test_a_retried_start_gives_the_same_build(deployed: tuple[LocalAws, Deployment]) -> None:
    aws, deployment = deployed
    one, run = execution(), plan(deployment, "ami-00000000")
    first = start_image_build(one, run, ImageBuilder.create(), datetime.now(UTC))
    aws.clock.sleep(5)
    again = start_image_build(one, run, ImageBuilder.create(), datetime.now(UTC))
    assert (again.image_arn, again.joined) == (first.image_arn, False)
    assert images(deployment) == [first.image_arn]


def test_a_later_execution_joins_the_build(deployed: tuple[LocalAws, Deployment]) -> None:
    aws, deployment = deployed
    run = plan(deployment, "ami-00000000")
    first = start_image_build(execution(), run, ImageBuilder.create(), datetime.now(UTC))
    aws.clock.sleep(300)
    joined = start_image_build(execution("two"), run, ImageBuilder.create(), datetime.now(UTC))
    assert (joined.image_arn, joined.joined) == (first.image_arn, True)
    assert len(images(deployment)) == 1


@pytest.mark.parametrize(("joined", "status"), [(True, "BUILDING"), (False, "CANCELLED")])
def test_only_a_build_of_our_own_is_cancelled_at_its_deadline(
    deployed: tuple[LocalAws, Deployment], joined: bool, status: str
) -> None:
    aws, deployment = deployed
    one = execution()
    build = start_image_build(one, plan(deployment, "ami-00000000"), ImageBuilder.create(), datetime.now(UTC))
    aws.clock.sleep(300)
    overdue = ImageBuild.from_event({**build.to_event(), "joined": joined, "deadlineAt": build.to_event()["startedAt"]})
    with pytest.raises(ImageBuildTimedOut):
        check_image(one, overdue, ImageBuilder.create(), datetime.now(UTC))
    aws.clock.sleep(60)
    with pytest.raises(ImageBuildTimedOut):  # a retry says the same, although a build of our own is CANCELLED by now
        check_image(one, overdue, ImageBuilder.create(), datetime.now(UTC))
    image = boto3.client("imagebuilder").get_image(imageBuildVersionArn=build.image_arn)["image"]
    assert image["state"]["status"] == status


def test_a_retried_update_is_recognised_as_our_own(deployed: tuple[LocalAws, Deployment]) -> None:
    aws, deployment = deployed
    one, run, ami = execution(), plan(deployment, deployment.golden_ami), new_ami()
    assert updater(one, run, ami).update(Update(), datetime.now(UTC)).status == "UPDATING"
    aws.clock.sleep(10)
    again = updater(one, run, ami).update(Update(), datetime.now(UTC))
    assert (again.status, again.ami_before) == ("UPDATING", deployment.golden_ami)
    aws.clock.sleep(1800)
    done = DeploymentChecker(one, run, run.targets[0], Stacks.create()).check(again, datetime.now(UTC))
    assert (done.status, done.outcome) == ("DONE", "PATCHED")
    events = boto3.client("cloudformation").describe_stack_events(StackName="web")["StackEvents"]
    assert sum(event.get("ResourceStatusReason") == "User Initiated" for event in events) == 2  # create and update


def test_somebody_elses_update_is_waited_for(deployed: tuple[LocalAws, Deployment]) -> None:
    aws, deployment = deployed
    one, run = execution(), plan(deployment, deployment.golden_ami)
    two, ami = execution("two"), new_ami()
    updater(one, run, ami).update(Update(), datetime.now(UTC))
    aws.clock.sleep(10)
    waiting = updater(two, run, ami).update(Update(), datetime.now(UTC))
    assert waiting.status == "BUSY"
    still = updater(two, run, ami).update(waiting, datetime.now(UTC))
    assert (still.status, still.deadline_at) == ("BUSY", waiting.deadline_at)
    with pytest.raises(TargetNotReady, match="to settle within 90 minutes, found it still UPDATE_IN_PROGRESS"):
        updater(two, run, ami).update(waiting, datetime.now(UTC) + timedelta(minutes=91))
    aws.clock.sleep(1800)
    settled = updater(two, run, ami).update(waiting, datetime.now(UTC))
    assert (settled.status, settled.outcome) == ("DONE", "ALREADY_CURRENT")


def test_an_older_update_complete_is_not_taken_for_ours(deployed: tuple[LocalAws, Deployment]) -> None:
    """Every event of an operation carries its token (CloudFormation API reference, StackEvent)."""
    aws, deployment = deployed
    run, ami = plan(deployment, deployment.golden_ami), new_ami()
    updater(execution(), run, ami).update(Update(), datetime.now(UTC))
    aws.clock.sleep(1800)
    assert describe("web")["StackStatus"] == "UPDATE_COMPLETE"
    two = execution("two")
    ours = Update(stack_id=describe("web")["StackId"]).waiting("UPDATING", datetime.now(UTC), 90)
    checked = DeploymentChecker(two, run, run.targets[0], Stacks.create()).check(ours, datetime.now(UTC))
    assert checked.status == "UPDATING"


def test_a_parameter_that_changes_nothing_is_not_called_patched(deployed: tuple[LocalAws, Deployment]) -> None:
    """UpdateStack refuses with "No updates are to be performed." when no resource changes."""
    _, deployment = deployed
    template = {
        "Parameters": {"Ami": {"Type": "String"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}}},
    }
    import json

    boto3.client("cloudformation").create_stack(
        StackName="odd",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "Ami", "ParameterValue": deployment.golden_ami}],
    )
    run = Run("manual", None, False, "x", None, (Target("odd", "Ami", None, deployment.golden_ami),), 120, 90)
    with pytest.raises(TargetNotReady, match="found that nothing changes"):
        updater(execution(), run, new_ami()).update(Update(), datetime.now(UTC))
    assert len(instances("web")) == 2


def test_a_rollback_has_a_deadline_of_its_own() -> None:
    chosen = scenario.from_document("rolls-back", {"cloudformation": {"stacks": {"web": {"signals": "none"}}}})
    with LocalAws(chosen) as aws:
        deployment = deploy(chosen)
        one, run = execution(), plan(deployment, deployment.golden_ami)
        updating = updater(one, run, new_ami()).update(Update(), datetime.now(UTC))
        while describe("web")["StackStatus"] != "UPDATE_ROLLBACK_IN_PROGRESS":
            aws.clock.sleep(5)
        now = datetime.now(UTC)
        checked = DeploymentChecker(one, run, run.targets[0], Stacks.create()).check(updating, now)
        assert (checked.status, checked.deadline_at) == ("ROLLING_BACK", now + timedelta(minutes=90))
        late = checked.deadline_at
        assert late is not None
        with pytest.raises(DeploymentTimedOut, match="found it rolling back after"):
            DeploymentChecker(one, run, run.targets[0], Stacks.create()).check(checked, late)
