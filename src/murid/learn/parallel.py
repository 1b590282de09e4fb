"""Threads that never change an answer.

Work is cut into parts that do not depend on the number of workers, and results come back in
the order of the parts. BLAS runs with one thread inside, because its sums otherwise depend
on how many threads it happened to get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")
Map = Callable[[Callable[[Part], Result], Iterable[Part]], list[Result]]


@contextmanager
def workers(n_workers: int = 1) -> Iterator[Map]:
    """Give an ordered ``map(function, parts) -> list`` on `n_workers` threads.

    Parameters
    ----------
    n_workers : int
        Threads; 1 runs in the calling thread. The answer is the same for any number.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        if n_workers <= 1:
            yield lambda function, parts: [function(part) for part in parts]
        else:
            with ThreadPoolExecutor(n_workers) as pool:
                yield lambda function, parts: list(pool.map(function, parts))


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let matrix products run on one thread: their sums, and so labels at a border, depend on how many there are."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


def chunks(n: int, size: int) -> list[slice]:
    """Cut ``range(n)`` into slices of at most `size`."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def summed(pmap: Map, function: Callable[[Part], tuple], parts: list[Part], batch: int = 32) -> tuple:
    """Add up the tuples that `function` gives for all `parts`, in order, holding one batch at a time."""
    total: tuple | None = None
    for some in chunks(len(parts), batch):
        for result in pmap(function, parts[some]):
            total = result if total is None else tuple(a + b for a, b in zip(total, result, strict=True))
    return total or ()
