"""What every part of the embedded AWS raises where it does not do what AWS does."""

from __future__ import annotations


class NotModelled(NotImplementedError):
    """The embedded AWS does not do what was asked of it. The message names what that is."""
