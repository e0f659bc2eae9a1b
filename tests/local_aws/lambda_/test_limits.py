"""What Lambda refuses of a function's configuration."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from tests.local_aws.lambda_.functions import create_function, packaged

SOURCE = "def handler(event, context): return event"


@pytest.mark.parametrize("runtime", ["python2.7", "nodejs12.x"])
def test_a_runtime_is_blocked_after_its_end(aws: LocalAws, runtime: str) -> None:
    """Lambda Developer Guide, "Lambda runtimes"; perfectsense/gyro#415: Lambda's own words."""
    message = f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions"
    with pytest.raises(ClientError, match=message) as refused:
        create_function("old", SOURCE, Runtime=runtime)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
    create_function("new", SOURCE)
    with pytest.raises(ClientError, match=message):
        boto3.client("lambda").update_function_configuration(FunctionName="new", Runtime=runtime)


def test_the_functions_of_a_blocked_runtime_can_be_updated_for_a_while(aws: LocalAws) -> None:
    """Lambda Developer Guide, "Lambda runtimes", "Block function create", "Block function update"."""
    create_function("old", SOURCE, Runtime="python3.9")
    aws.clock.sleep(65 * 24 * 3600)
    with pytest.raises(ClientError, match="no longer supported"):
        create_function("other", SOURCE, Runtime="python3.9")
    code = packaged(app=SOURCE)
    boto3.client("lambda").update_function_code(FunctionName="old", ZipFile=code)
    aws.clock.sleep(30 * 24 * 3600)
    with pytest.raises(ClientError, match="no longer supported"):
        boto3.client("lambda").update_function_code(FunctionName="old", ZipFile=code)


def test_a_runtime_that_lambda_does_not_have_is_refused(aws: LocalAws) -> None:
    """API Reference, CreateFunction, Runtime: valid values."""
    with pytest.raises(ClientError, match="Value python9 at 'runtime' failed to satisfy constraint"):
        create_function("odd", SOURCE, Runtime="python9")


def test_an_environment_has_four_kilobytes(aws: LocalAws) -> None:
    """Lambda Developer Guide, "Lambda quotas"; github-aws-runners/terraform-aws-github-runner#3594: its own words."""
    fits, exceeds = ({"Variables": {"A": "x" * (4096 - len('{"A":""}') + more)}} for more in (0, 1))
    create_function("fits", SOURCE, Environment=fits)
    with pytest.raises(ClientError, match=r"exceeded the 4KB limit\. String measured: ") as refused:
        create_function("exceeds", SOURCE, Environment=exceeds)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
    with pytest.raises(ClientError, match="exceeded the 4KB limit"):
        boto3.client("lambda").update_function_configuration(FunctionName="fits", Environment=exceeds)
