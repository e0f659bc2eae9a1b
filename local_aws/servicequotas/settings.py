"""The quotas of the account."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ServiceQuotasSettings:
    """The account's quotas; the defaults leave room.

    `standard_virtual_cpus` is how many vCPUs may run in On-Demand Standard instances. With `standard_is_default`, it is
    AWS's default, beside which no value was applied to the account.
    """

    standard_virtual_cpus: int = 256
    standard_is_default: bool = False
