"""A task that is retried starts nothing twice, and the work of others is not mistaken for the run's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from msgspec import structs

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.change_sets import ChangeSets
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.cloudwatch import CloudWatch
from autopatch.aws.ec2 import Ec2
from autopatch.aws.image_builder import ImageBuilder
from autopatch.aws.service_quotas import ServiceQuotas
from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import (
    Ami,
    Execution,
    Failure,
    NotStarted,
    Outcome,
    Pending,
    PendingStatus,
    Preview,
    PreviewStatus,
    RecordedFailure,
    Restored,
    Run,
    StackUpdate,
    Target,
    TargetResult,
    Trigger,
    Unchanged,
    UpdateStatus,
)
from autopatch.deployments import DeploymentChecker
from autopatch.diagnosis import Diagnosis
from autopatch.errors import DeploymentTimedOut, ImageBuildTimedOut, TargetNotReady
from autopatch.holds import Holds
from autopatch.image_builds import check_image, start_image_build
from autopatch.previewing import UpdatePreviewer
from autopatch.readiness import ReadinessChecker
from autopatch.saved_alarms import SavedAlarms
from autopatch.settings import CalendarSettings, Rollback, UpdateSettings, WhenClosed
from autopatch.summary import Summariser
from autopatch.updating import StackUpdater
from local_aws.aws import LocalAws
from rehearsal import scenario
from rehearsal.deployment import Deployment, deploy
from rehearsal.scenario import Scenario
from tests.workflow.rollout import change_sets, fleets, group_name
from tests.workflow.running import describe, instances, parameters, service_role


@pytest.fixture
def deployed() -> Iterator[tuple[LocalAws, Deployment]]:
    chosen = Scenario()
    with LocalAws(*chosen.behaviour) as aws:
        yield aws, deploy(chosen)


def new_execution(name: str = "one") -> Execution:
    return Execution(f"arn:aws:states:us-east-1:123456789012:execution:patch:{name}", datetime.now(UTC))


def plan(deployment: Deployment, ami_before: str, stack: str = "web", ami_parameter: str = "AmazonMachineImage") -> Run:
    capacity = "DesiredCapacity" if stack == "web" else None
    target = Target(stack, ami_parameter, capacity, ami_before)
    return Run(Trigger.MANUAL, None, False, Rollback.AUTOMATIC, deployment.pipeline_arn, None, (target,), 120, 90, 15)


def pending(run: Run) -> Pending:
    """The document that `Check Calendar` writes where there are no calendars."""
    now = datetime.now(UTC)
    deadline_at = now + timedelta(minutes=run.deployment_deadline_minutes)
    return Pending(status=PendingStatus.CALENDAR_OPEN, started_at=now, deadline_at=deadline_at)


def saved_alarms() -> SavedAlarms:
    return SavedAlarms(SystemsManager(), "/ami-autopatch/alarms")


def preview(
    execution: Execution, run: Run, ami: str, so_far: Pending, at: datetime | None = None, role_arn: str | None = None
) -> Any:
    """An attempt of `Preview Update`."""
    settings = UpdateSettings(role_arn, (), 0)
    gateways = (Stacks(), ChangeSets(), fleets(), CloudWatch(), saved_alarms())
    previewer = UpdatePreviewer(execution, run, run.targets[0], Ami(ami), settings, *gateways)
    return previewer.preview(so_far, at or datetime.now(UTC))


def check(run: Run, so_far: Preview, at: datetime | None = None) -> Preview | Pending | Unchanged:
    """A poll by `Check Readiness`."""
    holds = Holds(SystemsManager(), "/ami-autopatch/held")
    gateways = (Stacks(), ChangeSets(), fleets(), Ec2(), ServiceQuotas(), holds, CloudWatch())
    return ReadinessChecker(run, run.targets[0], *gateways, frozenset({"123456789012"})).check(
        so_far, at or datetime.now(UTC)
    )


def creating(execution: Execution, run: Run, ami: str, so_far: Pending | None = None) -> Preview:
    """Start a preview; it is still being created."""
    update = preview(execution, run, ami, so_far or pending(run))
    assert isinstance(update, Preview) and update.status is PreviewStatus.CREATING
    return update


def previewed(aws: LocalAws, execution: Execution, run: Run, ami: str, so_far: Pending | None = None) -> Preview:
    """Preview the update, and poll until it is ready."""
    update: Any = creating(execution, run, ami, so_far)
    for _ in range(5):
        if isinstance(update, Pending):
            update = creating(execution, run, ami, update)
        if update.status is not PreviewStatus.CREATING:
            break
        aws.clock.sleep(update.poll_after_seconds)
        update = check(run, update)
    assert isinstance(update, Preview) and update.status is PreviewStatus.READY
    return update


def executed(execution: Execution, run: Run, ready: Preview) -> StackUpdate:
    """An attempt of `Update Stack` that starts the update, or finds that it was started."""
    update = execute(execution, run, ready)
    assert isinstance(update, StackUpdate) and update.status is UpdateStatus.UPDATING
    return update


def execute(
    execution: Execution, run: Run, ready: Preview, previews: ChangeSets | None = None
) -> StackUpdate | Pending:
    """An attempt of `Update Stack`."""
    settings = CalendarSettings((), WhenClosed.SKIP)
    gateways = (Stacks(), previews or ChangeSets(), AutoScaling(), SystemsManager(), saved_alarms())
    updater = StackUpdater(execution, run, run.targets[0], settings, *gateways)
    return updater.update(ready, datetime.now(UTC))


def look(execution: Execution, run: Run, updating: StackUpdate, at: datetime | None = None) -> StackUpdate:
    """A poll by `Check Deployment`."""
    checker = DeploymentChecker(execution, run, run.targets[0], Stacks(), Diagnosis(AutoScaling(), Ec2()))
    return checker.check(updating, at or datetime.now(UTC))


def new_ami() -> str:
    registered = boto3.client("ec2").register_image(Name="newer", RootDeviceName="/dev/xvda", Architecture="x86_64")
    return str(registered["ImageId"])


def images(deployment: Deployment) -> list[str]:
    answer = boto3.client("imagebuilder").list_image_pipeline_images(imagePipelineArn=deployment.pipeline_arn)
    return [image["arn"] for image in answer["imageSummaryList"]]


def test_a_retried_start_returns_the_same_build(deployed: tuple[LocalAws, Deployment]) -> None:
    aws, deployment = deployed
    first_execution, run = new_execution(), plan(deployment, "ami-00000000")
    first = start_image_build(first_execution, run, ImageBuilder(), datetime.now(UTC))
    aws.clock.sleep(5)
    again = start_image_build(first_execution, run, ImageBuilder(), datetime.now(UTC))
    assert (again.image_arn, again.joined) == (first.image_arn, False)
    assert images(deployment) == [first.image_arn]


def test_a_later_execution_joins_the_build(deployed: tuple[LocalAws, Deployment]) -> None:
    aws, deployment = deployed
    run = plan(deployment, "ami-00000000")
    first = start_image_build(new_execution(), run, ImageBuilder(), datetime.now(UTC))
    aws.clock.sleep(300)
    joined = start_image_build(new_execution("two"), run, ImageBuilder(), datetime.now(UTC))
    assert (joined.image_arn, joined.joined) == (first.image_arn, True)
    assert len(images(deployment)) == 1


@pytest.mark.parametrize(("joined", "status"), [(True, "BUILDING"), (False, "CANCELLED")])
def test_only_a_build_of_our_own_is_cancelled_at_its_deadline(
    deployed: tuple[LocalAws, Deployment], joined: bool, status: str
) -> None:
    aws, deployment = deployed
    first_execution = new_execution()
    build = start_image_build(first_execution, plan(deployment, "ami-00000000"), ImageBuilder(), datetime.now(UTC))
    aws.clock.sleep(300)
    overdue = structs.replace(build, joined=joined, deadline_at=build.started_at)
    with pytest.raises(ImageBuildTimedOut):
        check_image(first_execution, overdue, ImageBuilder(), datetime.now(UTC))
    aws.clock.sleep(60)
    with pytest.raises(ImageBuildTimedOut):  # a retry says the same, although a build of our own is CANCELLED by now
        check_image(first_execution, overdue, ImageBuilder(), datetime.now(UTC))
    image = boto3.client("imagebuilder").get_image(imageBuildVersionArn=build.image_arn)["image"]
    assert image["state"]["status"] == status


def test_a_retried_preview_creates_no_second_change_set(deployed: tuple[LocalAws, Deployment]) -> None:
    """A stack has at most one change set of a name (CloudFormation API reference, CreateChangeSet)."""
    aws, deployment = deployed
    first_execution, run, ami = new_execution(), plan(deployment, deployment.golden_ami), new_ami()
    first = creating(first_execution, run, ami)
    aws.clock.sleep(1)
    again = creating(first_execution, run, ami)
    assert first.change_set_id == again.change_set_id and len(change_sets("web")) == 1


def test_a_retried_update_is_recognised_as_our_own(deployed: tuple[LocalAws, Deployment]) -> None:
    aws, deployment = deployed
    first_execution, run, ami = new_execution(), plan(deployment, deployment.golden_ami), new_ami()
    ready = previewed(aws, first_execution, run, ami)
    executed(first_execution, run, ready)
    aws.clock.sleep(10)
    again = executed(first_execution, run, ready)
    assert (again.ami_before, again.ami_after) == (deployment.golden_ami, ami)
    aws.clock.sleep(1800)
    assert look(first_execution, run, again).status is UpdateStatus.UPDATED
    events = boto3.client("cloudformation").describe_stack_events(StackName="web")["StackEvents"]
    assert sum(event.get("ResourceStatusReason") == "User Initiated" for event in events) == 2  # create and update


def test_an_execution_whose_answer_was_lost_is_our_own(deployed: tuple[LocalAws, Deployment]) -> None:
    """The SDK sends a call again whose answer does not arrive; the second finds the change set executed."""
    aws, deployment = deployed
    client: Any = boto3.client("cloudformation")
    once = client.execute_change_set

    def twice(**request: Any) -> None:
        once(**request)
        once(**request)

    client.execute_change_set = twice
    first_execution, run = new_execution(), plan(deployment, deployment.golden_ami)
    ready = previewed(aws, first_execution, run, new_ami())
    updating = execute(first_execution, run, ready, ChangeSets(client))
    assert isinstance(updating, StackUpdate)
    aws.clock.sleep(1800)
    assert look(first_execution, run, updating).status is UpdateStatus.UPDATED


def test_somebody_elses_update_is_waited_for(deployed: tuple[LocalAws, Deployment]) -> None:
    aws, deployment = deployed
    first_execution, run = new_execution(), plan(deployment, deployment.golden_ami)
    second_execution, ami = new_execution("two"), new_ami()
    execute(first_execution, run, previewed(aws, first_execution, run, ami))
    aws.clock.sleep(10)
    waiting = preview(second_execution, run, ami, pending(run))
    assert isinstance(waiting, Pending) and waiting.status is PendingStatus.STACK_BUSY
    still = preview(second_execution, run, ami, waiting)
    assert isinstance(still, Pending)
    assert (still.status, still.deadline_at) == (PendingStatus.STACK_BUSY, waiting.deadline_at)
    with pytest.raises(TargetNotReady, match="to settle within 90 minutes, found it still UPDATE_IN_PROGRESS"):
        preview(second_execution, run, ami, waiting, datetime.now(UTC) + timedelta(minutes=91))
    aws.clock.sleep(1800)
    settled = preview(second_execution, run, ami, waiting)
    assert isinstance(settled, Unchanged) and settled.outcome is Outcome.ALREADY_CURRENT


def test_a_preview_has_a_deadline(deployed: tuple[LocalAws, Deployment]) -> None:
    _, deployment = deployed
    first_execution, run, ami = new_execution(), plan(deployment, deployment.golden_ami), new_ami()
    previewing = creating(first_execution, run, ami)
    with pytest.raises(TargetNotReady, match="expected a preview of its update within 90 minutes that still holds"):
        check(run, previewing, datetime.now(UTC) + timedelta(minutes=90))


def test_a_group_that_changes_its_size_after_the_preview_is_previewed_again(
    deployed: tuple[LocalAws, Deployment],
) -> None:
    aws, deployment = deployed
    first_execution, run, ami = new_execution(), plan(deployment, deployment.golden_ami), new_ami()
    ready = previewed(aws, first_execution, run, ami)
    boto3.client("autoscaling").set_desired_capacity(AutoScalingGroupName=group_name("web"), DesiredCapacity=3)
    aws.clock.sleep(300)
    outdated = execute(first_execution, run, ready)
    assert isinstance(outdated, Pending) and outdated.status is PendingStatus.PREVIEW_OUTDATED
    assert change_sets("web") == []
    assert describe("web")["StackStatus"] == "CREATE_COMPLETE"
    again = previewed(aws, first_execution, run, ami, outdated)
    assert again.capacities == {"AppAutoScalingGroup": 3}
    assert (again.deadline_at, again.started_at) == (ready.deadline_at, ready.started_at)
    execute(first_execution, run, again)
    aws.clock.sleep(1800)
    assert parameters("web")["DesiredCapacity"] == "3"
    assert [instance["ImageId"] for instance in instances("web")] == [ami] * 3


def test_a_preview_that_another_update_has_made_obsolete_is_created_again(
    deployed: tuple[LocalAws, Deployment],
) -> None:
    """An update by other means makes a change set OBSOLETE: it still exists, and its name is taken (CloudFormation API
    reference, DescribeChangeSet and CreateChangeSet)."""
    aws, deployment = deployed
    first_execution, run, ami = new_execution(), plan(deployment, deployment.golden_ami), new_ami()
    ready = previewed(aws, first_execution, run, ami)
    others: list[Any] = [
        {"ParameterKey": name, "UsePreviousValue": True} for name in parameters("web") if name != "InstanceType"
    ]
    boto3.client("cloudformation").update_stack(
        StackName="web",
        UsePreviousTemplate=True,
        Parameters=[*others, {"ParameterKey": "InstanceType", "ParameterValue": "t3.small"}],
        Capabilities=["CAPABILITY_IAM"],
    )
    aws.clock.sleep(1800)
    assert describe("web")["StackStatus"] == "UPDATE_COMPLETE"
    outdated = execute(first_execution, run, ready)
    assert isinstance(outdated, Pending) and outdated.status is PendingStatus.PREVIEW_OUTDATED
    again = previewed(aws, first_execution, run, ami, outdated)
    assert again.change_set_id != ready.change_set_id and len(change_sets("web")) == 1
    execute(first_execution, run, again)
    aws.clock.sleep(1800)
    assert parameters("web")["InstanceType"] == "t3.small"
    assert {instance["ImageId"] for instance in instances("web")} == {ami}


def test_an_older_update_complete_is_not_mistaken_for_ours(deployed: tuple[LocalAws, Deployment]) -> None:
    """Every event of an operation carries its token (CloudFormation API reference, StackEvent)."""
    aws, deployment = deployed
    first_execution, run, ami = new_execution(), plan(deployment, deployment.golden_ami), new_ami()
    updating = executed(first_execution, run, previewed(aws, first_execution, run, ami))
    aws.clock.sleep(1800)
    assert describe("web")["StackStatus"] == "UPDATE_COMPLETE"
    now, second_execution = datetime.now(UTC), new_execution("two")
    ours = structs.replace(updating, update_started_at=now, deadline_at=now + timedelta(minutes=90))
    assert look(second_execution, run, ours).status is UpdateStatus.UPDATING


def test_a_parameter_that_changes_nothing_is_not_reported_as_patched(deployed: tuple[LocalAws, Deployment]) -> None:
    """A change set without changes is FAILED (CloudFormation API reference, DescribeChangeSet)."""
    aws, deployment = deployed
    template = {
        "Parameters": {"Ami": {"Type": "String"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}}},
    }
    boto3.client("cloudformation").create_stack(
        StackName="odd",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "Ami", "ParameterValue": deployment.golden_ami}],
        RoleARN=describe("web")["RoleARN"],
    )
    first_execution, run = new_execution(), plan(deployment, deployment.golden_ami, "odd", "Ami")
    ami = new_ami()
    previewing = creating(first_execution, run, ami)
    aws.clock.sleep(60)
    with pytest.raises(TargetNotReady, match="NoGroupChanges: expected the parameter Ami to reach an Auto Scaling"):
        check(run, previewing)
    assert change_sets("odd") == [] and parameters("odd")["Ami"] == deployment.golden_ami


def test_a_stack_is_given_a_role_only_if_its_target_agrees_and_never_in_a_dry_run(
    deployed: tuple[LocalAws, Deployment],
) -> None:
    """A service role cannot be taken from a stack again (CloudFormation user guide, "CloudFormation service role")."""
    aws, deployment = deployed
    role, ami = service_role("updates"), new_ami()
    template = {
        "Parameters": {"Ami": {"Type": "String"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Ami"}}}},
    }
    for stack in ("refused", "dry", "agreed"):
        boto3.client("cloudformation").create_stack(
            StackName=stack,
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": "Ami", "ParameterValue": deployment.golden_ami}],
        )
    run = plan(deployment, deployment.golden_ami, "refused", "Ami")
    with pytest.raises(TargetNotReady, match=r"stack refused is not ready:\n- NoServiceRole: "):
        preview(new_execution(), run, ami, pending(run), role_arn=role)
    assert change_sets("refused") == []
    for stack in ("dry", "agreed"):
        run = plan(deployment, deployment.golden_ami, stack, "Ami")
        target = structs.replace(run.targets[0], accepted=("NoServiceRole",))
        run = structs.replace(run, targets=(target,), dry_run=stack == "dry")
        previewing = preview(new_execution(), run, ami, pending(run), role_arn=role)
        aws.clock.sleep(60)
        boto3.client("cloudformation").execute_change_set(ChangeSetName=previewing.change_set_id)
        aws.clock.sleep(600)
        assert (describe(stack)["StackStatus"], parameters(stack)["Ami"]) == ("UPDATE_COMPLETE", ami)
    assert [describe(stack).get("RoleARN") for stack in ("refused", "dry", "agreed")] == [None, None, role]


def test_a_rollback_has_a_deadline_of_its_own() -> None:
    chosen = scenario.from_document("rolls-back", {"autoscaling": {"stacks": {"web": {"signals": "none"}}}})
    with LocalAws(*chosen.behaviour) as aws:
        deployment = deploy(chosen)
        first_execution, run = new_execution(), plan(deployment, deployment.golden_ami)
        updating = executed(first_execution, run, previewed(aws, first_execution, run, new_ami()))
        while describe("web")["StackStatus"] != "UPDATE_ROLLBACK_IN_PROGRESS":
            aws.clock.sleep(30)
        now = datetime.now(UTC)
        checked = look(first_execution, run, updating, now)
        assert (checked.status, checked.deadline_at) == (UpdateStatus.ROLLING_BACK, now + timedelta(minutes=90))
        with pytest.raises(DeploymentTimedOut, match="found it rolling back after"):
            look(first_execution, run, checked, checked.deadline_at)
        aws.clock.sleep(3600)
        assert describe("web")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert summarised(first_execution, run, checked, "DeploymentTimedOut").rolled_back
        # A later run that refuses the stack finds the same status, and has rolled nothing back.
        assert not summarised(new_execution("two"), run, NotStarted(), "TargetNotReady").rolled_back


def summarised(execution: Execution, run: Run, update: NotStarted | StackUpdate, error: str) -> TargetResult:
    """The result of `Summarise Run` for a target that failed."""
    record = RecordedFailure(run.targets[0], update, Failure(error, "why"), NotStarted(), None, Restored(), None)
    holds, diagnosis = Holds(SystemsManager(), "/ami-autopatch/held"), Diagnosis(AutoScaling(), Ec2())
    (result,) = Summariser(execution, Ami("ami-00000000"), Stacks(), diagnosis, holds).summarise([record]).targets
    return result
