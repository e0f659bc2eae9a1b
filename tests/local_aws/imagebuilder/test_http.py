"""Image Builder over HTTP: what is checked on arrival, and what leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from moto.moto_server.werkzeug_app import create_backend_app

from local_aws.imagebuilder.api import OPERATIONS
from local_aws.imagebuilder.images import Image
from local_aws.imagebuilder.shapes import AnswerNotInModel
from tests.local_aws.imagebuilder.image_building import (
    ACCOUNT,
    ARN,
    COMPONENT_DOCUMENT,
    REGION,
    ImageBuilding,
    ami_distribution,
    building,
)

__all__ = ["building"]

MODEL: Any = get_session().get_service_model("imagebuilder")
MODELLED = sorted(OPERATIONS)
COMPONENT = f"{ARN}:component/app/1.0.0/1"
RECIPE = f"{ARN}:image-recipe/app/1.0.0"
INFRASTRUCTURE = f"{ARN}:infrastructure-configuration/app"
DISTRIBUTION = f"{ARN}:distribution-configuration/app"
PIPELINE = f"{ARN}:image-pipeline/app"
IMAGE = f"{ARN}:image/app/1.0.0/1"
POLICY = f"{ARN}:lifecycle-policy/app"
KEEP_TWO = {
    "executionRole": "lifecycle",
    "resourceType": "AMI_IMAGE",
    "policyDetails": [{"action": {"type": "DELETE"}, "filter": {"type": "COUNT", "value": 2}}],
    "resourceSelection": {"recipes": [{"name": "app", "semanticVersion": "x.x.x"}]},
}
EXECUTION = "lce-00000000-0000-0000-0000-000000000000"

# One request for each operation, in a world with the resources above, whose image is AVAILABLE.
REQUESTS: dict[str, dict[str, Any]] = {
    "CancelImageCreation": {"imageBuildVersionArn": f"{ARN}:image/app/1.0.0/3"},
    "CreateComponent": {
        "name": "other",
        "semanticVersion": "1.0.0",
        "platform": "Linux",
        "data": COMPONENT_DOCUMENT,
        "tags": {"a": "b"},
    },
    "CreateDistributionConfiguration": {"name": "other", "distributions": [ami_distribution()]},
    "CreateImage": {"imageRecipeArn": RECIPE, "infrastructureConfigurationArn": INFRASTRUCTURE},
    "CreateImagePipeline": {
        "name": "other",
        "imageRecipeArn": RECIPE,
        "infrastructureConfigurationArn": INFRASTRUCTURE,
    },
    "CreateImageRecipe": {"name": "other", "semanticVersion": "1.0.0", "parentImage": "ami-0123456789abcdef0"},
    "CreateInfrastructureConfiguration": {"name": "other", "instanceProfileName": "builders"},
    "CreateLifecyclePolicy": {"name": "other", **KEEP_TWO},
    "DeleteComponent": {"componentBuildVersionArn": f"{ARN}:component/unused/1.0.0/1"},
    "DeleteDistributionConfiguration": {"distributionConfigurationArn": f"{ARN}:distribution-configuration/unused"},
    "DeleteImage": {"imageBuildVersionArn": IMAGE},
    "DeleteImagePipeline": {"imagePipelineArn": PIPELINE},
    "DeleteImageRecipe": {"imageRecipeArn": f"{ARN}:image-recipe/unused/1.0.0"},
    "DeleteInfrastructureConfiguration": {
        "infrastructureConfigurationArn": f"{ARN}:infrastructure-configuration/unused"
    },
    "DeleteLifecyclePolicy": {"lifecyclePolicyArn": POLICY},
    "GetComponent": {"componentBuildVersionArn": COMPONENT},
    "GetDistributionConfiguration": {"distributionConfigurationArn": DISTRIBUTION},
    "GetImage": {"imageBuildVersionArn": IMAGE},
    "GetImagePipeline": {"imagePipelineArn": PIPELINE},
    "GetImageRecipe": {"imageRecipeArn": RECIPE},
    "GetInfrastructureConfiguration": {"infrastructureConfigurationArn": INFRASTRUCTURE},
    "GetLifecycleExecution": {"lifecycleExecutionId": EXECUTION},
    "GetLifecyclePolicy": {"lifecyclePolicyArn": POLICY},
    "ListComponents": {"maxResults": 1},
    "ListDistributionConfigurations": {"maxResults": 1},
    "ListImageBuildVersions": {"maxResults": 1},
    "ListImagePackages": {"imageBuildVersionArn": IMAGE},
    "ListImagePipelineImages": {"imagePipelineArn": PIPELINE, "maxResults": 1},
    "ListImagePipelines": {"maxResults": 1},
    "ListImageRecipes": {"maxResults": 1},
    "ListImageScanFindingAggregations": {},
    "ListImages": {"maxResults": 1},
    "ListInfrastructureConfigurations": {"maxResults": 1},
    "ListLifecycleExecutionResources": {"lifecycleExecutionId": EXECUTION},
    "ListLifecycleExecutions": {"resourceArn": POLICY},
    "ListLifecyclePolicies": {"maxResults": 1},
    "ListTagsForResource": {"resourceArn": IMAGE},
    "ListWorkflowExecutions": {"imageBuildVersionArn": IMAGE},
    "RetryImage": {"imageBuildVersionArn": IMAGE},
    "StartImagePipelineExecution": {"imagePipelineArn": PIPELINE},
    "TagResource": {"resourceArn": IMAGE, "tags": {"a": "b"}},
    "UntagResource": {"resourceArn": IMAGE, "tagKeys": ["a", "c"]},
    "UpdateDistributionConfiguration": {
        "distributionConfigurationArn": DISTRIBUTION,
        "distributions": [ami_distribution("eu-west-1")],
    },
    "UpdateImagePipeline": {
        "imagePipelineArn": PIPELINE,
        "imageRecipeArn": RECIPE,
        "infrastructureConfigurationArn": INFRASTRUCTURE,
    },
    "UpdateInfrastructureConfiguration": {
        "infrastructureConfigurationArn": INFRASTRUCTURE,
        "instanceProfileName": "builders",
    },
    "UpdateLifecyclePolicy": {"lifecyclePolicyArn": POLICY, **KEEP_TWO},
}


class Http:
    """moto's server for Image Builder, without a socket."""

    def __init__(self) -> None:
        self._client = create_backend_app("imagebuilder").test_client()

    def send(self, method: str, path: str, **request: Any) -> tuple[int, Any, Any]:
        """Status, headers and parsed body of the answer."""
        scope = f"Credential=testing/20261101/{REGION}/imagebuilder/aws4_request"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}
        response = self._client.open(path, method=method, headers=headers, **request)
        return response.status_code, response.headers, json.loads(response.data)

    def call(self, operation: str, parameters: dict[str, Any]) -> tuple[int, Any, Any]:
        """Send the parameters in the form of botocore's model, without checking them."""
        model = MODEL.operation_model(operation)
        path, query, body = model.http["requestUri"], [], {}
        for name, value in parameters.items():
            shape = model.input_shape.members.get(name)
            location = shape.serialization.get("location") if shape is not None else None
            if location == "uri":
                path = path.replace(f"{{{name}}}", quote(value, safe=""))
            elif location == "querystring":
                query += [(name, item) for item in (value if isinstance(value, list) else [value])]
            else:
                body[name] = value
        if "clientToken" in model.input_shape.members:
            body.setdefault("clientToken", f"token-{operation}")
        return self.send(model.http["method"], path, query_string=query, data=json.dumps(body) if body else b"")


