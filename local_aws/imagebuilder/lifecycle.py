"""Lifecycle policies: which images and AMIs are deleted, and which are not.

An execution takes no time. Where AWS's documentation is silent, an image resource stays as long as one of its AMIs is
excluded, and a COUNT rule keeps the newest images on hand whether they are excluded or not. Of the execution role it
is checked that Image Builder may assume it, not what it allows.

Sources: EC2 Image Builder API reference, LifecyclePolicyDetail*, LifecycleExecution*; User Guide, "How lifecycle
management rules work", "How lifecycle policy execution works"; EC2 User Guide, "Check when an Amazon EC2 AMI was last
used" (a launch is reported 24 hours later).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]

from local_aws.core import clock
from local_aws.core.ids import random_uuid
from local_aws.core.resource_policies import ServiceRequest, allows
from local_aws.ec2 import images as ec2_images
from local_aws.iam import roles
from local_aws.imagebuilder.arns import latest_match
from local_aws.imagebuilder.exceptions import InvalidRequestException
from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.shapes import Document

EXECUTION_INTERVAL = 24 * 60 * 60
"""Seconds between the executions of a policy: "once per day", at a time that Image Builder chooses."""

PRINCIPAL = "imagebuilder.amazonaws.com"
_LAUNCH_REPORT_DELAY = timedelta(hours=24)
_UNITS = {"DAYS": "days", "WEEKS": "weeks", "MONTHS": "months", "YEARS": "years"}


class UnusableRole(Exception):
    """Image Builder cannot assume a lifecycle policy's execution role."""


@dataclass(frozen=True)
class Execution:
    """One execution of a policy.

    `document` is the LifecycleExecution, `images` the LifecycleExecutionResource of each image build version that is
    over the rule's threshold, `outputs` those of the AMIs, by the ARN of their image.
    """

    document: Document
    images: list[Document]
    outputs: Mapping[str, list[Document]]


def check_policy(policy: Mapping[str, Any], arn: str) -> None:
    """Refuse an invalid policy. `policy` is a CreateLifecyclePolicy or UpdateLifecyclePolicy request, for `arn`.

    Raises InvalidRequestException.
    """
    selection = policy["resourceSelection"]
    if ("recipes" in selection) == ("tagMap" in selection):
        raise InvalidRequestException("Exactly one of 'recipes' and 'tagMap' must be specified in 'resourceSelection'.")
    types = [detail["action"]["type"] for detail in policy["policyDetails"]]
    if len(set(types)) < len(types):
        raise InvalidRequestException("A policy can have one rule at most for each action type.")
    for index, detail in enumerate(policy["policyDetails"]):
        path, rule = f"policyDetails[{index}]", detail["filter"]
        if rule["type"] == "COUNT" and ("unit" in rule or "retainAtLeast" in rule):
            raise InvalidRequestException(f"'unit' and 'retainAtLeast' of {path}.filter are for AGE only.")
        if rule["type"] == "AGE" and "unit" not in rule:
            raise InvalidRequestException(f"'unit' of {path}.filter must be specified for AGE.")
        included = detail["action"].get("includeResources", {})
        if included.get("snapshots") and not included.get("amis"):
            raise InvalidRequestException(f"{path}.action.includeResources can have 'snapshots' only with 'amis'.")
    try:
        check_role(policy["executionRole"], arn)
    except UnusableRole as error:
        raise InvalidRequestException(str(error)) from error


def check_role(role: str, policy_arn: str) -> None:
    """Raise UnusableRole unless there is a role of that name or ARN that Image Builder may assume for the policy."""
    region, account_id = policy_arn.split(":")[3:5]
    statements = roles.trust_policy(account_id, region, role.rsplit("/", 1)[-1])
    if statements is None:
        raise UnusableRole(f"The execution role '{role}' does not exist.")
    if not allows(statements, ServiceRequest(PRINCIPAL, "sts:AssumeRole", None, policy_arn, account_id)):
        raise UnusableRole(f"The execution role '{role}' cannot be assumed by {PRINCIPAL}.")


def execute(policy: Document, images: list[Image], delete_image: Callable[[str], None]) -> Execution:
    """Execute the policy now. `images` are those of its account and Region; `delete_image` takes an ARN."""
    now = clock.current().now()
    resources: list[Document] = []
    outputs: dict[str, list[Document]] = {}
    state: Document = {"status": "SUCCESS"}
    try:
        check_role(policy["executionRole"], policy["arn"])
    except UnusableRole as error:
        state = {"status": "FAILED", "reason": str(error)}
    else:
        selected = [image for image in images if image.status == "AVAILABLE" and _is_selected(policy, image)]
        for detail in policy["policyDetails"]:
            for image in _over_threshold(detail["filter"], selected, now):
                resource, outputs[image.arn] = _delete(detail, image, now)
                resources.append(resource)
                if resource["state"]["status"] == "SUCCESS":
                    delete_image(image.arn)
    acted_on = [*resources, *itertools.chain.from_iterable(outputs.values())]
    impacted = any(resource["state"]["status"] == "SUCCESS" for resource in acted_on)
    document = {
        "lifecycleExecutionId": f"lce-{random_uuid()}",
        "lifecyclePolicyArn": policy["arn"],
        "resourcesImpactedSummary": {"hasImpactedResources": impacted},
        "state": state,
        "startTime": now,
        "endTime": now,
    }
    return Execution(document, resources, outputs)


