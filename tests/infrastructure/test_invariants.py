"""What no linter sees, of every template: each rule lists its violations, and is seen to find a planted one."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autopatch.aws.client import create_client
from local_aws.scheduler.cron import next_firing
from tests.infrastructure.templates import (
    NAMES,
    OURS,
    Rule,
    Template,
    definition,
    document,
    listed,
    of_both_sides,
    of_type,
    properties,
    refers_to,
    statements,
    violations_after,
)

CONSTRAINTS = {"AllowedPattern", "AllowedValues", "MaxLength", "MaxValue", "MinLength", "MinValue"}

# What deliveries have no dead-letter queue, and why.
NOT_KEPT = {
    (OURS, "BaseAmiTriggerFunctionBaseAmi"): "the subscription is in the topic's Region, and would need a queue there",
}
# What a deleted stack leaves, and why.
LEFT = {
    ("image-pipeline.yaml", "LogBucket"): "a bucket that is not empty cannot be deleted; its logs expire by themselves",
    ("image-pipeline.yaml", "LogBucketPolicy"): "the bucket stays, and so does what protects it",
}


# -- parameters and outputs -------------------------------------------------------------------------------------------


def parameters_say_what_they_take(_: str, template: Template) -> list[str]:
    found = []
    for name, said in template.get("Parameters", {}).items():
        if len(said.get("Description", "")) < 20:
            found.append(f"{name} is not described")
        if CONSTRAINTS & set(said) and "ConstraintDescription" not in said:
            found.append(f"{name} does not say what its constraint is")
        if said["Type"] in ("String", "Number", "CommaDelimitedList") and not CONSTRAINTS & set(said):
            found.append(f"{name} takes anything")
    return found


def outputs_are_described(_: str, template: Template) -> list[str]:
    return [
        f"{name} is not described" for name, said in template.get("Outputs", {}).items() if not said.get("Description")
    ]


def secrets_are_shown_nowhere(_: str, template: Template) -> list[str]:
    """Neither in an output nor in a function's environment: whoever may describe the stack or function reads those."""
    secret = {
        name for name, said in template.get("Parameters", {}).items() if str(said.get("NoEcho")).lower() == "true"
    }
    shown = [(f"output {name}", said) for name, said in template.get("Outputs", {}).items()] + [
        (f"environment of {name}", function.get("Environment"))
        for name, function in of_type(template, "AWS::Lambda::Function").items()
    ]
    return [
        f"the {where} shows {what}"
        for where, value in shown
        for what in sorted({*secret, "{{resolve:secretsmanager:", "{{resolve:ssm-secure:", "SecretAccessKey"})
        if mentions(value, what)
    ]


def mentions(value: Any, what: str) -> bool:
    """Whether a Ref, an Fn::GetAtt or an Fn::Sub names it, or a dynamic reference in a text does."""
    text = json.dumps(value)
    in_sub = re.search(rf"\$\{{(\w+\.)*{re.escape(what)}(\.\w+)*\}}", text)
    return f'"{what}"' in text or in_sub is not None or (what.startswith("{{") and what in text)


# -- functions --------------------------------------------------------------------------------------------------------


def schedules_fire_every_month(_: str, template: Template) -> list[str]:
    found = []
    for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items():
        expression, timezone = (
            template["Parameters"][refers_to(schedule[key])]["Default"]
            for key in ("ScheduleExpression", "ScheduleExpressionTimezone")
        )
        start = datetime(2026, 12, 1, tzinfo=UTC)
        moment: datetime | None = start
        try:
            for _firing in range(12):
                moment = next_firing(expression, timezone, moment) if moment else None
        except ValueError as error:
            found.append(f"{name}: {error}")
            continue
        if moment is None or moment - start > timedelta(days=366):
            found.append(f"{name} does not fire every month")
    return found


def handlers_can_be_imported(_: str, template: Template) -> list[str]:
    found = []
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        module, _dot, attribute = function["Handler"].rpartition(".")
        try:
            if not callable(getattr(importlib.import_module(module), attribute)):
                found.append(f"{name}'s handler cannot be called")
        except (ImportError, AttributeError) as error:
            found.append(f"{name}'s handler cannot be imported: {error}")
    return found


