"""The logs of a build: in CloudWatch Logs always, in S3 when the infrastructure configuration names a bucket.

AWS documents no names for the objects under the prefix in S3; here there is one object for each workflow,
`<prefix>/<image name>/<version>/<build>/<workflow execution id>/console.log`.

Sources: EC2 Image Builder User Guide, "Monitor Image Builder logs with Amazon CloudWatch Logs", "Troubleshoot Image
Builder issues" (access denied, status code 403); API reference, S3Logs, PipelineLoggingConfiguration; Amazon S3 User
Guide, "Specifying server-side encryption with AWS KMS", permissions for uploads.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends
from moto.utilities.utils import get_partition

from local_aws.core import clock
from local_aws.imagebuilder.amis import key_arn
from local_aws.imagebuilder.shapes import Document


class LogsNotWritten(Exception):
    """The build instance may not write its log to S3, or there is no such bucket: on AWS, the build fails."""


def write_build_log(image: Document, account_id: str, region: str, execution_id: str, lines: list[str]) -> None:
    """Write what a workflow has logged. `image` is as GetImage describes it.

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
    """Write that the pipeline has done something. `pipeline` is as GetImagePipeline describes it."""
    default = f"/aws/imagebuilder/pipeline/{pipeline['name']}"
    group = pipeline.get("loggingConfiguration", {}).get("pipelineLogGroupName", default)
    day = datetime.fromtimestamp(clock.current().time(), UTC).strftime("%Y/%m/%d")
    _write_stream(account_id, region, group, day, [line])


def _write_stream(account_id: str, region: str, group: str, stream: str, lines: list[str]) -> None:
    logs = logs_backends[account_id][region]
    logs.ensure_log_group(group)
    if stream not in logs.groups[group].streams:
        logs.create_log_stream(group, stream)
    milliseconds = int(clock.current().time() * 1000)
    logs.put_log_events(group, stream, [{"timestamp": milliseconds, "message": line} for line in lines])


def _write_object(account_id: str, region: str, profile: str, bucket: str, key: str, text: str) -> None:
    partition = get_partition(region)
    s3 = s3_backends[account_id][partition]
    try:
        rule: dict[str, Any] = (s3.get_bucket(bucket).encryption or {}).get("Rule", {})
    except MissingBucket as error:
        raise LogsNotWritten(f"NoSuchBucket: The specified bucket does not exist: {bucket}") from error
    needed = [("s3:PutObject", f"arn:{partition}:s3:::{bucket}/{key}")]
    named = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    if named is not None:
        # S3's own keys, and AWS's key for S3, take no permission.
        needed.append(("kms:GenerateDataKey", key_arn(named, region, account_id) or named))
    for action, resource in needed:
        if not _profile_allows(account_id, partition, profile, action, resource, region):
            raise LogsNotWritten(
                f"AccessDenied: Access Denied status code: 403: the role of the instance profile {profile} does not "
                f"allow {action} on {resource}"
            )
    s3.put_object(bucket, key, text.encode())


def _profile_allows(account_id: str, partition: str, profile: str, action: str, resource: str, region: str) -> bool:
    """Whether the policies of the instance profile's role allow a request that comes by S3."""
    roles = iam_backends[account_id][partition].get_instance_profile(profile).roles
    inline = [{"policy_document": document} for role in roles for document in role.policies.values()]
    managed = [policy for role in roles for policy in role.managed_policies.values()]
    results = {
        IAMPolicy(policy).is_action_permitted(
            action, resource, incoming_condition_values={"kms:ViaService": f"s3.{region}.amazonaws.com"}
        )
        for policy in (*inline, *managed)
    }
    return PermissionResult.PERMITTED in results and PermissionResult.DENIED not in results
