"""The templates of the sample application: described to those who fill them in."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws.cloudformation.template import Template, parse

INFRASTRUCTURE = Path(__file__).parents[2] / "infrastructure"
TEMPLATES = ("application.yaml", "network.yaml")


def template(name: str) -> Template:
    return parse((INFRASTRUCTURE / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_parameter_and_output_is_described(name: str) -> None:
    found = template(name)
    assert [key for key, said in {**found.parameters, **found.outputs}.items() if not said.get("Description")] == []


def test_an_instance_takes_no_metadata_request_without_a_token_and_has_an_encrypted_root_volume() -> None:
    """EC2 User Guide, "Use the Instance Metadata Service": HttpTokens required is IMDSv2 alone."""
    data = template("application.yaml").resources["AppLaunchTemplate"]["Properties"]["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert [device["Ebs"]["Encrypted"] for device in data["BlockDeviceMappings"]] == [True]


def test_the_group_is_replaced_and_waits_for_as_many_signals_as_it_starts_instances() -> None:
    group = template("application.yaml").resources["AppAutoScalingGroup"]
    assert group["UpdatePolicy"] == {"AutoScalingReplacingUpdate": {"WillReplace": True}}
    assert group["CreationPolicy"]["ResourceSignal"]["Count"] == group["Properties"]["DesiredCapacity"]


def test_the_user_data_signals_the_resource_that_awaits_it() -> None:
    """CloudFormation User Guide, "cfn-signal": the stack, the logical id and the Region."""
    data = template("application.yaml").resources["AppLaunchTemplate"]["Properties"]["LaunchTemplateData"]
    script = data["UserData"]["Fn::Base64"]["Fn::Sub"]
    assert "--resource AppAutoScalingGroup" in script
    assert "AppAutoScalingGroup" in template("application.yaml").resources
