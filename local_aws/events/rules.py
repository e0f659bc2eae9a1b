"""EventBridge rules: an event on a bus starts the targets of the rules that match it.

moto keeps buses, rules and targets, and compares patterns. Delivery, the input of a target, and the checks of PutRule
and PutTargets are here.

Sources: EventBridge User Guide, "Comparison operators for use in event patterns", "Amazon EventBridge input
transformation", "Using dead-letter queues to process undelivered events"; EventBridge API Reference, PutTargets.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from jsonpath_ng.ext.parser import parse as parse_json_path
from moto.events.exceptions import InvalidEventPatternException, ValidationException
from moto.events.models import events_backends
from moto.utilities.arns import parse_arn

from local_aws.core import clock, delivery
from local_aws.core.delivery import DeliveryFailed, RetryPolicy, Sender, TargetNotModelled
from local_aws.core.errors import NotModelled
from local_aws.core.ids import ACCOUNT, random_uuid
from local_aws.core.times import iso

PRINCIPAL = "events.amazonaws.com"
KNOWN_TARGETS = "Lambda (lambda), Step Functions (states), SNS (sns) or SQS (sqs)"

_TEXT_FILTERS = {"prefix", "suffix", "equals-ignore-case", "wildcard"}
_FILTERS = _TEXT_FILTERS | {"anything-but", "numeric", "cidr", "exists"}
_VARIABLE = re.compile(r"<([A-Za-z0-9_.-]+)>")


class ScheduledRuleNotModelled(NotModelled):
    """A rule has a ScheduleExpression, which the embedded AWS does not run."""


@dataclass(frozen=True)
class Match:
    """An event that matched a rule, on its way to one of the rule's targets."""

    event: Mapping[str, Any]
    rule_arn: str
    rule_name: str
    account: str
    target: Mapping[str, Any]
    ingested_at: datetime


def put_aws_event(source: str, detail_type: str, resources: list[str], detail: dict[str, Any], region: str) -> None:
    """Put an event of an AWS service on the default event bus of `region`, at the clock's time.

    The targets of the rules that it matches are started soon after, each as a task of the clock.
    """
    event = {
        "version": "0",
        "id": random_uuid(),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": iso(clock.current().now(), "seconds"),
        "region": region,
        "resources": list(resources),
        "detail": detail,
    }
    for rule in list(events_backends[ACCOUNT][region].event_buses["default"].rules.values()):
        send_to_targets(rule, event)


def send_to_targets(rule: Any, event: Mapping[str, Any]) -> None:
    """Start delivering the event to the targets of moto's `rule`, when the rule is enabled and its pattern matches."""
    now = clock.current().now()
    event = {key: value for key, value in event.items() if key != "ingestion-time"}
    if isinstance(event["time"], int | float):
        event["time"] = iso(event["time"], "seconds")
    event = json.loads(json.dumps(event))
    if rule.state == "DISABLED" or rule.event_pattern.dump() is None:
        return
    if not any(rule.event_pattern.matches_event(variant) for variant in _one_element_each(event)):
        return
    for target in list(rule.targets):
        match = Match(event, rule.arn, rule.name, rule.account_id, dict(target), now)
        clock.current().spawn(partial(_deliver, match), f"EventBridge rule {rule.name} to {target['Arn']}")


# -- the checks of PutRule and PutTargets -----------------------------------------------------------------------------


def check_rule(event_pattern: str | None, schedule_expression: str | None) -> None:
    """Refuse what EventBridge refuses at PutRule, and what the embedded AWS does not model.

    Raises moto's InvalidEventPatternException (the API's), ScheduledRuleNotModelled.
    """
    if schedule_expression:
        raise ScheduledRuleNotModelled(
            f"expected a rule with an event pattern, found the schedule expression {schedule_expression}: the embedded "
            "AWS runs schedules of EventBridge Scheduler (AWS::Scheduler::Schedule), not scheduled rules"
        )
    if event_pattern:
        try:
            pattern = json.loads(event_pattern)
        except json.JSONDecodeError as error:
            raise InvalidEventPatternException(reason="Invalid JSON") from error
        if not isinstance(pattern, dict):
            raise InvalidEventPatternException(reason="Filter is not an object")
        _check_pattern(pattern)


