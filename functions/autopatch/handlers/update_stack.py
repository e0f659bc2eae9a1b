"""Execute the previewed update of one application stack."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.change_sets import ChangeSets
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.contracts import Execution, Run, Target, Update
from autopatch.updating import StackUpdater

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, change_sets, auto_scaling = Stacks(), ChangeSets(), AutoScaling()


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    updater = StackUpdater(
        Execution.from_event(event["execution"]),
        Run.from_event(event["run"]),
        Target.from_event(event["target"]),
        stacks,
        change_sets,
        auto_scaling,
    )
    update = updater.update(Update.from_event(event["update"]), datetime.now(UTC)).to_event()
    logger.info("asked for the update", stack=event["target"]["stackName"], update=update)
    return update
