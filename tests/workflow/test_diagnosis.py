"""The notification says why a group failed: its instances, their console output, and launches that failed."""

from __future__ import annotations

import re
from dataclasses import replace

import boto3

from local_aws.core.faults import Fault
from local_aws.servicequotas.settings import ServiceQuotasSettings
from rehearsal import scenario
from rehearsal.scenario import Intervention
from tests.workflow.running import patch_run


def test_the_instances_that_never_signalled_are_named_with_the_end_of_their_consoles() -> None:
    """EC2 API reference, GetConsoleOutput: the output is kept for about an hour after the termination."""
    chosen = replace(scenario.load("deployment-rolls-back"), trigger="manual", input={})
    panics = {"web": {"signals": "none", "console": "[ 1.0] booting\n[ 2.0] Kernel panic - not syncing\n"}}
    with patch_run(replace(chosen, autoscaling=replace(chosen.autoscaling, stacks=panics))) as ran:
        words = ran.words()
        activities = boto3.client("autoscaling").describe_scaling_activities(IncludeDeletedGroups=True)["Activities"]
        (gone,) = {activity["AutoScalingGroupName"] for activity in activities} - {
            group["AutoScalingGroupName"]
            for group in boto3.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        }
        launched = [
            activity["Description"].rsplit(" ", 1)[1]
            for activity in activities
            if activity["AutoScalingGroupName"] == gone and activity["Description"].startswith("Launching")
        ]
        assert len(launched) == 2
        for instance_id in launched:
            assert f"{instance_id} (t3.micro, " in words and f"the console of {instance_id} ends with:" in words
        assert "was launched, and is terminated now" in words
        assert "[ 2.0] Kernel panic - not syncing" in words
        assert ran.amis("web") == [ran.deployment.golden_ami] * 2


def test_launches_that_failed_are_reported_in_ec2s_words() -> None:
    """Auto Scaling user guide, "Troubleshoot issues in Amazon EC2 Auto Scaling": the status message of the activity."""
    with patch_run("no-capacity") as ran:
        assert (ran.report.status, ran.report.error) == ("FAILED", "DeploymentFailed")
        # The group tries again and again, until CloudFormation gives up.
        assert re.search(r"\d+ launches failed: We currently do not have sufficient t3.micro capacity", ran.words())
        assert ran.instance_ids("web") == ran.instances_before["web"]
        assert (
            "nothing shows that its instances failed: AppAutoScalingGroup could not launch all instances."
            in ran.words()
        )
        assert held() == []


def test_an_update_that_is_cancelled_at_its_deadline_holds_no_ami() -> None:
    with patch_run("deployment-hangs") as ran:
        assert ran.report.error == "DeploymentTimedOut"
        assert (
            "is not held, because nothing shows that its instances failed: the update was cancelled at its deadline."
            in ran.words()
        )
        assert held() == []


def test_an_ami_is_held_whose_instances_failed_even_if_the_rollback_failed_too() -> None:
    with patch_run("rollback-fails") as ran:
        assert ran.report.error == "RollbackFailed"
        assert held() == ["its instances failed in web (RollbackFailed)"]


def test_a_group_that_is_gone_after_the_update_holds_no_ami() -> None:
    gone = Intervention(
        do="call",
        when_state="Verify Instances",
        service="autoscaling",
        operation="delete_auto_scaling_group",
        parameters={"AutoScalingGroupName": "${web.AppAutoScalingGroup}", "ForceDelete": True},
    )
    chosen = replace(scenario.load("happy-path"), interventions=(gone,))
    with patch_run(replace(chosen, parameters={"Rollback": "manual", "VerificationDeadlineMinutes": "3"})) as ran:
        assert ran.report.error == "PatchIncomplete"
        assert "is not held, because nothing shows that its instances failed: see above" in ran.words()
        assert held() == []


def held() -> list[str]:
    """Why AMIs are held."""
    parameters = boto3.client("ssm").get_parameters_by_path(Path="/ami-autopatch/held")["Parameters"]
    return [parameter["Value"] for parameter in parameters]


def test_a_diagnosis_that_fails_does_not_hide_the_first_cause() -> None:
    fault = Fault(service="autoscaling", action="DescribeScalingActivities", error="AccessDenied", status=403, times=9)
    with patch_run(replace(scenario.load("deployment-rolls-back"), faults=(fault,))) as ran:
        assert ran.report.error == "DeploymentFailed"
        assert "Received 0 SUCCESS signal(s) out of 2" in ran.words()
        assert "what its group launched could not be read" in ran.words() and "AccessDenied" in ran.words()
        # What is not known of the AMI does not hold it.
        assert (
            "nothing shows that its instances failed: what AppAutoScalingGroup launched could not be read"
            in ran.words()
            and held() == []
        )


def test_no_room_by_a_quota_of_which_there_is_only_the_default() -> None:
    """Service Quotas API reference, GetServiceQuota: it retrieves none where no value was applied."""
    quotas = ServiceQuotasSettings(standard_virtual_cpus=6, standard_is_default=True)
    with patch_run(replace(scenario.load("no-room"), service_quotas=quotas)) as ran:
        assert ran.report.error == "TargetNotReady"
        assert "a quota of 6, of which 4 are in use" in ran.words()


def test_no_room_for_both_groups() -> None:
    """Amazon EC2 user guide, "Amazon EC2 instance type quotas": quotas count the vCPUs of running instances."""
    with patch_run("no-room") as ran:
        assert ran.report.error == "TargetNotReady" and ran.instance_ids("web") == ran.instances_before["web"]
        assert "QuotaExceeded: expected room for 4 more vCPUs" in ran.words()
        assert "a quota of 6, of which 4 are in use" in ran.words()