@pytest.fixture
def http(building: ImageBuilding) -> Http:
    """An account without anything."""
    return Http()


@pytest.fixture
def world(building: ImageBuilding, monkeypatch: pytest.MonkeyPatch) -> Http:
    """The account that REQUESTS are for; its lifecycle policy has been executed once."""
    building.client("inspector2").enable(accountIds=[ACCOUNT], resourceTypes=["EC2"])
    image = building.start(
        building.pipeline(imageScanningConfiguration={"imageScanningEnabled": True}), tags={"a": "1"}
    )
    assert building.finish(image)["arn"] == IMAGE
    building.role("lifecycle", "imagebuilder.amazonaws.com")
    client = building.client()
    keep_none = {"tagMap": {"nobody": "has it"}}
    client.create_lifecycle_policy(**{**KEEP_TWO, "name": "app", "resourceSelection": keep_none})
    building.clock.sleep(25 * 60 * 60)
    [execution] = client.list_lifecycle_executions(resourceArn=POLICY)["lifecycleExecutions"]
    for operation in ("GetLifecycleExecution", "ListLifecycleExecutionResources"):
        monkeypatch.setitem(REQUESTS, operation, {"lifecycleExecutionId": execution["lifecycleExecutionId"]})
    stopped = building.start(PIPELINE)
    building.clock.sleep(1_000)
    client.cancel_image_creation(imageBuildVersionArn=stopped)
    assert building.finish(stopped)["state"]["status"] == "CANCELLED"
    monkeypatch.setitem(REQUESTS, "RetryImage", {"imageBuildVersionArn": stopped})
    building.start(PIPELINE)
    building.component("unused")
    building.recipe("unused")
    building.infrastructure("unused")
    building.distribution(name="unused")
    return Http()


