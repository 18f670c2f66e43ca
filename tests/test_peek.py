"""An engineer looks through a camera: by hand, for a while, on this machine, and nobody is recognised."""

import os
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from structlog.testing import capture_logs

from edge_agent.coarse import WIDTH_PX
from edge_agent.core.records import Image
from edge_agent.errors import InputError
from edge_agent.peek import Peek, camera_named, peek
from edge_agent.settings import CameraSettings, Settings
from tests.demo_clip import DEMO_CLIP
from tests.services import wait_for

MASK = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def site(*, masked: bool = False) -> Settings:
    camera = CameraSettings(name="dock", source=str(DEMO_CLIP), masks=(MASK,) if masked else ())
    return Settings(cameras=(camera,))


def answer(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as reply:
        assert reply.headers["Cache-Control"] == "no-store"
        body: bytes = reply.read()
        return body


def picture(url: str) -> Image | None:
    body = answer(f"{url}picture.jpg")
    return np.asarray(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR), np.uint8) if body else None


@pytest.fixture
def pages() -> Iterator[list[str]]:
    """Addresses that were told, of a look that is over when the test is."""
    told: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=peek, args=(site(masked=True), "dock", 5, stop, told.append))
    thread.start()
    yield told
    stop.set()
    thread.join()


def test_the_picture_is_small_and_masked_areas_are_blank(pages: list[str]) -> None:
    url = wait_for("the address", lambda: pages[:1], 60)[0]
    assert b"picture.jpg" in answer(url)
    shown = wait_for("a picture", lambda: [seen] if (seen := picture(url)) is not None else [], 60)[0]
    assert shown.shape[1] == WIDTH_PX
    assert shown[:, : WIDTH_PX // 2 - 8].max() < 30
    assert shown[:, WIDTH_PX // 2 + 8 :].max() > 60


def test_nobody_finds_it_who_was_not_told_and_no_other_machine_reaches_it() -> None:
    with Peek() as page:
        base, token = page.url.rstrip("/").rsplit("/", 1)
        for guess in (base, f"{base}/picture.jpg", f"{base}/{token[:-1]}x/", f"{base}/{token}/../picture.jpg"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                answer(guess)
            assert refused.value.code == 404
        port = int(re.findall(r":(\d+)", base)[0])
        others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)} - {
            "127.0.0.1"
        }
        for address in {"127.0.0.2", *map(str, others)}:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, port), timeout=2)


def test_it_says_who_looks_and_ends_by_itself() -> None:
    with capture_logs() as logs:
        told: list[str] = []
        peek(site(), "dock", 0.02, threading.Event(), told.append)
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == [
        "a camera's picture is shown",
        "a camera's picture is no longer shown",
    ]
    assert (logs[0]["camera"], logs[0]["minutes"]) == ("dock", 0.02)
    assert logs[0]["user"]
    with pytest.raises(urllib.error.URLError):
        answer(told[0])


def test_an_unknown_camera_is_said_with_those_there_are() -> None:
    with pytest.raises(InputError) as error:
        camera_named(site(), "dok")
    assert "dock" in error.value.fix


@pytest.mark.parametrize("minutes", ["0", "61"])
def test_it_cannot_be_left_on(minutes: str, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(f"cameras: [{{name: dock, source: {DEMO_CLIP}}}]\n")
    words = ["peek", "dock", "--config", str(file), "--minutes", minutes]
    command = [sys.executable, "-c", "from edge_agent.cli import main; main()", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"HOME": str(tmp_path)}
    )
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == [file]
