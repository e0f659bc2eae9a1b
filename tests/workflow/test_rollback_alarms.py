"""Rollback alarms and the bake time: those of the deployment during an update, and the stack's own afterwards."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import boto3
import pytest

from autopatch.aws.cloudformation.rollback_configuration import RollbackConfiguration, RollbackTrigger
from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import Monitoring
from autopatch.saved_alarms import SavedAlarms
from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.core.faults import Fault
from local_aws.core.ids import ACCOUNT, REGION
from local_aws.sns import topics as sns
from rehearsal.scenario import Scenario
from tests.workflow.rollout import Ended, Rollout, amis, change_sets, ids, make_ill, register_ami, rollout
from tests.workflow.running import describe, parameters

NONE = {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0}
EXPIRING = AutoScalingSettings(stacks={"web": {"serves_seconds": 60}})
"""The instances of a new AMI stop serving soon after the update has ended."""


def arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def alarms(*names: str) -> None:
    for name in names:
        alarm(name)


def alarm(name: str, state: Any = "OK") -> None:
    """Create an alarm in that state."""
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="HTTPCode_Target_5XX_Count",
        Namespace="AWS/ApplicationELB",
        Period=60,
        Statistic="Sum",
        Threshold=10,
    )
    become(name, state)


def become(name: str, state: Any) -> None:
    boto3.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="errors")


def watched(*names: str, minutes: int = 0, kind: str = "Alarm") -> dict[str, Any]:
    """A rollback configuration, as DescribeStacks has it."""
    triggers = [{"Arn": arn(name), "Type": f"AWS::CloudWatch::{kind}"} for name in names]
    return {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": minutes}


def configuration() -> Any:
    return describe("web")["RollbackConfiguration"]


def left_open() -> list[str]:
    """The change sets of the stack that could still be executed."""
    summaries = boto3.client("cloudformation").list_change_sets(StackName="web")["Summaries"]
    return [summary["ChangeSetName"] for summary in summaries if summary["ExecutionStatus"] != "EXECUTE_COMPLETE"]


def update_by_hand(world: Rollout, rollback_configuration: Any, **values: str) -> None:
    """Update the stack as an operator does."""
    boto3.client("cloudformation").update_stack(
        StackName="web",
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {
                "ParameterKey": name,
                **({"ParameterValue": values[name]} if name in values else {"UsePreviousValue": True}),
            }
            for name in parameters("web")
        ],
        RollbackConfiguration=rollback_configuration,
    )
    world.aws.clock.sleep(1800)


def scenario(*alarms: str, **more: Any) -> Scenario:
    """A deployment with these rollback alarms, and with more parameters, or settings of CloudFormation."""
    cloudformation = more.pop("cloudformation", CloudFormationSettings())
    autoscaling = more.pop("autoscaling", AutoScalingSettings())
    arns = ",".join(arn(name) for name in alarms)
    return Scenario(
        parameters={"RollbackAlarmArns": arns, **more}, cloudformation=cloudformation, autoscaling=autoscaling
    )


def until(world: Rollout, status: str) -> None:
    """Let time pass until the stack has that status."""
    for _ in range(300):
        if describe("web")["StackStatus"] == status:
            return
        world.aws.clock.sleep(15)
    raise AssertionError(describe("web")["StackStatus"])


def fail_verification(world: Rollout) -> str:
    """Start a run, whose instances are EXPIRING or will be ill, and see its update end; returns the execution's ARN."""
    execution = world.start("web")
    until(world, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    return execution


# -- during the update, and after it ----------------------------------------------------------------------------------


def test_the_deployments_alarms_and_bake_time_hold_for_the_update_and_the_stacks_own_after_it() -> None:
    """CloudFormation API reference, RollbackConfiguration: an update that names triggers replaces all of them, and they
    are saved for later ones; the monitoring time begins when all resources are deployed, and no old resource is removed
    before its end."""
    # The bake time counts into the deadline: an update that bakes for longer than that is not cancelled.
    with rollout(scenario("canary", BakeMinutes="10", DeploymentDeadlineMinutes="5")) as world:
        alarms("own", "canary")
        update_by_hand(world, watched("own", minutes=7), MaxSize="3")
        before = ids("web")
        execution = world.start("web")
        world.aws.clock.sleep(480)
        assert describe("web")["StackStatus"] == "UPDATE_IN_PROGRESS"
        assert configuration() == watched("own", "canary", minutes=10)
        ended = world.end(execution)
        assert (ended.status, amis("web")) == ("SUCCEEDED", {world.new_ami})
        assert not before & ids("web")
        assert configuration() == watched("own", minutes=7)
        assert "alarms" not in ended.flowing and left_open() == []


@pytest.mark.parametrize("reverts", [True, False])
def test_an_alarm_that_goes_off_rolls_the_update_back_and_holds_no_ami(reverts: bool) -> None:
    """Whether a stack that is rolled back has the rollback configuration of before is not documented."""
    settings = CloudFormationSettings(reverts_rollback_configuration=reverts)
    with rollout(scenario("canary", BakeMinutes="10", cloudformation=settings)) as world:
        alarm("canary")
        before = ids("web")
        execution = world.start("web")
        # While the alarms are monitored, the new instances run beside the old ones.
        world.aws.clock.sleep(300)
        become("canary", "ALARM")
        ended = world.end(execution)
        assert (ended.status, ended.error) == ("FAILED", "DeploymentFailed")
        assert "canary" in ended.flowing and "web rolled back to ami-" in ended.subject
        assert ids("web") == before
        assert configuration() in ({}, NONE)
        assert "is not held, because nothing shows that its instances failed: no resource failed" in ended.flowing
        assert boto3.client("ssm").get_parameters_by_path(Path="/ami-autopatch/held")["Parameters"] == []


@pytest.mark.parametrize("at_once", [True, False])
def test_a_stack_is_given_back_its_own_after_an_update_that_the_run_lost_sight_of(at_once: bool) -> None:
    """Which rollback configuration a stack shows while it is updated is not documented."""
    settings = CloudFormationSettings(shows_rollback_configuration_at_once=at_once)
    # The first call comes before the update.
    denied = Fault("cloudformation", "DescribeStackEvents", "AccessDenied", status=403, times=1, after_calls=1)
    with rollout(replace(scenario("canary", BakeMinutes="5", cloudformation=settings), faults=(denied,))) as world:
        alarms("own", "canary")
        update_by_hand(world, watched("own", minutes=7), MaxSize="3")
        execution = world.start("web")
        until(world, "UPDATE_IN_PROGRESS")
        assert configuration() == watched("own", *(["canary"] if at_once else []), minutes=7)
        ended = world.end(execution)
        assert ended.error == "AwsCallFailed" and amis("web") == {world.new_ami}
        assert configuration() == watched("own", minutes=7) and saved() == [] and "were not" not in ended.flowing


def test_a_composite_alarm_stays_one() -> None:
    """CloudFormation API reference, RollbackTrigger: the type of a composite alarm is another one."""
    with rollout(scenario("fleet")) as world:
        alarm("own")
        for name in ("own-fleet", "fleet"):
            boto3.client("cloudwatch").put_composite_alarm(AlarmName=name, AlarmRule='ALARM("own")')
            become(name, "OK")
        own = watched("own-fleet", kind="CompositeAlarm")
        update_by_hand(world, own, MaxSize="3")
        execution = world.start("web")
        until(world, "UPDATE_IN_PROGRESS")
        both = watched("own-fleet", "fleet", kind="CompositeAlarm")
        assert configuration() == both
        assert world.end(execution).status == "SUCCEEDED"
        assert configuration() == own and amis("web") == {world.new_ami}


def test_what_somebody_else_gives_the_stack_meanwhile_is_left_alone() -> None:
    with rollout(scenario("canary")) as world:
        alarms("canary", "theirs")
        execution = world.start("web")
        until(world, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        until(world, "UPDATE_COMPLETE")
        update_by_hand(world, watched("theirs"))
        assert world.end(execution).status == "SUCCEEDED"
        assert configuration() == watched("theirs")


# -- the way back -----------------------------------------------------------------------------------------------------


def test_an_alarm_that_calls_for_the_way_back_does_not_undo_it() -> None:
    """An update back to the old AMI, too, is rolled back while an alarm is in ALARM: none watches over it."""
    with rollout(scenario(VerificationDeadlineMinutes="3", autoscaling=EXPIRING)) as world:
        alarm("own")
        update_by_hand(world, watched("own", minutes=5), MaxSize="3")
        old = amis("web")
        execution = fail_verification(world)
        become("own", "ALARM")
        world.aws.clock.sleep(60)
        until(world, "UPDATE_IN_PROGRESS")
        assert configuration() == NONE
        until(world, "UPDATE_COMPLETE")
        world.aws.clock.sleep(120)
        assert amis("web") == old and configuration() == NONE, "they cannot be put back while it is in ALARM"
        become("own", "OK")
        ended = world.end(execution)
        assert ended.error == "VerificationFailed" and "web rolled back to" in ended.subject
        assert configuration() == watched("own", minutes=5) and amis("web") == old
        # An alarm is not waited for as long as an update that puts it back may take.
        assert "were not" not in ended.flowing


# -- what cannot be put back ------------------------------------------------------------------------------------------


def command_in(ended: Ended) -> list[str]:
    (line,) = [line.strip() for line in ended.message.splitlines() if line.strip().startswith("aws cloudformation")]
    return shlex.split(line)


def values_of(command: list[str], option: str) -> list[str]:
    values = []
    for word in command[command.index(option) + 1 :]:
        if word.startswith("--"):
            break
        values.append(word)
    return values


def test_alarms_that_cannot_be_put_back_are_told_with_the_command_that_does_it() -> None:
    deadlines = {"VerificationDeadlineMinutes": "3", "DeploymentDeadlineMinutes": "30"}
    with rollout(scenario(autoscaling=EXPIRING, **deadlines)) as world:
        alarm("own")
        update_by_hand(world, watched("own", minutes=5), MaxSize="3")
        execution = fail_verification(world)
        become("own", "ALARM")
        ended = world.end(execution)
        assert configuration() == NONE and left_open() == []
        assert "would be rolled back by own in ALARM. It has now: rollback alarms: none" in ended.flowing
        assert f"It had before: rollback alarms: {arn('own')}; bake time: 5 minutes." in ended.flowing

        become("own", "OK")
        command = command_in(ended)
        assert command[:5] == ["aws", "cloudformation", "update-stack", "--stack-name", "web"]
        kept = [dict(part.split("=") for part in words.split(",")) for words in values_of(command, "--parameters")]
        assert all(parameter["UsePreviousValue"] == "true" for parameter in kept)
        boto3.client("cloudformation").update_stack(
            StackName="web",
            UsePreviousTemplate="--use-previous-template" in command,
            Parameters=[{**parameter, "UsePreviousValue": True} for parameter in kept],  # type: ignore[typeddict-item]
            Capabilities=values_of(command, "--capabilities"),  # type: ignore[arg-type]
            RollbackConfiguration=json.loads(values_of(command, "--rollback-configuration")[0]),
        )
        world.aws.clock.sleep(1800)
        assert configuration() == watched("own", minutes=5)
        assert describe("web")["StackStatus"] == "UPDATE_COMPLETE"


def test_where_nothing_but_alarms_is_no_change_a_later_update_puts_them_back() -> None:
    """Whether CloudFormation takes an update of the rollback configuration alone is not documented."""
    settings = CloudFormationSettings(updates_rollback_configuration_alone=False)
    with rollout(scenario("canary", BakeMinutes="5", cloudformation=settings)) as world:
        alarms("own", "canary")
        update_by_hand(world, watched("own"), MaxSize="3")
        ended = world.roll_out("web")
        assert (ended.status, amis("web")) == ("SUCCEEDED", {world.new_ami})
        assert ended.subject.endswith(f"PATCHED: web now on {world.new_ami}; look at the rollback alarms")
        assert configuration() == watched("own", "canary", minutes=5) and left_open() == []
        assert "CloudFormation takes no update that changes nothing else" in ended.flowing
        (line,) = [line.strip() for line in ended.message.splitlines() if "--rollback-configuration" in line]
        option, value = shlex.split(line)
        update_by_hand(world, json.loads(value), MaxSize="4")
        assert option == "--rollback-configuration" and configuration() == watched("own")


def test_alarms_that_go_off_when_they_are_to_be_put_back_leave_no_change_set_behind() -> None:
    with rollout(scenario("canary", DeploymentDeadlineMinutes="20")) as world:
        alarms("own", "canary")
        update_by_hand(world, watched("own"), MaxSize="3")
        execution = world.start("web")
        until(world, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        while not left_open():
            world.aws.clock.sleep(1)
        become("own", "ALARM")
        ended = world.end(execution)
        assert ended.subject.endswith("look at the rollback alarms") and left_open() == []
        # The command, too, would be rolled back until then.
        assert "When none of them is in ALARM any more, put back what web had:" in ended.flowing


def test_a_call_that_is_refused_hides_neither_what_the_stack_had_nor_how_it_gets_that_back() -> None:
    # The first call executes the update.
    denied = Fault("cloudformation", "ExecuteChangeSet", "AccessDenied", status=403, times=None, after_calls=1)
    with rollout(replace(scenario("canary"), faults=(denied,))) as world:
        alarms("own", "canary")
        update_by_hand(world, watched("own", minutes=5), MaxSize="3")
        ended = world.roll_out("web")
        assert (ended.status, configuration()) == ("SUCCEEDED", watched("own", "canary", minutes=5))
        assert "not known: AwsCallFailed: executing the change set of the stack web:" in ended.flowing
        assert f"It had: rollback alarms: {arn('own')}; bake time: 5 minutes." in ended.flowing
        (line,) = [line.strip() for line in ended.message.splitlines() if line.strip().startswith("--rollback")]
        update_by_hand(world, json.loads(shlex.split(line)[1]))
        assert configuration() == watched("own", minutes=5)


def test_a_stack_that_is_deleted_meanwhile_leaves_nothing_to_put_back() -> None:
    expiring = scenario("canary", VerificationDeadlineMinutes="3", Rollback="manual", autoscaling=EXPIRING)
    with rollout(expiring) as world:
        alarm("canary")
        execution = fail_verification(world)
        until(world, "UPDATE_COMPLETE")
        boto3.client("cloudformation").delete_stack(StackName="web")
        ended = world.end(execution)
        assert ended.status == "FAILED" and "alarms" not in ended.flowing


def test_an_update_that_is_refused_when_it_is_to_begin_leaves_no_preview_behind() -> None:
    denied = Fault("cloudformation", "ExecuteChangeSet", "AccessDenied", status=403, times=None)
    with rollout(replace(scenario("canary"), faults=(denied,))) as world:
        alarm("canary")
        assert world.roll_out("web").error == "AwsCallFailed"
        assert change_sets("web") == [] and configuration() == {}


# -- a run that does not come to its end, and two at a time ------------------------------------------------------------


def abort(world: Rollout, execution: str) -> str:
    """Abort the execution, and let what it has begun come to its end; returns the notification's text."""
    boto3.client("stepfunctions").stop_execution(executionArn=execution)
    world.aws.clock.sleep(3600)
    email = sns.emails()[-1]
    assert "ABORTED" in email.subject
    return " ".join(email.body.split())


def saved() -> list[str]:
    answer = boto3.client("ssm").get_parameters_by_path(Path="/ami-autopatch/alarms")
    return [parameter["Name"] for parameter in answer["Parameters"]]


def test_after_an_aborted_run_the_next_one_puts_back_what_the_stack_had_before_both() -> None:
    with rollout(scenario("canary", BakeMinutes="5")) as world:
        alarms("own", "canary")
        update_by_hand(world, watched("own", minutes=7), MaxSize="3")
        execution = world.start("web")
        until(world, "UPDATE_IN_PROGRESS")
        told = abort(world, execution)
        assert configuration() == watched("own", "canary", minutes=7) and amis("web") == {world.new_ami}
        assert "has the rollback alarms and the bake time that the run gave it, not its own, until the next" in told
        assert saved() == ["/ami-autopatch/alarms/web"]

        # A dry run changes nothing, not even that; nor does one that finds the stack not ready.
        assert world.roll_out("web", dryRun=True).status == "SUCCEEDED"
        become("canary", "ALARM")
        another = {"amiId": register_ami("another"), "targets": ["web"], "dryRun": True}
        ended = world.end(world.start_with(another))
        assert ended.error == "TargetNotReady" and "AlarmNotOk" in ended.message
        become("canary", "OK")
        assert configuration() == watched("own", "canary", minutes=7) and left_open() == []
        # Nothing is left to patch, and yet.
        ended = world.roll_out("web")
        assert "ALREADY CURRENT" in ended.subject and "alarms" not in ended.flowing
        assert configuration() == watched("own", minutes=7) and saved() == [] and left_open() == []


def test_after_a_way_back_that_was_aborted_the_next_run_puts_back_what_the_stack_had() -> None:
    with rollout(scenario(VerificationDeadlineMinutes="3")) as world:
        alarm("own")
        update_by_hand(world, watched("own"), MaxSize="3")
        execution = fail_verification(world)
        make_ill("web")
        world.aws.clock.sleep(120)
        until(world, "UPDATE_IN_PROGRESS")
        abort(world, execution)
        assert configuration() == NONE and world.new_ami not in amis("web")
        # The first AMI is held by now.
        other = register_ami("golden-image-third")
        ended = world.end(world.start_with({"amiId": other, "targets": ["web"]}))
        assert (ended.status, amis("web")) == ("SUCCEEDED", {other})
        assert configuration() == watched("own") and saved() == []


def test_two_runs_at_a_time_take_nothing_of_each_other_for_the_stacks_own() -> None:
    with rollout(scenario("canary", BakeMinutes="5")) as world:
        alarms("own", "canary")
        update_by_hand(world, watched("own"), MaxSize="3")
        first = world.start("web")
        until(world, "UPDATE_IN_PROGRESS")
        until(world, "UPDATE_COMPLETE")
        # As long as it is in ALARM, the first run cannot put back what the second finds changed.
        become("own", "ALARM")
        assert configuration() == watched("own", "canary", minutes=5)
        other = register_ami("another")
        second = world.start_with({"amiId": other, "targets": [{"stackName": "web", "accept": ["AlarmNotOk"]}]})
        until(world, "UPDATE_IN_PROGRESS")
        assert configuration() == watched("canary", minutes=5)
        become("own", "OK")
        world.end(first)
        world.end(second)
        assert amis("web") == {other}
        assert configuration() == watched("own") and saved() == []


def test_what_was_saved_of_another_stack_of_that_name_is_no_ones() -> None:
    with rollout(scenario("canary")) as world:
        alarm("canary")
        saved_alarms = SavedAlarms(SystemsManager(), "/ami-autopatch/alarms")
        gone, canary = (
            RollbackConfiguration((RollbackTrigger(arn(name), "AWS::CloudWatch::Alarm"),))
            for name in ("gone", "canary")
        )
        stack_id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/web/gone"
        saved_alarms.save("web", stack_id, Monitoring(before=gone, during=canary))
        update_by_hand(world, watched("canary"), MaxSize="3")
        assert world.roll_out("web").status == "SUCCEEDED"
        assert configuration() == watched("canary")
        saved_alarms.forget("web", describe("web")["StackId"])
        assert saved() == ["/ami-autopatch/alarms/web"]
        saved_alarms.forget("web", stack_id)
        assert saved() == []


def test_a_saved_parameter_that_cannot_be_read_stops_the_target_and_names_the_way_out() -> None:
    with rollout(scenario("canary")) as world:
        alarm("canary")
        boto3.client("ssm").put_parameter(Name="/ami-autopatch/alarms/web", Value="edited", Type="String")
        before = ids("web")
        ended = world.roll_out("web")
        assert (ended.error, ids("web")) == ("ConfigError", before)
        (line,) = [line.strip() for line in ended.message.splitlines() if line.strip().startswith("aws ssm")]
        assert line == "aws ssm delete-parameter --name /ami-autopatch/alarms/web"
        boto3.client("ssm").delete_parameter(Name=shlex.split(line)[-1])
        assert world.roll_out("web").status == "SUCCEEDED" and configuration() in ({}, NONE)


def test_what_cannot_be_saved_does_not_keep_a_stack_on_an_ami_that_failed() -> None:
    where = {"Name": "/ami-autopatch/alarms/*"}
    denied = Fault("ssm", "PutParameter", "AccessDeniedException", status=403, times=None, where=where)
    with rollout(replace(scenario(VerificationDeadlineMinutes="3"), faults=(denied,))) as world:
        alarm("own")
        update_by_hand(world, watched("own"), MaxSize="3")
        old = amis("web")
        execution = fail_verification(world)
        make_ill("web")
        ended = world.end(execution)
        assert ended.error == "VerificationFailed" and "web rolled back to" in ended.subject
        assert amis("web") == old and configuration() == watched("own")


def test_what_was_saved_and_is_edited_meanwhile_stops_the_alarms_alone_and_the_notification_says_how_to_go_on() -> None:
    with rollout(scenario("canary", VerificationDeadlineMinutes="3")) as world:
        alarms("own", "canary")
        update_by_hand(world, watched("own"), MaxSize="3")
        old, execution = amis("web"), fail_verification(world)
        make_ill("web")
        name = "/ami-autopatch/alarms/web"
        boto3.client("ssm").put_parameter(Name=name, Value="edited", Type="String", Overwrite=True)
        ended = world.end(execution)
        assert ended.error == "VerificationFailed" and amis("web") == old and configuration() == NONE
        assert f"It had: rollback alarms: {arn('own')}; bake time: 0 minutes." in ended.flowing
        # On lines of their own, to be pasted.
        lines = [line.strip() for line in ended.message.splitlines()]
        assert f"aws ssm delete-parameter --name {name}" in lines
        assert "aws cloudformation describe-stacks --stack-name web" in lines


def test_a_parameter_that_cannot_be_deleted_is_no_news_of_the_stacks_alarms() -> None:
    denied = Fault("ssm", "DeleteParameters", "AccessDeniedException", status=403, times=None)
    with rollout(replace(scenario("canary"), faults=(denied,))) as world:
        alarms("own", "canary")
        update_by_hand(world, watched("own"), MaxSize="3")
        ended = world.roll_out("web")
        assert ended.subject.endswith(f"PATCHED: web now on {world.new_ami}") and "alarms" not in ended.message
        assert configuration() == watched("own") and saved() == ["/ami-autopatch/alarms/web"]


# -- before the update ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["ALARM", "INSUFFICIENT_DATA"])
def test_an_alarm_that_is_not_ok_stops_the_update_before_it_begins(state: str) -> None:
    with rollout(scenario("canary", VerificationDeadlineMinutes="3")) as world:
        alarm("canary", state)
        before = ids("web")
        ended = world.roll_out("web")
        assert (ended.error, ids("web")) == ("TargetNotReady", before)
        assert f"AlarmNotOk: expected the update's rollback alarms in OK, found canary in {state}" in ended.flowing
        assert configuration() == {} and change_sets("web") == []
        # The way out that the finding names.
        ended = world.roll_out({"stackName": "web", "accept": ["AlarmNotOk"]})
        assert (ended.status, amis("web")) == ("SUCCEEDED", {world.new_ami})
        assert configuration() in ({}, NONE)


def test_an_alarm_that_becomes_ok_in_time_is_waited_for() -> None:
    with rollout(scenario("canary", VerificationDeadlineMinutes="10")) as world:
        alarm("canary", "INSUFFICIENT_DATA")
        execution = world.start("web")
        world.aws.clock.sleep(120)
        become("canary", "OK")
        assert world.end(execution).status == "SUCCEEDED"


def test_an_accepted_alarm_that_goes_off_after_the_preview_is_left_out_as_well() -> None:
    with rollout(scenario()) as world:
        alarm("own")
        update_by_hand(world, watched("own"), MaxSize="3")
        execution = world.start({"stackName": "web", "accept": ["AlarmNotOk"]})
        while not change_sets("web"):
            world.aws.clock.sleep(1)
        become("own", "ALARM")
        until(world, "UPDATE_IN_PROGRESS")
        assert configuration() == NONE
        until(world, "UPDATE_COMPLETE")
        become("own", "OK")
        assert world.end(execution).status == "SUCCEEDED" and configuration() == watched("own")


def test_an_alarm_that_does_not_exist_stops_the_update_before_it_begins() -> None:
    """CloudFormation API reference, RollbackTrigger: a missing trigger fails the whole operation."""
    with rollout(scenario("misspelt")) as world:
        before = ids("web")
        ended = world.roll_out({"stackName": "web", "accept": ["AlarmNotOk"]})
        assert (ended.error, ids("web")) == ("TargetNotReady", before)
        assert (
            f"NoSuchAlarm: expected the update's rollback alarms in this account and Region, found no {arn('misspelt')}"
            in (ended.flowing)
        )


@pytest.mark.parametrize("dry_run", [False, True])
def test_more_alarms_than_cloudformation_takes_are_refused_in_words(dry_run: bool) -> None:
    """CloudFormation API reference, RollbackConfiguration: at most five triggers."""
    with rollout(scenario("canary-1", "canary-2", "canary-3")) as world:
        alarms("own-1", "own-2", "own-3", "canary-1", "canary-2", "canary-3")
        update_by_hand(world, watched("own-1", "own-2", "own-3"), MaxSize="3")
        ended = world.roll_out("web", dryRun=dry_run)
        assert ended.error == "TargetNotReady" and change_sets("web") == []
        assert "TooManyAlarms: expected at most 5 rollback alarms for the update, found 6" in ended.flowing


def test_a_dry_run_brings_no_alarms() -> None:
    """Whether a stack has the alarms of a change set that is never executed is not documented."""
    with rollout(scenario("canary", BakeMinutes="5")) as world:
        alarm("canary")
        execution = world.start("web", dryRun=True)
        while not change_sets("web"):
            world.aws.clock.sleep(1)
        (name,) = change_sets("web")
        described = boto3.client("cloudformation").describe_change_set(StackName="web", ChangeSetName=name)
        assert described["RollbackConfiguration"] == {}
        assert world.end(execution).status == "SUCCEEDED" and configuration() == {}
