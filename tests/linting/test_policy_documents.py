"""The policy documents of a template, as a linter reads them."""

from __future__ import annotations

from typing import Any

import pytest

from linting.policy_documents import PolicyNotUnderstood, policy_documents


def statement(resource: Any, **elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sns:Publish", "Resource": resource} | elements


def template(*statements: Any) -> dict[str, Any]:
    """A template with one policy, and things to refer to."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {
        "Parameters": {"TopicArn": {"Type": "String"}, "Names": {"Type": "CommaDelimitedList"}},
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Machine": {"Type": "AWS::StepFunctions::StateMachine"},
            "Policy": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": document}},
        },
    }


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"Ref": "Topic"}, "arn:aws:sns:*:123456789012:*"),
        ({"Fn::GetAtt": ["Machine", "Arn"]}, "arn:aws:states:*:123456789012:*"),
        ({"Fn::Sub": "${Bucket.Arn}/logs/*"}, "arn:aws:s3:::name/logs/*"),
        ({"Fn::Sub": "${Topic}:more"}, "arn:aws:sns:*:123456789012:*:more"),
        ({"Fn::Sub": "arn:${AWS::Partition}:s3:::${Topic}-${AWS::Region}"}, "arn:aws:s3:::name-us-east-1"),
        ({"Fn::Sub": ["arn:aws:s3:::${Of}", {"Of": "bucket"}]}, "arn:aws:s3:::bucket"),
        ({"Ref": "TopicArn"}, "arn:aws:*:*:*:*"),
        ({"Fn::Join": ["", ["arn:aws:s3:::", {"Ref": "Topic"}, "/*"]]}, "arn:aws:s3:::name/*"),
        ({"Fn::Split": [",", {"Fn::Join": ["/*,b/", {"Ref": "Names"}]}]}, ["arn:aws:*:*:*:*"]),
    ],
)
def test_what_a_policy_refers_to_is_read_as_an_arn(written: Any, read: Any) -> None:
    [policy] = policy_documents(template(statement(written)))
    assert (policy.resource, policy.document["Statement"]) == ("Policy", [statement(read)])


def test_both_sides_of_a_condition_are_read() -> None:
    choice = {"Fn::If": ["Given", statement({"Ref": "TopicArn"}), {"Ref": "AWS::NoValue"}]}
    with_it, without_it = policy_documents(template(statement("*"), choice))
    assert with_it.document["Statement"] == [statement("*"), statement("arn:aws:*:*:*:*")]
    assert without_it.document["Statement"] == [statement("*")]


def test_a_trust_policy_is_about_its_role() -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}}}
    [policy] = policy_documents({"Resources": {"Role": role}})
    assert policy.document["Statement"] == [{**trust, "Resource": "arn:aws:iam::123456789012:role/Role"}]


def test_a_policy_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(PolicyNotUnderstood, match="found Fn::ImportValue"):
        policy_documents(template(statement({"Fn::ImportValue": "topic"})))
    with pytest.raises(PolicyNotUnderstood, match="found Nothing"):
        policy_documents(template(statement({"Ref": "Nothing"})))
    text = template()
    text["Resources"]["Policy"]["Properties"]["PolicyDocument"] = "{}"
    with pytest.raises(PolicyNotUnderstood, match="found a string"):
        policy_documents(text)
