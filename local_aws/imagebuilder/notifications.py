"""The messages to the SNS topic of an infrastructure configuration.

Source: EC2 Image Builder User Guide, "Amazon SNS integration in Image Builder": published for AVAILABLE and FAILED.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from local_aws.core.ids import random_uuid
from local_aws.imagebuilder.shapes import Document
from local_aws.sns import topics

PUBLISHED_STATES = ("AVAILABLE", "FAILED")

# The jobs that a build has had when it has been in a state.
_JOBS = {
    "BUILDING": "buildExecutionId",
    "TESTING": "testExecutionId",
    "DISTRIBUTING": "distributionJobId",
    "INTEGRATING": "integrationJobId",
}


def publish(image: Document, account_id: str, region: str, states: list[str]) -> None:
    """Publish the outcome of the build to the topic of the image's infrastructure configuration, if it has one.

    `image` is as GetImage describes it, `states` are those that it has been in.
    """
    topic = image["infrastructureConfiguration"].get("snsTopicArn")
    if topic is None:
        return
    text = json.dumps(_message(image, account_id, states), indent=2)
    topics.publish(account_id, region, topic, text)


def _message(image: Document, account_id: str, states: list[str]) -> Document:
    version, build = image["version"].split("/")
    message: Document = {
        "versionlessArn": image["arn"].rsplit("/", 2)[0],
        "semver": _semver(version, int(build)),
        "arn": image["arn"],
        "name": image["name"],
        "version": version,
        "type": image["type"],
        "buildVersion": int(build),
        "state": {name: image["state"][name] for name in ("status", "reason") if name in image["state"]},
        "platform": image["platform"],
        "imageRecipe": _resource(image["imageRecipe"], account_id),
        "infrastructureConfiguration": _resource(image["infrastructureConfiguration"], account_id),
        "imageTestsConfigurationDocument": image["imageTestsConfiguration"],
        "dateCreated": _date(image["dateCreated"]),
        "outputResources": {
            "amis": [
                {name: ami[name] for name in ("region", "image", "name", "accountId")}
                for ami in image.get("outputResources", {}).get("amis", [])
            ]
        },
        **{job: random_uuid() for state, job in _JOBS.items() if state in states},
        "accountId": account_id,
        "enhancedImageMetadataEnabled": image["enhancedImageMetadataEnabled"],
        "buildType": image["buildType"],
        "tags": _tags(image),
    }
    if "distributionConfiguration" in image:
        message["distributionConfiguration"] = _resource(image["distributionConfiguration"], account_id)
    if "sourcePipelineArn" in image:
        message["sourcePipelineArn"] = image["sourcePipelineArn"]
    return message


def _resource(resource: Document, account_id: str) -> Document:
    """A recipe or a configuration, as the message has it: dates in another form, and an account instead of `owner`."""
    kept = {name: value for name, value in resource.items() if name not in ("owner", "dateUpdated")}
    return {**kept, "dateCreated": _date(resource["dateCreated"]), "tags": _tags(resource), "accountId": account_id}


def _tags(resource: Document) -> dict[str, Any]:
    """The tags, with two that Image Builder adds."""
    return {**resource["tags"], "internalId": random_uuid(), "resourceArn": resource["arn"]}


def _date(iso: str) -> str:
    """`Jul 8, 2022 1:13:45 AM`, of ISO 8601."""
    moment = datetime.fromisoformat(iso)
    return f"{moment:%b} {moment.day}, {moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p}"


def _semver(version: str, build: int) -> int:
    """Versions as one number, 30 bits to each part of `major.minor.patch/build`."""
    number = 0
    for part in (*map(int, version.split(".")), build):
        number = number << 30 | part
    return number
