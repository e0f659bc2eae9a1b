"""CloudFormation's API, in the shape of a moto response class: requests are parsed and answered by botocore's model.

Source: CloudFormation API Reference, the page of each action. An action that is not here is not modelled; moto answers
it with NotImplementedError, which names it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from local_aws.cloudformation import answers, parameters, rules, stack_policies, transforms
from local_aws.cloudformation.change_sets import ChangeSet
from local_aws.cloudformation.errors import InsufficientCapabilities, ValidationError
from local_aws.cloudformation.models import CloudFormationBackend, cloudformation_backends
from local_aws.cloudformation.parameters import ParameterValue
from local_aws.cloudformation.stacks import Inputs, Stack
from local_aws.cloudformation.template import Template, parse
from local_aws.cloudformation.template_urls import read_text
from local_aws.cloudformation.validation import (
    check_attributes,
    check_body,
    check_capabilities,
    check_name,
    check_role,
    check_rollback_triggers,
    check_sizes,
    check_template,
)

_PAGE = 100
_MOST_BYTES = 1_000_000
"""How large a template in S3 may be: the quota of 1 MB, as the text has it that AWS refuses a larger one with."""


class CloudFormationResponse(BaseResponse):  # type: ignore[misc]
    """Answers the requests to CloudFormation."""

    def __init__(self) -> None:
        super().__init__(service_name="cloudformation")
        self.automated_parameter_parsing = True

    @property
    def backend(self) -> CloudFormationBackend:
        backend: CloudFormationBackend = cloudformation_backends[self.current_account][self.region]
        return backend

    # -- operations on stacks -----------------------------------------------------------------------------------

    def create_stack(self) -> ActionResult:
        check_name(self._get_param("StackName"), "stackName")
        template = self._template(None)
        self._acknowledge(template)
        inputs = self._inputs(template, None)
        if self._get_param("OnFailure") and self._get_param("DisableRollback") is not None:
            raise ValidationError("You can specify either DisableRollback or OnFailure, but not both.")
        disabled = bool(self._get_param("DisableRollback", False))
        self._refuse_express_mode()
        stack, operation = self.backend.create_stack(
            self._get_param("StackName"),
            inputs,
            token=self._get_param("ClientRequestToken"),
            request=self._request_text(),
            on_failure=self._get_param("OnFailure") or ("DO_NOTHING" if disabled else "ROLLBACK"),
            attributes={
                "disable_rollback": disabled,
                "termination_protection": bool(self._get_param("EnableTerminationProtection", False)),
                "timeout_in_minutes": self._get_param("TimeoutInMinutes"),
                "policy": self._stack_policy(),
            },
        )
        return ActionResult({"StackId": stack.stack_id, "OperationId": operation.id})

    def update_stack(self) -> ActionResult:
        stack = self.backend.get_live(self._get_param("StackName"))
        self._refuse_express_mode()
        template = self._template(stack)
        self._acknowledge(template)
        inputs = self._inputs(template, stack)
        operation = self.backend.update_stack(
            stack,
            inputs,
            token=self._get_param("ClientRequestToken"),
            request=self._request_text(),
            disable_rollback=bool(self._get_param("DisableRollback", False)),
            new_policy=self._stack_policy(),
            policy_during_update=self._stack_policy("DuringUpdate"),
        )
        return ActionResult({"StackId": stack.stack_id, "OperationId": operation.id})

    def cancel_update_stack(self) -> ActionResult:
        self.backend.cancel_update(self._get_param("StackName"), self._get_param("ClientRequestToken"))
        return EmptyResult()

    def continue_update_rollback(self) -> ActionResult:
        self.backend.continue_rollback(
            self._get_param("StackName"),
            list(self._get_param("ResourcesToSkip", [])),
            self._get_param("ClientRequestToken"),
        )
        return EmptyResult()

    def rollback_stack(self) -> ActionResult:
        stack, operation = self.backend.roll_back(self._get_param("StackName"), self._get_param("ClientRequestToken"))
        return ActionResult({"StackId": stack.stack_id, "OperationId": operation.id})

    def delete_stack(self) -> ActionResult:
        stack = self.backend.find(self._get_param("StackName"))
        if stack is not None:
            role_arn = self._get_param("RoleARN") or stack.inputs.role_arn
            check_role(role_arn, stack.stack_id, self.current_account)
        self.backend.delete_stack(
            self._get_param("StackName"),
            list(self._get_param("RetainResources", [])),
            self._get_param("ClientRequestToken"),
        )
        return EmptyResult()

    def signal_resource(self) -> ActionResult:
        self.backend.signal(
            self._get_param("StackName"),
            self._get_param("LogicalResourceId"),
            self._get_param("UniqueId"),
            self._get_param("Status"),
        )
        return EmptyResult()

    def update_termination_protection(self) -> ActionResult:
        stack = self.backend.get(self._get_param("StackName"))
        stack.termination_protection = bool(self._get_param("EnableTerminationProtection"))
        return ActionResult({"StackId": stack.stack_id})

    def get_stack_policy(self) -> ActionResult:
        stack = self.backend.get(self._get_param("StackName"))
        return ActionResult({"StackPolicyBody": stack.effective_policy})

    def set_stack_policy(self) -> ActionResult:
        stack, policy = self.backend.get_live(self._get_param("StackName")), self._stack_policy()
        if policy is not None:
            stack.policy = policy
        return EmptyResult()

    def _stack_policy(self, when: str = "") -> str | None:
        """The stack policy that the request gives, as its text or by its URL; None when it gives none."""
        body_name, url_name = f"StackPolicy{when}Body", f"StackPolicy{when}URL"
        body, url = self._get_param(body_name), self._get_param(url_name)
        if body is not None and url is not None:
            raise ValidationError(f"You cannot specify both {url_name} and {body_name}")
        if url is not None:
            body = read_text(url, self.current_account, url_name)
        return None if body is None else stack_policies.check(body)

    # -- stacks, as they are ------------------------------------------------------------------------------------

    def describe_stacks(self) -> ActionResult:
        name = self._get_param("StackName")
        stacks = [self.backend.get(name)] if name else list(self.backend.stacks.values())
        page, token = self._page(stacks)
        return ActionResult({"Stacks": [answers.stack(stack) for stack in page], "NextToken": token})

    def list_stacks(self) -> ActionResult:
        statuses = self._get_param("StackStatusFilter", [])
        stacks = [*self.backend.stacks.values(), *self.backend.remembered()]
        page, token = self._page([stack for stack in stacks if not statuses or stack.status in statuses])
        return ActionResult(
            {
                "StackSummaries": [
                    {**answers.stack(stack), "TemplateDescription": stack.inputs.template.description} for stack in page
                ],
                "NextToken": token,
            }
        )

    def describe_stack_events(self) -> ActionResult:
        name = self._get_param("StackName")
        stack = self.backend.find(name) if name else None
        if stack is None:
            raise ValidationError(f"Stack [{name}] does not exist")
        page, token = self._page(stack.events[::-1])
        return ActionResult({"StackEvents": [answers.stack_event(stack, event) for event in page], "NextToken": token})

    def describe_events(self) -> ActionResult:
        stack = self._stack_of_events()
        operation_id = self._get_param("OperationId")
        failed_only = bool((self._get_param("Filters") or {}).get("FailedEvents", False))
        events = [event for event in stack.events if operation_id in (None, event.operation_id)]
        if failed_only:
            events = [event for event in events if event.status.endswith("_FAILED")]
        page, token = self._page(events[::-1])
        kinds = {operation.id: operation.kind for operation in reversed(stack.operations)}
        return ActionResult(
            {
                "OperationEvents": [
                    answers.operation_event(stack, event, kinds.get(event.operation_id, "UPDATE_STACK"))
                    for event in page
                ],
                "NextToken": token,
            }
        )

    def list_hook_results(self) -> ActionResult:
        """Nobody can register a Hook here, so none was invoked."""
        target = {name: self._get_param(name) for name in ("TargetType", "TargetId")}
        return ActionResult({**target, "HookResults": []})

    def _stack_of_events(self) -> Stack:
        name, operation_id = self._get_param("StackName"), self._get_param("OperationId")
        if name:
            return self.backend.get(name)
        for stack in [*self.backend.stacks.values(), *self.backend.remembered()]:
            if any(operation.id == operation_id for operation in stack.operations):
                return stack
        raise ValidationError(f"Operation [{operation_id}] does not exist")

    def describe_stack_resource(self) -> ActionResult:
        stack, logical_id = self.backend.get(self._get_param("StackName")), self._get_param("LogicalResourceId")
        if logical_id not in stack.resources:
            raise ValidationError(f"Resource {logical_id} does not exist for stack {stack.name}")
        resource = stack.resources[logical_id]
        metadata = resource.definition.metadata
        detail = {
            **answers.resource(stack, resource),
            "Metadata": None if metadata is None else json.dumps(metadata, default=str),
        }
        return ActionResult({"StackResourceDetail": detail})

    def describe_stack_resources(self) -> ActionResult:
        name, physical_id = self._get_param("StackName"), self._get_param("PhysicalResourceId")
        logical_id = self._get_param("LogicalResourceId")
        if name:
            stack = self.backend.get(name)
        else:
            owners = [
                stack
                for stack in self.backend.stacks.values()
                if any(resource.physical_id == physical_id for resource in stack.resources.values())
            ]
            if not owners:
                raise ValidationError(f"Stack for {physical_id} does not exist")
            stack = owners[0]
        resources = [resource for resource in stack.resources.values() if logical_id in (None, resource.logical_id)]
        if logical_id and not resources:
            raise ValidationError(f"Resource {logical_id} does not exist for stack {stack.name}")
        return ActionResult({"StackResources": [answers.resource(stack, resource) for resource in resources]})

    def list_stack_resources(self) -> ActionResult:
        stack = self.backend.get(self._get_param("StackName"))
        page, token = self._page(list(stack.resources.values()))
        return ActionResult(
            {
                "StackResourceSummaries": [answers.resource(stack, resource) for resource in page],
                "NextToken": token,
            }
        )

    def get_template(self) -> ActionResult:
        name, change_set_name = self._get_param("StackName"), self._get_param("ChangeSetName")
        stages, stage = ["Original", "Processed"], self._get_param("TemplateStage", "Processed")
        if change_set_name:
            change_set = self.backend.find_change_set(change_set_name, name)
            template = change_set.inputs.template
            if change_set.status == "CREATE_IN_PROGRESS" or template.failure is not None:
                stages.remove("Processed")
        else:
            template = self.backend.get(name).inputs.template
        processed = stage == "Processed" and stage in stages
        body = template.body if processed else template.as_submitted.body
        return ActionResult({"TemplateBody": body, "StagesAvailable": stages})

    def get_template_summary(self) -> ActionResult:
        name = self._get_param("StackName")
        if not name:
            return ActionResult(answers.summary(self._template(None, check=False)))
        stack = self.backend.get(name)
        if stack.status == "REVIEW_IN_PROGRESS":
            raise ValidationError("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
        return ActionResult(answers.summary(stack.inputs.template.as_submitted))

    def validate_template(self) -> ActionResult:
        return ActionResult(answers.summary(self._template(None)))

    def list_exports(self) -> ActionResult:
        page, token = self._page(self.backend.exports.all())
        exports = [
            {"ExportingStackId": stack.stack_id, "Name": output.export_name, "Value": output.value}
            for stack, output in page
        ]
        return ActionResult({"Exports": exports, "NextToken": token})

    def list_imports(self) -> ActionResult:
        name = self._get_param("ExportName")
        page, token = self._page([stack.name for stack in self.backend.exports.importers(name)])
        if not page:
            raise ValidationError(f"Export '{name}' is not imported by any stack.")
        return ActionResult({"Imports": list(page), "NextToken": token})

    # -- change sets --------------------------------------------------------------------------------------------

    def create_change_set(self) -> ActionResult:
        name, kind = self._get_param("StackName"), self._get_param("ChangeSetType", "UPDATE")
        if kind not in ("CREATE", "UPDATE"):
            raise ValidationError(f"the embedded AWS does not model change sets of the type {kind}")
        if mode := self._get_param("DeploymentMode"):
            raise ValidationError(f"the embedded AWS does not model change sets with the deployment mode {mode}")
        self._refuse_express_mode()
        on_failure = self._get_param("OnStackFailure")
        if (kind, on_failure) == ("UPDATE", "DELETE"):
            raise ValidationError("expected OnStackFailure DELETE with a change set of the type CREATE, found UPDATE")
        check_name(self._get_param("ChangeSetName"), "changeSetName")
        if kind == "UPDATE":
            stack = self.backend.get_live(name)
            self.backend.check_updatable(stack)
            template = self._template(stack)
            inputs = self._inputs(template, stack)
            self._acknowledge_in_change_set(template)
        else:
            check_name(name, "stackName")
            template = self._template(None)
            inputs = self._inputs(template, None)
            existing = self.backend.find(name)
            if existing is not None and existing.status not in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
                raise ValidationError(
                    f"Stack [{name}] already exists and cannot be created again with the changeSet "
                    f"[{self._get_param('ChangeSetName')}]."
                )
            self._acknowledge_in_change_set(template)
            stack = self.backend.new_stack_in_review(name, inputs)
        change_set = self.backend.create_change_set(
            self._get_param("ChangeSetName"),
            kind,
            stack,
            inputs,
            self._get_param("Description"),
            on_failure=on_failure,
            includes_nested_stacks=bool(self._get_param("IncludeNestedStacks", False)),
            imports_existing_resources=bool(self._get_param("ImportExistingResources", False)),
        )
        return ActionResult({"Id": change_set.id, "StackId": stack.stack_id})

    def describe_change_set(self) -> ActionResult:
        change_set = self._change_set()
        with_values = bool(self._get_param("IncludePropertyValues", False))
        all_changes = change_set.changes if change_set.status == "CREATE_COMPLETE" else []
        shown = [change.with_values if with_values else change.plain for change in all_changes]
        page, token = self._page([change for change in shown if change is not None])
        # With values, a complete change set may have a warning.
        warning = change_set.warning if with_values and all_changes else None
        inputs = change_set.inputs
        return ActionResult(
            {
                **answers.change_set(change_set),
                "StatusReason": warning or change_set.status_reason,
                "Parameters": parameters.described(inputs.template, inputs.parameters),
                "Tags": [{"Key": key, "Value": value} for key, value in inputs.tags.items()],
                "Capabilities": list(inputs.capabilities),
                "NotificationARNs": list(inputs.notification_arns),
                "RollbackConfiguration": dict(inputs.rollback_configuration),
                "Changes": [{"Type": "Resource", "ResourceChange": change} for change in page],
                "NextToken": token,
                "IncludeNestedStacks": change_set.includes_nested_stacks,
                "ImportExistingResources": change_set.imports_existing_resources or None,
                "OnStackFailure": change_set.on_failure,
            }
        )

    def list_change_sets(self) -> ActionResult:
        stack = self.backend.get(self._get_param("StackName"))
        change_sets = [change_set for change_set in self.backend.change_sets.values() if change_set.stack is stack]
        page, token = self._page(change_sets)
        return ActionResult({"Summaries": [answers.change_set(change_set) for change_set in page], "NextToken": token})

    def execute_change_set(self) -> ActionResult:
        change_set, disabled = self._change_set(), self._get_param("DisableRollback")
        if disabled is not None and change_set.on_failure is not None:
            raise ValidationError("You can specify either DisableRollback or OnStackFailure, but not both.")
        on_failure = change_set.on_failure or ("DO_NOTHING" if disabled else "ROLLBACK")
        self.backend.execute_change_set(change_set, self._get_param("ClientRequestToken"), on_failure)
        return EmptyResult()

    def delete_change_set(self) -> ActionResult:
        del self.backend.change_sets[self._change_set().id]
        return EmptyResult()

    def _change_set(self) -> ChangeSet:
        return self.backend.find_change_set(self._get_param("ChangeSetName"), self._get_param("StackName"))

    # -- the parts of a request ---------------------------------------------------------------------------------

    def _template(self, stack: Stack | None, *, check: bool = True) -> Template:
        body, url = self._get_param("TemplateBody"), self._get_param("TemplateURL")
        previous = bool(self._get_param("UsePreviousTemplate", False))
        if previous and (body or url):
            raise ValidationError("You cannot specify both usePreviousTemplate and Template Body/Template URL.")
        if previous and stack is not None:
            return stack.inputs.template.as_submitted
        if body:
            check_body(body)
        if url:
            body = read_text(url, self.current_account, "TemplateURL")
            if len(body.encode()) > _MOST_BYTES:
                raise ValidationError(f"Template may not exceed {_MOST_BYTES} bytes in size.")
        if not body:
            raise ValidationError("Either Template URL or Template Body must be specified.")
        template = parse(body)
        rules.check_syntax(template)
        transforms.check_known(template)
        if check and not template.transforms:
            check_template(template)
            check_attributes(template)
        return template

    def _acknowledge(self, template: Template) -> None:
        check_capabilities(template, self._get_param("Capabilities", []))

    def _acknowledge_in_change_set(self, template: Template) -> None:
        """CAPABILITY_AUTO_EXPAND is for operations on stacks; what else is required is known after the transforms."""
        if not template.transforms:
            self._acknowledge(template)

    def _processed(self, template: Template, values: Mapping[str, ParameterValue]) -> Template:
        """The template after its transforms. When they fail, or what they make is refused, it has that as its failure.

        CloudFormation runs transforms after it has answered the request.
        """
        if not template.transforms:
            return template
        try:
            processed = transforms.process(template, values, self.region)
            check_template(processed)
            check_attributes(processed)
            self._acknowledge(processed)
        except (ValidationError, InsufficientCapabilities) as error:
            return replace(template, submitted=template, failure=error.message)
        return processed

    def _inputs(self, template: Template, stack: Stack | None) -> Inputs:
        """What the request makes of the stack. What it leaves out stays as it is, but for the parameters."""
        old = stack.inputs if stack is not None else None

        def given(name: str, kept: Any, otherwise: Any) -> Any:
            value = self._get_param(name)
            if value is not None:
                return value
            return kept if old is not None else otherwise

        tags = self._get_param("Tags")
        check_sizes(tags or [], self._get_param("Parameters", []))
        arns = given("NotificationARNs", old and old.notification_arns, ())
        role_arn = given("RoleARN", old and old.role_arn, None)
        new_stack = f"arn:aws:cloudformation:{self.region}:{self.current_account}:stack/{self._get_param('StackName')}/"
        check_role(role_arn, new_stack if stack is None else stack.stack_id, self.current_account)
        rollback = given("RollbackConfiguration", old and old.rollback_configuration, {})
        check_rollback_triggers(rollback.get("RollbackTriggers", []))
        values = parameters.resolve(
            template,
            self._get_param("Parameters", []),
            old.parameters if old is not None else None,
            self.current_account,
            self.region,
        )
        rules.check(template, values, self.current_account, self.region)
        return Inputs(
            template=self._processed(template, values),
            parameters=values,
            tags={tag["Key"]: tag["Value"] for tag in tags} if tags is not None else dict(old.tags) if old else {},
            capabilities=tuple(self._get_param("Capabilities", [])),
            notification_arns=tuple(arns),
            role_arn=role_arn,
            rollback_configuration=dict(rollback),
        )

    def _request_text(self) -> str:
        """The request without its token, as a text that is the same for the same request."""
        parameters = {key: value for key, value in self.params.items() if key != "ClientRequestToken"}
        return json.dumps(parameters, sort_keys=True, default=str)

    def _refuse_express_mode(self) -> None:
        mode = (self._get_param("DeploymentConfig") or {}).get("Mode")
        if mode not in (None, "STANDARD"):
            raise ValidationError(f"the embedded AWS does not model the deployment mode {mode}")

    def _page(self, items: Sequence[Any]) -> tuple[Sequence[Any], str | None]:
        try:
            start = int(self._get_param("NextToken") or 0)
        except ValueError:
            raise ValidationError("Invalid NextToken") from None
        following = start + _PAGE
        return items[start:following], str(following) if following < len(items) else None
