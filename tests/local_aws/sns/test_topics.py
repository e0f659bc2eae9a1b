"""SNS really delivers to its subscribers, and keeps what was published."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.cloudformation import parsing

from local_aws.core import settings
from local_aws.core.delivery import undelivered
from local_aws.sns.settings import SnsSettings
from local_aws.sns.topics import Email, Published, SubscriptionNotModelled, emails, publish_as_owner, published
from tests.local_aws.delivering import ACCOUNT, REGION, Aws, aws

__all__ = ["aws"]

SNS = "sns.amazonaws.com"
AL2023 = "arn:aws:sns:us-east-1:137112412989:amazon-linux-2023-ami-updates"


def create_topic(aws: Aws, name: str = "alerts") -> str:
    return str(aws.client("sns").create_topic(Name=name)["TopicArn"])


def subscribe(aws: Aws, topic: str, protocol: str, endpoint: str, **attributes: Any) -> str:
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in attributes.items()}
    client = aws.client("sns", topic.split(":")[3])
    subscription = client.subscribe(
        TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=texts, ReturnSubscriptionArn=True
    )
    return str(subscription["SubscriptionArn"])


def publish(aws: Aws, topic: str, message: str = "it is done", **parameters: Any) -> str:
    """Publish, and let the deliveries happen."""
    message_id = aws.client("sns", topic.split(":")[3]).publish(TopicArn=topic, Message=message, **parameters)[
        "MessageId"
    ]
    aws.clock.sleep(5)
    return str(message_id)


def texts(**attributes: str) -> dict[str, dict[str, str]]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}


# -- to a function --------------------------------------------------------------------------------------------------


def test_a_function_gets_the_documented_event(aws: Aws) -> None:
    """Lambda Developer Guide, "Invoking Lambda functions with Amazon SNS notifications"."""
    topic, function = create_topic(aws), aws.function("notify")
    aws.permit(function, SNS, topic)
    subscription = subscribe(aws, topic, "lambda", function)
    message_id = publish(aws, topic, Subject="Patched", MessageAttributes=texts(outcome="PATCHED"))
    [(invoked, event)] = aws.invocations()
    assert invoked == function
    [record] = event["Records"]
    assert record["Sns"].pop("Signature")
    assert record == {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "Sns": {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": topic,
            "Subject": "Patched",
            "Message": "it is done",
            "Timestamp": "2026-11-01T00:00:00.000Z",
            "SignatureVersion": "1",
            "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-"
            "0000000000000000000000000000000.pem",
            "UnsubscribeUrl": f"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={subscription}",
            "MessageAttributes": {"outcome": {"Type": "String", "Value": "PATCHED"}},
        },
    }


def test_without_subject_and_attributes_a_function_still_finds_the_members(aws: Aws) -> None:
    """Lambda Developer Guide, "Invoking Lambda functions with Amazon SNS notifications"."""
    topic, function = create_topic(aws), aws.function("notify")
    aws.permit(function, SNS, topic)
    subscribe(aws, topic, "lambda", function)
    publish(aws, topic)
    [(_, event)] = aws.invocations()
    assert event["Records"][0]["Sns"]["Subject"] is None
    assert event["Records"][0]["Sns"]["MessageAttributes"] == {}


def test_publish_returns_before_the_function_runs(aws: Aws) -> None:
    """Lambda Developer Guide: SNS invokes functions asynchronously."""
    topic, function = create_topic(aws), aws.function("notify")
    aws.permit(function, SNS, topic)
    subscribe(aws, topic, "lambda", function)
    aws.client("sns").publish(TopicArn=topic, Message="now")
    assert aws.invocations() == []
    aws.clock.sleep(5)
    assert len(aws.invocations()) == 1


@pytest.mark.parametrize("principal", [None, "events.amazonaws.com"])
def test_without_permission_the_message_goes_to_the_subscriptions_dead_letter_queue(
    aws: Aws, principal: str | None
) -> None:
    """SNS Developer Guide, "Amazon SNS dead-letter queues": client-side errors are not retried."""
    topic, function = create_topic(aws), aws.function("notify")
    if principal:
        aws.permit(function, principal, topic)
    dead = aws.queue("dead", SNS)
    subscribe(aws, topic, "lambda", function, RedrivePolicy={"deadLetterTargetArn": dead})
    publish(aws, topic)
    assert aws.invocations() == []
    assert [body["Message"] for body in aws.bodies(dead)] == ["it is done"]
    assert [(lost.error_code, lost.dead_letter_queue) for lost in undelivered()] == [("AccessDeniedException", dead)]


def test_without_a_redrive_policy_the_message_is_lost_and_listed_in_undelivered(aws: Aws) -> None:
    """SNS Developer Guide, "Amazon SNS dead-letter queues": Amazon SNS discards the message."""
    topic = create_topic(aws)
    subscribe(aws, topic, "lambda", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:gone")
    publish(aws, topic)
    assert [(lost.error_code, lost.dead_letter_queue) for lost in undelivered()] == [
        ("ResourceNotFoundException", None)
    ]


def test_a_message_may_be_delivered_twice(aws: Aws) -> None:
    """SNS FAQs, "How many times will a subscriber receive each message?": at least once, with the same MessageId."""
    settings.use(SnsSettings(duplicate_deliveries=1))
    topic, function = create_topic(aws), aws.function("notify")
    aws.permit(function, SNS, topic)
    subscribe(aws, topic, "lambda", function)
    message_id = publish(aws, topic)
    delivered = [event["Records"][0]["Sns"]["MessageId"] for _, event in aws.invocations()]
    assert delivered == [message_id, message_id]
    assert len(published()) == 1


def test_a_function_of_another_region_is_reached(aws: Aws) -> None:
    """SNS Developer Guide, "Cross-region delivery to an Amazon SQS queue or AWS Lambda function"."""
    topic, function = create_topic(aws), aws.function("notify", "eu-west-1")
    aws.permit(function, SNS, topic)
    subscribe(aws, topic, "lambda", function)
    publish(aws, topic)
    assert [invoked for invoked, _ in aws.invocations()] == [function]


# -- to a queue -----------------------------------------------------------------------------------------------------


def test_a_queue_gets_the_notification_as_json(aws: Aws) -> None:
    """SNS Developer Guide, "HTTP/HTTPS notification JSON format", which queues get as well."""
    topic, queue = create_topic(aws), aws.queue("target", SNS)
    subscription = subscribe(aws, topic, "sqs", queue)
    message_id = publish(aws, topic, Subject="Patched", MessageAttributes=texts(outcome="PATCHED"))
    [body] = aws.bodies(queue)
    assert body.pop("Signature")
    assert body.pop("SigningCertURL")
    assert body.pop("UnsubscribeURL").endswith(subscription)
    assert body == {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic,
        "Subject": "Patched",
        "Message": "it is done",
        "Timestamp": "2026-11-01T00:00:00.000Z",
        "SignatureVersion": "1",
        "MessageAttributes": {"outcome": {"Type": "String", "Value": "PATCHED"}},
    }


def test_raw_delivery_sends_the_message_alone(aws: Aws) -> None:
    """SNS Developer Guide, "Amazon SNS raw message delivery"."""
    topic, queue = create_topic(aws), aws.queue("target", SNS)
    subscribe(aws, topic, "sqs", queue, RawMessageDelivery="true")
    publish(aws, topic, MessageAttributes=texts(outcome="PATCHED"))
    [message] = aws.messages(queue)
    assert (message["Body"], message["attributes"]) == ("it is done", {"outcome": "PATCHED"})


def test_a_queue_must_let_the_topic_send(aws: Aws) -> None:
    """SNS Developer Guide, "Subscribing an Amazon SQS queue": the queue's policy."""
    topic, queue = create_topic(aws), aws.queue("target")
    subscribe(aws, topic, "sqs", queue)
    publish(aws, topic)
    assert aws.messages(queue) == []
    assert [lost.error_code for lost in undelivered()] == ["AccessDeniedException"]


