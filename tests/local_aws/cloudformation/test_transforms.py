"""Templates with the transform AWS::Serverless-2016-10-31, as CloudFormation takes them.

The records are LocalStack's snapshots of AWS's answers (tests/aws/services/cloudformation/*.snapshot.json); a test
names those that it follows.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.stack_world import StackWorld, given

TRANSFORM = "AWS::Serverless-2016-10-31"
CODE = "def handler(event, context):\n    return 'done'\n"


def template(**code: Any) -> str:
    """A SAM template of one function; it refers to the role that only the transform makes."""
    function = {"Handler": "index.handler", "MemorySize": {"Ref": "Memory"}, **code}
    return json.dumps(
        {
            "Transform": TRANSFORM,
            "Parameters": {"Memory": {"Type": "Number", "Default": 256}},
            "Globals": {"Function": {"Runtime": "python3.13"}},
            "Resources": {"Worker": {"Type": "AWS::Serverless::Function", "Properties": function}},
            "Outputs": {"RoleName": {"Value": {"Ref": "WorkerRole"}}},
        }
    )


BODY = template(InlineCode=CODE)
INVALID = template(CodeUri="not-a-uri")
FAILURE = (
    f"Transform {TRANSFORM} failed with: Invalid Serverless Application Specification document. Number of errors "
    "found: 1. Resource with id [Worker] is invalid. 'CodeUri' is not a valid S3 Uri of the form 's3://bucket/key' "
    "with optional versionId query parameter."
)


def change_set(world: StackWorld, kind: str = "UPDATE", stack: str = "one", **request: Any) -> dict[str, Any]:
    """The description of a new change set, after the time that it takes."""
    name = (
        f"set-{len(world.cloudformation.list_change_sets(StackName=stack)['Summaries'])}" if kind != "CREATE" else "new"
    )
    world.cloudformation.create_change_set(StackName=stack, ChangeSetName=name, ChangeSetType=kind, **request)
    return world.made(stack, name)


def create(world: StackWorld, body: str = BODY) -> dict[str, Any]:
    return world.create("one", body)


def memory(world: StackWorld) -> int:
    name = world.physical_ids("one")["Worker"]
    size: int = world.client("lambda").get_function_configuration(FunctionName=name)["MemorySize"]
    return size


def template_of(world: StackWorld, **request: Any) -> Any:
    return world.cloudformation.get_template(StackName="one", **request)["TemplateBody"]


@pytest.fixture(autouse=True)
def _clean(no_stack_is_left: None) -> None:
    """Each test has its own stack, `one`."""


def test_a_change_set_has_what_the_transform_makes_and_needs_no_capability_for_it(world: StackWorld) -> None:
    """API Reference, CreateChangeSet: CAPABILITY_AUTO_EXPAND does not apply to change sets; the roles that a transform
    adds have to be acknowledged. GetTemplate: the stages of a template, of which Processed is the default and is there
    once the change set is. On record (test_base_global_macro): a processed template has no Transform, and a stack that
    a change set has made shows it, with a time of its last update."""
    request = {"StackName": "one", "ChangeSetName": "new"}
    world.cloudformation.create_change_set(
        **request, ChangeSetType="CREATE", TemplateBody=BODY, Capabilities=["CAPABILITY_IAM"]
    )
    assert world.cloudformation.get_template(**request)["StagesAvailable"] == ["Original"]
    described = world.made("one", "new")
    changes = {change["ResourceChange"]["ResourceType"] for change in described["Changes"]}
    assert (described["Status"], changes) == ("CREATE_COMPLETE", {"AWS::Lambda::Function", "AWS::IAM::Role"})
    original, processed = (template_of(world, ChangeSetName="new", TemplateStage=s) for s in ("Original", "Processed"))
    assert original == json.loads(BODY)
    assert "Transform" not in processed
    assert set(processed["Resources"]) == {"Worker", "WorkerRole"}
    world.cloudformation.execute_change_set(**request)
    stack = world.stack("one")
    assert stack["StackStatus"] == "CREATE_COMPLETE", world.reasons("one")
    assert (stack["ChangeSetId"], "LastUpdatedTime" in stack) == (described["ChangeSetId"], True)
    assert world.outputs("one")["RoleName"] == world.physical_ids("one")["WorkerRole"]
    assert [template_of(world), template_of(world, TemplateStage="Original")] == [processed, original]
    summary = world.cloudformation.get_template_summary(StackName="one")
    assert (summary["DeclaredTransforms"], summary["ResourceTypes"]) == ([TRANSFORM], ["AWS::Serverless::Function"])


def test_an_operation_on_a_stack_needs_the_capability(world: StackWorld) -> None:
    """On record (TestMacros::test_capabilities_requirements)."""
    with pytest.raises(ClientError) as refused:
        world.cloudformation.create_stack(StackName="one", TemplateBody=BODY, Capabilities=["CAPABILITY_IAM"])
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_AUTO_EXPAND]",
    )
    assert create(world)["StackStatus"] == "CREATE_COMPLETE"
    assert memory(world) == 256


def test_a_previous_template_is_transformed_again(world: StackWorld) -> None:
    """API Reference, UpdateStack, UsePreviousTemplate; CAPABILITY_AUTO_EXPAND is required of this update, too."""
    create(world)
    request = {"StackName": "one", "UsePreviousTemplate": True, "Parameters": given(Memory="512")}
    with pytest.raises(ClientError, match="CAPABILITY_AUTO_EXPAND"):
        world.cloudformation.update_stack(**request, Capabilities=["CAPABILITY_IAM"])
    world.cloudformation.update_stack(**request, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
    assert world.settle("one") == "UPDATE_COMPLETE"
    assert memory(world) == 512
    assert template_of(world, TemplateStage="Original") == json.loads(BODY)


def test_a_change_set_without_changes_says_so_in_other_words_than_without_a_transform(world: StackWorld) -> None:
    """aws/aws-cdk#10650."""
    create(world)
    described = change_set(world, TemplateBody=BODY, Capabilities=["CAPABILITY_IAM"])
    assert (described["Status"], described["StatusReason"]) == ("FAILED", "No updates are to be performed.")


