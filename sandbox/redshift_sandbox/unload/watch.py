"""Small helpers with threads: cancel a blocking call if the session is cancelled, and read ahead."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from redshift_sandbox.contracts import SessionContext

_POLL_SECONDS = 0.05

T = TypeVar("T")


@contextmanager
def cancelling(session: SessionContext, cancel: Callable[[], None]) -> Iterator[None]:
    """While the block runs, calls `cancel` from another thread, repeatedly, once the session is cancelled."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            if session.cancelled():
                cancel()

    thread = threading.Thread(target=watch, name="unload-cancel", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def pause(seconds: float, stop: Callable[[], bool]) -> None:
    """Waits, until `stop()` is true at the longest."""
    waiting = threading.Event()
    left = seconds
    while left > 0 and not stop():
        waiting.wait(min(left, _POLL_SECONDS))
        left -= _POLL_SECONDS


@contextmanager
def read_ahead(items: Iterator[T], depth: int) -> Iterator[Iterator[T]]:
    """The same items, made in a thread up to `depth` ahead of their use. What it raises is raised here."""
    pipe: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(maxsize=depth)
    closed = threading.Event()

    def offer(entry: tuple[T | None, BaseException | None]) -> bool:
        while not closed.is_set():
            try:
                pipe.put(entry, timeout=_POLL_SECONDS)
                return True
            except queue.Full:
                continue
        return False

    def produce() -> None:
        try:
            for item in items:
                if not offer((item, None)):
                    return
            offer((None, StopIteration()))
        except BaseException as error:  # passed on as it is: the consumer decides
            offer((None, error))

    def consume() -> Iterator[T]:
        while True:
            item, error = pipe.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            assert item is not None
            yield item

    thread = threading.Thread(target=produce, name="unload-reader", daemon=True)
    thread.start()
    try:
        yield consume()
    finally:
        closed.set()
        thread.join()
