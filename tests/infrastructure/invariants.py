"""Rules that no linter knows, for every template: how its functions, logs, queues and volumes are set up."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from autopatch.aws.client import create_client
from local_aws.scheduler.cron import next_firing
from tests.infrastructure.templates import (
    OURS,
    Planted,
    Rule,
    Template,
    definition,
    listed,
    of_both_sides,
    of_type,
    properties,
    refers_to,
    statements,
)

CONSTRAINTS = {"AllowedPattern", "AllowedValues", "MaxLength", "MaxValue", "MinLength", "MinValue"}

# The deliveries without a dead-letter queue, and why.
WITHOUT_QUEUE = {
    (OURS, "BaseAmiTriggerFunctionBaseAmi"): "the subscription is in the topic's Region, and would need a queue there",
}
# The resources that stay when their stack is deleted, and why.
RETAINED = {
    ("image-pipeline.yaml", "LogBucket"): "a bucket that is not empty cannot be deleted; its logs expire by themselves",
    ("image-pipeline.yaml", "LogBucketPolicy"): "the bucket stays, and so does what protects it",
}


# -- parameters and outputs -------------------------------------------------------------------------------------------


def parameters_say_what_they_accept(_: str, template: Template) -> list[str]:
    violations = []
    for name, parameter in template.get("Parameters", {}).items():
        if len(parameter.get("Description", "")) < 20:
            violations.append(f"{name} is not described")
        if CONSTRAINTS & set(parameter) and "ConstraintDescription" not in parameter:
            violations.append(f"{name} does not say what its constraint is")
        if parameter["Type"] in ("String", "Number", "CommaDelimitedList") and not CONSTRAINTS & set(parameter):
            violations.append(f"{name} accepts any value")
    return violations


def outputs_are_described(_: str, template: Template) -> list[str]:
    return [
        f"{name} is not described"
        for name, output in template.get("Outputs", {}).items()
        if not output.get("Description")
    ]


def secrets_are_shown_nowhere(_: str, template: Template) -> list[str]:
    """No output and no function's environment: whoever may describe the stack or the function can read those."""
    secrets = {
        name
        for name, parameter in template.get("Parameters", {}).items()
        if str(parameter.get("NoEcho")).lower() == "true"
    }
    shown = [(f"output {name}", output) for name, output in template.get("Outputs", {}).items()] + [
        (f"environment of {name}", function.get("Environment"))
        for name, function in of_type(template, "AWS::Lambda::Function").items()
    ]
    return [
        f"the {where} shows {secret}"
        for where, value in shown
        for secret in sorted({*secrets, "{{resolve:secretsmanager:", "{{resolve:ssm-secure:", "SecretAccessKey"})
        if mentions(value, secret)
    ]


def mentions(value: Any, secret: str) -> bool:
    """Whether a Ref, an Fn::GetAtt, an Fn::Sub or a dynamic reference in the value names the secret."""
    text = json.dumps(value)
    in_sub = re.search(rf"\$\{{(\w+\.)*{re.escape(secret)}(\.\w+)*\}}", text)
    return f'"{secret}"' in text or in_sub is not None or (secret.startswith("{{") and secret in text)


# -- functions --------------------------------------------------------------------------------------------------------


def schedules_fire_every_month(_: str, template: Template) -> list[str]:
    violations = []
    for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items():
        expression, timezone = (
            template["Parameters"][refers_to(schedule[key])]["Default"] if refers_to(schedule[key]) else schedule[key]
            for key in ("ScheduleExpression", "ScheduleExpressionTimezone")
        )
        start = datetime(2026, 12, 1, tzinfo=UTC)
        moment: datetime | None = start
        try:
            for _firing in range(12):
                moment = next_firing(expression, timezone, moment) if moment else None
        except ValueError as error:
            violations.append(f"{name}: {error}")
            continue
        if moment is None or moment - start > timedelta(days=366):
            violations.append(f"{name} does not fire every month")
    return violations