@pytest.mark.parametrize(
    ("body", "capabilities", "reason"),
    [
        (INVALID, ["CAPABILITY_IAM"], FAILURE),
        # aws-samples/serverless-patterns#622: what the transform makes is not acknowledged.
        (BODY, [], "Requires capabilities : [CAPABILITY_IAM]"),
    ],
)
def test_what_fails_after_the_request_is_the_reason_of_the_change_set(
    world: StackWorld, body: str, capabilities: list[str], reason: str
) -> None:
    """On record (test_describe_failed_change_set): the change set is FAILED with the transform's words; the stack that
    it was for stays in review (aws/serverless-application-model#10)."""
    described = change_set(world, "CREATE", TemplateBody=body, Capabilities=capabilities)
    assert (described["Status"], described["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert described["StatusReason"] == reason
    assert described["Changes"] == []
    answer = world.cloudformation.get_template(StackName="one", ChangeSetName="new")
    assert (answer["StagesAvailable"], answer["TemplateBody"]) == (["Original"], json.loads(body))
    assert world.status("one") == "REVIEW_IN_PROGRESS"
    with pytest.raises(ClientError, match="GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks"):
        world.cloudformation.get_template_summary(StackName="one")  # on record, api/test_templates


def test_a_transform_that_fails_rolls_the_operation_back(world: StackWorld) -> None:
    """On record (TestMacros::test_failed_state) for a creation."""
    assert create(world, INVALID)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert world.reasons("one")[-1] == f"{FAILURE} Rollback requested by user."
    world.remove("one")
    create(world)
    world.cloudformation.update_stack(
        StackName="one", TemplateBody=INVALID, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    )
    assert world.settle("one") == "UPDATE_ROLLBACK_COMPLETE"
    assert FAILURE in world.reasons("one")
    assert memory(world) == 256
    assert template_of(world, TemplateStage="Original") == json.loads(BODY)


def test_what_no_transform_makes_well_formed_is_refused(world: StackWorld) -> None:
    """Without the transform, its section and its resources are none of CloudFormation's."""
    document = {key: value for key, value in json.loads(BODY).items() if key != "Transform"}
    with pytest.raises(ClientError, match=r"Invalid template property or properties \[Globals\]"):
        world.cloudformation.create_stack(StackName="one", TemplateBody=json.dumps(document))


@pytest.mark.parametrize("transform", ["AWS::SecretsManager-2024-09-16", ["MyMacro", TRANSFORM]])
def test_another_transform_is_refused_by_name(world: StackWorld, transform: Any) -> None:
    """What the embedded AWS does not model fails by its name."""
    body = json.dumps({**json.loads(BODY), "Transform": transform})
    name = transform if isinstance(transform, str) else transform[0]
    with pytest.raises(ClientError, match=f"does not model the transform {name}$"):
        world.create("one", body)