def functions_are_set_up(_: str, template: Template) -> list[str]:
    groups = of_type(template, "AWS::Logs::LogGroup")
    found = []
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        logging = function.get("LoggingConfig", {})
        for what, kept in (
            ("log group of the template", refers_to(logging.get("LogGroup")) in groups),
            ("logs in JSON", logging.get("LogFormat") == "JSON"),
            ("tracing", function.get("TracingConfig") == {"Mode": "Active"}),
            ("architecture", function.get("Architectures") == ["arm64"]),
            ("runtime", function.get("Runtime") == "python3.13"),
            ("memory", function.get("MemorySize", 0) >= 256),
            ("description", len(function.get("Description", "")) > 10),
            # A reservation takes from what the functions of the account share.
            ("share of the account's concurrency", "ReservedConcurrentExecutions" not in function),
        ):
            if not kept:
                found.append(f"{name} lacks its {what}")
    return found


def functions_outlast_a_call_and_not_their_task(_: str, template: Template) -> list[str]:
    """A function says itself which call got no answer, before Lambda ends it; and Lambda does before its task's end."""
    longest_call = longest_call_seconds()
    limits = [
        (refers_to(machine["DefinitionSubstitutions"][task["Resource"][2:-1]]), task.get("TimeoutSeconds", 60))
        for machine in of_type(template, "AWS::StepFunctions::StateMachine").values()
        for task in tasks(definition(machine))
    ]
    found = []
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        timeout = function.get("Timeout", 3)
        if timeout <= longest_call:
            found.append(f"{name} ends after {timeout} s, in the middle of a call that takes up to {longest_call} s")
        if any(called == name and timeout >= limit for called, limit in limits):
            found.append(f"{name} outlives its task")
    return found


def longest_call_seconds() -> float:
    """How long one call takes whose every attempt ends without an answer.

    Source: AWS SDKs and Tools Reference Guide, "Retry behavior": between attempts up to 1, 2, 4... seconds, at most 20.
    """
    config = create_client("sns").meta.config
    attempts = config.retries["total_max_attempts"]
    waits = sum(min(2**attempt, 20) for attempt in range(attempts - 1))
    return float(attempts * (config.connect_timeout + config.read_timeout) + waits)


