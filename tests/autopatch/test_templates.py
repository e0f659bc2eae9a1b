"""Templates, with their functions evaluated as far as parameters decide them; nothing of it needs AWS."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopatch.errors import TargetNotReady
from autopatch.templates import Template, Unresolved, completed, read_template, truth, whole_number

STACK = "arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/shop/0a1b2c3d"
PARAMETERS = {
    "Count": {"Type": "Number", "Default": 2},
    "Stage": {"Type": "String"},
    "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"},
    "Names": {"Type": "AWS::SSM::Parameter::Value<CommaDelimitedList>"},
    "Secret": {"Type": "String", "NoEcho": True},
    "Defaulted": {"Type": "Number", "Default": 7},
}
VALUES = {"Count": "4", "Stage": "live", "Subnets": "subnet-1, subnet-2", "Names": "a,b", "Secret": "****"}
CONDITIONS = {
    "Live": {"Fn::Equals": [{"Ref": "Stage"}, "live"]},
    "Test": {"Fn::Not": [{"Condition": "Live"}]},
    "Both": {"Fn::And": [{"Condition": "Live"}, {"Condition": "Test"}]},
    "Either": {"Fn::Or": [{"Condition": "Test"}, {"Condition": "Live"}]},
    "Hidden": {"Fn::Equals": [{"Ref": "Secret"}, "x"]},
    "NeverMind": {"Fn::And": [{"Condition": "Hidden"}, {"Condition": "Test"}]},
    "Anyway": {"Fn::Or": [{"Condition": "Hidden"}, {"Condition": "Live"}]},
    "HiddenToo": {"Fn::And": [{"Condition": "Hidden"}, {"Condition": "Live"}]},
    "NotHidden": {"Fn::Not": [{"Condition": "Hidden"}]},
}
MAPPINGS = {"Sizes": {"live": {"Count": 6, "Zones": ["a", "b"]}, "test": {"Count": 1}}}


def template(**resources: Any) -> Template:
    document = {"Parameters": PARAMETERS, "Conditions": CONDITIONS, "Mappings": MAPPINGS, "Resources": resources}
    return Template(document, VALUES, STACK)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Count"}, "4"),
        ({"Ref": "Defaulted"}, "7"),
        ({"Ref": "Subnets"}, ["subnet-1", "subnet-2"]),
        ({"Ref": "Names"}, ["a", "b"]),
        ({"Ref": "AWS::Region"}, "cn-north-1"),
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Ref": "AWS::Partition"}, "aws-cn"),
        ({"Ref": "AWS::StackName"}, "shop"),
        ({"Ref": "AWS::StackId"}, STACK),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com.cn"),
        ({"Fn::Sub": "${Stage}-${AWS::StackName} keeps ${!this}"}, "live-shop keeps ${this}"),
        ({"Fn::Sub": ["${Stage}-${Own}", {"Own": {"Ref": "Count"}}]}, "live-4"),
        ({"Fn::Sub": ["${Stage}", {"Stage": "mine"}]}, "mine"),
        ({"Fn::If": ["Live", {"Ref": "Count"}, 0]}, "4"),
        ({"Fn::If": ["Test", {"Ref": "Count"}, 0]}, "0"),
        ({"Fn::If": ["Both", "yes", "no"]}, "no"),
        ({"Fn::If": ["Either", "yes", "no"]}, "yes"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Count"]}, "6"),
        ({"Fn::FindInMap": ["Sizes", "none", "Count", {"DefaultValue": {"Ref": "Count"}}]}, "4"),
        ({"Fn::Select": [1, {"Fn::FindInMap": ["Sizes", "live", "Zones"]}]}, "b"),
        ({"Fn::Select": ["0", {"Fn::Split": [",", "3,4"]}]}, "3"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]}, "a-live"),
        ({"Fn::Join": ["+", {"Ref": "Subnets"}]}, "subnet-1+subnet-2"),
        ({"Kept": True, "Gone": {"Ref": "AWS::NoValue"}}, {"Kept": "true"}),
        (["kept", {"Fn::If": ["Test", "x", {"Ref": "AWS::NoValue"}]}], ["kept"]),
    ],
)
def test_functions_of_what_the_parameters_decide(value: Any, expected: Any) -> None:
    """CloudFormation template reference, "Intrinsic function reference", the page of each function."""
    assert template().resolve(value) == expected


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ({"Fn::GetAtt": ["Sizes", "Count"]}, "Fn::GetAtt Sizes.Count"),
        ({"Fn::GetAtt": "Sizes.Outputs.Count"}, "Fn::GetAtt Sizes.Outputs.Count"),
        ({"Ref": "Group"}, "Ref Group"),
        # DescribeChangeSet masks it, whether it is the default or not.
        ({"Ref": "Secret"}, "Ref Secret"),
        ({"Ref": "AWS::NotificationARNs"}, "Ref AWS::NotificationARNs"),
        ({"Fn::ImportValue": "network-size"}, "Fn::ImportValue"),
        ({"Fn::GetAZs": ""}, "Fn::GetAZs"),
        ("{{resolve:ssm:/size}}", "{{resolve:ssm:/size}}"),
        ({"Fn::Sub": "{{resolve:ssm:/${Stage}}}"}, "{{resolve:ssm:/${Stage}}}"),
        ({"Fn::Sub": "${Stage}${Sizes.Count}"}, "Fn::GetAtt Sizes.Count"),
        ({"Fn::Join": ["", [{"Ref": "Stage"}, {"Ref": "Group"}]]}, "Ref Group"),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "Fn::GetAZs"),
        ({"Fn::Split": [",", {"Fn::ImportValue": "x"}]}, "Fn::ImportValue"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Secret"}, "Count"]}, "Ref Secret"),
        ({"Fn::If": ["Hidden", 1, 2]}, "Ref Secret"),
        ({"Fn::If": ["HiddenToo", 1, 2]}, "Ref Secret"),
        ({"Fn::If": ["NotHidden", 1, 2]}, "Ref Secret"),
        # What CloudFormation would have refused, or a form that is not known here.
        ({"Fn::Select": [5, ["a"]]}, 'Fn::Select [5, ["a"]]'),
        ({"Fn::If": ["NoSuchCondition", 1, 2]}, 'Fn::If ["NoSuchCondition", 1, 2]'),
        ({"Fn::FindInMap": ["Sizes", "none", "Count"]}, 'Fn::FindInMap ["Sizes", "none", "Count"]'),
        ({"Ref": 5}, "Ref 5"),
        ({"Fn::Sub": {"Ref": "Stage"}}, 'Fn::Sub {"Ref": "Stage"}'),
    ],
)
def test_what_they_do_not_decide_is_unresolved_and_names_its_source(value: Any, source: str) -> None:
    assert template().resolve(value) == Unresolved(source)


def test_one_part_can_decide_a_condition_whatever_the_others_are() -> None:
    """CloudFormation template reference, "Condition functions"."""
    assert template().resolve({"Fn::If": ["NeverMind", 1, 2]}) == "2"
    assert template().resolve({"Fn::If": ["Anyway", 1, 2]}) == "1"


def test_an_attribute_of_a_resource() -> None:
    group = {"UpdatePolicy": {"AutoScalingReplacingUpdate": {"WillReplace": {"Fn::If": ["Live", True, False]}}}}
    of_the_stack = template(Group=group, Bare={"Type": "X"}, Left={"UpdatePolicy": {"Ref": "AWS::NoValue"}})
    assert of_the_stack.attribute("Group", "UpdatePolicy") == {"AutoScalingReplacingUpdate": {"WillReplace": "true"}}
    assert [of_the_stack.attribute(name, "UpdatePolicy") for name in ("Bare", "Left", "NoSuchResource")] == [None] * 3


YAML = """
Parameters:
  Count: {Type: Number}
