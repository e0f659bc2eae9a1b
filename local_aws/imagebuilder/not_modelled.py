"""What the embedded Image Builder does not have, and the refusal of it."""

from __future__ import annotations

from local_aws.core.errors import NotModelled
from local_aws.imagebuilder.shapes import Document


class OperationNotModelled(NotModelled):
    """An operation of Image Builder, or a parameter of one, that the embedded Image Builder does not have."""


def refuse(request: Document, what: str, *members: str) -> None:
    """Raise OperationNotModelled when the request, or the part of it that is `what`, has one of `members`."""
    for name in members:
        if name in request:
            raise OperationNotModelled(f"EC2 Image Builder's '{name}' of {what} is not modelled in the embedded AWS")


def refuse_other_owners(request: Document, operation: str) -> None:
    """Raise OperationNotModelled unless a List request is for what the account owns, with an entry for each version."""
    owner = request.get("owner", "Self")
    if owner != "Self" or request.get("byName"):
        raise OperationNotModelled(
            f"EC2 Image Builder's {operation} by name, or of the owner {owner}, is not modelled in the embedded AWS"
        )
