"""The discrete-event clock of the embedded AWS.

Everything in the embedded AWS that takes time is a *task*: a thread that runs only while it holds the clock's one
turn. A task gives the turn back when it sleeps, waits for an event or ends; the clock then moves virtual time to the
next due moment and hands the turn to the task that is due, first come first served. So nothing really sleeps, one
task runs at a time, and two runs of the same calls are the same to the second.

With a `speed`, virtual time runs at that multiple of real time instead, less the time that tasks really
work, and threads that come from outside, such as those of an HTTP server, take their turn with `Clock.turn()`.

`time-machine` carries virtual time to `datetime.now()` and `time.time()`, so that every timestamp agrees.
"""

from __future__ import annotations

import heapq
import itertools
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

import time_machine


class ClockError(Exception):
    """The embedded AWS's clock was used wrongly or cannot go on."""


class ClockStalled(ClockError):
    """Everything waits for an event, and nothing is due that could set it."""


class TaskFailed(ClockError):
    """A task of the embedded AWS ended in an unhandled exception: a defect of the embedded AWS."""


class ClockClosed(SystemExit):
    """Unwinds the tasks that still wait when the clock is closed; `threading` ignores a SystemExit."""


@dataclass(eq=False)
class _Waiter:
    """A thread that waits for its turn."""

    name: str
    gate: threading.Lock = field(default_factory=threading.Lock)
    entry: int = -1
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.gate.acquire()


class Event:
    """`threading.Event` in virtual time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._flag = False
        self._waiters: list[_Waiter] = []

    def is_set(self) -> bool:
        return self._flag

    def set(self) -> None:
        self._flag = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            self._clock._make_due(waiter)

    def clear(self) -> None:
        self._flag = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the event is set, for at most `timeout` virtual seconds; return whether it is set."""
        if not self._flag:
            self._clock._pause(timeout, self)
        return self._flag