def _is_selected(policy: Document, image: Image) -> bool:
    """Whether the policy is for the image, by its recipe or by its tags.

    AWS does not document whether an image needs all the tags or one of them: here it needs all.
    """
    selection = policy["resourceSelection"]
    if "tagMap" in selection:
        return bool(selection["tagMap"].items() <= image.document["tags"].items())
    recipe = image.document["imageRecipe"]
    prefix = recipe["arn"].rsplit("/", 1)[0]
    return any(
        selected["name"] == recipe["name"] and latest_match(f"{prefix}/{selected['semanticVersion']}", [recipe["arn"]])
        for selected in selection["recipes"]
    )


def _over_threshold(rule: Document, images: list[Image], now: datetime) -> list[Image]:
    """The images that are over the threshold of the rule's filter, oldest first."""
    newest_first = sorted(images, key=lambda image: (image.started_at, image.arn), reverse=True)
    if rule["type"] == "COUNT":
        return newest_first[rule["value"] :][::-1]
    before = _earlier(now, rule).timestamp()
    return [image for image in newest_first[rule.get("retainAtLeast", 0) :] if image.started_at < before][::-1]


def _delete(detail: Document, image: Image, now: datetime) -> tuple[Document, list[Document]]:
    """Delete the AMIs of the image; return what becomes of the image, which the caller deletes, and of its AMIs.

    Each is a LifecycleExecutionResource.
    """
    exclusions = detail.get("exclusionRules", {})
    included = detail["action"].get("includeResources", {})
    outputs = []
    excluded = None
    if exclusions.get("tagMap", {}).items() & image.document["tags"].items():
        excluded = "The image has a tag that the policy excludes."
    else:
        for output in image.amis:
            reason = _exclusion(exclusions.get("amis", {}), output, now)
            if reason is not None:
                excluded = "An AMI of the image is excluded."
            elif included.get("amis"):
                snapshots = ec2_images.deregister(
                    output["accountId"], output["region"], output["image"], bool(included.get("snapshots"))
                )
                outputs.append(_resource(output["accountId"], output["image"], output["region"], now, None, snapshots))
                continue
            if included.get("amis"):
                outputs.append(_resource(output["accountId"], output["image"], output["region"], now, reason, []))
    return _resource(image.account_id, image.arn, image.region, now, excluded, None), outputs


def _resource(
    account_id: str,
    resource_id: str,
    region: str,
    now: datetime,
    skipped_because: str | None,
    snapshot_ids: list[str] | None,
) -> Document:
    """A LifecycleExecutionResource that was deleted or, with a reason, skipped."""
    state: Document = {"status": "SUCCESS"}
    if skipped_because is not None:
        state = {"status": "SKIPPED", "reason": skipped_because}
    snapshots = [{"snapshotId": snapshot, "state": {"status": "SUCCESS"}} for snapshot in snapshot_ids or []]
    return {
        "accountId": account_id,
        "resourceId": resource_id,
        "state": state,
        "action": {"name": "DELETE", "reason": "The resource is over the threshold of the policy's rule."},
        "region": region,
        "startTime": now,
        "endTime": now,
        **({} if snapshot_ids is None else {"snapshots": snapshots}),
    }


def _exclusion(rules: Document, output: Document, now: datetime) -> str | None:
    """Why the rules exclude the AMI from the action; None when they do not."""
    ami = ec2_images.find(output["accountId"], output["region"], output["image"])
    if ami is None:
        return None
    if rules.get("isPublic") and ami.is_public:
        return "The AMI is public."
    if output["region"] in rules.get("regions", []):
        return f"The Region {output['region']} is excluded."
    shared = ami.shared_with & set(rules.get("sharedAccounts", []))
    if shared:
        return f"The AMI is shared with {', '.join(sorted(shared))}."
    if rules.get("tagMap", {}).items() & ami.tags.items():
        return "The AMI has a tag that the policy excludes."
    if "lastLaunched" in rules:
        launched = _last_launched(output, now)
        if launched is not None and launched >= _earlier(now, rules["lastLaunched"]):
            return f"The AMI was last launched at {launched.isoformat(timespec='seconds')}."
    return None


def _last_launched(output: Document, now: datetime) -> datetime | None:
    """When an instance was last launched from the AMI, as far as EC2 reports it at this moment."""
    launches = ec2_images.launches(output["accountId"], output["region"], output["image"])
    return max((launch for launch in launches if launch <= now - _LAUNCH_REPORT_DELAY), default=None)


def _earlier(now: datetime, period: Document) -> datetime:
    """The moment that lies `value` of `unit` before now."""
    earlier: datetime = now - relativedelta(**{_UNITS[period["unit"]]: period["value"]})
    return earlier