# -- to a person ----------------------------------------------------------------------------------------------------


def test_an_e_mail_subscriber_gets_the_message(aws: Aws) -> None:
    """SNS API Reference, Publish: Subject; the person has confirmed the subscription."""
    topic = create_topic(aws)
    subscribe(aws, topic, "email", "operator@example.com")
    publish(aws, topic, Subject="Patched", MessageAttributes=texts(outcome="PATCHED"))
    publish(aws, topic, "no subject")
    expected = {"address": "operator@example.com", "topic_arn": topic}
    start = datetime(2026, 11, 1, tzinfo=UTC)
    assert emails() == [
        Email(**expected, subject="Patched", body="it is done", attributes={"outcome": "PATCHED"}, sent_at=start),
        Email(
            **expected,
            subject="AWS Notification Message",
            body="no subject",
            attributes={},
            sent_at=start.replace(second=5),
        ),
    ]


def test_every_publish_is_kept(aws: Aws) -> None:
    topic = create_topic(aws)
    message_id = publish(aws, topic, Subject="Patched", MessageAttributes=texts(outcome="PATCHED"))
    assert published() == [
        Published(
            topic_arn=topic,
            subject="Patched",
            message="it is done",
            attributes={"outcome": "PATCHED"},
            message_id=message_id,
            region=REGION,
            published_at=datetime(2026, 11, 1, tzinfo=UTC),
        )
    ]
    assert emails() == []


