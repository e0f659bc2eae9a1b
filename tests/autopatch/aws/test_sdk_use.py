"""functions/ uses nothing of the AWS SDK that the SDK in its package does not have."""

from __future__ import annotations

import ast
import copy
import importlib.metadata
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from tests.autopatch.aws.sdk_use import SDK, Models, Use, sources, use_of_the_sdk

ROOT = Path(__file__).parents[3]

# Keys in autopatch.aws that are of no service: those of errors, which the SDK makes, and an attribute of our messages.
OTHER_KEYS = {"Error", "Code", "Message", "ResponseMetadata", "HTTPStatusCode", "stack"}


@pytest.fixture(scope="module")
def use() -> Use:
    return use_of_the_sdk(sources())


def test_the_sdk_has_all_that_the_functions_use(use: Use) -> None:
    assert use.findings == ()


def test_all_keys_and_calls_are_followed(use: Use) -> None:
    """Against what a plain look at the source finds, which does not see what a key is of."""
    keys, calls = set(), set()
    for name, source in sources().items():
        if not name.startswith("autopatch.aws"):
            continue
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Subscript(slice=ast.Constant(value=str() as key)):
                    keys.add(key)
                case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str() as key), *_]):
                    keys.add(key)
        calls.update(re.findall(r"client\s*\.(?!get_paginator)(\w+)\(", source))
        calls.update(re.findall(r"get_paginator\(\s*\"(\w+)\"", source))
    assert keys - OTHER_KEYS - {key.rpartition(".")[2] for key in use.keys} == set()
    assert len(keys) > 50
    # autopatch.aws.client makes every client by one call of boto3's `client`.
    assert {call.rpartition(".")[2] for call in use.methods} == calls
    assert {call.rpartition(".")[2] for call in use.paginators} < calls


def test_the_package_has_the_services_that_are_used(use: Use) -> None:
    (listed,) = re.findall(r"^SERVICES = (.*)$", (ROOT / "functions/Makefile").read_text(), re.MULTILINE)
    assert listed.split() == sorted(use.services)


@pytest.mark.parametrize("requirements", ["requirements/dev.txt", "functions/requirements.txt"])
def test_what_runs_here_is_what_is_packaged(requirements: str) -> None:
    """So the functions that the embedded AWS runs, in this process, have the SDK of the package."""
    packaged = locked("functions/requirements.txt")
    assert {"boto3", "botocore"} < set(packaged)
    assert packaged.items() <= locked(requirements).items()
    assert {name: importlib.metadata.version(name) for name in packaged} == packaged


def locked(path: str) -> dict[str, str]:
    """The versions that a lock file has, by the packages' names; a package for some systems only would be twice."""
    return dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / path).read_text(), re.MULTILINE))


# -- what is found ----------------------------------------------------------------------------------------------------


class AnotherSdk(Loader):
    """The SDK with a change to the models of Image Builder."""

    def __init__(self, change: Callable[[dict[str, Any]], object]) -> None:
        super().__init__()
        self.change = change

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        model = SDK.load_service_model(service_name, type_name, api_version)
        if service_name == "imagebuilder":
            model = {"operations": {}, "shapes": {}, "pagination": {}} | copy.deepcopy(dict(model))
            self.change(model)
        return model


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda model: model["operations"].pop("RetryImage", None), "imagebuilder has no method retry_image"),
        (
            lambda model: model["pagination"].pop("ListWorkflowExecutions", None),
            "imagebuilder has no paginator of list_workflow_executions",
        ),
        (
            lambda model: shape(model, "ImageState").pop("failureContext", None),
            "imagebuilder has no failureContext in ImageState",
        ),
        (
            lambda model: shape(model, "ComponentFailureContext").pop("phaseName", None),
            "imagebuilder has no phaseName in ComponentFailureContext",
        ),
        (
            lambda model: shape(model, "CancelImageCreationRequest").pop("clientToken", None),
            "imagebuilder has no clientToken in CancelImageCreationRequest",
        ),
    ],
)
def test_an_sdk_that_lacks_what_is_used_is_found(change: Callable[[dict[str, Any]], object], finding: str) -> None:
    """botocore 1.38.36 and 1.40.4, seen on Lambda in 2025 and 2026, have no RetryImage and no failureContext; the first
    has no paginators of Image Builder. 1.42.1 has RetryImage.
    """
    findings = use_of_the_sdk(sources(), Models(AnotherSdk(change))).findings
    assert findings
    assert all(found.endswith(finding) for found in findings)


def shape(model: dict[str, Any], name: str) -> dict[str, Any]:
    """The members of a shape; of the paginators, which have none, nothing."""
    members: dict[str, Any] = model["shapes"].get(name, {}).get("members", {})
    return members


