"""The alarms and the bake time that a deployment adds to those of a stack, and an update in which one goes off."""

from __future__ import annotations

from typing import Any

import boto3

from local_aws.core.ids import ACCOUNT, REGION
from rehearsal.scenario import Scenario
from tests.workflow.rollout import amis, ids, register_ami, rollout
from tests.workflow.running import describe, parameters


def alarm(name: str) -> str:
    """The ARN of a new alarm."""
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
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def trigger(arn: str) -> Any:
    return {"Arn": arn, "Type": "AWS::CloudWatch::Alarm"}


def test_alarms_are_added_to_those_of_the_stack_and_one_that_goes_off_rolls_it_back() -> None:
    """CloudFormation API reference, RollbackConfiguration: an update that names triggers replaces all of them; the
    monitoring time begins when all resources are deployed, and no old resource is removed before its end."""
    canary = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:canary"
    with rollout(Scenario(parameters={"RollbackAlarmArns": canary, "BakeMinutes": "10"})) as world:
        own = alarm("own")
        alarm("canary")
        boto3.client("cloudformation").update_stack(
            StackName="web",
            UsePreviousTemplate=True,
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": name, "ParameterValue": "3"}
                if name == "MaxSize"
                else {"ParameterKey": name, "UsePreviousValue": True}
                for name in parameters("web")
            ],
            RollbackConfiguration={"RollbackTriggers": [trigger(own)], "MonitoringTimeInMinutes": 5},
        )
        world.aws.clock.sleep(1800)

        assert world.roll_out("web").status == "SUCCEEDED"
        kept = describe("web")["RollbackConfiguration"]
        assert kept == {"RollbackTriggers": [trigger(own), trigger(canary)], "MonitoringTimeInMinutes": 10}
        assert amis("web") == {world.new_ami}

        before = ids("web")
        execution = world.start("web", amiId=register_ami("golden-image-third"))
        # While the alarms are monitored, the new instances run beside the old ones.
        world.aws.clock.sleep(300)
        assert describe("web")["StackStatus"] == "UPDATE_IN_PROGRESS"
        boto3.client("cloudwatch").set_alarm_state(AlarmName="canary", StateValue="ALARM", StateReason="errors")
        ended = world.end(execution)
        assert (ended.status, ended.error) == ("FAILED", "DeploymentFailed")
        assert "canary" in ended.flowing and f"web rolled back to {world.new_ami}" in ended.subject
        assert ids("web") == before and describe("web")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