class Timer:
    """A call in the future, as `Clock.call_later` returns it."""

    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Virtual time, and the turns of those who live in it.

    `start` is the first moment (an aware datetime). `speed` is None for discrete time, or the number of virtual
    seconds in a real one. Use it as a context manager: the thread that enters it holds the turn.
    """

    def __init__(self, start: datetime, speed: float | None = None) -> None:
        if start.tzinfo is None:
            raise ClockError(f"expected an aware datetime to start the clock at, found the naive {start.isoformat()}")
        self._now = start.timestamp()
        self._speed = speed
        self._mutex = threading.RLock()
        self._changed = threading.Condition(self._mutex)
        self._heap: list[tuple[float, int, _Waiter]] = []
        self._sequence = itertools.count()
        self._busy = False
        self._closed = False
        self._waiting: set[_Waiter] = set()
        self._foreground: _Waiter | None = None
        self._foreground_thread: threading.Thread | None = None
        self._failures: list[tuple[str, BaseException]] = []
        self._traveller = time_machine.travel(self._now, tick=False)
        self._real_start = 0.0
        self._granted_at = 0.0
        self._worked = 0.0

    @property
    def is_discrete(self) -> bool:
        """Whether time jumps from one due moment to the next, and does not run at a speed."""
        return self._speed is None

    # -- life ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> Clock:
        global _current
        if _current is not None:
            raise ClockError("a clock is running already in this process; close it before another is started")
        _current = self
        self._coordinates = self._traveller.start()
        self._foreground_thread = threading.current_thread()
        self._busy = True
        self._real_start = self._granted_at = time.monotonic()
        self._virtual_start = self._now
        if self._speed is not None:
            threading.Thread(target=self._tick, name="clock", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        global _current
        with self._mutex:
            self._closed = True
            self._changed.notify_all()
            for waiter in list(self._waiting):
                waiter.error = ClockClosed()
                waiter.gate.release()
            self._waiting.clear()
            self._heap.clear()
        self._traveller.stop()
        _current = None

    # -- what tasks use -----------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The virtual moment, an aware datetime in UTC."""
        return datetime.fromtimestamp(self._now, UTC)

    def time(self) -> float:
        """The virtual moment, in seconds since the epoch."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of virtual time pass, and everything happen that is due in them."""
        self._pause(max(0.0, seconds), None)

    def event(self) -> Event:
        return Event(self)

    def spawn(self, call: Callable[[], object], name: str) -> None:
        """Run `call` as a task of its own, from now on, when those who are due have had their turn."""
        self.call_later(0, call, name)

    def call_later(self, seconds: float, call: Callable[[], object], name: str) -> Timer:
        """Run `call` as a task of its own in `seconds` of virtual time."""
        timer = Timer()
        waiter = _Waiter(name)

        def task() -> None:
            with waiter.gate:
                pass
            if isinstance(waiter.error, ClockClosed):
                return
            try:
                if not timer.cancelled:
                    call()
            except ClockClosed:
                return
            except BaseException as error:  # noqa: BLE001 - the foreground raises it
                self._failed(name, error)
            self._release()

        with self._mutex:
            if self._closed:
                return timer
            self._waiting.add(waiter)
            self._schedule(waiter, self._now + max(0.0, seconds))
        threading.Thread(target=task, name=name, daemon=True).start()
        return timer

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A turn for a thread that comes from outside, such as an HTTP server's."""
        waiter = _Waiter(threading.current_thread().name)
        with self._mutex:
            if self._closed:
                raise ClockClosed()
            self._waiting.add(waiter)
            self._schedule(waiter, self._now)
        self._block(waiter)
        try:
            yield
        finally:
            self._release()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Give the turn back while the holder does something outside virtual time, such as serving HTTP."""
        self._release()
        try:
            yield
        finally:
            waiter = _Waiter("returning")
            with self._mutex:
                if not self._closed:
                    self._waiting.add(waiter)
                    self._schedule(waiter, self._now)
            if not self._closed:
                self._block(waiter)

    # -- turns --------------------------------------------------------------------------------------------------

    def _pause(self, timeout: float | None, event: Event | None) -> None:
        waiter = _Waiter(threading.current_thread().name)
        with self._mutex:
            if self._closed:
                raise ClockClosed()
            self._waiting.add(waiter)
            if event is not None:
                event._waiters.append(waiter)
            if timeout is not None:
                self._schedule(waiter, self._now + timeout)
            if threading.current_thread() is self._foreground_thread:
                self._foreground = waiter
        self._release()
        try:
            self._block(waiter)
        except ClockStalled:
            self._raise_failure()
            raise
        finally:
            if event is not None and waiter in event._waiters:
                event._waiters.remove(waiter)
            if threading.current_thread() is self._foreground_thread:
                self._foreground = None
        if threading.current_thread() is self._foreground_thread:
            self._raise_failure()

    def _block(self, waiter: _Waiter) -> None:
        waiter.gate.acquire()
        if waiter.error is not None:
            raise waiter.error

    def _make_due(self, waiter: _Waiter) -> None:
        with self._mutex:
            if waiter in self._waiting:
                self._schedule(waiter, self._now)

    def _schedule(self, waiter: _Waiter, due: float) -> None:
        """Put the waiter in the queue; an earlier entry of the same waiter becomes void."""
        waiter.entry = next(self._sequence)
        heapq.heappush(self._heap, (due, waiter.entry, waiter))
        self._changed.notify_all()

    def _release(self) -> None:
        with self._mutex:
            if self._busy:
                self._worked += time.monotonic() - self._granted_at
            self._busy = False
            if self._closed:
                return
            if self._speed is not None:
                self._changed.notify_all()
                return
            self._drop_void_entries()
            if self._heap:
                self._grant_next()
            elif self._foreground is not None:
                self._stall(self._foreground)

    def _drop_void_entries(self) -> None:
        while self._heap and (self._heap[0][1] != self._heap[0][2].entry or self._heap[0][2] not in self._waiting):
            heapq.heappop(self._heap)

    def _grant_next(self) -> None:
        due, _, waiter = heapq.heappop(self._heap)
        self._move_to(max(self._now, due) if self._speed is None else self._virtual_now())
        self._grant(waiter)

    def _grant(self, waiter: _Waiter) -> None:
        self._waiting.discard(waiter)
        self._busy = True
        self._granted_at = time.monotonic()
        waiter.gate.release()

    def _stall(self, waiter: _Waiter) -> None:
        names = sorted(task.name for task in self._waiting if task is not waiter)
        waiter.error = ClockStalled(
            "nothing is due in the embedded AWS, and what is awaited can no longer happen; "
            f"also waiting: {', '.join(names) or 'nobody'}"
        )
        self._grant(waiter)

    def _move_to(self, moment: float) -> None:
        self._now = moment
        self._coordinates.move_to(moment, tick=False)

    def _virtual_now(self) -> float:
        """At a speed: the moment it is. Work takes none of the virtual time, or 0.1 s of it would be a minute's."""
        assert self._speed is not None
        return self._virtual_start + (time.monotonic() - self._real_start - self._worked) * self._speed

    def _tick(self) -> None:
        """At a speed: hand out turns when real time has come far enough."""
        assert self._speed is not None
        with self._mutex:
            while not self._closed:
                self._drop_void_entries()
                if self._busy or not self._heap:
                    self._changed.wait()
                    continue
                remaining = (self._heap[0][0] - self._virtual_now()) / self._speed
                if remaining > 0:
                    self._changed.wait(remaining)
                else:
                    self._grant_next()

    # -- failures of tasks --------------------------------------------------------------------------------------

    def _failed(self, name: str, error: BaseException) -> None:
        if self._speed is not None:
            traceback.print_exception(error, file=sys.__stderr__)
        else:
            self._failures.append((name, error))

    def _raise_failure(self) -> None:
        if self._failures:
            name, error = self._failures.pop(0)
            raise TaskFailed(
                f"the task {name!r} of the embedded AWS ended in {type(error).__name__}: {error}"
            ) from error


_current: Clock | None = None


def current() -> Clock:
    """The clock that runs in this process.

    Raises ClockError when none does.
    """
    if _current is None:
        raise ClockError("no embedded AWS is running in this process: start one with `LocalAws()` first")
    return _current


def is_running() -> bool:
    """Whether an embedded AWS is running in this process."""
    return _current is not None


T = TypeVar("T")


class PerClock(Generic[T]):
    """A value of which each embedded AWS has its own: `make` makes it at its first use, and it goes with the clock."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: WeakKeyDictionary[Clock, T] = WeakKeyDictionary()

    def __call__(self) -> T:
        """The value of the embedded AWS that runs now.

        Raises ClockError when none does.
        """
        clock = current()
        if clock not in self._values:
            self._values[clock] = self._make()
        return self._values[clock]
