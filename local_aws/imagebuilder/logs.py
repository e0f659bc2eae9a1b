"""The logs of a build: in CloudWatch Logs always, in S3 when the infrastructure configuration names a bucket.

AWS documents no names for the objects under the prefix in S3; here each workflow has one object,
`<prefix>/<image name>/<version>/<build>/<workflow execution id>/console.log`.

Sources: EC2 Image Builder User Guide, "Monitor Image Builder logs with Amazon CloudWatch Logs", "Troubleshoot Image
Builder issues" (access denied, status code 403); API reference, S3Logs, PipelineLoggingConfiguration; Amazon S3 User
Guide, "Specifying server-side encryption with AWS KMS", permissions for uploads.
"""

from __future__ import annotations

from moto.utilities.utils import get_partition

from local_aws.core import clock
from local_aws.iam import instance_profiles
from local_aws.imagebuilder.shapes import Document
from local_aws.kms import keys
from local_aws.logs import groups
from local_aws.s3 import buckets


class LogsNotWritten(Exception):
    """The build instance may not write its log to S3, or there is no such bucket: on AWS, the build fails."""


def write_build_log(image: Document, account_id: str, region: str, execution_id: str, lines: list[str]) -> None:
    """Write the log of a workflow, line by line. `image` is as GetImage describes it.

    Raises LogsNotWritten, after CloudWatch Logs has the lines.
    """
    version, build = image["version"].split("/")
    group = image.get("loggingConfiguration", {}).get("logGroupName", f"/aws/imagebuilder/{image['name']}")
    _write_stream(account_id, region, group, f"{version}/{build}", lines)
    infrastructure = image["infrastructureConfiguration"]
    s3_logs = infrastructure.get("logging", {}).get("s3Logs", {})
    if "s3BucketName" not in s3_logs:
        return
    parts = [s3_logs.get("s3KeyPrefix", "").strip("/"), image["name"], version, build, execution_id, "console.log"]
    key = "/".join(part for part in parts if part)
    _write_object(
        account_id, region, infrastructure["instanceProfileName"], s3_logs["s3BucketName"], key, "\n".join(lines) + "\n"
    )


def write_pipeline_log(pipeline: Document, account_id: str, region: str, line: str) -> None:
    """Write a line to the pipeline's log. `pipeline` is as GetImagePipeline describes it."""
    default = f"/aws/imagebuilder/pipeline/{pipeline['name']}"
    group = pipeline.get("loggingConfiguration", {}).get("pipelineLogGroupName", default)
    day = clock.current().now().strftime("%Y/%m/%d")
    _write_stream(account_id, region, group, day, [line])


def _write_stream(account_id: str, region: str, group: str, stream: str, lines: list[str]) -> None:
    now = clock.current().time()
    groups.write(account_id, region, group, stream, [(now, line) for line in lines])


def _write_object(account_id: str, region: str, profile: str, bucket: str, key: str, text: str) -> None:
    """Write the object as the build instance does, with the permissions of its instance profile.

    Raises LogsNotWritten.
    """
    try:
        kms_key = buckets.kms_key_of(account_id, region, bucket)
    except buckets.NoSuchBucket as error:
        raise LogsNotWritten(f"NoSuchBucket: The specified bucket does not exist: {bucket}") from error
    needed = [("s3:PutObject", f"arn:{get_partition(region)}:s3:::{bucket}/{key}")]
    if kms_key is not None:
        # S3's own keys, and AWS's key for S3, take no permission.
        needed.append(("kms:GenerateDataKey", keys.arn_of(account_id, region, kms_key) or kms_key))
    by_s3 = {"kms:ViaService": f"s3.{region}.amazonaws.com"}
    for action, resource in needed:
        if not instance_profiles.allows(account_id, region, profile, action, resource, by_s3):
            raise LogsNotWritten(
                f"AccessDenied: Access Denied status code: 403: the role of the instance profile {profile} does not "
                f"allow {action} on {resource}"
            )
    buckets.put_object(account_id, region, bucket, key, text.encode())
