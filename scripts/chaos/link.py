"""A TCP proxy on loopback that can do to a connection what a warehouse network does."""

import random
import selectors
import socket
import threading
import time
from contextlib import suppress
from typing import Final, Literal

Fault = Literal["cut", "slow", "hole", "down", "garbage"]
SLOW_BYTES: Final = 200
"""Passed on at a time while the link is slow, every ``SLOW_PAUSE_S``: about 4 kB/s each way."""
SLOW_PAUSE_S: Final = 0.05


class Link:
    """``Link(port)`` listens on ``link.port`` and passes everything on to ``port``; ``fault`` is what it does now.

    ``cut``: every connection ends in the middle of what is under way, new ones are taken; ``down``: they end and
    new ones are refused; ``hole``: connections stay but nothing passes; ``garbage``: what the server sends is
    overwritten with noise.
    """

    def __init__(self, target_port: int, seed: int = 0) -> None:
        self._target_port = target_port
        self._noise = random.Random(seed)
        self._fault: Fault | None = None
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        for run in (self._accept, self._pass_on):
            threading.Thread(target=run, daemon=True).start()

    def suffer(self, fault: Fault) -> None:
        """Begin a fault; ``cut`` is over at once."""
        if fault in {"cut", "down"}:
            self._fault = fault
            self._end_all()
        self._fault = None if fault == "cut" else fault

    def heal(self) -> None:
        """Pass everything on again, at once and unchanged."""
        self._fault = None

    def close(self) -> None:
        """End every connection and listen no longer."""
        self._stopping.set()
        self._listener.close()
        self._end_all()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._fault == "down":
                    raise ConnectionRefusedError
                far = socket.create_connection(("127.0.0.1", self._target_port), timeout=2)
            except OSError:
                near.close()
                continue
            with self._lock:
                self._pairs |= {near: far, far: near}

    def _pass_on(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                ends = list(self._pairs)
            if not ends or self._fault == "hole":
                time.sleep(0.01)
                continue
            for end in _readable(ends):
                self._move(end)
            if self._fault == "slow":
                time.sleep(SLOW_PAUSE_S)

    def _move(self, end: socket.socket) -> None:
        other = self._pairs.get(end)
        try:
            data = end.recv(SLOW_BYTES if self._fault == "slow" else 65536)
            if not data or other is None:
                raise ConnectionResetError
            from_server = other.getsockname()[1] == self.port
            other.sendall(self._noise.randbytes(len(data)) if self._fault == "garbage" and from_server else data)
        except OSError:
            self._end(end)

    def _end(self, end: socket.socket) -> None:
        with self._lock:
            other = self._pairs.pop(end, None)
            if other is not None:
                self._pairs.pop(other, None)
        for each in (end, other):
            if each is not None:
                each.close()

    def _end_all(self) -> None:
        for end in list(self._pairs):
            self._end(end)


def _readable(ends: list[socket.socket]) -> list[socket.socket]:
    """An end may be closed by the other thread at any moment; it is then no longer among the pairs."""
    with selectors.DefaultSelector() as selector:
        for end in ends:
            with suppress(OSError, ValueError):
                selector.register(end, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(0.02) if isinstance(key.fileobj, socket.socket)]