def tasks(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for state in machine["States"].values():
        if state["Type"] == "Task":
            yield state
        if state["Type"] == "Map":
            yield from tasks(state["ItemProcessor"])


# -- permissions ------------------------------------------------------------------------------------------------------

# What the resources of a template do with one another.
WIRED = {
    "lambda:InvokeFunction",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sns:Publish",
    "sqs:SendMessage",
    "states:StartExecution",
}


def what_is_wired_is_allowed_on_nothing_else(_: str, template: Template) -> list[str]:
    """An ARN that is written out, or has a wildcard, may name more than the template has.

    Whoever deploys the template names each function behind a macro.
    """
    return [
        f"{name} may {action} on {json.dumps(resource)}, which is no resource of the template"
        for name, role in of_type(template, "AWS::IAM::Role").items()
        for said in statements(role)
        for action in listed(said["Action"])
        for resource in listed(said["Resource"])
        if action in WIRED and refers_to(resource) not in {*template["Resources"], "MacroFunctionArns"}
    ]


def policies_are_in_their_roles(_: str, template: Template) -> list[str]:
    """What a role may do is read in one place, by people and by the rules here."""
    return [
        f"{name} is a policy outside of its role"
        for name, said in template["Resources"].items()
        if re.fullmatch(r"AWS::IAM::\w*Policy", said["Type"])
    ]


# -- logs, queues, topics, volumes ------------------------------------------------------------------------------------


def everything_at_rest_is_encrypted(_: str, template: Template) -> list[str]:
    wanted = {
        "AWS::SQS::Queue": ("SqsManagedSseEnabled", "KmsMasterKeyId"),
        "AWS::SNS::Topic": ("KmsMasterKeyId",),
        "AWS::S3::Bucket": ("BucketEncryption",),
    }
    found = [
        f"{name} is not encrypted"
        for kind, keys in wanted.items()
        for name, said in of_type(template, kind).items()
        if not any(said.get(key) for key in keys)
    ]
    volumes = [
        (name, launch["LaunchTemplateData"].get("BlockDeviceMappings", []))
        for name, launch in of_type(template, "AWS::EC2::LaunchTemplate").items()
    ] + [
        (name, recipe.get("BlockDeviceMappings", []))
        for name, recipe in of_type(template, "AWS::ImageBuilder::ImageRecipe").items()
    ]
    for name, mappings in volumes:
        if not mappings or not all(one.get("Ebs", {}).get("Encrypted") is True for one in mappings):
            found.append(f"a volume of {name} is not encrypted")
    return found


def nothing_is_taken_in_the_clear(_: str, template: Template) -> list[str]:
    """Queues and buckets take requests without TLS unless their policy denies them; an encrypted topic takes none.

    Source: SNS developer guide, "Securing Amazon SNS data with server-side encryption".
    """
    kinds = (
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues", "sqs:*"),
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket", "s3:*"),
    )
    found = []
    for kind, policy_kind, about, everything in kinds:
        protected = {
            refers_to(one)
            for policy in of_type(template, policy_kind).values()
            for said in of_both_sides(policy["PolicyDocument"]["Statement"])
            if (said["Effect"], said["Principal"], said["Action"]) == ("Deny", "*", everything)
            and said.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
            for one in listed(policy[about])
        }
        found += [f"{name} takes requests without TLS" for name in of_type(template, kind) if name not in protected]
    return found


def log_groups_are_kept_for_some_time(_: str, template: Template) -> list[str]:
    groups = of_type(template, "AWS::Logs::LogGroup")
    return [f"{name} keeps logs for ever" for name, group in groups.items() if "RetentionInDays" not in group]


def state_machines_log_and_trace(_: str, template: Template) -> list[str]:
    found = []
    groups = of_type(template, "AWS::Logs::LogGroup")
    for name, machine in of_type(template, "AWS::StepFunctions::StateMachine").items():
        logging = machine.get("LoggingConfiguration", {})
        if (logging.get("Level"), logging.get("IncludeExecutionData")) != ("ALL", True):
            found.append(f"{name} does not log everything")
        destinations = [one["CloudWatchLogsLogGroup"]["LogGroupArn"] for one in logging.get("Destinations", [])]
        if not destinations or any(refers_to(one) not in groups for one in destinations):
            found.append(f"{name} logs to no group of the template")
        if machine.get("TracingConfiguration") != {"Enabled": True}:
            found.append(f"{name} is not traced")
    return found


def what_cannot_be_delivered_is_kept(name: str, template: Template) -> list[str]:
    """Every asynchronous delivery has a queue for what fails, on the way to its target and in a function."""
    deliveries = [
        *((one, said["Target"]["Arn"], "DeadLetterConfig" in said["Target"])
          for one, said in of_type(template, "AWS::Scheduler::Schedule").items()),
        *((one, target["Arn"], "DeadLetterConfig" in target)
          for one, said in of_type(template, "AWS::Events::Rule").items() for target in said["Targets"]),
        *((one, said["Endpoint"], "RedrivePolicy" in said)
          for one, said in of_type(template, "AWS::SNS::Subscription").items()),
    ]  # fmt: skip
    invoked = {refers_to(target) for _, target, _ in deliveries} & set(of_type(template, "AWS::Lambda::Function"))
    kept = {
        refers_to(one["FunctionName"])
        for one in of_type(template, "AWS::Lambda::EventInvokeConfig").values()
        if "OnFailure" in one.get("DestinationConfig", {})
    }
    return [
        f"{one} has no dead-letter queue"
        for one, _, has_queue in deliveries
        if not has_queue and (name, one) not in NOT_KEPT
    ] + [f"what {function} fails at is lost" for function in sorted(map(str, invoked - kept))]


def nothing_stays_by_surprise(name: str, template: Template) -> list[str]:
    return [
        f"{one} stays when the stack is deleted"
        for one, said in template["Resources"].items()
        if said.get("DeletionPolicy", "Delete") != "Delete" and (name, one) not in LEFT
    ]


RULES: list[Rule] = [
    parameters_say_what_they_take,
    outputs_are_described,
    secrets_are_shown_nowhere,
    schedules_fire_every_month,
    handlers_can_be_imported,
    functions_are_set_up,
    functions_outlast_a_call_and_not_their_task,
    what_is_wired_is_allowed_on_nothing_else,
    policies_are_in_their_roles,
    everything_at_rest_is_encrypted,
    nothing_is_taken_in_the_clear,
    log_groups_are_kept_for_some_time,
    state_machines_log_and_trace,
    what_cannot_be_delivered_is_kept,
    nothing_stays_by_surprise,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_the_templates_keep_the_rule(name: str, rule: Rule) -> None:
    assert rule(name, document(name)) == []


def test_the_exceptions_are_all_needed() -> None:
    for name, one in NOT_KEPT:
        assert "RedrivePolicy" not in properties(document(name), one)
    for name, one in LEFT:
        assert document(name)["Resources"][one]["DeletionPolicy"] != "Delete"


# -- each rule finds a planted violation ------------------------------------------------------------------------------


def secret_parameter(template: Template) -> None:
    template["Parameters"]["PipelineArn"]["NoEcho"] = True


def secret_parameter_in_an_output(template: Template) -> None:
    secret_parameter(template)
    template["Outputs"]["StateMachineArn"]["Value"] = {"Fn::Sub": "${PipelineArn}/1.0.0"}


def secret_output(value: Any) -> Callable[[Template], None]:
    def plant(template: Template) -> None:
        template["Outputs"]["StateMachineArn"]["Value"] = value

    return plant


def also_allowed_on(role: str, resource: Any) -> Callable[[Template], None]:
    """Widen the first statement of the role."""

    def plant(template: Template) -> None:
        said = next(statements(properties(template, role)))
        said["Resource"] = [*listed(said["Resource"]), resource]

    return plant


def policy_outside_of_its_role(template: Template) -> None:
    template["Resources"]["More"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {}}


# fmt: off
PLANTED: list[tuple[str, Rule, Callable[[Template], Any], str]] = [
    (OURS, parameters_say_what_they_take,
     lambda t: t["Parameters"]["PipelineArn"].pop("Description"),
     "PipelineArn is not described"),
    (OURS, parameters_say_what_they_take,
     lambda t: t["Parameters"]["LogRetentionDays"].pop("ConstraintDescription"),
     "LogRetentionDays does not say what its constraint is"),
    (OURS, parameters_say_what_they_take,
     lambda t: t["Parameters"]["BaseAmiNamePattern"].pop("AllowedPattern"),
     "BaseAmiNamePattern takes anything"),
    (OURS, outputs_are_described,
     lambda t: t["Outputs"]["StateMachineArn"].pop("Description"),
     "StateMachineArn is not described"),
    (OURS, secrets_are_shown_nowhere, secret_parameter, "the environment of PlanRunFunction shows PipelineArn"),
    (OURS, secrets_are_shown_nowhere, secret_parameter_in_an_output, "the output StateMachineArn shows PipelineArn"),
    (OURS, secrets_are_shown_nowhere, secret_output("{{resolve:secretsmanager:token}}"),
     "the output StateMachineArn shows {{resolve:secretsmanager:"),
    (OURS, secrets_are_shown_nowhere, secret_output({"Fn::GetAtt": ["Key", "SecretAccessKey"]}),
     "the output StateMachineArn shows SecretAccessKey"),
    (OURS, secrets_are_shown_nowhere, secret_output({"Fn::Sub": "${Key.SecretAccessKey}"}),
     "the output StateMachineArn shows SecretAccessKey"),
    (OURS, schedules_fire_every_month,
     lambda t: t["Parameters"]["ScheduleExpression"].update(Default="cron(0 6 1 1 ? *)"),
     "MonthlySchedule does not fire every month"),
    (OURS, schedules_fire_every_month,
     lambda t: t["Parameters"]["ScheduleExpression"].update(Default="cron(0 25 ? * TUE#2 *)"),
     "MonthlySchedule: Invalid Schedule Expression"),
    (OURS, schedules_fire_every_month,
     lambda t: t["Parameters"]["ScheduleTimezone"].update(Default="Europe/Atlantis"),
     "MonthlySchedule: Invalid Schedule Expression Timezone"),
    (OURS, handlers_can_be_imported,
     lambda t: properties(t, "NotifyFunction").update(Handler="autopatch.handlers.notifi.lambda_handler"),
     "NotifyFunction's handler cannot be imported"),
    (OURS, handlers_can_be_imported,
     lambda t: properties(t, "NotifyFunction").update(Handler="autopatch.handlers.notify.__name__"),
     "NotifyFunction's handler cannot be called"),
    (OURS, functions_are_set_up,
     lambda t: t["Resources"].pop("FunctionLogs"), "NotifyFunction lacks its log group of the template"),
    (OURS, functions_are_set_up,
     lambda t: properties(t, "NotifyFunction")["LoggingConfig"].pop("LogFormat"),
     "NotifyFunction lacks its logs in JSON"),
    (OURS, functions_are_set_up,
     lambda t: properties(t, "NotifyFunction").pop("TracingConfig"), "NotifyFunction lacks its tracing"),
    (OURS, functions_are_set_up,
     lambda t: properties(t, "NotifyFunction").pop("Architectures"), "NotifyFunction lacks its architecture"),
    (OURS, functions_are_set_up,
     lambda t: properties(t, "NotifyFunction").update(Runtime="python3.9"), "NotifyFunction lacks its runtime"),
    (OURS, functions_are_set_up,
     lambda t: properties(t, "NotifyFunction").pop("MemorySize"), "NotifyFunction lacks its memory"),
    (OURS, functions_are_set_up,
     lambda t: properties(t, "NotifyFunction").pop("Description"), "NotifyFunction lacks its description"),
    (OURS, functions_are_set_up,
     lambda t: properties(t, "NotifyFunction").update(ReservedConcurrentExecutions=1),
     "NotifyFunction lacks its share of the account's concurrency"),
    (OURS, functions_outlast_a_call_and_not_their_task,
     lambda t: properties(t, "NotifyEndingFunction").update(Timeout=45),
     "NotifyEndingFunction ends after 45 s, in the middle of a call that takes up to 67.0 s"),
    (OURS, functions_outlast_a_call_and_not_their_task,
     lambda t: properties(t, "NotifyFunction").pop("Timeout"), "NotifyFunction ends after 3 s"),
    (OURS, functions_outlast_a_call_and_not_their_task,
     lambda t: properties(t, "UpdateStackFunction").update(Timeout=90), "UpdateStackFunction outlives its task"),
    (OURS, what_is_wired_is_allowed_on_nothing_else,
     also_allowed_on("PatchStateMachineRole", {"Fn::Sub": "arn:aws:lambda:us-east-1:${AWS::AccountId}:function:*"}),
     "PatchStateMachineRole may lambda:InvokeFunction on "),
    (OURS, what_is_wired_is_allowed_on_nothing_else,
     also_allowed_on("PatchStateMachineRole", {"Fn::Sub": "${NotifyFunction.Arn}:*"}),
     "PatchStateMachineRole may lambda:InvokeFunction on "),
    (OURS, what_is_wired_is_allowed_on_nothing_else,
     also_allowed_on("ScheduleRole", "arn:aws:states:us-east-1:123456789012:stateMachine:*"),
     "ScheduleRole may states:StartExecution on "),
    (OURS, what_is_wired_is_allowed_on_nothing_else,
     also_allowed_on("NotifyFunctionRole", {"Ref": "BaseAmiTopicArn"}),
     "NotifyFunctionRole may sns:Publish on "),
    (OURS, policies_are_in_their_roles, policy_outside_of_its_role, "More is a policy outside of its role"),
    (OURS, everything_at_rest_is_encrypted,
     lambda t: properties(t, "UndeliveredTriggers").update(SqsManagedSseEnabled=False),
     "UndeliveredTriggers is not encrypted"),
    (OURS, everything_at_rest_is_encrypted,
     lambda t: properties(t, "NotificationTopic").pop("KmsMasterKeyId"), "NotificationTopic is not encrypted"),
    ("image-pipeline.yaml", everything_at_rest_is_encrypted,
     lambda t: properties(t, "LogBucket").pop("BucketEncryption"), "LogBucket is not encrypted"),
    ("application.yaml", everything_at_rest_is_encrypted,
     lambda t: properties(t, "AppLaunchTemplate")["LaunchTemplateData"]["BlockDeviceMappings"][0]["Ebs"].clear(),
     "a volume of AppLaunchTemplate is not encrypted"),
    ("image-pipeline.yaml", everything_at_rest_is_encrypted,
     lambda t: properties(t, "ImageRecipe")["BlockDeviceMappings"][0]["Ebs"].pop("Encrypted"),
     "a volume of ImageRecipe is not encrypted"),
    (OURS, nothing_is_taken_in_the_clear,
     lambda t: properties(t, "UndeliveredTriggersPolicy")["PolicyDocument"]["Statement"].pop(),
     "UndeliveredTriggers takes requests without TLS"),
    ("image-pipeline.yaml", nothing_is_taken_in_the_clear,
     lambda t: t["Resources"].pop("LogBucketPolicy"), "LogBucket takes requests without TLS"),
    (OURS, log_groups_are_kept_for_some_time,
     lambda t: properties(t, "StateMachineLogs").pop("RetentionInDays"), "StateMachineLogs keeps logs for ever"),
    (OURS, state_machines_log_and_trace,
     lambda t: properties(t, "PatchStateMachine")["LoggingConfiguration"].update(Level="ERROR"),
     "PatchStateMachine does not log everything"),
    (OURS, state_machines_log_and_trace,
     lambda t: properties(t, "PatchStateMachine")["LoggingConfiguration"].update(IncludeExecutionData=False),
     "PatchStateMachine does not log everything"),
    (OURS, state_machines_log_and_trace,
     lambda t: t["Resources"].pop("StateMachineLogs"), "PatchStateMachine logs to no group of the template"),
    (OURS, state_machines_log_and_trace,
     lambda t: properties(t, "PatchStateMachine").pop("TracingConfiguration"), "PatchStateMachine is not traced"),
    (OURS, what_cannot_be_delivered_is_kept,
     lambda t: properties(t, "MonthlySchedule")["Target"].pop("DeadLetterConfig"),
     "MonthlySchedule has no dead-letter queue"),
    (OURS, what_cannot_be_delivered_is_kept,
     lambda t: properties(t, "EndingRule")["Targets"][0].pop("DeadLetterConfig"),
     "EndingRule has no dead-letter queue"),
    (OURS, what_cannot_be_delivered_is_kept,
     lambda t: properties(t, "NotificationEmailSubscription").pop("RedrivePolicy"),
     "NotificationEmailSubscription has no dead-letter queue"),
    (OURS, what_cannot_be_delivered_is_kept,
     lambda t: t["Resources"].pop("BaseAmiTriggerFunctionEventInvokeConfig"),
     "what BaseAmiTriggerFunction fails at is lost"),
    (OURS, nothing_stays_by_surprise,
     lambda t: t["Resources"]["FunctionLogs"].update(DeletionPolicy="Retain"),
     "FunctionLogs stays when the stack is deleted"),
]
# fmt: on


@pytest.mark.parametrize(
    ("name", "rule", "plant", "violation"), PLANTED, ids=[f"{number} {each[3]}" for number, each in enumerate(PLANTED)]
)
def test_a_planted_violation_is_found(name: str, rule: Rule, plant: Callable[[Template], Any], violation: str) -> None:
    found = violations_after(name, rule, plant)
    assert any(line.startswith(violation) for line in found), found


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for _, rule, _, _ in PLANTED} == set(RULES)
