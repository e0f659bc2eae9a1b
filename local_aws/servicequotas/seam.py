"""Service Quotas: how many vCPUs of On-Demand Standard instances the account may run; moto knows those of VPC only.

Source: Service Quotas API Reference, GetServiceQuota, GetAWSDefaultServiceQuota; EC2 User Guide, "Amazon EC2 instance
type quotas".
"""

from __future__ import annotations

import functools
import json
from typing import Any

from moto.servicequotas import models
from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.responses import ServiceQuotasResponse

from local_aws.core import settings
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.servicequotas.settings import ServiceQuotasSettings

expect_parameters(models.ServiceQuotasBackend.get_service_quota, "self", "service_code", "quota_code")
expect_attributes(ServiceQuotasResponse, "backend")

_STANDARD_ON_DEMAND = ("ec2", "L-1216C47A")
_STANDARD_DEFAULT = 5

_get_service_quota = models.ServiceQuotasBackend.get_service_quota


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    models.ServiceQuotasBackend.get_service_quota = _get_any_service_quota
    ServiceQuotasResponse.get_aws_default_service_quota = _get_default_quota


def _get_any_service_quota(backend: Any, service_code: str, quota_code: str) -> dict[str, Any]:
    if (service_code, quota_code) == _STANDARD_ON_DEMAND:
        current = settings.current(ServiceQuotasSettings)
        if current.standard_is_default:
            raise NoSuchResource
        return _standard(current.standard_virtual_cpus, f"{backend.region_name}:{backend.account_id}")
    if service_code != "vpc":
        raise NoSuchResource
    quota: dict[str, Any] = _get_service_quota(backend, service_code, quota_code)
    return quota


def _get_default_quota(response: Any) -> str:
    """The answer of GetAWSDefaultServiceQuota."""
    request = json.loads(response.body)
    if (request["ServiceCode"], request["QuotaCode"]) != _STANDARD_ON_DEMAND:
        return json.dumps({"Quota": _get_service_quota(response.backend, request["ServiceCode"], request["QuotaCode"])})
    current = settings.current(ServiceQuotasSettings)
    value = current.standard_virtual_cpus if current.standard_is_default else _STANDARD_DEFAULT
    return json.dumps({"Quota": _standard(value, f"{response.backend.region_name}:")})


def _standard(virtual_cpus: int, owner: str) -> dict[str, Any]:
    """The quota of running On-Demand Standard instances, with that value; a default belongs to no account."""
    service_code, quota_code = _STANDARD_ON_DEMAND
    return {
        "ServiceCode": service_code,
        "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
        "QuotaArn": f"arn:aws:servicequotas:{owner}:{service_code}/{quota_code}",
        "QuotaCode": quota_code,
        "QuotaName": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
        "Value": float(virtual_cpus),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
