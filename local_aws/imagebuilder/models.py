"""ImageBuilderBackend class with methods for supported APIs.

A method takes the operation's request and gives its answer, both as the service's model has them; what all operations
have in common (validation, client tokens, request ids) is in `ImageBuilderBackend.perform`.

Sources: EC2 Image Builder API reference, each operation; where an answer to a bad request is not documented, the
service's errors as users reported them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from botocore.loaders import create_loader
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.utils import camelcase_to_underscores
from moto.moto_api._internal import mock_random

from local_aws.core import clock
from local_aws.iam import instance_profiles
from local_aws.imagebuilder import lifecycle
from local_aws.imagebuilder.arns import (
    latest_match,
    latest_version_references,
    normalised,
    version_arn,
    version_order,
)
from local_aws.imagebuilder.builds import MANAGED_IMAGES, Build, Image, timestamp
from local_aws.imagebuilder.components import MANAGED_COMPONENTS, component_document, component_parameters
from local_aws.imagebuilder.exceptions import (
    DryRunOperationException,
    IdempotentParameterMismatchException,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    InvalidRequestException,
    ResourceAlreadyExistsException,
    ResourceDependencyException,
    ResourceNotFoundException,
)
from local_aws.imagebuilder.logs import write_pipeline_log
from local_aws.imagebuilder.pages import page
from local_aws.imagebuilder.scans import severity_counts
from local_aws.imagebuilder.shapes import Document, check_answer, check_request, has_output
from local_aws.kms import keys
from local_aws.sns import topics

_SCANNED = {"status": "COMPLETED"}
# By what findings are counted, with the member of an ImageScanFindingAggregation.
_AGGREGATIONS = {
    "accountId": "accountAggregation",
    "imageBuildVersionArn": "imageAggregation",
    "imagePipelineArn": "imagePipelineAggregation",
}


class OperationNotModelled(NotImplementedError):
    """An operation of Image Builder, or a parameter of one, that the embedded Image Builder does not have."""


class ImageBuilderBackend(BaseBackend):  # type: ignore[misc]
    """Implementation of ImageBuilder APIs.

    Resources are documents as the Get operations give them, by ARN; a change puts a new document in place of the old.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.components: dict[str, Document] = {}
        self.image_recipes: dict[str, Document] = {}
        self.infrastructure_configurations: dict[str, Document] = {}
        self.distribution_configurations: dict[str, Document] = {}
        self.image_pipelines: dict[str, Document] = {}
        self.lifecycle_policies: dict[str, Document] = {}
        self.lifecycle_executions: dict[str, lifecycle.Execution] = {}
        self.images: dict[str, Image] = {}
        self._lifecycle_timers: dict[str, clock.Timer] = {}
        self._builds: dict[str, Build] = {}
        self._last_build_numbers: dict[str, int] = {}
        self._answers: dict[tuple[str, str], tuple[Document, Document]] = {}

    def reset(self) -> None:
        self.images.clear()  # so that builds under way stop
        for timer in self._lifecycle_timers.values():
            timer.cancel()
        super().reset()

    def perform(self, operation: str, parameters: Mapping[str, Any]) -> Document:
        """The answer to a request, for an operation by its name in the service's model, such as GetImage.

        A client token gives the first answer again when the parameters are the same.
        Raises the service's errors, OperationNotModelled, AnswerNotInModel.
        """
        method: Callable[[Document], Document] | None = getattr(self, camelcase_to_underscores(operation), None)
        if method is None:
            raise OperationNotModelled(f"EC2 Image Builder's {operation} is not modelled in the embedded AWS")
        request = check_request(operation, parameters)
        token = request.get("clientToken")
        if token is None:
            answer = method(request)
        elif (operation, token) in self._answers:
            first_request, answer = self._answers[operation, token]
            if first_request != request:
                raise IdempotentParameterMismatchException(token)
        else:
            answer = method(request)
            self._answers[operation, token] = (request, answer)
        if has_output(operation, "requestId"):
            answer = {**answer, "requestId": str(mock_random.uuid4())}
        if has_output(operation, "clientToken"):
            answer = {**answer, "clientToken": token}
        check_answer(operation, answer)
        return answer

    # -- components ---------------------------------------------------------------------------------------------------

    def create_component(self, request: Document) -> Document:
        """The same name and version again is a new build of it, unless the content is the same as well."""
        if ("data" in request) == ("uri" in request):
            raise InvalidParameterCombinationException("Exactly one of 'data' and 'uri' must be specified.")
        _refuse(request, "CreateComponent", "uri")
        self._check_key(request, "kmsKeyId")
        document = component_document(request["data"])
        version = self._arn(f"component/{normalised(request['name'])}/{request['semanticVersion']}")
        previous = latest_match(version, self.components)
        if previous is not None and self.components[previous]["data"] == request["data"]:
            raise ResourceAlreadyExistsException("Component", previous)
        arn = self._next_build(version)
        members = ("name", "description", "changeDescription", "platform", "supportedOsVersions", "data", "kmsKeyId")
        component = {
            **{name: request[name] for name in members if name in request},
            "arn": arn,
            "version": request["semanticVersion"],
            "type": "TEST" if {phase["name"] for phase in document["phases"]} == {"test"} else "BUILD",
            "parameters": component_parameters(document),
            "state": {"status": "ACTIVE"},
            "owner": self.account_id,
            "encrypted": True,
            "dateCreated": _now(),
            "tags": request.get("tags", {}),
        }
        self._create(request, self.components, component)
        self._use_build(arn)
        return {"componentBuildVersionArn": arn, "latestVersionReferences": latest_version_references(arn)}

    def get_component(self, request: Document) -> Document:
        component = self._component(request["componentBuildVersionArn"])
        return {"component": component, "latestVersionReferences": latest_version_references(component["arn"])}

    def list_components(self, request: Document) -> Document:
        _refuse_others(request, "ListComponents")
        versions = {}
        for arn in sorted(self.components, key=version_order):
            component = self.components[arn]
            members = (
                "name",
                "version",
                "description",
                "platform",
                "supportedOsVersions",
                "type",
                "owner",
                "dateCreated",
            )
            versions[version_arn(arn)] = {
                **{name: component[name] for name in members if name in component},
                "arn": version_arn(arn),
                "status": component["state"]["status"],
            }
        return page("ListComponents", request, versions.values(), "componentVersionList")

    def delete_component(self, request: Document) -> Document:
        arn = request["componentBuildVersionArn"]
        self._existing(self.components, arn)
        used = {
            latest_match(configuration["componentArn"], self.components)
            for recipe in self.image_recipes.values()
            for configuration in recipe.get("components", [])
        }
        self._delete(self.components, arn, is_used=arn in used)
        return {"componentBuildVersionArn": arn}

    # -- image recipes ------------------------------------------------------------------------------------------------

    def create_image_recipe(self, request: Document) -> Document:
        if "x" in request["semanticVersion"]:
            raise OperationNotModelled(
                f"EC2 Image Builder's automatic versions ({request['semanticVersion']}) of image recipes are not "
                "modelled in the embedded AWS"
            )
        _refuse(request, "CreateImageRecipe", "amiWatermarks")
        for index, mapping in enumerate(request.get("blockDeviceMappings", [])):
            _refuse(mapping, "a block device mapping", "virtualName")
            _refuse(mapping.get("ebs", {}), "a block device mapping", "snapshotId")
            self._check_key(mapping.get("ebs", {}), "kmsKeyId", f"blockDeviceMappings[{index}].ebs.")
        self._check_parent_image(request["parentImage"])
        arn = self._arn(f"image-recipe/{normalised(request['name'])}/{request['semanticVersion']}")
        if arn in self.image_recipes:
            raise ResourceAlreadyExistsException("ImageRecipe", arn)
        platform = "Linux"
        for configuration in request.get("components", []):
            named = configuration["componentArn"]
            if not _is_managed(named):
                platform = self._component(named)["platform"]
            elif named.split("/")[1] not in MANAGED_COMPONENTS:
                raise OperationNotModelled(
                    f"the Amazon-managed component {named} is not modelled in the embedded AWS, only "
                    f"{', '.join(MANAGED_COMPONENTS)}"
                )
        members = (
            "name",
            "description",
            "components",
            "parentImage",
            "blockDeviceMappings",
            "workingDirectory",
            "additionalInstanceConfiguration",
            "amiTags",
        )
        recipe = {
            **{name: request[name] for name in members if name in request},
            "arn": arn,
            "version": request["semanticVersion"],
            "platform": platform,
            "owner": self.account_id,
            "workingDirectory": request.get("workingDirectory", "/tmp"),
            "dateCreated": _now(),
            "tags": request.get("tags", {}),
        }
        self._create(request, self.image_recipes, recipe)
        return {"imageRecipeArn": arn, "latestVersionReferences": latest_version_references(arn)}

    def get_image_recipe(self, request: Document) -> Document:
        recipe = self._recipe(request["imageRecipeArn"])
        return {"imageRecipe": recipe, "latestVersionReferences": latest_version_references(recipe["arn"])}

    def list_image_recipes(self, request: Document) -> Document:
        _refuse_others(request, "ListImageRecipes")
        members = ("arn", "name", "platform", "owner", "parentImage", "dateCreated", "tags")
        summaries = [{name: recipe[name] for name in members} for recipe in self.image_recipes.values()]
        return page("ListImageRecipes", request, summaries, "imageRecipeSummaryList")

    def delete_image_recipe(self, request: Document) -> Document:
        return self._delete_unused(request, "imageRecipeArn", self.image_recipes)

    # -- infrastructure configurations --------------------------------------------------------------------------------

    def create_infrastructure_configuration(self, request: Document) -> Document:
        return self._create_configuration(
            request, "infrastructure-configuration", self.infrastructure_configurations, self._infrastructure(request)
        )

    def update_infrastructure_configuration(self, request: Document) -> Document:
        return self._update_configuration(
            request, "infrastructure-configuration", self.infrastructure_configurations, self._infrastructure(request)
        )

    def get_infrastructure_configuration(self, request: Document) -> Document:
        arn = request["infrastructureConfigurationArn"]
        return {"infrastructureConfiguration": self._existing(self.infrastructure_configurations, arn)}

    def list_infrastructure_configurations(self, request: Document) -> Document:
        members = (
            "arn",
            "name",
            "description",
            "dateCreated",
            "dateUpdated",
            "resourceTags",
            "tags",
            "instanceTypes",
            "instanceProfileName",
            "placement",
        )
        return page(
            "ListInfrastructureConfigurations",
            request,
            [
                {name: configuration[name] for name in members if name in configuration}
                for configuration in self.infrastructure_configurations.values()
            ],
            "infrastructureConfigurationSummaryList",
        )

    def delete_infrastructure_configuration(self, request: Document) -> Document:
        return self._delete_unused(request, "infrastructureConfigurationArn", self.infrastructure_configurations)

    def _infrastructure(self, request: Document) -> Document:
        _refuse(request, "an infrastructure configuration", "parentInstance")
        if "snsTopicArn" in request:
            self._check_topic(request["snsTopicArn"])
        if not instance_profiles.exists(self.account_id, self.region_name, request["instanceProfileName"]):
            raise InvalidParameterValueException(
                "instanceProfileName", "The provided instance profile does not exist. Specify a different one."
            )
        if "subnetId" in request and not request.get("securityGroupIds"):
            raise InvalidParameterCombinationException("'securityGroupIds' must be specified with 'subnetId'.")
        return {"terminateInstanceOnFailure": True, "terminateInstanceOnCompletion": True, **_settings_of(request)}

    def _check_topic(self, arn: str) -> None:
        if arn.endswith(".fifo"):
            raise InvalidParameterValueException("snsTopicArn", "FIFO topics are not supported.")
        if not topics.exists(self.account_id, self.region_name, arn):
            raise InvalidParameterValueException("snsTopicArn", "The topic does not exist.")

    # -- distribution configurations ----------------------------------------------------------------------------------

    def create_distribution_configuration(self, request: Document) -> Document:
        return self._create_configuration(
            request, "distribution-configuration", self.distribution_configurations, self._distribution(request)
        )

    def update_distribution_configuration(self, request: Document) -> Document:
        return self._update_configuration(
            request, "distribution-configuration", self.distribution_configurations, self._distribution(request)
        )

    def get_distribution_configuration(self, request: Document) -> Document:
        arn = request["distributionConfigurationArn"]
        return {"distributionConfiguration": self._existing(self.distribution_configurations, arn)}

    def list_distribution_configurations(self, request: Document) -> Document:
        members = ("arn", "name", "description", "dateCreated", "dateUpdated", "tags")
        return page(
            "ListDistributionConfigurations",
            request,
            [
                {name: configuration[name] for name in members if name in configuration}
                | {"regions": [distribution["region"] for distribution in configuration["distributions"]]}
                for configuration in self.distribution_configurations.values()
            ],
            "distributionConfigurationSummaryList",
        )

    def delete_distribution_configuration(self, request: Document) -> Document:
        return self._delete_unused(request, "distributionConfigurationArn", self.distribution_configurations)

    def _distribution(self, request: Document) -> Document:
        for index, distribution in enumerate(request["distributions"]):
            _refuse(
                distribution,
                "a distribution",
                "containerDistributionConfiguration",
                "fastLaunchConfigurations",
                "launchTemplateConfigurations",
                "licenseConfigurationArns",
                "s3ExportConfiguration",
            )
            self._check_distribution(distribution, f"distributions[{index}]")
        # AWS answers with a timeout that it does not use and that cannot be set.
        return {"timeoutMinutes": 60, **_settings_of(request)}

    def _check_distribution(self, distribution: Document, path: str) -> None:
        if distribution["region"] not in REGIONS:
            raise InvalidParameterValueException(f"{path}.region", f"'{distribution['region']}' is no Region.")
        if len(distribution) == 1:
            raise InvalidParameterValueException(
                path, "One or more outputs should be provided for each region in a distribution configuration."
            )
        configuration = distribution.get("amiDistributionConfiguration", {})
        _refuse(
            configuration.get("launchPermission", {}),
            "a launch permission",
            "organizationArns",
            "organizationalUnitArns",
        )
        if "imagebuilder:buildDate" not in configuration.get("name", "{{ imagebuilder:buildDate }}"):
            raise InvalidParameterValueException(
                f"{path}.amiDistributionConfiguration.name", "It must include {{ imagebuilder:buildDate }}."
            )
        targets = configuration.get("targetAccountIds", [self.account_id])
        for index, parameter in enumerate(distribution.get("ssmParameterConfigurations", [])):
            if parameter.get("amiAccountId", self.account_id) not in targets:
                raise InvalidParameterValueException(
                    f"{path}.ssmParameterConfigurations[{index}].amiAccountId",
                    "The account must be a target account of the distribution.",
                )

    # -- image pipelines ----------------------------------------------------------------------------------------------

    def create_image_pipeline(self, request: Document) -> Document:
        return self._create_configuration(request, "image-pipeline", self.image_pipelines, self._pipeline(request))

    def update_image_pipeline(self, request: Document) -> Document:
        return self._update_configuration(request, "image-pipeline", self.image_pipelines, self._pipeline(request))

    def get_image_pipeline(self, request: Document) -> Document:
        return {"imagePipeline": self._described_pipeline(request["imagePipelineArn"])}

    def list_image_pipelines(self, request: Document) -> Document:
        described = [self._described_pipeline(arn) for arn in self.image_pipelines]
        return page("ListImagePipelines", request, described, "imagePipelineList")

    def delete_image_pipeline(self, request: Document) -> Document:
        """The images of the pipeline stay, and its builds go on."""
        arn = request["imagePipelineArn"]
        self._existing(self.image_pipelines, arn)
        self._delete(self.image_pipelines, arn, is_used=False)
        return {"imagePipelineArn": arn}

    def start_image_pipeline_execution(self, request: Document) -> Document:
        """Whatever the pipeline's status: a disabled one only does not run by its schedule."""
        pipeline = self._existing(self.image_pipelines, request["imagePipelineArn"])
        image = self._start_build(pipeline, tags=request.get("tags", {}), pipeline_arn=pipeline["arn"])
        write_pipeline_log(pipeline, self.account_id, self.region_name, f"Started the build of image {image.arn}")
        return {"imageBuildVersionArn": image.arn}

    def _pipeline(self, request: Document) -> Document:
        _refuse(request, "an image pipeline", "schedule", "workflows")
        self._check_build_settings(request)
        recipe = self._recipe(request["imageRecipeArn"])
        return {
            "status": "ENABLED",
            "platform": recipe["platform"],
            **_settings_of(request),
            **_build_settings(request),
        }

    def _described_pipeline(self, arn: str) -> Document:
        pipeline = self._existing(self.image_pipelines, arn)
        images = [image for image in self.images.values() if image.document.get("sourcePipelineArn") == arn]
        if not images:
            return pipeline
        last = images[-1]
        return {**pipeline, "dateLastRun": last.document["dateCreated"], "lastRunStatus": last.status}

    # -- images -------------------------------------------------------------------------------------------------------

    def create_image(self, request: Document) -> Document:
        _refuse(request, "CreateImage", "workflows")
        self._check_build_settings(request)
        configuration = {**request, **_build_settings(request)}
        image = self._start_build(configuration, tags=request.get("tags", {}), pipeline_arn=None)
        return {"imageBuildVersionArn": image.arn, "latestVersionReferences": latest_version_references(image.arn)}

    def get_image(self, request: Document) -> Document:
        """An ARN without a build number, or with wildcards, means the latest build that is AVAILABLE."""
        arn = request["imageBuildVersionArn"]
        available = [known for known, image in self.images.items() if image.status == "AVAILABLE"]
        image = self._image(arn if arn in self.images else latest_match(arn, available) or arn)
        return {"image": image.describe(), "latestVersionReferences": latest_version_references(image.arn)}

    def list_images(self, request: Document) -> Document:
        _refuse_others(request, "ListImages")
        versions = {}
        members = ("name", "type", "platform", "dateCreated", "buildType")
        for image in self.images.values():
            arn = version_arn(image.arn)
            versions[arn] = {
                **{name: image.document[name] for name in members},
                "arn": arn,
                "version": arn.split("/")[2],
                "owner": self.account_id,
            }
        return page("ListImages", request, versions.values(), "imageVersionList")

    def list_image_build_versions(self, request: Document) -> Document:
        """Newest first; AWS documents no order."""
        version = request.get("imageVersionArn")
        images = [image for image in self.images.values() if version in (None, version_arn(image.arn))]
        summaries = [image.summary() for image in reversed(images)]
        return page("ListImageBuildVersions", request, summaries, "imageSummaryList")

    def list_image_pipeline_images(self, request: Document) -> Document:
        """Newest first; AWS documents no order. None for a pipeline that does not exist."""
        arn = request["imagePipelineArn"]
        images = [image for image in self.images.values() if image.document.get("sourcePipelineArn") == arn]
        summaries = [image.summary() for image in reversed(images)]
        return page("ListImagePipelineImages", request, summaries, "imageSummaryList")

    def list_image_packages(self, request: Document) -> Document:
        packages = self._image(request["imageBuildVersionArn"]).packages()
        return page("ListImagePackages", request, packages, "imagePackageList", "packageName")

    def list_workflow_executions(self, request: Document) -> Document:
        """The build and test workflows; distribution is not told apart."""
        arn = request["imageBuildVersionArn"]
        executions = self._image(arn).workflow_executions()
        return {
            **page("ListWorkflowExecutions", request, executions, "workflowExecutions", "workflowExecutionId"),
            "imageBuildVersionArn": arn,
        }

    def cancel_image_creation(self, request: Document) -> Document:
        """The image is CANCELLED some time after the answer."""
        image = self._image(request["imageBuildVersionArn"])
        if not image.is_building:
            raise InvalidRequestException(
                f"The image '{image.arn}' cannot be cancelled: it is in the terminal state {image.status}."
            )
        self._builds[image.arn].cancel()
        return {"imageBuildVersionArn": image.arn}

    def retry_image(self, request: Document) -> Document:
        """The build goes on where it stopped."""
        image = self._image(request["imageBuildVersionArn"])
        if self._builds[image.arn].resumable_state is None:
            raise InvalidRequestException(
                f"The image '{image.arn}' cannot be retried: it has not failed or been cancelled in its test or "
                f"distribution phase, and is in state {image.status}."
            )
        self._builds[image.arn].retry()
        return {"imageBuildVersionArn": image.arn}

    def delete_image(self, request: Document) -> Document:
        """The AMIs of the image stay."""
        image = self._image(request["imageBuildVersionArn"])
        if image.is_building:
            raise ResourceDependencyException(f"The image '{image.arn}' is being built, in state {image.status}.")
        self._forget_image(image.arn)
        return {"imageBuildVersionArn": image.arn}

    def _forget_image(self, arn: str) -> None:
        del self.images[arn], self._builds[arn]

    def _start_build(self, configuration: Document, tags: dict[str, str], pipeline_arn: str | None) -> Image:
        """`configuration` is a pipeline, or a CreateImage request with its defaults."""
        recipe = self._recipe(configuration["imageRecipeArn"])
        arn = self._next_build(self._arn(f"image/{normalised(recipe['name'])}/{recipe['version']}"))
        document = {
            "arn": arn,
            "type": "AMI",
            "name": recipe["name"],
            "version": "/".join(arn.split("/")[2:]),
            "platform": recipe["platform"],
            "enhancedImageMetadataEnabled": configuration["enhancedImageMetadataEnabled"],
            "imageRecipe": recipe,
            "infrastructureConfiguration": self._existing(
                self.infrastructure_configurations, configuration["infrastructureConfigurationArn"]
            ),
            "imageTestsConfiguration": configuration["imageTestsConfiguration"],
            "dateCreated": _now(),
            "tags": tags,
            "buildType": "USER_INITIATED",
        }
        if "distributionConfigurationArn" in configuration:
            document["distributionConfiguration"] = self._existing(
                self.distribution_configurations, configuration["distributionConfigurationArn"]
            )
        if pipeline_arn is not None:
            document["sourcePipelineArn"] = pipeline_arn
        for name in ("executionRole", "imageScanningConfiguration"):
            if name in configuration:
                document[name] = configuration[name]
        # A pipeline has a group for each of two logs, a CreateImage request the image's alone.
        logging = configuration.get("loggingConfiguration", {})
        group = logging.get("imageLogGroupName", logging.get("logGroupName"))
        if group is not None:
            document["loggingConfiguration"] = {"logGroupName": group}
        image = Image(document, self.account_id, self.region_name, clock.current().time())
        self.images[arn] = image
        self._use_build(arn)
        components = [self._component_build(named["componentArn"]) for named in recipe.get("components", [])]
        self._builds[arn] = Build(image, self.images, components)
        self._builds[arn].start()
        return image

    def _check_build_settings(self, request: Document) -> None:
        """What pipelines and CreateImage refer to: one recipe, and things that exist."""
        if ("imageRecipeArn" in request) == ("containerRecipeArn" in request):
            raise InvalidParameterCombinationException(
                "Exactly one of 'imageRecipeArn' and 'containerRecipeArn' must be specified."
            )
        _refuse(request, "a build", "containerRecipeArn")
        self._recipe(request["imageRecipeArn"])
        self._existing(self.infrastructure_configurations, request["infrastructureConfigurationArn"])
        if "distributionConfigurationArn" in request:
            self._existing(self.distribution_configurations, request["distributionConfigurationArn"])
        for group in request.get("loggingConfiguration", {}).values():
            if not group.startswith("/aws/imagebuilder/") and "executionRole" not in request:
                raise InvalidParameterCombinationException(
                    f"'executionRole' must be specified for the log group '{group}', which does not start with "
                    "/aws/imagebuilder/."
                )
        scanning = request.get("imageScanningConfiguration", {})
        _refuse(
            scanning, "an image scanning configuration", "ecrConfiguration", "imageScanningTypes", "scanResultCondition"
        )
        if (
            scanning.get("imageScanningEnabled")
            and not _build_settings(request)["imageTestsConfiguration"]["imageTestsEnabled"]
        ):
            raise InvalidParameterCombinationException("'imageScanningEnabled' requires that image tests are enabled.")

    # -- scans --------------------------------------------------------------------------------------------------------

    def list_image_scan_finding_aggregations(self, request: Document) -> Document:
        wanted = request.get("filter", {"name": "accountId", "values": [self.account_id]})
        scanned = [image for image in self.images.values() if image.describe().get("scanState") == _SCANNED]
        kind = wanted.get("name")
        if kind not in _AGGREGATIONS:
            raise OperationNotModelled(
                f"EC2 Image Builder's scan findings by {kind} are not modelled in the embedded AWS, only by "
                f"{', '.join(_AGGREGATIONS)}"
            )
        responses = []
        for key in wanted.get("values", []):
            arns = [image.arn for image in scanned if self._finding_keys(image)[kind] == key]
            if arns:
                responses.append({_AGGREGATIONS[kind]: {kind: key, "severityCounts": severity_counts(arns)}})
        return {"aggregationType": kind, "responses": responses}

    def _finding_keys(self, image: Image) -> Document:
        return {
            "accountId": self.account_id,
            "imageBuildVersionArn": image.arn,
            "imagePipelineArn": image.document.get("sourcePipelineArn"),
        }

    # -- lifecycle policies -------------------------------------------------------------------------------------------

    def create_lifecycle_policy(self, request: Document) -> Document:
        arn = self._arn(f"lifecycle-policy/{normalised(request['name'])}")
        policy = self._lifecycle_policy(request, arn)
        answer = self._create_configuration(request, "lifecycle-policy", self.lifecycle_policies, policy)
        self._schedule_lifecycle(arn)
        return answer

    def update_lifecycle_policy(self, request: Document) -> Document:
        arn = request["lifecyclePolicyArn"]
        if request["resourceType"] != self._existing(self.lifecycle_policies, arn)["resourceType"]:
            raise InvalidRequestException("The 'resourceType' of a lifecycle policy cannot be changed.")
        policy = self._lifecycle_policy(request, arn)
        answer = self._update_configuration(request, "lifecycle-policy", self.lifecycle_policies, policy)
        self._schedule_lifecycle(arn)
        return answer

    def get_lifecycle_policy(self, request: Document) -> Document:
        return {"lifecyclePolicy": self._described_policy(request["lifecyclePolicyArn"])}

    def list_lifecycle_policies(self, request: Document) -> Document:
        members = (
            "arn",
            "name",
            "description",
            "status",
            "executionRole",
            "resourceType",
            "dateCreated",
            "dateUpdated",
            "dateLastRun",
            "tags",
        )
        described = [self._described_policy(arn) for arn in self.lifecycle_policies]
        summaries = [{name: policy[name] for name in members if name in policy} for policy in described]
        return page("ListLifecyclePolicies", request, summaries, "lifecyclePolicySummaryList")

    def delete_lifecycle_policy(self, request: Document) -> Document:
        """What the policy has done stays done, and its executions can still be listed."""
        arn = request["lifecyclePolicyArn"]
        self._existing(self.lifecycle_policies, arn)
        self._delete(self.lifecycle_policies, arn, is_used=False)
        self._schedule_lifecycle(arn)
        return {"lifecyclePolicyArn": arn}

    def get_lifecycle_execution(self, request: Document) -> Document:
        return {"lifecycleExecution": self._execution(request).document}

    def list_lifecycle_executions(self, request: Document) -> Document:
        """Newest first; AWS documents no order. An image has none: StartResourceStateUpdate is not modelled."""
        arn = request["resourceArn"]
        if ":lifecycle-policy/" not in arn and ":image/" not in arn:
            raise InvalidRequestException("'resourceArn' must be a lifecycle policy's or an image build version's.")
        documents = [execution.document for execution in reversed(self.lifecycle_executions.values())]
        mine = [document for document in documents if document["lifecyclePolicyArn"] == arn]
        return page("ListLifecycleExecutions", request, mine, "lifecycleExecutions", "lifecycleExecutionId")

    def list_lifecycle_execution_resources(self, request: Document) -> Document:
        """The images, or the AMIs of the image that is named."""
        execution = self._execution(request)
        parent = request.get("parentResourceId")
        resources = execution.images if parent is None else execution.outputs.get(parent, [])
        return {
            **page("ListLifecycleExecutionResources", request, resources, "resources", "resourceId"),
            "lifecycleExecutionId": request["lifecycleExecutionId"],
            "lifecycleExecutionState": execution.document["state"],
        }

    def _lifecycle_policy(self, request: Document, arn: str) -> Document:
        if request["resourceType"] != "AMI_IMAGE":
            raise OperationNotModelled(
                f"EC2 Image Builder's lifecycle policies for {request['resourceType']} are not modelled in the "
                "embedded AWS, only those for AMI_IMAGE"
            )
        for detail in request["policyDetails"]:
            _refuse(detail["action"].get("includeResources", {}), "a lifecycle action", "containers")
            if detail["action"]["type"] != "DELETE":
                raise OperationNotModelled(
                    f"EC2 Image Builder's lifecycle action {detail['action']['type']} is not modelled in the embedded "
                    "AWS, only DELETE"
                )
        lifecycle.check_policy(request, arn)
        return {"status": "ENABLED", **_settings_of(request)}

    def _described_policy(self, arn: str) -> Document:
        policy = self._existing(self.lifecycle_policies, arn)
        runs = [each.document for each in self.lifecycle_executions.values()]
        last = [run["startTime"] for run in runs if run["lifecyclePolicyArn"] == arn][-1:]
        dates = {name: datetime.fromisoformat(policy[name]) for name in ("dateCreated", "dateUpdated")}
        return {**policy, **dates, **({"dateLastRun": last[0]} if last else {})}

    def _execution(self, request: Document) -> lifecycle.Execution:
        execution_id = request["lifecycleExecutionId"]
        if execution_id not in self.lifecycle_executions:
            raise ResourceNotFoundException(execution_id)
        return self.lifecycle_executions[execution_id]

    def _schedule_lifecycle(self, arn: str) -> None:
        """Have the policy executed once a day while it is enabled; a change of it leaves the time of day as it is."""
        enabled = self.lifecycle_policies.get(arn, {}).get("status") == "ENABLED"
        if not enabled and arn in self._lifecycle_timers:
            self._lifecycle_timers.pop(arn).cancel()
        if enabled and arn not in self._lifecycle_timers:
            self._lifecycle_timers[arn] = clock.current().call_later(
                lifecycle.EXECUTION_INTERVAL, lambda: self._execute_lifecycle(arn), f"lifecycle policy {arn}"
            )

    def _execute_lifecycle(self, arn: str) -> None:
        if arn not in self.lifecycle_policies:
            return  # moto was reset
        del self._lifecycle_timers[arn]
        policy, images = self.lifecycle_policies[arn], list(self.images.values())
        execution = lifecycle.execute(policy, images, self._forget_image)
        self.lifecycle_executions[execution.document["lifecycleExecutionId"]] = execution
        self._schedule_lifecycle(arn)

    # -- tags ---------------------------------------------------------------------------------------------------------

    def list_tags_for_resource(self, request: Document) -> Document:
        return {"tags": self._tagged(request["resourceArn"])["tags"]}

    def tag_resource(self, request: Document) -> Document:
        resource = self._tagged(request["resourceArn"])
        resource["tags"] = {**resource["tags"], **request["tags"]}
        return {}

    def untag_resource(self, request: Document) -> Document:
        resource = self._tagged(request["resourceArn"])
        resource["tags"] = {key: value for key, value in resource["tags"].items() if key not in request["tagKeys"]}
        return {}

    def _tagged(self, arn: str) -> Document:
        if arn in self.images:
            return self.images[arn].document
        for resources in (
            self.components,
            self.image_recipes,
            self.infrastructure_configurations,
            self.distribution_configurations,
            self.image_pipelines,
            self.lifecycle_policies,
        ):
            if arn in resources:
                return resources[arn]
        raise ResourceNotFoundException(arn)

    # -- what the operations share ------------------------------------------------------------------------------------

    def _arn(self, resource: str) -> str:
        return f"arn:{self.partition}:imagebuilder:{self.region_name}:{self.account_id}:{resource}"

    def _next_build(self, version: str) -> str:
        """The ARN of the next build of a version."""
        return f"{version}/{self._last_build_numbers.get(version, 0) + 1}"

    def _use_build(self, arn: str) -> None:
        """The build number is taken: it is never given again, even when the build is deleted."""
        version, number = arn.rsplit("/", 1)
        self._last_build_numbers[version] = int(number)

    def _existing(self, resources: Mapping[str, Document], arn: str) -> Document:
        if arn not in resources:
            raise ResourceNotFoundException(arn)
        return resources[arn]

    def _image(self, arn: str) -> Image:
        if arn not in self.images:
            raise ResourceNotFoundException(arn)
        return self.images[arn]

    def _recipe(self, arn: str) -> Document:
        return self._existing(self.image_recipes, latest_match(arn, self.image_recipes) or arn)

    def _component(self, arn: str) -> Document:
        if _is_managed(arn):
            raise OperationNotModelled(f"the document of the Amazon-managed component {arn} is not in the embedded AWS")
        return self._existing(self.components, latest_match(arn, self.components) or arn)

    def _component_build(self, arn: str) -> str:
        """The ARN of the component build that a recipe's component ARN means now."""
        if _is_managed(arn):
            prefix, name = arn.split("/")[:2]
            return f"{prefix}/{name}/{MANAGED_COMPONENTS[name]}/1"
        return str(self._component(arn)["arn"])

    def _check_key(self, settings: Document, name: str, path: str = "") -> None:
        """Refuse a KMS key that does not exist in the Region."""
        if name in settings and keys.arn_of(self.account_id, self.region_name, settings[name]) is None:
            raise InvalidParameterValueException(f"{path}{name}", f"The KMS key '{settings[name]}' does not exist.")

    def _check_parent_image(self, named: str) -> None:
        """Only the form: what it means is looked up when a build starts."""
        if named.startswith(("ami-", "ssm:")):
            return
        if ":image/" not in named:
            raise OperationNotModelled(
                f"the parent image {named} is not modelled in the embedded AWS: only AMIs (ami-...), SSM parameters "
                "(ssm:...) and Image Builder images (arn:...:image/...) are"
            )
        if _is_managed(named) and named.split("/")[1] not in MANAGED_IMAGES:
            raise OperationNotModelled(
                f"the Amazon-managed image {named} is not modelled in the embedded AWS, only "
                f"{', '.join(MANAGED_IMAGES)}"
            )

    def _create(self, request: Document, resources: dict[str, Document], resource: Document) -> None:
        if request.get("dryRun"):
            raise DryRunOperationException()
        resources[resource["arn"]] = resource

    def _create_configuration(
        self, request: Document, kind: str, resources: dict[str, Document], configuration: Document
    ) -> Document:
        """`kind` is the resource's type in ARNs: `image-pipeline`."""
        arn = self._arn(f"{kind}/{normalised(request['name'])}")
        if arn in resources:
            raise ResourceAlreadyExistsException(_pascal(kind), arn)
        now = _now()
        resource = {"tags": {}, **configuration, "arn": arn, "dateCreated": now, "dateUpdated": now}
        self._create(request, resources, resource)
        return {f"{_camel(kind)}Arn": arn}

    def _update_configuration(
        self, request: Document, kind: str, resources: dict[str, Document], configuration: Document
    ) -> Document:
        """The request replaces everything; what it leaves out is reset."""
        parameter = f"{_camel(kind)}Arn"
        arn = request[parameter]
        kept = {name: self._existing(resources, arn)[name] for name in ("arn", "name", "dateCreated", "tags")}
        resources[arn] = {**configuration, **kept, "dateUpdated": _now()}
        del resources[arn][parameter]
        return {parameter: arn}

    def _delete_unused(self, request: Document, parameter: str, resources: dict[str, Document]) -> Document:
        """Delete what pipelines refer to by `parameter`, unless one does."""
        arn = request[parameter]
        self._existing(resources, arn)
        self._delete(
            resources, arn, is_used=any(pipeline.get(parameter) == arn for pipeline in self.image_pipelines.values())
        )
        return {parameter: arn}

    def _delete(self, resources: dict[str, Document], arn: str, is_used: bool) -> None:
        if is_used:
            raise ResourceDependencyException(f"The resource ARN '{arn}' has other resources depended on it.")
        del resources[arn]


