"""Lambda functions for tests, made as anybody would: an IAM role, a zip file, CreateFunction."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from typing import Any

import boto3


def packaged(modules: dict[str, str] | None = None, **top: str) -> bytes:
    """A zip file of these modules: by path, or at the top by name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, source in {**(modules or {}), **{f"{name}.py": source for name, source in top.items()}}.items():
            archive.writestr(name, textwrap.dedent(source))
    return content.getvalue()


def create_role(name: str) -> str:
    """The ARN of a role that Lambda and Step Functions may assume, and that may invoke functions; made once."""
    iam = boto3.client("iam")
    try:
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])
    except iam.exceptions.NoSuchEntityException:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"])
        allow(name, "lambda:InvokeFunction")
        return arn


def allow(role_name: str, *actions: str, resource: str = "*") -> None:
    """Allow the role these actions, and nothing that was allowed it before."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    boto3.client("iam").put_role_policy(RoleName=role_name, PolicyName="it", PolicyDocument=json.dumps(policy))


def create_function(name: str, source: str, **settings: Any) -> str:
    """The ARN of a new function whose handler is `handler` in `source`."""
    created = boto3.client("lambda").create_function(
        **{
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": "app.handler",
            "Role": create_role(f"{name}-role"),
            "Code": {"ZipFile": packaged(app=source)},
            **settings,
        }
    )
    return str(created["FunctionArn"])
