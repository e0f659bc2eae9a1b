"""Find out whether the preview of a target's update may be executed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.change_sets import ChangeSets
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.cloudwatch import CloudWatch
from autopatch.aws.ec2 import Ec2
from autopatch.aws.elastic_load_balancing import ElasticLoadBalancing
from autopatch.aws.service_quotas import ServiceQuotas
from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import Document, Execution, Preview, Run, Target, read, write
from autopatch.fleet import Fleets
from autopatch.holds import Holds
from autopatch.readiness import ReadinessChecker
from autopatch.settings import AmiOwnerSettings, HoldSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, change_sets, cloudwatch, ec2 = Stacks(), ChangeSets(), CloudWatch(), Ec2()
quotas, systems_manager = ServiceQuotas(), SystemsManager()
fleets = Fleets(stacks, AutoScaling(), ec2, ElasticLoadBalancing())


class Task(Document, frozen=True):
    execution: Execution
    run: Run
    target: Target
    update: Preview


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task = read(event, Task)
    holds = Holds(systems_manager, HoldSettings.from_env().hold_path)
    owners = frozenset({task.execution.account_id, *AmiOwnerSettings.from_env().ami_owners})
    gateways = (stacks, change_sets, fleets, ec2, quotas, holds, cloudwatch)
    checker = ReadinessChecker(task.run, task.target, *gateways, owners)
    update = write(checker.check(task.update, datetime.now(UTC)))
    logger.info("checked whether the target is ready", stack=task.target.stack_name, update=update)
    return update
