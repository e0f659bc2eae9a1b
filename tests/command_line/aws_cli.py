"""The AWS CLI, command by command in one process: run by the interpreter of the CLI's own environment.

Each line of the standard input is a JSON list of the arguments of one command; each line of the standard output is a
JSON list of its exit status, output and error output. The first argument is how many seconds of the AWS pass in one.
"""

from __future__ import annotations

import io
import json
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace
from typing import Any

from awscli.clidriver import create_clidriver
from botocore import waiter  # the CLI's own copy, which can be imported only after the CLI


def run(cli: Any, arguments: list[str]) -> tuple[int, str, str]:
    out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = int(cli.main(arguments))
        except SystemExit as exit_:
            status = int(exit_.code or 0)
    return status, _text(out), _text(err)


def _text(stream: io.TextIOWrapper) -> str:
    # The CLI writes bytes to the buffer below as well.
    stream.flush()
    stream.seek(0)
    return stream.read()


def main(speed: float) -> None:
    # A waiter sleeps between two polls, for a stack 30 seconds. Those are seconds of the AWS that it polls.
    waiter.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / speed))  # type: ignore[attr-defined]
    # All commands share it: loading the models of the services again would take each of them a fifth of a second.
    cli = create_clidriver()
    for line in sys.stdin:
        print(json.dumps(run(cli, json.loads(line))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(float(sys.argv[1]))