def unknown(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """The paths in `value` that `shape` does not have."""
    if shape.type_name == "structure":
        for name, item in value.items():
            if name in shape.members:
                yield from unknown(shape.members[name], item, f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif shape.type_name == "list":
        for item in value:
            yield from unknown(shape.member, item, f"{path}[]")


def test_every_modelled_operation_has_a_request() -> None:
    assert sorted(REQUESTS) == MODELLED


def test_every_answer_is_as_the_model_says(world: Http) -> None:
    """botocore's model of Image Builder: the output shape of each operation."""
    for operation in sorted(MODELLED, key=lambda name: name.startswith("Delete")):
        status, _, body = world.call(operation, REQUESTS[operation])
        assert status == 200, (operation, body)
        shape = MODEL.operation_model(operation).output_shape
        assert list(unknown(shape, body)) == [], operation
        report = ParamValidator().validate(body, shape)
        assert not report.has_errors(), (operation, report.generate_report())
        assert bool(body) == bool(shape.members), operation
        for echoed in ("clientToken", "requestId"):
            assert (echoed in body) == (echoed in shape.members), operation


def test_every_required_parameter_is_required(http: Http) -> None:
    """botocore's model of Image Builder: required members; raw HTTP can leave them out."""
    checked = 0
    for operation in MODELLED:
        shape = MODEL.operation_model(operation).input_shape
        for missing in shape.required_members:
            if shape.members[missing].serialization.get("location") == "uri":
                continue
            parameters = {name: value for name, value in REQUESTS[operation].items() if name != missing}
            parameters |= {"clientToken": None} if missing == "clientToken" else {}
            status, headers, body = http.call(operation, parameters)
            assert (status, headers["X-Amzn-Errortype"]) == (400, "InvalidRequestException"), operation
            assert f"'{missing}' is missing" in body["message"]
            checked += 1
    assert checked > len(MODELLED)


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "text"),
    [
        ("GetImage", {"imageBuildVersionArn": "app"}, "InvalidParameterValueException", "must match pattern"),
        ("CreateComponent", {"platform": "BeOS"}, "InvalidParameterValueException", "one of Windows, Linux, macOS"),
        ("CreateComponent", {"clientToken": "x" * 65}, "InvalidParameterValueException", "at most 64"),
        ("CreateComponent", {"clientToken": ""}, "InvalidParameterValueException", "at least 1"),
        ("CreateComponent", {"data": 5}, "InvalidRequestException", "type string"),
        ("CreateComponent", {"tags": {"aws:mine": "1"}}, "InvalidParameterValueException", "pattern"),
        ("ListImages", {"maxResults": 0}, "InvalidParameterValueException", "at least 1"),
        ("ListImages", {"maxResults": "5"}, "InvalidRequestException", "type integer"),
        ("ListImages", {"maxResults": True}, "InvalidRequestException", "type integer"),
        ("CreateDistributionConfiguration", {"distributions": {}}, "InvalidRequestException", "type list"),
        ("CreateDistributionConfiguration", {"distributions": [{}]}, "InvalidRequestException", "[0].region"),
        ("CreateImage", {"enhancedImageMetadataEnabled": "yes"}, "InvalidRequestException", "type boolean"),
    ],
)
def test_a_value_that_the_model_does_not_allow_is_refused(
    http: Http, operation: str, parameters: dict[str, Any], code: str, text: str
) -> None:
    """botocore's model of Image Builder: patterns, enumerations, lengths, types."""
    status, headers, body = http.call(operation, {**REQUESTS[operation], **parameters})
    assert (status, headers["X-Amzn-Errortype"]) == (400, code)
    assert text in body["message"]


def test_parameters_that_the_model_does_not_know_are_ignored(world: Http) -> None:
    status, _, _ = world.call("GetImage", {**REQUESTS["GetImage"], "colour": "blue"})
    assert status == 200


@pytest.mark.parametrize("data", [b"{", b"[]", b'"text"'])
def test_a_body_that_is_no_json_object_is_refused(http: Http, data: bytes) -> None:
    status, headers, _ = http.send("POST", "/ListImages", data=data)
    assert (status, headers["X-Amzn-Errortype"]) == (400, "InvalidRequestException")


def test_a_resource_that_is_missing_is_a_404(http: Http) -> None:
    """botocore's model of Image Builder: the HTTP status of ResourceNotFoundException."""
    status, headers, _ = http.call("GetImagePipeline", {"imagePipelineArn": f"{ARN}:image-pipeline/none"})
    assert (status, headers["X-Amzn-Errortype"]) == (404, "ResourceNotFoundException")


def test_an_operation_that_is_not_modelled_is_a_501(http: Http) -> None:
    """RFC 9110, 15.6.2: the functionality is not supported; SDKs do not try again."""
    status, _, body = http.call("CancelLifecycleExecution", {"lifecycleExecutionId": "lce-1"})
    assert (status, "CancelLifecycleExecution is not modelled" in body["message"]) == (501, True)


def test_an_answer_that_the_model_does_not_know_does_not_leave(
    building: ImageBuilding, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = building.start(building.pipeline())
    described = Image.describe
    monkeypatch.setattr(Image, "describe", lambda image: {**described(image), "colour": "blue"})
    with pytest.raises(AnswerNotInModel, match=r"image\.colour"):
        building.image(arn)
