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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import Any

import time_machine
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from rich.text import Text
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wsgi import get_input_stream

from local_aws.aws import LocalAws
from local_aws.core.clock import Clock
from local_aws.core.ids import REGION
from local_aws.iam.access_keys import AccessKey
from local_aws.sns import topics
from local_aws.stepfunctions import executions
from rehearsal.admission import Admission, new_access_key
from rehearsal.deployment import OWN_STACKS, Deployment, deploy
from rehearsal.report.terminal import LiveView, Output
from rehearsal.scenario import ApplicationStack, Scenario
from rehearsal.watch import STARTED, Watch

HOST = "127.0.0.1"

_MAIL_SECONDS = 10

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class PortInUse(Exception):
    """The port is taken."""


class NameTaken(Exception):
    """An application stack cannot have the name of a stack that is there anyway."""


def adapted(scenario: Scenario, stacks: Sequence[str] | None, boot_seconds: float | None) -> Scenario:
    """The scenario with application stacks of these names and instances that boot in this time, where these are given.

    Raises NameTaken.
    """
    if stacks is not None:
        if taken := sorted(set(stacks) & set(OWN_STACKS)):
            raise NameTaken(f"expected another name than {', '.join(OWN_STACKS)} for a stack, found {taken[0]}")
        scenario = replace(scenario, stacks=tuple(ApplicationStack(name) for name in stacks))
    if boot_seconds is not None:
        usual = scenario.autoscaling
        signal_seconds = boot_seconds + usual.instance_signal_seconds - usual.instance_boot_seconds
        booting = replace(usual, instance_boot_seconds=boot_seconds, instance_signal_seconds=signal_seconds)
        scenario = replace(scenario, autoscaling=booting)
    return scenario


def serve(scenario: Scenario, port: int, speed: float) -> None:
    """Serve until the process is interrupted or terminated.

    `speed` is the number of virtual seconds in a real one. Once all is ready, the standard output says how to use it,
    and then shows each run as it goes by, and each e-mail. Raises PortInUse, and DeploymentError.
    """
    output = Output()
    with _listen(port) as listener, LocalAws(*scenario.behaviour, speed=speed) as aws:
        # Until the server runs, this thread has the clock's turn, and nothing that is deployed waits for its own.
        deployment = deploy(scenario, LiveView(output).on_stack)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        key = new_access_key()
        application = _guarded(aws.clock, Admission(port, key))
        server = make_server(
            HOST, port, application, threaded=True, request_handler=_RequestHandler, fd=listener.fileno()
        )
        executions.listeners().append(_Runs(aws.clock, deployment, scenario, output).on_event)
        threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
        _say(output, _announcement(deployment, key, port, speed))
        aws.clock.spawn(partial(_show_mail, aws.clock, output), "mail")
        _wait_for_the_end(aws.clock, server)


class _Runs:
    """Shows the executions of the state machine, each under a number, and does to them what the scenario plans."""

    def __init__(self, clock: Clock, deployment: Deployment, scenario: Scenario, output: Output) -> None:
        self._clock = clock
        self._deployment = deployment
        self._scenario = scenario
        self._output = output
        self._running: dict[str, tuple[Watch, LiveView, str]] = {}
        self._begun = 0

    def on_event(self, execution_arn: str, event: dict[str, Any]) -> None:
        if event["type"] == STARTED and _machine(execution_arn) == _machine(self._deployment.state_machine_arn):
            self._begun += 1
            label = f"[{self._begun}] "
            view = LiveView(self._output, label)
            interventions = self._scenario.interventions
            watch = Watch(execution_arn, self._clock, self._deployment, interventions, view)
            self._running[execution_arn] = (watch, view, label)
            _say(self._output, f"\n{label}Execution {execution_arn.rpartition(':')[2]}")
        if execution_arn not in self._running:
            return
        watch, view, label = self._running[execution_arn]
        status = watch.take(event)
        if status is not None:
            view.leave_loops()
            _say(self._output, f"{label}{status}")
            del self._running[execution_arn]


def _machine(arn: str) -> str:
    """The name of the state machine that an ARN is of, or that the execution of an ARN is of."""
    return arn.split(":")[6]


def _say(output: Output, text: str) -> None:
    output.print(Text(text), soft_wrap=True)


def _show_mail(clock: Clock, output: Output) -> None:
    """Show each e-mail soon after it is sent: no API of AWS shows one."""
    shown = 0
    while True:
        for email in topics.emails()[shown:]:
            shown += 1
            _say(output, f"\nE-mail to {email.address}: {email.subject}\n\n{textwrap.indent(email.body, '  ')}")
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


class _RequestHandler(MotoRequestHandler):  # type: ignore[misc]
    """Answers with the real time in the header Date, by which an SDK sets the clock for its signatures.

    With virtual time in it, the AWS SDK for JavaScript takes every error for one of its clock's, and repeats the call.
    """

    def date_time_string(self, timestamp: float | None = None) -> str:
        now = time_machine.escape_hatch.time.time() if timestamp is None else timestamp
        return str(super().date_time_string(now))


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
