"""What a stack policy lets an update do: CloudFormation user guide, "Prevent updates to stack resources"."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autopatch.stack_policies import MODIFY, REPLACE, stack_policy_findings

GROUP = "AWS::AutoScaling::AutoScalingGroup"
ALL: dict[str, Any] = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
NOT_THE_GROUP = {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "LogicalResourceId/Group"}


@pytest.mark.parametrize(
    ("statements", "denied"),
    [
        ([], []),
        ([ALL], []),
        (ALL, []),
        ([ALL, NOT_THE_GROUP], [MODIFY, REPLACE]),
        ([NOT_THE_GROUP, ALL], [MODIFY, REPLACE]),
        # With a policy, what no statement allows is protected.
        ([{**ALL, "Resource": "LogicalResourceId/Other*"}], [MODIFY, REPLACE]),
        ([{**ALL, "Resource": ["LogicalResourceId/Other", "LogicalResourceId/Gr*"]}], []),
        ([{**ALL, "Action": ["Update:Modify", "Update:Delete"]}], [REPLACE]),
        ([ALL, {**NOT_THE_GROUP, "Action": "Update:Replace"}], [REPLACE]),
        ([{"Effect": "Allow", "NotAction": "Update:Replace", "Principal": "*", "Resource": "*"}], [REPLACE]),
        ([ALL, {"Effect": "Deny", "Action": "Update:*", "NotResource": "LogicalResourceId/Group"}], []),
        ([ALL, {**NOT_THE_GROUP, "Resource": "*", "Condition": {"StringEquals": {"ResourceType": ["T"]}}}], []),
        (
            [ALL, {**NOT_THE_GROUP, "Condition": {"StringLike": {"ResourceType": ["AWS::AutoScaling::*"]}}}],
            [MODIFY, REPLACE],
        ),
    ],
)
def test_what_no_statement_allows_or_one_denies_is_found(statements: Any, denied: list[str]) -> None:
    wanted = [(action, "Group", GROUP) for action in (MODIFY, REPLACE)]
    findings = list(stack_policy_findings(json.dumps({"Statement": statements}), wanted))
    assert [finding.name for finding in findings] == (["StackPolicyDenies"] if denied else [])
    for action in (MODIFY, REPLACE):
        assert (f"does not allow {action} of Group" in "".join(map(str, findings))) == (action in denied)


def test_a_stack_without_a_policy_lets_everything_be_done() -> None:
    assert list(stack_policy_findings(None, [(MODIFY, "Group", GROUP)])) == []