def test_a_message_can_differ_by_protocol(aws: Aws) -> None:
    """SNS API Reference, Publish: MessageStructure."""
    topic, queue = create_topic(aws), aws.queue("target", SNS)
    subscribe(aws, topic, "email", "operator@example.com")
    subscribe(aws, topic, "sqs", queue)
    message = json.dumps({"default": "for machines", "email": "for people"})
    publish(aws, topic, message, MessageStructure="json")
    assert [email.body for email in emails()] == ["for people"]
    assert [body["Message"] for body in aws.bodies(queue)] == ["for machines"]


# -- filter policies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "passes"),
    [
        ({"outcome": ["PATCHED", "FAILED"]}, True),
        ({"outcome": ["FAILED"]}, False),
        ({"outcome": [{"prefix": "PAT"}]}, True),
        ({"outcome": [{"anything-but": ["PATCHED"]}]}, False),
        ({"outcome": [{"equals-ignore-case": "Patched"}]}, True),
        ({"stack": [{"exists": False}]}, True),
        ({"outcome": ["PATCHED"], "stack": ["app"]}, False),
        ({"$or": [{"outcome": ["FAILED"]}, {"instances": [{"numeric": [">", 1]}]}]}, True),
        ({"$or": [{"outcome": ["FAILED"]}, {"instances": [{"numeric": [">", 2]}]}]}, False),
    ],
)
def test_a_filter_policy_looks_at_the_message_attributes(aws: Aws, policy: dict[str, Any], passes: bool) -> None:
    """SNS Developer Guide, "Amazon SNS subscription filter policies": MessageAttributes is the default scope."""
    topic, queue = create_topic(aws), aws.queue("target", SNS)
    subscribe(aws, topic, "sqs", queue, FilterPolicy=policy)
    attributes = {**texts(outcome="PATCHED"), "instances": {"DataType": "Number", "StringValue": "2"}}
    publish(aws, topic, MessageAttributes=attributes)
    assert len(aws.messages(queue)) == passes


@pytest.mark.parametrize(
    ("policy", "passes"),
    [
        ({"run": {"outcome": ["PATCHED"]}}, True),
        ({"run": {"outcome": ["FAILED"]}}, False),
        ({"run": {"$or": [{"outcome": ["FAILED"]}, {"stack": ["app"]}]}}, True),
    ],
)
def test_the_scope_of_a_filter_policy_may_be_the_body(aws: Aws, policy: dict[str, Any], passes: bool) -> None:
    """SNS Developer Guide, "Amazon SNS subscription filter policies": MessageBody scope, nesting, OR."""
    topic, queue = create_topic(aws), aws.queue("target", SNS)
    subscribe(aws, topic, "sqs", queue, FilterPolicy=policy, FilterPolicyScope="MessageBody")
    publish(aws, topic, json.dumps({"run": {"outcome": "PATCHED", "stack": "app"}}))
    assert len(aws.messages(queue)) == passes


# -- what Publish and Subscribe refuse ------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", ["", "x" * 100, "two\nlines", "a\ttab", "a\x1fcontrol", "a\u2028separator"])
def test_a_subject_that_an_e_mail_cannot_have_is_refused(aws: Aws, subject: str) -> None:
    """SNS API Reference, Publish: no line breaks or control characters, less than 100 characters long."""
    topic = create_topic(aws)
    with pytest.raises(ClientError) as refused:
        publish(aws, topic, Subject=subject)
    assert refused.value.response["Error"]["Code"] == "InvalidParameter"
    assert refused.value.response["Error"]["Message"] == "Invalid parameter: Subject"
    assert published() == []


