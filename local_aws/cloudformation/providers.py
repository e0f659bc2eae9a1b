"""Who makes, changes and removes the resources of each type: moto's models, API calls, and the corrections to moto.

The corrections are the deletions and attributes that moto's models lack, and updates that moto would do by deleting
the resource and making another.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.cloudformation.parsing import generate_resource_name
from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import ServiceException
from moto.ec2.models.core import TaggedEC2Resource

from local_aws.autoscaling import groups as autoscaling
from local_aws.cloudformation import schemas
from local_aws.cloudformation.types import TYPES
from local_aws.core import faults
from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceFailed, names
from local_aws.core.resources import Request, Resource
from local_aws.ec2.tags import all_tags

GROUP = "AWS::AutoScaling::AutoScalingGroup"

# moto's models of these exist but do not do what the type does.
_UNUSABLE = {"AWS::CloudFormation::Stack"}
# moto updates these by making them again under the same name, which loses nothing.
_SAFELY_MADE_AGAIN = {
    "AWS::Route53::RecordSet",
    "AWS::SSM::Document",
}
# moto updates these in place.
_UPDATED_IN_PLACE = {
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Logs::ResourcePolicy",
    "AWS::StepFunctions::StateMachine",
}
# What the models of moto do something with. The others of moto's types take what they like and drop the rest.
_PROPERTIES = {
    GROUP: names(
        "AutoScalingGroupName AvailabilityZones Cooldown DesiredCapacity HealthCheckGracePeriod HealthCheckType "
        "LaunchConfigurationName LaunchTemplate LoadBalancerNames MaxSize MinSize MixedInstancesPolicy "
        "NewInstancesProtectedFromScaleIn Tags TargetGroupARNs TerminationPolicies VPCZoneIdentifier"
    ),
    "AWS::StepFunctions::StateMachine": names(
        "Definition DefinitionS3Location DefinitionString DefinitionSubstitutions EncryptionConfiguration "
        "LoggingConfiguration RoleArn StateMachineName StateMachineType Tags TracingConfiguration"
    ),
}
# What `autoscaling.modify` leaves as it is.
_GROUP_KEEPS = names("AvailabilityZones Cooldown LoadBalancerNames TerminationPolicies")


@functools.cache
def _moto_models(count: int) -> dict[str, Any]:
    """moto's models by resource type. `count` is the number of classes: one imported later is found."""
    del count
    models = {str(model.cloudformation_type()): model for model in CloudFormationModel.__subclasses__()}
    return {name: model for name, model in models.items() if name not in _UNUSABLE}


def _moto_model(resource_type: str) -> Any:
    return _moto_models(len(CloudFormationModel.__subclasses__())).get(resource_type)


def is_modelled(resource_type: str) -> bool:
    """Whether the embedded AWS has resources of the type."""
    return resource_type in TYPES or _moto_model(resource_type) is not None


def name_property(resource_type: str) -> str | None:
    """The property by which a template may name a resource of the type."""
    if resource_type in TYPES:
        return TYPES[resource_type].name_property
    named: str | None = _moto_model(resource_type).cloudformation_name_type()
    return named or None


def name_for(resource_type: str, stack_name: str, logical_id: str, properties: dict[str, Any]) -> str:
    """The name of a new resource: the template's, or one made of the stack's name and the logical id."""
    named = name_property(resource_type)
    if named and named in properties:
        return str(properties[named])
    return str(generate_resource_name(resource_type, stack_name, logical_id))


def create(request: Request) -> tuple[str, dict[str, Any], Any]:
    """Make the resource; give its physical id, its attributes, and its model in moto.

    Raises ResourceFailed with the service's own error.
    """
    with _failures(request):
        _check_properties(request)
        if request.type in TYPES:
            physical_id, attributes = TYPES[request.type].create(request)
            return physical_id, attributes, None
        document = _document(request)
        if request.type == GROUP:
            autoscaling.add_tags(document["Properties"], request)
        model = _moto_model(request.type).create_from_cloudformation_json(
            request.name,
            document,
            request.account_id,
            request.region,
            LogicalId=request.logical_id,
            StackId=request.stack_id,
            ResourceType=request.type,
        )
        if isinstance(model, TaggedEC2Resource):
            model.add_tags(all_tags(request))
        return _physical_id(request, model), {}, model


def update(request: Request, resource: Resource) -> None:
    """Change the resource to the request's properties, where it is.

    Raises ResourceFailed with the service's own error, NotModelled when only AWS itself could do it.
    """
    with _failures(request):
        _check_properties(request)
        if request.type in TYPES:
            _update_by_api(request, resource)
        elif request.type == GROUP:
            _check_group_update(request, resource)
            autoscaling.modify(resource.model, request, resource.request)
        elif request.type in _UPDATED_IN_PLACE | _SAFELY_MADE_AGAIN:
            resource.model = _moto_model(request.type).update_from_cloudformation_json(
                original_resource=resource.model,
                new_resource_name=resource.request.name,
                cloudformation_json=_document(request),
                account_id=request.account_id,
                region_name=request.region,
            )
        else:
            raise NotModelled(f"the embedded AWS does not model the update of an {request.type} in place")
        if resource.model is not None:
            if isinstance(resource.model, TaggedEC2Resource):
                resource.model.add_tags(all_tags(request))
            if _physical_id(request, resource.model) != resource.physical_id:
                raise NotModelled(f"the embedded AWS changed the identity of an {request.type} in an update in place")


