"""`python -m rehearsal`: run the patch on an AWS that fits in this process."""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from rehearsal import scenario_names
from rehearsal.state_machine import TRIGGERS

OUT = Path("out")
USAGE_ERROR = 2

_MOST_STACKS = 10
# CloudFormation API Reference, CreateStack, StackName.
_STACK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")


class UsageError(Exception):
    """The command line cannot be obeyed as it is."""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0, or 1 when the execution did not succeed, or 2 for a mistake in the arguments."""
    parsed = _parser().parse_args(arguments)
    try:
        return int(parsed.command(parsed))
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return USAGE_ERROR
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain of it once more when it flushes at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the patch once, and show how it goes")
    run.add_argument("--scenario", default="happy-path", help="what happens to the run (default: %(default)s)")
    run.add_argument(
        "--trigger",
        choices=TRIGGERS,
        help="what starts it (default: the scenario's; manual with --input)",
    )
    run.add_argument(
        "--input",
        metavar="FILE",
        type=Path,
        help="a JSON file, the input of StartExecution; a schedule and a topic have inputs of their own",
    )
    run.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
    run.add_argument("--out", type=Path, default=OUT, help="where the reports go (default: %(default)s)")
    run.set_defaults(command=_run)

    scenarios = commands.add_parser("scenarios", help="list the scenarios")
    scenarios.set_defaults(command=_scenarios)

    serve = commands.add_parser("serve", help="offer the embedded AWS on a local port")
    serve.add_argument("--port", type=_port, default=5077, help="(default: %(default)s)")
    serve.add_argument(
        "--speed", type=_seconds, default=60, help="virtual seconds in a real one (default: %(default)s)"
    )
    serve.add_argument("--scenario", default="happy-path", help="what happens to runs (default: %(default)s)")
    serve.add_argument(
        "--stacks", type=_stacks, metavar="NAMES", help="application stacks to have (default: the scenario's)"
    )
    serve.add_argument(
        "--boot",
        type=_seconds,
        metavar="SECONDS",
        help="virtual seconds until an instance has booted (default: the scenario's)",
    )
    serve.set_defaults(command=_serve)
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, found {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"expected a number of virtual seconds above 0, found {text!r}")
    return seconds


def _stacks(text: str) -> tuple[str, ...]:
    names = tuple(text.replace(",", " ").split())
    if not 0 < len(names) <= _MOST_STACKS or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"expected one to {_MOST_STACKS} names, each of another stack, found {text!r}")
    if wrong := [name for name in names if not _STACK_NAME.fullmatch(name)]:
        raise argparse.ArgumentTypeError(f"expected names of stacks (letters, digits and hyphens), found {wrong[0]!r}")
    return names


def _check_scenario(name: str) -> None:
    try:
        scenario_names.file_of(name)
    except scenario_names.NoSuchScenario as error:
        raise UsageError(str(error)) from error


def _load(name: str) -> Any:
    from rehearsal import scenario  # takes seconds, for which nobody should wait before the first line is shown

    try:
        return scenario.load(name)
    except scenario.ScenarioError as error:
        raise UsageError(str(error)) from error


def _run(parsed: argparse.Namespace) -> int:
    if parsed.input and parsed.trigger not in (None, "manual"):
        raise UsageError(
            f"expected --input with the manual trigger, found the trigger {parsed.trigger}: "
            "only StartExecution takes an input; leave --trigger out"
        )
    execution_input = _read_input(parsed.input) if parsed.input else None
    # A third of the time would go to looking for garbage in a process that ends before it has any to speak of.
    gc.disable()
    _check_scenario(parsed.scenario)
    _make_folder(parsed.out)
    if not parsed.json:
        print(f"Scenario {parsed.scenario}: deploying into the embedded AWS", flush=True)  # noqa: T201
    scenario = _load(parsed.scenario)
    if parsed.trigger or parsed.input:
        scenario = replace(scenario, trigger=parsed.trigger or "manual")
    if parsed.input:
        scenario = replace(scenario, input=execution_input)

    from rehearsal import run  # takes seconds, for which a mistake in the arguments should not have to wait
    from rehearsal.report import document, files, terminal  # the same

    if parsed.json:
        report = run.run(scenario)
        print(json.dumps(document.to_document(report), indent=2, ensure_ascii=False))  # noqa: T201
    else:
        with terminal.LiveView() as view:
            report = run.run(scenario, view)
            view.summary(report, parsed.out / files.PAGE)
    files.write_report(report, parsed.out)
    return 0 if report.status == "SUCCEEDED" else 1


def _read_input(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--input {path}: expected a file with JSON, found {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"--input {path}: expected JSON, found {error}") from error


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {path}: expected a folder, or a place for one, found {error.strerror}") from error
    try:
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise UsageError(f"--out {path}: expected a folder to write to, found {error.strerror}") from error


def _scenarios(_: argparse.Namespace) -> int:
    names = scenario_names.names()
    width = max(map(len, names))
    for name in names:
        print(f"{name:<{width}}  {_load(name).description}")  # noqa: T201
    return 0


def _serve(parsed: argparse.Namespace) -> int:
    _check_scenario(parsed.scenario)
    print(f"Scenario {parsed.scenario}: deploying into the embedded AWS", flush=True)  # noqa: T201
    scenario = _load(parsed.scenario)

    from rehearsal import serve  # the same
    from rehearsal.deployment import DeploymentError  # the same

    try:
        serve.serve(serve.adapted(scenario, parsed.stacks, parsed.boot), parsed.port, parsed.speed)
    except (serve.PortInUse, serve.NameTaken, DeploymentError) as error:
        raise UsageError(str(error)) from error
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # To take an embedded AWS apart, object by object, would take most of a second, for nothing.
    os._exit(status)
