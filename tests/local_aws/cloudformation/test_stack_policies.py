"""Stack policies, held against what AWS documents and what it answered to LocalStack's tests.

Sources: CloudFormation User Guide, "Prevent updates to stack resources"; the records of test_stack_policies, whose
tests are named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.stack_world import StackWorld, stack_world


@pytest.fixture
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        yield created


ALLOW = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
DENY = {**ALLOW, "Effect": "Deny"}
OF_QUEUES = {"StringEquals": {"ResourceType": ["AWS::SQS::Queue"]}}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


def body(delay: int = 0, **more: Any) -> str:
    """A template of a queue, whose name needs a replacement and whose delay does not, and of a topic."""
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": delay, **more}}
    return json.dumps({"Resources": {"Queue": queue, "Topic": {"Type": "AWS::SNS::Topic"}}})


WITHOUT_TOPIC = json.dumps({"Resources": {"Queue": json.loads(body())["Resources"]["Queue"]}})


def create(world: StackWorld, **arguments: str) -> None:
    world.cloudformation.create_stack(StackName="one", TemplateBody=body(), **arguments)


def update(world: StackWorld, template: str, **arguments: str) -> str:
    world.cloudformation.update_stack(StackName="one", TemplateBody=template, **arguments)
    return world.settle("one")


def shown(world: StackWorld) -> Any:
    text = world.cloudformation.get_stack_policy(StackName="one").get("StackPolicyBody")
    return None if text is None else json.loads(text)


@pytest.mark.parametrize(
    ("statements", "template", "denied"),
    [
        ([DENY], body(5), ("Queue", "Update:Modify", 1)),
        ([ALLOW, {**DENY, "Resource": "LogicalResourceId/Queue"}], body(5), ("Queue", "Update:Modify", 2)),
        ([{**DENY, "Resource": "LogicalResourceId/Q*"}, ALLOW], body(5), ("Queue", "Update:Modify", 1)),
        ([{**DENY, "Condition": OF_QUEUES}, ALLOW], body(5), ("Queue", "Update:Modify", 1)),
        ([ALLOW, {**DENY, "Action": ["Update:Replace"]}], body(QueueName="q"), ("Queue", "Update:Replace", 2)),
        ([ALLOW, {**DENY, "Action": "Update:Delete"}], WITHOUT_TOPIC, ("Topic", "Update:Delete", 2)),
        ([{**ALLOW, "Resource": "LogicalResourceId/Topic"}], body(5), ("Queue", "Update:Modify", None)),
        ([ALLOW], body(5), None),
        ([ALLOW, {**DENY, "Action": "Update:Replace"}], body(5), None),
        ([ALLOW, {**DENY, "Condition": OF_QUEUES}], WITHOUT_TOPIC, None),
        ([{"Effect": "Allow", "Principal": "*", "NotAction": "Update:Delete", "Resource": "*"}], body(5), None),
        ([ALLOW, {"Effect": "Deny", "Principal": "*", "Action": "Update:*", "NotResource": "*"}], body(5), None),
        ([], body(5), None),
    ],
)
@pytest.mark.parametrize("given", ["with the creation", "later"])
def test_an_update_does_what_the_policy_allows_and_does_not_deny(
    world: StackWorld, statements: list[dict[str, Any]], template: str, denied: tuple[str, str, int] | None, given: str
) -> None:
    """Prevent updates to stack resources: a Deny overrides an Allow, and with a policy what none allows is denied.
    test_prevent_stack_update: the failed resource's reason; its whole text is one seen in the wild."""
    if given == "later":
        create(world)
        world.cloudformation.set_stack_policy(StackName="one", StackPolicyBody=policy(*statements))
    else:
        create(world, StackPolicyBody=policy(*statements))
    assert shown(world) == {"Statement": statements}
    status = update(world, template)
    if denied is None:
        assert status == "UPDATE_COMPLETE"
        return
    logical_id, action, number = denied
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert (logical_id, "UPDATE_FAILED") in world.trail("one")
    why = "denied" if number else "not allowed"
    by = f"Statement [#{number}] does not allow" if number else "no statement allows"
    text = f"Action {why} by stack policy: {by} [{action}] for resource [LogicalResourceId/{logical_id}];"
    assert text in world.reasons("one")
    assert set(world.physical_ids("one")) == {"Queue", "Topic"}


