"""What the `threading` and `time` modules offer, in virtual time, for code that was written for real time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from local_aws.core import clock


class VirtualThreading:
    """The members of both modules that moto uses. Each looks up the clock that runs when it is used."""

    Lock = staticmethod(threading.Lock)
    RLock = staticmethod(threading.RLock)
    current_thread = staticmethod(threading.current_thread)

    @staticmethod
    def Event() -> clock.Event:  # noqa: N802 - the name of threading.Event
        return clock.current().event()

    @staticmethod
    def sleep(seconds: float) -> None:
        clock.current().sleep(seconds)

    @staticmethod
    def time() -> float:
        return clock.current().time()

    class Thread:
        """`threading.Thread`, run as a task of the clock."""

        native_id = 0

        def __init__(
            self,
            target: Callable[..., object],
            args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None,
            name: str = "",
            daemon: bool = True,
        ) -> None:
            self._call: Callable[[], object] = lambda: target(*args, **(kwargs or {}))
            self.name = name or getattr(target, "__qualname__", "task")
            self.daemon = daemon
            self._done = clock.current().event()
            self._alive = False

        def start(self) -> None:
            self._alive = True

            def run() -> None:
                try:
                    self._call()
                finally:
                    self._alive = False
                    self._done.set()

            clock.current().spawn(run, self.name)

        def join(self, timeout: float | None = None) -> None:
            self._done.wait(timeout)

        def is_alive(self) -> bool:
            return self._alive
