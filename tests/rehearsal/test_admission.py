"""Who reaches the embedded AWS that is served: its own clients, and no page in a browser."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local_aws.aws import CREDENTIALS, LocalAws
from local_aws.core.ids import ACCOUNT, REGION
from local_aws.iam import roles
from tests.rehearsal.serving import Server, served

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

# A caller of each protocol, and the codes of its errors: no such key, a wrong signature.
CALLS = [
    ("cloudformation", "list_stacks", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ("ec2", "describe_instances", "AuthFailure", "AuthFailure"),
    ("lambda", "list_functions", "UnrecognizedClientException", "InvalidSignatureException"),
    ("s3", "list_buckets", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    ("stepfunctions", "list_state_machines", "UnrecognizedClientException", "InvalidSignatureException"),
]
LIST_QUEUES = b"Action=ListQueues&Version=2012-11-05"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served() as running:
        running.client("sqs").create_queue(QueueName="ours")
        yield running


@pytest.fixture
def host(server: Server) -> str:
    return f"127.0.0.1:{server.port}"


def refusal(call: Any, **arguments: Any) -> tuple[int, str]:
    """The status and the code with which the call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


# -- pages in a browser ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "LOCALHOST:{port}"])
def test_its_own_names_are_answered(server: Server, name: str) -> None:
    own = name.format(port=server.port)
    answer = server.send("POST", "/", server.signed("sqs", "POST", "/", own, LIST_QUEUES), LIST_QUEUES)

    assert answer.status == 200
    assert "/ours</QueueUrl>" in answer.body


def test_a_bucket_in_the_name_is_answered(server: Server) -> None:
    """S3 User Guide, "Virtual hosting of general purpose buckets"."""
    server.client("s3").create_bucket(Bucket="some-bucket")
    server.client("s3").put_object(Bucket="some-bucket", Key="a b/c", Body=b"content")
    own = f"some-bucket.localhost:{server.port}"

    assert server.send("GET", "/a%20b/c", server.signed("s3", "GET", "/a%20b/c", own)).body == "content"


@pytest.mark.parametrize(
    "name",
    [
        *("evil.example:{port}", "localhost.evil.example:{port}", "evil-localhost:{port}", "127.0.0.1.evil:{port}"),
        *("127.0.0.1:1", "127.0.0.1", "localhost", "0.0.0.0:{port}", "user@127.0.0.1:{port}", "127.0.0.1:{port}0", ""),
    ],
)
def test_another_name_is_refused_whoever_signs(server: Server, name: str) -> None:
    """By DNS rebinding, a page makes its own name that of this port; the browser then sends the name as the Host."""
    foreign = name.format(port=server.port)
    headers = {**server.signed("sqs", "POST", "/", foreign or "-", LIST_QUEUES), "Host": foreign}
    answer = server.send("POST", "/", headers, LIST_QUEUES)

    assert answer.status == 403
    assert f"expected the Host 127.0.0.1:{server.port}, found '{foreign}'" in answer.body
    assert "ours" not in answer.body


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_origin_is_refused_whoever_signs(server: Server, host: str, sent: dict[str, str]) -> None:
    """Fetch Standard, "Origin header"; Fetch Metadata Request Headers, "Sec-Fetch-Site"."""
    headers = {**server.signed("sqs", "POST", "/", host, LIST_QUEUES), **sent}
    answer = server.send("POST", "/", headers, LIST_QUEUES)

    assert answer.status == 403
    assert "ours" not in answer.body
    assert next(iter(sent.values())) in answer.body


def test_no_origin_is_told_that_it_may_read(server: Server, host: str) -> None:
    """moto's own server tells every origin. That of the server itself stands for those that are not refused."""
    own = {"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    answers = [
        server.send("POST", "/", {**server.signed("sqs", "POST", "/", host, LIST_QUEUES), **own}, LIST_QUEUES),
        server.send("GET", "/", {**server.signed("s3", "GET", "/", host), **own}),
        server.send("OPTIONS", "/", {"Host": host, **own, "Access-Control-Request-Method": "PUT"}),
    ]

    assert [answer.status for answer in answers] == [200, 200, 403]
    names = {name.lower() for answer in answers for name in answer.headers}
    assert not [name for name in names if name.startswith("access-control-")]


@pytest.mark.parametrize(("method", "path"), [("POST", "/moto-api/reset"), ("GET", "/moto-api/data.json")])
def test_motos_own_control_is_switched_off(server: Server, host: str, method: str, path: str) -> None:
    for headers in ({"Host": host}, server.signed("s3", method, path, host)):
        assert server.send(method, path, headers).status == 403
    assert server.client("sqs").list_queues()["QueueUrls"]


