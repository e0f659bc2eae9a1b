"""What EC2 refuses to launch, and what becomes of a group whose instances it refuses."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from local_aws.core.errors import NotModelled

_TEMPLATE = "You must use a valid fully-formed launch template. "


@pytest.fixture
def ec2(aws: LocalAws) -> Any:
    return boto3.client("ec2")


@pytest.fixture
def autoscaling(aws: LocalAws) -> Any:
    return boto3.client("autoscaling")


def registered(ec2: Any, architecture: str = "x86_64") -> str:
    name = f"image-{len(ec2.describe_images(Owners=['self'])['Images'])}"
    return str(ec2.register_image(Name=name, RootDeviceName="/dev/xvda", Architecture=architecture)["ImageId"])


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def run_refusal(ec2: Any, image_id: str, **parameters: Any) -> tuple[str, str]:
    given = {"MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro", **parameters}
    refused = refusal(ec2.run_instances, ImageId=image_id, **given)
    assert ec2.describe_instances()["Reservations"] == []
    return refused


def test_no_instance_is_launched_from_an_ami_that_does_not_exist(ec2: Any) -> None:
    """Error codes for the Amazon EC2 API; doccano/doccano#190: EC2's own words."""
    missing = "ami-0123456789abcdef0"
    assert run_refusal(ec2, missing) == ("InvalidAMIID.NotFound", f"The image id '[{missing}]' does not exist")
    assert run_refusal(ec2, "golden") == ("InvalidAMIID.Malformed", 'Invalid id: "golden" (expecting "ami-...")')
    image = registered(ec2)
    ec2.disable_image(ImageId=image)
    assert run_refusal(ec2, image)[0] == "InvalidAMIID.Unavailable"
    ec2.deregister_image(ImageId=image)
    assert run_refusal(ec2, image) == ("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")


def test_what_an_instance_is_launched_with_exists(ec2: Any) -> None:
    """Error codes for the Amazon EC2 API; getmoto/moto#1695, newsapps/beeswithmachineguns#163: EC2's own words."""
    image = registered(ec2)
    for given, expected in (
        ({"InstanceType": "t3.tiny"}, ("InvalidParameterValue", "Invalid value 't3.tiny' for InstanceType.")),
        ({"KeyName": "mine"}, ("InvalidKeyPair.NotFound", "The key pair 'mine' does not exist")),
        ({"SubnetId": "subnet-1"}, ("InvalidSubnetID.NotFound", "The subnet ID 'subnet-1' does not exist")),
        ({"SecurityGroupIds": ["sg-1"]}, ("InvalidGroup.NotFound", "The security group 'sg-1' does not exist")),
        ({"SecurityGroups": ["web"]}, ("InvalidGroup.NotFound", "The security group 'web' does not exist")),
        (
            {"Placement": {"AvailabilityZone": "us-east-1z"}},
            ("InvalidParameterValue", "Invalid availability zone: [us-east-1z]"),
        ),
    ):
        more: Any = given
        assert run_refusal(ec2, image, **more) == expected
    ec2.create_key_pair(KeyName="mine")
    ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, KeyName="mine")


def test_what_an_instance_is_launched_with_fits(ec2: Any) -> None:
    """skypilot-org/skypilot#6315, SUSE-Enceladus/ec2imgutils#103: EC2's own words; Error codes, InvalidParameter."""
    image, vpc = registered(ec2), ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    code, message = run_refusal(ec2, registered(ec2, "arm64"))
    assert code == "InvalidParameterValue"
    assert message.startswith(
        "The architecture 'x86_64' of the specified instance type does not match the architecture 'arm64' of the "
        "specified AMI."
    )
    code, message = run_refusal(ec2, image, Placement={"AvailabilityZone": "us-east-1e"})
    assert code == "Unsupported"
    assert "is not supported in your requested Availability Zone (us-east-1e)" in message
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"][
        :1
    ]
    assert group["VpcId"] != vpc
    assert run_refusal(ec2, image, SubnetId=subnet, SecurityGroupIds=[group["GroupId"]])[0] == "InvalidParameter"


def test_an_ami_that_a_parameter_names_is_not_modelled(ec2: Any) -> None:
    """EC2 User Guide, "Use AWS Systems Manager parameters to find the latest AMIs": RunInstances resolves them."""
    with pytest.raises(NotModelled, match="resolve:ssm:golden"):
        ec2.run_instances(ImageId="resolve:ssm:golden", MinCount=1, MaxCount=1)


def template(ec2: Any, **data: Any) -> dict[str, str]:
    data = {"InstanceType": "t3.micro", **data}
    made = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)["LaunchTemplate"]
    return {"LaunchTemplateId": made["LaunchTemplateId"], "Version": "1"}