def delete(resource: Resource) -> None:
    """Remove the resource.

    Raises ResourceFailed with the service's own error, NotModelled when only AWS itself could do it.
    """
    request = resource.request
    with _failures(request):
        if request.type in TYPES:
            TYPES[request.type].delete(request, resource)
        elif request.type == GROUP:
            autoscaling.delete(resource.model)
        elif _implements(_moto_model(request.type), "delete_from_cloudformation_json"):
            _moto_model(request.type).delete_from_cloudformation_json(
                resource.physical_id, _document(request), request.account_id, request.region
            )
        elif hasattr(resource.model, "delete"):
            resource.model.delete(request.account_id, request.region)
        else:
            raise NotModelled(f"the embedded AWS does not model the deletion of an {request.type}")


def attribute(resource: Resource, name: str) -> Any:
    """What Fn::GetAtt gives.

    Raises ResourceFailed when the type has no such attribute, NotModelled when only AWS itself could tell.
    """
    if name in resource.attributes:
        return resource.attributes[name]
    own = _ATTRIBUTES.get((resource.definition.type, name))
    if own is not None:
        return own(resource.model)
    if hasattr(resource.model, "get_cfn_attribute"):
        try:
            found = resource.model.get_cfn_attribute(name)
        except (UnformattedGetAttTemplateException, NotImplementedError, KeyError):
            found = None
        if found is not None:
            return found
    if name == schemas.primary_identifier(resource.definition.type):
        return resource.physical_id
    published = schemas.schema(resource.definition.type).get("readOnlyProperties", [])
    if published and f"/properties/{name.replace('.', '/')}" not in published:
        raise ResourceFailed(
            f"Template error: resource {resource.logical_id} does not support attribute type {name} in Fn::GetAtt"
        )
    raise NotModelled(f"the embedded AWS does not model the attribute {name} of an {resource.definition.type}")


@contextmanager
def _failures(request: Request) -> Iterator[None]:
    """Turns the services' errors into the failure of the resource, in CloudFormation's words.

    A scenario's faults do not strike inside: these calls are CloudFormation's, not the run's.
    """
    try:
        with faults.spared():
            yield
    except (ResourceFailed, NotModelled):
        raise
    except ClientError as error:
        raise _service_error(request, error.response["Error"]["Code"], error.response["Error"]["Message"]) from error
    except ServiceException as error:
        raise _service_error(request, error.code, error.message) from error
    except ParamValidationError as error:
        raise ResourceFailed(f"Properties validation failed for resource of type {request.type}: {error}") from error
    except Exception as error:
        # moto's models trip over templates in many ways; none of them may leave a stack half way.
        raise NotModelled(
            f"the embedded AWS failed at the {request.type}, with {type(error).__name__}: {error}"
        ) from error


def _service_error(request: Request, code: str, text: str) -> ResourceFailed:
    service = request.type.split("::")[1]
    return ResourceFailed(
        f'Resource handler returned message: "{text} (Service: {service}, Status Code: 400)" (HandlerErrorCode: {code})'
    )


def _implements(model: Any, method: str) -> bool:
    return model is not None and not getattr(getattr(model, method), "__isabstractmethod__", False)


def _document(request: Request) -> dict[str, Any]:
    # moto's models change what they are given.
    return {"Type": request.type, "Properties": copy.deepcopy(request.properties)}


def _check_properties(request: Request) -> None:
    """Raise NotModelled when the request gives a property that nothing would be done with."""
    api = TYPES.get(request.type)
    known = api.properties if api is not None else _PROPERTIES.get(request.type)
    unknown = [] if known is None else sorted(request.properties.keys() - known)
    if unknown:
        raise NotModelled(f"the embedded AWS does not model {', '.join(unknown)} of an {request.type}")


def _check_group_update(request: Request, resource: Resource) -> None:
    old = resource.request.properties
    changed = sorted(name for name in _GROUP_KEEPS if request.properties.get(name) != old.get(name))
    if changed:
        raise NotModelled(f"the embedded AWS does not model the change of {', '.join(changed)} of an {GROUP}")


def _physical_id(request: Request, model: Any) -> str:
    return str(getattr(model, "physical_resource_id", request.name))


def _update_by_api(request: Request, resource: Resource) -> None:
    api = TYPES[request.type]
    if api.update is not None:
        api.update(request, resource)
    elif api.repeatable:
        api.create(request)
    else:
        raise NotModelled(f"the embedded AWS does not model the update of an {request.type} in place")


# -- corrections ------------------------------------------------------------------------------------------------


_ATTRIBUTES: dict[tuple[str, str], Callable[[Any], Any]] = {
    (GROUP, "AutoScalingGroupARN"): lambda model: model.arn,
}
