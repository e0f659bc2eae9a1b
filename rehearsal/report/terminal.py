"""A patch run on the terminal: as it goes by, and a summary when it is over.

All times are virtual. On a terminal, a progress line per wait moves at the bottom; a file or a pipe gets the same lines
without it, and without control codes or line breaks of ours.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rehearsal.report.document import Notification, RunReport
from rehearsal.report.words import OUTCOME_TONES, clock_time, duration, plain_cause, verdict

_UNWRAPPED = 100_000
_STYLES = {"good": "bold green", "neutral": "bold", "bad": "bold red"}


class Output(Console):
    """The standard output. What goes into a file or a pipe is wrapped nowhere; when a pipe's reader has gone, the
    process ends as a command that SIGPIPE ends, whichever thread it is that writes.
    """

    def __init__(self) -> None:
        super().__init__(highlight=False, width=None if sys.stdout.isatty() else _UNWRAPPED)

    def on_broken_pipe(self) -> None:
        os._exit(128 + signal.SIGPIPE)


@dataclass
class _Loop:
    """The states that a part of the run (itself, or one target) keeps going through."""

    seen: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    rounds: int = 0
    at: float = 0.0
    status: str = ""


class LiveView:
    """Shows a run on `console` (by default the standard output); a context manager. `label` goes before each line."""

    def __init__(self, console: Console | None = None, label: str = "") -> None:
        self._console = console or Output()
        self._label = label
        # Its own thread would refresh in real time, of which the embedded AWS has none.
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._loops: dict[str | None, _Loop] = {}
        self._build_status = ""
        self._deployment_statuses: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave_loops()
        self._live.stop()

    def on_stack(self, name: str) -> None:
        """The stack `name` is about to be created, before the run."""
        self._console.print(Text.assemble(self._indented, ("stack ", "dim"), name), soft_wrap=True)

    def on_state_entered(self, name: str, at_seconds: float, target: str | None) -> None:
        """The execution entered the state `name`, `at_seconds` after its start; inside the Map, for the stack `target`.

        A state entered again is a round of a loop: the rounds are counted in one line.
        """
        loop = self._loops.setdefault(target, _Loop())
        if name in loop.seen:
            if name not in loop.names:
                self._leave_loop(target)
                loop.names = loop.seen[loop.seen.index(name) :]
            if name == loop.names[0]:
                loop.rounds += 1
            loop.at = at_seconds
            self._refresh()
            return
        self._leave_loop(target)
        loop.seen.append(name)
        self._print_line(at_seconds, target, Text(name))

    def on_build_progress(self, status: str, elapsed_seconds: float) -> None:
        """The image's build has `status` (an Image Builder image status), `elapsed_seconds` after its start."""
        if status != self._build_status:
            self._build_status = status
            self._print_progress(None, f"image {status}", elapsed_seconds)

    def on_deployment_progress(self, stack: str, status: str, elapsed_seconds: float, detail: str) -> None:
        """The update of `stack` has `status` (a stack status), `elapsed_seconds` after its start.

        `detail` is more about it, such as the signals received so far, or "".
        """
        if (status, detail) != self._deployment_statuses.get(stack):
            self._deployment_statuses[stack] = (status, detail)
            self._print_progress(stack, f"{status}  {detail}".rstrip(), elapsed_seconds)

    def on_notification(self, notification: Notification) -> None:
        """SNS published `notification`."""
        attributes = ", ".join(f"{name}={value}" for name, value in sorted(notification.attributes.items()))
        lines = [
            Text(""),
            Text.assemble(("Notification: ", "cyan"), (notification.subject, "bold")),
            Text(f"  {attributes}", style="dim"),
            *(Text(f"  {line}".rstrip()) for line in notification.message.rstrip().splitlines()),
            Text(""),
        ]
        for line in lines:
            self._console.print(line, soft_wrap=True)

    def summary(self, report: RunReport, page: Path | None = None) -> None:
        """The end of the run: the verdict first; `page` is where the report was written to."""
        self.leave_loops()
        style = {None: "bold yellow", "SUCCEEDED": "bold green"}.get(report.status, "bold red")
        cause = plain_cause(report.cause)
        headline = Text.assemble((report.status or "NOT STARTED", style), "  ", (verdict(report), "bold"))
        parts: list[Text | Table] = [headline]
        # A notification has said it already, above.
        if cause and not report.notifications:
            parts.append(Text(cause))
        if report.targets:
            parts += [Text(""), _targets(report)]
        parts += [Text(""), _numbers(report)]
        if page is not None:
            parts += [Text(""), Text(f"Report: {page}")]
        self._console.print()
        for part in parts:
            self._console.print(part, soft_wrap=isinstance(part, Text))

    def leave_loops(self) -> None:
        """Nothing more is to come of the run: show the rounds of the loops that it was in."""
        for target in list(self._loops):
            self._leave_loop(target)

    # -- lines -------------------------------------------------------------------------------------------------

    @property
    def _indented(self) -> str:
        """The beginning of a line that has no moment of the run."""
        return self._label + " " * 11

    def _print_line(self, at_seconds: float, target: str | None, text: Text) -> None:
        moment = (f"{self._label}+{clock_time(at_seconds)}  ", "dim")
        line = Text.assemble(moment, (f"{target}: " if target else "", "cyan"), text)
        self._console.print(line, soft_wrap=True)

    def _print_progress(self, target: str | None, text: str, elapsed_seconds: float) -> None:
        loop = self._loops.setdefault(target, _Loop())
        loop.status = text
        stack = f"{target}: " if target else ""
        after = f"after {duration(elapsed_seconds)}"
        line = Text.assemble(self._indented, (stack, "cyan"), (f"{text} ", "dim"), (after, "dim"))
        self._console.print(line, soft_wrap=True)
        self._refresh()

    def _leave_loop(self, target: str | None) -> None:
        loop = self._loops[target]
        if not loop.names:
            return
        rounds = f"{loop.rounds} more round" + ("" if loop.rounds == 1 else "s")
        text = Text(f"{rounds} from {loop.names[0]}", style="dim")
        loop.names, loop.rounds = [], 0
        self._refresh()
        self._print_line(loop.at, target, text)

    def _refresh(self) -> None:
        self._live.update(Group(*self._progress()), refresh=True)

    def _progress(self) -> list[Text]:
        """A line for each wait that has not ended yet."""
        return [
            Text.assemble(
                (f"+{clock_time(loop.at)}  ", "bold"),
                (f"{target}: " if target else "", "cyan"),
                f"{loop.names[0]}, round {loop.rounds + 1}",
                (f"  {loop.status}", "dim"),
                no_wrap=True,
                overflow="ellipsis",
            )
            for target, loop in self._loops.items()
            if loop.names
        ]


