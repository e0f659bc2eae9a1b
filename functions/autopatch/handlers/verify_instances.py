"""Verify that the instances of an updated stack run the AMI and serve, as many as before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.ec2 import Ec2
from autopatch.aws.elastic_load_balancing import ElasticLoadBalancing
from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import Document, Execution, Run, StackUpdate, Target, read, write
from autopatch.fleet import Fleets
from autopatch.holds import Holds
from autopatch.settings import HoldSettings
from autopatch.verification import InstanceVerifier

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
ec2, systems_manager = Ec2(), SystemsManager()
fleets = Fleets(Stacks(), AutoScaling(), ec2, ElasticLoadBalancing())


class Task(Document, frozen=True):
    execution: Execution
    run: Run
    target: Target
    update: StackUpdate


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task = read(event, Task)
    holds = Holds(systems_manager, HoldSettings.from_env().hold_path)
    verifier = InstanceVerifier(task.run, task.target, fleets, ec2, holds)
    update = write(verifier.verify(task.update, datetime.now(UTC)))
    logger.info("looked at the instances", stack=task.target.stack_name, update=update)
    return update
