"""What no linter sees, of every template: each rule lists its violations, and is seen to find a planted one."""

from __future__ import annotations

import copy
import importlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_aws.delivery.cron import next_firing
from local_aws.deployment import REPOSITORY, read_template, transformed_template

Template = dict[str, Any]
Rule = Callable[[Template], list[str]]

OURS = "template.yaml"
INFRASTRUCTURE = sorted(path.name for path in (REPOSITORY / "infrastructure").glob("*.yaml"))
UNSCOPED: dict[str, str] = yaml.safe_load((Path(__file__).parent / "unscoped_actions.yaml").read_text())
# Lambda developer guide and X-Ray's: what SAM attaches for logs and for tracing, and no more.
_MANAGED_FOR_FUNCTIONS = {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}
# IAM user guide, "The confused deputy problem": services that say for which account they act. Lambda and EC2 assume a
# role only for a function or an instance of the role's own account; Image Builder documents no such key.
_NAMES_THE_ACCOUNT = {"states.amazonaws.com", "scheduler.amazonaws.com", "cloudformation.amazonaws.com"}
_KNOWN_SERVICES = _NAMES_THE_ACCOUNT | {"lambda.amazonaws.com", "ec2.amazonaws.com", "imagebuilder.amazonaws.com"}


def document(name: str) -> Template:
    """A template of the repository; ours after the SAM transform."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        if name == OURS:
            return transformed_template()
        return read_template((REPOSITORY / "infrastructure" / name).read_text())


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    return {name: one.get("Properties", {}) for name, one in template["Resources"].items() if one["Type"] == kind}


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of a role's inline policies, those under a condition as well."""
    for policy in role.get("Policies", []):
        for said in policy.get("Fn::If", [None, policy])[1]["PolicyDocument"]["Statement"]:
            yield said.get("Fn::If", [None, said])[1]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def refers_to(value: Any) -> str | None:
    """The resource or parameter that a Ref or the Arn of a GetAtt names."""
    if not isinstance(value, dict):
        return None
    if "Ref" in value:
        return str(value["Ref"])
    name, attribute = value.get("Fn::GetAtt", [None, None])
    return str(name) if attribute == "Arn" else None


# -- the rules --------------------------------------------------------------------------------------------------------


def parameters_are_described(template: Template) -> list[str]:
    constrained = ("AllowedPattern", "AllowedValues", "MinValue", "MaxValue", "MinLength")
    return [
        f"{name} {what}"
        for name, said in template.get("Parameters", {}).items()
        for what, violated in (
            ("is not described", len(said.get("Description", "")) < 20),
            (
                "says nothing of its pattern",
                "AllowedPattern" in said and "ConstraintDescription" not in said,
            ),
            (
                "takes any text",
                said["Type"] == "String" and not any(key in said for key in constrained),
            ),
        )
        if violated
    ]


def outputs_are_described_and_no_secret(template: Template) -> list[str]:
    secret = {name for name, said in template.get("Parameters", {}).items() if said.get("NoEcho")}
    found = [name for name, said in template.get("Outputs", {}).items() if not said.get("Description")]
    shown = [("output", template.get("Outputs", {}))]
    shown += [
        (f"environment of {name}", function.get("Environment", {}))
        for name, function in of_type(template, "AWS::Lambda::Function").items()
    ]
    return [f"{name} is not described" for name in found] + [
        f"the {where} shows {name}" for where, value in shown for name in secret if f"'{name}'" in str(value)
    ]


def schedules_fire_every_month(template: Template) -> list[str]:
    found = []
    for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items():
        parameter = refers_to(schedule["ScheduleExpression"])
        expression = template["Parameters"][parameter]["Default"]
        try:
            moment: datetime | None = datetime(2026, 12, 1, tzinfo=UTC)
            for _ in range(12):
                moment = next_firing(expression, "UTC", moment) if moment else None
        except ValueError as error:
            found.append(f"{name} has no expression that EventBridge Scheduler knows: {error}")
            continue
        if moment is None or (moment - datetime(2026, 12, 1, tzinfo=UTC)).days > 366:
            found.append(f"{name} does not fire every month")
    return found