def grouped(autoscaling: Any, source: dict[str, Any], desired: int = 1, zones: str = "a") -> dict[str, Any]:
    """A group of that capacity in these zones, as Auto Scaling describes it."""
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=0,
        MaxSize=5,
        DesiredCapacity=desired,
        AvailabilityZones=[f"us-east-1{zone}" for zone in zones],
        **source,
    )
    return described(autoscaling)


def described(autoscaling: Any) -> dict[str, Any]:
    (group,) = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    return dict(group)


def test_a_launch_template_is_tried_when_a_group_gets_it(ec2: Any, autoscaling: Any) -> None:
    """EC2 User Guide, "Create a launch template": its parameters are not validated then. Auto Scaling's own words:
    masterpointio/terraform-aws-ssm-agent#25."""
    missing = "The image id '[ami-0123456789abcdef0]' does not exist"
    bad = template(ec2, ImageId="ami-0123456789abcdef0")
    sizes = {"MinSize": 0, "MaxSize": 1, "AvailabilityZones": ["us-east-1a"]}
    created = refusal(autoscaling.create_auto_scaling_group, AutoScalingGroupName="web", LaunchTemplate=bad, **sizes)
    assert created == ("ValidationError", _TEMPLATE + missing)
    assert autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    good = ec2.create_launch_template_version(
        LaunchTemplateId=bad["LaunchTemplateId"],
        LaunchTemplateData={"ImageId": registered(ec2), "InstanceType": "t3.micro"},
    )["LaunchTemplateVersion"]["VersionNumber"]
    before = grouped(autoscaling, {"LaunchTemplate": {**bad, "Version": str(good)}})
    updated = refusal(autoscaling.update_auto_scaling_group, AutoScalingGroupName="web", LaunchTemplate=bad, MaxSize=2)
    assert updated == created
    assert described(autoscaling) == before


def test_a_launch_configuration_is_of_an_ami_that_exists(ec2: Any, autoscaling: Any) -> None:
    """benishak/lamp-aws-cloudformation#1: Auto Scaling's own words."""
    missing = "ami-0123456789abcdef0"
    refused = refusal(
        autoscaling.create_launch_configuration,
        LaunchConfigurationName="web",
        ImageId=missing,
        InstanceType="t3.micro",
    )
    assert refused == ("ValidationError", f"AMI {missing} is invalid: The image id '[{missing}]' does not exist")
    code, message = refusal(
        autoscaling.create_auto_scaling_group,
        AutoScalingGroupName="web",
        LaunchConfigurationName="web",
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=["us-east-1a"],
    )
    assert (code, "web not found" in message) == ("ValidationError", True)


@pytest.mark.parametrize("kind", ["template", "configuration"])
def test_a_group_whose_ami_is_deregistered_cannot_launch(ec2: Any, autoscaling: Any, kind: str) -> None:
    """EC2 User Guide, "Deregister an AMI"; Auto Scaling User Guide, "Troubleshoot AMI issues"."""
    image = registered(ec2)
    if kind == "template":
        group = grouped(autoscaling, {"LaunchTemplate": template(ec2, ImageId=image)})
    else:
        autoscaling.create_launch_configuration(LaunchConfigurationName="web", ImageId=image, InstanceType="t3.micro")
        group = grouped(autoscaling, {"LaunchConfigurationName": "web"})
    assert len(group["Instances"]) == 1
    ec2.deregister_image(ImageId=image)
    autoscaling.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    group = described(autoscaling)
    assert (group["DesiredCapacity"], len(group["Instances"])) == (2, 1)
    activities = autoscaling.describe_scaling_activities(AutoScalingGroupName="web")["Activities"]
    (newest,) = [activity for activity in activities if activity["Progress"] == 100]
    message = f"The image id '[{image}]' does not exist. Launching EC2 instance failed."
    assert (newest["StatusCode"], newest["StatusMessage"]) == ("Failed", message)
    assert newest["Description"] == f"Launching a new EC2 instance.  Status Reason: {message}"


def test_a_zone_without_the_instance_type_is_left_for_another(ec2: Any, autoscaling: Any) -> None:
    """Auto Scaling User Guide, "Availability Zones": a launch that fails in a zone is tried in another."""
    group = grouped(autoscaling, {"LaunchTemplate": template(ec2, ImageId=registered(ec2))}, 2, "ea")
    assert [instance["AvailabilityZone"] for instance in group["Instances"]] == ["us-east-1a", "us-east-1a"]
    activities = autoscaling.describe_scaling_activities(AutoScalingGroupName="web")["Activities"]
    assert [activity["StatusCode"] for activity in activities] == ["PreInService", "PreInService", "Failed", "Failed"]
