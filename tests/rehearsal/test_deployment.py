"""What is deployed into the embedded AWS is what `sam build` and `sam deploy` would deploy."""

from __future__ import annotations

import json
import re

import boto3

from local_aws.aws import LocalAws
from rehearsal.deployment import REPOSITORY
from tests.local_aws.lambda_.functions import create_function


def test_a_function_has_the_sdk_that_is_packaged_with_the_functions() -> None:
    source = """
        import boto3, botocore

        def handler(event, context):
            return {"boto3": boto3.__version__, "botocore": botocore.__version__}
    """
    with LocalAws():
        create_function("versions", source)
        payload = boto3.client("lambda").invoke(FunctionName="versions")["Payload"].read()
    lock = (REPOSITORY / "functions/requirements.txt").read_text()
    assert json.loads(payload) == dict(re.findall(r"^(boto3|botocore)==([\w.]+)", lock, re.MULTILINE))
