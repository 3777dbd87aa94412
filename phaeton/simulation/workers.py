"""Who answers: the cores of this machine, or a Dask cluster. Both are an `Executor` of the standard library.

On this machine the numbers of the history stay in their file; a cluster gets them once. It needs the optional part
``cluster``, and the same Phaeton on all of its machines.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import NamedTuple

from phaeton.simulation.question import Carried, Question, Task, carried, unpacked
from phaeton.simulation.result import Result

_CLUSTER_WAIT_S = 30.0


class ClusterError(RuntimeError):
    """The cluster cannot be used; the text says why and what to do."""


class Workers(NamedTuple):
    """Give them tasks; ``at_once`` of them at a time are worked on."""

    ask: Callable[[Task], Future[Result]]
    at_once: int


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def local(question: Question, jobs: int) -> Iterator[Workers]:
    """Processes of this machine."""
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin) as executor:
        try:
            yield from _with(executor, lambda task: executor.submit(question.answer, task), jobs)
        except BaseException:
            for worker in active_children():  # one that is asked to end may wait for ever when Ctrl-C came between
                worker.kill()
            raise


@contextmanager
def cluster(question: Question, address: str) -> Iterator[Workers]:
    """The workers of a Dask cluster at ``address``; raises `ClusterError`."""
    try:
        from distributed import Client  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ClusterError("--cluster needs the optional part: pip install 'phaeton[cluster]'") from None
    try:
        client = Client(address, timeout=_CLUSTER_WAIT_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        count = sum(client.nthreads().values())
        if not count:
            raise ClusterError(f"the cluster at {address} has no workers: start `dask worker {address}`")
        there = client.scatter(carried(question), broadcast=True)
        executor: Executor = client.get_executor()
        yield from _with(executor, lambda task: executor.submit(_answer_carried, there, task), count)


def _with(executor: Executor, ask: Callable[[Task], Future[Result]], count: int) -> Iterator[Workers]:
    try:
        yield Workers(ask, count)
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asked


def _answer_carried(packed: Carried, task: Task) -> Result:
    return unpacked(packed).answer(task)
