"""Step Functions: starting executions, and reading their history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from autopatch.aws.client import create_client, error_code, named_errors

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


@dataclass(frozen=True)
class Visit:
    """A state as the execution entered it, with its input."""

    state_name: str
    input: Any


class Executions:
    """The calls that are made to Step Functions."""

    def __init__(self, client: SFNClient | None = None) -> None:
        self._client: SFNClient = client or create_client("stepfunctions")

    def start(self, state_machine_arn: str, name: str, execution_input: dict[str, Any]) -> str | None:
        """Start an execution and return its ARN, or None when one of that name has been started already.

        A name stays taken for 90 days after its execution ended; while it still runs, the same name with the same
        input gives the same execution again (Step Functions API reference, StartExecution).
        """
        with named_errors(f"starting the execution {name}"):
            try:
                answer = self._client.start_execution(
                    stateMachineArn=state_machine_arn, name=name, input=json.dumps(execution_input, sort_keys=True)
                )
            except ClientError as error:
                if error_code(error) == "ExecutionAlreadyExists":
                    return None
                raise
        return answer["executionArn"]

    def last_visits(self, execution_arn: str, at_most: int) -> list[Visit]:
        """The states that the execution entered, the last one first, read from at most that many history events."""
        visits = []
        with named_errors(f"reading the history of {execution_arn}"):
            pages = self._client.get_paginator("get_execution_history").paginate(
                executionArn=execution_arn,
                reverseOrder=True,
                PaginationConfig={"MaxItems": at_most, "PageSize": 200},
            )
            for page in pages:
                for event in page["events"]:
                    details = event.get("stateEnteredEventDetails")
                    if details:
                        visits.append(Visit(details["name"], json.loads(details.get("input") or "null")))
        return visits
