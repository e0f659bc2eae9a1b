"""Rules for every template about who is allowed what: all that its wiring needs, and nothing else."""

from __future__ import annotations

import fnmatch
import functools
import importlib.resources
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.infrastructure.templates import (
    OURS,
    PARAMETER_TYPES,
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

UNSCOPED: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "unscoped_actions.yaml").read_text())

# IAM user guide, "The confused deputy problem": these services say for which account they assume a role.
NAMES_THE_ACCOUNT = {"states.amazonaws.com", "scheduler.amazonaws.com", "cloudformation.amazonaws.com"}
# These do not, or document no such key; but a role can be given only to a resource of its own account.
NAMES_NO_ACCOUNT = {"lambda.amazonaws.com", "ec2.amazonaws.com", "imagebuilder.amazonaws.com"}

# The managed policies of AWS that are attached, and why they are used instead of statements of our own.
MANAGED = {
    ("network.yaml", "InstanceRole", "AmazonSSMManagedInstanceCore"): "what the SSM agent needs, kept current by AWS",
    ("image-pipeline.yaml", "BuildInstanceRole", "AmazonSSMManagedInstanceCore"): "Image Builder works through SSM",
    ("image-pipeline.yaml", "BuildInstanceRole", "EC2InstanceProfileForImageBuilder"): "what its guide asks for",
    (
        "image-pipeline.yaml",
        "LifecycleRole",
        "EC2ImageBuilderLifecycleExecutionPolicy",
    ): "what its guide asks for; it covers images of Image Builder only",
}

Grants = set[tuple[str, str]]
"""Actions, each with the resource of the template that it is allowed on."""


def grants(template: Template, role_arn: Any) -> Grants:
    """What a role of the template is allowed on other resources of the template."""
    return {
        (action, name)
        for statement in statements(role_of(template, role_arn))
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if (name := refers_to(resource)) in template["Resources"] and name
    }


def role_of(template: Template, arn: Any) -> dict[str, Any]:
    return properties(template, str(refers_to(arn)))


def differences(who: str, needed: Grants, granted: Grants) -> list[str]:
    return [f"{who} is not allowed {action} on {name}" for action, name in sorted(needed - granted)] + [
        f"{who} is allowed {action} on {name} and does not need it" for action, name in sorted(granted - needed)
    ]


# -- all that the wiring needs is allowed -----------------------------------------------------------------------------


def state_machines_may_invoke_their_functions(_: str, template: Template) -> list[str]:
    violations = []
    functions = of_type(template, "AWS::Lambda::Function")
    for name, machine in of_type(template, "AWS::StepFunctions::StateMachine").items():
        substitutions = machine["DefinitionSubstitutions"]
        in_definition = set(re.findall(r'"Resource": "\$\{(\w+)\}"', json.dumps(definition(machine))))
        violations += [f"{name} has no value for ${{{key}}}" for key in sorted(in_definition - set(substitutions))]
        violations += [f"{name} does not use {key}" for key in sorted(set(substitutions) - in_definition)]
        called = {str(refers_to(value)) for value in substitutions.values()}
        violations += [f"{name} calls {target}, which is no function" for target in sorted(called - set(functions))]
        needed = {("lambda:InvokeFunction", function) for function in called}
        violations += differences(name, needed, grants(template, machine["RoleArn"]))
    return violations


def topics_and_rules_may_invoke_their_functions(_: str, template: Template) -> list[str]:
    """A function's policy admits each topic and each rule that is wired to it, by its ARN, and exists whenever the
    function does."""
    wired = {
        (refers_to(subscription["Endpoint"]), "sns.amazonaws.com", str(subscription["TopicArn"]))
        for subscription in of_type(template, "AWS::SNS::Subscription").values()
        if subscription["Protocol"] == "lambda"
    } | {
        (refers_to(target["Arn"]), "events.amazonaws.com", str({"Fn::GetAtt": [name, "Arn"]}))
        for name, target in targets(template)
    }
    resources = template["Resources"]
    allowed, violations = set(), []
    for name, permission in of_type(template, "AWS::Lambda::Permission").items():
        function = refers_to(permission["FunctionName"])
        allowed.add((function, permission["Principal"], str(permission.get("SourceArn"))))
        if permission["Action"] != "lambda:InvokeFunction":
            violations.append(f"{name} allows {permission['Action']}")
        if resources[name].get("Condition") != resources.get(function, {}).get("Condition"):
            violations.append(f"{name} does not exist whenever {function} does")
    violations += [
        f"{service} is not allowed to invoke {function}" for function, service, _ in sorted(wired - allowed, key=str)
    ]
    return violations + [
        f"{service} is allowed to invoke {function} from {source} and does not need it"
        for function, service, source in sorted(allowed - wired, key=str)
    ]