def handlers_can_be_imported(template: Template) -> list[str]:
    found = []
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        module, _, attribute = function["Handler"].rpartition(".")
        try:
            if not callable(getattr(importlib.import_module(module), attribute)):
                found.append(f"{name}'s handler cannot be called")
        except (ImportError, AttributeError) as error:
            found.append(f"{name}'s handler cannot be imported: {error}")
    return found


def functions_are_set_up(template: Template) -> list[str]:
    groups = of_type(template, "AWS::Logs::LogGroup")
    found = []
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        group = groups.get(refers_to(function.get("LoggingConfig", {}).get("LogGroup")) or "", {})
        for what, kept in (
            ("log group with a retention", "RetentionInDays" in group),
            ("tracing", function.get("TracingConfig") == {"Mode": "Active"}),
            ("architecture", function.get("Architectures") == ["arm64"]),
            ("runtime", function.get("Runtime") == "python3.13"),
            ("timeout below its task's", 0 < function.get("Timeout", 0) < 60),
            ("memory", function.get("MemorySize", 0) >= 256),
            ("description", len(function.get("Description", "")) > 10),
        ):
            if not kept:
                found.append(f"{name} lacks its {what}")
    return found


def everything_at_rest_is_encrypted(template: Template) -> list[str]:
    found = []
    for name, queue in of_type(template, "AWS::SQS::Queue").items():
        if not (queue.get("SqsManagedSseEnabled") or queue.get("KmsMasterKeyId")):
            found.append(f"the queue {name} is not encrypted")
    found += [
        f"the topic {name} is not encrypted"
        for name, topic in of_type(template, "AWS::SNS::Topic").items()
        if not topic.get("KmsMasterKeyId")
    ]
    found += [
        f"the bucket {name} is not encrypted"
        for name, bucket in of_type(template, "AWS::S3::Bucket").items()
        if not bucket.get("BucketEncryption")
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


def log_groups_are_kept_for_some_time(template: Template) -> list[str]:
    groups = of_type(template, "AWS::Logs::LogGroup")
    return [f"{name} keeps logs for ever" for name, group in groups.items() if "RetentionInDays" not in group]


def state_machines_log_and_trace(template: Template) -> list[str]:
    found = []
    for name, machine in of_type(template, "AWS::StepFunctions::StateMachine").items():
        logging = machine.get("LoggingConfiguration", {})
        if (logging.get("Level"), logging.get("IncludeExecutionData")) != ("ALL", True) or not logging["Destinations"]:
            found.append(f"{name} does not log everything")
        if machine.get("TracingConfiguration") != {"Enabled": True}:
            found.append(f"{name} is not traced")
    return found


def the_state_machine_may_invoke_its_functions_and_no_other(template: Template) -> list[str]:
    found = []
    for name, machine in of_type(template, "AWS::StepFunctions::StateMachine").items():
        called = {refers_to(value) for value in machine["DefinitionSubstitutions"].values()}
        role = template["Resources"][refers_to(machine["RoleArn"])]["Properties"]
        allowed = {
            refers_to(resource)
            for said in statements(role)
            if "lambda:InvokeFunction" in listed(said["Action"])
            for resource in listed(said["Resource"])
        }
        found += [f"{name} may not invoke {function}" for function in sorted(map(str, called - allowed))]
        found += [f"{name} may invoke {function} and does not" for function in sorted(map(str, allowed - called))]
        functions = of_type(template, "AWS::Lambda::Function")
        found += [f"{name} calls {function}, which is no function" for function in called if function not in functions]
    return found


def whoever_invokes_a_function_may(template: Template) -> list[str]:
    """SNS subscriptions and EventBridge rules need a permission on the function, from that topic or rule alone."""
    wiring = {
        (refers_to(one["Endpoint"]), "sns.amazonaws.com", str(one["TopicArn"]))
        for one in of_type(template, "AWS::SNS::Subscription").values()
        if one["Protocol"] == "lambda"
    } | {
        (refers_to(target["Arn"]), "events.amazonaws.com", str({"Fn::GetAtt": [name, "Arn"]}))
        for name, rule in of_type(template, "AWS::Events::Rule").items()
        for target in rule["Targets"]
    }
    granted = {
        (refers_to(one["FunctionName"]), one["Principal"], str(one.get("SourceArn")))
        for one in of_type(template, "AWS::Lambda::Permission").values()
    }
    return [f"{one[1]} may not invoke {one[0]}" for one in sorted(wiring - granted, key=str)] + [
        f"{one[1]} may invoke {one[0]} from {one[2]} and does not" for one in sorted(granted - wiring, key=str)
    ]


def what_cannot_be_delivered_is_kept(template: Template) -> list[str]:
    """Every asynchronous delivery has a queue for what fails."""
    found = [
        f"{name} has no dead-letter queue"
        for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items()
        if "DeadLetterConfig" not in schedule["Target"]
    ]
    asynchronous = {
        refers_to(one["Endpoint"])
        for one in of_type(template, "AWS::SNS::Subscription").values()
        if one["Protocol"] == "lambda"
    }
    for name, rule in of_type(template, "AWS::Events::Rule").items():
        for target in rule["Targets"]:
            asynchronous.add(refers_to(target["Arn"]))
            if "DeadLetterConfig" not in target:
                found.append(f"{name} has no dead-letter queue")
    kept = {
        refers_to(one["FunctionName"])
        for one in of_type(template, "AWS::Lambda::EventInvokeConfig").values()
        if "OnFailure" in one.get("DestinationConfig", {})
    }
    return found + [f"what {name} fails at is lost" for name in sorted(map(str, asynchronous - kept))]


def unscoped_actions_have_their_reason(template: Template) -> list[str]:
    return [
        f"{name} may {action} on anything"
        for name, role in of_type(template, "AWS::IAM::Role").items()
        for said in statements(role)
        if "*" in listed(said["Resource"])
        for action in listed(said["Action"])
        if not any(fnmatchcase(action, pattern) for pattern in UNSCOPED)
    ]


def roles_are_nobodys_but_their_services(template: Template) -> list[str]:
    found = []
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for said in role["AssumeRolePolicyDocument"]["Statement"]:
            (service,) = listed(said["Principal"]["Service"])
            if service not in _KNOWN_SERVICES:
                found.append(f"{name} is for {service}")
            condition = said.get("Condition", {}).get("StringEquals", {})
            if service in _NAMES_THE_ACCOUNT and condition != {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}:
                found.append(f"{name} may be assumed for another account")
        if service == "lambda.amazonaws.com":
            attached = {str(arn).rsplit("/", 1)[1] for arn in role.get("ManagedPolicyArns", [])}
            found += [f"{name} has {policy}" for policy in sorted(attached - _MANAGED_FOR_FUNCTIONS)]
    used = [refers_to(function["Role"]) for function in of_type(template, "AWS::Lambda::Function").values()]
    return found + [f"{name} is shared by functions" for name in sorted(set(map(str, used))) if used.count(name) > 1]


def functions_change_neither_ec2_nor_auto_scaling(template: Template) -> list[str]:
    found = []
    for name, role in of_type(template, "AWS::IAM::Role").items():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        if "lambda.amazonaws.com" not in listed(trust["Principal"]["Service"]):
            continue
        for said in statements(role):
            for action in listed(said["Action"]):
                service, _, call = action.partition(":")
                reads = re.match("Describe|Get|List", call)
                if service in ("ec2", "autoscaling", "elasticloadbalancing") and not reads:
                    found.append(f"{name} may {action}")
    return found


RULES: list[Rule] = [
    parameters_are_described,
    outputs_are_described_and_no_secret,
    schedules_fire_every_month,
    handlers_can_be_imported,
    functions_are_set_up,
    everything_at_rest_is_encrypted,
    log_groups_are_kept_for_some_time,
    state_machines_log_and_trace,
    the_state_machine_may_invoke_its_functions_and_no_other,
    whoever_invokes_a_function_may,
    what_cannot_be_delivered_is_kept,
    unscoped_actions_have_their_reason,
    roles_are_nobodys_but_their_services,
    functions_change_neither_ec2_nor_auto_scaling,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", [OURS, *INFRASTRUCTURE])
def test_the_templates_keep_the_rule(name: str, rule: Rule) -> None:
    assert rule(document(name)) == []


def test_the_reasons_of_unscoped_actions_are_all_needed() -> None:
    granted = {
        action
        for name in [OURS, *INFRASTRUCTURE]
        for role in of_type(document(name), "AWS::IAM::Role").values()
        for said in statements(role)
        if "*" in listed(said["Resource"])
        for action in listed(said["Action"])
    }
    unneeded = {pattern for pattern in UNSCOPED if not any(fnmatchcase(action, pattern) for action in granted)}
    assert unneeded == set()


# -- each rule finds a planted violation ------------------------------------------------------------------------------


def properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


PLANTED: list[tuple[str, Rule, Callable[[Template], Any], str]] = [
    (
        OURS,
        parameters_are_described,
        lambda t: t["Parameters"]["PipelineArn"].pop("Description"),
        "PipelineArn is not described",
    ),
    (
        OURS,
        parameters_are_described,
        lambda t: t["Parameters"]["PipelineArn"].pop("ConstraintDescription"),
        "PipelineArn says nothing of its pattern",
    ),
    (
        OURS,
        parameters_are_described,
        lambda t: t["Parameters"].update(Any={"Type": "String", "Description": "Whatever you would like"}),
        "Any takes any text",
    ),
    (
        OURS,
        outputs_are_described_and_no_secret,
        lambda t: t["Parameters"]["PipelineArn"].update(NoEcho=True),
        "the environment of PlanRunFunction shows PipelineArn",
    ),
    (
        OURS,
        outputs_are_described_and_no_secret,
        lambda t: t["Outputs"]["StateMachineArn"].pop("Description"),
        "StateMachineArn is not described",
    ),
    (
        OURS,
        schedules_fire_every_month,
        lambda t: t["Parameters"]["ScheduleExpression"].update(Default="cron(0 6 1 1 ? *)"),
        "MonthlySchedule does not fire every month",
    ),
    (
        OURS,
        schedules_fire_every_month,
        lambda t: t["Parameters"]["ScheduleExpression"].update(Default="cron(0 6 * * * *)"),
        "MonthlySchedule has no expression",
    ),
    (
        OURS,
        handlers_can_be_imported,
        lambda t: properties(t, "NotifyFunction").update(Handler="autopatch.handlers.notifi.lambda_handler"),
        "NotifyFunction's handler cannot be imported",
    ),
    (
        OURS,
        functions_are_set_up,
        lambda t: properties(t, "FunctionLogs").pop("RetentionInDays"),
        "NotifyFunction lacks its log group with a retention",
    ),
    (
        OURS,
        functions_are_set_up,
        lambda t: properties(t, "NotifyFunction").pop("TracingConfig"),
        "NotifyFunction lacks its tracing",
    ),
    (
        OURS,
        functions_are_set_up,
        lambda t: properties(t, "NotifyFunction").update(Timeout=60),
        "NotifyFunction lacks its timeout below its task's",
    ),
    (
        OURS,
        everything_at_rest_is_encrypted,
        lambda t: properties(t, "UndeliveredTriggers").pop("SqsManagedSseEnabled"),
        "the queue UndeliveredTriggers is not encrypted",
    ),
    (
        OURS,
        everything_at_rest_is_encrypted,
        lambda t: properties(t, "NotificationTopic").pop("KmsMasterKeyId"),
        "the topic NotificationTopic is not encrypted",
    ),
    (
        "application.yaml",
        everything_at_rest_is_encrypted,
        lambda t: properties(t, "AppLaunchTemplate")["LaunchTemplateData"]["BlockDeviceMappings"][0]["Ebs"].pop(
            "Encrypted"
        ),
        "a volume of AppLaunchTemplate is not encrypted",
    ),
    (
        OURS,
        log_groups_are_kept_for_some_time,
        lambda t: properties(t, "StateMachineLogs").pop("RetentionInDays"),
        "StateMachineLogs keeps logs for ever",
    ),
    (
        OURS,
        state_machines_log_and_trace,
        lambda t: properties(t, "PatchStateMachine")["LoggingConfiguration"].update(Level="ERROR"),
        "PatchStateMachine does not log everything",
    ),
    (
        OURS,
        state_machines_log_and_trace,
        lambda t: properties(t, "PatchStateMachine").pop("TracingConfiguration"),
        "PatchStateMachine is not traced",
    ),
    (
        OURS,
        the_state_machine_may_invoke_its_functions_and_no_other,
        lambda t: next(statements(properties(t, "PatchStateMachineRole")))["Resource"].pop(),
        "PatchStateMachine may not invoke",
    ),
    (
        OURS,
        the_state_machine_may_invoke_its_functions_and_no_other,
        lambda t: next(statements(properties(t, "PatchStateMachineRole")))["Resource"].append(
            {"Fn::GetAtt": ["NotifyEndingFunction", "Arn"]}
        ),
        "PatchStateMachine may invoke NotifyEndingFunction and does not",
    ),
    (
        OURS,
        whoever_invokes_a_function_may,
        lambda t: t["Resources"].pop("EndingRulePermission"),
        "events.amazonaws.com may not invoke NotifyEndingFunction",
    ),
    (
        OURS,
        whoever_invokes_a_function_may,
        lambda t: properties(t, "EndingRulePermission").pop("SourceArn"),
        "events.amazonaws.com may invoke NotifyEndingFunction from None and does not",
    ),
    (
        OURS,
        what_cannot_be_delivered_is_kept,
        lambda t: properties(t, "MonthlySchedule")["Target"].pop("DeadLetterConfig"),
        "MonthlySchedule has no dead-letter queue",
    ),
    (
        OURS,
        what_cannot_be_delivered_is_kept,
        lambda t: t["Resources"].pop("BaseAmiTriggerFunctionEventInvokeConfig"),
        "what BaseAmiTriggerFunction fails at is lost",
    ),
    (
        OURS,
        unscoped_actions_have_their_reason,
        lambda t: next(statements(properties(t, "NotifyFunctionRole"))).update(Resource="*"),
        "NotifyFunctionRole may sns:Publish on anything",
    ),
    (
        OURS,
        roles_are_nobodys_but_their_services,
        lambda t: properties(t, "ScheduleRole")["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition"),
        "ScheduleRole may be assumed for another account",
    ),
    (
        OURS,
        roles_are_nobodys_but_their_services,
        lambda t: properties(t, "NotifyFunctionRole")["ManagedPolicyArns"].append(
            "arn:aws:iam::aws:policy/PowerUserAccess"
        ),
        "NotifyFunctionRole has PowerUserAccess",
    ),
    (
        OURS,
        roles_are_nobodys_but_their_services,
        lambda t: properties(t, "NotifyFunction").update(Role={"Fn::GetAtt": ["PlanRunFunctionRole", "Arn"]}),
        "PlanRunFunctionRole is shared by functions",
    ),
    (
        OURS,
        functions_change_neither_ec2_nor_auto_scaling,
        lambda t: next(statements(properties(t, "NotifyFunctionRole"))).update(Action="ec2:TerminateInstances"),
        "NotifyFunctionRole may ec2:TerminateInstances",
    ),
]


@pytest.mark.parametrize(("name", "rule", "plant", "violation"), PLANTED, ids=[each[3] for each in PLANTED])
def test_a_planted_violation_is_found(name: str, rule: Rule, plant: Callable[[Template], Any], violation: str) -> None:
    planted = copy.deepcopy(document(name))
    plant(planted)
    assert any(found.startswith(violation) for found in rule(planted)), rule(planted)


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for _, rule, _, _ in PLANTED} == set(RULES)
