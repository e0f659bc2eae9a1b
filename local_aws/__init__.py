"""An AWS that fits in a process, for development: moto, with what moto lacks added on top.

`aws.py` is its face. `core/` is what every service uses; each service has a folder of its own. In it, as far as the
service needs them: `seam.py`, the only file that assigns to moto; `resource_types.py`, the service's CloudFormation
types; `delivery.py`, how it is the target of a delivery; `settings.py`, how it behaves where AWS's behaviour is a
matter of chance.
"""

import functools

import botocore.session

SERVICES = (
    *("iam", "kms", "logs", "s3", "secretsmanager", "servicequotas", "cloudwatch", "ssm", "sqs", "sns", "events"),
    *("lambda_", "scheduler", "elbv2", "ec2", "autoscaling", "stepfunctions", "imagebuilder", "cloudformation"),
)
"""The services; each may import those before it, and `core`."""

# Each boto3 session would read and parse the descriptions of services again, seconds of it while moto is imported.
# A loader holds nothing else, credentials least of all, so one serves all sessions of a process.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)
