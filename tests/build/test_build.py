"""The output of `sam build`, run as on Lambda: without the repository, with Lambda's Python and its boto3 only."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local_aws.cloudformation.reader import read_template

ROOT = Path(__file__).parents[2]
BUILD = ROOT / ".aws-sam/build"
LAMBDA_PYTHON = ROOT / ".venv-lambda/bin/python"

# For each of Lambda's architectures, the system's name of it and its number in the header of a compiled module (ELF
# specification, e_machine).
PROCESSORS = {"arm64": ("aarch64", 183), "x86_64": ("x86_64", 62)}

# Lambda puts the package first on the path, and runs in another folder. Modules of the package that are compiled for
# another processor than this machine's are imported beforehand from Lambda's Python instead.
IMPORT = """
import importlib, json, sys
package, handler, *foreign = sys.argv[1:]
for name in foreign:
    importlib.import_module(name)
sys.path.insert(0, package)
module, name = handler.rsplit(".", 1)
function = getattr(importlib.import_module(module), name)
import boto3
print(json.dumps({
    "runtime": "python%d.%d" % sys.version_info[:2],
    "callable": callable(function),
    "handler": sys.modules[module].__file__,
    "boto3": boto3.__file__,
}))
"""


@pytest.fixture(scope="module")
def template() -> Mapping[str, Any]:
    path = BUILD / "template.yaml"
    assert path.exists(), f"expected the output of sam build in {BUILD}, found none; run `make build`"
    return read_template(path.read_text())


@pytest.fixture(scope="module")
def functions(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of the functions, including the global ones, by their logical IDs."""
    shared = template["Globals"]["Function"]
    properties = {
        name: shared | resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert properties
    return properties


@pytest.fixture(scope="module")
def packages(functions: dict[str, dict[str, Any]]) -> dict[str, Path]:
    """The folder of each function's package."""
    return {name: BUILD / properties["CodeUri"] for name, properties in functions.items()}


def test_every_handler_is_imported_from_its_package_by_lambdas_python(
    functions: dict[str, dict[str, Any]], packages: dict[str, Path], tmp_path: Path
) -> None:
    """AWS Lambda Developer Guide, "Building Lambda functions with Python": the runtime has Python and the SDK."""

    def imported(name: str) -> Any:
        foreign = {
            path.relative_to(packages[name]).parts[0]
            for path in compiled(packages[name])
            if platform.machine() != PROCESSORS[processor(functions[name])][0]
        }
        # -I: neither the folder nor any environment variable adds to what can be imported; -B: leaves no .pyc behind.
        command = [LAMBDA_PYTHON, "-I", "-B", "-c", IMPORT, packages[name], functions[name]["Handler"], *foreign]
        process = subprocess.run(command, check=False, cwd=tmp_path, env={}, capture_output=True, text=True)
        return json.loads(process.stdout) if process.returncode == 0 else process.stderr

    def expected(name: str) -> Any:
        module = functions[name]["Handler"].rpartition(".")[0].replace(".", "/")
        return {
            "runtime": functions[name]["Runtime"],
            "callable": True,
            "handler": f"{packages[name]}/{module}.py",
            "boto3": str(ROOT / ".venv-lambda/lib" / functions[name]["Runtime"] / "site-packages/boto3/__init__.py"),
        }

    with ThreadPoolExecutor(2) as pool:
        results = dict(zip(functions, pool.map(imported, functions), strict=True))
    assert results == {name: expected(name) for name in functions}


def test_the_packages_have_the_functions_as_they_are_now(packages: dict[str, Path]) -> None:
    def code(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.py")}

    source = code(ROOT / "functions/autopatch")
    assert {name: code(package / "autopatch") == source for name, package in packages.items()} == dict.fromkeys(
        packages, True
    )


def test_the_packages_have_what_the_lock_lists_and_leave_the_sdk_to_lambda(packages: dict[str, Path]) -> None:
    lock = re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "functions/requirements.txt").read_text(), re.MULTILINE)
    wanted = {f"{name.replace('-', '_')}-{version}.dist-info" for name, version in lock}
    assert wanted
    for package in packages.values():
        assert {path.name for path in package.glob("*.dist-info")} == wanted
        assert not {"boto3", "botocore"} & {path.name for path in package.iterdir()}


def test_what_is_compiled_is_for_lambdas_python_and_processor(
    functions: dict[str, dict[str, Any]], packages: dict[str, Path]
) -> None:
    """PEP 3149: the name of a compiled module contains the version of Python and the system that it is for."""
    modules = {(name, path) for name, package in packages.items() for path in compiled(package)}
    assert modules
    for name, path in modules:
        system, number = PROCESSORS[processor(functions[name])]
        version = functions[name]["Runtime"].removeprefix("python").replace(".", "")
        assert path.name.endswith(f".cpython-{version}-{system}-linux-gnu.so")
        assert int.from_bytes(path.read_bytes()[18:20], "little") == number


def compiled(package: Path) -> list[Path]:
    return list(package.rglob("*.so"))


def processor(function: Mapping[str, Any]) -> str:
    (name,) = function["Architectures"]
    return str(name)


def test_the_packages_have_no_bytecode(packages: dict[str, Path]) -> None:
    # Lambda's Python would read bytecode of another Python only to discard it.
    assert [path for package in packages.values() for path in package.rglob("*.pyc")] == []


def test_the_definition_of_the_state_machine_is_where_the_built_template_says(template: Mapping[str, Any]) -> None:
    resources = template["Resources"].values()
    machines = [resource for resource in resources if resource["Type"] == "AWS::Serverless::StateMachine"]
    assert machines
    for machine in machines:
        definition = BUILD / machine["Properties"]["DefinitionUri"]
        assert definition.read_bytes() == (ROOT / "statemachine/patch.asl.yaml").read_bytes()


def test_the_packages_are_within_lambdas_quota(packages: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """AWS Lambda Developer Guide, "Lambda quotas": 250 MB for a package, unzipped."""
    sizes = {name: sum(path.stat().st_size for path in package.rglob("*")) for name, package in packages.items()}
    with capsys.disabled():
        print("".join(f"\n  {name:<28}{size / 1e6:6.1f} MB" for name, size in sizes.items()))  # noqa: T201
    assert max(sizes.values()) < 250e6
