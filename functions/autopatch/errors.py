"""The errors that the state machine catches and people read, by the names that Step Functions shows.

Every message says what was expected, what was found and what to do about it.
"""


class AutopatchError(Exception):
    """The base of every error that this application raises."""


class InvalidInput(AutopatchError):
    """The execution was started with an invalid input."""


class InvalidDocument(AutopatchError):
    """A task was given a document that this version does not pass between its states."""


class ConfigError(AutopatchError):
    """AMI Autopatch is deployed incorrectly: a variable is wrong, or names something that does not exist."""


class ImageBuildFailed(AutopatchError):
    """The image build ended in a status other than AVAILABLE."""


class ImageBuildTimedOut(AutopatchError):
    """The image build did not end before its deadline."""


class ImageHasNoAmi(AutopatchError):
    """The image is available, but not as one AMI in this account and Region."""


class TargetNotReady(AutopatchError):
    """An application stack cannot be updated as it is."""


class UnexpectedChanges(AutopatchError):
    """The update would change more than the instances of the stack; it was not started."""


class DeploymentFailed(AutopatchError):
    """The stack update failed; CloudFormation has rolled it back, unless the message says otherwise."""


class DeploymentTimedOut(AutopatchError):
    """The stack update did not end before its deadline, and was cancelled where that was possible."""


class RollbackFailed(AutopatchError):
    """The stack update or the verification failed, and so did the rollback: an operator is needed."""


class StackMovedOn(AutopatchError):
    """Somebody else has changed the stack's AMI since this run's update: the way back leaves the stack alone."""


class VerificationFailed(AutopatchError):
    """The stack was updated, and instances that run the AMI do not serve."""


class PatchIncomplete(AutopatchError):
    """The stack was updated, and not all its instances run the AMI; none of those that do has failed."""


class NotificationFailed(AutopatchError):
    """The notification could not be published."""


class AnswerLost(AutopatchError):
    """SNS was asked to publish, and its answer was lost: it may have published, and is asked only once more."""


class UnknownStatus(AutopatchError):
    """AWS answered with a status that this version does not know; it counts neither as success nor as in progress."""


class AwsCallFailed(AutopatchError):
    """AWS refused a call, and would refuse it again."""


class TransientAwsFault(AutopatchError):
    """AWS could not serve a call just now; a look is repeated until its deadline, and every task for a while."""
