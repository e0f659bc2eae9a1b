"""Whether a resource's policy lets a service in."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.core.resource_policies import PolicyNotModelled, ServiceRequest, allows

QUEUE = "arn:aws:sqs:us-east-1:123456789012:dead"
RULE = "arn:aws:events:us-east-1:123456789012:rule/ends"
REQUEST = ServiceRequest("events.amazonaws.com", "sqs:SendMessage", QUEUE, RULE, "123456789012")
LETS_IN = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": QUEUE,
}


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"Principal": "*"}, True),
        ({"Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}}, True),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, False),
        ({"Action": ["SQS:Send*", "sqs:ReceiveMessage"]}, True),
        ({"Action": "sqs:ReceiveMessage"}, False),
        ({"Resource": "arn:aws:sqs:*:123456789012:*"}, True),
        ({"Resource": QUEUE + "2"}, False),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": RULE}}}, True),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:events:*:123456789012:rule/*"}}}, True),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": RULE + "2"}}}, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}}, True),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "210987654321"}}}, False),
        ({"Condition": {"StringEquals": {"AWS:SourceOwner": "123456789012"}}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
        (
            {"Condition": {"ArnEquals": {"aws:SourceArn": RULE}, "StringEquals": {"aws:SourceAccount": "0"}}},
            False,
        ),
    ],
)
def test_a_statement_allows_what_it_names(changes: dict[str, Any], allowed: bool) -> None:
    """IAM User Guide, "IAM JSON policy elements": Principal, Action, Resource, and condition operators."""
    assert allows([{**LETS_IN, **changes}], REQUEST) is allowed


def test_a_denial_wins_and_nothing_is_allowed_by_default() -> None:
    """IAM User Guide, "Policy evaluation logic"."""
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    denial = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": QUEUE}
    assert not allows([], REQUEST)
    assert not allows([LETS_IN, denial], REQUEST)
    assert allows([LETS_IN, {**denial, "Condition": insecure}], REQUEST)


@pytest.mark.parametrize(
    "changes",
    [
        {"NotAction": "sqs:DeleteQueue"},
        {"Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}},
        {"Condition": {"NumericLessThan": {"aws:SourceAccount": "1"}}},
    ],
)
def test_what_is_not_modelled_says_so(changes: dict[str, Any]) -> None:
    with pytest.raises(PolicyNotModelled):
        allows([{**LETS_IN, **changes}], REQUEST)
