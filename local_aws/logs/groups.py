"""Log groups, as the services that write to them see them."""

from __future__ import annotations

from collections.abc import Sequence

from moto.logs.models import LogsBackend, logs_backends

from local_aws.core.guard import expect_attributes, expect_parameters

expect_attributes(LogsBackend, "ensure_log_group", "create_log_stream")
expect_parameters(LogsBackend.put_log_events, "self", "log_group_name", "log_stream_name", "log_events")


def write(account: str, region: str, group: str, stream: str, lines: Sequence[tuple[float, str]]) -> None:
    """Write lines to a stream, each at its moment (seconds since the epoch); group and stream are made if missing."""
    backend = logs_backends[account][region]
    backend.ensure_log_group(group)
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    events = [{"timestamp": int(moment * 1000), "message": line} for moment, line in lines]
    backend.put_log_events(group, stream, events)
