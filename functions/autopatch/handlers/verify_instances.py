"""Prove that the instances of an updated stack run the AMI, as many as before, and serve."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.aws.auto_scaling import AutoScaling
from autopatch.aws.cloudformation.stacks import Stacks
from autopatch.aws.ec2 import Ec2
from autopatch.aws.elastic_load_balancing import ElasticLoadBalancing
from autopatch.contracts import Run, Target, Update
from autopatch.fleet import Fleets
from autopatch.verification import InstanceVerifier

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
ec2 = Ec2()
fleets = Fleets(Stacks(), AutoScaling(), ec2, ElasticLoadBalancing())


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    verifier = InstanceVerifier(Run.from_event(event["run"]), Target.from_event(event["target"]), fleets, ec2)
    update = verifier.verify(Update.from_event(event["update"]), datetime.now(UTC)).to_event()
    logger.info("looked at the instances", stack=event["target"]["stackName"], update=update)
    return update