# -- signatures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("service", "call", "unknown", "wrong"), CALLS)
def test_the_printed_credentials_are_needed(server: Server, service: str, call: str, unknown: str, wrong: str) -> None:
    """The codes are those of the API references' Common Errors, and of the EC2 and S3 API references."""
    key = server.credentials
    nobody = Credentials(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
    guess = Credentials(key.access_key, "guessed")
    with_a_token = Credentials(key.access_key, key.secret_key, "token")

    assert getattr(server.client(service), call)()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert refusal(getattr(server.client(service, nobody), call)) == (403, unknown)
    assert refusal(getattr(server.client(service, guess), call)) == (403, wrong)
    assert refusal(getattr(server.client(service, with_a_token), call)) == (403, unknown)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-Type": "application/x-www-form-urlencoded"}, "<Code>MissingAuthenticationToken</Code>"),
        (
            {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"},
            '"__type": "MissingAuthenticationTokenException"',
        ),
        ({}, "<Code>AccessDenied</Code>"),
        ({"Authorization": "AWS AKIAIOSFODNN7EXAMPLE:c2lnbmF0dXJl"}, "<Code>AccessDenied</Code>"),
        ({"Authorization": "Bearer token"}, "<Code>AccessDenied</Code>"),
    ],
)
def test_a_request_without_a_signature_of_version_4_is_refused(
    server: Server, host: str, headers: dict[str, str], code: str
) -> None:
    """Calls that AWS takes unsigned, such as AssumeRoleWithWebIdentity, are no exception."""
    body = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=x&RoleArn=x&WebIdentityToken=x"
    answer = server.send("POST", "/", {"Host": host, **headers}, body)

    assert (answer.status, code in answer.body) == (403, True), answer.body


def test_a_signature_is_of_one_request(server: Server, host: str) -> None:
    path = "/?prefix=a"
    headers = server.signed("sqs", "POST", path, host, LIST_QUEUES)
    assert server.send("POST", path, headers, LIST_QUEUES).status == 200

    another_body = LIST_QUEUES.replace(b"List", b"Take")
    scope = headers["Authorization"].replace("/sqs/", "/sns/")
    names = headers["Authorization"].replace("SignedHeaders=content-type;", "SignedHeaders=")
    for changed in [
        server.send("POST", path, headers, another_body),
        server.send("POST", "/?prefix=b", headers, LIST_QUEUES),
        server.send("POST", "/other?prefix=a", headers, LIST_QUEUES),
        server.send("PUT", path, headers, LIST_QUEUES),
        server.send("POST", path, {**headers, "Content-Type": "text/plain"}, LIST_QUEUES),
        server.send("POST", path, {**headers, "X-Amz-Date": "20260101T000000Z"}, LIST_QUEUES),
        server.send("POST", path, {**headers, "Host": f"localhost:{server.port}"}, LIST_QUEUES),
        server.send("POST", path, {**headers, "Authorization": scope}, LIST_QUEUES),
        server.send("POST", path, {**headers, "Authorization": names}, LIST_QUEUES),
    ]:
        assert changed.status == 403

    upload = server.signed("s3", "PUT", "/some-other-bucket/key", host, b"as signed")
    assert server.send("PUT", "/some-other-bucket/key", upload, b"replaced!").status == 403


def test_a_presigned_url_is_for_what_it_was_made_for(server: Server) -> None:
    s3 = server.client("s3", signature_version="s3v4")
    s3.create_bucket(Bucket="presigning")
    s3.put_object(Bucket="presigning", Key="a b+c/ü", Body=b"content", Metadata={"with_line": " two  words "})
    url = s3.generate_presigned_url("get_object", {"Bucket": "presigning", "Key": "a b+c/ü"})

    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"content"
    for wrong in (
        url.replace("/presigning/a", "/presigning/b"),
        url.replace("X-Amz-Expires=3600", "X-Amz-Expires=9999"),
        url + "&versionId=1",
        url.partition("?")[0],
        re.sub("X-Amz-Signature=....", "X-Amz-Signature=0000", url),
        re.sub("X-Amz-Signature=.*", "X-Amz-Signature=%C3%BC", url),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(wrong)
        assert refused.value.code == 403
    assert s3.head_object(Bucket="presigning", Key="a b+c/ü")["Metadata"] == {"with_line": "two  words "}


def test_the_keys_of_a_session_are_taken_with_their_token_and_have_the_permissions_of_the_role(server: Server) -> None:
    iam, sts = server.client("iam"), server.client("sts")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    given = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    session = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    without_token = Credentials(given["AccessKeyId"], given["SecretAccessKey"])
    guess = Credentials(given["AccessKeyId"], "guessed", given["SessionToken"])

    caller = server.client("sts", session).get_caller_identity()
    assert caller["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/visitor/me"
    assert refusal(server.client("ec2", session).describe_instances) == (403, "UnauthorizedOperation")
    assert refusal(server.client("sts", without_token).get_caller_identity) == (403, "InvalidClientTokenId")
    assert refusal(server.client("sts", guess).get_caller_identity) == (403, "SignatureDoesNotMatch")


def test_the_keys_of_sessions_cannot_be_foretold_where_others_can_send_them() -> None:
    """Those of a run repeat; the functions' sessions have the same role and order in each embedded AWS."""

    def key(speed: float | None) -> str:
        with LocalAws(speed=speed):
            role = f"arn:aws:iam::{ACCOUNT}:role/function"
            return str(roles.assume(ACCOUNT, REGION, role, "session", 3600).secret_access_key)

    assert key(None) == key(None)
    assert key(1000) != key(1000)


# -- what reads from S3 on behalf of a caller --------------------------------------------------------------------------


def test_templates_in_s3_are_read_without_a_signature(server: Server) -> None:
    """CloudFormation reads with the caller's permissions; nothing of it goes through the port."""
    s3, cloudformation = server.client("s3"), server.client("cloudformation")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="topic.json", Body=b'{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}')
    cloudformation.create_stack(StackName="topic", TemplateURL=f"{server.endpoint}/templates/topic.json")
    cloudformation.get_waiter("stack_create_complete").wait(StackName="topic", WaiterConfig={"Delay": 1})

    assert server.client("sns").list_topics()["Topics"]
