"""Find out whether a target can be updated, and preview the update as a change set, before anything is changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.change_sets import ChangeSets
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.ec2 import Ec2
from autopatch.aws.elastic_load_balancing import ElasticLoadBalancing
from autopatch.aws.service_quotas import ServiceQuotas
from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import Ami, Document, Execution, NotStarted, Pending, Preview, Run, Target, read, write
from autopatch.fleet import Fleets
from autopatch.holds import Holds
from autopatch.readiness_checker import Gateways, ReadinessChecker
from autopatch.settings import FreezeSettings, UpdateSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, ec2, systems_manager = Stacks(), Ec2(), SystemsManager()
fleets = Fleets(stacks, AutoScaling(), ec2, ElasticLoadBalancing())
change_sets, quotas = ChangeSets(), ServiceQuotas()


class Task(Document, frozen=True):
    execution: Execution
    run: Run
    target: Target
    ami: Ami
    update: NotStarted | Pending | Preview


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task, freeze_settings = read(event, Task), FreezeSettings.from_env()
    holds = Holds(systems_manager, freeze_settings.hold_path)
    checker = ReadinessChecker(
        execution=task.execution,
        run=task.run,
        target=task.target,
        ami=task.ami,
        freeze_settings=freeze_settings,
        update_settings=UpdateSettings.from_env(),
        gateways=Gateways(stacks, change_sets, fleets, ec2, quotas, systems_manager, holds),
    )
    update = write(checker.check(task.update, datetime.now(UTC)))
    logger.info("checked whether the target is ready", stack=task.target.stack_name, update=update)
    return update
