"""Vulnerability scans of images, which Amazon Inspector makes of their test instances.

How many findings there are is a setting (`ImageBuilderSettings`). They themselves are not modelled.

Sources: EC2 Image Builder API reference, ImageScanningConfiguration, ImageScanState, ListImageScanFindingAggregations.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import boto3

from local_aws.core import faults, settings
from local_aws.imagebuilder.settings import BUILD_STATES, ImageBuilderSettings
from local_aws.imagebuilder.shapes import Document

# The scan's states while an image is built; it begins with the test instance.
_SCAN_STATES = {"TESTING": "SCANNING", "DISTRIBUTING": "COLLECTING", "INTEGRATING": "COMPLETED"}


def scan_state(states: list[str], account_id: str, region: str) -> Document:
    """The ImageScanState of an image that is scanned; `states` are those that it has been in.

    AWS documents that Inspector must be activated for EC2 in the account and Region, not what becomes of a scan where
    it is not: here it has FAILED.
    """
    if not _is_activated(account_id, region):
        return {"status": "FAILED", "reason": "Amazon Inspector is not activated for Amazon EC2 scanning."}
    reached = [state for state in states if state in BUILD_STATES][-1]
    status = _SCAN_STATES.get(reached, "PENDING")
    if status != "COMPLETED" and states[-1] not in BUILD_STATES:
        status = "ABANDONED"
    return {"status": status}


def _is_activated(account_id: str, region: str) -> bool:
    """Whether Inspector is activated for EC2. Planned faults do not strike: the call is AWS's own."""
    with faults.spared():
        accounts = _inspector(region).batch_get_account_status(accountIds=[account_id])["accounts"]
    return any(account["resourceState"]["ec2"]["status"] == "ENABLED" for account in accounts)


@functools.cache
def _inspector(region: str) -> Any:
    return boto3.client("inspector2", region_name=region)


def severity_counts(scanned: Iterable[str]) -> Document:
    """The SeverityCounts of scanned images, which are given by their ARNs. Each has the findings of the settings."""
    behaviour, number = settings.current(ImageBuilderSettings), len(list(scanned))
    counts = {
        "critical": behaviour.critical_findings,
        "high": behaviour.high_findings,
        "medium": behaviour.medium_findings,
    }
    total = sum(counts.values()) + behaviour.low_findings
    return {name: count * number for name, count in {"all": total, **counts}.items()}
