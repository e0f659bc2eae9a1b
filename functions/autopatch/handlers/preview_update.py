"""Preview the update of a target as a change set, when nothing else is in progress on its stack."""

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
from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import Ami, Document, Execution, Pending, Run, Target, read, write
from autopatch.fleet import Fleets
from autopatch.previewing import UpdatePreviewer
from autopatch.saved_alarms import SavedAlarms
from autopatch.settings import SavedAlarmsSettings, UpdateSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
stacks, change_sets, cloudwatch, systems_manager = Stacks(), ChangeSets(), CloudWatch(), SystemsManager()
fleets = Fleets(stacks, AutoScaling(), Ec2(), ElasticLoadBalancing())


class Task(Document, frozen=True):
    execution: Execution
    run: Run
    target: Target
    ami: Ami
    update: Pending


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task, settings = read(event, Task), UpdateSettings.from_env()
    saved_alarms = SavedAlarms(systems_manager, SavedAlarmsSettings.from_env().saved_alarms_path)
    gateways = (stacks, change_sets, fleets, cloudwatch, saved_alarms)
    previewer = UpdatePreviewer(task.execution, task.run, task.target, task.ami, settings, *gateways)
    update = write(previewer.preview(task.update, datetime.now(UTC)))
    logger.info("asked for a preview", stack=task.target.stack_name, update=update)
    return update