Conditions:
  Many: !Not [!Equals [!Ref Count, 2]]
Mappings:
  Accounts:
    012345678901: {Count: 3}
Resources:
  Group:
    CreationPolicy:
      ResourceSignal: {Count: !If [Many, !Ref Count, !GetAtt Other.Count], Timeout: !Sub "PT${Count}M"}
    UpdatePolicy:
      AutoScalingReplacingUpdate: {WillReplace: yes}
    Properties:
      MinSize: !FindInMap [Accounts, "012345678901", Count]
      Version: 1.10
      Since: 2026-01-31
      MaxSize:
        Fn::Select:
          - 0
          - !Split [",", !Join [",", [5, 6]]]
"""


def test_a_template_in_yaml_with_short_forms() -> None:
    """CloudFormation user guide, "CloudFormation template formats": YAML 1.1, in which yes is a boolean; a short form
    for each function but Fn::Transform's full one."""
    of_the_stack = read_template(YAML, {"Count": "4"}, STACK)
    assert of_the_stack.attribute("Group", "CreationPolicy") == {"ResourceSignal": {"Count": "4", "Timeout": "PT4M"}}
    assert of_the_stack.attribute("Group", "UpdatePolicy") == {"AutoScalingReplacingUpdate": {"WillReplace": "true"}}
    assert of_the_stack.attribute("Group", "Properties") == {
        **{"MinSize": "3", "MaxSize": "5"},
        # As they stand there: neither a number nor a date is made of them.
        **{"Version": "1.10", "Since": "2026-01-31"},
    }
    fewer = read_template(YAML, {"Count": "2"}, STACK).attribute("Group", "CreationPolicy")
    assert fewer["ResourceSignal"]["Count"] == Unresolved("Fn::GetAtt Other.Count")