GATEWAY = """
from autopatch.aws.client import create_client

class Gateway:
    def __init__(self, client=None):
        self._client = client or create_client("ec2")

    def call(self, ids, other):
        {body}

    @property
    def _subnets(self):
        return self._client.describe_subnets()["Subnets"]

    def _all(self, **request):
        return list(self._client.get_paginator("describe_subnets").paginate(**request))

def _identifier(document):
    return document["Id"]

def _filters(names):
    filters = [{{"Name": name}} for name in names]
    filters.append({{"Nam": "vpc-id"}})
    return filters
"""


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("self._client.describe_subnet()", "no method describe_subnet"),
        ("self._client.get_waiter('x')", "no method get_waiter"),
        ("self._client.get_paginator('get_console_output').paginate(InstanceId='i')", "no paginator of"),
        ("self._client.get_paginator(ids)", "the name of a method"),
        ("client = self._client; client.describe_subnet()", "no method describe_subnet"),
        ("return getattr(self._client, ids)()", "can be followed"),
        ("return lambda: self._client", "can be followed"),
        ("other.client = self._client", "can be followed"),
        ("other._client.describe_subnet()", "by the class that makes it"),
        ("return create_client(ids)", "the name of a service"),
        ("return create_client('ec3')", "no service ec3"),
        ("other(create_client)", "called where it is named"),
        ("import boto3", "by autopatch.aws.client alone"),
        ("self._client.describe_subnets(SubnetId=ids)", "no SubnetId in DescribeSubnetsRequest"),
        ("self._client.describe_subnets(**ids)", "parameters that can be followed"),
        ("request = {}; request['Subnet'] = 1; self._client.describe_subnets(**request)", "no Subnet in "),
        ("self._client.describe_subnets(**{'MaxResults': 5, **{'Subnet': 1}})", "no Subnet in "),
        ("self._client.describe_subnets(Filters=ids)", "FilterList to be followed"),
        ("self._client.describe_subnets(Filters=[{'Name': 'a', 'Value': ids}])", "no Value in Filter"),
        ("self._client.describe_subnets(Filters=_filters(ids))", "no Nam in Filter"),
        ("self._client.describe_subnets(Filters=[{name: 'a'} for name in ids])", "written out"),
        ("self._client.get_console_output()", "needs InstanceId for get_console_output"),
        ("self._client.describe_images(ImageIds=ids, Owners=ids)['Image']", "no Image in DescribeImagesResult"),
        ("answer = self._client.describe_subnets(); return [s['Id'] for s in answer['Subnets']]", "no Id in Subnet"),
        ("return [_identifier(s) for s in self._client.describe_subnets().get('Subnets', [])]", "no Id in Subnet"),
        ("return self._client.describe_subnets()['Subnets'][0]['Tags'][0]['Name']", "no Name in Tag"),
        ("return {s['Id']: 1 for s in self._subnets}", "no Id in Subnet"),
        ("ids[self._subnets[0]['Id']] = 1", "no Id in Subnet"),
        ("return 'Id' in self._subnets[0]", "no Id in Subnet"),
        ("return [s[k] for s in self._subnets for k in ('SubnetId', 'Id')]", "no Id in Subnet"),
        ("return sorted(self._subnets, key=lambda s: s['Id'])[0]['SubnetId']", "no Id in Subnet"),
        ("return max(self._subnets, key=lambda s: s['SubnetId'])['Id']", "no Id in Subnet"),
        ("return self._subnets[0][ids]", "a key of Subnet that can be read here"),
        ("for p in self._client.get_paginator('describe_subnets').paginate(): p['Subnet']", "no Subnet in "),
        ("self._client.get_paginator('describe_subnets').paginate(PaginationConfig={'Max': 1})", "no setting Max"),
        ("self._all(MaxResults=5, Subnet=ids)", "no Subnet in "),
        ("return [s['VpcId'] for s in self._subnets] + [s for s in [t['Id'] for t in self._subnets]]", "no Id in "),
        ("return self._subnets", "hand out no document of AWS"),
        ("other(self._subnets[0])", "can be followed"),
        ("other(document=self._subnets[0])", "can be followed"),
        ("return other.method([self._subnets])", "can be followed"),
        ("return f'{self._subnets}'", "can be followed"),
        ("return self._subnets[0].items()", "no items of what AWS answered"),
        ("self.subnets = self._subnets", "can be followed"),
        ("match self._subnets[0]:\n            case {'Id': found}: return found", "can be followed"),
        ("def inner(): return other", "no function in a function"),
        ("with other as x: match_ = [*self._subnets][0]['Id']", "no Id in Subnet"),
    ],
)
def test_what_the_sdk_does_not_have_and_what_is_not_followed_is_found(body: str, finding: str) -> None:
    findings = use_of_the_sdk({"autopatch.aws.planted": GATEWAY.format(body=body)}).findings
    assert len(findings) == 1, findings
    assert finding in findings[0]


def test_a_client_of_a_module_is_found() -> None:
    module = "from autopatch.aws.client import create_client\nCLIENT = create_client('ec2')"
    (finding,) = use_of_the_sdk({"autopatch.planted": module}).findings
    assert "expected what can be followed" in finding


@pytest.mark.parametrize(
    "body",
    [
        "return [s['SubnetId'] for s in self._subnets if 'VpcId' in s]",
        "self._client.describe_subnets(Filters=[{'Name': n, 'Values': [n]} for n in ids], SubnetIds=list(ids))",
        "return [s for s in ids] or [s['VpcId'] for p in self._all(MaxResults=5) for s in p['Subnets']]",
        "grown = {**ids, 'a': [ids]}; grown = {**grown, 'b': [grown]}; return self.call(grown, [grown])",
        "return {t['Key']: t['Value'] for t in self._subnets[0].get('Tags', [])}",
    ],
)
def test_what_the_sdk_has_is_no_finding(body: str) -> None:
    assert use_of_the_sdk({"autopatch.aws.planted": GATEWAY.format(body=body)}).findings == ()