@pytest.mark.parametrize("subject", ["x" * 99, "Patched: ünïcode ✓"])
def test_a_subject_may_be_utf8_of_99_characters(aws: Aws, subject: str) -> None:
    """SNS API Reference, Publish: Subjects must be UTF-8 text."""
    topic = create_topic(aws)
    publish(aws, topic, Subject=subject)
    assert [message.subject for message in published()] == [subject]


@pytest.mark.parametrize(
    ("message", "attributes"), [("é" * 131_073, {}), ("x" * 262_140, texts(outcome="PATCHED"))], ids=["body", "both"]
)
def test_a_message_over_256_kib_is_refused(aws: Aws, message: str, attributes: dict[str, dict[str, str]]) -> None:
    """SNS API Reference, Publish: 262,144 bytes, not characters; the combined size of body and attributes."""
    topic = create_topic(aws)
    with pytest.raises(ClientError) as refused:
        publish(aws, topic, message, MessageAttributes=attributes)
    assert refused.value.response["Error"]["Code"] == "InvalidParameter"
    assert published() == []


def test_a_message_of_256_kib_is_taken(aws: Aws) -> None:
    """SNS API Reference, Publish: at most 256 KiB."""
    publish(aws, create_topic(aws), "x" * 262_144)
    assert len(published()) == 1


@pytest.mark.parametrize("message", ["not json", '{"email": "no default"}'])
def test_a_structured_message_needs_a_default(aws: Aws, message: str) -> None:
    """SNS API Reference, Publish: MessageStructure json needs a top-level key of "default"."""
    topic = create_topic(aws)
    with pytest.raises(ClientError) as refused:
        publish(aws, topic, message, MessageStructure="json")
    assert refused.value.response["Error"]["Code"] == "InvalidParameter"


def test_a_topic_that_does_not_exist_is_not_found(aws: Aws) -> None:
    """SNS API Reference, Publish: NotFound."""
    with pytest.raises(ClientError) as refused:
        publish(aws, f"arn:aws:sns:{REGION}:{ACCOUNT}:none")
    assert refused.value.response["Error"]["Code"] == "NotFound"


def test_a_topic_is_subscribed_in_its_own_region(aws: Aws) -> None:
    """SNS Developer Guide, "Cross-region delivery": Subscribe is called in the topic's Region."""
    with pytest.raises(ClientError) as refused:
        aws.client("sns", "eu-west-1").subscribe(TopicArn=AL2023, Protocol="email", Endpoint="operator@example.com")
    assert refused.value.response["Error"]["Code"] == "InvalidParameter"
    assert refused.value.response["Error"]["Message"] == "Invalid parameter: TopicArn"


def test_what_is_not_modelled_says_so(aws: Aws) -> None:
    topic = create_topic(aws)
    with pytest.raises(SubscriptionNotModelled, match="https"):
        subscribe(aws, topic, "https", "https://example.com")
    with pytest.raises(SubscriptionNotModelled, match="wildcard"):
        queue = aws.queue("target", SNS)
        subscribe(aws, topic, "sqs", queue, FilterPolicy={"outcome": [{"anything-but": {"wildcard": "*"}}]})
    for condition in ({"wildcard": "PAT*"}, {"cidr": "10.0.0.0/24"}, None, True):
        with pytest.raises(SubscriptionNotModelled, match="in a filter policy"):
            subscribe(aws, topic, "sqs", aws.queue("target", SNS), FilterPolicy={"outcome": [condition]})
    with pytest.raises(SubscriptionNotModelled, match="phone"):
        aws.client("sns").publish(PhoneNumber="+491701234567", Message="hello")


# -- topics of other accounts ---------------------------------------------------------------------------------------


def test_a_base_ami_topic_of_amazon_reaches_a_function_of_this_account_in_another_region(aws: Aws) -> None:
    """EC2 User Guide, "AL2023 Amazon Machine Image notifications": Amazon's topic in us-east-1."""
    function = aws.function("base-ami", "eu-west-1")
    aws.permit(function, SNS, AL2023)
    subscribe(aws, AL2023, "lambda", function)
    message_id = publish_as_owner(AL2023, '{"v1": {}}', subject="New AL2023 AMI")
    aws.clock.sleep(5)
    [(invoked, event)] = aws.invocations()
    assert invoked == function
    assert event["Records"][0]["Sns"]["TopicArn"] == AL2023
    assert event["Records"][0]["Sns"]["MessageId"] == message_id
    assert event["Records"][0]["Sns"]["Subject"] == "New AL2023 AMI"


