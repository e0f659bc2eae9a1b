"""How a group launches instances, and what each was launched from.

Source: Amazon EC2 Auto Scaling User Guide, "Auto Scaling launch templates"; API Reference, AutoScalingGroup, Instance.
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling import models

from local_aws.autoscaling import activities, booting, lifecycle, notifications
from local_aws.autoscaling.groups import launch_source, members
from local_aws.ec2 import instances, launch_checks


def launch(group: Any, cause: str) -> Any:
    """Launch an instance in the group, for the cause; returns moto's state of it in the group, None when it failed.

    A launch that EC2 refuses is a failed activity; one that it refuses in a zone is tried in the group's other zones.
    """
    instance = None
    if reason := group.behaviour.launches_fail:
        _fail(group, cause, reason, {})
    else:
        instance = _launch_in_some_zone(group, cause)
    if instance is None:
        return None
    instance.autoscaling_group = group
    state = models.InstanceState(instance, protected_from_scale_in=group.new_instances_protected_from_scale_in)
    state.launch_source = launch_source(group)
    group.instance_states.append(state)
    booting.begin(group, instance)
    description = f"Launching a new EC2 instance: {instance.id}"
    lifecycle.come(
        group, state, activities.begin(group, description, cause, "PreInService", activities.place_of(instance))
    )
    return state


def _launch_in_some_zone(group: Any, cause: str) -> Any:
    """moto's new instance, or None when EC2 refuses to launch it."""
    ec2, options = group.autoscaling_backend.ec2_backend, _options(group)
    propagated = {**group.get_propagated_tags(), models.ASG_NAME_TAG: group.name, **group.instance_tags}
    for place in _places(group):
        try:
            return instances.launch(
                ec2,
                group.image_id,
                group.user_data,
                group.security_groups,
                tags={"instance": dict(propagated)},
                **options,
                **place,
            )
        except launch_checks.LaunchRefused as refused:
            where = {"Availability Zone": place["placement"]}
            _fail(group, cause, f"{refused.message.removesuffix('.')}. Launching EC2 instance failed.", where)
            if refused.code != launch_checks.UNSUPPORTED:
                return None
    return None


def _fail(group: Any, cause: str, message: str, place: dict[str, str]) -> None:
    description = f"Launching a new EC2 instance.  Status Reason: {message}"
    activity = activities.begin(group, description, cause, "InProgress", place)
    activities.end(activity, "Failed", message)
    notifications.send(group, "autoscaling:EC2_INSTANCE_LAUNCH_ERROR", activity, None)


def check(group: Any) -> None:
    """Raise LaunchRefused when EC2 could launch no instance of the group, in whatever zone."""
    launch_checks.check_run(
        group.autoscaling_backend.ec2_backend, group.image_id, group.security_groups, _options(group)
    )


def _options(group: Any) -> dict[str, Any]:
    """What moto's run_instances is to take for each instance of the group, beside its AMI, its place and its tags."""
    ec2, template, data, interface = group.autoscaling_backend.ec2_backend, group.ec2_launch_template, *_data(group)
    options: dict[str, Any] = {
        "instance_type": group.instance_type or _first_override(group),
        "launch_config": group.launch_config,
        "is_instance_type_default": False,
        "associate_public_ip": interface.get("AssociatePublicIpAddress"),
    }
    if group.launch_config is not None:
        options["associate_public_ip"] = group.launch_config.associate_public_ip_address
        options["key_name"] = group.launch_config.key_name
    if template is not None:
        options["launch_template"] = {"LaunchTemplateId": template.id, "Version": launch_source(group)[-1]}
    if devices := _block_devices(ec2, group.image_id, data.get("BlockDeviceMappings") or []):
        options["block_device_mappings"] = devices
    if security_groups := interface.get("Groups"):
        options["security_group_ids"] = list(security_groups)
    return options


def _data(group: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The data of the group's launch template, and of the first network interface in it."""
    template = group.ec2_launch_template
    data = template.get_version(launch_source(group)[-1]).data if template is not None else {}
    return data, (data.get("NetworkInterfaces") or [{}])[0]


def _places(group: Any) -> list[dict[str, Any]]:
    """The zones and subnets of the group, that one first in which it has the fewest instances.

    Source: Amazon EC2 Auto Scaling User Guide, "Distribute instances across Availability Zones".
    """
    zones = group.availability_zones
    subnets = (group.vpc_zone_identifier or _data(group)[1].get("SubnetId") or "").split(",")
    places = [
        {"placement": zones[position % len(zones)], "subnet_id": subnets[position % len(subnets)] or None}
        for position in range(max(len(zones), len(subnets)))
    ]
    present = [(state.availability_zone, state.instance.subnet_id) for state in members(group)]

    def crowd(place: dict[str, Any]) -> tuple[int, int]:
        in_zone = sum(zone == place["placement"] for zone, _ in present)
        return in_zone, sum(subnet == place["subnet_id"] for _, subnet in present)

    return sorted(places, key=crowd)


def _first_override(group: Any) -> str:
    """The instance type that a group with a MixedInstancesPolicy prefers; its launch template may name none."""
    policy = group.mixed_instances_policy or {}
    overrides = policy.get("LaunchTemplate", {}).get("Overrides", [])
    return next((str(override["InstanceType"]) for override in overrides if "InstanceType" in override), "")


def _block_devices(ec2: Any, image_id: str, mappings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The volumes of an instance: what the template leaves out of one is the image's, or 8 GiB."""
    volumes = [mapping for mapping in mappings if "Ebs" in mapping]
    if not volumes:
        return []
    images = ec2.describe_images(filters={"image-id": image_id})
    root = images[0].root_device_name if images else None
    if root is not None and all(volume["DeviceName"] != root for volume in volumes):
        volumes = [{"DeviceName": root, "Ebs": {"DeleteOnTermination": True}}, *volumes]
    return [{**volume, "Ebs": {"VolumeSize": 8, **volume["Ebs"]}} for volume in volumes]


def group_launch_template(group: Any) -> dict[str, Any] | None:
    """The LaunchTemplate of a group, which one with a mixed instances policy has there and only there."""
    if group.ec2_launch_template is None or group.mixed_instances_policy:
        return None
    return {
        "LaunchTemplateId": group.ec2_launch_template.id,
        "LaunchTemplateName": group.ec2_launch_template.name,
        "Version": group.provided_launch_template_version,
    }


def instance_launch_template(state: Any) -> dict[str, Any] | None:
    """The LaunchTemplate of an instance in a group: the version that it was launched from."""
    if len(state.launch_source) < 2:
        return None
    identifier, version = state.launch_source
    templates = state.auto_scaling_group.ec2_backend.describe_launch_templates(template_ids=[identifier])
    name = templates[0].name if templates else None
    return {"LaunchTemplateId": identifier, "LaunchTemplateName": name, "Version": version}


def instance_launch_configuration(state: Any) -> str | None:
    """The LaunchConfigurationName of an instance in a group: the one that it was launched from."""
    return state.launch_source[0] if len(state.launch_source) == 1 else None
