"""Whose AMIs are rolled out: the account's own, those of owners that the deployment names, and those of before."""

from __future__ import annotations

from pathlib import Path

import boto3

from local_aws.aws import LocalAws
from rehearsal.scenario import Scenario
from tests.workflow.rollout import amis, application, change_sets, ids, make_ill, rollout
from tests.workflow.running import describe, parameters

CANONICAL = "099720109477"


def stranger() -> str:
    """A public AMI of another account, x86_64 like the stacks' instances."""
    images = boto3.client("ec2").describe_images(Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"]
    return next(image["ImageId"] for image in images if image["OwnerId"] == CANONICAL)


def test_a_strangers_public_ami_is_refused_before_anything_is_changed() -> None:
    with rollout(Scenario()) as deployed:
        before, foreign = ids("web"), stranger()
        ended = deployed.end(deployed.start_with({"amiId": foreign}), hours=0.5)
        assert (ended.status, ended.error) == ("FAILED", "TargetNotReady")
        assert "ForeignAmi: expected an AMI of this account" in ended.flowing and CANONICAL in ended.flowing
        assert (ids("web"), describe("web")["StackStatus"], change_sets("web")) == (before, "CREATE_COMPLETE", [])
        # Nor may whoever starts the execution accept it.
        accepting = {"amiId": foreign, "targets": [{"stackName": "web", "accept": ["ForeignAmi"]}]}
        assert deployed.end(deployed.start_with(accepting), hours=0.5).error == "InvalidInput"


def test_an_ami_of_an_owner_that_the_deployment_names_is_rolled_out() -> None:
    for owner in (CANONICAL, "210987654321,amazon"):
        with rollout(Scenario(parameters={"AmiOwners": owner})) as deployed:
            assert deployed.end(deployed.start_with({"amiId": stranger()})).status == "SUCCEEDED"
            assert amis("web") == {stranger()}


def test_a_stack_may_go_back_to_the_public_ami_that_it_had_before() -> None:
    with LocalAws():
        public = stranger()
    stack = application(Path(), "web", AmazonMachineImage=public)
    with rollout(Scenario(stacks=(stack,))) as deployed:
        assert (amis("web"), deployed.roll_out("web").status) == ({public}, "SUCCEEDED")
        assert amis("web") == {deployed.new_ami}
        ended = deployed.end(deployed.start_with({"amiId": public}))
        assert ended.status == "SUCCEEDED" and amis("web") == {public}


def test_a_failed_verification_leads_back_to_a_public_ami() -> None:
    with LocalAws():
        public = stranger()
    stack = application(Path(), "web", AmazonMachineImage=public)
    with rollout(Scenario(stacks=(stack,), parameters={"VerificationDeadlineMinutes": "2"})) as deployed:
        execution_arn = deployed.start("web")
        while describe("web")["StackStatus"] != "UPDATE_COMPLETE":
            deployed.aws.clock.sleep(1)
        make_ill("web")
        assert deployed.end(execution_arn).error == "VerificationFailed"
        assert amis("web") == {public} and parameters("web")["AmazonMachineImage"] == public
