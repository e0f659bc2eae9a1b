"""Resource types that moto's CloudFormation does not have, or not as AWS has them, made of their services' API calls.

One module a service.
"""

from local_aws.cloudformation.api_types import (
    autoscaling,
    cloudformation,
    cloudwatch,
    ec2,
    elbv2,
    events,
    iam,
    kms,
    lambda_,
    logs,
    messaging,
    s3,
    systems,
)
from local_aws.cloudformation.api_types.api_type import ApiType

_MODULES = (
    *(autoscaling, cloudformation, cloudwatch, ec2, elbv2, events, iam, kms, lambda_, logs, messaging, s3, systems),
)

API_TYPES: dict[str, ApiType] = {name: api_type for module in _MODULES for name, api_type in module.TYPES.items()}
"""The types by name."""