def test_an_announcement_without_subscribers_is_published_all_the_same(aws: Aws) -> None:
    publish_as_owner(AL2023, "news")
    assert [message.topic_arn for message in published()] == [AL2023]


# -- CloudFormation -------------------------------------------------------------------------------------------------


@pytest.fixture
def models() -> None:
    """moto's CloudFormation looks for resource types anew, and finds those of `resources`."""
    for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        cached.cache_clear()


def template(**properties: Any) -> str:
    subscription = {"Type": "AWS::SNS::Subscription", "Properties": properties}
    outputs = {"Arn": {"Value": {"Ref": "Subscription"}}}
    return json.dumps({"Resources": {"Subscription": subscription}, "Outputs": outputs})


def test_a_subscription_of_a_stack_may_be_to_a_topic_of_another_account_and_region(aws: Aws, models: None) -> None:
    """CloudFormation Template Reference, AWS::SNS::Subscription: Region; Ref is the subscription's ARN."""
    cloudformation = aws.client("cloudformation", "eu-west-1")
    function = aws.function("base-ami", "eu-west-1")
    aws.permit(function, SNS, AL2023)
    body = template(TopicArn=AL2023, Protocol="lambda", Endpoint=function, Region="us-east-1")
    cloudformation.create_stack(StackName="app", TemplateBody=body)
    [output] = cloudformation.describe_stacks(StackName="app")["Stacks"][0]["Outputs"]
    publish_as_owner(AL2023, "news")
    aws.clock.sleep(5)
    [(_, event)] = aws.invocations()
    assert event["Records"][0]["EventSubscriptionArn"] == output["OutputValue"]

    cloudformation.delete_stack(StackName="app")
    aws.clock.sleep(120)  # updates and deletions take their time
    publish_as_owner(AL2023, "more news")
    aws.clock.sleep(5)
    assert aws.invocations() == []


def test_a_subscription_of_a_stack_is_updated_in_place_or_replaced(aws: Aws, models: None) -> None:
    """CloudFormation Template Reference, AWS::SNS::Subscription: what each property's update requires."""
    client, cloudformation = aws.client("sns"), aws.client("cloudformation")
    topic, queue, dead = create_topic(aws), aws.queue("target", SNS), aws.queue("dead", SNS)
    to_queue = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue}
    first = template(**to_queue, FilterPolicy={"outcome": ["FAILED"]}, RedrivePolicy={"deadLetterTargetArn": dead})
    cloudformation.create_stack(StackName="app", TemplateBody=first)
    [before] = client.list_subscriptions()["Subscriptions"]
    attributes = client.get_subscription_attributes(SubscriptionArn=before["SubscriptionArn"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"]) == {"deadLetterTargetArn": dead}
    publish(aws, topic)
    assert aws.messages(queue) == []

    cloudformation.update_stack(StackName="app", TemplateBody=template(**to_queue, RawMessageDelivery=True))
    aws.clock.sleep(120)  # updates and deletions take their time
    [updated] = client.list_subscriptions()["Subscriptions"]
    assert updated["SubscriptionArn"] == before["SubscriptionArn"]
    publish(aws, topic)
    assert [message["Body"] for message in aws.messages(queue)] == ["it is done"]

    to_person = {"TopicArn": topic, "Protocol": "email", "Endpoint": "operator@example.com"}
    cloudformation.update_stack(StackName="app", TemplateBody=template(**to_person))
    aws.clock.sleep(120)  # updates and deletions take their time
    [replaced] = client.list_subscriptions()["Subscriptions"]
    assert replaced["SubscriptionArn"] != before["SubscriptionArn"]
    assert replaced["Endpoint"] == "operator@example.com"


def test_an_unknown_property_says_so(aws: Aws) -> None:
    properties = {"TopicArn": AL2023, "Protocol": "email", "Endpoint": "operator@example.com", "ReplayPolicy": {}}
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="app", TemplateBody=template(**properties))
    events = cloudformation.describe_stack_events(StackName="app")["StackEvents"]
    assert any("does not model ReplayPolicy" in event.get("ResourceStatusReason", "") for event in events)
