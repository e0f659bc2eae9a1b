"""The embedded AWS as a whole: a context in which boto3 talks to it."""

from __future__ import annotations

import os
import random
import secrets
from contextlib import ExitStack
from datetime import UTC, datetime

from moto import mock_aws
from moto.moto_api._internal import mock_random

from local_aws import authorization
from local_aws.autoscaling import seam as autoscaling
from local_aws.cloudformation import seam as cloudformation
from local_aws.cloudwatch import seam as cloudwatch
from local_aws.core import seam as core
from local_aws.core import settings
from local_aws.core.clock import Clock
from local_aws.core.ids import REGION
from local_aws.ec2 import seam as ec2
from local_aws.elbv2 import seam as elbv2
from local_aws.events import seam as events
from local_aws.iam import seam as iam
from local_aws.imagebuilder import seam as imagebuilder
from local_aws.kms import seam as kms
from local_aws.lambda_ import seam as lambda_
from local_aws.s3 import seam as s3
from local_aws.scheduler import seam as scheduler
from local_aws.servicequotas import seam as servicequotas
from local_aws.sns import seam as sns
from local_aws.sqs import seam as sqs
from local_aws.ssm import seam as ssm
from local_aws.stepfunctions import seam as stepfunctions

_SEAMS = (
    *(
        core,
        iam,
        kms,
        s3,
        servicequotas,
        cloudwatch,
        ssm,
        sqs,
        sns,
        lambda_,
        events,
        scheduler,
        elbv2,
        ec2,
        autoscaling,
    ),
    *(stepfunctions, imagebuilder, cloudformation),
)

START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
"""When virtual time begins by default."""

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIALOCALAWSEXAMPLE0", "AWS_SECRET_ACCESS_KEY": "local-aws-knows-no-secrets"}
"""Nobody's: moto accepts any. They keep real ones out of reach."""


class LocalAws:
    """An embedded AWS, from entering to leaving the context.

        with LocalAws() as aws:
            boto3.client("sqs").create_queue(QueueName="jobs")
            aws.clock.sleep(3600)

    `behaviour` is what differs from the defaults: objects of the classes in the services' `settings.py`, and `Faults`.
    Virtual time begins at `start`. It is discrete, unless `speed` gives the virtual seconds in a real one. One process
    can have one embedded AWS at a time. boto3 clients and sessions made inside talk to it, with nobody's credentials;
    use none from outside.
    """

    def __init__(self, *behaviour: object, start: datetime = START, speed: float | None = None) -> None:
        self.clock = Clock(start, speed)
        self._behaviour = behaviour
        self._life = ExitStack()

    def __enter__(self) -> LocalAws:
        for seam in _SEAMS:
            seam.install()
        core.authorize_calls(authorization.denial)
        with ExitStack() as life:
            life.callback(_restore_environment, dict(os.environ))
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                del os.environ[name]
            os.environ.update(CREDENTIALS, AWS_DEFAULT_REGION=REGION)
            mock = mock_aws(config={"core": {"mock_credentials": False}})
            life.callback(settings.reset)
            life.enter_context(self.clock)
            life.enter_context(core.mocked(mock))
            # Who serves an embedded AWS to others has to have keys that nobody can guess, and no two runs alike anyway.
            mock_random.seed(0 if self.clock.is_discrete else secrets.randbits(128))
            random.seed(0)  # botocore and the States Language's retries draw their jitter from it
            settings.reset()
            settings.use(*self._behaviour)
            self._life = life.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._life.close()


def _restore_environment(variables: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)
