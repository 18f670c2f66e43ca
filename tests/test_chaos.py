"""Real brokers, agents and bridges are killed, cut off and lied to at random: every lift is counted once."""

import secrets
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.chaos.link import Link
from scripts.chaos.run import sound, summary, wreak


def test_nothing_is_lost_or_counted_twice_in_a_random_mixture_of_faults(tmp_path: Path) -> None:
    seed = secrets.randbelow(10**9)
    figures = summary(wreak(faults=24, chains=2, seed=seed, traces=tmp_path), seed)
    assert sound(figures), f"repeat with: python -m scripts.chaos.run --faults 24 --chains 2 --seed {seed}; {figures}"
    assert figures["faults"] == 24
    assert figures["made"] > 50
    assert figures["counted"] == figures["made"]


def test_a_loss_a_second_count_or_a_chain_that_stays_down_is_not_sound() -> None:
    good = {"lost": 0, "duplicated": 0, "ghosts": 0, "failures": []}
    assert sound(good)
    for bad in ({"lost": 1}, {"duplicated": 1}, {"ghosts": 1}, {"failures": ["it stayed down"]}):
        assert not sound(good | bad)


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(4096):
            self.request.sendall(data)


@pytest.fixture
def link() -> Iterator[Link]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        link = Link(server.server_address[1])
        yield link
        link.close()
        server.shutdown()


def test_a_link_passes_on_holds_back_and_cuts(link: Link) -> None:
    with socket.create_connection(("127.0.0.1", link.port), timeout=10) as caller:
        caller.sendall(b"hello")
        assert caller.recv(10) == b"hello"

        link.suffer("hole")
        caller.sendall(b"late")
        caller.settimeout(0.3)
        with pytest.raises(TimeoutError):
            caller.recv(10)
        link.heal()
        caller.settimeout(10)
        assert caller.recv(10) == b"late"

        link.suffer("garbage")
        caller.sendall(b"sixteen letters!")
        assert caller.recv(16) != b"sixteen letters!"

        link.suffer("cut")
        assert caller.recv(10) == b""
