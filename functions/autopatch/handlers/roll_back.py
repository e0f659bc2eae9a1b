"""Take a stack whose instances failed their verification back to the AMI that it ran before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.contracts import Execution, Run, Target, Update
from autopatch.rollback import StackRollback
from autopatch.settings import CloudFormationSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, auto_scaling = Stacks(), AutoScaling()


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    rollback = StackRollback(
        Execution.from_event(event["execution"]),
        Run.from_event(event["run"]),
        Target.from_event(event["target"]),
        Update.from_event(event["update"]),
        CloudFormationSettings.from_env(),
        stacks,
        auto_scaling,
    )
    update = rollback.begin(Update.from_event(event["wayBack"]), datetime.now(UTC)).to_event()
    logger.info("asked for the rollback", stack=event["target"]["stackName"], rollback=update)
    return update
