"""A person at a terminal: `make serve` in a process of its own, and the AWS CLI to talk to it with."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
SPEED = 3000
PATIENCE_SECONDS = 60

_HERE = Path(__file__).parent
_CLI = REPOSITORY / ".venv-aws-cli" / "bin" / "python"


class CommandFailed(Exception):
    """The AWS CLI ended with another exit status than 0; the message has the command and the CLI's error output."""


class Terminal:
    """Where commands of the AWS CLI are typed. The answers of AWS are the JSON that the CLI prints."""

    def __init__(self, cli: subprocess.Popen[str]) -> None:
        self._cli = cli

    def type(self, command: str, **filled: str) -> Any:
        """The JSON that the command prints, or None when it prints nothing.

        Each `{name}` in the command is replaced with the argument of that name. Raises CommandFailed.
        """
        printed = self.show(command, **filled)
        return json.loads(printed) if printed else None

    def show(self, command: str, **filled: str) -> str:
        """The text that the command prints. Raises CommandFailed."""
        program, *arguments = (word.format(**filled) if filled else word for word in shlex.split(command))
        assert program == "aws" and self._cli.stdin is not None and self._cli.stdout is not None
        print(json.dumps(arguments), file=self._cli.stdin, flush=True)
        status, out, err = json.loads(self._cli.stdout.readline())
        if status:
            raise CommandFailed(f"{shlex.join(['aws', *arguments])}\n{err.strip()}")
        return str(out)

    # -- stacks ----------------------------------------------------------------------------------------------------

    def create_stack(self, name: str, template: str, options: str = "", **parameters: str) -> None:
        self.type(
            f"aws cloudformation create-stack --stack-name {name} --template-body file://{template} {options}"
            + _parameters(parameters)
        )
        self.type(f"aws cloudformation wait stack-create-complete --stack-name {name}")

    def update_stack(self, name: str, options: str = "", **changed: str) -> None:
        """Update the stack with its current template; every parameter that is not in `changed` keeps its value."""
        kept = sorted(set(self.parameters(name)) - set(changed))
        self.type(
            f"aws cloudformation update-stack --stack-name {name} --use-previous-template {options}"
            + _parameters(changed)
            + "".join(f" ParameterKey={key},UsePreviousValue=true" for key in kept)
        )
        self.type(f"aws cloudformation wait stack-update-complete --stack-name {name}")

    def delete_stack(self, name: str) -> None:
        self.type(f"aws cloudformation delete-stack --stack-name {name}")
        self.type(f"aws cloudformation wait stack-delete-complete --stack-name {name}")

    def stack(self, name: str) -> Any:
        return self.type(f"aws cloudformation describe-stacks --stack-name {name} --query Stacks[0]")

    def outputs(self, name: str) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack(name)["Outputs"]}

    def parameters(self, name: str) -> dict[str, str]:
        parameters = self.stack(name)["Parameters"]
        return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in parameters}

    def resources(self, name: str) -> dict[str, str]:
        """The physical ids of the stack's resources by their logical ids."""
        listed = self.type(f"aws cloudformation list-stack-resources --stack-name {name}")["StackResourceSummaries"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in listed}

    # -- runs, instances, targets-----------------------------------------------------------------------------------

    def patch(self, execution_input: Any) -> Any:
        """Run the patch to its end, and expect it to succeed; returns its output."""
        machines = self.type("aws stepfunctions list-state-machines --query stateMachines[].stateMachineArn")
        execution = self.type(
            "aws stepfunctions start-execution --state-machine-arn {machine} --input {input} --query executionArn",
            machine=machines[0],
            input=json.dumps(execution_input),
        )
        ended = self.until(
            lambda: self.type("aws stepfunctions describe-execution --execution-arn {execution}", execution=execution),
            lambda described: bool(described["status"] != "RUNNING"),
        )
        assert ended["status"] == "SUCCEEDED", ended
        return json.loads(ended["output"])

    def instances(self, group: str) -> dict[str, str]:
        """The AMI of each instance that is in service in the Auto Scaling group."""
        instance_ids = self.type(
            "aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names {group} --query "
            "\"AutoScalingGroups[0].Instances[?LifecycleState=='InService'].InstanceId\"",
            group=group,
        )
        if not instance_ids:
            return {}
        return dict(
            self.type(
                f"aws ec2 describe-instances --instance-ids {' '.join(instance_ids)} --query "
                "Reservations[].Instances[].[InstanceId,ImageId]"
            )
        )

    def health(self, target_group: str) -> dict[str, str]:
        """The state of each target of the target group."""
        states = self.type(
            "aws elbv2 describe-target-health --target-group-arn {group} --query "
            "TargetHealthDescriptions[].[Target.Id,TargetHealth.State]",
            group=target_group,
        )
        return dict(states)

    @staticmethod
    def until(look: Callable[[], Any], reached: Callable[[Any], bool]) -> Any:
        """Call `look` until it returns what is waited for, and return that."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not reached(answer := look()):
            assert time.monotonic() < end, answer
            time.sleep(0.05)
        return answer


def _parameters(given: dict[str, str]) -> str:
    """The CLI's option for parameters, in its shorthand syntax, in which a value with commas is quoted."""
    if not given:
        return ""
    return " --parameters" + "".join(
        f" 'ParameterKey={key},ParameterValue=\"{value}\"'" for key, value in given.items()
    )


@contextmanager
def served_aws() -> Iterator[Terminal]:
    """An embedded AWS that is served until the context is left, and a terminal set up as the server prints."""
    with (
        served_environment() as environment,
        _process([str(_CLI), str(_HERE / "aws_cli.py"), str(SPEED)], environment) as cli,
    ):
        yield Terminal(cli)


@contextmanager
def served_environment() -> Iterator[dict[str, str]]:
    """The environment of a terminal as an embedded AWS prints it, which is served until the context is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"PATH": os.environ["PATH"]}
    serve = [sys.executable, "-u", "-m", "rehearsal", "serve", "--port", str(port), "--speed", str(SPEED)]
    with _process(serve, environment) as server:
        assert server.stdout is not None
        for line in server.stdout:
            if line.strip().startswith("export "):
                name, _, value = line.strip().removeprefix("export ").partition("=")
                environment[name] = value
            if line.startswith("Ctrl-C"):
                break
        yield environment


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
