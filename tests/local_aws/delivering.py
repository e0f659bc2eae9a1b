"""What the tests of delivery share: an embedded AWS in which things are delivered, and things to deliver to."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
import pytest

from local_aws.aws import LocalAws
from local_aws.core.clock import Clock
from local_aws.core.ids import ACCOUNT, REGION

__all__ = ["ACCOUNT", "REGION", "Aws", "aws"]

FUNCTION = """
import json, boto3

def handler(event, context):
    body = json.dumps({"function": context.invoked_function_arn, "event": event})
    sqs = boto3.client("sqs", region_name="us-east-1")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="invocations")["QueueUrl"], MessageBody=body)
"""


@dataclass
class Aws:
    """The embedded AWS of one test."""

    clock: Clock

    def client(self, service: str, region: str = REGION) -> Any:
        return _client(service, region)

    def queue(self, name: str, *principals: str, region: str = REGION) -> str:
        """Create a queue that lets the service principals in; return its ARN."""
        sqs = self.client("sqs", region)
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])
        if principals:
            statement = {
                "Effect": "Allow",
                "Principal": {"Service": list(principals)},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
            policy = {"Version": "2012-10-17", "Statement": [statement]}
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        return arn

    def messages(self, queue_arn: str) -> list[dict[str, Any]]:
        """Take all messages off the queue: SQS's messages, with their attributes as `attributes`, name to text."""
        region, _, name = queue_arn.split(":")[3:]
        sqs = self.client("sqs", region)
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        taken: list[dict[str, Any]] = []
        while True:
            batch = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            for message in batch.get("Messages", []):
                attributes = message.get("MessageAttributes", {})
                message["attributes"] = {key: value["StringValue"] for key, value in attributes.items()}
                taken.append(message)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            if "Messages" not in batch:
                return taken

    def bodies(self, queue_arn: str) -> list[Any]:
        return [json.loads(message["Body"]) for message in self.messages(queue_arn)]

    def role(self, name: str, service: str, *actions: str) -> str:
        """Create a role that `service` may assume, and that is allowed the actions; return its ARN."""
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy)
        if actions:
            allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
            policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
            self.client("iam").put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=policy)
        return str(role["Role"]["Arn"])

    def function(self, name: str, region: str = REGION) -> str:
        """Create a Lambda function, which nobody may invoke yet, and which reports to `invocations`; return its ARN."""
        if not self.client("sqs").list_queues(QueueNamePrefix="invocations").get("QueueUrls"):
            self.queue("invocations")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("app.py", FUNCTION)
        created = self.client("lambda", region).create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=self.role(f"{name}-role", "lambda.amazonaws.com", "sqs:GetQueueUrl", "sqs:SendMessage"),
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        return str(created["FunctionArn"])

    def invocations(self) -> list[tuple[str, Any]]:
        """The ARN and the event of each invocation of a function since the last call."""
        reports = self.bodies(f"arn:aws:sqs:{REGION}:{ACCOUNT}:invocations")
        return [(report["function"], report["event"]) for report in reports]

    def permit(self, function_arn: str, principal: str, source_arn: str) -> None:
        region = function_arn.split(":")[3]
        self.client("lambda", region).add_permission(
            FunctionName=function_arn,
            StatementId=principal.split(".", 1)[0],
            Action="lambda:InvokeFunction",
            Principal=principal,
            SourceArn=source_arn,
        )


@pytest.fixture
def aws() -> Iterator[Aws]:
    """An embedded AWS with what delivers and what is delivered to."""
    with LocalAws(start=datetime(2026, 11, 1, tzinfo=UTC)) as running:
        yield Aws(running.clock)


@cache
def _client(service: str, region: str) -> Any:
    session: Any = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=region)
    return session.client(service)
