"""A bounded pool of threads: the event loop hands work over and never blocks."""

import asyncio
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from mem0_model.errors import overloaded

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """Runs at most `workers` jobs at once and lets at most `queue` more wait.

    To be used from one event loop. The engine releases the interpreter lock while it computes,
    so each worker keeps one core busy.
    """

    def __init__(self, workers: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="model")
        self._limit = workers + queue
        self._workers = workers
        self._pending = 0
        self._started: dict[int, float] = {}
        self._numbers = itertools.count()

    @property
    def pending(self) -> int:
        """Jobs that run or wait."""
        return self._pending

    @property
    def busy(self) -> bool:
        """Whether every worker has a job."""
        return self._pending >= self._workers

    @property
    def longest(self) -> float:
        """Seconds since the oldest running job was started, 0 when none runs."""
        started = min(self._started.values(), default=None)
        return 0.0 if started is None else time.monotonic() - started

    async def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `job` in a worker and return its result; raise `ApiError` 429 when the queue is full.

        A caller that goes away frees its place only when its job has ended: a started job cannot
        be interrupted, and counting it as gone would let the queue grow without bound.
        """
        if self._pending >= self._limit:
            raise overloaded()
        self._pending += 1
        number = next(self._numbers)

        def timed() -> T:
            self._started[number] = time.monotonic()
            try:
                return job(*args, **kwargs)
            finally:
                del self._started[number]

        future = asyncio.get_running_loop().run_in_executor(self._executor, timed)
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def _done(self, future: "asyncio.Future[T]") -> None:
        self._pending -= 1
        if not future.cancelled():
            future.exception()  # seen here, should the caller have gone away

    def close(self) -> None:
        """Wait for running jobs, drop waiting ones."""
        self._executor.shutdown(wait=True, cancel_futures=True)