def _build_settings(request: Document) -> Document:
    """The settings of a build that have defaults."""
    tests = {"imageTestsEnabled": True, "timeoutMinutes": 720, **request.get("imageTestsConfiguration", {})}
    return {
        "enhancedImageMetadataEnabled": request.get("enhancedImageMetadataEnabled", True),
        "imageTestsConfiguration": tests,
    }


def _settings_of(request: Document) -> Document:
    """What a request says of the resource itself."""
    return {name: value for name, value in request.items() if name not in ("clientToken", "dryRun")}


def _refuse(request: Document, what: str, *members: str) -> None:
    """Raises OperationNotModelled when the request has one of `members`."""
    for name in members:
        if name in request:
            raise OperationNotModelled(f"EC2 Image Builder's '{name}' of {what} is not modelled in the embedded AWS")


def _refuse_others(request: Document, operation: str) -> None:
    """A list has only what the account owns, one entry for each version."""
    owner = request.get("owner", "Self")
    if owner != "Self" or request.get("byName"):
        raise OperationNotModelled(
            f"EC2 Image Builder's {operation} by name, or of the owner {owner}, is not modelled in the embedded AWS"
        )


def _is_managed(arn: str) -> bool:
    return arn.split(":")[4] == "aws"


def _camel(kind: str) -> str:
    return kind[0] + _pascal(kind)[1:]


def _pascal(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("-"))


def _now() -> str:
    return timestamp(clock.current().time())


# botocore's endpoint data has no Regions for Image Builder: every Region has it.
REGIONS = [
    region for partition in create_loader().load_data("endpoints")["partitions"] for region in partition["regions"]
]

imagebuilder_backends = BackendDict(
    ImageBuilderBackend, "imagebuilder", use_boto3_regions=False, additional_regions=REGIONS
)
