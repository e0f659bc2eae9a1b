"""The command line: what it prints, what it writes, and its exit status."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal import scenario_names
from rehearsal.__main__ import main

DOCUMENT = {
    "execution": {"status", "error", "cause", "seconds"},
    "targets": {"stackName", "outcome", "amiBefore", "amiAfter", "seconds", "reason"},
    "notifications": {"subject", "message", "attributes"},
}


def test_json_is_one_document_with_the_documented_keys_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status = main(["run", "--scenario", "already-current", "--json", "--out", str(tmp_path / "out")])
    printed, _ = capfd.readouterr()
    document = json.loads(printed)

    assert status == 0
    assert list(document) == [
        *("execution", "targets", "notifications", "buildSeconds", "deploySeconds", "overheadSeconds"),
        *("transitions", "invocations"),
    ]
    assert document["execution"].keys() == DOCUMENT["execution"]
    assert [target.keys() for target in document["targets"]] == [DOCUMENT["targets"]]
    assert [sent.keys() for sent in document["notifications"]] == [DOCUMENT["notifications"]]
    assert document["execution"]["status"] == "SUCCEEDED"
    assert document["targets"][0]["outcome"] == "ALREADY_CURRENT"
    assert document["buildSeconds"] is None
    assert json.loads((tmp_path / "out/report.json").read_text()) == document
    assert "<svg" in (tmp_path / "out/report.html").read_text()


def test_a_run_that_fails_shows_it_and_exits_with_1(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status = main(["run", "--scenario", "image-build-fails", "--out", str(tmp_path)])
    printed, complaints = capfd.readouterr()

    assert status == 1
    assert "Wait For Image" in printed
    assert "Notification: " in printed
    assert "FAILED" in printed
    assert " ".join(printed.split()).count("Cannot prepare internal mirrorlist") == 1  # told once
    assert "\nFAILED  The run failed with ImageBuildFailed after 15 min " in printed
    assert complaints == ""
    assert json.loads((tmp_path / "report.json").read_text())["execution"]["error"] == "ImageBuildFailed"


def test_an_input_goes_to_start_execution(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    given = tmp_path / "input.json"
    given.write_text('{"targts": ["web"]}')

    status = main(["run", "--input", str(given), "--json", "--out", str(tmp_path)])
    document = json.loads(capfd.readouterr().out)

    assert status == 1
    assert document["execution"]["error"] == "InvalidInput"
    assert "targts" in document["execution"]["cause"]
    assert "targets" in document["execution"]["cause"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--scenario", "hapy-path"], "found 'hapy-path'; the closest are happy-path"),
        (["serve", "--scenario", "hapy-path"], "found 'hapy-path'; the closest are happy-path"),
        (["run", "--input", "nowhere.json"], "--input nowhere.json: expected a file with JSON, found No such file"),
        (["run", "--input", "pyproject.toml"], "--input pyproject.toml: expected JSON, found"),
        (["run", "--input", "pyproject.toml", "--trigger", "schedule"], "only StartExecution takes an input"),
        (["run", "--out", "README.md"], "--out README.md: expected a folder, or a place for one, found File exists"),
        (["run", "--trigger", "yearly"], "invalid choice: 'yearly'"),
        (["serve", "--port", "0"], "expected a port from 1 to 65535, found '0'"),
        (["serve", "--speed", "-1"], "expected a number of virtual seconds above 0, found '-1'"),
        (["serve", "--boot", "soon"], "expected a number of virtual seconds above 0, found 'soon'"),
        (["serve", "--stacks", " , "], "expected one to 10 names, each of another stack, found ' , '"),
        (["serve", "--stacks", "web web"], "expected one to 10 names, each of another stack, found 'web web'"),
        (["serve", "--stacks", "web_1"], "expected names of stacks (letters, digits and hyphens), found 'web_1'"),
        ([], "required"),
    ],
)
def test_a_mistake_in_the_arguments_is_reported_in_a_line_and_exits_with_2(
    arguments: list[str], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if message.startswith(("only", "--input pyproject")):
        given = tmp_path / "pyproject.toml"
        given.write_text("not JSON")
        arguments = [str(given) if argument == "pyproject.toml" else argument for argument in arguments]
        message = message.replace("pyproject.toml", str(given))
    try:
        status = main(arguments)
    except SystemExit as exit_:  # argparse's own
        status = int(exit_.code or 0)
    printed, complaints = capfd.readouterr()

    assert status == 2
    assert printed == ""
    assert message in complaints
    assert "Traceback" not in complaints


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        folder = Path("/proc")  # root may write to any other

    assert main(["run", "--out", str(folder)]) == 2
    printed, complaints = capfd.readouterr()
    assert printed == ""
    assert complaints.startswith(f"error: --out {folder}: expected a folder to write to, found ")


def test_something_is_shown_before_the_embedded_aws_starts(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What takes seconds is to import and to deploy, before the first state is entered."""
    program = "\n".join(
        [
            "import sys, rehearsal.__main__ as command",
            "def look(name):",
            "    print(sorted({'moto', 'boto3', 'local_aws'} & set(sys.modules)))",
            "    raise SystemExit",
            "command._load = look",
            f"command.main(['run', '--out', {str(tmp_path)!r}])",
        ]
    )
    subprocess.run([sys.executable, "-c", program], check=True)

    assert capfd.readouterr().out == "Scenario happy-path: deploying into the embedded AWS\n[]\n"


@pytest.mark.parametrize("scenario", ["already-current", "image-build-fails"])
def test_a_run_ends_with_the_reader_of_its_output(scenario: str, tmp_path: Path) -> None:
    """`make run | head`: 141 is the status of a command that SIGPIPE ends, 128 + 13."""
    command = [sys.executable, "-m", "rehearsal", "run", "--scenario", scenario, "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        lines = [process.stdout.readline() for _ in range(6)]
        process.stdout.close()
        try:
            assert process.wait(timeout=40) == 141
        finally:
            process.kill()
        assert process.stderr.read() == ""

    assert [line.strip() for line in lines] == [
        f"Scenario {scenario}: deploying into the embedded AWS",
        *("stack network", "stack web", "stack image-pipeline", "stack ami-autopatch"),
        "+00:00:00  Take Input",
    ]
    assert not (tmp_path / "report.html").exists()


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_port_that_is_taken_is_reported_and_exits_with_2(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status = main(["serve", "--port", str(taken.getsockname()[1])])

    assert status == 2
    assert "choose another: make serve PORT=..., or --port" in capfd.readouterr().err


def test_scenarios_are_listed_with_what_happens_in_them(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios"]) == 0
    lines = capfd.readouterr().out.splitlines()

    assert [line.split()[0] for line in lines] == scenario_names.names()
    assert all(line.endswith(".") for line in lines)


def test_two_runs_of_a_scenario_are_the_same_to_the_second_and_to_the_id(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    documents = []
    for _ in range(2):
        main(["run", "--scenario", "duplicate-base-image", "--json", "--out", str(tmp_path)])
        documents.append(json.loads(capfd.readouterr().out))

    assert documents[0] == documents[1]
