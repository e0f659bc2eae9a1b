"""CloudFormation: stacks whose operations take time, roll back and can be watched, over moto's resources.

`local_aws.seams.cloudformation.install()` puts it in the place of moto's own.
"""

from local_aws.cloudformation.control import occupy, operations
from local_aws.cloudformation.settings import (
    CloudFormationSettings,
    CloudFormationSettingsError,
    StackBehaviour,
    configure,
    settings,
)

__all__ = [
    "CloudFormationSettings",
    "CloudFormationSettingsError",
    "StackBehaviour",
    "configure",
    "occupy",
    "operations",
    "settings",
]
