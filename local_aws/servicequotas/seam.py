"""Service Quotas: how many vCPUs of On-Demand Standard instances the account may run; moto knows those of VPC only."""

from __future__ import annotations

import functools
from typing import Any

from moto.servicequotas import models
from moto.servicequotas.exceptions import NoSuchResource

from local_aws.core import settings
from local_aws.core.guard import expect_parameters
from local_aws.servicequotas.settings import ServiceQuotasSettings

expect_parameters(models.ServiceQuotasBackend.get_service_quota, "self", "service_code", "quota_code")

# Amazon EC2 user guide, "Amazon EC2 instance type quotas".
_STANDARD_ON_DEMAND = ("ec2", "L-1216C47A")

_get_service_quota = models.ServiceQuotasBackend.get_service_quota


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    models.ServiceQuotasBackend.get_service_quota = _get_any_service_quota


def _get_any_service_quota(backend: Any, service_code: str, quota_code: str) -> dict[str, Any]:
    if (service_code, quota_code) == _STANDARD_ON_DEMAND:
        return {
            "ServiceCode": "ec2",
            "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
            "QuotaArn": f"arn:aws:servicequotas:{backend.region_name}:{backend.account_id}:ec2/{quota_code}",
            "QuotaCode": quota_code,
            "QuotaName": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
            "Value": float(settings.current(ServiceQuotasSettings).standard_virtual_cpus),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
    if service_code != "vpc":
        raise NoSuchResource
    quota: dict[str, Any] = _get_service_quota(backend, service_code, quota_code)
    return quota
