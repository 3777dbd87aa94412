"""The one worker thread: work that may block (disk, password hashing) runs there in turn, never on the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """Runs jobs one after the other in one thread; the thread begins with the first job.

    It is a daemon thread: a disk that hangs may delay what waits for it, but not the end of the process.
    """

    def __init__(self, name: str = "phaeton-worker") -> None:
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, job: Callable[[], T]) -> asyncio.Future[T]:
        """Queue ``job``; the future has its result or its exception. A cancelled future leaves the job running."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def finish(result: T | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)  # type: ignore[arg-type]
            else:
                future.set_exception(error)

        def work() -> None:
            result: T | None = None
            error: BaseException | None = None
            try:
                result = job()
            except BaseException as problem:
                error = problem
            if not loop.is_closed():
                loop.call_soon_threadsafe(finish, result, error)

        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put(work)
        return future

    @property
    def waiting(self) -> int:
        """Jobs that have not begun yet."""
        return self._jobs.qsize()

    def stop(self) -> None:
        """Let the thread end after the jobs that are queued; a later job begins a new one."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread = None

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