def check_targets(new_targets: list[dict[str, Any]]) -> None:
    """Refuse what EventBridge refuses at PutTargets, and targets that the embedded AWS does not model.

    Raises moto's ValidationException (the API's), TargetNotModelled.
    """
    for target in new_targets:
        arn = target["Arn"]
        for given in (arn, target.get("DeadLetterConfig", {}).get("Arn")):
            if given is not None and not delivery.is_arn(given):
                raise ValidationException(
                    f"Parameter {given} is not valid. Reason: Provided Arn is not in correct format."
                )
        service = parse_arn(arn).service
        if service not in ("lambda", "states", "sns", "sqs"):
            raise TargetNotModelled(arn, KNOWN_TARGETS)
        if service == "states" and not target.get("RoleArn"):
            raise ValidationException(f"RoleArn is required for target {arn}.")
        if sum(key in target for key in ("Input", "InputPath", "InputTransformer")) > 1:
            raise ValidationException(
                f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}."
            )
        if "Input" in target and not _is_json(target["Input"]):
            raise ValidationException(f"JSON syntax error in input for target {target['Id']}.")
        if "InputTransformer" in target:
            sample = _fill(target["InputTransformer"]["InputTemplate"], lambda _name, quoted: "" if quoted else "null")
            if not _is_json(sample):
                raise ValidationException(f"Invalid InputTemplate for target {target['Id']}.")


def refusal_of(entry: Mapping[str, Any]) -> dict[str, str] | None:
    """What PutEvents answers of an entry with the source of an AWS service; None of any other.

    Source: EventBridge API Reference, PutEventsRequestEntry, Source; EventBridge's own words, in a public issue:
    aws-samples/serverless-patterns#3089.
    """
    if not str(entry.get("Source", "")).startswith("aws."):
        return None
    return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}


def _check_pattern(pattern: dict[str, Any]) -> None:
    if not pattern:
        raise InvalidEventPatternException(reason="Empty objects are not allowed")
    for key, value in pattern.items():
        if key == "$or" and isinstance(value, list) and value and all(isinstance(branch, dict) for branch in value):
            for branch in value:
                _check_pattern(branch)
        elif isinstance(value, dict):
            _check_pattern(value)
        elif not isinstance(value, list):
            raise InvalidEventPatternException(reason=f'"{key}" must be an object or an array')
        elif not value:
            raise InvalidEventPatternException(reason="Empty arrays are not allowed")
        else:
            for condition in value:
                _check_condition(condition)


def _check_condition(condition: Any) -> None:
    if isinstance(condition, list):
        raise InvalidEventPatternException(reason="Match value must be String, number, true, false, or null")
    if not isinstance(condition, dict):
        return
    if len(condition) != 1:
        raise InvalidEventPatternException(reason="Only one key allowed in match expression")
    [(name, value)] = condition.items()
    if name not in _FILTERS:
        raise InvalidEventPatternException(reason=f"Unrecognized match type {name}")
    if name == "numeric":
        _check_numeric(value)
    elif name == "exists":
        valid = isinstance(value, bool)
    elif name == "anything-but":
        valid = _is_anything_but(value)
    elif name in ("prefix", "suffix"):
        valid = isinstance(value, str) or _is_text_filter(value, {"equals-ignore-case"}, lists=False)
    else:
        valid = isinstance(value, str)
    if name != "numeric" and not valid:
        raise InvalidEventPatternException(reason=f"Invalid value for match type {name}: {json.dumps(value)}")


def _is_anything_but(value: Any) -> bool:
    if isinstance(value, dict):
        return _is_text_filter(value, _TEXT_FILTERS, lists=True)
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(item, str | int | float) for item in values)


def _is_text_filter(value: Any, names: set[str], lists: bool) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return False
    [(name, text)] = value.items()
    texts = text if lists and isinstance(text, list) else [text]
    return name in names and bool(texts) and all(isinstance(item, str) for item in texts)