def handlers_can_be_imported(_: str, template: Template) -> list[str]:
    violations = []
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        module, _dot, attribute = function["Handler"].rpartition(".")
        try:
            if not callable(getattr(importlib.import_module(module), attribute)):
                violations.append(f"{name}'s handler cannot be called")
        except (ImportError, AttributeError) as error:
            violations.append(f"{name}'s handler cannot be imported: {error}")
    return violations


def functions_are_set_up(_: str, template: Template) -> list[str]:
    groups = of_type(template, "AWS::Logs::LogGroup")
    violations = []
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        logging = function.get("LoggingConfig", {})
        for setting, is_right in (
            ("log group of the template", refers_to(logging.get("LogGroup")) in groups),
            ("logs in JSON", logging.get("LogFormat") == "JSON"),
            ("tracing", function.get("TracingConfig") == {"Mode": "Active"}),
            ("architecture", function.get("Architectures") == ["arm64"]),
            ("runtime", function.get("Runtime") == "python3.13"),
            ("memory", function.get("MemorySize", 0) >= 256),
            ("description", len(function.get("Description", "")) > 10),
            # A reservation is taken from the concurrency that all functions of the account share.
            ("share of the account's concurrency", "ReservedConcurrentExecutions" not in function),
        ):
            if not is_right:
                violations.append(f"{name} lacks its {setting}")
    return violations


def functions_outlast_a_call_and_not_their_task(_: str, template: Template) -> list[str]:
    """A function can report the call that got no answer before Lambda stops it, and Lambda stops it before its task
    times out."""
    longest_call = longest_call_seconds()
    limits = [
        (refers_to(machine["DefinitionSubstitutions"][task["Resource"][2:-1]]), task.get("TimeoutSeconds", 60))
        for machine in of_type(template, "AWS::StepFunctions::StateMachine").values()
        for task in tasks(definition(machine))
    ]
    violations = []
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        timeout = function.get("Timeout", 3)
        if timeout <= longest_call:
            violations.append(
                f"{name} is stopped after {timeout} s, in the middle of a call that takes up to {longest_call} s"
            )
        if any(called == name and timeout >= limit for called, limit in limits):
            violations.append(f"{name} outlives its task")
    return violations


def longest_call_seconds() -> float:
    """The longest that one call can take: every attempt ends without an answer.

    Source: AWS SDKs and Tools Reference Guide, "Retry behavior": the pauses between attempts are at most 1, 2, 4...
    seconds, and never more than 20.
    """
    config = create_client("ssm").meta.config
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

# The actions that the resources of a template use on one another.
WIRED = {
    "lambda:InvokeFunction",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sns:Publish",
    "sqs:SendMessage",
    "states:StartExecution",
}


def wired_actions_are_allowed_on_resources_of_the_template_only(_: str, template: Template) -> list[str]:
    """An ARN that is written out, or has a wildcard, may name resources outside the template.

    The functions behind macros are outside it: whoever deploys the template names each of them.
    """
    return [
        f"{name} is allowed {action} on {json.dumps(resource)}, which is no resource of the template"
        for name, role in of_type(template, "AWS::IAM::Role").items()
        for statement in statements(role)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if action in WIRED and refers_to(resource) not in {*template["Resources"], "MacroFunctionArns"}
    ]


def policies_are_in_their_roles(_: str, template: Template) -> list[str]:
    """People, and the rules here, find all that a role is allowed in one place."""
    return [
        f"{name} is a policy outside its role"
        for name, resource in template["Resources"].items()
        if re.fullmatch(r"AWS::IAM::\w*Policy", resource["Type"])
    ]


# -- logs, queues, topics, volumes ------------------------------------------------------------------------------------


def everything_at_rest_is_encrypted(_: str, template: Template) -> list[str]:
    encryption_properties = {
        "AWS::SQS::Queue": ("SqsManagedSseEnabled", "KmsMasterKeyId"),
        "AWS::SNS::Topic": ("KmsMasterKeyId",),
        "AWS::S3::Bucket": ("BucketEncryption",),
    }
    violations = [
        f"{name} is not encrypted"
        for kind, names in encryption_properties.items()
        for name, resource in of_type(template, kind).items()
        if not any(resource.get(property_name) for property_name in names)
    ]
    volumes = [
        (name, launch["LaunchTemplateData"].get("BlockDeviceMappings", []))
        for name, launch in of_type(template, "AWS::EC2::LaunchTemplate").items()
    ] + [
        (name, recipe.get("BlockDeviceMappings", []))
        for name, recipe in of_type(template, "AWS::ImageBuilder::ImageRecipe").items()
    ]
    for name, mappings in volumes:
        if not mappings or not all(mapping.get("Ebs", {}).get("Encrypted") is True for mapping in mappings):
            violations.append(f"a volume of {name} is not encrypted")
    return violations