def _targets(report: RunReport) -> Table:
    """The outcome of each stack."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    for heading in ("Stack", "Outcome", "AMI before -> after"):
        table.add_column(heading, overflow="fold")
    for heading in ("Replaced", "Took"):
        table.add_column(heading, justify="right")
    for target in report.targets:
        table.add_row(
            Text(target.stack_name),
            _outcome(target.outcome),
            Text(_amis(target.ami_before or "-", target.ami_after or "-")),
            Text(str(target.instances_replaced)),
            Text(duration(target.seconds)),
        )
    return table


def _outcome(outcome: str | None) -> Text:
    return Text("not reached", "dim") if outcome is None else Text(outcome, _STYLES[OUTCOME_TONES[outcome]])


def _amis(before: str, after: str) -> str:
    return f"{before}\n(unchanged)" if before == after else f"{before}\n-> {after}"


def _numbers(report: RunReport) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("Virtual duration", duration(report.seconds)),
        ("  image build", duration(report.build_seconds)),
        ("  deployment", duration(report.deploy_seconds)),
        ("  beyond these", duration(report.overhead_seconds)),
        ("State transitions", str(report.transitions)),
        ("Lambda invocations", str(report.invocations)),
    ):
        table.add_row(Text(name, style="dim"), Text(value))
    return table
