"""The embedded AWS on a local port, for the AWS CLI and SDKs, with the application deployed."""

from __future__ import annotations

import errno
import io
import logging
import shlex
import signal
import socket
import textwrap
import threading
from collections.abc import Callable, Iterable
from functools import partial
from types import FrameType
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wsgi import get_input_stream

from local_aws.aws import LocalAws
from local_aws.core.clock import Clock
from local_aws.core.ids import REGION
from local_aws.iam.access_keys import AccessKey
from local_aws.sns import topics
from rehearsal.admission import Admission, new_access_key
from rehearsal.deployment import Deployment, deploy
from rehearsal.scenario import Scenario

HOST = "127.0.0.1"

_MAIL_SECONDS = 10

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class PortInUse(Exception):
    """The port is taken."""


def serve(scenario: Scenario, port: int, speed: float, announce: Callable[[str], None] = print) -> None:
    """Serve until the process is interrupted or terminated.

    `speed` is the number of virtual seconds in a real one. `announce` is called, once all is ready, with how to use it,
    and then with each e-mail that is sent. Raises PortInUse.
    """
    with _listen(port) as listener, LocalAws(*scenario.behaviour, speed=speed) as aws:
        # Until the server runs, this thread has the clock's turn, and nothing that is deployed waits for its own.
        deployment = deploy(scenario)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        key = new_access_key()
        application = _guarded(aws.clock, Admission(port, key))
        server = make_server(
            HOST, port, application, threaded=True, request_handler=MotoRequestHandler, fd=listener.fileno()
        )
        threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
        announce(_announcement(deployment, key, port, speed))
        aws.clock.spawn(partial(_show_mail, aws.clock, announce), "mail")
        _wait_for_the_end(aws.clock, server)


def _show_mail(clock: Clock, announce: Callable[[str], None]) -> None:
    """Show each e-mail soon after it is sent: no API of AWS shows one."""
    shown = 0
    while True:
        for email in topics.emails()[shown:]:
            shown += 1
            announce(f"\nE-mail to {email.address}: {email.subject}\n\n{textwrap.indent(email.body, '  ')}")
        clock.sleep(_MAIL_SECONDS)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            reason = (error.strerror or str(error)).lower()
            raise PortInUse(
                f"expected the port {port} of {HOST} to be free, found {reason}; "
                "choose another: make serve PORT=..., or --port"
            ) from error
        raise
    return listener


def _guarded(clock: Clock, admission: Admission) -> Application:
    """moto's server, for those who are admitted; a request has the embedded AWS for itself while it is answered."""
    moto = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        refusal = admission.elsewhere(environ)
        if refusal is None:
            body = get_input_stream(environ).read()
            environ["wsgi.input"] = io.BytesIO(body)
            with clock.turn():
                refusal = admission.unsigned(environ, body)
                if refusal is None:
                    return [b"".join(moto(environ, _without_cors(start_response)))]
        status, headers, answer = refusal.answer(environ)
        start_response(status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer]

    return application


def _without_cors(start_response: Callable[..., Any]) -> Callable[..., Any]:
    """As `start_response`, without the headers by which moto lets the pages of every origin read its answers."""

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
        return start_response(status, kept, *rest)

    return start


def _wait_for_the_end(clock: Clock, server: BaseWSGIServer) -> None:
    interrupted = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        interrupted.set()

    handlers = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with clock.away():
            interrupted.wait()
            server.shutdown()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _announcement(deployment: Deployment, key: AccessKey, port: int, speed: float) -> str:
    endpoint = f"http://{HOST}:{port}"
    variables = {
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
    }
    machine = deployment.state_machine_arn
    command = ["aws", "stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", "{}"]
    return "\n".join(
        [
            f"The embedded AWS listens on {endpoint}; {speed:g} of its seconds pass in a real one.",
            f"Region:         {REGION}",
            f"State machine:  {machine}",
            f"Stacks:         {', '.join(deployment.stacks)}",
            "",
            "In another terminal, point the AWS CLI at it; its credentials are new each time it starts:",
            "",
            "  unset AWS_SESSION_TOKEN",
            *(f"  export {name}={value}" for name, value in variables.items()),
            "",
            "Then start a run:",
            "",
            f"  {shlex.join(command)}",
            "",
            "Ctrl-C ends it.",
        ]
    )
