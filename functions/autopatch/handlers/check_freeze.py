"""Find out whether a run may begin: no change calendar is closed, and the base image is not held."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from autopatch.base_images import BaseImages
from autopatch.change_calendars import ChangeCalendars
from autopatch.contracts import Execution, Freeze, Run
from autopatch.freezing import freeze
from autopatch.holds import Holds
from autopatch.settings import FreezeSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()


@cache
def _calendars() -> ChangeCalendars:
    return ChangeCalendars.create()


@cache
def _base_images() -> BaseImages:
    return BaseImages.create()


@cache
def _holds() -> Holds:
    return Holds.create(FreezeSettings.from_env().hold_path)


@logger.inject_lambda_context(correlation_id_path="execution.id")
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    execution, run = Execution.from_event(event["execution"]), Run.from_event(event["run"])
    checked = check_freeze(
        execution, run, FreezeSettings.from_env(), _calendars(), _base_images, _holds(), datetime.now(UTC)
    ).to_event()
    logger.info("checked whether the run may begin", freeze=checked)
    return checked


def check_freeze(
    execution: Execution,
    run: Run,
    settings: FreezeSettings,
    calendars: ChangeCalendars,
    base_images: Callable[[], BaseImages],
    holds: Holds,
    now: datetime,
) -> Freeze:
    """OPEN, WAIT or SKIP; a held base image is only asked for where something is to be built."""
    frozen = freeze(settings, calendars, execution.started_at, now)
    if frozen.status != "OPEN" or run.ami_id is not None:
        return frozen
    held = holds.all()
    if not held:
        return frozen
    parent = base_images().parent_of(run.pipeline_arn)
    hold = next((hold for hold in held if hold.covers(parent.ami_id, parent.name)), None)
    if hold is None:
        return frozen
    return Freeze("SKIP", f"the parent image {parent.name or parent.ami_id} is {hold}; {hold.release}")