def test_a_policy_for_one_update_takes_the_place_of_the_stacks(world: StackWorld) -> None:
    """test_policy_during_update: it is shown and heeded as long as the update runs. API Reference, UpdateStack,
    StackPolicyDuringUpdateBody: the temporary overriding policy."""
    create(world, StackPolicyBody=policy(DENY))
    world.cloudformation.update_stack(StackName="one", TemplateBody=body(5), StackPolicyDuringUpdateBody=policy(ALLOW))
    assert shown(world) == {"Statement": [ALLOW]}
    assert world.settle("one") == "UPDATE_COMPLETE"
    assert shown(world) == {"Statement": [DENY]}
    assert update(world, body(6)) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_policy_that_comes_with_an_update_is_for_the_next(world: StackWorld) -> None:
    """test_set_policy_with_update_operation: it is not shown while the update runs, and not heeded by it. API
    Reference, UpdateStack, StackPolicyBody: the new stack policy."""
    create(world)
    world.cloudformation.update_stack(StackName="one", TemplateBody=body(5), StackPolicyBody=policy(DENY))
    assert shown(world) is None
    assert world.settle("one") == "UPDATE_COMPLETE"
    assert update(world, body(6)) == "UPDATE_ROLLBACK_COMPLETE"
    assert shown(world) == {"Statement": [DENY]}


def test_a_change_set_is_executed_under_the_policy_too(world: StackWorld) -> None:
    """Prevent updates to stack resources: the policy applies to all who attempt to update the stack."""
    create(world, StackPolicyBody=policy(DENY))
    world.cloudformation.create_change_set(StackName="one", ChangeSetName="set", TemplateBody=body(5))
    world.made("one", "set")
    world.cloudformation.execute_change_set(StackName="one", ChangeSetName="set")
    assert world.settle("one") == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    "text",
    ["some text", "[]", policy({**DENY, "Principal": "me"}), policy({**DENY, "Action": "Delete:*"})],
)
def test_what_is_no_policy_is_refused(world: StackWorld, text: str) -> None:
    """test_invalid_policy, test_not_json_policy, test_different_principal_attribute and
    test_different_action_attribute."""
    create(world)
    message = "Error validating stack policy: Invalid stack policy"
    with pytest.raises(ClientError, match=message):
        world.cloudformation.set_stack_policy(StackName="one", StackPolicyBody=text)
    with pytest.raises(ClientError, match=message):
        world.cloudformation.create_stack(StackName="two", TemplateBody=body(), StackPolicyBody=text)


def test_a_policy_may_be_in_a_bucket(world: StackWorld) -> None:
    """test_set_policy_with_url, test_set_empty_policy_with_url, test_set_policy_both_policy_and_url."""
    create(world)
    s3 = world.client("s3")
    s3.create_bucket(Bucket="policies")
    for key, text in (("policy.json", policy(ALLOW)), ("empty.json", "{}"), ("invalid.json", policy({"Effect": "x"}))):
        s3.put_object(Bucket="policies", Key=key, Body=text)
    url = "https://policies.s3.amazonaws.com"
    world.cloudformation.set_stack_policy(StackName="one", StackPolicyURL=f"{url}/policy.json")
    assert shown(world) == {"Statement": [ALLOW]}
    world.cloudformation.set_stack_policy(StackName="one", StackPolicyURL=f"{url}/empty.json")
    assert shown(world) == {}
    with pytest.raises(ClientError, match="Error validating stack policy: Invalid stack policy"):
        world.cloudformation.set_stack_policy(StackName="one", StackPolicyURL=f"{url}/invalid.json")
    with pytest.raises(ClientError, match="You cannot specify both StackPolicyURL and StackPolicyBody"):
        world.cloudformation.set_stack_policy(
            StackName="one", StackPolicyURL=f"{url}/policy.json", StackPolicyBody=policy(ALLOW)
        )
    assert update(world, body(5), StackPolicyDuringUpdateURL=f"{url}/policy.json") == "UPDATE_COMPLETE"


def test_without_a_policy_none_is_shown(world: StackWorld) -> None:
    """test_policy_lifecycle."""
    create(world)
    assert shown(world) is None
