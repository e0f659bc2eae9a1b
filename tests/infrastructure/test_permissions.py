"""Who may do what, of every template: each rule lists its violations, and is seen to find a planted one.

What is allowed is compared with what the template wires: neither less, nor more.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib.resources
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.helpers import VALID_PARAMETER_TYPES  # type: ignore[import-untyped]

from tests.infrastructure.templates import (
    NAMES,
    OURS,
    PARAMETER_TYPES,
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

UNSCOPED: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "unscoped_actions.yaml").read_text())

# IAM user guide, "The confused deputy problem": these say for which account they assume a role.
NAMES_THE_ACCOUNT = {"states.amazonaws.com", "scheduler.amazonaws.com", "cloudformation.amazonaws.com"}
# These do not, or document no such key; the role can be given to something of its own account only.
NAMES_NO_ACCOUNT = {"lambda.amazonaws.com", "ec2.amazonaws.com", "imagebuilder.amazonaws.com"}

# AWS's managed policies, and why they and not statements of our own.
MANAGED = {
    ("network.yaml", "InstanceRole", "AmazonSSMManagedInstanceCore"): "what the SSM agent needs, which AWS keeps up",
    ("image-pipeline.yaml", "BuildInstanceRole", "AmazonSSMManagedInstanceCore"): "Image Builder works through SSM",
    ("image-pipeline.yaml", "BuildInstanceRole", "EC2InstanceProfileForImageBuilder"): "what its guide asks for",
    (
        "image-pipeline.yaml",
        "LifecycleRole",
        "EC2ImageBuilderLifecycleExecutionPolicy",
    ): "what its guide asks for; it is for images of Image Builder's only",
}

Grants = set[tuple[str, str]]
"""Actions, each with the resource of the template that it is allowed on."""


def grants(template: Template, role_arn: Any) -> Grants:
    """What a role of the template may do with other resources of it."""
    return {
        (action, name)
        for said in statements(role_of(template, role_arn))
        for action in listed(said["Action"])
        for resource in listed(said["Resource"])
        if (name := refers_to(resource)) in template["Resources"] and name
    }


def role_of(template: Template, arn: Any) -> dict[str, Any]:
    return properties(template, str(refers_to(arn)))


def differences(who: str, wanted: Grants, granted: Grants) -> list[str]:
    return [f"{who} may not {action} {name}" for action, name in sorted(wanted - granted)] + [
        f"{who} may {action} {name} and does not" for action, name in sorted(granted - wanted)
    ]


# -- what the template wires is allowed -------------------------------------------------------------------------------


def state_machines_may_invoke_their_functions(_: str, template: Template) -> list[str]:
    found = []
    functions = of_type(template, "AWS::Lambda::Function")
    for name, machine in of_type(template, "AWS::StepFunctions::StateMachine").items():
        substitutions = machine["DefinitionSubstitutions"]
        in_definition = set(re.findall(r'"Resource": "\$\{(\w+)\}"', json.dumps(definition(machine))))
        found += [f"{name} has nothing for ${{{one}}}" for one in sorted(in_definition - set(substitutions))]
        found += [f"{name} does not use {one}" for one in sorted(set(substitutions) - in_definition)]
        called = {str(refers_to(value)) for value in substitutions.values()}
        found += [f"{name} calls {function}, which is no function" for function in sorted(called - set(functions))]
        wanted = {("lambda:InvokeFunction", function) for function in called}
        found += differences(name, wanted, grants(template, machine["RoleArn"]))
    return found


def whoever_invokes_a_function_may(_: str, template: Template) -> list[str]:
    """A function's policy lets in each topic and each rule that is wired to it, by its ARN, whenever it is there."""
    wired = {
        (refers_to(one["Endpoint"]), "sns.amazonaws.com", str(one["TopicArn"]))
        for one in of_type(template, "AWS::SNS::Subscription").values()
        if one["Protocol"] == "lambda"
    } | {
        (refers_to(target["Arn"]), "events.amazonaws.com", str({"Fn::GetAtt": [name, "Arn"]}))
        for name, target in targets(template)
    }
    resources = template["Resources"]
    allowed, found = set(), []
    for name, one in of_type(template, "AWS::Lambda::Permission").items():
        function = refers_to(one["FunctionName"])
        allowed.add((function, one["Principal"], str(one.get("SourceArn"))))
        if one["Action"] != "lambda:InvokeFunction":
            found.append(f"{name} allows {one['Action']}")
        if resources[name].get("Condition") != resources.get(function, {}).get("Condition"):
            found.append(f"{name} is not there whenever {function} is")
    found += [f"{who} may not invoke {what}" for what, who, _ in sorted(wired - allowed, key=str)]
    return found + [
        f"{who} may invoke {what} from {source} and does not" for what, who, source in sorted(allowed - wired, key=str)
    ]