@pytest.mark.parametrize(
    "body", ['{\n\t"Resources": {"A": {"Metadata": {"x": 1}}}}', {"Resources": {"A": {"Metadata": {"x": 1}}}}]
)
def test_a_template_in_json_as_text_and_as_boto3_reads_it(body: Any) -> None:
    """botocore/handlers.py, json_decode_template_body: GetTemplate's body is a dict when it is JSON."""
    assert read_template(body, {}, STACK).attribute("A", "Metadata") == {"x": "1"}


@pytest.mark.parametrize("body", ["Resources: [", "just a text", "- a\n- list", "!!python/object:os.system {}"])
def test_what_is_no_template(body: str) -> None:
    with pytest.raises(TargetNotReady, match="stack shop: expected its template as YAML or JSON, found"):
        read_template(body, {}, STACK)


def test_numbers_and_booleans() -> None:
    assert [whole_number(value) for value in ("4", " 4 ", 4)] == [4, 4, 4]
    for unknown in ("{{changeSet:KNOWN_AFTER_APPLY}}", "", "2.5", "-1", "many", "²"):
        assert isinstance(whole_number(unknown), Unresolved)
    assert (truth("true"), truth("True"), truth("false"), truth(None)) == (True, True, False, False)
    assert truth("maybe") == Unresolved("maybe")
    assert whole_number(Unresolved("x")) == truth(Unresolved("x")) == Unresolved("x")


def test_what_a_change_set_shows_completes_what_the_template_does_not_say() -> None:
    """CloudFormation user guide, "Example change sets": KNOWN_AFTER_APPLY stands for what is not known yet."""
    value = {"Desired": Unresolved("a"), "Min": "1", "Max": Unresolved("b"), "Deep": {"Er": Unresolved("c")}}
    shown = {"Desired": "3", "Min": "9", "Max": "{{changeSet:KNOWN_AFTER_APPLY}}", "Deep": {"Er": "x"}}
    assert completed(value, shown) == {"Desired": "3", "Min": "1", "Max": Unresolved("b"), "Deep": {"Er": "x"}}
    assert completed(value, None) == completed(value, {}) == value
    assert completed(Unresolved("all"), {"a": "b"}) == {"a": "b"}


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Ref", "Fn::If", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::FindInMap", "a"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_nothing_in_a_template_raises(value: Any) -> None:
    """What it is that cannot be read is found with the rest, and told by its name."""
    template().resolve(value)