def _check_numeric(value: Any) -> None:
    if not isinstance(value, list) or len(value) not in (2, 4):
        raise InvalidEventPatternException(reason="Invalid member in numeric match")
    for operator, number in zip(value[::2], value[1::2], strict=True):
        if operator not in ("<", "<=", "=", ">", ">="):
            raise InvalidEventPatternException(reason=f"Unrecognized numeric range operator: {operator}")
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise InvalidEventPatternException(reason=f"Value of {operator} must be numeric")
    if len(value) == 4 and (value[0] not in (">", ">=") or value[2] not in ("<", "<=")):
        raise InvalidEventPatternException(reason=f"Bad numeric range operator: {value[2]}")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def _one_element_each(node: Any) -> Iterator[Any]:
    """The events that arise when each array of objects is replaced by one of its elements.

    A pattern looks into an array of objects as if it were one of them; moto's comparison sees objects only.
    """
    if isinstance(node, dict):
        for values in itertools.product(*(list(_one_element_each(value)) for value in node.values())):
            yield dict(zip(node, values, strict=True))
    elif isinstance(node, list) and any(isinstance(element, dict) for element in node):
        for element in node:
            yield from _one_element_each(element)
    else:
        yield node


# -- delivery ---------------------------------------------------------------------------------------------------------


def _deliver(match: Match) -> None:
    target = match.target
    sender = Sender(PRINCIPAL, match.rule_arn, match.account, target.get("RoleArn"))
    policy = RetryPolicy.of(target.get("RetryPolicy"))
    given_up = delivery.deliver(lambda _: delivery.send(target, target_input(match), sender), policy)
    if given_up is None:
        return
    attributes = {
        "RULE_ARN": match.rule_arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": given_up.error.rule_code,
        "ERROR_MESSAGE": given_up.error.message,
        "RETRY_ATTEMPTS": str(given_up.retry_attempts),
    }
    if given_up.exhausted_condition is not None:
        attributes["EXHAUSTED_RETRY_CONDITION"] = given_up.exhausted_condition
    delivery.give_up(
        target_arn=target["Arn"],
        error_code=given_up.error.rule_code,
        error=given_up.error,
        dead_letter_queue=target.get("DeadLetterConfig", {}).get("Arn"),
        body=json.dumps(match.event),
        attributes=attributes,
        # A queue lets EventBridge in by its policy, whatever role the target has.
        sender=Sender(PRINCIPAL, match.rule_arn, match.account),
    )


def target_input(match: Match) -> str:
    """The JSON text that the target is given: the event, or what Input, InputPath or InputTransformer makes of it.

    Raises DeliveryFailed when the result is not JSON, or InputPath names nothing in the event.
    """
    target = match.target
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        matches = parse_json_path(target["InputPath"]).find(match.event)
        if not matches:
            message = f"InputPath {target['InputPath']} names nothing in the event"
            raise DeliveryFailed("INVALID_PARAMETER", "InvalidParameter", message)
        return json.dumps(matches[0].value)
    if "InputTransformer" in target:
        return _transform(match)
    return json.dumps(match.event)


def _transform(match: Match) -> str:
    variables: dict[str, Any] = {
        "aws.events.rule-arn": match.rule_arn,
        "aws.events.rule-name": match.rule_name,
        "aws.events.event": match.event,
        "aws.events.event.json": match.event,
        "aws.events.event.ingestion-time": iso(match.ingested_at, "seconds"),
    }
    transformer = match.target["InputTransformer"]
    for name, path in transformer.get("InputPathsMap", {}).items():
        matches = parse_json_path(path).find(match.event)
        if matches:
            variables[name] = matches[0].value

    def value(name: str, quoted: bool) -> str:
        if name not in variables:
            return ""
        if name == "aws.events.event.json" and quoted:
            return json.dumps(json.dumps(match.event))[1:-1]
        if quoted and isinstance(variables[name], str):
            # As it is: EventBridge does not escape what it puts into a template.
            return str(variables[name])
        return json.dumps(variables[name])

    text = _fill(transformer["InputTemplate"], value)
    if not _is_json(text):
        message = f"the InputTemplate yields no JSON: {text}"
        raise DeliveryFailed("INVALID_JSON", "InvalidJson", message)
    return json.dumps(json.loads(text))


def _fill(template: str, value: Callable[[str, bool], str]) -> str:
    """Replace each `<variable>` by `value(name, whether it is inside a JSON string)`."""
    filled: list[str] = []
    quoted = False
    position = 0
    while position < len(template):
        variable = _VARIABLE.match(template, position)
        if variable:
            filled.append(value(variable[1], quoted))
            position = variable.end()
            continue
        character = template[position]
        length = 2 if quoted and character == "\\" else 1
        quoted ^= character == '"'
        filled.append(template[position : position + length])
        position += length
    return "".join(filled)
