"""`make serve`: the embedded AWS for clients of other processes, by HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from local_aws.core.ids import REGION
from rehearsal import scenario
from rehearsal.__main__ import main
from rehearsal.serve import NameTaken, adapted
from tests.rehearsal.serving import Server, served

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served("--stacks", "web, api", "--boot", "30") as running:
        yield running


def test_it_prints_how_to_start_a_run(server: Server) -> None:
    machine = next(line for line in server.printed if line.startswith("State machine:")).split()[-1]
    [command] = [line.strip() for line in server.printed if " start-execution " in line]

    assert server.printed[0] == "Scenario happy-path: deploying into the embedded AWS"
    assert "Stacks:         web, api" in server.printed
    assert list(server.environment) == [
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
    ]
    assert re.fullmatch("AKIA[A-Z2-7]{16}", server.environment["AWS_ACCESS_KEY_ID"])
    assert re.fullmatch("[0-9a-f]{40}", server.environment["AWS_SECRET_ACCESS_KEY"])
    assert server.environment["AWS_DEFAULT_REGION"] == REGION
    assert server.endpoint == f"http://127.0.0.1:{server.port}"
    assert command == f"aws stepfunctions start-execution --state-machine-arn {machine} --input '{{}}'"


def test_a_run_started_by_http_patches_the_stack(server: Server) -> None:
    client = server.client("stepfunctions")
    machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    until = time.monotonic() + 40
    while (described := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < until, client.get_execution_history(executionArn=execution, reverseOrder=True)
        time.sleep(0.1)

    assert described["status"] == "SUCCEEDED", described.get("cause")
    images = server.client("imagebuilder").list_images()["imageVersionList"]
    assert len(images) == 1
    stack = server.client("cloudformation").describe_stacks(StackName="web")["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    instances = server.client("ec2").describe_instances(
        Filters=[{"Name": "instance-state-name", "Values": ["running"]}]
    )
    ami = next(
        entry["ParameterValue"] for entry in stack["Parameters"] if entry["ParameterKey"] == "AmazonMachineImage"
    )
    running = [instance for group in instances["Reservations"] for instance in group["Instances"]]
    assert {instance["ImageId"] for instance in running} == {ami}
    assert len(running) == 4
    assert server.process.stdout is not None
    # The mail comes a moment after it was sent: before the run ends, or after it.
    shown: list[str] = []
    while not all(any(line.startswith(begin) for line in shown) for begin in ("[1] SUCCEEDED", "E-mail to ")):
        line = server.process.stdout.readline()
        assert line, shown
        shown.append(line.rstrip())
    run = [line for line in shown if line.startswith("[1] ")]
    assert run[0] == f"[1] Execution {execution.rpartition(':')[2]}"
    assert re.fullmatch(r"\[1\] \+00:00:\d\d  Take Input", run[1])
    for name in ("web", "api"):
        assert [line for line in run if line.endswith(f"  {name}: Update Stack")]
        assert [line for line in run if line.startswith(f"[1]            {name}: UPDATE_COMPLETE after ")]
    assert run[-2].endswith("  Patch Complete")
    mail = next(line for line in shown if line.startswith("E-mail to "))
    assert mail == f"E-mail to operations@example.com: AMI Autopatch: PATCHED: 2 of 2 stacks now on {ami}"


def test_functions_are_invoked_and_logs_are_read(server: Server) -> None:
    functions = server.client("lambda").list_functions()["Functions"]
    name = next(name for name in (function["FunctionName"] for function in functions) if "Summarise" in name)
    answer = server.client("lambda").invoke(FunctionName=name, Payload=b"{}")

    assert answer["FunctionError"] == "Unhandled"
    assert b"InvalidDocument" in answer["Payload"].read()
    groups = server.client("logs").describe_log_groups()["logGroups"]
    assert "/aws/lambda/ami-autopatch" in [group["logGroupName"] for group in groups]


def test_an_answer_has_the_real_date(server: Server) -> None:
    """RFC 9110, Date: the SDKs set their clocks by it; the AWS SDK for JavaScript retries what a wrong clock caused."""
    headers = server.client("sts").get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
    assert abs(parsedate_to_datetime(headers["date"]).timestamp() - time.time()) < 60


@pytest.mark.parametrize(
    ("service", "call", "arguments"),
    [
        ("cloudformation", "DetectStackDrift", {"StackName": "web"}),
        ("ec2", "DescribeCapacityBlockOfferings", {"CapacityDurationHours": 24}),
        ("stepfunctions", "ValidateStateMachineDefinition", {"definition": "{}"}),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(
    server: Server, service: str, call: str, arguments: dict[str, Any]
) -> None:
    """Each in the protocol of its service; a client that read an error 500 would try again instead."""
    client = server.client(service)
    with pytest.raises(ClientError) as refused:
        getattr(client, xform_name(call))(**arguments)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert answer["Error"]["Code"] == "NotImplemented"
    assert answer["Error"]["Message"] == f"The embedded AWS does not model {call} of {service}"


def test_a_port_in_use_is_refused_with_what_to_do(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    port = server.port
    status = main(["serve", "--port", str(port)])
    assert status == 2
    captured = capsys.readouterr()
    assert captured.out == "Scenario happy-path: deploying into the embedded AWS\n"
    assert captured.err == (
        f"error: expected the port {port} of 127.0.0.1 to be free, found address already in use; "
        "choose another: make serve PORT=..., or --port\n"
    )


def test_a_scenario_is_adapted_to_the_stacks_and_the_boot_time_that_are_asked_for() -> None:
    chosen = scenario.load("two-stacks-one-fails")
    assert adapted(chosen, None, None) == chosen

    other = adapted(chosen, ("api", "shop"), 600)
    assert [stack.name for stack in other.stacks] == ["api", "shop"]
    assert (other.autoscaling.instance_boot_seconds, other.autoscaling.instance_signal_seconds) == (600, 620)
    assert other.autoscaling.stacks == chosen.autoscaling.stacks
    with pytest.raises(NameTaken, match="expected another name than network, image-pipeline, ami-autopatch for"):
        adapted(chosen, ("web", "network"), None)


def test_what_a_scenario_plans_happens_to_each_run_and_the_end_of_the_output_ends_the_server() -> None:
    with served("--scenario", "aborted") as server:
        client = server.client("stepfunctions")
        machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        for _ in range(2):
            client.start_execution(stateMachineArn=machine, input="{}")
        assert server.process.stdout is not None
        shown = [""]
        while shown[-1] not in ("[1] ABORTED", "[1] SUCCEEDED", "[1] FAILED"):
            shown.append(server.process.stdout.readline().strip())
        assert shown[-1] == "[1] ABORTED"
        for run in (1, 2):
            assert [line for line in shown if re.fullmatch(rf"\[{run}\] \+00:00:\d\d  Take Input", line)]

        server.process.stdout.close()
        assert server.process.wait(timeout=60) == 141


def test_it_ends_on_ctrl_c_without_output(server: Server) -> None:
    status, complaints = server.stop()

    assert (status, complaints) == (0, "")