def targets(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """The targets of EventBridge rules, each with the name of its rule."""
    for name, rule in of_type(template, "AWS::Events::Rule").items():
        for target in rule["Targets"]:
            yield name, target


def schedules_may_start_their_targets(_: str, template: Template) -> list[str]:
    started_by = {
        "AWS::StepFunctions::StateMachine": "states:StartExecution",
        "AWS::Lambda::Function": "lambda:InvokeFunction",
    }
    violations = []
    for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items():
        target = schedule["Target"]
        started = str(refers_to(target["Arn"]))
        needed = {(started_by[template["Resources"][started]["Type"]], started)}
        if "DeadLetterConfig" in target:
            needed.add(("sqs:SendMessage", str(refers_to(target["DeadLetterConfig"]["Arn"]))))
        violations += differences(name, needed, grants(template, target["RoleArn"]))
    return violations


def functions_may_use_what_they_are_given(_: str, template: Template) -> list[str]:
    """The resources in a function's environment, its log group, the queue for events that it fails to handle, and no
    others."""
    used_by = {"AWS::SNS::Topic": "sns:Publish", "AWS::StepFunctions::StateMachine": "states:StartExecution"}
    on_failure = {
        refers_to(config["FunctionName"]): refers_to(config["DestinationConfig"]["OnFailure"]["Destination"])
        for config in of_type(template, "AWS::Lambda::EventInvokeConfig").values()
    }
    violations = []
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        given = [str(refers_to(value)) for value in function["Environment"]["Variables"].values()]
        needed = {
            (used_by[template["Resources"][resource]["Type"]], resource)
            for resource in given
            if resource in template["Resources"]
        }
        group = str(refers_to(function["LoggingConfig"]["LogGroup"]))
        needed |= {("logs:CreateLogStream", group), ("logs:PutLogEvents", group)}
        if name in on_failure:
            needed.add(("sqs:SendMessage", str(on_failure[name])))
        violations += differences(name, needed, grants(template, function["Role"]))
        tracing = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
        allowed = {
            action
            for statement in statements(role_of(template, function["Role"]))
            for action in listed(statement["Action"])
        }
        violations += [f"{name} is not allowed {action}" for action in sorted(tracing - allowed)]
    return violations


UPDATE_ACTIONS = {"cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:UpdateStack"}
# These run the macros of a template; before a change set is executed, its macros have run (CloudFormation user guide,
# "Overview of CloudFormation macros").
MACRO_ACTIONS = UPDATE_ACTIONS - {"cloudformation:ExecuteChangeSet"}
PARAMETER_ACTIONS = {action for actions in PARAMETER_TYPES.values() for action in actions}
# Actions of the same services that a role's function uses itself.
OWN_CALLS = {
    "UpdateStackFunctionRole": {"ssm:GetCalendarState", "ssm:GetParametersByPath", "ssm:PutParameter"},
    "RollBackFunctionRole": {"ssm:PutParameter"},
    "RestoreAlarmsFunctionRole": {"ssm:DeleteParameters"},
}


def updating_roles(template: Template) -> dict[str, list[dict[str, Any]]]:
    """The roles that may begin an update of a stack, by name, each with its statements."""
    return {
        name: role_statements
        for name, role in of_type(template, "AWS::IAM::Role").items()
        if UPDATE_ACTIONS & allowed_actions(role_statements := list(statements(role)))
    }


def allowed_actions(role_statements: list[dict[str, Any]]) -> set[str]:
    return {action for statement in role_statements for action in listed(statement["Action"])}


def allowed_on(role_statements: list[dict[str, Any]], action: str) -> list[Any]:
    """The resources on which the statements allow the action."""
    return [
        resource
        for statement in role_statements
        if action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]


def updating_roles_may_look_up_what_parameters_name(_: str, template: Template) -> list[str]:
    """CloudFormation looks up the values of parameters of AWS-specific types as the role that begins the update. The
    role has the actions of parameter_types.yaml for it, and no others of their services."""
    services = {action.partition(":")[0] for action in PARAMETER_ACTIONS}
    violations = []
    for name, role_statements in updating_roles(template).items():
        allowed = {action for action in allowed_actions(role_statements) if action.partition(":")[0] in services}
        allowed -= OWN_CALLS.get(name, set())
        violations += [f"{name} is not allowed {action}" for action in sorted(PARAMETER_ACTIONS - allowed)]
        violations += [
            f"{name} is allowed {action}, which no parameter needs" for action in sorted(allowed - PARAMETER_ACTIONS)
        ]
        for action in sorted(allowed):
            resources = allowed_on(role_statements, action)
            if "*" not in resources and not any("/*" in json.dumps(resource) for resource in resources):
                violations.append(f"{name} is allowed {action} on some resources only")
    return violations


def updating_roles_may_read_rollback_alarms(_: str, template: Template) -> list[str]:
    """CloudFormation user guide, "Roll back your CloudFormation stack on alarm breach with rollback triggers"."""
    return [
        f"{name} is not allowed cloudwatch:DescribeAlarms"
        for name, role_statements in updating_roles(template).items()
        if "*" not in allowed_on(role_statements, "cloudwatch:DescribeAlarms")
    ]


def updating_roles_may_run_macros(_: str, template: Template) -> list[str]:
    """CloudFormation impersonates the user who has a macro run (CloudFormation user guide, "macro account scope and
    permissions"), who must be allowed to create a change set on the transform ("Control CloudFormation access with
    IAM"). The ARNs of AWS's own transforms have the account aws."""
    transforms = [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:cloudformation:${{AWS::Region}}:{account}:transform/*"}
        for account in ("aws", "${AWS::AccountId}")
    ]
    violations = []
    for name, role_statements in updating_roles(template).items():
        if not MACRO_ACTIONS & allowed_actions(role_statements):
            continue
        if {"Ref": "MacroFunctionArns"} not in allowed_on(role_statements, "lambda:InvokeFunction"):
            violations.append(f"{name} is not allowed lambda:InvokeFunction on MacroFunctionArns")
        allowed = allowed_on(role_statements, "cloudformation:CreateChangeSet")
        violations += [
            f"{name} is not allowed cloudformation:CreateChangeSet on {transform['Fn::Sub']}"
            for transform in transforms
            if transform not in allowed
        ]
    return violations


def updating_roles_may_pass_service_roles(_: str, template: Template) -> list[str]:
    """A service role that a stack is given must be passed. On one that the stack already has, the user guide has said
    both that whoever may update the stack uses it, and that they need iam:PassRole ("CloudFormation service role")."""
    to_cloudformation = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    violations = []
    for name, role_statements in updating_roles(template).items():
        passing = [statement for statement in role_statements if statement["Action"] == "iam:PassRole"]
        passed = [statement["Resource"] for statement in passing]
        violations += [
            f"{name} is not allowed iam:PassRole on {parameter}"
            for parameter in ("CloudFormationRoleArn", "StackRoleArns")
            if {"Ref": parameter} not in passed
        ]
        if any(statement.get("Condition") != to_cloudformation for statement in passing):
            violations.append(f"{name} may pass a role to another service")
    return violations


def roles_that_start_a_build_may_read_its_pipeline(_: str, template: Template) -> list[str]:
    """Service Authorization Reference, EC2 Image Builder, StartImagePipelineExecution: it depends on
    GetImagePipeline."""
    violations = []
    for name, role in of_type(template, "AWS::IAM::Role").items():
        role_statements = list(statements(role))
        readable = allowed_on(role_statements, "imagebuilder:GetImagePipeline")
        violations += [
            f"{name} is not allowed imagebuilder:GetImagePipeline on {pipeline}"
            for pipeline in allowed_on(role_statements, "imagebuilder:StartImagePipelineExecution")
            if pipeline not in readable
        ]
    return violations


def queues_accept_undelivered_events(_: str, template: Template) -> list[str]:
    """The queue's policy lets each rule and subscription, by its ARN, send to its dead-letter queue."""
    wired = {
        ("events.amazonaws.com", refers_to(target["DeadLetterConfig"]["Arn"]), str({"Fn::GetAtt": [name, "Arn"]}))
        for name, target in targets(template)
        if "DeadLetterConfig" in target
    } | {
        (
            "sns.amazonaws.com",
            refers_to(subscription["RedrivePolicy"]["deadLetterTargetArn"]),
            str(subscription["TopicArn"]),
        )
        for subscription in of_type(template, "AWS::SNS::Subscription").values()
        if "RedrivePolicy" in subscription
    }
    allowed = set()
    for policy in of_type(template, "AWS::SQS::QueuePolicy").values():
        for statement in of_both_sides(policy["PolicyDocument"]["Statement"]):
            if statement["Effect"] == "Allow":
                source = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn")
                allowed.add((statement["Principal"]["Service"], refers_to(statement["Resource"]), str(source)))
    return [
        f"{service} is not allowed to send to {queue} from {source}"
        for service, queue, source in sorted(wired - allowed, key=str)
    ] + [
        f"{service} is allowed to send to {queue} from {source} and does not need it"
        for service, queue, source in sorted(allowed - wired, key=str)
    ]


# -- nothing else is allowed -----------------------------------------------------------------------------------------


@functools.cache
def actions_of_aws() -> dict[str, Any]:
    """The Service Authorization Reference, from cfn-lint's copy: services, their actions, the resources of each."""
    path = importlib.resources.files("cfnlint.data.AdditionalSpecs") / "Policies.json"
    services: dict[str, Any] = json.loads(path.read_text())
    return services


def takes_a_resource(action: str) -> bool:
    """Whether the action can be limited to a resource, or any action that its wildcard stands for can."""
    service, _, name = action.partition(":")
    actions = actions_of_aws()[service]["Actions"]
    matching = fnmatch.filter(actions, name.lower())
    assert matching, f"expected an action of AWS, found {action}"
    return any("Resources" in actions[matched] for matched in matching)


def unscoped(name: str, template: Template) -> set[tuple[str, str]]:
    """The roles that have the resource "*", each with an action that it has it for."""
    return {
        (f"{name} {role_name}", action)
        for role_name, role in of_type(template, "AWS::IAM::Role").items()
        for statement in statements(role)
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }


def unscoped_actions_have_their_reason(name: str, template: Template) -> list[str]:
    """What updating roles need for parameters is in parameter_types.yaml, unless it takes a resource."""
    violations = []
    updating = {f"{name} {role}" for role in updating_roles(template)}
    for_parameters = {action for action in PARAMETER_ACTIONS if not takes_a_resource(action)}
    for where, action in sorted(unscoped(name, template)):
        if where in updating and action in for_parameters:
            continue
        entries = [
            entry for entry in UNSCOPED if fnmatch.fnmatchcase(where, entry["where"]) and action in entry["actions"]
        ]
        if not entries:
            violations.append(f"{where} is allowed {action} on any resource")
        if takes_a_resource(action) and not any("disputed" in entry for entry in entries):
            violations.append(f"{where} is allowed {action} on any resource, and the action takes a resource")
    return violations


def statements_name_their_actions_and_resources(_: str, template: Template) -> list[str]:
    violations = []
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for statement in statements(role):
            violations += [f"{name} has {element}" for element in ("NotAction", "NotResource") if element in statement]
            # Only actions that read may have a wildcard.
            violations += [
                f"{name} is allowed {action}"
                for action in listed(statement.get("Action", []))
                if "*" in action and not action.endswith(":Describe*")
            ]
    for kind in ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"):
        for name, policy in of_type(template, kind).items():
            for statement in of_both_sides(policy["PolicyDocument"]["Statement"]):
                if statement["Effect"] == "Allow" and statement["Principal"] in ("*", {"AWS": "*"}):
                    violations.append(f"{name} admits everybody")
    return violations


def each_role_is_for_its_service_only(_: str, template: Template) -> list[str]:
    violations = []
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            (service,) = listed(statement["Principal"]["Service"])
            if service not in NAMES_THE_ACCOUNT | NAMES_NO_ACCOUNT:
                violations.append(f"{name} is for {service}")
            condition = statement.get("Condition", {}).get("StringEquals", {})
            if service in NAMES_THE_ACCOUNT and condition != {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}:
                violations.append(f"{name} may be assumed for another account")
    return violations


def every_function_has_a_role_of_its_own(_: str, template: Template) -> list[str]:
    used = [str(refers_to(function["Role"])) for function in of_type(template, "AWS::Lambda::Function").values()]
    return [f"{name} is shared by functions" for name in sorted(set(used)) if used.count(name) > 1]


def attached(name: str, template: Template) -> set[tuple[str, str, str]]:
    """The managed policies that are attached to roles, each with the names of its template and role before it."""
    return {
        (name, role_name, str(arn["Fn::Sub"] if isinstance(arn, dict) else arn).rsplit("/", 1)[1])
        for role_name, role in of_type(template, "AWS::IAM::Role").items()
        for arn in role.get("ManagedPolicyArns", [])
    }


def managed_policies_have_their_reason(name: str, template: Template) -> list[str]:
    return [f"{role} has {policy}" for _, role, policy in sorted(attached(name, template) - set(MANAGED))]


def functions_change_neither_ec2_nor_auto_scaling(_: str, template: Template) -> list[str]:
    return [
        f"{name} is allowed {action}"
        for name, function in of_type(template, "AWS::Lambda::Function").items()
        for statement in statements(role_of(template, function["Role"]))
        for action in listed(statement["Action"])
        if action.partition(":")[0] in ("ec2", "autoscaling", "elasticloadbalancing")
        and not re.match("Describe|Get|List", action.partition(":")[2])
    ]


RULES: list[Rule] = [
    state_machines_may_invoke_their_functions,
    topics_and_rules_may_invoke_their_functions,
    schedules_may_start_their_targets,
    functions_may_use_what_they_are_given,
    updating_roles_may_look_up_what_parameters_name,
    updating_roles_may_read_rollback_alarms,
    updating_roles_may_run_macros,
    updating_roles_may_pass_service_roles,
    roles_that_start_a_build_may_read_its_pipeline,
    queues_accept_undelivered_events,
    unscoped_actions_have_their_reason,
    statements_name_their_actions_and_resources,
    each_role_is_for_its_service_only,
    every_function_has_a_role_of_its_own,
    managed_policies_have_their_reason,
    functions_change_neither_ec2_nor_auto_scaling,
]


# -- a violation of each rule, or several -----------------------------------------------------------------------------


def first(template: Template, role: str) -> dict[str, Any]:
    return next(statements(properties(template, role)))


def without(role: str, action: str) -> Callable[[Template], Any]:
    """Take the action out of each statement of the role."""

    def plant(template: Template) -> None:
        for statement in statements(properties(template, role)):
            others = [other for other in listed(statement["Action"]) if other != action]
            statement["Action"] = others or "sts:GetCallerIdentity"

    return plant


def changed(role: str, action: str, **elements: Any) -> Callable[[Template], Any]:
    """Change these elements of each statement of the role that allows the action."""

    def plant(template: Template) -> None:
        for statement in statements(properties(template, role)):
            if action in listed(statement["Action"]):
                statement.update(elements)

    return plant


def queue_policy(template: Template) -> list[dict[str, Any]]:
    policy: list[dict[str, Any]] = properties(template, "UndeliveredTriggersPolicy")["PolicyDocument"]["Statement"]
    return policy


# fmt: off
PLANTED: list[Planted] = [
    (OURS, state_machines_may_invoke_their_functions,
     lambda t: first(t, "PatchStateMachineRole")["Resource"].remove({"Fn::GetAtt": ["ReadAmiFunction", "Arn"]}),
     "PatchStateMachine is not allowed lambda:InvokeFunction on ReadAmiFunction"),
    (OURS, state_machines_may_invoke_their_functions,
     lambda t: first(t, "PatchStateMachineRole")["Resource"].append({"Fn::GetAtt": ["NotifyEndingFunction", "Arn"]}),
     "PatchStateMachine is allowed lambda:InvokeFunction on NotifyEndingFunction and does not need it"),
    (OURS, state_machines_may_invoke_their_functions,
     lambda t: properties(t, "PatchStateMachine")["DefinitionSubstitutions"].pop("ReadAmiFunctionArn"),
     "PatchStateMachine has no value for ${ReadAmiFunctionArn}"),
    (OURS, state_machines_may_invoke_their_functions,
     lambda t: properties(t, "PatchStateMachine")["DefinitionSubstitutions"].update(More={"Ref": "NotificationTopic"}),
     "PatchStateMachine calls NotificationTopic, which is no function"),
    (OURS, state_machines_may_invoke_their_functions,
     lambda t: properties(t, "PatchStateMachine")["DefinitionSubstitutions"].update(
         More={"Fn::GetAtt": ["NotifyFunction", "Arn"]}),
     "PatchStateMachine does not use More"),
    (OURS, topics_and_rules_may_invoke_their_functions,
     lambda t: t["Resources"].pop("EndingRulePermission"),
     "events.amazonaws.com is not allowed to invoke NotifyEndingFunction"),
    (OURS, topics_and_rules_may_invoke_their_functions,
     lambda t: t["Resources"].pop("BaseAmiTriggerFunctionBaseAmiPermission"),
     "sns.amazonaws.com is not allowed to invoke BaseAmiTriggerFunction"),
    (OURS, topics_and_rules_may_invoke_their_functions,
     lambda t: properties(t, "EndingRulePermission").pop("SourceArn"),
     "events.amazonaws.com is allowed to invoke NotifyEndingFunction from None and does not need it"),
    (OURS, topics_and_rules_may_invoke_their_functions,
     lambda t: properties(t, "EndingRulePermission").update(Action="lambda:*"),
     "EndingRulePermission allows lambda:*"),
    (OURS, topics_and_rules_may_invoke_their_functions,
     lambda t: t["Resources"]["EndingRulePermission"].update(Condition="HasBaseAmiTopic"),
     "EndingRulePermission does not exist whenever NotifyEndingFunction does"),
    (OURS, schedules_may_start_their_targets,
     lambda t: first(t, "ScheduleRole").update(Action="states:StartSyncExecution"),
     "MonthlySchedule is not allowed states:StartExecution on PatchStateMachine"),
    (OURS, schedules_may_start_their_targets,
     lambda t: properties(t, "ScheduleRole")["Policies"][0]["PolicyDocument"]["Statement"].pop(),
     "MonthlySchedule is not allowed sqs:SendMessage on UndeliveredTriggers"),
    (OURS, schedules_may_start_their_targets,
     lambda t: first(t, "BaseAmiCheckScheduleRole").update(Action="lambda:GetFunction"),
     "BaseAmiCheckSchedule is not allowed lambda:InvokeFunction on CheckBaseAmiFunction"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: first(t, "NotifyFunctionRole").update(Action="sns:Subscribe"),
     "NotifyFunction is not allowed sns:Publish on NotificationTopic"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: first(t, "BaseAmiTriggerFunctionRole").update(Action="states:DescribeStateMachine"),
     "BaseAmiTriggerFunction is not allowed states:StartExecution on PatchStateMachine"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: first(t, "SummariseFunctionRole").update(Action="sns:Publish", Resource={"Ref": "NotificationTopic"}),
     "SummariseFunction is allowed sns:Publish on NotificationTopic and does not need it"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: properties(t, "NotifyFunctionRole")["Policies"].pop(),
     "NotifyFunction is not allowed logs:PutLogEvents on FunctionLogs"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: properties(t, "NotifyFunctionRole")["Policies"].pop(),
     "NotifyFunction is not allowed xray:PutTraceSegments"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: properties(t, "NotifyEndingFunctionRole")["Policies"][0]["PolicyDocument"]["Statement"].pop(),
     "NotifyEndingFunction is not allowed sqs:SendMessage on UndeliveredTriggers"),
    (OURS, updating_roles_may_look_up_what_parameters_name,
     without("PreviewUpdateFunctionRole", "ec2:DescribeImages"),
     "PreviewUpdateFunctionRole is not allowed ec2:DescribeImages"),
    (OURS, updating_roles_may_look_up_what_parameters_name,
     without("UpdateStackFunctionRole", "ssm:GetParameters"),
     "UpdateStackFunctionRole is not allowed ssm:GetParameters"),
    (OURS, updating_roles_may_look_up_what_parameters_name,
     changed("RollBackFunctionRole", "ec2:DescribeKeyPairs", Action=["ec2:DescribeKeyPairs", "ec2:DescribeHosts"]),
     "RollBackFunctionRole is allowed ec2:DescribeHosts, which no parameter needs"),
    (OURS, updating_roles_may_look_up_what_parameters_name,
     changed("RollBackFunctionRole", "route53:GetHostedZone", Resource="arn:aws:route53:::hostedzone/Z1"),
     "RollBackFunctionRole is allowed route53:GetHostedZone on some resources only"),
    (OURS, updating_roles_may_read_rollback_alarms,
     changed("UpdateStackFunctionRole", "cloudwatch:DescribeAlarms", Resource={"Ref": "RollbackAlarmArns"}),
     "UpdateStackFunctionRole is not allowed cloudwatch:DescribeAlarms"),
    (OURS, updating_roles_may_run_macros,
     without("RollBackFunctionRole", "lambda:InvokeFunction"),
     "RollBackFunctionRole is not allowed lambda:InvokeFunction on MacroFunctionArns"),
    (OURS, updating_roles_may_run_macros,
     changed("RollBackFunctionRole", "cloudformation:CreateChangeSet", Resource="arn:aws:cloudformation:*:aws:*"),
     "RollBackFunctionRole is not allowed cloudformation:CreateChangeSet on arn:${AWS::Partition}:cloudformation"),
    (OURS, updating_roles_may_pass_service_roles,
     without("UpdateStackFunctionRole", "iam:PassRole"),
     "UpdateStackFunctionRole is not allowed iam:PassRole on StackRoleArns"),
    (OURS, updating_roles_may_pass_service_roles,
     changed("PreviewUpdateFunctionRole", "iam:PassRole", Condition={}),
     "PreviewUpdateFunctionRole may pass a role to another service"),
    (OURS, roles_that_start_a_build_may_read_its_pipeline,
     without("StartImageBuildFunctionRole", "imagebuilder:GetImagePipeline"),
     "StartImageBuildFunctionRole is not allowed imagebuilder:GetImagePipeline"),
    (OURS, queues_accept_undelivered_events,
     lambda t: queue_policy(t).pop(0),
     "events.amazonaws.com is not allowed to send to UndeliveredTriggers"),
    (OURS, queues_accept_undelivered_events,
     lambda t: queue_policy(t).pop(1),
     "sns.amazonaws.com is not allowed to send to UndeliveredTriggers"),
    (OURS, queues_accept_undelivered_events,
     lambda t: queue_policy(t)[0].pop("Condition"),
     "events.amazonaws.com is allowed to send to UndeliveredTriggers from None and does not need it"),
    (OURS, unscoped_actions_have_their_reason,
     lambda t: first(t, "NotifyFunctionRole").update(Resource="*"),
     "template.yaml NotifyFunctionRole is allowed sns:Publish on any resource"),
    (OURS, unscoped_actions_have_their_reason,
     lambda t: first(t, "NotifyFunctionRole").update(Resource="*"),
     "template.yaml NotifyFunctionRole is allowed sns:Publish on any resource, and the action takes a resource"),
    (OURS, statements_name_their_actions_and_resources,
     lambda t: first(t, "NotifyFunctionRole").update(Action="sns:*"),
     "NotifyFunctionRole is allowed sns:*"),
    (OURS, statements_name_their_actions_and_resources,
     lambda t: first(t, "NotifyFunctionRole").update(NotResource="arn:aws:sns:*:*:other"),
     "NotifyFunctionRole has NotResource"),
    (OURS, statements_name_their_actions_and_resources,
     lambda t: queue_policy(t)[0].update(Principal="*"),
     "UndeliveredTriggersPolicy admits everybody"),
    (OURS, each_role_is_for_its_service_only,
     lambda t: properties(t, "ScheduleRole")["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition"),
     "ScheduleRole may be assumed for another account"),
    ("network.yaml", each_role_is_for_its_service_only,
     lambda t: properties(t, "InstanceRole")["AssumeRolePolicyDocument"]["Statement"][0].update(
         Principal={"Service": "ecs.amazonaws.com"}),
     "InstanceRole is for ecs.amazonaws.com"),
    (OURS, every_function_has_a_role_of_its_own,
     lambda t: properties(t, "NotifyFunction").update(Role={"Fn::GetAtt": ["PlanRunFunctionRole", "Arn"]}),
     "PlanRunFunctionRole is shared by functions"),
    (OURS, managed_policies_have_their_reason,
     lambda t: properties(t, "NotifyFunctionRole").update(
         ManagedPolicyArns=["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]),
     "NotifyFunctionRole has AWSLambdaBasicExecutionRole"),
    (OURS, functions_change_neither_ec2_nor_auto_scaling,
     lambda t: first(t, "NotifyFunctionRole").update(Action="ec2:TerminateInstances"),
     "NotifyFunction is allowed ec2:TerminateInstances"),
]
# fmt: on
