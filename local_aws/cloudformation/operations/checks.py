"""What is checked while an operation runs, and ends it when it does not hold.

Sources: CloudFormation User Guide, "Roll back your CloudFormation stack on alarm breach with rollback triggers"; API
Reference, Output.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from local_aws.cloudformation import parameters
from local_aws.cloudformation.errors import OperationFailed, ValidationError
from local_aws.cloudformation.evaluation import evaluator
from local_aws.cloudformation.exports import Exports
from local_aws.cloudformation.operations.progress import POLL_SECONDS, Progress
from local_aws.cloudformation.stacks import Inputs, Output, Stack
from local_aws.cloudwatch import alarms
from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceFailed


def check_inputs(stack: Stack, previous: Inputs | None) -> None:
    """Check that the template's transforms succeeded, and that what the parameters name exists.

    `previous` are the inputs before an update. Raises OperationFailed.
    """
    if stack.inputs.template.failure is not None:
        raise OperationFailed(stack.inputs.template.failure)
    parameters.check_existence(
        stack.inputs.template,
        stack.inputs.parameters,
        None if previous is None else previous.parameters,
        stack.account_id,
        stack.region,
    )


@contextmanager
def watch_alarms(progress: Progress) -> Iterator[None]:
    """Watch the rollback triggers inside.

    Raises OperationFailed as soon as one is missing, of another type, or in ALARM.
    """
    if not progress.stack.inputs.rollback_configuration.get("RollbackTriggers"):
        yield
        return
    with progress.watching(partial(_check_alarms, progress.stack)):
        yield


def _check_alarms(stack: Stack) -> None:
    states = alarms.states(stack.account_id, stack.region)
    for trigger in stack.inputs.rollback_configuration.get("RollbackTriggers", []):
        state = states.get((trigger["Arn"], trigger["Type"]))
        if state is None:
            raise OperationFailed(f"Rollback trigger {trigger['Arn']} does not exist")
        if state == "ALARM":
            raise OperationFailed(f"Rollback trigger {trigger['Arn']} is in ALARM state")


def monitor(progress: Progress) -> None:
    """Let the monitoring time pass.

    Raises Cancelled.
    """
    left = progress.stack.inputs.monitoring_seconds
    while left > 0:
        progress.sleep(min(left, POLL_SECONDS))
        left -= POLL_SECONDS


def set_outputs(exports: Exports, stack: Stack) -> None:
    """Evaluate the outputs, and give them to the stack.

    Raises OperationFailed when one cannot be evaluated, or conflicts with what other stacks export and import.
    """
    evaluate = evaluator(exports, stack, stack.inputs)
    outputs = []
    for key, definition in stack.inputs.template.outputs.items():
        if not evaluate.exists(definition):
            continue
        try:
            value = evaluate.evaluate(definition["Value"])
            export_name = evaluate.evaluate(definition["Export"]["Name"]) if "Export" in definition else None
        except (ResourceFailed, NotModelled, ValidationError) as error:
            reason = error.message if isinstance(error, ValidationError) else str(error)
            raise OperationFailed(f"Output {key}: {reason}") from error
        if not isinstance(value, str | int | float | bool):
            raise OperationFailed(
                "Template format error: Output "
                f"{key} is malformed. The Value field of every Outputs member must evaluate to a String."
            )
        text = str(value).lower() if isinstance(value, bool) else str(value)
        outputs.append(Output(key, text, definition.get("Description"), export_name))
    exports.check_outputs(stack, outputs)
    stack.outputs = outputs
