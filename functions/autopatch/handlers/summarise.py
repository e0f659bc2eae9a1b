"""Summarise how the run ended for each target, and choose the failure that the run ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.ec2 import Ec2
from autopatch.aws.systems_manager import SystemsManager
from autopatch.contracts import Ami, Document, Execution, Outcome, RecordedFailure, RecordedResult, Run, read, write
from autopatch.diagnosis import Diagnosis
from autopatch.holds import Holds
from autopatch.settings import HoldSettings
from autopatch.summary import Summariser

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
stacks, systems_manager, diagnosis = Stacks(), SystemsManager(), Diagnosis(AutoScaling(), Ec2())


class Task(Document, frozen=True):
    execution: Execution
    run: Run
    results: tuple[RecordedResult | RecordedFailure, ...]
    ami: Ami


@logger.inject_lambda_context(correlation_id_path="execution.id")
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    task = read(event, Task)
    holds = Holds(systems_manager, HoldSettings.from_env().hold_path)
    ended = Summariser(task.execution, task.ami, stacks, diagnosis, holds).summarise(task.results, task.run.refused)
    for outcome in Outcome:
        count = sum(target.outcome is outcome for target in ended.targets)
        metrics.add_metric(f"Targets{outcome.title().replace('_', '')}", MetricUnit.Count, count)
    summary = write(ended)
    logger.info("the run has ended", summary=summary)
    return summary
