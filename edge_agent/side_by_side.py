"""The same work for many at once, where some may never come to an end."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    limit_s: float,
    tell_done: Callable[[], None] = lambda: None,
) -> list[Result | None]:
    """What ``work`` gives for each item, in order; None for one that takes longer than ``limit_s``.

    That one is left behind in a daemon thread: a ThreadPoolExecutor would wait for it at the program's end, and who
    hangs inside FFmpeg or a name server's client cannot be interrupted. An error of ``work`` is raised here.
    """
    done: queue.SimpleQueue[tuple[int, Result | Exception]] = queue.SimpleQueue()

    def do(number: int, item: Item) -> None:
        try:
            done.put((number, work(item)))
        except Exception as error:  # noqa: BLE001 - handed over, and raised by whoever waits
            done.put((number, error))

    for number, item in enumerate(items):
        threading.Thread(target=do, args=(number, item), name=f"side-by-side-{number}", daemon=True).start()
    results: list[Result | None] = [None] * len(items)
    until_s = time.monotonic() + limit_s
    for _ in items:
        try:
            number, result = done.get(timeout=max(0.0, until_s - time.monotonic()))
        except queue.Empty:
            break
        if isinstance(result, Exception):
            raise result
        results[number] = result
        tell_done()
    return results
