"""The steps of docs/deploy.md with the AWS CLI, from the first stack to the last deletion, and what AWS shows then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line.terminal import CommandFailed, Terminal

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

AMI_PARAMETER = "/imagebuilder/golden-images/ami-id"


def test_the_stacks_are_created_patched_twice_scaled_out_rolled_back_and_deleted(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.create_stack("platform", "infrastructure/network.yaml", "--capabilities CAPABILITY_IAM")
    platform = terminal.outputs("platform")
    terminal.create_stack(
        "golden-images",
        "infrastructure/image-pipeline.yaml",
        "--capabilities CAPABILITY_IAM",
        VpcId=platform["VpcId"],
        SubnetId=platform["SubnetIds"].split(",")[0],
    )
    assert_the_pipeline_matches_its_template(terminal)
    golden = build(terminal)
    terminal.create_stack(
        "shop",
        "infrastructure/application.yaml",
        f"--role-arn {platform['ApplicationServiceRoleArn']}",
        AmazonMachineImage=golden,
        InstanceProfileName=platform["InstanceProfileName"],
        VpcId=platform["VpcId"],
        SubnetIds=platform["SubnetIds"],
        ClientCidr="203.0.113.0/24",
    )
    first = serving(terminal, golden, instances=2)
    assert_the_application_matches_its_template(terminal, platform)
    given = terminal.parameters("shop")
    point_autopatch_at_them(terminal, tmp_path)

    patched = terminal.patch({})["ami"]["amiId"]
    assert patched == newest_ami(terminal) != golden
    second = serving(terminal, patched, instances=2)
    assert second.isdisjoint(first)
    assert terminal.parameters("shop") == {**given, "AmazonMachineImage": patched}
    assert terminal.stack("shop")["RoleARN"] == platform["ApplicationServiceRoleArn"]

    terminal.update_stack("shop", DesiredCapacity="3")
    assert serving(terminal, patched, instances=3) > second
    group = terminal.resources("shop")["AppAutoScalingGroup"]
    terminal.type(f"aws autoscaling set-desired-capacity --auto-scaling-group-name {group} --desired-capacity 4")
    fourth = serving(terminal, patched, instances=4)
    assert fourth > second

    patched_again = terminal.patch({})["ami"]["amiId"]
    assert patched_again == newest_ami(terminal) not in (golden, patched)
    fifth = serving(terminal, patched_again, instances=4)
    assert fifth.isdisjoint(fourth)

    back = terminal.patch({"amiId": golden, "targets": ["shop"]})
    assert back["summary"]["targets"][0]["outcome"] == "PATCHED"
    assert serving(terminal, golden, instances=4).isdisjoint(fifth)
    assert terminal.parameters("shop") == {**given, "AmazonMachineImage": golden, "DesiredCapacity": "4"}
    assert newest_ami(terminal) == patched_again, "going back builds nothing"

    for stack in ("ami-autopatch", "shop", "golden-images", "platform", "web", "image-pipeline", "network"):
        terminal.delete_stack(stack)
        with pytest.raises(CommandFailed, match=f"Stack with id {stack} does not exist"):
            terminal.stack(stack)
    assert_only_what_is_retained_is_left(terminal, [golden, patched, patched_again])


def build(terminal: Terminal) -> str:
    """Start a build by hand; returns its AMI."""
    pipeline = terminal.outputs("golden-images")["ImagePipelineArn"]
    terminal.type(f"aws imagebuilder start-image-pipeline-execution --image-pipeline-arn {pipeline}")
    terminal.until(
        lambda: terminal.type(
            f"aws imagebuilder list-image-pipeline-images --image-pipeline-arn {pipeline} --query "
            "imageSummaryList[].state.status"
        ),
        lambda statuses: statuses == ["AVAILABLE"],
    )
    return newest_ami(terminal)


def newest_ami(terminal: Terminal) -> str:
    return str(terminal.type(f"aws ssm get-parameter --name {AMI_PARAMETER} --query Parameter.Value"))


def serving(terminal: Terminal, ami: str, *, instances: int) -> set[str]:
    """The instances of the application, after waiting until all are healthy; expects so many, all running the AMI."""
    resources = terminal.resources("shop")
    target_group = resources["AppTargetGroup"]
    terminal.until(lambda: terminal.health(target_group), lambda health: set(health.values()) == {"healthy"})
    running = terminal.instances(resources["AppAutoScalingGroup"])
    assert list(running.values()) == [ami] * instances
    assert set(terminal.health(target_group)) == set(running)
    return set(running)


def assert_the_pipeline_matches_its_template(terminal: Terminal) -> None:
    outputs = terminal.outputs("golden-images")
    recipe = terminal.type(
        f"aws imagebuilder get-image-recipe --image-recipe-arn {outputs['ImageRecipeArn']} --query imageRecipe"
    )
    assert recipe["parentImage"] == "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    assert [component["componentArn"].split("/")[1] for component in recipe["components"]] == [
        "golden-images-update-os",
        "golden-images-install-cfn-signal",
        "golden-images-record-packages",
        "golden-images-verify-image",
    ]
    assert recipe["blockDeviceMappings"][0]["ebs"]["encrypted"] is True

    pipeline = terminal.type(
        f"aws imagebuilder get-image-pipeline --image-pipeline-arn {outputs['ImagePipelineArn']} --query imagePipeline"
    )
    assert (pipeline["status"], pipeline.get("schedule")) == ("ENABLED", None)
    infrastructure = terminal.type(
        "aws imagebuilder get-infrastructure-configuration --query infrastructureConfiguration "
        f"--infrastructure-configuration-arn {pipeline['infrastructureConfigurationArn']}"
    )
    assert infrastructure["instanceMetadataOptions"]["httpTokens"] == "required"
    assert infrastructure["logging"]["s3Logs"]["s3BucketName"] == outputs["LogBucketName"]
    distributions = terminal.type(
        "aws imagebuilder get-distribution-configuration --query distributionConfiguration.distributions "
        f"--distribution-configuration-arn {pipeline['distributionConfigurationArn']}"
    )
    assert [distribution["region"] for distribution in distributions] == ["us-east-1"]
    assert distributions[0]["ssmParameterConfigurations"][0]["parameterName"] == AMI_PARAMETER
    policy = terminal.type(
        "aws imagebuilder get-lifecycle-policy --query lifecyclePolicy --lifecycle-policy-arn "
        + terminal.resources("golden-images")["LifecyclePolicy"]
    )
    assert policy["policyDetails"][0]["filter"] == {"type": "COUNT", "value": 6}
    assert policy["status"] == "ENABLED"

    role = outputs["BuildInstanceRoleArn"].rpartition("/")[2]
    trust = terminal.type(f"aws iam get-role --role-name {role} --query Role.AssumeRolePolicyDocument.Statement")
    assert [statement["Principal"] for statement in trust] == [{"Service": "ec2.amazonaws.com"}]
    policies = terminal.type(
        f"aws iam list-attached-role-policies --role-name {role} --query AttachedPolicies[].PolicyName"
    )
    assert policies == ["AmazonSSMManagedInstanceCore", "EC2InstanceProfileForImageBuilder"]
    bucket = outputs["LogBucketName"]
    encryption = terminal.type(f"aws s3api get-bucket-encryption --bucket {bucket}")[
        "ServerSideEncryptionConfiguration"
    ]
    assert encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def assert_the_application_matches_its_template(terminal: Terminal, platform: dict[str, str]) -> None:
    resources = terminal.resources("shop")
    (group,) = terminal.type(
        "aws autoscaling describe-auto-scaling-groups --query AutoScalingGroups --auto-scaling-group-names "
        + resources["AppAutoScalingGroup"]
    )
    assert (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]) == (2, 2, 4)
    assert sorted(group["VPCZoneIdentifier"].split(",")) == sorted(platform["SubnetIds"].split(","))
    assert {instance["AvailabilityZone"] for instance in group["Instances"]} == {"us-east-1a", "us-east-1b"}
    assert group["TargetGroupARNs"] == [resources["AppTargetGroup"]]
    (balancer,) = terminal.type(
        f"aws elbv2 describe-load-balancers --load-balancer-arns {resources['AppLoadBalancer']} --query LoadBalancers"
    )
    assert balancer["State"] == {"Code": "active"}
    assert terminal.outputs("shop")["ApplicationUrl"] == f"http://{balancer['DNSName']}"
    template = terminal.type(
        f"aws ec2 describe-launch-template-versions --launch-template-id {resources['AppLaunchTemplate']} "
        "--versions $Latest --query LaunchTemplateVersions[0].LaunchTemplateData"
    )
    assert template["MetadataOptions"]["HttpTokens"] == "required"
    assert template["IamInstanceProfile"] == {"Name": platform["InstanceProfileName"]}


def point_autopatch_at_them(terminal: Terminal, folder: Path) -> None:
    """Through a change set, with a template that is too large for a request and is therefore uploaded to a bucket."""
    template = folder / "packaged.json"
    body = terminal.type("aws cloudformation get-template --stack-name ami-autopatch --query TemplateBody")
    template.write_text(json.dumps(body, indent=2))
    assert template.stat().st_size > 51_200
    before = terminal.parameters("ami-autopatch")
    pipeline = terminal.outputs("golden-images")["ImagePipelineArn"]
    terminal.show("aws s3 mb s3://artifacts")
    terminal.show(
        f"aws cloudformation deploy --stack-name ami-autopatch --template-file {template} --s3-bucket artifacts "
        f"--capabilities CAPABILITY_IAM --parameter-overrides PipelineArn={pipeline} ApplicationStacks=shop"
    )
    assert terminal.parameters("ami-autopatch") == {**before, "PipelineArn": pipeline, "ApplicationStacks": "shop"}


LISTS = [
    "aws autoscaling describe-auto-scaling-groups --query AutoScalingGroups",
    "aws cloudformation describe-stacks --query Stacks",
    "aws cloudwatch describe-alarms --query MetricAlarms",
    "aws ec2 describe-instances --filters Name=instance-state-name,Values=pending,running,stopping,stopped "
    "--query Reservations",
    "aws ec2 describe-internet-gateways --query InternetGateways",
    "aws ec2 describe-launch-templates --query LaunchTemplates",
    "aws ec2 describe-network-interfaces --query NetworkInterfaces",
    "aws ec2 describe-route-tables --filters Name=association.main,Values=false --query RouteTables",
    "aws ec2 describe-security-groups --query \"SecurityGroups[?GroupName!='default']\"",
    "aws ec2 describe-subnets --query Subnets[?!DefaultForAz]",
    "aws ec2 describe-volumes --query Volumes",
    "aws ec2 describe-vpcs --query Vpcs[?!IsDefault]",
    "aws elbv2 describe-load-balancers --query LoadBalancers",
    "aws elbv2 describe-target-groups --query TargetGroups",
    "aws events list-rules --query Rules",
    "aws iam list-instance-profiles --query InstanceProfiles",
    "aws iam list-roles --query Roles",
    "aws imagebuilder list-components --query componentVersionList",
    "aws imagebuilder list-distribution-configurations --query distributionConfigurationSummaryList",
    "aws imagebuilder list-image-pipelines --query imagePipelineList",
    "aws imagebuilder list-image-recipes --query imageRecipeSummaryList",
    "aws imagebuilder list-infrastructure-configurations --query infrastructureConfigurationSummaryList",
    "aws imagebuilder list-lifecycle-policies --query lifecyclePolicySummaryList",
    "aws lambda list-functions --query Functions",
    "aws logs describe-log-groups --query logGroups",
    "aws scheduler list-schedules --query Schedules",
    "aws sns list-subscriptions --query Subscriptions",
    "aws sns list-topics --query Topics",
    "aws stepfunctions list-state-machines --query stateMachines",
]


def assert_only_what_is_retained_is_left(terminal: Terminal, amis: list[str]) -> None:
    assert {command: terminal.type(command) for command in LISTS} == {command: [] for command in LISTS}

    images = terminal.type(
        "aws ec2 describe-images --owners self --filters Name=tag:Name,Values=golden-images --query Images[].ImageId"
    )
    assert sorted(images) == sorted(amis)
    for ami in amis:
        terminal.type(f"aws ec2 deregister-image --image-id {ami} --delete-associated-snapshots")
    builds = terminal.type(
        "aws imagebuilder list-image-build-versions --image-version-arn "
        "arn:aws:imagebuilder:us-east-1:123456789012:image/golden-images/1.0.0 --query imageSummaryList[].arn"
    )
    assert len(builds) == len(amis)
    for arn in builds:
        terminal.type(f"aws imagebuilder delete-image --image-build-version-arn {arn}")
    assert terminal.type("aws imagebuilder list-images --query imageVersionList") == []
    terminal.type(f"aws ssm delete-parameter --name {AMI_PARAMETER}")
    buckets = terminal.type("aws s3api list-buckets --query Buckets[].Name")
    assert sum("logbucket" in name for name in buckets) == 2
