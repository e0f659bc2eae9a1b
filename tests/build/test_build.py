"""What `sam build` made, as Lambda will run it: without the repository, with Lambda's Python and an SDK of its own.

The SDK of `.venv-lambda` is older than the package's and lacks what the functions need, as Lambda's own does.
"""

from __future__ import annotations

import importlib.util
import json
import platform
import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from local_aws.cloudformation.reader import read_template
from tests.autopatch.aws.sdk_use import Models, sources, use_of_the_sdk

ROOT = Path(__file__).parents[2]
BUILD = ROOT / ".aws-sam/build"
LAMBDA_PYTHON = ROOT / ".venv-lambda/bin/python"
SERVICES = sorted(use_of_the_sdk(sources()).services)

# For each of Lambda's architectures, the system's name of it and its number in the header of a compiled module (ELF
# specification, e_machine).
PROCESSORS = {"arm64": ("aarch64", 183), "x86_64": ("x86_64", 62)}

# Lambda puts the package first on the path, and runs in another folder. Modules of the package that are compiled for
# another processor than this machine's are imported beforehand from Lambda's Python instead.
IMPORT = """
import importlib, json, sys
package, handler, services, *foreign = sys.argv[1:]
for name in foreign:
    importlib.import_module(name)
sys.path.insert(0, package)
module, name = handler.rsplit(".", 1)
function = getattr(importlib.import_module(module), name)
import boto3, botocore
print(json.dumps({
    "runtime": "python%d.%d" % sys.version_info[:2],
    "callable": callable(function),
    "handler": sys.modules[module].__file__,
    "boto3": boto3.__file__,
    "botocore": botocore.__file__,
    "cannot be described": [
        service for service in json.loads(services) if boto3.client(service).meta.service_model.service_name != service
    ],
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
        handler = functions[name]["Handler"]
        command = [LAMBDA_PYTHON, "-I", "-B", "-c", IMPORT, packages[name], handler, json.dumps(SERVICES), *foreign]
        region = {"AWS_DEFAULT_REGION": "us-east-1"}
        process = subprocess.run(command, check=False, cwd=tmp_path, env=region, capture_output=True, text=True)
        return json.loads(process.stdout) if process.returncode == 0 else process.stderr

    def expected(name: str) -> Any:
        module = functions[name]["Handler"].rpartition(".")[0].replace(".", "/")
        return {
            "runtime": functions[name]["Runtime"],
            "callable": True,
            "handler": f"{packages[name]}/{module}.py",
            "boto3": f"{packages[name]}/boto3/__init__.py",
            "botocore": f"{packages[name]}/botocore/__init__.py",
            "cannot be described": [],
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


def test_the_packages_have_what_the_lock_lists(packages: dict[str, Path]) -> None:
    lock = re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "functions/requirements.txt").read_text(), re.MULTILINE)
    wanted = {f"{name.replace('-', '_')}-{version}.dist-info" for name, version in lock}
    assert wanted
    for package in packages.values():
        assert {path.name for path in package.glob("*.dist-info")} == wanted


def test_the_packages_have_the_sdk_with_the_services_that_are_used_and_no_others(packages: dict[str, Path]) -> None:
    for package in packages.values():
        data = package / "botocore/data"
        versions = {folder.name: sorted(version.name for version in folder.iterdir()) for folder in data.glob("*/")}
        assert sorted(versions) == SERVICES
        # Of each the version of the API that boto3 takes.
        assert {service: Loader().list_api_versions(service, "service-2")[-1:] for service in versions} == versions


def test_lambdas_own_sdk_would_not_do() -> None:
    (data,) = (ROOT / ".venv-lambda/lib").glob("*/site-packages/botocore/data")
    findings = use_of_the_sdk(sources(), Models(Loader([str(data)], include_default_search_paths=False))).findings
    assert any(finding.endswith("imagebuilder has no method retry_image") for finding in findings)


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


def test_every_module_has_byte_code_that_lambdas_python_takes(
    functions: dict[str, dict[str, Any]], packages: dict[str, Path]
) -> None:
    """PEP 552: a magic number, and flags of which the lowest two say: by hash, and checked against the source."""
    command = [str(LAMBDA_PYTHON), "-c", "import importlib.util; print(importlib.util.MAGIC_NUMBER.hex())"]
    magic = bytes.fromhex(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for name, package in packages.items():
        tag = f"cpython-{functions[name]['Runtime'].removeprefix('python').replace('.', '')}"
        modules = set(package.rglob("*.py"))
        compiled_modules = {path: path.parent / f"__pycache__/{path.stem}.{tag}.pyc" for path in modules}
        assert set(compiled_modules.values()) == set(package.rglob("*.pyc"))
        for source, byte_code in compiled_modules.items():
            header = byte_code.read_bytes()[:16]
            assert header == magic + (3).to_bytes(4, "little") + importlib.util.source_hash(source.read_bytes()), (
                byte_code
            )


def test_the_definition_of_the_state_machine_is_where_the_built_template_says(template: Mapping[str, Any]) -> None:
    resources = template["Resources"].values()
    machines = [resource for resource in resources if resource["Type"] == "AWS::Serverless::StateMachine"]
    assert machines
    for machine in machines:
        definition = BUILD / machine["Properties"]["DefinitionUri"]
        assert definition.read_bytes() == (ROOT / "statemachine/patch.asl.yaml").read_bytes()


def test_the_packages_are_small(packages: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A cold start loads all of it. With all services of the SDK it would be 41 MB."""
    sizes = {name: sum(path.stat().st_size for path in package.rglob("*")) for name, package in packages.items()}
    with capsys.disabled():
        print("".join(f"\n  {name:<28}{size / 1e6:6.1f} MB" for name, size in sizes.items()))  # noqa: T201
    assert max(sizes.values()) < 22e6


def test_the_packages_are_all_the_same(packages: dict[str, Path]) -> None:
    """`sam deploy` uploads what has the same content once."""
    first, *others = packages.values()
    wanted = {path.relative_to(first): path.read_bytes() for path in first.rglob("*") if path.is_file()}
    for other in others:
        found = {path.relative_to(other): path.read_bytes() for path in other.rglob("*") if path.is_file()}
        assert found == wanted
