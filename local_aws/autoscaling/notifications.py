"""The events and the messages that Auto Scaling sends of its activities.

Source: Amazon EC2 Auto Scaling User Guide, "Amazon EC2 Auto Scaling event reference", "Amazon SNS notification options
for Amazon EC2 Auto Scaling".
"""

from __future__ import annotations

import json
from typing import Any

from local_aws.core import clock
from local_aws.core.ids import random_uuid
from local_aws.core.times import iso
from local_aws.events import rules
from local_aws.sns import topics

KINDS = {
    "autoscaling:EC2_INSTANCE_LAUNCH": "EC2 Instance Launch Successful",
    "autoscaling:EC2_INSTANCE_LAUNCH_ERROR": "EC2 Instance Launch Unsuccessful",
    "autoscaling:EC2_INSTANCE_TERMINATE": "EC2 Instance Terminate Successful",
    "autoscaling:EC2_INSTANCE_TERMINATE_ERROR": "EC2 Instance Terminate Unsuccessful",
}
"""The notification types of a group, and the detail types of the events of the same occasions."""


def send(group: Any, kind: str, activity: dict[str, Any], instance_id: str | None) -> None:
    """Send the event and the messages of an activity's end; `kind` is one of KINDS."""
    request_id = random_uuid()
    detail = {
        "StatusCode": "Failed" if kind.endswith("_ERROR") else "InProgress",
        "Description": activity["Description"],
        "AutoScalingGroupName": group.name,
        "ActivityId": activity["ActivityId"],
        "Details": json.loads(activity["Details"]),
        "RequestId": request_id,
        "StatusMessage": activity["StatusMessage"] or "",
        "StartTime": iso(activity["StartTime"], "milliseconds"),
        "EndTime": iso(clock.current().now(), "milliseconds"),
        "EC2InstanceId": instance_id or "",
        "Cause": activity["Cause"],
    }
    arns = [] if instance_id is None else [f"arn:aws:ec2:{group.region}:{group.account_id}:instance/{instance_id}"]
    rules.put_aws_event("aws.autoscaling", KINDS[kind], [group.arn, *arns], detail, group.region)
    for topic, kinds in topics_of(group).items():
        if kind in kinds and topics.exists(group.account_id, group.region, topic):
            text = json.dumps({"Service": "AWS Auto Scaling", "Event": kind, "AccountId": group.account_id, **detail})
            verb = "launch" if "LAUNCH" in kind else "termination"
            topics.publish(
                group.account_id, group.region, topic, text, f'Auto Scaling: {verb} for group "{group.name}"'
            )


def lifecycle_action(group: Any, hook: Any, instance_id: str, token: str) -> None:
    """Send the event of an instance that waits because of a lifecycle hook."""
    kind = "launch" if hook.lifecycle_transition.endswith("LAUNCHING") else "terminate"
    detail = {
        "LifecycleActionToken": token,
        "AutoScalingGroupName": group.name,
        "LifecycleHookName": hook.name,
        "EC2InstanceId": instance_id,
        "LifecycleTransition": hook.lifecycle_transition,
        "Origin": "EC2" if kind == "launch" else "AutoScalingGroup",
        "Destination": "AutoScalingGroup" if kind == "launch" else "EC2",
    }
    if hook.notification_metadata:
        detail["NotificationMetadata"] = hook.notification_metadata
    rules.put_aws_event("aws.autoscaling", f"EC2 Instance-{kind} Lifecycle Action", [group.arn], detail, group.region)


def topics_of(group: Any) -> dict[str, list[str]]:
    """The notification types that go to each topic, by its ARN."""
    if not hasattr(group, "notification_topics"):
        group.notification_topics = {}
    by_topic: dict[str, list[str]] = group.notification_topics
    return by_topic
