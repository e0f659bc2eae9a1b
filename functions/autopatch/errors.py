"""The errors that the state machine catches and a person reads, by the names that Step Functions shows.

Every message says what was expected, what was found and what to do about it.
"""


class AutopatchError(Exception):
    """The base of every error that this application raises on purpose."""


class InvalidInput(AutopatchError):
    """The execution was started with an input that cannot be meant."""


class InvalidDocument(AutopatchError):
    """What a task was given is not what this version of the application passes between its states."""


class ConfigError(AutopatchError):
    """The deployment is set up wrongly: an environment variable, or something that one names."""


class ImageBuildFailed(AutopatchError):
    """The image build ended, and not in AVAILABLE."""


class ImageBuildTimedOut(AutopatchError):
    """The image build did not end before its deadline."""


class ImageHasNoAmi(AutopatchError):
    """The image is available, but not as one AMI in this account and Region."""


class TargetNotReady(AutopatchError):
    """An application stack cannot be updated as it is."""


class UnexpectedChanges(AutopatchError):
    """The update would change more than the instances of the stack; it has not been made."""


class DeploymentFailed(AutopatchError):
    """The stack update failed; CloudFormation has rolled it back, unless the message says otherwise."""


class DeploymentTimedOut(AutopatchError):
    """The stack update did not end before its deadline, and was cancelled where that was possible."""


class RollbackFailed(AutopatchError):
    """The stack update failed and so did its rollback: a person is needed."""


class VerificationFailed(AutopatchError):
    """The stack was updated, but its instances are not what they should be."""


class NotificationFailed(AutopatchError):
    """The notification could not be published."""


class UnknownStatus(AutopatchError):
    """AWS answered with a status that this version does not know; it is taken neither for success nor for waiting."""


class AwsCallFailed(AutopatchError):
    """AWS refused a call for a reason that trying again does not mend."""


class TransientAwsFault(AutopatchError):
    """AWS could not serve a call just now; the state machine tries again."""
