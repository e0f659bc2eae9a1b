"""A served embedded AWS, in a process of its own, and who talks to it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str


@dataclass
class Server:
    process: subprocess.Popen[str]
    port: int
    printed: list[str] = field(default_factory=list)

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables that it prints."""
        exports = [line.strip().removeprefix("export ") for line in self.printed if line.strip().startswith("export ")]
        return dict(export.split("=", 1) for export in exports)

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.environment["AWS_ACCESS_KEY_ID"], self.environment["AWS_SECRET_ACCESS_KEY"])

    @property
    def endpoint(self) -> str:
        return self.environment["AWS_ENDPOINT_URL"]

    def client(self, service: str, credentials: Credentials | None = None, **config: Any) -> Any:
        keys = credentials or self.credentials
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name=self.environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=30, **config),
        )

    def signed(self, service: str, method: str, path: str, host: str, body: bytes = b"") -> dict[str, str]:
        """The headers of a request that is signed with the printed credentials, Host among them."""
        headers = {"Host": host, "X-Amz-Date": ""}
        if service != "s3":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        request = AWSRequest(method, f"http://{host}{path}", headers=headers, data=body)
        del request.headers["X-Amz-Date"]
        auth = S3SigV4Auth if service == "s3" else SigV4Auth
        auth(self.credentials, service, "us-east-1").add_auth(request)
        return dict(request.headers)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """The answer to a request with these headers, and no others."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read().decode())
        finally:
            connection.close()

    def stop(self) -> tuple[int, str]:
        """The exit status after Ctrl-C, and what went to the standard error."""
        self.process.send_signal(signal.SIGINT)
        _, complaints = self.process.communicate(timeout=20)
        return self.process.returncode, complaints


@contextmanager
def served(*arguments: str) -> Iterator[Server]:
    """A server that was started with these arguments and has printed how to use it; it ends with the context."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "rehearsal", "serve", "--port", str(port), "--speed", "1000", *arguments],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    server = Server(process, port)
    assert process.stdout is not None
    for line in process.stdout:
        server.printed.append(line.rstrip("\n"))
        if line.startswith("Ctrl-C"):
            break
    try:
        yield server
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
