"""Simulated people drawn side by side: one process on each core."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Drawn = TypeVar("Drawn")

ALONE = {"LP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Mesa's software renderer and BLAS: one core each, no waiting for others."""


def on_each_core(draw: Callable[..., Drawn], *of: Iterable[Any]) -> Iterator[Drawn]:
    """What `draw` makes of each, in order. Once one fails, or nobody asks on, what has not begun is given up."""
    os.environ |= ALONE  # before a process begins, for it reads them as it imports
    pool = ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("spawn"))
    try:
        yield from pool.map(draw, *of)
    finally:
        pool.shutdown(cancel_futures=True)