def targets(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """The targets of EventBridge rules, each with the name of its rule."""
    for name, rule in of_type(template, "AWS::Events::Rule").items():
        for target in rule["Targets"]:
            yield name, target


def schedules_may_start_their_targets(_: str, template: Template) -> list[str]:
    started_by = {"AWS::StepFunctions::StateMachine": "states:StartExecution"}
    found = []
    for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items():
        target = schedule["Target"]
        started = str(refers_to(target["Arn"]))
        wanted = {(started_by[template["Resources"][started]["Type"]], started)}
        if "DeadLetterConfig" in target:
            wanted.add(("sqs:SendMessage", str(refers_to(target["DeadLetterConfig"]["Arn"]))))
        found += differences(name, wanted, grants(template, target["RoleArn"]))
    return found


def functions_may_use_what_they_are_given(_: str, template: Template) -> list[str]:
    """The resources in a function's environment, its log group, and the queue for what it fails at; and no other."""
    used_by = {"AWS::SNS::Topic": "sns:Publish", "AWS::StepFunctions::StateMachine": "states:StartExecution"}
    on_failure = {
        refers_to(one["FunctionName"]): refers_to(one["DestinationConfig"]["OnFailure"]["Destination"])
        for one in of_type(template, "AWS::Lambda::EventInvokeConfig").values()
    }
    found = []
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        given = [str(refers_to(value)) for value in function["Environment"]["Variables"].values()]
        wanted = {(used_by[template["Resources"][one]["Type"]], one) for one in given if one in template["Resources"]}
        group = str(refers_to(function["LoggingConfig"]["LogGroup"]))
        wanted |= {("logs:CreateLogStream", group), ("logs:PutLogEvents", group)}
        if name in on_failure:
            wanted.add(("sqs:SendMessage", str(on_failure[name])))
        found += differences(name, wanted, grants(template, function["Role"]))
        traced = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
        allowed = {
            action for said in statements(role_of(template, function["Role"])) for action in listed(said["Action"])
        }
        found += [f"{name} may not {action}" for action in sorted(traced - allowed)]
    return found


BEGIN_AN_UPDATE = {"cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:UpdateStack"}
# These run a template's macros; a change set that is executed has run them (CloudFormation user guide, "Overview of
# CloudFormation macros").
RUN_MACROS = BEGIN_AN_UPDATE - {"cloudformation:ExecuteChangeSet"}
FOR_PARAMETERS = {action for actions in PARAMETER_TYPES.values() for action in actions}
# What a role needs of the same services for what its function does itself.
OWN_CALLS = {"UpdateStackFunctionRole": {"ssm:GetCalendarState"}}


def beginners(template: Template) -> dict[str, list[dict[str, Any]]]:
    """The statements of each role that may begin an update of a stack, by the role's name."""
    return {
        name: said
        for name, role in of_type(template, "AWS::IAM::Role").items()
        if BEGIN_AN_UPDATE & allowed_actions(said := list(statements(role)))
    }


def allowed_actions(said: list[dict[str, Any]]) -> set[str]:
    return {action for statement in said for action in listed(statement["Action"])}


def allowed_on(said: list[dict[str, Any]], action: str) -> list[Any]:
    """The resources on which the statements allow the action."""
    return [
        resource
        for statement in said
        if action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]


def parameters_are_checked_as_whoever_begins_an_update(_: str, template: Template) -> list[str]:
    """What parameters of AWS-specific types name is looked for, by the actions of parameter_types.yaml alone."""
    services = {action.partition(":")[0] for action in FOR_PARAMETERS}
    found = []
    for name, said in beginners(template).items():
        allowed = {action for action in allowed_actions(said) if action.partition(":")[0] in services}
        allowed -= OWN_CALLS.get(name, set())
        found += [f"{name} may not {action}" for action in sorted(FOR_PARAMETERS - allowed)]
        found += [f"{name} may {action}, which no parameter needs" for action in sorted(allowed - FOR_PARAMETERS)]
        for action in sorted(allowed):
            everything = "*" in allowed_on(said, action) or any(
                "/*" in json.dumps(resource) for resource in allowed_on(said, action)
            )
            found += [] if everything else [f"{name} may {action} on some resources only"]
    return found


def alarms_are_watched_as_whoever_begins_an_update(_: str, template: Template) -> list[str]:
    """CloudFormation user guide, "Roll back your CloudFormation stack on alarm breach with rollback triggers"."""
    return [
        f"{name} may not cloudwatch:DescribeAlarms"
        for name, said in beginners(template).items()
        if "*" not in allowed_on(said, "cloudwatch:DescribeAlarms")
    ]


def macros_run_as_whoever_begins_an_update(_: str, template: Template) -> list[str]:
    """CloudFormation impersonates the user who has a macro run (CloudFormation user guide, "macro account scope and
    permissions"), and takes a change set on the transform ("Control CloudFormation access with IAM"); AWS's transforms
    have the account aws there."""
    transforms = [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:cloudformation:${{AWS::Region}}:{account}:transform/*"}
        for account in ("aws", "${AWS::AccountId}")
    ]
    found = []
    for name, said in beginners(template).items():
        if not RUN_MACROS & allowed_actions(said):
            continue
        if {"Ref": "MacroFunctionArns"} not in allowed_on(said, "lambda:InvokeFunction"):
            found.append(f"{name} may not lambda:InvokeFunction MacroFunctionArns")
        missing = [one for one in transforms if one not in allowed_on(said, "cloudformation:CreateChangeSet")]
        found += [f"{name} may not cloudformation:CreateChangeSet {one['Fn::Sub']}" for one in missing]
    return found


def service_roles_are_passed_by_whoever_begins_an_update(_: str, template: Template) -> list[str]:
    """The one that a stack is given has to be passed; and the user guide has said both that a stack's own is used by
    whoever may update it, and that they need iam:PassRole ("CloudFormation service role")."""
    found = []
    for name, said in beginners(template).items():
        passed = [statement for statement in said if statement["Action"] == "iam:PassRole"]
        for parameter in ("CloudFormationRoleArn", "StackRoleArns"):
            if {"Ref": parameter} not in [statement["Resource"] for statement in passed]:
                found.append(f"{name} may not iam:PassRole {parameter}")
        to_cloudformation = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
        if any(statement.get("Condition") != to_cloudformation for statement in passed):
            found.append(f"{name} may pass a role to another service")
    return found


def whoever_starts_a_build_may_read_its_pipeline(_: str, template: Template) -> list[str]:
    """Service Authorization Reference, EC2 Image Builder, StartImagePipelineExecution: it depends on
    GetImagePipeline."""
    found = []
    for name, role in of_type(template, "AWS::IAM::Role").items():
        said = list(statements(role))
        readable = allowed_on(said, "imagebuilder:GetImagePipeline")
        for started in allowed_on(said, "imagebuilder:StartImagePipelineExecution"):
            found += [] if started in readable else [f"{name} may not imagebuilder:GetImagePipeline {started}"]
    return found


def queues_take_what_could_not_be_delivered(_: str, template: Template) -> list[str]:
    """Rules and subscriptions send to their dead-letter queue by the queue's policy, as themselves."""
    wired = {
        ("events.amazonaws.com", refers_to(target["DeadLetterConfig"]["Arn"]), str({"Fn::GetAtt": [name, "Arn"]}))
        for name, target in targets(template)
        if "DeadLetterConfig" in target
    } | {
        ("sns.amazonaws.com", refers_to(one["RedrivePolicy"]["deadLetterTargetArn"]), str(one["TopicArn"]))
        for one in of_type(template, "AWS::SNS::Subscription").values()
        if "RedrivePolicy" in one
    }
    allowed = set()
    for policy in of_type(template, "AWS::SQS::QueuePolicy").values():
        for said in of_both_sides(policy["PolicyDocument"]["Statement"]):
            if said["Effect"] == "Allow":
                source = said.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn")
                allowed.add((said["Principal"]["Service"], refers_to(said["Resource"]), str(source)))
    return [
        f"{who} may not send to {queue} from {source}" for who, queue, source in sorted(wired - allowed, key=str)
    ] + [
        f"{who} may send to {queue} from {source} and does not"
        for who, queue, source in sorted(allowed - wired, key=str)
    ]


# -- nothing is allowed that is not meant -----------------------------------------------------------------------------


@functools.cache
def actions_of_aws() -> dict[str, Any]:
    """The Service Authorization Reference as cfn-lint carries it: services, their actions, what those take."""
    path = importlib.resources.files("cfnlint.data.AdditionalSpecs") / "Policies.json"
    read: dict[str, Any] = json.loads(path.read_text())
    return read


def takes_a_resource(action: str) -> bool:
    """Whether the action does, or any that its wildcard stands for."""
    service, _, name = action.partition(":")
    meant = fnmatch.filter(actions_of_aws()[service]["Actions"], name.lower())
    assert meant, f"{action} is no action of AWS's"
    return any("Resources" in actions_of_aws()[service]["Actions"][one] for one in meant)


def unscoped(name: str, template: Template) -> set[tuple[str, str]]:
    """Where a role has the resource "*", and for which actions."""
    return {
        (f"{name} {role_name}", action)
        for role_name, role in of_type(template, "AWS::IAM::Role").items()
        for said in statements(role)
        if "*" in listed(said["Resource"])
        for action in listed(said["Action"])
    }


def unscoped_actions_have_their_reason(name: str, template: Template) -> list[str]:
    found = []
    checking = {f"{name} {role}" for role in beginners(template)}
    scoped = {action for action in FOR_PARAMETERS if takes_a_resource(action)}
    for where, action in sorted(unscoped(name, template)):
        if where in checking and action in FOR_PARAMETERS - scoped:
            continue
        meant = [one for one in UNSCOPED if fnmatch.fnmatchcase(where, one["where"]) and action in one["actions"]]
        if not meant:
            found.append(f"{where} may {action} on anything")
        if takes_a_resource(action) and not any("disputed" in one for one in meant):
            found.append(f"{where} may {action} on anything, and the action takes a resource")
    return found


def statements_name_their_actions_and_resources(_: str, template: Template) -> list[str]:
    found = []
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for said in statements(role):
            found += [f"{name} has {element}" for element in ("NotAction", "NotResource") if element in said]
            # What only reads may have a wildcard.
            found += [
                f"{name} may {action}"
                for action in listed(said.get("Action", []))
                if "*" in action and not action.endswith(":Describe*")
            ]
    for kind in ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"):
        for name, policy in of_type(template, kind).items():
            for said in of_both_sides(policy["PolicyDocument"]["Statement"]):
                if said["Effect"] == "Allow" and said["Principal"] in ("*", {"AWS": "*"}):
                    found.append(f"{name} lets in everybody")
    return found


def roles_are_their_services_alone(_: str, template: Template) -> list[str]:
    found = []
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for said in role["AssumeRolePolicyDocument"]["Statement"]:
            (service,) = listed(said["Principal"]["Service"])
            if service not in NAMES_THE_ACCOUNT | NAMES_NO_ACCOUNT:
                found.append(f"{name} is for {service}")
            condition = said.get("Condition", {}).get("StringEquals", {})
            if service in NAMES_THE_ACCOUNT and condition != {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}:
                found.append(f"{name} may be assumed for another account")
    return found


def every_function_has_a_role_of_its_own(_: str, template: Template) -> list[str]:
    used = [str(refers_to(function["Role"])) for function in of_type(template, "AWS::Lambda::Function").values()]
    return [f"{name} is shared by functions" for name in sorted(set(used)) if used.count(name) > 1]


def attached(name: str, template: Template) -> set[tuple[str, str, str]]:
    """The template, the role and the managed policy, for each that is attached."""
    return {
        (name, role_name, str(arn["Fn::Sub"] if isinstance(arn, dict) else arn).rsplit("/", 1)[1])
        for role_name, role in of_type(template, "AWS::IAM::Role").items()
        for arn in role.get("ManagedPolicyArns", [])
    }


def managed_policies_have_their_reason(name: str, template: Template) -> list[str]:
    return [f"{role} has {policy}" for _, role, policy in sorted(attached(name, template) - set(MANAGED))]


def functions_change_neither_ec2_nor_auto_scaling(_: str, template: Template) -> list[str]:
    return [
        f"{name} may {action}"
        for name, function in of_type(template, "AWS::Lambda::Function").items()
        for said in statements(role_of(template, function["Role"]))
        for action in listed(said["Action"])
        if action.partition(":")[0] in ("ec2", "autoscaling", "elasticloadbalancing")
        and not re.match("Describe|Get|List", action.partition(":")[2])
    ]


RULES: list[Rule] = [
    state_machines_may_invoke_their_functions,
    whoever_invokes_a_function_may,
    schedules_may_start_their_targets,
    functions_may_use_what_they_are_given,
    parameters_are_checked_as_whoever_begins_an_update,
    alarms_are_watched_as_whoever_begins_an_update,
    macros_run_as_whoever_begins_an_update,
    service_roles_are_passed_by_whoever_begins_an_update,
    whoever_starts_a_build_may_read_its_pipeline,
    queues_take_what_could_not_be_delivered,
    unscoped_actions_have_their_reason,
    statements_name_their_actions_and_resources,
    roles_are_their_services_alone,
    every_function_has_a_role_of_its_own,
    managed_policies_have_their_reason,
    functions_change_neither_ec2_nor_auto_scaling,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_the_templates_keep_the_rule(name: str, rule: Rule) -> None:
    assert rule(name, document(name)) == []


def test_the_reasons_are_all_needed() -> None:
    needed = {pair for name in NAMES for pair in unscoped(name, document(name))}
    for one in UNSCOPED:
        assert len(one["reason"]) > 20
        for action in one["actions"]:
            assert any(fnmatch.fnmatchcase(where, one["where"]) and action == used for where, used in needed), (
                one,
                action,
            )
    assert {one for name in NAMES for one in attached(name, document(name))} == set(MANAGED)


def test_the_functions_that_begin_an_update_are_these() -> None:
    assert set(beginners(document(OURS))) == {
        "PreviewUpdateFunctionRole",
        "UpdateStackFunctionRole",
        "RollBackFunctionRole",
    }


def test_every_type_of_parameter_that_cloudformation_has_has_its_actions() -> None:
    """cfn-lint has CloudFormation's list of types, in which each is also there as a list and as an SSM parameter's."""
    types = {kind.removeprefix("List<").partition("<")[0].rstrip(">") for kind in VALID_PARAMETER_TYPES}
    assert set(PARAMETER_TYPES) == {kind for kind in types if kind.startswith("AWS::")}
    for action in FOR_PARAMETERS:
        service, _, name = action.partition(":")
        assert name.lower() in actions_of_aws()[service]["Actions"], action


# -- each rule finds a planted violation ------------------------------------------------------------------------------


def first(template: Template, role: str) -> dict[str, Any]:
    return next(statements(properties(template, role)))


def without(role: str, action: str) -> Callable[[Template], Any]:
    """Take the action from each statement of the role."""

    def plant(template: Template) -> None:
        for said in statements(properties(template, role)):
            said["Action"] = [one for one in listed(said["Action"]) if one != action] or "sts:GetCallerIdentity"

    return plant


def everywhere(role: str, action: str, **changed: Any) -> Callable[[Template], Any]:
    """Change each statement of the role that allows the action."""

    def plant(template: Template) -> None:
        for said in statements(properties(template, role)):
            if action in listed(said["Action"]):
                said.update(changed)

    return plant


def queue_policy(template: Template) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = properties(template, "UndeliveredTriggersPolicy")["PolicyDocument"]["Statement"]
    return found


# fmt: off
PLANTED: list[tuple[str, Rule, Callable[[Template], Any], str]] = [
    (OURS, state_machines_may_invoke_their_functions,
     lambda t: first(t, "PatchStateMachineRole")["Resource"].remove({"Fn::GetAtt": ["ReadAmiFunction", "Arn"]}),
     "PatchStateMachine may not lambda:InvokeFunction ReadAmiFunction"),
    (OURS, state_machines_may_invoke_their_functions,
     lambda t: first(t, "PatchStateMachineRole")["Resource"].append({"Fn::GetAtt": ["NotifyEndingFunction", "Arn"]}),
     "PatchStateMachine may lambda:InvokeFunction NotifyEndingFunction and does not"),
    (OURS, state_machines_may_invoke_their_functions,
     lambda t: properties(t, "PatchStateMachine")["DefinitionSubstitutions"].pop("ReadAmiFunctionArn"),
     "PatchStateMachine has nothing for ${ReadAmiFunctionArn}"),
    (OURS, state_machines_may_invoke_their_functions,
     lambda t: properties(t, "PatchStateMachine")["DefinitionSubstitutions"].update(More={"Ref": "NotificationTopic"}),
     "PatchStateMachine calls NotificationTopic, which is no function"),
    (OURS, state_machines_may_invoke_their_functions,
     lambda t: properties(t, "PatchStateMachine")["DefinitionSubstitutions"].update(
         More={"Fn::GetAtt": ["NotifyFunction", "Arn"]}),
     "PatchStateMachine does not use More"),
    (OURS, whoever_invokes_a_function_may,
     lambda t: t["Resources"].pop("EndingRulePermission"),
     "events.amazonaws.com may not invoke NotifyEndingFunction"),
    (OURS, whoever_invokes_a_function_may,
     lambda t: t["Resources"].pop("BaseAmiTriggerFunctionBaseAmiPermission"),
     "sns.amazonaws.com may not invoke BaseAmiTriggerFunction"),
    (OURS, whoever_invokes_a_function_may,
     lambda t: properties(t, "EndingRulePermission").pop("SourceArn"),
     "events.amazonaws.com may invoke NotifyEndingFunction from None and does not"),
    (OURS, whoever_invokes_a_function_may,
     lambda t: properties(t, "EndingRulePermission").update(Action="lambda:*"),
     "EndingRulePermission allows lambda:*"),
    (OURS, whoever_invokes_a_function_may,
     lambda t: t["Resources"]["EndingRulePermission"].update(Condition="HasBaseAmiTopic"),
     "EndingRulePermission is not there whenever NotifyEndingFunction is"),
    (OURS, schedules_may_start_their_targets,
     lambda t: first(t, "ScheduleRole").update(Action="states:StartSyncExecution"),
     "MonthlySchedule may not states:StartExecution PatchStateMachine"),
    (OURS, schedules_may_start_their_targets,
     lambda t: properties(t, "ScheduleRole")["Policies"][0]["PolicyDocument"]["Statement"].pop(),
     "MonthlySchedule may not sqs:SendMessage UndeliveredTriggers"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: first(t, "NotifyFunctionRole").update(Action="sns:Subscribe"),
     "NotifyFunction may not sns:Publish NotificationTopic"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: first(t, "BaseAmiTriggerFunctionRole").update(Action="states:DescribeStateMachine"),
     "BaseAmiTriggerFunction may not states:StartExecution PatchStateMachine"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: first(t, "SummariseFunctionRole").update(Action="sns:Publish", Resource={"Ref": "NotificationTopic"}),
     "SummariseFunction may sns:Publish NotificationTopic and does not"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: properties(t, "NotifyFunctionRole")["Policies"].pop(),
     "NotifyFunction may not logs:PutLogEvents FunctionLogs"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: properties(t, "NotifyFunctionRole")["Policies"].pop(),
     "NotifyFunction may not xray:PutTraceSegments"),
    (OURS, functions_may_use_what_they_are_given,
     lambda t: properties(t, "NotifyEndingFunctionRole")["Policies"][0]["PolicyDocument"]["Statement"].pop(),
     "NotifyEndingFunction may not sqs:SendMessage UndeliveredTriggers"),
    (OURS, parameters_are_checked_as_whoever_begins_an_update,
     without("PreviewUpdateFunctionRole", "ec2:DescribeImages"),
     "PreviewUpdateFunctionRole may not ec2:DescribeImages"),
    (OURS, parameters_are_checked_as_whoever_begins_an_update,
     without("UpdateStackFunctionRole", "ssm:GetParameters"),
     "UpdateStackFunctionRole may not ssm:GetParameters"),
    (OURS, parameters_are_checked_as_whoever_begins_an_update,
     everywhere("RollBackFunctionRole", "ec2:DescribeKeyPairs", Action=["ec2:DescribeKeyPairs", "ec2:DescribeHosts"]),
     "RollBackFunctionRole may ec2:DescribeHosts, which no parameter needs"),
    (OURS, parameters_are_checked_as_whoever_begins_an_update,
     everywhere("RollBackFunctionRole", "route53:GetHostedZone", Resource="arn:aws:route53:::hostedzone/Z1"),
     "RollBackFunctionRole may route53:GetHostedZone on some resources only"),
    (OURS, alarms_are_watched_as_whoever_begins_an_update,
     everywhere("UpdateStackFunctionRole", "cloudwatch:DescribeAlarms", Resource={"Ref": "RollbackAlarmArns"}),
     "UpdateStackFunctionRole may not cloudwatch:DescribeAlarms"),
    (OURS, macros_run_as_whoever_begins_an_update,
     without("RollBackFunctionRole", "lambda:InvokeFunction"),
     "RollBackFunctionRole may not lambda:InvokeFunction MacroFunctionArns"),
    (OURS, macros_run_as_whoever_begins_an_update,
     everywhere("RollBackFunctionRole", "cloudformation:CreateChangeSet", Resource="arn:aws:cloudformation:*:aws:*"),
     "RollBackFunctionRole may not cloudformation:CreateChangeSet arn:${AWS::Partition}:cloudformation"),
    (OURS, service_roles_are_passed_by_whoever_begins_an_update,
     without("UpdateStackFunctionRole", "iam:PassRole"),
     "UpdateStackFunctionRole may not iam:PassRole StackRoleArns"),
    (OURS, service_roles_are_passed_by_whoever_begins_an_update,
     everywhere("PreviewUpdateFunctionRole", "iam:PassRole", Condition={}),
     "PreviewUpdateFunctionRole may pass a role to another service"),
    (OURS, whoever_starts_a_build_may_read_its_pipeline,
     without("StartImageBuildFunctionRole", "imagebuilder:GetImagePipeline"),
     "StartImageBuildFunctionRole may not imagebuilder:GetImagePipeline"),
    (OURS, queues_take_what_could_not_be_delivered,
     lambda t: queue_policy(t).pop(0),
     "events.amazonaws.com may not send to UndeliveredTriggers"),
    (OURS, queues_take_what_could_not_be_delivered,
     lambda t: queue_policy(t).pop(1),
     "sns.amazonaws.com may not send to UndeliveredTriggers"),
    (OURS, queues_take_what_could_not_be_delivered,
     lambda t: queue_policy(t)[0].pop("Condition"),
     "events.amazonaws.com may send to UndeliveredTriggers from None and does not"),
    (OURS, unscoped_actions_have_their_reason,
     lambda t: first(t, "NotifyFunctionRole").update(Resource="*"),
     "template.yaml NotifyFunctionRole may sns:Publish on anything"),
    (OURS, unscoped_actions_have_their_reason,
     lambda t: first(t, "NotifyFunctionRole").update(Resource="*"),
     "template.yaml NotifyFunctionRole may sns:Publish on anything, and the action takes a resource"),
    (OURS, statements_name_their_actions_and_resources,
     lambda t: first(t, "NotifyFunctionRole").update(Action="sns:*"),
     "NotifyFunctionRole may sns:*"),
    (OURS, statements_name_their_actions_and_resources,
     lambda t: first(t, "NotifyFunctionRole").update(NotResource="arn:aws:sns:*:*:other"),
     "NotifyFunctionRole has NotResource"),
    (OURS, statements_name_their_actions_and_resources,
     lambda t: queue_policy(t)[0].update(Principal="*"),
     "UndeliveredTriggersPolicy lets in everybody"),
    (OURS, roles_are_their_services_alone,
     lambda t: properties(t, "ScheduleRole")["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition"),
     "ScheduleRole may be assumed for another account"),
    ("network.yaml", roles_are_their_services_alone,
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
     "NotifyFunction may ec2:TerminateInstances"),
]
# fmt: on


@pytest.mark.parametrize(("name", "rule", "plant", "violation"), PLANTED, ids=[each[3] for each in PLANTED])
def test_a_planted_violation_is_found(name: str, rule: Rule, plant: Callable[[Template], Any], violation: str) -> None:
    found = violations_after(name, rule, plant)
    assert any(line.startswith(violation) for line in found), found


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for _, rule, _, _ in PLANTED} == set(RULES)
