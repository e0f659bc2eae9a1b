"""Start a run when the public parameter that the pipeline builds on has moved to a new base AMI."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.ec2 import Ec2
from autopatch.aws.image_builder import ImageBuilder
from autopatch.aws.step_functions import Executions
from autopatch.aws.systems_manager import SystemsManager
from autopatch.base_images import BaseImages, NothingNew
from autopatch.settings import BaseAmiCheckSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
base_images = BaseImages(ImageBuilder(), Ec2(), SystemsManager())
executions = Executions()


@logger.inject_lambda_context
def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    settings = BaseAmiCheckSettings.from_env()
    release = base_images.new_release(settings.pipeline_arn, datetime.now(UTC))
    if isinstance(release, NothingNew):
        logger.info("started no run", reason=release.reason)
        return {"started": None}
    arn = executions.start(settings.state_machine_arn, release.execution_name, release.execution_input)
    if arn is None:
        logger.info("started no run", reason=f"a run was started for {release.name} before")
    else:
        logger.info("started a run", execution_arn=arn, release=release.name)
    return {"started": arn}
