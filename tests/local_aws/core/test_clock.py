"""The clock of the embedded AWS: virtual time, one task at a time, the same order in each run."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from local_aws.core import clock
from local_aws.core.clock import Clock, ClockError, ClockStalled, TaskFailed
from local_aws.core.virtual_threading import VirtualThreading

START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def test_a_month_passes_in_no_time_and_every_clock_of_python_agrees() -> None:
    began = time.perf_counter()
    with Clock(START) as running:
        running.sleep(31 * 86400)

        assert running.now() == datetime(2027, 1, 1, 9, 0, tzinfo=UTC)
        assert datetime.now(UTC) == running.now()
        assert time.time() == running.time()
    assert time.perf_counter() - began < 5
    assert datetime.now(UTC).year != 2027 or datetime.now(UTC).month != 1


def test_tasks_that_are_due_together_run_in_the_order_in_which_they_were_scheduled() -> None:
    def run_once() -> list[str]:
        order: list[str] = []

        def task(name: str, seconds: float) -> None:
            for _ in range(3):
                clock.current().sleep(seconds)
                order.append(f"{name}@{clock.current().time() - START.timestamp():g}")

        with Clock(START) as running:
            running.spawn(lambda: task("a", 10), "a")
            running.spawn(lambda: task("b", 10), "b")
            running.spawn(lambda: task("c", 15), "c")
            running.sleep(60)
        return order

    first = run_once()

    assert first == ["a@10", "b@10", "c@15", "a@20", "b@20", "c@30", "a@30", "b@30", "c@45"]
    assert run_once() == first


def test_only_the_holder_of_the_turn_runs() -> None:
    inside = 0
    overlaps = []

    def task() -> None:
        nonlocal inside
        for _ in range(20):
            inside += 1
            overlaps.append(inside)
            time.sleep(0)  # real: it offers the processor to the other threads
            inside -= 1
            clock.current().sleep(1)

    with Clock(START) as running:
        for number in range(5):
            running.spawn(task, f"task {number}")
        running.sleep(60)

    assert set(overlaps) == {1}
    assert len(overlaps) == 100


def test_an_event_wakes_those_who_wait_at_once_and_a_wait_ends_at_its_timeout() -> None:
    with Clock(START) as running:
        event = running.event()
        running.call_later(30, event.set, "setter")

        assert event.wait(10) is False
        assert running.time() == START.timestamp() + 10
        assert event.wait(100) is True
        assert running.time() == START.timestamp() + 30


def test_a_cancelled_timer_does_nothing() -> None:
    calls: list[str] = []
    with Clock(START) as running:
        timer = running.call_later(5, lambda: calls.append("cancelled"), "cancelled")
        running.call_later(6, lambda: calls.append("kept"), "kept")
        timer.cancel()
        running.sleep(10)

    assert calls == ["kept"]


def test_a_wait_that_nothing_can_end_is_an_error_that_names_who_waits() -> None:
    with Clock(START) as running:
        running.spawn(lambda: running.event().wait(), "forgotten task")

        with pytest.raises(ClockStalled, match="forgotten task"):
            running.event().wait()


def test_the_failure_of_a_task_reaches_the_one_who_runs_the_clock() -> None:
    def broken() -> None:
        raise ValueError("a defect")

    with Clock(START) as running:
        running.spawn(broken, "broken task")

        with pytest.raises(TaskFailed, match=r"'broken task'.*ValueError: a defect"):
            running.sleep(1)


def test_two_clocks_at_once_are_refused_and_so_is_a_naive_start() -> None:
    with Clock(START), pytest.raises(ClockError, match="already"), Clock(START):
        pass
    with pytest.raises(ClockError, match="naive"):
        Clock(datetime(2026, 12, 1))
    with pytest.raises(ClockError, match="no embedded AWS is running"):
        clock.current()


def test_threads_end_when_the_clock_is_closed() -> None:
    cleaned = threading.Event()

    def waiting() -> None:
        try:
            clock.current().sleep(1000)
        finally:
            cleaned.set()

    with Clock(START) as running:
        running.spawn(waiting, "waiting")
        running.sleep(1)

    assert cleaned.wait(5)


def test_a_virtual_thread_is_joined_in_virtual_time() -> None:
    with Clock(START) as running:
        thread = VirtualThreading.Thread(target=running.sleep, args=(60,))
        thread.start()
        thread.join(timeout=20)
        assert thread.is_alive()
        assert running.time() == START.timestamp() + 20
        thread.join()
        assert not thread.is_alive()
        assert running.time() == START.timestamp() + 60


def test_with_a_speed_virtual_time_runs_at_that_multiple_of_real_time() -> None:
    began = time.monotonic()
    with Clock(START, speed=200) as running:
        running.sleep(60)
        virtual = running.time() - START.timestamp()
    real = time.monotonic() - began

    assert virtual >= 60
    assert 0.3 <= real < 3


def test_with_a_speed_a_thread_from_outside_takes_its_turn() -> None:
    seen: list[float] = []

    def from_outside(running: Clock) -> None:
        with running.turn():
            seen.append(running.time())

    with Clock(START, speed=1000) as running:
        outside = threading.Thread(target=from_outside, args=(running,))
        outside.start()
        with running.away():
            outside.join(5)

    assert len(seen) == 1


def test_with_a_speed_real_work_takes_no_virtual_time() -> None:
    with Clock(START, speed=1000) as running:
        running.sleep(1)
        began = running.time()
        worked_until = time.monotonic() + 0.3
        while time.monotonic() < worked_until:
            pass
        running.sleep(1)

    assert 1 <= running.time() - began < 60
