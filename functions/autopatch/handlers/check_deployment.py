"""Report how far the stack update has come, and cancel it at its deadline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.ec2 import Ec2
from autopatch.contracts import Execution, Run, Target, Update
from autopatch.deployments import DeploymentChecker
from autopatch.diagnosis import Diagnosis

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, diagnosis = Stacks(), Diagnosis(AutoScaling(), Ec2())


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    checker = DeploymentChecker(
        Execution.from_event(event["execution"]),
        Run.from_event(event["run"]),
        Target.from_event(event["target"]),
        stacks,
        diagnosis,
    )
    update = checker.check(Update.from_event(event["update"]), datetime.now(UTC)).to_event()
    logger.info("looked at the update", stack=event["target"]["stackName"], update=update)
    return update
