"""What a change set shows, plainly and with property values: each kind that AWS's recorded answers have.

The records are LocalStack's snapshots of AWS's answers (tests/aws/services/cloudformation/*.snapshot.json); a test
names those that it follows. What there is no record of is named so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.core import settings
from tests.local_aws.stack_world import StackWorld, given, stack_world

Changes = dict[str, dict[str, Any]]


@pytest.fixture
def world() -> Iterator[StackWorld]:
    with stack_world() as world:
        yield world


def topic(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": properties}


def stored(value: Any, **properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **properties}}


def body(parameters: dict[str, Any] | None = None, **resources: Any) -> str:
    return json.dumps({"Parameters": parameters or {}, "Resources": resources})


def described(world: StackWorld, template: str | None = None, **parameters: str) -> tuple[Any, Any]:
    """Both descriptions of a change set that brings the stack to the template, or to the parameters alone."""
    source: dict[str, Any] = {"UsePreviousTemplate": True} if template is None else {"TemplateBody": template}
    world.cloudformation.create_change_set(
        StackName="one", ChangeSetName="preview", Parameters=given(**parameters), **source
    )
    return world.made("one", "preview"), world.made("one", "preview", IncludePropertyValues=True)


def resources(description: Any) -> Changes:
    return {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"] for change in description["Changes"]
    }


def causes(change: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(item["Evaluation"], item["ChangeSource"], item.get("CausingEntity")) for item in change["Details"]]


def after(change: dict[str, Any]) -> Any:
    return json.loads(change["AfterContext"])["Properties"]


DIRECTLY = ("Static", "DirectModification", None)
BESIDE_A_CAUSE = ("Dynamic", "DirectModification", None)


def test_a_changed_parameter_is_the_cause_and_a_dynamic_modification_stands_beside_it(world: StackWorld) -> None:
    """test_change_set_parameters, all; test_change_sets, test_parameter_changes. The values are in the targets."""
    template = body({"Name": {"Type": "String"}}, Topic=topic(TopicName={"Ref": "Name"}))
    world.create("one", template, Name="first")
    plain, with_values = (resources(answer)["Topic"] for answer in described(world, Name="second"))
    for change in (plain, with_values):
        assert sorted(causes(change)) == sorted([("Static", "ParameterReference", "Name"), BESIDE_A_CAUSE])
        assert (change["Replacement"], change["PolicyAction"], change["Scope"]) == (
            *("True", "ReplaceAndDelete"),
            ["Properties"],
        )
    assert [detail["Target"] for detail in plain["Details"]] == [
        {"Attribute": "Properties", "Name": "TopicName", "RequiresRecreation": "Always"}
    ] * 2
    assert with_values["Details"][0]["Target"] == {
        **plain["Details"][0]["Target"],
        "Path": "/Properties/TopicName",
        "AttributeChangeType": "Modify",
        "BeforeValue": "first",
        "AfterValue": "second",
    }
    assert json.loads(with_values["BeforeContext"]) == {"Properties": {"TopicName": "first"}}
    assert after(with_values) == {"TopicName": "second"}
    assert not {"BeforeContext", "AfterContext"} & plain.keys()


def test_a_parameter_is_the_cause_through_a_mapping_as_well(world: StackWorld) -> None:
    """test_change_sets, test_mappings_with_parameter_lookup."""
    document = json.loads(
        body({"Size": {"Type": "String"}}, Kept=stored({"Fn::FindInMap": ["Sizes", {"Ref": "Size"}, "Value"]}))
    )
    document["Mappings"] = {"Sizes": {"small": {"Value": "1"}, "large": {"Value": "9"}}}
    world.create("one", json.dumps(document), Size="small")
    plain, with_values = (resources(answer)["Kept"] for answer in described(world, Size="large"))
    assert sorted(causes(plain)) == sorted([("Static", "ParameterReference", "Size"), BESIDE_A_CAUSE])
    assert after(with_values)["Value"] == "9"


def test_a_change_of_the_template_has_no_other_cause(world: StackWorld) -> None:
    """test_change_sets, test_direct_update and test_single_resource_static_update."""
    world.create("one", body(Topic=topic(DisplayName="a")))
    plain, with_values = (resources(answer)["Topic"] for answer in described(world, body(Topic=topic(DisplayName="b"))))
    assert causes(plain) == causes(with_values) == [DIRECTLY]
    assert plain["Replacement"] == "False" and "PolicyAction" not in plain


def test_what_reads_an_attribute_of_a_resource_changed_in_place_is_in_the_plain_description_only(
    world: StackWorld,
) -> None:
    """test_change_set_fn_get_attr, test_direct_attribute_value_change and its chain; test_change_set_fn_join, twice;
    test_change_sets, test_unrelated_changes_update_propagation: also when the attribute stays as it is."""

    def template(description: str) -> str:
        return body(
            First=stored("kept", Description=description),
            Second=stored({"Fn::Join": ["-", [{"Fn::GetAtt": ["First", "Value"]}, "x"]]}),
            Third=stored({"Fn::GetAtt": ["Second", "Value"]}),
            Apart=stored({"Ref": "First"}),
        )

    world.create("one", template("before"))
    plain, with_values = described(world, template("after"))
    assert list(resources(plain)) == ["First", "Second", "Third"]
    assert causes(resources(plain)["Second"]) == [("Dynamic", "ResourceAttribute", "First.Value")]
    assert causes(resources(plain)["Third"]) == [("Dynamic", "ResourceAttribute", "Second.Value")]
    assert {change["Replacement"] for change in resources(plain).values()} == {"False"}
    assert list(resources(with_values)) == ["First"]


def test_a_group_on_the_latest_version_of_its_launch_template_is_in_the_plain_description_only(
    world: StackWorld,
) -> None:
    """On no record for these types: taken from the eight records of other types that read an attribute. The context of
    the launch template has its properties, as texts."""
    world.create_application()
    world.cloudformation.create_change_set(
        StackName="app", ChangeSetName="preview", UsePreviousTemplate=True, Parameters=world.patched()
    )
    plain = resources(world.made("app", "preview"))
    assert causes(plain["AppAutoScalingGroup"]) == [
        ("Dynamic", "ResourceAttribute", "AppLaunchTemplate.LatestVersionNumber")
    ]
    with_values = resources(world.made("app", "preview", IncludePropertyValues=True))
    assert list(with_values) == ["AppLaunchTemplate"]
    data = after(with_values["AppLaunchTemplate"])["LaunchTemplateData"]
    assert data["ImageId"] == world.new_ami
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] == "true"


def test_a_group_that_changes_otherwise_as_well_shows_no_policies(world: StackWorld) -> None:
    """No record has a CreationPolicy or an UpdatePolicy in a context. An attribute of what is changed in place keeps
    its present value (test_direct_attribute_value_change_with_dependent_addition)."""
    world.create_application()
    world.cloudformation.create_change_set(
        StackName="app",
        ChangeSetName="preview",
        UsePreviousTemplate=True,
        Parameters=world.patched(DesiredCapacity="3"),
    )
    group = resources(world.made("app", "preview", IncludePropertyValues=True))["AppAutoScalingGroup"]
    assert json.loads(group["AfterContext"]).keys() == {"Properties"}
    assert (after(group)["DesiredCapacity"], after(group)["LaunchTemplate"]["Version"]) == ("3", "1")
    assert {detail["Target"]["Name"] for detail in group["Details"]} == {"DesiredCapacity"}


@pytest.mark.parametrize("reference", [{"Ref": "Source"}, {"Fn::GetAtt": ["Source", "TopicName"]}])
def test_what_refers_to_a_replaced_resource_is_in_both_descriptions(world: StackWorld, reference: Any) -> None:
    """test_change_set_ref and test_change_set_fn_get_attr, test_immutable_property_update_causes_resource_replacement;
    test_change_sets, test_dynamic_update: with values, a Dynamic DirectModification stands beside the reference."""

    def template(name: str) -> str:
        return body(Source=topic(TopicName=name), Reader=stored(reference))

    world.create("one", template("first"))
    plain, with_values = (resources(answer) for answer in described(world, template("second")))
    assert plain["Source"]["Replacement"] == "True" and plain["Reader"]["Replacement"] == "False"
    kind, entity = ("ResourceReference", "Source") if "Ref" in reference else ("ResourceAttribute", "Source.TopicName")
    assert causes(plain["Reader"]) == [("Static", kind, entity)]
    assert sorted(causes(with_values["Reader"])) == sorted([("Static", kind, entity), BESIDE_A_CAUSE])
    assert after(with_values["Reader"])["Value"] == "{{changeSet:KNOWN_AFTER_APPLY}}"
    target = with_values["Reader"]["Details"][0]["Target"]
    assert target["AfterValue"] == "{{changeSet:KNOWN_AFTER_APPLY}}" and target["BeforeValue"].endswith("first")


def test_a_moved_value_of_systems_manager_is_shown_without_its_cause(world: StackWorld) -> None:
    """test_change_sets, test_dynamic_ssm_parameter_lookup; v2.test_dynamic_resolving,
    test_update_parameter_between_deployments. The parameter has both the name and the value."""
    world.client("ssm").put_parameter(Name="/moves", Value="old", Type="String")
    world.create(
        "one",
        body({"Source": {"Type": "AWS::SSM::Parameter::Value<String>"}}, Kept=stored({"Ref": "Source"})),
        Source="/moves",
    )
    world.client("ssm").put_parameter(Name="/moves", Value="new", Type="String", Overwrite=True)
    world.cloudformation.create_change_set(
        StackName="one",
        ChangeSetName="preview",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Source", "UsePreviousValue": True}],
    )
    plain, with_values = (world.made("one", "preview", **more) for more in ({}, {"IncludePropertyValues": True}))
    for answer in (plain, with_values):
        assert causes(resources(answer)["Kept"]) == [DIRECTLY]
        assert answer["Parameters"] == [{"ParameterKey": "Source", "ParameterValue": "/moves", "ResolvedValue": "new"}]
    assert after(resources(with_values)["Kept"])["Value"] == "new"


def test_a_moved_value_beside_a_changed_parameter_is_a_modification_of_its_own(world: StackWorld) -> None:
    """The same records, property by property: no record has both in one resource."""
    world.client("ssm").put_parameter(Name="/moves", Value="old", Type="String")
    types = {"Source": {"Type": "AWS::SSM::Parameter::Value<String>"}, "Name": {"Type": "String"}}
    tagged = topic(DisplayName={"Ref": "Name"}, Tags=[{"Key": "moved", "Value": {"Ref": "Source"}}])
    world.create("one", body(types, Topic=tagged), Source="/moves", Name="first")
    world.client("ssm").put_parameter(Name="/moves", Value="new", Type="String", Overwrite=True)
    for answer in described(world, Source="/moves", Name="second"):
        change = resources(answer)["Topic"]
        names = [detail["Target"]["Name"] for detail in change["Details"]]
        assert sorted(zip(names, causes(change), strict=True)) == [
            ("DisplayName", BESIDE_A_CAUSE),
            ("DisplayName", ("Static", "ParameterReference", "Name")),
            ("Tags", DIRECTLY),
        ]


def test_a_moved_dynamic_reference_is_no_change_but_is_read_anew_with_one(world: StackWorld) -> None:
    """aws-cloudformation/cloudformation-coverage-roadmap#844: where only the value of {{resolve:ssm:...}} has moved, a
    change set has no changes; any change of the resource takes it over."""
    world.client("ssm").put_parameter(Name="/moves", Value="old", Type="String")
    held = stored("{{resolve:ssm:/moves}}", Description={"Ref": "Name"})
    world.create("one", body({"Name": {"Type": "String"}}, Held=held), Name="first")
    world.client("ssm").put_parameter(Name="/moves", Value="new", Type="String", Overwrite=True)
    assert described(world, Name="first")[0]["StatusReason"].startswith("The submitted information didn't contain")
    world.cloudformation.delete_change_set(StackName="one", ChangeSetName="preview")
    for answer in described(world, Name="second"):
        assert {detail["Target"]["Name"] for detail in resources(answer)["Held"]["Details"]} == {"Description"}
    world.cloudformation.execute_change_set(StackName="one", ChangeSetName="preview")
    assert world.settle("one") == "UPDATE_COMPLETE"
    name = world.physical_ids("one")["Held"]
    assert world.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "new"


def test_what_is_added_and_removed_has_no_details(world: StackWorld) -> None:
    """test_change_set_fn_get_attr, test_resource_addition and test_resource_deletion; test_change_set_depends_on: what
    a removed resource read of another is not shown, although it is known."""
    first, second = topic(TopicName="one"), topic(DisplayName={"Fn::GetAtt": ["First", "TopicName"]})
    kept = {**topic(TopicName="kept"), "DeletionPolicy": "Retain"}
    world.create("one", body(First=first, Second=second, Kept=kept))
    plain, with_values = (resources(answer) for answer in described(world, body(First=first, Third=topic())))
    assert {name: (change["Action"], change.get("PolicyAction")) for name, change in plain.items()} == {
        "Third": ("Add", None),
        "Second": ("Remove", "Delete"),
        "Kept": ("Remove", "Retain"),
    }
    for change in (*plain.values(), *with_values.values()):
        assert change["Details"] == change["Scope"] == [] and "Replacement" not in change
    assert json.loads(with_values["Second"]["BeforeContext"]) == {
        "Properties": {"DisplayName": "{{changeSet:KNOWN_AFTER_APPLY}}"}
    }
    assert "AfterContext" not in with_values["Second"] and "BeforeContext" not in with_values["Third"]


def test_metadata_is_an_attribute_of_its_own(world: StackWorld) -> None:
    """test_stacks, test_no_echo_parameter: the causes are those of properties; what is not to be shown is masked."""
    secret = {"Secret": {"Type": "String", "NoEcho": True}}
    noted = {**topic(DisplayName={"Ref": "Secret"}), "Metadata": {"Note": {"Ref": "Secret"}}}
    world.create("one", body(secret, Topic=noted), Secret="a")
    plain, with_values = (resources(answer)["Topic"] for answer in described(world, Secret="b"))
    assert plain["Scope"] == ["Metadata", "Properties"]
    targets = [detail["Target"] for detail in plain["Details"]]
    assert targets.count({"Attribute": "Metadata", "RequiresRecreation": "Never"}) == 2
    assert sorted(causes(plain)) == sorted([("Static", "ParameterReference", "Secret"), BESIDE_A_CAUSE] * 2)
    assert after(with_values) == {"DisplayName": "****"}


def test_an_import_without_its_export_is_a_warning_of_the_description_with_values(world: StackWorld) -> None:
    """test_change_set_exports_imports, test_describe_change_set_import_non_existent_export."""
    world.create("one", body(Topic=topic()))
    imported = {"Fn::ImportValue": "nobody-exports-this"}
    plain, with_values = described(world, body(Topic=topic(), Kept=stored(imported)))
    assert (plain["Status"], plain["ExecutionStatus"], plain.get("StatusReason")) == (
        *("CREATE_COMPLETE", "AVAILABLE"),
        None,
    )
    assert with_values["Status"] == "CREATE_COMPLETE"
    assert with_values["StatusReason"] == (
        "[WARN] --include-property-values option can return incomplete ChangeSet data because: ChangeSet creation "
        "failed for resource [Kept] because: No export named nobody-exports-this"
    )
    assert after(resources(with_values)["Kept"])["Value"] == "{{changeSet:KNOWN_AFTER_APPLY}}"


def test_both_descriptions_say_why_a_change_set_failed(world: StackWorld) -> None:
    """test_changesets, test_create_change_set_no_changes. Of the description with values there is no record: in 2024 it
    lacked the reason (boto/boto3#4178); the CDK reads there whether there are no changes (aws/aws-cdk-cli, toolkit-lib,
    ChangeSetDescriber)."""
    unchanged = body(Topic=topic())
    world.create("one", unchanged)
    plain, with_values = described(world, unchanged)
    assert plain["Status"] == with_values["Status"] == "FAILED"
    assert plain["StatusReason"].startswith("The submitted information didn't contain changes.")
    assert with_values["StatusReason"] == plain["StatusReason"]


def test_what_the_plain_description_lists_is_what_is_updated(world: StackWorld) -> None:
    """test_direct_attribute_value_change, per-resource-events: what only the plain description lists is updated."""

    def template(value: str) -> str:
        return body(First=stored(value), Second=stored({"Fn::GetAtt": ["First", "Value"]}))

    world.create("one", template("before"))
    described(world, template("after"))
    world.cloudformation.execute_change_set(StackName="one", ChangeSetName="preview", ClientRequestToken="set")
    assert world.settle("one") == "UPDATE_COMPLETE"
    updated = {name for name, status in world.trail("one", "set") if status == "UPDATE_COMPLETE"}
    assert updated == {"First", "Second", "one"}
    names = world.physical_ids("one")
    values = [boto3.client("ssm").get_parameter(Name=names[name])["Parameter"]["Value"] for name in ("First", "Second")]
    assert values == ["after", "after"]


def test_the_template_of_a_change_set(world: StackWorld) -> None:
    """API Reference, GetTemplate: of a change set, once it is made, the template with its transforms processed."""
    world.create("one", body(Topic=topic(DisplayName="a")))
    described(world, body(Topic=topic(DisplayName="b")))
    answer = world.cloudformation.get_template(StackName="one", ChangeSetName="preview", TemplateStage="Processed")
    assert answer["TemplateBody"]["Resources"]["Topic"]["Properties"] == {"DisplayName": "b"}


@pytest.mark.parametrize("instant", [True, False])
def test_an_export_that_is_still_missing_fails_the_creation(world: StackWorld, instant: bool) -> None:
    """Get exported outputs from a deployed CloudFormation stack: the export must exist; the text is that of failed
    stacks seen in the wild."""
    settings.use(CloudFormationSettings(instant_create_and_delete=instant))
    importer = body(Kept=stored({"Fn::ImportValue": "nobodys"}))
    world.cloudformation.create_change_set(
        StackName="one", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=importer
    )
    world.made("one", "first")
    world.cloudformation.execute_change_set(StackName="one", ChangeSetName="first")
    assert world.settle("one") == "ROLLBACK_COMPLETE"
    assert "No export named nobodys found. Rollback requested by user." in world.reasons("one")
