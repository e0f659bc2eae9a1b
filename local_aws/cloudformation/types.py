"""The resource types that the embedded AWS has: those of the services' folders, and those of moto's models."""

from __future__ import annotations

from local_aws.autoscaling import resource_types as autoscaling
from local_aws.cloudformation import moto_models
from local_aws.cloudformation import resource_types as cloudformation
from local_aws.cloudwatch import resource_types as cloudwatch
from local_aws.core.resource_types import ResourceType
from local_aws.ec2 import resource_types as ec2
from local_aws.elbv2 import resource_types as elbv2
from local_aws.events import resource_types as events
from local_aws.iam import resource_types as iam
from local_aws.imagebuilder import resource_types as imagebuilder
from local_aws.kms import resource_types as kms
from local_aws.lambda_ import resource_types as lambda_
from local_aws.logs import resource_types as logs
from local_aws.s3 import resource_types as s3
from local_aws.scheduler import resource_types as scheduler
from local_aws.secretsmanager import resource_types as secretsmanager
from local_aws.sns import resource_types as sns
from local_aws.sqs import resource_types as sqs
from local_aws.ssm import resource_types as ssm
from local_aws.stepfunctions import resource_types as stepfunctions

_SERVICES = (
    *(
        autoscaling,
        cloudformation,
        cloudwatch,
        ec2,
        elbv2,
        events,
        iam,
        imagebuilder,
        kms,
        lambda_,
        logs,
        s3,
        scheduler,
    ),
    *(secretsmanager, sns, sqs, ssm, stepfunctions),
)

TYPES: dict[str, ResourceType] = {
    name: resource_type for service in _SERVICES for name, resource_type in service.TYPES.items()
}
"""The types of the services' folders, by name."""


def find(name: str) -> ResourceType | None:
    """The resource type of that name; None when the embedded AWS has none."""
    return TYPES.get(name) or moto_models.find(name)
