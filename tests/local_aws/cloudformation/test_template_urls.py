"""Templates that CloudFormation fetches from S3, by each kind of URL.

Source: S3 User Guide, "Virtual hosting of general purpose buckets".
"""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws

TEMPLATE = '{"Description": "%s", "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'


def description(url: str) -> str:
    return boto3.client("cloudformation").validate_template(TemplateURL=url)["Description"]


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.amazonaws.com/my.templates/web/a%20b.json",
        "https://s3.us-east-1.amazonaws.com/my.templates/web/a%20b.json",
        "https://s3-us-east-1.amazonaws.com/my.templates/web/a%20b.json",
        "https://s3.dualstack.us-east-1.amazonaws.com/my.templates/web/a%20b.json",
        "https://my.templates.s3.amazonaws.com/web/a%20b.json",
        "https://my.templates.s3.us-east-1.amazonaws.com/web/a%20b.json",
        "http://127.0.0.1:5077/my.templates/web/a%20b.json",
        "http://localhost:5077/my.templates/web/a%20b.json",
    ],
)
def test_a_bucket_is_named_by_the_host_or_by_the_path(aws: LocalAws, url: str) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="my.templates")
    s3.put_object(Bucket="my.templates", Key="web/a b.json", Body=TEMPLATE % "found")
    assert description(url) == "found"


def test_a_version_is_named_by_the_query(aws: LocalAws) -> None:
    """CloudFormation User Guide, "Create a stack from the console": a template in a bucket with versioning."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_bucket_versioning(Bucket="templates", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="templates", Key="web.json", Body=TEMPLATE % "first")["VersionId"]
    s3.put_object(Bucket="templates", Key="web.json", Body=TEMPLATE % "second")
    assert description("https://templates.s3.amazonaws.com/web.json") == "second"
    assert description(f"https://templates.s3.amazonaws.com/web.json?versionId={first}") == "first"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://example.com/templates/web.json", "TemplateURL must be a supported URL."),
        ("http://s3.amazonaws.com/templates/web.json", "TemplateURL must be a supported URL."),
        ("https://s3.amazonaws.com/templates/other.json", "S3 error: The specified key does not exist."),
        ("https://s3.amazonaws.com/others/web.json", "S3 error: The specified bucket does not exist"),
    ],
)
def test_what_cannot_be_fetched_is_refused(aws: LocalAws, url: str, message: str) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="web.json", Body=TEMPLATE % "found")
    with pytest.raises(ClientError) as refused:
        description(url)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"].split("\n")[0]) == ("ValidationError", message)
