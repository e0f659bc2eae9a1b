"""Service Quotas: how much of EC2 the account may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from autopatch.aws.client import create_client, error_code, named_errors

if TYPE_CHECKING:
    from types_boto3_service_quotas import ServiceQuotasClient

# Amazon EC2 user guide, "Amazon EC2 instance type quotas": running On-Demand Standard instances, counted in vCPUs.
_STANDARD_ON_DEMAND = "L-1216C47A"


class ServiceQuotas:
    """The calls that a patch run makes to Service Quotas."""

    def __init__(self, client: ServiceQuotasClient | None = None) -> None:
        self._client: ServiceQuotasClient = client or create_client("service-quotas")

    def standard_virtual_cpus(self) -> int:
        """How many vCPUs of running On-Demand Standard instances the account may have in this Region.

        Of some quotas there is only the default value, which is in force where none was applied (Service Quotas API
        reference, GetServiceQuota).
        """
        with named_errors("reading the quota of running On-Demand Standard instances"):
            try:
                answer = self._client.get_service_quota(ServiceCode="ec2", QuotaCode=_STANDARD_ON_DEMAND)
                return int(answer["Quota"]["Value"])
            except ClientError as error:
                if error_code(error) != "NoSuchResourceException":
                    raise
            default = self._client.get_aws_default_service_quota(ServiceCode="ec2", QuotaCode=_STANDARD_ON_DEMAND)
            return int(default["Quota"]["Value"])
