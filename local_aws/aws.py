"""The embedded AWS as a whole: a context in which boto3 talks to it."""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from datetime import UTC, datetime

from moto import mock_aws
from moto.moto_api._internal import mock_random

# Their CloudFormation types are known once they are imported.
import local_aws.delivery.resources
import local_aws.imagebuilder.resources  # noqa: F401
from local_aws import faults, lambda_runtime, scenario
from local_aws.clock import Clock
from local_aws.cloudformation.settings import configure as configure_cloudformation
from local_aws.delivery.settings import configure as configure_delivery
from local_aws.imagebuilder.settings import configure as configure_image_builder
from local_aws.scenario import Scenario
from local_aws.seams import (
    autoscaling,
    cloudformation,
    cold_starts,
    core,
    ec2,
    ec2_hardware,
    elbv2,
    events,
    iam,
    imagebuilder,
    kms,
    lambda_,
    s3,
    scaling_activities,
    scheduler,
    servicequotas,
    sns,
    ssm,
    stepfunctions,
)

_SEAMS = (
    core,
    cold_starts,
    ec2,
    ec2_hardware,
    kms,
    iam,
    s3,
    lambda_,
    stepfunctions,
    events,
    sns,
    scheduler,
    servicequotas,
    ssm,
    imagebuilder,
    cloudformation,
    autoscaling,
    scaling_activities,
    elbv2,
)

REGION = "us-east-1"
ACCOUNT = "123456789012"
START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
"""When virtual time begins; a run on the schedule jumps from here to the schedule's next firing."""

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIALOCALAWSEXAMPLE0", "AWS_SECRET_ACCESS_KEY": "local-aws-knows-no-secrets"}
"""Of nobody: moto takes any. They keep real ones out of reach."""


class LocalAws:
    """An embedded AWS that runs `scenario`, from entering to leaving the context.

    One process can have one at a time. Time is discrete, unless `speed` gives the virtual seconds in a real one.
    boto3 clients and sessions made inside talk to it, with credentials of nobody; use none from outside.
    """

    def __init__(self, scenario: Scenario | None = None, speed: float | None = None) -> None:
        self.scenario = scenario or Scenario()
        self.clock = Clock(START, speed)
        self._life = ExitStack()

    def __enter__(self) -> LocalAws:
        for seam in _SEAMS:
            seam.install()
        with ExitStack() as life:
            life.callback(_restore_environment, dict(os.environ))
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                del os.environ[name]
            os.environ.update(CREDENTIALS, AWS_DEFAULT_REGION=REGION)
            mock = mock_aws(config={"core": {"mock_credentials": False}})
            life.callback(scenario.use, scenario.current())
            life.enter_context(self.clock)
            life.enter_context(core.mocked(mock))
            self._configure()
            self._life = life.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._life.close()

    def _configure(self) -> None:
        mock_random.seed(0)
        random.seed(0)  # botocore and the States Language's retries draw their jitter from it
        stepfunctions.listeners.clear()
        lambda_runtime.reset()
        scenario.use(self.scenario)
        faults.configure(self.scenario.faults)
        lambda_runtime.configure(self.scenario.lambda_)
        configure_delivery(self.scenario.delivery)
        configure_image_builder(self.scenario.image_builder)
        configure_cloudformation(self.scenario.cloudformation)


def _restore_environment(variables: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)