def requests_without_tls_are_denied(_: str, template: Template) -> list[str]:
    """Queues and buckets accept requests without TLS unless their policy denies them; an encrypted topic accepts none.

    Source: SNS developer guide, "Securing Amazon SNS data with server-side encryption".
    """
    kinds = (
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues", "sqs:*"),
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket", "s3:*"),
    )
    violations = []
    for kind, policy_kind, protects, every_action in kinds:
        protected = {
            refers_to(resource)
            for policy in of_type(template, policy_kind).values()
            for statement in of_both_sides(policy["PolicyDocument"]["Statement"])
            if (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", every_action)
            and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
            for resource in listed(policy[protects])
        }
        violations += [
            f"{name} accepts requests without TLS" for name in of_type(template, kind) if name not in protected
        ]
    return violations


def logs_expire(_: str, template: Template) -> list[str]:
    groups = of_type(template, "AWS::Logs::LogGroup")
    return [f"{name} keeps its logs forever" for name, group in groups.items() if "RetentionInDays" not in group]


def state_machines_log_and_trace(_: str, template: Template) -> list[str]:
    violations = []
    groups = of_type(template, "AWS::Logs::LogGroup")
    for name, machine in of_type(template, "AWS::StepFunctions::StateMachine").items():
        logging = machine.get("LoggingConfiguration", {})
        if (logging.get("Level"), logging.get("IncludeExecutionData")) != ("ALL", True):
            violations.append(f"{name} does not log everything")
        destinations = [
            destination["CloudWatchLogsLogGroup"]["LogGroupArn"] for destination in logging.get("Destinations", [])
        ]
        if not destinations or any(refers_to(arn) not in groups for arn in destinations):
            violations.append(f"{name} logs to no group of the template")
        if machine.get("TracingConfiguration") != {"Enabled": True}:
            violations.append(f"{name} is not traced")
    return violations


def what_cannot_be_delivered_is_kept(name: str, template: Template) -> list[str]:
    """Each asynchronous delivery has a queue for events that do not reach their target, and each function that is
    invoked so has one for events that it fails to handle."""
    deliveries = [
        *((delivery, schedule["Target"]["Arn"], "DeadLetterConfig" in schedule["Target"])
          for delivery, schedule in of_type(template, "AWS::Scheduler::Schedule").items()),
        *((delivery, target["Arn"], "DeadLetterConfig" in target)
          for delivery, rule in of_type(template, "AWS::Events::Rule").items() for target in rule["Targets"]),
        *((delivery, subscription["Endpoint"], "RedrivePolicy" in subscription)
          for delivery, subscription in of_type(template, "AWS::SNS::Subscription").items()),
    ]  # fmt: skip
    invoked = {refers_to(target) for _, target, _ in deliveries} & set(of_type(template, "AWS::Lambda::Function"))
    kept = {
        refers_to(config["FunctionName"])
        for config in of_type(template, "AWS::Lambda::EventInvokeConfig").values()
        if "OnFailure" in config.get("DestinationConfig", {})
    }
    return [
        f"{delivery} has no dead-letter queue"
        for delivery, _, has_queue in deliveries
        if not has_queue and (name, delivery) not in WITHOUT_QUEUE
    ] + [f"events that {function} fails to handle are lost" for function in sorted(map(str, invoked - kept))]


def nothing_stays_by_surprise(name: str, template: Template) -> list[str]:
    return [
        f"{logical_id} stays when the stack is deleted"
        for logical_id, resource in template["Resources"].items()
        if resource.get("DeletionPolicy", "Delete") != "Delete" and (name, logical_id) not in RETAINED
    ]


RULES: list[Rule] = [
    parameters_say_what_they_accept,
    outputs_are_described,
    secrets_are_shown_nowhere,
    schedules_fire_every_month,
    handlers_can_be_imported,
    functions_are_set_up,
    functions_outlast_a_call_and_not_their_task,
    wired_actions_are_allowed_on_resources_of_the_template_only,
    policies_are_in_their_roles,
    everything_at_rest_is_encrypted,
    requests_without_tls_are_denied,
    logs_expire,
    state_machines_log_and_trace,
    what_cannot_be_delivered_is_kept,
    nothing_stays_by_surprise,
]


# -- a violation of each rule, or several -----------------------------------------------------------------------------


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
        statement = next(statements(properties(template, role)))
        statement["Resource"] = [*listed(statement["Resource"]), resource]

    return plant


def policy_outside_its_role(template: Template) -> None:
    template["Resources"]["More"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {}}


# fmt: off
PLANTED: list[Planted] = [
    (OURS, parameters_say_what_they_accept,
     lambda t: t["Parameters"]["PipelineArn"].pop("Description"),
     "PipelineArn is not described"),
    (OURS, parameters_say_what_they_accept,
     lambda t: t["Parameters"]["LogRetentionDays"].pop("ConstraintDescription"),
     "LogRetentionDays does not say what its constraint is"),
    (OURS, parameters_say_what_they_accept,
     lambda t: t["Parameters"]["BaseAmiNamePattern"].pop("AllowedPattern"),
     "BaseAmiNamePattern accepts any value"),
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
     "NotifyEndingFunction is stopped after 45 s, in the middle of a call that takes up to 67.0 s"),
    (OURS, functions_outlast_a_call_and_not_their_task,
     lambda t: properties(t, "NotifyFunction").pop("Timeout"), "NotifyFunction is stopped after 3 s"),
    (OURS, functions_outlast_a_call_and_not_their_task,
     lambda t: properties(t, "UpdateStackFunction").update(Timeout=90), "UpdateStackFunction outlives its task"),
    (OURS, wired_actions_are_allowed_on_resources_of_the_template_only,
     also_allowed_on("PatchStateMachineRole", {"Fn::Sub": "arn:aws:lambda:us-east-1:${AWS::AccountId}:function:*"}),
     "PatchStateMachineRole is allowed lambda:InvokeFunction on "),
    (OURS, wired_actions_are_allowed_on_resources_of_the_template_only,
     also_allowed_on("PatchStateMachineRole", {"Fn::Sub": "${NotifyFunction.Arn}:*"}),
     "PatchStateMachineRole is allowed lambda:InvokeFunction on "),
    (OURS, wired_actions_are_allowed_on_resources_of_the_template_only,
     also_allowed_on("ScheduleRole", "arn:aws:states:us-east-1:123456789012:stateMachine:*"),
     "ScheduleRole is allowed states:StartExecution on "),
    (OURS, wired_actions_are_allowed_on_resources_of_the_template_only,
     also_allowed_on("NotifyFunctionRole", {"Ref": "BaseAmiTopicArn"}),
     "NotifyFunctionRole is allowed sns:Publish on "),
    (OURS, policies_are_in_their_roles, policy_outside_its_role, "More is a policy outside its role"),
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
    (OURS, requests_without_tls_are_denied,
     lambda t: properties(t, "UndeliveredTriggersPolicy")["PolicyDocument"]["Statement"].pop(),
     "UndeliveredTriggers accepts requests without TLS"),
    ("image-pipeline.yaml", requests_without_tls_are_denied,
     lambda t: t["Resources"].pop("LogBucketPolicy"), "LogBucket accepts requests without TLS"),
    (OURS, logs_expire,
     lambda t: properties(t, "StateMachineLogs").pop("RetentionInDays"), "StateMachineLogs keeps its logs forever"),
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
     "events that BaseAmiTriggerFunction fails to handle are lost"),
    (OURS, nothing_stays_by_surprise,
     lambda t: t["Resources"]["FunctionLogs"].update(DeletionPolicy="Retain"),
     "FunctionLogs stays when the stack is deleted"),
]
# fmt: on
